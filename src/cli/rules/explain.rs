//! `tocsin rules explain`: what becomes of one report, step by step, and why a rule did not fire.
//!
//! Exit codes: 0 a rule fired (with `--rule`: that one), 1 none did, or the record cannot be read, 2 wrong usage, or no such record.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use super::super::corpus::Taken;
use super::super::{FAILED, Global, Misused};
use super::explain_record::{Earlier, from_file, from_topic};
use super::explain_report::{Report, Route};
use super::explain_text::text;
use super::load;
use super::topic::TopicArgs;
use crate::config::Settings;
use crate::core::correlate::CorrelateConfig;
use crate::core::decode::{Decoder, TocsinJson};
use crate::core::model::{CorrelateOutcome, Feed, Level, Millis, RawRecord};
use crate::core::normalise::normalise;
use crate::core::place::PlaceQuery;
use crate::core::replay::{ReplayOutput, Replayer};
use crate::core::ruleset::RuleSet;
use crate::core::tools::explain::{Explainer, is_near, terms_of};

/// Rules shown that came near to firing.
const MAX_NEAR: usize = 8;

/// Arguments of `rules explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// File with one record; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-", conflicts_with = "topic")]
    pub(super) input: PathBuf,
    #[command(flatten)]
    pub(super) topic: TopicArgs,
    /// Of the topic, the first report with this id; what comes before it in the range is its history
    #[arg(long, value_name = "ID", requires = "topic", conflicts_with = "at")]
    pub(super) id: Option<String>,
    /// Of the topic, the record at this partition and offset, such as 0/17
    #[arg(long, value_name = "PARTITION/OFFSET", requires = "topic")]
    pub(super) at: Option<crate::kafka::letters::LetterId>,
    /// Explain this rule, whether it fired or not
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    /// Read the record as one of this configured feed. Without it: the topic's feed; of a file Tocsin JSON, or a plain text
    #[arg(long, value_name = "FEED")]
    pub(super) feed: Option<String>,
    /// Read the record in this format
    #[arg(long, value_name = "FORMAT")]
    pub(super) decoder: Option<String>,
    /// Show every part of every condition; otherwise a rule that did not fire is one line, and a `not` that holds is too
    #[arg(long)]
    full: bool,
    /// Earlier records of the same feed, one a line: is the report new, a copy, a repeat?
    #[arg(long, value_name = "FILE", conflicts_with = "topic")]
    pub(super) history: Option<PathBuf>,
    /// When the record was received, RFC 3339; a record of a topic says it itself
    #[arg(long, value_name = "TIME", default_value = "2026-01-01T00:00:00Z")]
    received: String,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Runs the tool.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let of_topic = [("--id", args.id.is_some()), ("--at", args.at.is_some())];
    args.topic.check(&of_topic)?;
    let settings = global.settings()?;
    let Some(received) = Millis::parse(&args.received) else {
        return Err(Misused("--received: not an RFC 3339 time".to_owned()).into());
    };
    let feed = args
        .topic
        .feed(&settings, args.feed.as_deref(), args.decoder.as_deref())?;
    let (set, files) = load::rule_set(&settings.paths)?;
    let shared = Arc::new(feed);
    let mut explainer =
        Explainer::new(&files.rules, &files.lexicons, &set, &shared).map_err(Misused)?;
    if let Some(id) = &args.rule
        && !explainer.ids().any(|known| **known == **id)
    {
        let why = format!(
            "--rule: no rule `{id}` that fires on reports; `tocsin rules list` shows them (a filter or an abstract rule is explained with the rules that it is for)"
        );
        return Err(Misused(why).into());
    }
    let mut replayer = replayer(&settings, &set, &shared, received)?;
    let mut earlier = Earlier::default();
    let taken = match args.topic.range() {
        Some(range) => from_topic(args, &settings, range, &shared, &mut replayer, &mut earlier)?,
        None => from_file(args, &mut replayer, &mut earlier)?,
    };
    let mut report = Report {
        full: args.full || args.rule.is_some(),
        history: earlier.records,
        unread: earlier.unread.take(),
        ..Report::default()
    };
    report.came_from(args.topic.topic.as_deref(), &taken);
    let record = taken.raw(received);
    if let Err(why) = look(&set, &shared, &record, &mut report) {
        report.refused = Some(why);
    } else {
        replay(
            &settings,
            &set,
            &mut replayer,
            &taken,
            received,
            &mut report,
        );
        earlier.compare(&mut report);
        choose(
            args,
            explainer.explain(&record, &report.fired()),
            &mut report,
        );
    }
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        out.write_all(text(&report).as_bytes())?;
    }
    let fired = report.rules.iter().any(|one| one.fired);
    Ok(ExitCode::from(if fired { 0 } else { FAILED }))
}

/// The rules that are shown: the one asked for, else those that fired and some that came near.
fn choose(
    args: &Args,
    explained: Vec<crate::core::tools::explain::Explained>,
    report: &mut Report,
) {
    report.terms = terms_of(&explained);
    for one in explained {
        let asked = args.rule.as_ref().map(|id| **id == *one.rule);
        let near = is_near(&one) && report.near < MAX_NEAR;
        if asked.unwrap_or(one.fired || near) {
            report.near += usize::from(!one.fired);
            report.rules.push(one);
        }
    }
    report.rules.sort_by_key(|one| !one.fired);
}

fn correlate(settings: &Settings, set: &RuleSet) -> CorrelateConfig {
    let mut config = settings.correlate_config(Arc::clone(&set.routing));
    // What the queue hears is what holds after this report.
    config.incident.refresh_ms = 0;
    config
}

fn replayer(
    settings: &Settings,
    set: &Arc<RuleSet>,
    feed: &Arc<Feed>,
    start: Millis,
) -> Result<Replayer, Misused> {
    let config = Arc::new(correlate(settings, set));
    let feed = Feed::clone(feed);
    let replayer = Replayer::new(Arc::clone(set), config, feed, &[], start).map_err(Misused)?;
    Ok(replayer.with_drill_key(settings.drills.drill_key().map(Arc::new)))
}

/// Decoded, normalised, placed.
fn look(
    set: &RuleSet,
    feed: &Arc<Feed>,
    record: &RawRecord<'_>,
    shown: &mut Report,
) -> Result<(), String> {
    let decoder = Decoder::new(Arc::clone(feed))?;
    let report = decoder
        .decode(record)
        .map_err(|refusal| format!("{refusal}\n  help: {}", refusal.code.help()))?;
    shown.decoded = serde_json::to_value(TocsinJson(&report)).map_err(|e| e.to_string())?;
    shown.normalised = [normalise(&report.title), normalise(&report.text)];
    let query = PlaceQuery {
        code: report.place_code.as_deref(),
        name: report.place_name.as_deref(),
        coordinates: report.coordinates,
        title: &report.title,
        text: &report.text,
        normal: None,
        home: feed.home.as_deref(),
    };
    let resolved = set.gazetteer.resolve(&query);
    shown.candidates = set.gazetteer.candidates(&query);
    let named = shown.candidates.iter().any(|c| c.place == resolved.place);
    shown.place_by = match (query.code, query.coordinates) {
        _ if resolved.assumed => "the feed's home: the report names no place",
        (Some(code), _) if code == &*resolved.place.code => "the record's code",
        (Some(_), _) if query.coordinates.is_none() && !named => "the record's code",
        (_, Some(_)) => "the record's coordinates",
        _ if named => "a name in the report",
        _ => "nothing",
    };
    shown.ancestors = set.gazetteer.ancestors(&resolved.place.code);
    shown.place = Some(resolved.place);
    shown.place_assumed = resolved.assumed;
    shown.also_places = resolved.also;
    Ok(())
}

/// Detections with their ends, what the queue hears, and who would hear it.
fn replay(
    settings: &Settings,
    set: &Arc<RuleSet>,
    replayer: &mut Replayer,
    taken: &Taken,
    received: Millis,
    shown: &mut Report,
) {
    let mut out = ReplayOutput::default();
    if taken.received.is_some() {
        replayer.record(&taken.raw(received), &mut out);
    } else {
        replayer.line(&taken.bytes, &mut out);
    }
    shown.shadow = out.shadow;
    shown.alerts = out.alerts;
    shown.detections = out.detections;
    shown.is_copy = shown
        .detections
        .iter()
        .any(|(_, end)| *end == CorrelateOutcome::Copy);
    let thresholds = correlate(settings, set).level;
    for (detection, _) in &shown.detections {
        let level = shown.alerts.iter().find(|alert| alert.key == detection.key);
        // Below the lowest level nobody hears of it; shown is who would.
        let level = level.map_or(Level::Blue, |alert| alert.level);
        shown.routes.push(Route {
            key: detection.key.clone(),
            level,
            queued: shown.alerts.iter().any(|alert| alert.key == detection.key),
            threshold: thresholds.threshold(Level::Blue),
            departments: set
                .routing
                .departments(detection.hazard, level, &detection.departments),
        });
    }
    shown.routes.dedup();
}
