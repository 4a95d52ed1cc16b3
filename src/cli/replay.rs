//! `tocsin replay`: the same engine without Kafka, on JSON lines and their own clock.
//!
//! Invariant: the outputs depend on the input, the rule set and the flags alone; the wall clock is only measured.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal as _, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{FAILED, Global, MISUSED, summary_text};
use crate::config::{Settings, load_rule_set};
use crate::core::decode::MAX_RECORD;
use crate::core::model::{DecoderKind, DetectOutcome, Feed, Millis, Refusal};
use crate::core::replay::{DetectionLine, ReplayOutput, Replayer, Summary, default_feed};

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
    /// Print the summary as one JSON object
    #[arg(long)]
    json: bool,
}

/// Lines that could not be read are shown up to this number; all are counted.
const SHOWN_REFUSALS: u64 = 10;
/// Longest line kept: beyond a record's limit only its size matters.
const MAX_LINE: usize = MAX_RECORD + 1;

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
    let mut replayer =
        Replayer::new(set, config, base, &settings.feeds, start).map_err(anyhow::Error::msg)?;
    let mut sinks = Sinks::open(args)?;
    let began = Instant::now();
    let bar = progress(&args.input);
    let read = read_all(&args.input, &bar, &mut replayer, &mut sinks);
    bar.finish_and_clear();
    read?;
    let mut out = ReplayOutput::default();
    replayer.finish(args.settle, &mut out);
    sinks.write(&out)?;
    sinks.flush()?;
    let mut summary = replayer.summary().clone();
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

fn read_all(
    input: &Path,
    bar: &ProgressBar,
    replayer: &mut Replayer,
    sinks: &mut Sinks,
) -> anyhow::Result<()> {
    let mut reader = open_input(input, bar).with_context(|| format!("{}", input.display()))?;
    let mut line = Vec::new();
    let mut out = ReplayOutput::default();
    let (mut number, mut refused) = (0_u64, 0_u64);
    while read_line(&mut reader, &mut line).with_context(|| format!("{}", input.display()))? {
        number += 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        out.clear();
        let outcome = replayer.line(&line, &mut out);
        if outcome == DetectOutcome::DeadLetter {
            refused += 1;
            if let Some(refusal) = out.refusal.as_ref().filter(|_| refused <= SHOWN_REFUSALS) {
                bar.suspend(|| complain(number, refusal))?;
            }
        }
        sinks.write(&out)?;
    }
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

/// Reads a line without its end; false at the end of input. What exceeds [`MAX_LINE`] is read and dropped.
pub(super) fn read_line(reader: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let available = reader.fill_buf()?;
        if available.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = memchr::memchr(b'\n', available);
        let part = &available[..end.unwrap_or(available.len())];
        let room = MAX_LINE.saturating_sub(line.len()).min(part.len());
        line.extend_from_slice(&part[..room]);
        let used = end.map_or(available.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok(true);
        }
    }
}

pub(super) fn open_input(input: &Path, bar: &ProgressBar) -> io::Result<Box<dyn BufRead>> {
    let raw: Box<dyn Read> = if input.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(input)?)
    };
    let counted = bar.wrap_read(raw);
    Ok(
        if input.extension().is_some_and(|extension| extension == "gz") {
            Box::new(BufReader::new(flate2::read::MultiGzDecoder::new(counted)))
        } else {
            Box::new(BufReader::with_capacity(1 << 16, counted))
        },
    )
}

pub(super) fn progress(input: &Path) -> ProgressBar {
    let size = std::fs::metadata(input)
        .map(|file| file.len())
        .ok()
        .filter(|size| *size > 0);
    let hidden = !io::stderr().is_terminal();
    let (bar, template) = match size {
        Some(size) => (
            ProgressBar::new(size),
            "{bar:40} {percent:>3} %  {bytes_per_sec}  {eta} left",
        ),
        None => (
            ProgressBar::no_length(),
            "{spinner} {bytes}  {bytes_per_sec}",
        ),
    };
    if hidden {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
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
