//! `tocsin rules backtest`: a corpus through one or two rule sets.
//!
//! Exit codes: 0 done, and with `--against` no difference; 1 the two differ; 2 wrong usage or files that do not load.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use serde::Serialize;

use super::super::corpus::{self, MAX_THREADS, Seen};
use super::super::{FAILED, Global};
use super::load;
use crate::config::{Paths, Settings};
use crate::core::model::Millis;
use crate::core::replay::{Detecting, Folding, Reading, ReplayOutput, default_feed};
use crate::core::ruleset::RuleSet;
use crate::core::tools::backtest::{Difference, Incident, Quality, Share, Side, Totals, compare};

/// Rows shown of a list.
const SHOWN: usize = 20;

/// Arguments of `rules backtest`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Corpus: Tocsin JSON lines, `.gz` too; `-` is standard input
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// A second rule set (B): a folder with `rules/` and `lexicons/`, or a folder of rules alone
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    /// JSON lines with `id` and `label` (true, false, 0, 1): precision and recall. May be the corpus itself
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Threads that decode and detect; the result does not depend on it. Without it: as many as the machine runs at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MAX_THREADS as i64))]
    threads: Option<u16>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown {
    a: Totals,
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<Totals>,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<Difference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    quality: Vec<Measured>,
}

/// Precision and recall of a side.
#[derive(Serialize)]
struct Measured {
    side: &'static str,
    counts: Quality,
    precision: Option<Share>,
    recall: Option<Share>,
    f1: Option<f64>,
}

/// Runs the tool.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let settings = global.settings()?;
    let mut sides = vec![side(&settings, &settings.paths)?];
    if let Some(folder) = &args.against {
        sides.push(side(&settings, &against(&settings.paths, folder))?);
    }
    let labels = args.labels.as_deref().map(labels).transpose()?;
    let mut quality = vec![Quality::default(); sides.len()];
    let bar = corpus::progress(&args.input);
    let named = || args.input.display().to_string();
    let mut reader = corpus::open_input(&args.input, &bar).with_context(named)?;
    let reading = Reading::new(default_feed(), &settings.feeds).map_err(anyhow::Error::msg)?;
    let engines = engines(args.threads, &sides, &reading)?;
    let start = Millis::parse("2000-01-01T00:00:00Z").unwrap_or_default();
    let mut out = ReplayOutput::default();
    corpus::run(&mut *reader, &reading, engines, start, |seen: Seen<'_>| {
        let label = labels
            .as_ref()
            .and_then(|labels| labels.get(&id_of(seen.line)?).copied());
        for ((outcome, mut detected), (side, quality)) in seen
            .sides
            .into_iter()
            .zip(sides.iter_mut().zip(&mut quality))
        {
            out.clear();
            side.folding
                .line(outcome, detected.as_deref_mut(), &mut out);
            side.kept.keep(&out, true);
            if let Some(label) = label {
                quality.count(label, !out.detections.is_empty());
            }
        }
        anyhow::Ok(())
    })
    .with_context(named)?;
    bar.finish_and_clear();
    for side in &mut sides {
        out.clear();
        side.folding.finish(false, &mut out);
        side.kept.keep(&out, false);
    }
    let a = &sides[0].kept;
    let b = sides.get(1).map(|side| &side.kept);
    let names = ["A", "B"].into_iter().zip(quality);
    let shown = Shown {
        a: a.totals(),
        b: b.map(Side::totals),
        difference: b.map(|b| compare(a, b)),
        quality: names.filter(|_| labels.is_some()).map(measured).collect(),
    };
    let mut stdout = io::stdout().lock();
    if args.json {
        writeln!(stdout, "{}", serde_json::to_string_pretty(&shown)?)?;
    } else {
        stdout.write_all(text(&shown).as_bytes())?;
    }
    let same = shown.difference.as_ref().is_none_or(Difference::is_empty);
    Ok(ExitCode::from(if same { 0 } else { FAILED }))
}

/// One rule set, what it folds and what is kept of that.
struct Tried {
    set: Arc<RuleSet>,
    folding: Folding,
    kept: Side,
}

fn side(settings: &Settings, paths: &Paths) -> anyhow::Result<Tried> {
    let (set, _) = load::rule_set(paths)?;
    let config = Arc::new(settings.correlate_config(set.routing.clone()));
    Ok(Tried {
        set,
        folding: Folding::new(config),
        kept: Side::default(),
    })
}

/// Per thread, an engine of each side.
fn engines(
    threads: Option<u16>,
    sides: &[Tried],
    reading: &Reading,
) -> anyhow::Result<Vec<Vec<Detecting>>> {
    let threads = threads.map_or_else(corpus::threads, usize::from);
    let engine =
        |side: &Tried| Detecting::new(Arc::clone(&side.set), reading).map_err(anyhow::Error::msg);
    (0..threads)
        .map(|_| sides.iter().map(engine).collect())
        .collect()
}

fn against(paths: &Paths, folder: &Path) -> Paths {
    let mut other = paths.clone();
    let rules = folder.join("rules");
    if rules.is_dir() {
        other.rules = Some(rules);
        let lexicons = folder.join("lexicons");
        if lexicons.is_dir() {
            other.lexicons = Some(lexicons);
        }
    } else {
        other.rules = Some(folder.to_owned());
    }
    other
}

/// Labels by report id.
fn labels(path: &Path) -> anyhow::Result<HashMap<String, bool>> {
    let file = std::fs::File::open(path).with_context(|| format!("{}", path.display()))?;
    let mut labels = HashMap::new();
    for (number, line) in io::BufReader::new(file).lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let value: serde_json::Value = serde_json::from_str(&line)
            .with_context(|| format!("{}:{}", path.display(), number + 1))?;
        let label = match &value["label"] {
            serde_json::Value::Bool(label) => Some(*label),
            serde_json::Value::Number(number) => number.as_f64().map(|number| number > 0.0),
            _ => None,
        };
        if let (Some(id), Some(label)) = (text_of(&value["id"]), label) {
            labels.insert(id, label);
        }
    }
    anyhow::ensure!(
        !labels.is_empty(),
        "{}: no line has `id` and `label`",
        path.display()
    );
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

fn measured((side, counts): (&'static str, Quality)) -> Measured {
    Measured {
        side,
        precision: counts.precision(),
        recall: counts.recall(),
        f1: counts.f1(),
        counts,
    }
}

fn text(shown: &Shown) -> String {
    let mut out = String::new();
    for (name, totals) in [("A", Some(&shown.a)), ("B", shown.b.as_ref())] {
        let Some(totals) = totals else { continue };
        let levels: Vec<String> = ["blue", "yellow", "orange", "red"]
            .iter()
            .map(|level| format!("{level} {}", totals.levels.get(level).copied().unwrap_or(0)))
            .collect();
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{name}  {} records, {} with a detection; {} incidents on the queue: {}",
            totals.records,
            totals.detected,
            totals.incidents,
            levels.join(", ")
        );
    }
    for one in &shown.quality {
        let share = |share: Option<Share>| {
            share.map_or("–".to_owned(), |s| {
                format!("{:.3} ({:.3}–{:.3})", s.value, s.low, s.high)
            })
        };
        let f1 = one.f1.map_or("–".to_owned(), |f1| format!("{f1:.3}"));
        let _ = writeln!(
            out,
            "{}  precision {}, recall {}, F1 {f1}",
            one.side,
            share(one.precision),
            share(one.recall)
        );
    }
    match &shown.difference {
        Some(difference) => differences(difference, &mut out),
        None => {
            let mut rules: Vec<_> = shown.a.rules.iter().collect();
            rules.sort_by(|a, b| (b.1, a.0).cmp(&(a.1, b.0)));
            for (rule, count) in rules {
                let _ = writeln!(out, "{count:>8}  {rule}");
            }
        }
    }
    out
}

fn differences(difference: &Difference, out: &mut String) {
    let _ = writeln!(
        out,
        "\nrecords that only A detects: {}, only B: {}",
        difference.records.0, difference.records.1
    );
    for (name, list) in [("A", &difference.only_a), ("B", &difference.only_b)] {
        let _ = writeln!(out, "\nincidents only in {name}: {}", list.len());
        for Incident {
            key,
            headline,
            level,
            score,
            first_seen,
            ..
        } in list.iter().take(SHOWN)
        {
            let _ = writeln!(
                out,
                "  {:6} {score:>3}  {first_seen}  {headline}  [{key}]",
                level.id()
            );
        }
        rest(list.len(), out);
    }
    let _ = writeln!(out, "\nlevels that differ: {}", difference.levels.len());
    for change in difference.levels.iter().take(SHOWN) {
        let _ = writeln!(
            out,
            "  {} → {}  {}  {}  [{}]",
            change.a.id(),
            change.b.id(),
            change.first_seen,
            change.headline,
            change.key
        );
    }
    rest(difference.levels.len(), out);
    let _ = writeln!(
        out,
        "\ndetections per rule that differ: {}",
        difference.rules.len()
    );
    for (rule, (a, b)) in &difference.rules {
        let _ = writeln!(out, "  {a:>8} → {b:<8} {rule}");
    }
}

fn rest(all: usize, out: &mut String) {
    if all > SHOWN {
        let _ = writeln!(out, "  … and {} more (--json has all)", all - SHOWN);
    }
}
