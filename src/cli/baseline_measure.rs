//! `tocsin baseline measure`: how good the statistics are, on simulated series and on those of archives.
//!
//! Invariant: the simulated part depends on the seed alone, so that the table in the documentation can be checked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use serde::Serialize;
use serde_json::Value;

use super::corpus::{Lines, Source as _, Taken};
use super::{Global, Misused};
use crate::core::growth::{
    Calendar, Course, Draws, Measured, Method, Trial, put_outbreaks, simulate,
};

/// Largest groups of an archive that are looked at.
const GROUPS: usize = 8;
/// Days of an archive, at most: a wrong date must not make a century.
const MAX_DAYS: i32 = 20_000;

/// Arguments of `baseline measure`.
#[derive(Debug, clap::Args)]
pub(super) struct Measure {
    /// JSON lines of real records: FILE:TIME:GROUP names the field with the time and the one by which series are made (may be
    /// repeated); outbreaks are put into them
    #[arg(long, value_name = "FILE:TIME:GROUP")]
    input: Vec<String>,
    /// Records whose daily numbers by group are the shape of the outbreaks, as `--input`; further FIELD=VALUE restrict them
    #[arg(long, value_name = "FILE:TIME:GROUP[:FIELD=VALUE]")]
    shapes: Option<String>,
    /// Seed of what is simulated
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print one JSON object a line of the table
    #[arg(long)]
    json: bool,
}

/// A line of the table.
#[derive(Debug, Serialize)]
struct Line {
    series: String,
    statistic: &'static str,
    sensitivity: Option<f64>,
    days_to_detection: Option<f64>,
    false_alarms_a_year: f64,
    outbreaks: u32,
    quiet_days: u32,
}

/// Runs the command.
pub(super) fn run(args: &Measure, global: &Global) -> anyhow::Result<ExitCode> {
    let growth = global.settings()?.growth_config();
    let threshold = growth.threshold;
    let mut lines = Vec::new();
    let courses = [
        (Course::Steady, "simulated, steady"),
        (Course::Doubled, "simulated, feed doubled"),
        (Course::Stopped, "simulated, feed stopped"),
    ];
    for (course, name) in courses {
        lines.extend(table(name, &simulate(course, args.seed), threshold));
    }
    let mut shapes = vec![vec![0.4, 1.0, 0.9, 0.5, 0.2]];
    if let Some(from) = &args.shapes {
        shapes = shapes_of(&counts(&Archive::parse(from)?)?);
        anyhow::ensure!(
            !shapes.is_empty(),
            "--shapes: no record with a time in {from}"
        );
    }
    for from in &args.input {
        let archive = Archive::parse(from)?;
        let mut draws = Draws::new(args.seed);
        let mut trials = trials_of(&counts(&archive)?, &growth.calendar);
        for trial in &mut trials {
            put_outbreaks(trial, &shapes, &mut draws);
        }
        let name = archive.path.file_name().unwrap_or_default();
        lines.extend(table(&name.to_string_lossy(), &trials, threshold));
    }
    let text = if args.json {
        lines.iter().try_fold(String::new(), |text, line| {
            anyhow::Ok(text + &serde_json::to_string(line)? + "\n")
        })?
    } else {
        page(&lines)
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn table(name: &str, trials: &[Trial], threshold: f64) -> Vec<Line> {
    let of = |method: Method| {
        let mut measured = Measured::default();
        for trial in trials {
            measured.add(method, trial, threshold);
        }
        Line {
            series: name.to_owned(),
            statistic: method.name(),
            sensitivity: measured.sensitivity(),
            days_to_detection: measured.days(),
            false_alarms_a_year: measured.false_alarms_a_year(),
            outbreaks: measured.outbreaks,
            quiet_days: measured.quiet_days,
        }
    };
    Method::ALL.map(of).into()
}

/// The table in Markdown.
fn page(lines: &[Line]) -> String {
    let mut text =
        "| series | statistic | outbreaks found | days to detection | false alarms a year |\n\
                    |---|---|---|---|---|\n"
            .to_owned();
    for line in lines {
        let found = line.sensitivity.map_or_else(
            || "–".to_owned(),
            |s| format!("{:.0} % of {}", s * 100.0, line.outbreaks),
        );
        let days = line.days_to_detection;
        let days = days.map_or_else(|| "–".to_owned(), |days| format!("{days:.1}"));
        let _ = writeln!(
            text,
            "| {} | {} | {found} | {days} | {:.1} |",
            line.series, line.statistic, line.false_alarms_a_year
        );
    }
    text
}

/// Where records are, and what of them is looked at.
struct Archive {
    path: PathBuf,
    time: String,
    group: String,
    only: Option<(String, String)>,
}

impl Archive {
    fn parse(text: &str) -> Result<Self, Misused> {
        let wrong = || Misused(format!("`{text}`: FILE:TIME:GROUP is expected"));
        let mut parts = text.split(':');
        let (Some(path), Some(time), Some(group)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        let only = match parts.next() {
            None => None,
            Some(only) => Some(only.split_once('=').ok_or_else(wrong)?),
        };
        Ok(Self {
            path: path.into(),
            time: time.to_owned(),
            group: group.to_owned(),
            only: only.map(|(field, value)| (field.to_owned(), value.to_owned())),
        })
    }
}

/// Records a day, by group. The day is the one that the record names, in its own zone.
fn counts(archive: &Archive) -> anyhow::Result<BTreeMap<String, BTreeMap<i32, f64>>> {
    let (mut source, bar) = Lines::open(&archive.path)?;
    let mut groups: BTreeMap<String, BTreeMap<i32, f64>> = BTreeMap::new();
    let mut taken = Taken::default();
    let place = || archive.path.display().to_string();
    while source.take(&mut taken).with_context(place)? {
        let record: Value = serde_json::from_slice(&taken.bytes)
            .with_context(|| format!("{}:{}", place(), taken.number))?;
        let field = |name: &str| record.get(name).and_then(Value::as_str);
        let only = archive.only.as_ref();
        if only.is_some_and(|(name, value)| field(name) != Some(value)) {
            continue;
        }
        let Some(day) = field(&archive.time).and_then(day_of) else {
            continue;
        };
        let group = field(&archive.group).unwrap_or_default().to_owned();
        *groups.entry(group).or_default().entry(day).or_default() += 1.0;
    }
    bar.finish_and_clear();
    Ok(groups)
}

/// Days since 1970-01-01 of a date at the beginning of a text.
fn day_of(text: &str) -> Option<i32> {
    let date: jiff::civil::Date = text.get(..10)?.parse().ok()?;
    let days = date.since(jiff::civil::date(1970, 1, 1)).ok()?.get_days();
    Some(days)
}

/// The largest groups as series, with the whole archive as their volume.
fn trials_of(groups: &BTreeMap<String, BTreeMap<i32, f64>>, calendar: &Calendar) -> Vec<Trial> {
    let days = || groups.values().flat_map(BTreeMap::keys).copied();
    let (Some(first), Some(last)) = (days().min(), days().max()) else {
        return Vec::new();
    };
    let last = last.min(first.saturating_add(MAX_DAYS));
    let of = |group: &BTreeMap<i32, f64>, day: i32| group.get(&day).copied().unwrap_or(0.0);
    let total = |day: i32| groups.values().map(|group| of(group, day)).sum();
    let totals: Vec<f64> = (first..=last).map(total).collect();
    let mut largest: Vec<&BTreeMap<i32, f64>> = groups.values().collect();
    // Stable: equals stay in the order of their names.
    largest.sort_by(|a, b| b.values().sum::<f64>().total_cmp(&a.values().sum()));
    let trial = |group: &BTreeMap<i32, f64>| Trial {
        counts: (first..=last).map(|day| of(group, day)).collect(),
        totals: totals.clone(),
        rest: (first..=last).map(|day| calendar.is_rest(day)).collect(),
        outbreaks: Vec::new(),
    };
    largest.into_iter().take(GROUPS).map(trial).collect()
}

/// What each group was a day, as a share of its highest day.
fn shapes_of(groups: &BTreeMap<String, BTreeMap<i32, f64>>) -> Vec<Vec<f64>> {
    let shape = |group: &BTreeMap<i32, f64>| -> Option<Vec<f64>> {
        let (first, last) = (*group.keys().next()?, *group.keys().next_back()?);
        let top = group.values().copied().fold(0.0, f64::max);
        let last = last.min(first.saturating_add(20));
        let share = |day| group.get(&day).copied().unwrap_or(0.0) / top;
        Some((first..=last).map(share).collect())
    };
    groups.values().filter_map(shape).collect()
}
