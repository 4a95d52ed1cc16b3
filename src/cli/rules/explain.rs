//! `tocsin rules explain`: what becomes of one report, step by step, and why a rule did not fire.
//!
//! Exit codes: 0 a rule fired (with `--rule`: that one), 1 none did, or the record cannot be read, 2 wrong usage.

use std::collections::BTreeSet;
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;

use super::super::{FAILED, Global, MISUSED};
use super::explain_text::{Report, text};
use super::load;
use crate::config::Settings;
use crate::core::decode::{Decoder, TocsinJson};
use crate::core::model::{CorrelateOutcome, DecoderKind, Feed, Millis, RawRecord};
use crate::core::normalise::normalise;
use crate::core::place::PlaceQuery;
use crate::core::replay::{ReplayOutput, Replayer, default_feed};
use crate::core::ruleset::RuleSet;
use crate::core::tools::explain::{Explainer, is_near, terms_of};

/// Rules shown that came near to firing.
const MAX_NEAR: usize = 8;

/// Arguments of `rules explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// File with one record; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    input: PathBuf,
    /// Explain this rule, whether it fired or not
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    /// Read the record as one of this configured feed. Without it: Tocsin JSON, or a plain text
    #[arg(long, value_name = "FEED")]
    feed: Option<String>,
    /// Read the record in this format
    #[arg(long, value_name = "FORMAT")]
    decoder: Option<String>,
    /// Show every part of every condition; otherwise a rule that did not fire is one line, and a `not` that holds is too
    #[arg(long)]
    full: bool,
    /// Earlier records of the same feed, one a line: is the report new, a copy, a repeat?
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// When the record was received, RFC 3339
    #[arg(long, value_name = "TIME", default_value = "2026-01-01T00:00:00Z")]
    received: String,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Runs the tool.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let settings = global.settings()?;
    let Some(received) = Millis::parse(&args.received) else {
        return misused("--received: not an RFC 3339 time");
    };
    let feed = match feed(args, &settings) {
        Ok(feed) => feed,
        Err(why) => return misused(&why),
    };
    let (set, files) = load::rule_set(&settings.paths)?;
    let shared = Arc::new(feed.clone());
    let mut explainer =
        Explainer::new(&files.rules, &files.lexicons, &set, &shared).map_err(anyhow::Error::msg)?;
    if let Some(id) = &args.rule
        && !explainer.ids().any(|known| **known == **id)
    {
        return misused(&format!(
            "--rule: no rule `{id}`; `tocsin rules list` shows them"
        ));
    }
    let payload = read(args)?;
    let record = RawRecord::new(&payload, received);
    let mut report = Report {
        full: args.full || args.rule.is_some(),
        ..Report::default()
    };
    if let Err(why) = look(&set, &shared, &record, &mut report) {
        report.refused = Some(why);
    } else {
        replay(args, &settings, &set, feed, &payload, received, &mut report)?;
        let fired = report.fired();
        let explained = explainer.explain(&record, &fired);
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
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        out.write_all(text(&report).as_bytes())?;
    }
    let fired = report.rules.iter().any(|one| one.fired);
    Ok(ExitCode::from(if fired { 0 } else { FAILED }))
}

fn misused(message: &str) -> anyhow::Result<ExitCode> {
    writeln!(io::stderr().lock(), "error: {message}")?;
    Ok(ExitCode::from(MISUSED))
}

fn feed(args: &Args, settings: &Settings) -> Result<Feed, String> {
    let mut feed = match &args.feed {
        None => default_feed(),
        Some(id) => settings
            .feeds
            .iter()
            .find(|feed| *feed.id == **id)
            .cloned()
            .ok_or_else(|| format!("--feed: no feed `{id}` is configured"))?,
    };
    if let Some(name) = &args.decoder {
        let kind: Result<DecoderKind, _> = serde_json::from_value(name.as_str().into());
        feed.decoder = kind.map_err(|_| format!("--decoder: unknown format `{name}`"))?;
    }
    Ok(feed)
}

/// The record's bytes; a text that is no JSON becomes a Tocsin JSON record where one is expected.
fn read(args: &Args) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if args.input.as_os_str() == "-" {
        io::stdin().lock().read_to_end(&mut bytes)?;
    } else {
        bytes = std::fs::read(&args.input).with_context(|| format!("{}", args.input.display()))?;
    }
    let plain = args.feed.is_none() && args.decoder.is_none();
    if plain && !bytes.trim_ascii_start().starts_with(b"{") {
        let text = String::from_utf8_lossy(bytes.trim_ascii());
        bytes = serde_json::json!({"id": "report", "text": text})
            .to_string()
            .into_bytes();
    }
    Ok(bytes)
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
    shown.normalised = [
        normalise(&report.title).clone(),
        normalise(&report.text).clone(),
    ];
    let resolved = set.gazetteer.resolve(&PlaceQuery {
        code: report.place_code.as_deref(),
        name: report.place_name.as_deref(),
        coordinates: report.coordinates,
        title: &report.title,
        text: &report.text,
        home: feed.home.as_deref(),
    });
    shown.ancestors = set.gazetteer.ancestors(&resolved.place.code);
    shown.place = Some(resolved.place);
    shown.place_assumed = resolved.assumed;
    shown.also_places = resolved.also;
    Ok(())
}

/// Detections with their ends, and what the queue hears.
fn replay(
    args: &Args,
    settings: &Settings,
    set: &Arc<RuleSet>,
    feed: Feed,
    payload: &[u8],
    received: Millis,
    shown: &mut Report,
) -> anyhow::Result<()> {
    let mut config = settings.correlate_config(Arc::clone(&set.routing));
    config.incident.refresh_ms = 0;
    let mut replayer = Replayer::new(Arc::clone(set), Arc::new(config), feed, &[], received)
        .map_err(anyhow::Error::msg)?;
    let mut out = ReplayOutput::default();
    if let Some(path) = &args.history {
        let history = std::fs::read(path).with_context(|| format!("{}", path.display()))?;
        for line in history
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            replayer.line(line, &mut out);
        }
        out.clear();
    }
    replayer.line(payload, &mut out);
    shown.shadow = out.shadow;
    shown.alerts = out.alerts;
    shown.detections = out.detections;
    shown.is_copy = shown
        .detections
        .iter()
        .any(|(_, end)| *end == CorrelateOutcome::Copy);
    Ok(())
}

impl Report {
    fn fired(&self) -> BTreeSet<Arc<str>> {
        let live = self
            .detections
            .iter()
            .map(|(detection, _)| &detection.rule_id);
        let shadow = self.shadow.iter().map(|hit| &hit.rule_id);
        live.chain(shadow).cloned().collect()
    }
}
