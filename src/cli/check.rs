//! `tocsin check`: is everything that `run` would load in order?

use std::io::{self, Write as _};
use std::process::ExitCode;

use super::Global;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let settings = global.settings()?;
    let text = if args.json {
        serde_json::to_string_pretty(&settings)?
    } else {
        toml::to_string(&settings)?
    };
    writeln!(io::stdout().lock(), "{text}")?;
    Ok(ExitCode::SUCCESS)
}
