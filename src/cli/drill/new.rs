//! `tocsin drill new`: a scenario to start from.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use super::super::Global;
use super::load::source;
use crate::core::drill::is_scenario_id;
use crate::drill::{new_scenario, scenario_id};

/// Arguments of `drill new`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// File to write; it must not exist. `-`: standard output
    file: PathBuf,
    /// Id of the scenario: the beginning of exercise ids. Default: the file's name
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Scenario to start from: a file, or a name of `tocsin drill list`. Default: a template with every key explained
    #[arg(long, value_name = "SCENARIO")]
    from: Option<String>,
}

pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let stem = args.file.file_stem().map(|stem| stem.to_string_lossy());
    let id = args
        .id
        .clone()
        .or_else(|| stem.and_then(|stem| scenario_id(&stem)));
    let id = id.unwrap_or_else(|| "my-drill".to_owned());
    anyhow::ensure!(
        is_scenario_id(&id),
        "--id {id}: an id is 1–40 characters of a–z, 0–9, - and _"
    );
    let from = match &args.from {
        Some(from) => Some(source(from, &global.settings()?)?),
        None => None,
    };
    let text = new_scenario(&id, from.as_ref());
    if args.file.as_os_str() == "-" {
        std::io::stdout().lock().write_all(text.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .open(&args.file)
        .with_context(|| not_written(&args.file))?;
    file.write_all(text.as_bytes())?;
    let path = args.file.display();
    writeln!(
        std::io::stdout().lock(),
        "{path} is written; next: tocsin drill check {path}"
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Why a new file cannot be written, and what to do; the cause follows.
pub(super) fn not_written(path: &std::path::Path) -> String {
    let path = path.display();
    format!(
        "{path} cannot be written; a file that is there is never replaced: name another one, or remove it"
    )
}
