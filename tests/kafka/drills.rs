//! Drills on a real broker: one that is stopped leaves nothing behind. That the shipped ones pass: `drills_answered`; what one in the
//! midst of real reports changes: `drill_isolation`.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tocsin::config::{LoadOptions, Settings};
use tocsin::core::model::{Alert, MsgType};
use tocsin::kafka::TopicNames;

use super::broker;
use super::tools::{read_committed, unique, until};

const FEEDS: &str = include_str!("../../config/feeds/demo.toml");

/// The bundled rules and feeds on topics of their own, with a drill key.
pub(super) struct Site {
    pub(super) brokers: String,
    pub(super) prefix: String,
    pub(super) names: TopicNames,
    pub(super) dir: tempfile::TempDir,
}

pub(super) struct Running(pub(super) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Site {
    fn new(name: &str, clock: &str, idle_lag_s: u32) -> Self {
        Self::with(name, clock, idle_lag_s, "[http]\nenabled = false\n", |_| {})
    }

    /// The same with further settings, and files beside the configuration.
    pub(super) fn with(
        name: &str,
        clock: &str,
        idle_lag_s: u32,
        more: &str,
        files: impl FnOnce(&std::path::Path),
    ) -> Self {
        let brokers = broker::shared().to_owned();
        let prefix = format!("{}.", unique(name));
        let dir = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(dir.path().join("key"), "a drill key of a test, no secret\n")
            .expect("a key");
        let text = format!(
            "[kafka]\nbrokers = \"{brokers}\"\ngroup = \"{prefix}\"\ntransaction_max_ms = 10\n[topics]\nprefix = \
             \"{prefix}\"\npartitions = 2\nother_partitions = 1\nfeed_partitions = 1\nreplication = 1\n{more}[incident]\nidle_lag_s = {idle_lag_s}\n[drills]\nkey_file = \"key\"\nclock = \"{clock}\"\n{}",
            FEEDS.replace("topic = \"feed.", &format!("topic = \"{prefix}feed."))
        );
        files(dir.path());
        let file = dir.path().join("tocsin.toml");
        std::fs::write(&file, text).expect("write the configuration");
        let settings = Settings::load(&LoadOptions::new(Some(file)))
            .unwrap_or_else(|errors| panic!("{errors}"));
        let site = Self {
            brokers,
            prefix,
            names: settings.topic_names(),
            dir,
        };
        let made = site
            .tocsin(&["topics", "create", "--feeds"])
            .output()
            .expect("run tocsin");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        site
    }

    pub(super) fn runs(&self) -> PathBuf {
        self.dir.path().join("runs")
    }

    pub(super) fn tocsin(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
        command
            .arg("--config")
            .arg(self.dir.path().join("tocsin.toml"))
            .args(args)
            .env("TOCSIN_DRILL_RUNS", self.runs())
            .stdin(Stdio::null());
        command
    }

    pub(super) fn run(&self) -> Running {
        self.run_as("run", &["run"], &[])
    }

    /// A process with settings of its own, which logs to a file of this name.
    pub(super) fn run_as(&self, name: &str, args: &[&str], settings: &[(&str, &str)]) -> Running {
        let log = self.dir.path().join(format!("{name}.log"));
        let log = std::fs::File::create(log).expect("a log");
        let child = self
            .tocsin(args)
            .envs(settings.iter().copied())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("start tocsin");
        Running(child)
    }

    pub(super) fn log(&self) -> String {
        self.log_of("run")
    }

    pub(super) fn log_of(&self, name: &str) -> String {
        let path = self.dir.path().join(format!("{name}.log"));
        std::fs::read_to_string(path).unwrap_or_default()
    }

    /// Runs a drill to its end: its report and exit code.
    pub(super) fn drill(&self, args: &[&str]) -> (Option<i32>, serde_json::Value) {
        let mut all = vec!["drill", "run", "--json"];
        all.extend(args);
        let done = self.tocsin(&all).output().expect("run tocsin");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        let shown = serde_json::from_slice(&done.stdout)
            .unwrap_or_else(|error| panic!("{error}: {said}\n{}", self.log()));
        (done.status.code(), shown)
    }

    pub(super) fn alerts(&self) -> Vec<Alert> {
        let queue = read_committed(&self.brokers, &self.names.queue);
        queue
            .iter()
            .map(super::tools::Seen::json::<Alert>)
            .collect()
    }

    pub(super) fn send(
        &self,
        feed: &str,
        at: i64,
        value: &serde_json::Value,
        labels: &[(&str, &str)],
    ) {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .create()
            .expect("a producer");
        let topic = format!("{}feed.{feed}", self.prefix);
        let payload = value.to_string();
        let mut headers = OwnedHeaders::new();
        for (key, value) in labels {
            headers = headers.insert(Header {
                key,
                value: Some(*value),
            });
        }
        let record: BaseRecord<'_, str, str> = BaseRecord::to(&topic)
            .partition(0)
            .timestamp(at)
            .key("k")
            .payload(payload.as_str())
            .headers(headers);
        producer
            .send(record)
            .map_err(|(error, _)| error)
            .expect("send");
        producer.flush(Duration::from_secs(30)).expect("written");
    }
}

pub(super) fn wall() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("a clock").as_millis() as i64
}

#[test]
fn a_stopped_drill_leaves_no_incident_behind() {
    let site = Site::new("drill-stop", "wall", 10);
    let _running = site.run();
    let started = site
        .tocsin(&[
            "drill",
            "run",
            "building-fire-night",
            "--exercise",
            "stop-1",
            "--speed",
            "60",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("start the drill");
    let mut started = Running(started);
    let open = || {
        let alerts = site.alerts();
        let mut last: std::collections::BTreeMap<_, _> = std::collections::BTreeMap::new();
        for alert in alerts {
            last.insert(alert.incident_id, (alert.revision, alert.msg_type));
        }
        last
    };
    // From then on every topic has a leader, which readers of the test need.
    let file = site.runs().join("stop-1.json");
    until(Duration::from_secs(60), "the drill begins", || {
        file.exists()
    });
    until(Duration::from_secs(60), "an alert of the drill", || {
        !open().is_empty()
    });
    let done = site
        .tocsin(&["drill", "stop", "stop-1"])
        .output()
        .expect("run tocsin");
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(
        done.status.success() && said.contains("withdrawn"),
        "{said}"
    );
    let code = started.0.wait().expect("the drill ends");
    assert_eq!(code.code(), Some(1), "a stopped drill has not passed");
    until(
        Duration::from_secs(30),
        "every incident is cancelled",
        || {
            open()
                .values()
                .all(|(_, message)| *message == MsgType::Cancel)
        },
    );
    told_to_end(&site);
    let again = site
        .tocsin(&["drill", "stop", "stop-1"])
        .output()
        .expect("run tocsin");
    assert!(String::from_utf8_lossy(&again.stdout).contains("already"));
    let report = site
        .tocsin(&["drill", "report", "stop-1", "--format", "json"])
        .output()
        .expect("run tocsin");
    let shown: serde_json::Value = serde_json::from_slice(&report.stdout).expect("JSON");
    assert_eq!(shown["report"]["run"]["stopped"], true);
    let twice = site
        .tocsin(&[
            "drill",
            "run",
            "building-fire-night",
            "--exercise",
            "stop-1",
        ])
        .output();
    let twice = twice.expect("run tocsin");
    assert!(String::from_utf8_lossy(&twice.stderr).contains("used once"));
}

/// A drill whose terminal goes away, or that is told to end, is withdrawn as one that is stopped.
fn told_to_end(site: &Site) {
    for (id, signal) in [("term-1", "-TERM"), ("hup-1", "-HUP")] {
        let mut started = Running(
            site.tocsin(&[
                "drill",
                "run",
                "building-fire-night",
                "--exercise",
                id,
                "--speed",
                "60",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("start the drill"),
        );
        let run = || tocsin::drill::Runs::new(site.runs()).load(id).ok();
        until(Duration::from_secs(60), "reports of the drill", || {
            run().is_some_and(|run| !run.sent().is_empty())
        });
        let pid = started.0.id().to_string();
        let told = Command::new("kill").args([signal, &pid]).status();
        assert!(told.expect("kill runs").success());
        let code = started.0.wait().expect("the drill ends").code();
        assert_eq!(code, Some(1), "{signal}");
        assert!(
            run().is_some_and(|run| run.withdrawn && run.run.stopped),
            "{signal}"
        );
    }
}
