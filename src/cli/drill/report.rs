//! `tocsin drill report` and `list`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;

use super::super::{FAILED, Global};
use super::check::LangArg;
use super::command::RunsArg;
use super::load::{Here, shipped};
use crate::core::diagnostic::SourceFile;
use crate::core::drill::{Comparison, Lang, Report, compare, evaluate, html_page, markdown};
use crate::drill::{RunFile, Runs};

/// Arguments of `drill report`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Exercise id of the run
    exercise: String,
    /// How
    #[arg(long, value_enum, default_value = "markdown")]
    format: Format,
    /// Language
    #[arg(long, value_enum, default_value = "en")]
    lang: LangArg,
    /// Write it to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    runs: RunsArg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Markdown,
    Html,
    Json,
}

/// Arguments of `drill list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runs: RunsArg,
}

/// A run, and the one before it.
pub(super) struct Judged {
    pub(super) report: Report,
    pub(super) before: Option<Comparison>,
}

impl Judged {
    pub(super) fn json(&self) -> anyhow::Result<String> {
        let shown = json!({"report": self.report, "before": self.before});
        Ok(serde_json::to_string_pretty(&shown)?)
    }
}

/// What a run came to, compared with the last one of the same scenario.
pub(super) fn judge(here: &Here, runs: &Runs, run: &RunFile) -> anyhow::Result<Judged> {
    let report = report_of(here, run)?;
    let before = match runs.before(&report.scenario, run)? {
        // A scenario may have become unreadable here since; the new report stands without it.
        Some(before) => report_of(here, &before).ok(),
        None => None,
    };
    let before = before.map(|before| compare(&before, &report));
    Ok(Judged { report, before })
}

fn report_of(here: &Here, run: &RunFile) -> anyhow::Result<Report> {
    let file = SourceFile {
        name: run.file.clone(),
        text: run.scenario.clone(),
    };
    let (scenario, _) = here.scenario(&file)?;
    Ok(evaluate(
        &scenario,
        &here.set.gazetteer,
        run.run.clone(),
        &run.seen,
    ))
}

pub(super) fn show(judged: &Judged, lang: Lang) -> String {
    markdown(&judged.report, judged.before.as_ref(), lang)
}

pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let runs = args.runs.open()?;
    let run = runs.load(&args.exercise)?;
    let here = Here::load(global.settings()?, run.renamed.clone())?;
    let judged = judge(&here, &runs, &run)?;
    let before = judged.before.as_ref();
    let text = match args.format {
        Format::Markdown => show(&judged, args.lang.into()),
        Format::Html => html_page(&judged.report, before, args.lang.into()),
        Format::Json => judged.json()? + "\n",
    };
    match &args.out {
        Some(path) => std::fs::write(path, text).with_context(|| format!("{}", path.display()))?,
        None => std::io::stdout().lock().write_all(text.as_bytes())?,
    }
    Ok(ExitCode::from(if judged.report.passed {
        0
    } else {
        FAILED
    }))
}

pub(super) fn list(args: &ListArgs) -> anyhow::Result<ExitCode> {
    let runs = args.runs.open()?;
    let names = runs.list()?;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", json!({"scenarios": shipped(), "runs": names}))?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "shipped scenarios:")?;
    for name in shipped() {
        writeln!(out, "  {name}")?;
    }
    writeln!(out, "runs in {}:", runs.folder().display())?;
    for name in names {
        let state = match runs.load(&name) {
            Ok(run) if run.withdrawn => "stopped, withdrawn",
            Ok(run) if run.finished => "ended",
            Ok(_) => "running, or abandoned",
            Err(_) => "cannot be read",
        };
        writeln!(out, "  {name}: {state}")?;
    }
    Ok(ExitCode::SUCCESS)
}
