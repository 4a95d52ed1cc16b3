//! `tocsin baseline show`: what is usual for a hazard at a place, from an archive; and the other commands about baselines.
//!
//! Invariant: the archive goes through the same engine as `replay` does; `show` writes nowhere but to the terminal.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use serde::Serialize;

use super::baseline_build::{self, Build};
use super::baseline_measure::{self, Measure};
use super::corpus::{self, Seen, Source};
use super::{FAILED, Global, MISUSED, escaped};
use crate::config::load_rule_set;
use crate::core::growth::{PastDay, Series, days_for_past, past_days, read};
use crate::core::model::{Growth, GrowthPeriod, Hazard, Millis, is_wide_key};
use crate::core::replay::{Detecting, Folding, Reading, ReplayOutput, default_feed};
use crate::core::ruleset::RuleSet;

/// Time of the first records that state none, as in `replay`.
const START: Millis = Millis(946_684_800_000);

/// Arguments of `baseline`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Draw the last 28 days of a hazard at a place, with what is usual, the threshold and the alarms
    Show(Show),
    /// Fill the baselines that `run` restores with what an archive or a topic knows of the time before; refused while it runs
    Build(Build),
    /// Measure the statistics: outbreaks found, days to detection, false alarms; on simulated series and those of archives
    Measure(Measure),
}

/// Arguments of `baseline show`.
#[derive(Debug, clap::Args)]
struct Show {
    /// Hazard, as `tocsin rules list` names it
    hazard: String,
    /// Code of the place, such as cn-310115; of a wider area, such as cn-31, the sum of its places is shown
    place: String,
    /// JSON lines, one record each (`.gz` is unpacked); `-` is standard input
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Configured feed that the lines are records of; without it a line's `feed` may name one
    #[arg(long, value_name = "ID")]
    feed: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What is shown.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    key: &'a str,
    /// Keys of which this is the sum: of the place itself and of those within it.
    places: usize,
    /// Milliseconds east of UTC.
    #[serde(skip)]
    offset_ms: i64,
    until: Millis,
    now: Growth,
    days: Vec<PastDay>,
}

/// Runs the command.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Show(args) => show(args, global),
        Command::Build(args) => baseline_build::run(args, global),
        Command::Measure(args) => baseline_measure::run(args, global),
    }
}

fn show(show: &Show, global: &Global) -> anyhow::Result<ExitCode> {
    let settings = global.settings()?;
    let Some(hazard) = Hazard::ALL.iter().find(|h| h.id() == show.hazard) else {
        return misused(&format!(
            "no hazard `{}`; `tocsin rules list` names those there are",
            show.hazard
        ));
    };
    let base = match &show.feed {
        None => default_feed(),
        Some(id) => match settings.feeds.iter().find(|feed| *feed.id == **id) {
            Some(feed) => feed.clone(),
            None => return misused(&format!("--feed: no feed `{id}`")),
        },
    };
    let set = Arc::new(load_rule_set(&settings.paths)?);
    let mut config = settings.correlate_config(Arc::clone(&set.routing));
    // `run` looks at today alone, and keeps what it needs for that.
    config.growth.kept_days = days_for_past(&config.growth);
    let config = Arc::new(config);
    let reading = Reading::new(base, &settings.feeds).map_err(anyhow::Error::msg)?;
    let mut folding = Folding::new(Arc::clone(&config));
    let (mut source, bar) = corpus::Lines::open(&show.input)?;
    let done = fold_all(&mut source, &set, &reading, &mut folding);
    bar.finish_and_clear();
    done.with_context(|| show.input.display().to_string())?;
    let until = folding.clock();
    folding.finish(false, &mut ReplayOutput::default());
    let known = set.gazetteer.get(&show.place);
    let place = known.map_or_else(|| show.place.as_str().into(), |place| place.code);
    let key = format!("actual/{}/{place}", hazard.id());
    let of = places_of(*hazard, &place, &folding, &set);
    if of.is_empty() {
        return none_here(*hazard, &show.place, &folding);
    }
    let mut series = Series::default();
    for part in of.iter().filter_map(|key| folding.series(key)) {
        series.add(&part);
    }
    let shown = Shown {
        key: &key,
        places: of.len(),
        offset_ms: i64::from(config.growth.calendar.utc_offset_minutes) * 60_000,
        until,
        now: read(&series, until, &config.growth),
        days: past_days(&series, until, &config.growth),
    };
    let text = if show.json {
        serde_json::to_string(&shown)? + "\n"
    } else {
        draw(&shown)
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Keys of the hazard at the place and at those within it.
fn places_of(hazard: Hazard, place: &str, folding: &Folding, set: &RuleSet) -> Vec<Arc<str>> {
    let of = format!("actual/{}/", hazard.id());
    let within = |key: &Arc<str>| {
        let code = key.strip_prefix(&*of);
        code.is_some_and(|code| {
            code == place
                || set
                    .gazetteer
                    .ancestors(code)
                    .iter()
                    .any(|it| **it == *place)
        })
    };
    let keys = folding.series_keys().into_iter();
    // What only counts in a wider area is the same reports once more.
    keys.filter(|key| !is_wide_key(key))
        .filter(within)
        .collect()
}

/// Runs a corpus through detect and the fold.
pub(super) fn fold_all(
    source: &mut (dyn Source + Send),
    set: &Arc<RuleSet>,
    reading: &Reading,
    folding: &mut Folding,
) -> anyhow::Result<()> {
    let engine = || Detecting::new(Arc::clone(set), reading).map_err(anyhow::Error::msg);
    let engines: anyhow::Result<Vec<Vec<Detecting>>> = (0..corpus::threads())
        .map(|_| Ok(vec![engine()?]))
        .collect();
    let mut out = ReplayOutput::default();
    let fold = |seen: Seen<'_>| {
        for (outcome, mut detected) in seen.sides {
            out.clear();
            folding.line(outcome, detected.as_deref_mut(), &mut out);
        }
        anyhow::Ok(())
    };
    corpus::run(source, reading, engines?, START, fold)
}

fn none_here(hazard: Hazard, place: &str, folding: &Folding) -> anyhow::Result<ExitCode> {
    let known = folding.series_keys();
    let of = format!("actual/{}/", hazard.id());
    let ordinary = known.iter().filter(|key| !is_wide_key(key));
    let places: Vec<&str> = ordinary.filter_map(|k| k.strip_prefix(&*of)).collect();
    let shown = places[..places.len().min(10)].join(", ");
    writeln!(
        io::stderr().lock(),
        "error: the archive has no report of {} at {place}; places that have some: {}",
        hazard.id(),
        if shown.is_empty() { "none" } else { &shown }
    )?;
    Ok(ExitCode::from(FAILED))
}

fn misused(message: &str) -> anyhow::Result<ExitCode> {
    writeln!(io::stderr().lock(), "error: {message}")?;
    Ok(ExitCode::from(MISUSED))
}

/// Columns of a bar.
const WIDTH: f64 = 40.0;

/// A line a day: date, count, a bar with the threshold as `|`, and what it says.
fn draw(shown: &Shown<'_>) -> String {
    let top = shown.days.iter().fold(1.0, |top: f64, day| {
        top.max(f64::from(day.observed))
            .max(day.threshold.unwrap_or(0.0))
    });
    let mut text = escaped(shown.key);
    if shown.places > 1 {
        let _ = write!(text, " ({} places)", shown.places);
    }
    text.push('\n');
    for day in &shown.days {
        let column = |count: f64| (count / top * WIDTH).round() as usize;
        let mut bar = vec!['█'; column(f64::from(day.observed))];
        if let Some(threshold) = day.threshold {
            let at = column(threshold);
            bar.resize(bar.len().max(at + 1), ' ');
            bar[at] = '|';
        }
        let says = match (day.expected, day.statistic) {
            (Some(expected), Some(statistic)) => {
                let alarm = if day.alarm { "  ALARM" } else { "" };
                format!("usual {expected:.1}, W2 {statistic:.1}{alarm}")
            }
            _ => "learning".to_owned(),
        };
        let bar: String = bar.into_iter().collect();
        let date = day.start.plus(shown.offset_ms).to_string();
        let (date, observed) = (date.get(..10).unwrap_or(""), day.observed);
        let _ = writeln!(text, "{date} {observed:>6}  {bar:<42} {says}");
    }
    let until = shown.until.plus(shown.offset_ms).to_string();
    let until = until.get(..16).unwrap_or("").replace('T', " ");
    let _ = writeln!(text, "{until}: {}", at_the_end(&shown.now));
    text
}

/// What a report would be told at the end of the archive: the hour may be an alarm on a day that is none.
fn at_the_end(now: &Growth) -> String {
    let Growth { observed, .. } = now;
    let plural = if *observed == 1 { "" } else { "s" };
    let period = match now.period {
        GrowthPeriod::Hour => "this hour",
        GrowthPeriod::Day => "this day",
    };
    match (now.expected, now.statistic) {
        (Some(expected), Some(statistic)) => {
            let alarm = if now.alarm { ", an alarm" } else { "" };
            format!(
                "{observed} report{plural} in {period} where {expected:.1} are usual (W2 {statistic:.1}){alarm}"
            )
        }
        _ => format!("{observed} report{plural} in {period}, learning"),
    }
}
