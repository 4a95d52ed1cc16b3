//! `tocsin drill check`: everything that is wrong with scenarios, and their rehearsal.
//!
//! Exit codes: 0 every scenario passes its own expectations, 1 one does not, 2 one cannot be read.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use super::super::{FAILED, Global, render};
use super::load::{Here, renaming, source};
use crate::core::diagnostic::SourceFile;
use crate::core::drill::{
    Lang, Report, RunInfo, evaluate, html_page, markdown, rehearse, schedule,
};
use crate::core::notify::Language;
use crate::drill::{REHEARSAL_START, shipped_scenarios};

/// Arguments of `drill check`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Scenario files, or names of shipped scenarios. Without any: the shipped ones
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// Seed of the wording
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A feed of the scenario that is another one here
    #[arg(long, value_name = "NAME=ID", value_parser = renaming)]
    feed: Vec<(String, String)>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print the whole report of the rehearsal, in this language
    #[arg(long, value_enum, value_name = "LANG")]
    report: Option<LangArg>,
    /// Write the report of the rehearsal as a page; of the last scenario, where there are several
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Language of reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
#[allow(missing_docs)]
pub(in crate::cli) enum LangArg {
    #[default]
    En,
    Zh,
}

impl From<LangArg> for Language {
    fn from(lang: LangArg) -> Self {
        match lang {
            LangArg::En => Self::En,
            LangArg::Zh => Self::Zh,
        }
    }
}

impl From<LangArg> for Lang {
    fn from(lang: LangArg) -> Self {
        match lang {
            LangArg::En => Self::En,
            LangArg::Zh => Self::Zh,
        }
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    ok: bool,
    reports: &'a [Report],
}

pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let renamed = args.feed.iter().cloned().collect();
    let here = Here::load(global.settings()?, renamed)?;
    let names = if args.scenarios.is_empty() {
        shipped_scenarios()
    } else {
        args.scenarios.clone()
    };
    let files: Vec<SourceFile> = names
        .iter()
        .map(|name| source(name, &here.settings))
        .collect::<Result<_, _>>()?;
    let mut reports = Vec::new();
    for file in &files {
        let (scenario, warnings) = here.scenario(file)?;
        if !warnings.is_empty() {
            let text = render(
                &warnings,
                std::slice::from_ref(file),
                io::stderr().is_terminal(),
            );
            io::stderr().lock().write_all(text.as_bytes())?;
        }
        let exercise = format!("{}-rehearsal", scenario.id);
        let deployment = here.deployment();
        let all = schedule(&scenario, &deployment, args.seed, &exercise);
        let (set, config) = (&here.set, &here.correlate);
        let seen = rehearse(
            set,
            config,
            &deployment,
            &all,
            &exercise,
            REHEARSAL_START,
            scenario.lasts,
        )
        .map_err(anyhow::Error::msg)?;
        let run = RunInfo {
            exercise,
            seed: args.seed,
            started: REHEARSAL_START,
            ended: REHEARSAL_START.plus(scenario.lasts),
            speed: 1.0,
            records_clock: true,
            stopped: false,
            rule_set: here.set.version.to_string(),
        };
        let report = evaluate(&scenario, &here.set.gazetteer, run, &seen);
        reports.push(report.with_names(&here.set.routing));
    }
    show(args, &reports)?;
    let ok = reports.iter().all(|report| report.passed);
    Ok(ExitCode::from(if ok { 0 } else { FAILED }))
}

fn show(args: &Args, reports: &[Report]) -> anyhow::Result<()> {
    if let (Some(path), Some(report)) = (&args.html, reports.last()) {
        let lang = args.report.unwrap_or_default().into();
        std::fs::write(path, html_page(report, None, lang))?;
    }
    let mut out = io::stdout().lock();
    if args.json {
        let shown = Shown {
            ok: reports.iter().all(|report| report.passed),
            reports,
        };
        writeln!(out, "{}", serde_json::to_string_pretty(&shown)?)?;
        return Ok(());
    }
    for report in reports {
        if let Some(lang) = args.report {
            writeln!(out, "{}", markdown(report, None, lang.into()))?;
            continue;
        }
        let verdict = if report.passed { "passes" } else { "FAILS" };
        writeln!(
            out,
            "{verdict} {}: {} reports, {} detected; incidents: {} expected, {} unexpected; rules that fired on noise: {}",
            report.scenario,
            report.sent,
            report.detected,
            report.outcomes.len(),
            report.unexpected.len(),
            report.heard.len()
        )?;
        if !report.passed {
            writeln!(out, "{}", markdown(report, None, Lang::En))?;
        }
    }
    Ok(())
}
