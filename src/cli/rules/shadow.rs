//! `tocsin rules shadow`: what rules of `status: test` would have added and removed, and the gate before they go live.
//!
//! Exit codes: 0 done, and every rule passes the gate; 1 one does not; 2 wrong usage, or files or hits that cannot be read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use serde::Serialize;

use super::super::corpus::{open_input, progress, read_line};
use super::super::{FAILED, Global, MISUSED, Misused, escaped};
use super::load;
use super::promote::{Gate, Verdict};
use crate::config::{RuleFiles, Settings};
use crate::core::model::Detection;
use crate::core::rule::{self, Rule, RuleStatus};
use crate::core::ruleset::RuleSet;
use crate::core::tools::promotion::Bars;
use crate::core::tools::shadow::{MAX_SAMPLES, Observed, Tally};
use crate::kafka::dump::dump;
use crate::telemetry::wall_clock;

/// Arguments of `rules shadow`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Read hits from this file, JSON lines as on `tocsin.shadow` (`.gz` too; `-` is standard input), not from Kafka
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// This rule only; several times for several
    #[arg(long = "rule", value_name = "ID")]
    rules: Vec<String>,
    /// Samples shown of each rule
    #[arg(long, value_name = "N", default_value_t = 3)]
    samples: usize,
    /// Gate: the rule was watched for so many days as it is now, whether it fired or not
    #[arg(long, value_name = "DAYS", value_parser = bound)]
    min_days: Option<f64>,
    /// Gate: it adds no more reports a day than this
    #[arg(long, value_name = "N", value_parser = bound)]
    max_new_per_day: Option<f64>,
    /// Gate: test files, or folders of them; without any the bundled ones of the bundled rules
    #[arg(long, value_name = "PATH")]
    tests: Vec<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// A bound of the gate.
fn bound(text: &str) -> Result<f64, &'static str> {
    let number = text.parse().ok();
    let number = number.filter(|n: &f64| n.is_finite() && *n >= 0.0);
    number.ok_or("a number from 0 on, such as 7 or 0.5")
}

#[derive(Serialize)]
struct Shown {
    rules: Vec<Observed>,
    /// By rule: records that do not count, as the rule said something else then.
    earlier: BTreeMap<Arc<str>, u64>,
    /// Records that are neither hits nor signs of life of a known version.
    unreadable: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<Vec<Verdict>>,
}

/// Runs the tool.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let settings = global.settings()?;
    // Not 1: nothing was judged.
    let (set, files) = load::rule_set(&settings.paths)?;
    let tally = Tally::default().of(&set.program);
    let (tally, unreadable) = read(args, &settings, tally).map_err(Misused::from_error)?;
    let end = args.input.is_none().then(wall_clock);
    let mut rules = tally.observed(end, args.samples.min(MAX_SAMPLES));
    let wanted = |id: &str| args.rules.is_empty() || args.rules.iter().any(|rule| rule == id);
    let known = |id: &str| {
        rules.iter().any(|one| *one.rule == *id)
            || tally.earlier().contains_key(id)
            || has(&files, id)
    };
    if let Some(unknown) = args.rules.iter().find(|id| !known(id)) {
        let why = format!(
            "--rule: there is no rule `{unknown}`, neither in the rule set nor among the hits; `tocsin rules list` shows those that there are"
        );
        return Err(Misused(why).into());
    }
    rules.retain(|one| wanted(&one.rule));
    let mut earlier = tally.earlier().clone();
    earlier.retain(|id, _| wanted(id));
    let mut shown = Shown {
        rules,
        earlier,
        unreadable,
        gate: None,
    };
    if args.min_days.is_some() || args.max_new_per_day.is_some() {
        let loaded = (&set, &files);
        let Some(verdicts) = gate(args, &settings, loaded, &shown.rules, wanted)? else {
            let why = "the gate has nothing to judge: no such rule of status: test";
            writeln!(io::stderr().lock(), "error: {why}")?;
            return Ok(ExitCode::from(MISUSED));
        };
        shown.gate = Some(verdicts);
    }
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&shown)?)?;
    } else {
        out.write_all(text(&shown, &args.rules).as_bytes())?;
    }
    let passed = shown.gate.iter().flatten().all(|verdict| verdict.ok);
    Ok(ExitCode::from(if passed { 0 } else { FAILED }))
}

/// Whether the files have a rule of this id.
fn has(files: &RuleFiles, id: &str) -> bool {
    let rules = rule::parse_set(&files.rules, &mut Vec::new()).rules;
    rules.iter().any(|rule| *rule.id == *id)
}

fn read(args: &Args, settings: &Settings, mut tally: Tally) -> anyhow::Result<(Tally, u64)> {
    let mut unreadable = 0;
    let mut take = |line: &[u8]| {
        if !tally.record(line, |_| true) {
            unreadable += 1;
        }
    };
    if let Some(path) = &args.input {
        let bar = progress(path);
        let mut reader = open_input(path, &bar).with_context(|| format!("{}", path.display()))?;
        let mut line = Vec::new();
        while read_line(&mut reader, &mut line)? {
            if !line.iter().all(u8::is_ascii_whitespace) {
                take(&line);
            }
        }
        bar.finish_and_clear();
        return Ok((tally, unreadable));
    }
    let (kafka, names) = (settings.kafka_settings(), settings.topic_names());
    dump(&kafka, &names.shadow, |_, value| take(value))?;
    if tally.wants_detections() {
        dump(&kafka, &names.detections, |_, value| {
            // Control records are no detections.
            if let Ok(detection) = serde_json::from_slice::<Detection>(value) {
                tally.detection(&detection);
            }
        })?;
    }
    Ok((tally, unreadable))
}

fn gate(
    args: &Args,
    settings: &Settings,
    (set, files): (&Arc<RuleSet>, &RuleFiles),
    observed: &[Observed],
    wanted: impl Fn(&str) -> bool,
) -> anyhow::Result<Option<Vec<Verdict>>> {
    let mut found = Vec::new();
    let parsed = files.rules.iter();
    let rules: Vec<Rule> = parsed
        .flat_map(|file| rule::parse(file, &mut found))
        .filter(|rule| rule.status == RuleStatus::Shadow && wanted(&rule.id))
        .collect();
    if rules.is_empty() {
        return Ok(None);
    }
    let gate = Gate {
        bars: Bars {
            min_days: args.min_days.unwrap_or(0.0),
            max_new_per_day: args.max_new_per_day.unwrap_or(f64::INFINITY),
        },
        settings,
        set,
        files,
        tests: &load::test_files(&args.tests, &settings.paths)?,
    };
    gate.judge(&rules, observed).map(Some)
}

fn text(shown: &Shown, of: &[String]) -> String {
    let mut out = String::new();
    for one in &shown.rules {
        // Writing to a string cannot fail.
        let _ = rule_text(one, &mut out);
    }
    for (id, records) in &shown.earlier {
        let _ = writeln!(
            out,
            "{id}: edited since {records} records were written; these do not count"
        );
    }
    for id in of {
        if shown.rules.iter().all(|one| *one.rule != **id) {
            let _ = writeln!(out, "nothing is known of `{id}` as a shadow rule");
        }
    }
    if shown.rules.is_empty() && of.is_empty() && shown.earlier.is_empty() {
        out += "nothing is known of any shadow rule\n";
    }
    if shown.unreadable > 0 {
        let _ = writeln!(
            out,
            "{} records are none of a shadow rule, or of another version",
            shown.unreadable
        );
    }
    for verdict in shown.gate.iter().flatten() {
        let sign = if verdict.ok { "may go live" } else { "stays" };
        let _ = writeln!(out, "{} {sign}", verdict.rule);
        for reason in &verdict.reasons {
            let _ = writeln!(out, "  {reason}");
        }
    }
    out
}

fn rule_text(one: &Observed, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "{}: {} reports since {} (watched for {:.1} days), {:.1} a day",
        one.rule, one.hits, one.since, one.days, one.per_day
    )?;
    writeln!(
        out,
        "  would add {} reports in {} incidents, {:.1} a day",
        one.new, one.new_keys, one.new_per_day
    )?;
    for (rule, reports) in &one.overlap {
        writeln!(out, "  {reports} also by {rule}")?;
    }
    if let (Some(replaced), Some(removed)) = (&one.replaces, one.removed) {
        writeln!(out, "  would remove {removed} reports of {replaced}")?;
    }
    for sample in &one.samples {
        let sign = if sample.new { "new" } else { "known" };
        let (place, excerpt) = (escaped(&sample.place), escaped(&sample.excerpt));
        writeln!(
            out,
            "  {sign} {}/{} {place}: {excerpt}",
            escaped(&sample.feed),
            escaped(&sample.report)
        )?;
    }
    Ok(())
}
