//! `tocsin drill report` and `list`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;

use super::super::{FAILED, Global};
use super::check::LangArg;
use super::command::RunsArg;
use super::load::Here;
use crate::drill::{Judged, Scenarios, judge};

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

pub(super) fn json(judged: &Judged) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(judged)?)
}

pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let settings = global.settings()?;
    let runs = args.runs.open(&settings)?;
    let run = runs.load(&args.exercise)?;
    let here = Here::load(settings, run.renamed.clone())?;
    let judged = judge(&here.deployment(), &runs, &run)?;
    let text = match args.format {
        Format::Markdown => judged.markdown(args.lang.into()),
        Format::Html => judged.html(args.lang.into()),
        Format::Json => json(&judged)? + "\n",
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

pub(super) fn list(args: &ListArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let settings = global.settings()?;
    let runs = args.runs.open(&settings)?;
    let scenarios = Scenarios::new(settings.drills.folder_of_scenarios()).names();
    let names = runs.list()?;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", json!({"scenarios": scenarios, "runs": names}))?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "scenarios:")?;
    for name in scenarios {
        writeln!(out, "  {name}")?;
    }
    writeln!(out, "runs in {}:", runs.folder().display())?;
    for name in names {
        let state = match runs.head(&name) {
            Ok(run) if run.withdrawn => "stopped, withdrawn",
            Ok(run) if run.finished => "ended",
            Ok(_) => "running, or abandoned",
            Err(_) => "cannot be read",
        };
        writeln!(out, "  {name}: {state}")?;
    }
    Ok(ExitCode::SUCCESS)
}
