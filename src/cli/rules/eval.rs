//! `tocsin rules eval`: plain Sigma rules over JSON events, without Kafka.
//!
//! Standard output has one JSON object a match, in the order of events, then of rules: `event` (zero-based line number),
//! `rule_id`, `selections` (those that hold and speak for the match); of a correlation also `correlation`: its `group`, the `value`
//! of its condition, how many `events` it is about, `from` when `to` when. Everything else goes to standard error.
//!
//! Exit codes: 0 all was evaluated, whether anything matched or not; 1 rules that do not load, or lines that are no events; 2 wrong usage, or
//! files that cannot be read.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use serde::Serialize;

use super::super::{FAILED, Global, MISUSED, render};
use super::eval_lines::{Correlated, MAX_EVENT, Match, Output, each_line, open};
use crate::config::{codes, read_yaml};
use crate::core::diagnostic::{Diagnostic, Gravity, SourceFile};
use crate::core::rule::sigma::{
    BadEvent, Compiled, Correlator, Options, Placeholders, Scratch, Sigma, milliseconds,
};

/// Lines that are no events of which each is shown.
const MAX_SHOWN: u64 = 20;
const EXIT_CODES: &str = "\
Exit codes:
  0  done, whatever matched
  1  rules that do not load (without --skip-bad nothing is evaluated), or lines that are no events
  2  wrong usage, or files that cannot be read";

/// Arguments of `rules eval`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Args {
    /// Rule file, or a folder with rule files (`.yml`, `.yaml`) at any depth. May be given several times
    #[arg(long, value_name = "PATH", required = true)]
    rules: Vec<PathBuf>,
    /// Events, one JSON object a line; `-` is standard input
    #[arg(long, value_name = "FILE")]
    events: PathBuf,
    /// Go on without the rules that do not load
    #[arg(long)]
    skip_bad: bool,
    /// A value for the placeholder `%NAME%` of `expand`. May be given several times, also for one name
    #[arg(long, value_name = "NAME=VALUE", value_parser = placeholder)]
    placeholder: Vec<(String, String)>,
    /// Field that tells when an event happened, for correlations. Without it: `@timestamp`, `timestamp`, `ts`, `time` and the like;
    /// an event without any happened when the one before it did
    #[arg(long, value_name = "FIELD")]
    time_field: Option<String>,
    /// How late an event may come behind later ones and still be correlated: a number of s, m, h or d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = lateness)]
    lateness: i64,
    /// Say at the end how many events and matches there were, and how many events a second without the time of loading
    #[arg(long)]
    stats: bool,
    /// Findings and statistics as JSON, one object a line
    #[arg(long)]
    json: bool,
}

fn placeholder(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => {
            Ok((name.trim_matches('%').to_owned(), value.to_owned()))
        }
        _ => Err("it is NAME=VALUE".to_owned()),
    }
}

fn lateness(text: &str) -> Result<i64, String> {
    milliseconds(text)
        .ok_or_else(|| "it is a whole number of s, m, h or d, at most a year".to_owned())
}

#[derive(Debug, Default, Serialize)]
struct Stats {
    rules: usize,
    rules_left_out: usize,
    events: u64,
    bad_events: u64,
    matches: u64,
    /// Matching events whose time could not be read, for correlations.
    timeless_events: u64,
    /// Groups and events of correlations that were forgotten for want of room.
    forgotten: u64,
    /// Events that a correlation no longer took, as events of much later times had come before.
    too_late: u64,
    loading_seconds: f64,
    seconds: f64,
    events_per_second: f64,
}

/// Runs the tool.
pub fn run(args: &Args, _global: &Global) -> anyhow::Result<ExitCode> {
    let begun = Instant::now();
    let sources = match read(&args.rules) {
        Ok(sources) => sources,
        Err(found) => {
            report(&found, &[], args.json)?;
            return Ok(ExitCode::from(MISUSED));
        }
    };
    let mut placeholders = Placeholders::new();
    for (name, value) in &args.placeholder {
        placeholders
            .entry(name.clone())
            .or_default()
            .push(value.clone());
    }
    let compiled = Sigma::compile(
        &sources,
        &Options {
            placeholders,
            time_field: args.time_field.clone(),
        },
    );
    report(&compiled.findings, &sources, args.json)?;
    if compiled.has_errors() && !args.skip_bad {
        return Ok(ExitCode::from(FAILED));
    }
    if compiled.sigma.rules().is_empty() {
        report(&[no_rules(args, compiled.left_out)], &[], args.json)?;
        return Ok(ExitCode::from(FAILED));
    }
    let mut stats = Stats {
        rules: compiled.sigma.rules().len(),
        rules_left_out: compiled.left_out,
        loading_seconds: begun.elapsed().as_secs_f64(),
        ..Stats::default()
    };
    let begun = Instant::now();
    evaluate(args, &compiled, &mut stats)?;
    stats.seconds = begun.elapsed().as_secs_f64();
    stats.events_per_second = (stats.events as f64 / stats.seconds.max(1e-9)).round();
    if args.stats {
        show(&stats, args.json)?;
    }
    Ok(if stats.bad_events > 0 {
        ExitCode::from(FAILED)
    } else {
        ExitCode::SUCCESS
    })
}

/// The files under the paths, each once, or every path that cannot be read.
fn read(paths: &[PathBuf]) -> Result<Vec<SourceFile>, Vec<Diagnostic>> {
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    for path in paths {
        files.extend(read_yaml(path, &mut errors));
    }
    files.sort_by(|a: &SourceFile, b| a.name.cmp(&b.name));
    files.dedup_by(|a, b| a.name == b.name);
    if errors.is_empty() {
        Ok(files)
    } else {
        Err(errors)
    }
}

/// Nothing matched and nothing could have: a typing error in a path must not look like a quiet night.
fn no_rules(args: &Args, left_out: usize) -> Diagnostic {
    let paths: Vec<String> = args.rules.iter().map(|p| p.display().to_string()).collect();
    let message = match left_out {
        0 => "there is no rule here".to_owned(),
        n => format!("no rule is left to evaluate: {n} left out"),
    };
    Diagnostic {
        code: codes::NO_RULES,
        gravity: Gravity::Error,
        file: paths.join(", "),
        line: 0,
        column: 0,
        length: 0,
        message,
        help: Some("name a rule file, or a folder with files that end in .yml or .yaml".to_owned()),
    }
}

/// What evaluates the events, one after the other.
struct Evaluation<'a> {
    args: &'a Args,
    sigma: &'a Sigma,
    scratch: Scratch,
    /// Rules that the event at hand matches.
    matched: Vec<u32>,
    correlator: Option<Correlator>,
    stats: &'a mut Stats,
    out: Output,
}

fn evaluate(args: &Args, compiled: &Compiled, stats: &mut Stats) -> anyhow::Result<()> {
    let input = open(&args.events)?;
    let sigma = &compiled.sigma;
    let correlator = || Correlator::new(sigma, args.lateness, args.time_field.as_deref());
    let mut evaluation = Evaluation {
        args,
        sigma,
        scratch: Scratch::default(),
        matched: Vec::new(),
        correlator: sigma.correlates().then(correlator),
        stats,
        out: Output::default(),
    };
    let mut number = 0u64;
    let read = each_line(&args.events, input, MAX_EVENT, |line, whole| {
        let event = line.trim_ascii();
        let done = if !whole {
            evaluation.too_long(number)
        } else if event.is_empty() {
            Ok(())
        } else {
            evaluation.one(event, number)
        };
        number += 1;
        done
    });
    if let Some(correlator) = &evaluation.correlator {
        evaluation.stats.forgotten = correlator.forgotten;
        evaluation.stats.too_late = correlator.too_late;
        evaluation.stats.timeless_events = correlator.timeless;
    }
    // What was found before an error is shown all the same.
    evaluation.out.flush()?;
    read
}

impl Evaluation<'_> {
    fn one(&mut self, event: &[u8], number: u64) -> anyhow::Result<()> {
        self.stats.events += 1;
        match self.sigma.evaluate(event, &mut self.scratch) {
            Ok([]) if self.correlator.is_none() => return Ok(()),
            Ok(matched) => {
                self.matched.clear();
                self.matched.extend_from_slice(matched);
            }
            Err(bad) => return self.bad(number, &bad),
        }
        // It was UTF-8, since it was evaluated.
        let text = simdutf8::basic::from_utf8(event).unwrap_or_default();
        let rules = self.sigma.rules();
        for rule in &self.matched {
            let matched = &rules[*rule as usize];
            if !matched.shown {
                continue;
            }
            let selections = self.sigma.selections(*rule, text, &self.scratch);
            self.stats.matches += 1;
            self.out.line(&Match {
                event: number,
                rule_id: &matched.id,
                selections: &selections,
                correlation: None,
            })?;
        }
        let Some(correlator) = &mut self.correlator else {
            return Ok(());
        };
        for firing in correlator.fold(self.sigma, &self.matched, text, &self.scratch) {
            self.stats.matches += 1;
            self.out.line(&Match {
                event: number,
                rule_id: &firing.rule_id,
                selections: &[],
                correlation: Some(Correlated::from(&firing)),
            })?;
        }
        Ok(())
    }

    fn too_long(&mut self, number: u64) -> anyhow::Result<()> {
        self.stats.events += 1;
        let expected = "a shorter line";
        let at = MAX_EVENT;
        self.bad(number, &BadEvent { at, expected })
    }

    /// Says that a line is no event.
    fn bad(&mut self, number: u64, bad: &BadEvent) -> anyhow::Result<()> {
        self.stats.bad_events += 1;
        let (line, column, expected) = (number + 1, bad.at + 1, bad.expected);
        if self.args.json {
            let shown = serde_json::json!({"bad_event": number, "line": line, "byte": bad.at, "expected": expected});
            writeln!(io::stderr().lock(), "{shown}")?;
        } else if self.stats.bad_events <= MAX_SHOWN {
            let name = self.args.events.display();
            writeln!(
                io::stderr().lock(),
                "{name}:{line}:{column}: no event: expected {expected}"
            )?;
        }
        Ok(())
    }
}

/// Shows what was found in the rules.
fn report(findings: &[Diagnostic], sources: &[SourceFile], json: bool) -> anyhow::Result<()> {
    let mut err = io::stderr().lock();
    if !json {
        write!(
            err,
            "{}",
            render(findings, sources, io::stderr().is_terminal())
        )?;
        return Ok(());
    }
    for finding in findings {
        let shown = serde_json::json!({
            "code": finding.code,
            "gravity": if finding.gravity == Gravity::Error { "error" } else { "warning" },
            "file": finding.file,
            "line": finding.line,
            "column": finding.column,
            "message": finding.message,
            "help": finding.help,
        });
        writeln!(err, "{shown}")?;
    }
    Ok(())
}

fn show(stats: &Stats, json: bool) -> anyhow::Result<()> {
    let mut err = io::stderr().lock();
    if json {
        writeln!(err, "{}", serde_json::to_string(stats)?)?;
        return Ok(());
    }
    writeln!(
        err,
        "rules     {} ({} left out), loaded in {:.3} s",
        stats.rules, stats.rules_left_out, stats.loading_seconds
    )?;
    writeln!(
        err,
        "events    {} ({} unreadable)",
        stats.events, stats.bad_events
    )?;
    writeln!(err, "matches   {}", stats.matches)?;
    if stats.timeless_events + stats.forgotten > 0 {
        let (timeless, forgotten) = (stats.timeless_events, stats.forgotten);
        writeln!(
            err,
            "correlated without a time: {timeless}; forgotten for want of room: {forgotten}"
        )?;
    }
    if stats.too_late > 0 {
        writeln!(
            err,
            "too late for correlations: {} (events of later times had come before: one with a wrong clock is enough; --lateness allows more)",
            stats.too_late
        )?;
    }
    writeln!(
        err,
        "events/s  {:.0} ({:.3} s)",
        stats.events_per_second, stats.seconds
    )?;
    Ok(())
}
