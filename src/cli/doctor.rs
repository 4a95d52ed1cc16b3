//! `tocsin doctor`: what is wrong with a deployment, and what to do about it.
//!
//! Exit codes: 0 nothing stands in the way, 1 something does, 2 a configuration that cannot be read.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;

use super::{FAILED, Global, doctor_desk, topics};
use crate::config::{DrillClock, Settings, load_rule_set};
use crate::kafka::cluster::partition_counts;
use crate::kafka::probe::{Tried, ahead, reading, writing};
use crate::kafka::topics::{check, plan};

/// Free space below which a folder is in danger.
const LOW_BYTES: u64 = 1 << 30;
/// Longest wait for the process to answer.
const ALIVE_WITHIN: Duration = Duration::from_secs(3);

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Try to write, too: one record per topic, in transactions that are aborted, so that no reader sees any
    #[arg(long)]
    write: bool,
    /// Only ask the process on `http.listen` whether it is alive: for health checks
    #[arg(long)]
    alive: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    Warning,
    Failed,
}

#[derive(Debug, Serialize)]
struct Finding {
    about: &'static str,
    state: State,
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

#[derive(Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn ok(&mut self, about: &'static str, what: impl Into<String>) {
        self.add(about, State::Ok, what.into(), None);
    }

    pub(super) fn warn(&mut self, about: &'static str, what: impl Into<String>, help: &str) {
        self.add(about, State::Warning, what.into(), Some(help));
    }

    pub(super) fn fail(&mut self, about: &'static str, what: impl Into<String>, help: &str) {
        self.add(about, State::Failed, what.into(), Some(help));
    }

    fn add(&mut self, about: &'static str, state: State, what: String, help: Option<&str>) {
        let help = help.filter(|help| !help.is_empty()).map(str::to_owned);
        self.0.push(Finding {
            about,
            state,
            what,
            help,
        });
    }
}

/// Runs the command.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let settings = global.settings()?;
    if args.alive {
        return Ok(alive(&settings.http.listen));
    }
    let mut found = Findings::default();
    found.ok("configuration", "can be read");
    rules(&settings, &mut found);
    drills(&settings, &mut found);
    cluster(&settings, args.write, &mut found)?;
    doctor_desk::desk(&settings, &mut found)?;
    disk(&settings, global, &mut found);
    let failed = found.0.iter().any(|one| one.state == State::Failed);
    show(&found.0, args.json, failed)?;
    Ok(ExitCode::from(if failed { FAILED } else { 0 }))
}

fn show(found: &[Finding], json: bool, failed: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        let shown = serde_json::json!({"ok": !failed, "findings": found});
        return writeln!(out, "{shown:#}");
    }
    for one in found {
        let mark = match one.state {
            State::Ok => "ok   ",
            State::Warning => "WARN ",
            State::Failed => "FAIL ",
        };
        writeln!(out, "{mark} {}: {}", one.about, one.what)?;
        if let Some(help) = &one.help {
            writeln!(out, "      {help}")?;
        }
    }
    Ok(())
}

fn rules(settings: &Settings, found: &mut Findings) {
    match load_rule_set(&settings.paths) {
        Ok(set) => found.ok("rules", format!("version {}", set.version)),
        Err(errors) => found.fail(
            "rules",
            format!("{} findings", errors.diagnostics.len()),
            "`tocsin check` shows each with its place",
        ),
    }
    if settings.feeds.is_empty() {
        let help = "state [[feeds]], or set paths.feeds";
        found.fail("feeds", "there is none", help);
    }
}

fn drills(settings: &Settings, found: &mut Findings) {
    match settings.drills.drill_key() {
        Some(_) => found.ok("drills", "there is a drill key"),
        None => found.warn(
            "drills",
            "there is no drill key: every label is rejected",
            "`tocsin drill key --out FILE`, and drills.key_file",
        ),
    }
    if settings.drills.clock == DrillClock::Records {
        let help = "drills.clock = \"wall\" for anything real";
        found.warn("clock", "records drive the clock: for tests only", help);
    }
}

fn cluster(settings: &Settings, write: bool, found: &mut Findings) -> anyhow::Result<()> {
    let kafka = settings.kafka_settings();
    let counts = match partition_counts(&kafka) {
        Ok(counts) => counts,
        Err(error) => {
            found.fail("broker", error.to_string(), "");
            return Ok(());
        }
    };
    let brokers = &settings.kafka.brokers;
    found.ok(
        "broker",
        format!("{brokers} answers, {} topics", counts.len()),
    );
    // Rules that cannot be read are named above; the departments' topics are not known without them.
    let plans = topics::plans(settings).unwrap_or_else(|_| plan(&settings.topics, &settings.feeds));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match runtime.block_on(check(&kafka, &plans)) {
        Ok(wrong) if wrong.is_empty() => found.ok("topics", "all as they have to be"),
        Ok(wrong) => {
            for one in wrong {
                let what = format!("{}: {}", one.topic, one.problem);
                if one.fatal {
                    found.fail("topics", what, &one.help);
                } else {
                    found.warn("topics", what, &one.help);
                }
            }
        }
        Err(error) => found.fail("topics", error.to_string(), ""),
    }
    let names = settings.topic_names();
    let there = |topic: &&str| counts.contains_key(*topic);
    let feeds: Vec<&str> = settings
        .feeds
        .iter()
        .map(|feed| feed.topic.as_str())
        .filter(there)
        .collect();
    let mut read = feeds.clone();
    read.extend(names.all().into_iter().filter(there));
    rights("read", &reading(&kafka, &read), found);
    if write {
        let mut written = vec![&*names.detections, &names.incidents, &names.queue];
        written.extend([&*names.ledger, &names.shadow, &names.dead_letters]);
        // What is not there was named above.
        written.retain(there);
        rights("write", &writing(&kafka, &written), found);
    }
    let early = ahead(&kafka, &counts, &feeds);
    if early.is_empty() {
        found.ok("clock", "no record of a feed lies in the future");
    } else {
        found.fail(
            "clock",
            format!(
                "{}: records more than a minute in the future",
                early.join(", ")
            ),
            "synchronise the clocks of this host and of the sources (chrony, systemd-timesyncd)",
        );
    }
    Ok(())
}

fn rights(about: &'static str, tried: &[Tried], found: &mut Findings) {
    let mut refused = tried.iter().filter(|one| one.error.is_some()).peekable();
    if refused.peek().is_none() {
        found.ok(about, format!("{} rights tried, all there", tried.len()));
    }
    for one in refused {
        let error = one.error.as_deref().unwrap_or_default();
        found.fail(
            about,
            format!("{}: {error}", one.what),
            "docs/operating.md lists the rights that `tocsin run` needs",
        );
    }
}

/// Room where this process writes, and where its configuration is.
fn disk(settings: &Settings, global: &Global, found: &mut Findings) {
    let folder = global.config.as_deref().and_then(Path::parent);
    let folder = folder.filter(|it| !it.as_os_str().is_empty());
    let mut all = vec![folder.unwrap_or(Path::new(".")).to_owned()];
    all.push(std::env::temp_dir());
    all.extend(doctor_desk::folders(settings));
    all.dedup();
    for folder in all {
        let shown = folder.display();
        match rustix::fs::statvfs(&folder) {
            Ok(room) => {
                let free = room.f_bavail.saturating_mul(room.f_frsize);
                let what = format!("{} MiB free at {shown}", free >> 20);
                if free < LOW_BYTES {
                    found.warn("disk", what, "make room: less than 1 GiB is left");
                } else {
                    found.ok("disk", what);
                }
            }
            Err(error) => found.warn("disk", format!("{shown}: {error}"), ""),
        }
    }
}

/// Asks `/healthz` of this host's process.
fn alive(listen: &str) -> ExitCode {
    let answer = || -> io::Result<bool> {
        let mut addresses = listen.to_socket_addrs()?;
        let address = addresses.next().ok_or(io::ErrorKind::NotFound)?;
        let everywhere = address.ip().is_unspecified();
        let ip = if everywhere {
            IpAddr::V4(Ipv4Addr::LOCALHOST)
        } else {
            address.ip()
        };
        let mut stream =
            TcpStream::connect_timeout(&SocketAddr::new(ip, address.port()), ALIVE_WITHIN)?;
        stream.set_read_timeout(Some(ALIVE_WITHIN))?;
        stream.write_all(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(head.ends_with(b" 200"))
    };
    ExitCode::from(if answer().unwrap_or(false) { 0 } else { FAILED })
}
