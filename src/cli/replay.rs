//! `tocsin replay`: the same engine without Kafka, on JSON lines and their own clock.
//!
//! Invariant: the outputs depend on the input, the rule set and the flags alone; the wall clock is only measured.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail};
use indicatif::ProgressBar;

use super::corpus::{self, MAX_THREADS, Seen};
use super::{FAILED, Global, MISUSED, summary_text};
use crate::config::{Settings, load_rule_set};
use crate::core::model::{DecoderKind, DetectOutcome, Feed, Millis, Refusal};
use crate::core::replay::{
    Detecting, DetectionLine, Folding, Reading, ReplayOutput, Summary, default_feed,
};
use crate::core::ruleset::RuleSet;

/// Arguments of `replay`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// JSON lines, one record each (`.gz` is unpacked); `-` is standard input
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Configured feed that the lines are records of. Without it: Tocsin JSON of kind news, reliability 60, where a line's
    /// `feed` may name a configured feed
    #[arg(long, value_name = "ID")]
    feed: Option<String>,
    /// Read the lines in this format instead of the feed's
    #[arg(long, value_name = "FORMAT")]
    decoder: Option<String>,
    /// Write one JSON line per detection; `-` is standard output
    #[arg(long, value_name = "FILE")]
    detections: Option<PathBuf>,
    /// Write one JSON line per alert; `-` is standard output
    #[arg(long, value_name = "FILE")]
    alerts: Option<PathBuf>,
    /// Time of the first records that state none, RFC 3339
    #[arg(long, value_name = "TIME", default_value = "2000-01-01T00:00:00Z")]
    start: String,
    /// Let the clock run on after the last record until every incident is resolved. Otherwise it runs on for the refresh
    /// interval only, so that every counted report is on the queue
    #[arg(long)]
    settle: bool,
    /// Threads that decode and detect; the output does not depend on it. Without it: as many as the machine runs at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MAX_THREADS as i64))]
    threads: Option<u16>,
    /// Print the summary as one JSON object
    #[arg(long)]
    json: bool,
}

/// Lines that could not be read are shown up to this number; all are counted.
const SHOWN_REFUSALS: u64 = 10;

/// Runs the command.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let settings = global.settings()?;
    let Some(start) = Millis::parse(&args.start) else {
        return misused(&format!("--start: not an RFC 3339 time: {}", args.start));
    };
    let base = match base_feed(args, &settings) {
        Ok(base) => base,
        Err(message) => return misused(&message),
    };
    let set = Arc::new(load_rule_set(&settings.paths)?);
    let config = Arc::new(settings.correlate_config(Arc::clone(&set.routing)));
    let reading = Reading::new(base, &settings.feeds).map_err(anyhow::Error::msg)?;
    let engines = engines(args.threads, &set, &reading)?;
    let mut folding = Folding::new(config);
    let mut sinks = Sinks::open(args)?;
    let began = Instant::now();
    let (mut source, bar) = corpus::Lines::open(&args.input)?;
    let read = read_all(
        &mut source,
        &bar,
        &reading,
        engines,
        start,
        &mut folding,
        &mut sinks,
    );
    bar.finish_and_clear();
    read.with_context(|| args.input.display().to_string())?;
    let mut out = ReplayOutput::default();
    folding.finish(args.settle, &mut out);
    sinks.write(&out)?;
    sinks.flush()?;
    let mut summary = folding.summary().clone();
    summary.elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    show(&summary, args.json)?;
    Ok(if summary.adds_up() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    })
}

fn misused(message: &str) -> anyhow::Result<ExitCode> {
    writeln!(io::stderr().lock(), "error: {message}")?;
    Ok(ExitCode::from(MISUSED))
}

fn base_feed(args: &Args, settings: &Settings) -> Result<Feed, String> {
    let mut feed = match &args.feed {
        None => default_feed(),
        Some(id) => settings
            .feeds
            .iter()
            .find(|feed| *feed.id == **id)
            .cloned()
            .ok_or_else(|| {
                let known: Vec<&str> = settings.feeds.iter().map(|feed| &*feed.id).collect();
                format!("--feed: no feed `{id}`; configured: {}", known.join(", "))
            })?,
    };
    if let Some(name) = &args.decoder {
        let kind: Result<DecoderKind, _> = serde_json::from_value(name.as_str().into());
        feed.decoder = kind.map_err(|_| {
            format!("--decoder: `{name}` is none of tocsin, mapped, cloudevents, cap, open311, geojson, rss")
        })?;
    }
    Ok(feed)
}

fn engines(
    threads: Option<u16>,
    set: &Arc<RuleSet>,
    reading: &Reading,
) -> anyhow::Result<Vec<Vec<Detecting>>> {
    let threads = threads.map_or_else(corpus::threads, usize::from);
    let engine = || Detecting::new(Arc::clone(set), reading).map_err(anyhow::Error::msg);
    (0..threads).map(|_| Ok(vec![engine()?])).collect()
}

fn read_all(
    source: &mut corpus::Lines,
    bar: &ProgressBar,
    reading: &Reading,
    engines: Vec<Vec<Detecting>>,
    start: Millis,
    folding: &mut Folding,
    sinks: &mut Sinks,
) -> anyhow::Result<()> {
    let mut out = ReplayOutput::default();
    let mut refused = 0_u64;
    corpus::run(source, reading, engines, start, |seen: Seen<'_>| {
        for (outcome, mut detected) in seen.sides {
            out.clear();
            folding.line(outcome, detected.as_deref_mut(), &mut out);
            if outcome == DetectOutcome::DeadLetter {
                refused += 1;
                if let Some(refusal) = out.refusal.as_ref().filter(|_| refused <= SHOWN_REFUSALS) {
                    bar.suspend(|| complain(seen.number, refusal))?;
                }
            }
            sinks.write(&out)?;
        }
        anyhow::Ok(())
    })?;
    if refused > SHOWN_REFUSALS {
        let rest = refused - SHOWN_REFUSALS;
        writeln!(
            io::stderr().lock(),
            "… and {rest} more lines that could not be read"
        )?;
    }
    Ok(())
}

fn complain(number: u64, refusal: &Refusal) -> io::Result<()> {
    writeln!(
        io::stderr().lock(),
        "line {number}: {refusal}; {}",
        refusal.code.help()
    )
}

/// Where detections and alerts are written.
struct Sinks {
    detections: Option<Box<dyn Write>>,
    alerts: Option<Box<dyn Write>>,
}

impl Sinks {
    fn open(args: &Args) -> anyhow::Result<Self> {
        let stdout =
            |path: &Option<PathBuf>| path.as_ref().is_some_and(|path| path.as_os_str() == "-");
        let on_stdout = [stdout(&args.detections), stdout(&args.alerts), args.json];
        if on_stdout.iter().filter(|on| **on).count() > 1 {
            bail!("only one of --detections -, --alerts - and --json can go to standard output");
        }
        if let (Some(one), Some(other)) = (&args.detections, &args.alerts)
            && one == other
        {
            bail!(
                "--detections and --alerts are the same file, {}: give each its own",
                one.display()
            );
        }
        let open = |path: &Option<PathBuf>| path.as_deref().map(writer).transpose();
        Ok(Self {
            detections: open(&args.detections)?,
            alerts: open(&args.alerts)?,
        })
    }

    fn write(&mut self, out: &ReplayOutput) -> anyhow::Result<()> {
        if let Some(sink) = &mut self.detections {
            for (detection, outcome) in &out.detections {
                write_line(sink, &DetectionLine::new(detection, *outcome))?;
            }
        }
        if let Some(sink) = &mut self.alerts {
            for alert in &out.alerts {
                write_line(sink, alert)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        for sink in [&mut self.detections, &mut self.alerts]
            .into_iter()
            .flatten()
        {
            sink.flush()?;
        }
        Ok(())
    }
}

fn writer(path: &Path) -> anyhow::Result<Box<dyn Write>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(BufWriter::new(io::stdout())));
    }
    let file = File::create(path).with_context(|| format!("{}", path.display()))?;
    Ok(Box::new(BufWriter::new(file)))
}

fn write_line(sink: &mut dyn Write, value: &impl serde::Serialize) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *sink, value)?;
    sink.write_all(b"\n")?;
    Ok(())
}

/// Prints the summary: to standard output as JSON, else to standard error, which leaves the former to `-` sinks.
fn show(summary: &Summary, json: bool) -> anyhow::Result<()> {
    if json {
        writeln!(io::stdout().lock(), "{}", serde_json::to_string(summary)?)?;
        return Ok(());
    }
    write!(io::stderr().lock(), "{}", summary_text(summary))?;
    Ok(())
}
