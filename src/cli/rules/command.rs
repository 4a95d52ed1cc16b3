//! The list of tools and the way to each.

use std::process::ExitCode;

use super::super::Global;
use super::eval;

/// Arguments of `rules`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which tool
    #[command(subcommand)]
    pub tool: Tool,
}

/// The tools.
#[derive(Debug, clap::Subcommand)]
pub enum Tool {
    /// Evaluate Sigma rules over JSON events, one a line, and print what matches
    Eval(eval::Args),
}

/// Runs the tool.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    match &args.tool {
        Tool::Eval(args) => eval::run(args, global),
    }
}
