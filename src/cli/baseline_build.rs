//! `tocsin baseline build`: fills the baselines that `run` restores.
//!
//! Invariant: only hours before those that a series already knows are added, so that building twice, or over what was counted
//! since, counts nothing twice.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use serde::Serialize;

use super::baseline::fold_all;
use super::rules::TopicArgs;
use super::{Global, Misused, corpus};
use crate::config::{Settings, load_rule_set};
use crate::core::model::Status;
use crate::core::replay::{Folding, Reading, ReplayOutput};
use crate::kafka::baseline::{Archived, Filled, fill, refuse_live};
use crate::telemetry::wall_clock;

/// Arguments of `baseline build`.
#[derive(Debug, clap::Args)]
pub(super) struct Build {
    /// JSON lines, one record each (`.gz` is unpacked); `-` is standard input
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "topic",
        required_unless_present = "topic"
    )]
    input: Option<PathBuf>,
    #[command(flatten)]
    range: TopicArgs,
    /// Configured feed that the records are of; without it a line's `feed` may name one
    #[arg(long, value_name = "ID")]
    feed: Option<String>,
    /// Say what would be filled, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What was done.
#[derive(Debug, Serialize)]
struct Built {
    /// Series in the archive.
    archive_series: usize,
    /// Records of the archive.
    archive_records: u64,
    /// None with `--dry-run`.
    filled: Option<Filled>,
}

/// Runs the command.
pub(super) fn run(args: &Build, global: &Global) -> anyhow::Result<ExitCode> {
    args.range.check(&[])?;
    let settings = global.settings()?;
    anyhow::ensure!(
        settings.growth.enabled,
        "growth.enabled is false: `run` would read no baseline"
    );
    let kafka = settings.kafka_settings();
    if !args.dry_run {
        // Said before an archive of hours is read, and again before anything is written.
        refuse_live(&kafka)?;
    }
    let set = Arc::new(load_rule_set(&settings.paths)?);
    let config = Arc::new(settings.correlate_config(Arc::clone(&set.routing)));
    let base = args.range.feed(&settings, args.feed.as_deref(), None)?;
    let reading = Reading::new(base, &settings.feeds).map_err(anyhow::Error::msg)?;
    let mut folding = Folding::new(Arc::clone(&config));
    read(args, &settings, &set, &reading, &mut folding)?;
    folding.finish(false, &mut ReplayOutput::default());
    let archive = series_of(&folding);
    let mut built = Built {
        archive_series: archive.len(),
        archive_records: folding.summary().records,
        filled: None,
    };
    if !args.dry_run {
        let bar = corpus::spinner("records written");
        let told = |done: usize, _| bar.set_position(done as u64);
        let changelog = settings.topic_names().incidents;
        let filled = fill(&kafka, &changelog, &config, &archive, wall_clock(), told);
        bar.finish_and_clear();
        built.filled = Some(filled?);
    }
    let text = if args.json {
        serde_json::to_string(&built)? + "\n"
    } else {
        words(&built)
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn read(
    args: &Build,
    settings: &Settings,
    set: &Arc<crate::core::ruleset::RuleSet>,
    reading: &Reading,
    folding: &mut Folding,
) -> anyhow::Result<()> {
    if let Some(range) = args.range.range() {
        let kafka = settings.kafka_settings();
        let (mut source, bar) = corpus::Topic::open(&kafka, &range, wall_clock())?;
        let done = fold_all(&mut source, set, reading, folding);
        bar.finish_and_clear();
        return done.with_context(|| range.topic.clone());
    }
    let Some(input) = &args.input else {
        return Err(Misused("--input FILE or --topic TOPIC is needed".to_owned()).into());
    };
    let (mut source, bar) = corpus::Lines::open(input)?;
    let done = fold_all(&mut source, set, reading, folding);
    bar.finish_and_clear();
    done.with_context(|| input.display().to_string())
}

/// What the archive says about the world; exercises teach nothing.
fn series_of(folding: &Folding) -> Vec<Archived> {
    let actual = format!("{}/", Status::Actual.id());
    let keys = folding.series_keys().into_iter();
    keys.filter(|key| key.starts_with(&actual))
        .filter_map(|key| {
            Some(Archived {
                series: folding.series(&key)?,
                key,
            })
        })
        .collect()
}

fn words(built: &Built) -> String {
    let (records, series) = (built.archive_records, built.archive_series);
    let read = format!("{records} records read, {series} series in them\n");
    match &built.filled {
        None => read + "nothing written (--dry-run)\n",
        Some(filled) => format!(
            "{read}{} series filled with {} reports, {} records written\n",
            filled.series, filled.reports, filled.records
        ),
    }
}
