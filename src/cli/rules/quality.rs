//! `tocsin rules quality`: how good the rules are on labelled sets, as a table with 95 % intervals.
//!
//! Exit codes: 0 everything wanted is reached, 1 something is not, 2 wrong usage, files that do not load, or no set at all.
//!
//! Invariant: what went wrong is written of the part `tune` alone; who has seen the errors of `check` can judge by it no more.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::corpus::{open_input, progress, read_line};
use super::super::{FAILED, Global, Misused};
use super::load;
use crate::config::{ConfigErrors, read_yaml};
use crate::core::detect::{DetectEngine, DetectOutput};
use crate::core::model::{Detection, Level, Millis, Position, RawRecord};
use crate::core::ruleset::RuleSet;
use crate::core::tools::labelled::{Part, Row, Set, parse};
use crate::core::tools::quality::{Quality, Share};

/// When every report of a set was received.
const RECEIVED: Millis = Millis(1_767_225_600_000);

/// Arguments of `rules quality`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Evaluation files, which say what the sets are: which rows are positive and which negative, and what is wanted
    #[arg(value_name = "FILE", required = true)]
    sets: Vec<PathBuf>,
    /// Folder of the labelled files; sets whose file is not there are left out, and named
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Show only this part of each set: rules are tuned on one half of the rows and judged on the other
    #[arg(long, value_name = "PART", value_parser = ["tune", "check"])]
    part: Option<String>,
    /// Only sets whose name contains this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Write what went wrong to this file, one JSON object a line, to learn from; of the part `tune` alone, as the other one judges
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    /// Print a Markdown table
    #[arg(long)]
    markdown: bool,
    /// Print one JSON object instead of text
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
}

#[derive(Serialize)]
struct Shown {
    rule_set: String,
    rows: Vec<Measured>,
    /// Sets whose file is not there.
    absent: Vec<String>,
    /// What is wanted and not reached, in words.
    missed: Vec<String>,
}

/// One part of one set.
#[derive(Serialize)]
struct Measured {
    set: String,
    source: String,
    part: &'static str,
    counts: Quality,
    precision: Option<Share>,
    recall: Option<Share>,
    f1: Option<Share>,
    false_alarms: Option<Share>,
}

/// A record of the part `tune` that rules got wrong.
#[derive(Serialize)]
struct Wrong<'a> {
    set: &'a str,
    /// `missed` or `false alarm`.
    what: &'static str,
    /// Rules that fired, whatever their hazard and severity.
    rules: Vec<&'a str>,
    report: &'a RawValue,
}

/// Runs the tool.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let settings = global.settings()?;
    let mut sets = read_sets(&args.sets)?;
    let wanted = |set: &Set| {
        args.filter
            .as_ref()
            .is_none_or(|text| set.name.contains(text))
    };
    sets.retain(wanted);
    let (set, _) = load::rule_set(&settings.paths)?;
    let config = settings.correlate_config(Arc::clone(&set.routing));
    let threshold = config.level.threshold(Level::Blue);
    let mut errors = args.errors.as_deref().map(create).transpose()?;
    let (tallies, absent) = measure(&sets, &args.data, &set, threshold, errors.as_mut())?;
    if let Some(errors) = &mut errors {
        errors.flush().context("the file of errors")?;
    }
    if absent.len() == sets.len() {
        let folder = args.data.display();
        let why = format!("{folder}: none of the labelled files is there, or no set has this name");
        return Err(Misused(why).into());
    }
    let mut shown = Shown {
        rule_set: set.version.to_string(),
        rows: Vec::new(),
        absent: absent.iter().map(|n| sets[*n].name.clone()).collect(),
        missed: Vec::new(),
    };
    let there = sets.iter().zip(tallies).enumerate();
    for (_, (set, parts)) in there.filter(|(n, _)| !absent.contains(n)) {
        shown
            .missed
            .extend(set.missed(&parts[Part::Check as usize]));
        for (part, counts) in Part::ALL.into_iter().zip(parts) {
            if args.part.as_ref().is_none_or(|only| only == part.id()) {
                shown.rows.push(measured(set, part, counts));
            }
        }
    }
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&shown)?)?;
    } else if args.markdown {
        out.write_all(markdown(&shown).as_bytes())?;
        io::stderr().lock().write_all(notes(&shown).as_bytes())?;
    } else {
        out.write_all(text(&shown).as_bytes())?;
    }
    Ok(ExitCode::from(if shown.missed.is_empty() {
        0
    } else {
        FAILED
    }))
}

fn create(path: &Path) -> anyhow::Result<BufWriter<File>> {
    let file = File::create(path).with_context(|| path.display().to_string())?;
    Ok(BufWriter::new(file))
}

fn read_sets(paths: &[PathBuf]) -> Result<Vec<Set>, ConfigErrors> {
    let (mut files, mut diagnostics) = (Vec::new(), Vec::new());
    for path in paths {
        files.extend(read_yaml(path, &mut diagnostics));
    }
    let sets = files
        .iter()
        .flat_map(|file| parse(file, &mut diagnostics))
        .collect();
    if diagnostics.is_empty() {
        Ok(sets)
    } else {
        Err(ConfigErrors::new(diagnostics, files))
    }
}

/// By set, its parts; and the numbers of those whose file is not there.
type Tallies = (Vec<[Quality; 2]>, Vec<usize>);

fn measure(
    sets: &[Set],
    folder: &Path,
    rules: &Arc<RuleSet>,
    threshold: i32,
    mut errors: Option<&mut BufWriter<File>>,
) -> anyhow::Result<Tallies> {
    let mut tallies = vec![<[Quality; 2]>::default(); sets.len()];
    let mut absent = Vec::new();
    let mut files: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, set) in sets.iter().enumerate() {
        files.entry(&set.file).or_default().push(number);
    }
    for (file, numbers) in files {
        let path = folder.join(file);
        if !path.is_file() {
            absent.extend(numbers);
            continue;
        }
        let of: Vec<&Set> = numbers.iter().map(|number| &sets[*number]).collect();
        let mut judge = Judge::new(rules, &of, threshold)?;
        let named = || format!("{}", path.display());
        let bar = progress(&path);
        let mut reader = open_input(&path, &bar).with_context(named)?;
        let (mut line, mut at) = (Vec::new(), 0_u64);
        while read_line(&mut reader, &mut line).with_context(named)? {
            at += 1;
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let row: Value = serde_json::from_slice(&line)
                .map_err(|error| Misused(format!("{}:{at}: {error}", path.display())))?;
            for (place, (set, number)) in of.iter().zip(&numbers).enumerate() {
                if let Some(row) = set.row(&row) {
                    let fired = judge.fires(place, set, &row.record);
                    tallies[*number][row.part as usize].count(row.label, fired);
                    if let Some(errors) = &mut errors
                        && row.part == Part::Tune
                        && fired != row.label
                    {
                        let wrong = serde_json::to_string(&judge.wrong(set, &row)?)?;
                        writeln!(errors, "{wrong}").context("the file of errors")?;
                    }
                }
            }
        }
        bar.finish_and_clear();
    }
    absent.sort_unstable();
    Ok((tallies, absent))
}

/// Detect on the rows of one file; what several sets ask in one way is worked out once.
struct Judge {
    engine: DetectEngine,
    /// By set: the first one with the same feed.
    feeds: Vec<usize>,
    threshold: i32,
    last: Option<(usize, String)>,
    out: DetectOutput,
}

impl Judge {
    fn new(rules: &Arc<RuleSet>, sets: &[&Set], threshold: i32) -> anyhow::Result<Self> {
        let feeds: Vec<_> = sets.iter().map(|set| Arc::new(set.feed.clone())).collect();
        let same = |set: &&Set| sets.iter().position(|other| other.feed == set.feed);
        Ok(Self {
            engine: DetectEngine::new(Arc::clone(rules), &feeds).map_err(Misused)?,
            feeds: sets.iter().filter_map(same).collect(),
            threshold,
            last: None,
            out: DetectOutput::default(),
        })
    }

    fn fires(&mut self, place: usize, set: &Set, record: &str) -> bool {
        let feed = self.feeds[place];
        let known = self.last.as_ref();
        if !known.is_some_and(|(of, last)| *of == feed && last == record) {
            self.out.clear();
            let raw = RawRecord::new(record.as_bytes(), RECEIVED);
            self.engine
                .process(feed, &raw, &Position::default(), &mut self.out);
            self.last = Some((feed, record.to_owned()));
        }
        let counts = |one: &Detection| {
            let hazard = set.hazards.as_ref();
            hazard.is_none_or(|hazards| hazards.contains(&one.hazard))
                && (!set.alerts || i32::from(one.severity) >= self.threshold)
        };
        self.out.detections.iter().any(counts)
    }

    /// Of the row that was judged last.
    fn wrong<'a>(&'a self, set: &'a Set, row: &'a Row) -> anyhow::Result<Wrong<'a>> {
        let found = self.out.detections.iter();
        Ok(Wrong {
            set: &set.name,
            what: if row.label { "missed" } else { "false alarm" },
            rules: found.map(|one| &*one.rule_id).collect(),
            report: serde_json::from_str(&row.record)?,
        })
    }
}

fn measured(set: &Set, part: Part, counts: Quality) -> Measured {
    Measured {
        set: set.name.clone(),
        source: set.source.clone(),
        part: part.id(),
        precision: counts
            .precision()
            .filter(|_| counts.positives() > 0 && counts.negatives() > 0),
        recall: counts.recall(),
        f1: counts
            .f1()
            .filter(|_| counts.positives() > 0 && counts.negatives() > 0),
        false_alarms: counts.false_alarms(),
        counts,
    }
}

fn share(share: Option<Share>, per: f64, digits: usize) -> String {
    share.map_or("–".to_owned(), |s| {
        let [value, low, high] = [s.value, s.low, s.high].map(|n| n * per);
        format!("{value:.digits$} ({low:.digits$}–{high:.digits$})")
    })
}

/// Columns of a row after its set and part.
fn columns(row: &Measured) -> [String; 6] {
    [
        row.counts.positives().to_string(),
        row.counts.negatives().to_string(),
        share(row.precision, 1.0, 3),
        share(row.recall, 1.0, 3),
        share(row.f1, 1.0, 3),
        share(row.false_alarms, 1_000.0, 1),
    ]
}

const HEAD: [&str; 6] = [
    "positive",
    "negative",
    "precision",
    "recall",
    "F1",
    "false alarms in 1,000",
];

fn markdown(shown: &Shown) -> String {
    let mut out = format!("| set | part | {} |\n", HEAD.join(" | "));
    out += "|---|---|---:|---:|---|---|---|---|\n";
    for row in &shown.rows {
        let source = if row.source.is_empty() {
            String::new()
        } else {
            format!(" ({})", row.source)
        };
        let name = format!("{}{source}", row.set).replace('|', "\\|");
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "| {name} | {} | {} |",
            row.part,
            columns(row).join(" | ")
        );
    }
    let _ = writeln!(
        out,
        "\nRule set {}; in parentheses the 95 % intervals of Wilson.",
        shown.rule_set
    );
    out
}

fn text(shown: &Shown) -> String {
    let mut out = String::new();
    let wide = shown.rows.iter().map(|row| row.set.chars().count());
    let wide = wide.max().unwrap_or(0).max(3);
    let [positive, negative, precision, recall, f1, alarms] = HEAD;
    let _ = writeln!(
        out,
        "{:wide$}  part  {positive:>9}{negative:>9}  {precision:20}  {recall:20}  {f1:20}  {alarms}",
        "set"
    );
    for row in &shown.rows {
        let [positive, negative, precision, recall, f1, alarms] = columns(row);
        let _ = writeln!(
            out,
            "{:wide$}  {:5}{positive:>9}{negative:>9}  {precision:20}  {recall:20}  {f1:20}  {alarms}",
            row.set, row.part
        );
    }
    let _ = writeln!(
        out,
        "rule set {}; in parentheses the 95 % intervals of Wilson",
        shown.rule_set
    );
    out + &notes(shown)
}

/// What was left out, and what is not reached.
fn notes(shown: &Shown) -> String {
    let absent = shown.absent.iter();
    let absent = absent.map(|name| format!("left out, its file is not there: {name}\n"));
    let missed = shown.missed.iter();
    absent
        .chain(missed.map(|missed| format!("missed: {missed}\n")))
        .collect()
}
