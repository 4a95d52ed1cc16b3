//! `tocsin rules backtest`: a corpus, or a part of a topic, through one or two rule sets.
//!
//! Exit codes: 0 done, and with `--against` no difference; 1 the two differ, reading failed on the way, or no record could be read; 2 wrong
//! usage or files that do not load.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use indicatif::ProgressBar;

use super::super::corpus::{self, MAX_THREADS, Seen, Source};
use super::super::{FAILED, Global, Misused};
use super::backtest_page::{Titles, page};
use super::backtest_text::{Measured, Set, Shown, Unit, text};
use super::load;
use super::topic::TopicArgs;
use crate::config::{Paths, Settings};
use crate::core::detect::DrillKey;
use crate::core::model::{DecoderKind, Feed, Millis};
use crate::core::replay::{Detecting, Folding, Reading, ReplayOutput};
use crate::core::ruleset::RuleSet;
use crate::core::tools::backtest::{Difference, Side, compare};
use crate::core::tools::quality::Quality;
use crate::telemetry::wall_clock;

/// Labels of a file.
const MAX_LABELS: usize = 10_000_000;

/// Arguments of `rules backtest`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Corpus: one record a line, `.gz` too; `-` is standard input
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "topic",
        conflicts_with = "topic"
    )]
    input: Option<PathBuf>,
    #[command(flatten)]
    topic: TopicArgs,
    /// Records are of this configured feed. Without it: the topic's feed; of a file Tocsin JSON, where a line's `feed` may name a
    /// configured feed
    #[arg(long, value_name = "ID")]
    feed: Option<String>,
    /// Read the records in this format instead of the feed's
    #[arg(long, value_name = "FORMAT")]
    decoder: Option<String>,
    /// A second rule set (B): a folder with `rules/`, and `lexicons/`, `departments.yaml`, `places/` where they differ, or a folder of
    /// rules alone
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    /// JSON lines with `id` and `label` (true, false, 0, 1): precision and recall. May be the corpus itself
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Threads that decode and detect; the result does not depend on it. Without it: as many as the machine runs at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MAX_THREADS as i64))]
    threads: Option<u16>,
    /// Write a page with charts and lists, in English and Chinese, that needs nothing but a browser
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Language in which the page opens
    #[arg(long, value_name = "LANG", value_parser = ["en", "zh"], default_value = "en", requires = "html")]
    lang: String,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Runs the tool.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    args.topic.check(&[])?;
    let settings = global.settings()?;
    let feed = args
        .topic
        .feed(&settings, args.feed.as_deref(), args.decoder.as_deref())?;
    let mut sides = vec![side(&settings, &settings.paths)?];
    if let Some(folder) = &args.against {
        sides.push(side(&settings, &load::other(&settings.paths, folder)?)?);
    }
    let labels = args.labels.as_deref().map(labels).transpose()?;
    if let Some(path) = &args.html {
        writable(path)?;
    }
    let (mut source, bar, corpus) = open(args, &settings)?;
    let judged = judge(
        args,
        &settings,
        feed,
        labels,
        &mut sides,
        &mut *source,
        &bar,
    );
    let quality = judged.with_context(|| corpus.clone())?;
    let (a, b) = (&sides[0].kept, sides.get(1).map(|side| &side.kept));
    let shown = Shown {
        corpus,
        unit: if args.topic.topic.is_some() {
            Unit::Record
        } else {
            Unit::Line
        },
        sets: ["A", "B"]
            .into_iter()
            .zip(&sides)
            .map(|(side, tried)| Set {
                side,
                version: tried.set.version.to_string(),
                from: tried.from.clone(),
            })
            .collect(),
        a: a.totals(),
        b: b.map(Side::totals),
        difference: b.map(|b| compare(a, b)),
        quality: quality
            .into_iter()
            .flat_map(|quality| ["A", "B"].into_iter().zip(quality))
            .map(Measured::new)
            .collect(),
    };
    let written = args.html.as_deref().map_or(Ok(()), |path| {
        let kept: Vec<&Side> = sides.iter().map(|side| &side.kept).collect();
        std::fs::write(path, page(&shown, &kept, &titles(&sides), &args.lang))
            .with_context(|| format!("{}", path.display()))
    });
    let mut stdout = io::stdout().lock();
    if args.json {
        writeln!(stdout, "{}", serde_json::to_string_pretty(&shown)?)?;
    } else {
        stdout.write_all(text(&shown).as_bytes())?;
    }
    // The result is not lost with its page.
    written?;
    let same = shown.difference.as_ref().is_none_or(Difference::is_empty);
    let nothing_read = shown.a.refused > 0 && shown.a.refused == shown.a.records;
    let done = same && !nothing_read;
    Ok(ExitCode::from(if done { 0 } else { FAILED }))
}

type Opened = (Box<dyn Source + Send>, ProgressBar, String);

/// The corpus, its progress bar, and what it is called.
fn open(args: &Args, settings: &Settings) -> anyhow::Result<Opened> {
    if let Some(range) = args.topic.range() {
        let (source, bar) = corpus::Topic::open(&settings.kafka_settings(), &range, wall_clock())?;
        return Ok((Box::new(source), bar, range.topic));
    }
    let path = args.input.clone().unwrap_or_else(|| "-".into());
    let (source, bar) = corpus::Lines::open(&path)?;
    Ok((Box::new(source), bar, path.display().to_string()))
}

/// Everything through every side; with labels, how well each told them apart.
fn judge(
    args: &Args,
    settings: &Settings,
    feed: Feed,
    labels: Option<HashMap<String, bool>>,
    sides: &mut [Tried],
    source: &mut (dyn Source + Send),
    bar: &ProgressBar,
) -> anyhow::Result<Option<Vec<Quality>>> {
    // Without labels no id is looked for.
    let by_key = feed.decoder == DecoderKind::Tocsin;
    let reading = Reading::new(feed, &settings.feeds).map_err(Misused)?;
    let drills = settings.drills.drill_key().map(Arc::new);
    let engines = engines(args.threads, sides, &reading, drills.as_ref())?;
    let start = Millis::parse("2000-01-01T00:00:00Z").unwrap_or_default();
    let mut quality = vec![Quality::default(); sides.len()];
    let mut out = ReplayOutput::default();
    corpus::run(source, &reading, engines, start, |seen: Seen<'_>| {
        let label = labels.as_ref().and_then(|labels| {
            let id = if by_key {
                id_of(seen.record.payload)?
            } else {
                reading.record(&seen.record).id()?.to_owned()
            };
            labels.get(&id).copied()
        });
        for ((outcome, mut detected), (side, quality)) in seen
            .sides
            .into_iter()
            .zip(sides.iter_mut().zip(&mut quality))
        {
            out.clear();
            side.folding
                .line(outcome, detected.as_deref_mut(), &mut out);
            side.kept.keep(&out, Some(seen.number));
            // What no rule saw is neither found nor missed.
            if let Some(label) = label.filter(|_| out.refusal.is_none()) {
                quality.count(label, !out.detections.is_empty());
            }
        }
        anyhow::Ok(())
    })?;
    bar.finish_and_clear();
    for side in sides {
        out.clear();
        side.folding.finish(false, &mut out);
        side.kept.keep(&out, None);
    }
    Ok(labels.map(|_| quality))
}

/// One rule set, what it folds and what is kept of that.
struct Tried {
    set: Arc<RuleSet>,
    /// Its rules' folder.
    from: String,
    folding: Folding,
    kept: Side,
}

fn side(settings: &Settings, paths: &Paths) -> anyhow::Result<Tried> {
    let (set, _) = load::rule_set(paths)?;
    let config = Arc::new(settings.correlate_config(set.routing.clone()));
    let from = paths.rules.as_ref();
    Ok(Tried {
        set,
        from: from.map_or("bundled".to_owned(), |path| path.display().to_string()),
        folding: Folding::new(config),
        kept: Side::default(),
    })
}

/// Per thread, an engine of each side.
fn engines(
    threads: Option<u16>,
    sides: &[Tried],
    reading: &Reading,
    drills: Option<&Arc<DrillKey>>,
) -> anyhow::Result<Vec<Vec<Detecting>>> {
    let threads = threads.map_or_else(corpus::threads, usize::from);
    let engine = |side: &Tried| {
        let engine = Detecting::new(Arc::clone(&side.set), reading).map_err(anyhow::Error::msg)?;
        anyhow::Ok(engine.with_drill_key(drills.cloned()))
    };
    (0..threads)
        .map(|_| sides.iter().map(engine).collect())
        .collect()
}

/// Titles of rules in both languages, by their ids.
fn titles(sides: &[Tried]) -> Titles<'_> {
    let rules = sides.iter().rev().flat_map(|side| &side.set.program.rules);
    let titles = rules.map(|rule| {
        let zh = rule.title_zh.as_ref().unwrap_or(&rule.title);
        (&*rule.id, (&*rule.title, &**zh))
    });
    titles.collect()
}

/// Refuses a file that cannot be written before hours are spent on what goes into it; what it holds stays.
fn writable(path: &Path) -> anyhow::Result<()> {
    // A pipe has somebody at its other end, and a link is followed when the page is written.
    let is_new = match path.symlink_metadata() {
        Ok(metadata) if !metadata.is_file() => return Ok(()),
        Ok(_) => false,
        Err(_) => true,
    };
    let mut options = std::fs::OpenOptions::new();
    options
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("--html {}", path.display()))
        .map_err(Misused::from_error)?;
    if is_new {
        std::fs::remove_file(path).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// Labels by report id, of a file as the corpus is one: packed or not, its lines within the bounds of a record.
fn labels(path: &Path) -> anyhow::Result<HashMap<String, bool>> {
    let named = || format!("{}", path.display());
    let bar = ProgressBar::hidden();
    let mut reader = corpus::open_input(path, &bar)
        .with_context(named)
        .map_err(Misused::from_error)?;
    let (mut labels, mut line, mut number) = (HashMap::new(), Vec::new(), 0);
    while corpus::read_line(&mut reader, &mut line)
        .with_context(named)
        .map_err(Misused::from_error)?
    {
        number += 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if labels.len() == MAX_LABELS {
            let why = format!("{}:{number}: more than {MAX_LABELS} labels", path.display());
            return Err(Misused(why).into());
        }
        let value: serde_json::Value = serde_json::from_slice(&line)
            .with_context(|| format!("{}:{number}", path.display()))
            .map_err(Misused::from_error)?;
        let label = match &value["label"] {
            serde_json::Value::Bool(label) => Some(*label),
            serde_json::Value::Number(number) => number.as_f64().map(|number| number > 0.0),
            _ => None,
        };
        if let (Some(id), Some(label)) = (text_of(&value["id"]), label) {
            labels.insert(id, label);
        }
    }
    if labels.is_empty() {
        let why = format!(
            "{}: no line has `id` and `label` (true, false, 0 or 1)",
            path.display()
        );
        return Err(Misused(why).into());
    }
    Ok(labels)
}

fn text_of(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn id_of(line: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(line).ok()?;
    text_of(&value["id"])
}
