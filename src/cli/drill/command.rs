//! The list of drill commands.

use std::path::PathBuf;
use std::process::ExitCode;

use super::super::Global;
use super::{check, key, new, report, run as running, stop};
use crate::drill::Runs;

/// Arguments of `drill`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Write a scenario to start from
    New(new::Args),
    /// Check scenarios, and rehearse them in memory against their expectations
    Check(check::Args),
    /// Send a scenario's reports through the real feeds, and follow what comes of them
    Run(running::Args),
    /// Stop a run, and withdraw every report that it sent
    Stop(stop::Args),
    /// Print the report of a run: time to detect, alert, acknowledge and dispose against targets
    Report(report::Args),
    /// Name the shipped scenarios and the runs
    List(report::ListArgs),
    /// Make a drill key
    Key(key::KeyArgs),
    /// Print the headers that label one record as an exercise
    Sign(key::SignArgs),
}

/// Where runs are kept.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct RunsArg {
    /// Folder of runs. Default: tocsin/drills in $`XDG_STATE_HOME` or ~/.local/state
    #[arg(long, value_name = "DIR", env = "TOCSIN_DRILL_RUNS")]
    runs: Option<PathBuf>,
}

impl RunsArg {
    pub(super) fn open(&self) -> anyhow::Result<Runs> {
        if let Some(folder) = &self.runs {
            return Ok(Runs::new(folder));
        }
        let state = std::env::var_os("XDG_STATE_HOME").filter(|it| !it.is_empty());
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
        let state = state.map(PathBuf::from).or_else(home);
        let state = state.ok_or_else(|| anyhow::anyhow!("there is no HOME: state --runs DIR"))?;
        Ok(Runs::new(state.join("tocsin/drills")))
    }
}

/// Runs the command.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::New(args) => new::run(args),
        Command::Check(args) => check::run(args, global),
        Command::Run(args) => running::run(args, global),
        Command::Stop(args) => stop::run(args, global),
        Command::Report(args) => report::run(args, global),
        Command::List(args) => report::list(args),
        Command::Key(args) => key::make(args),
        Command::Sign(args) => key::sign(args, global),
    }
}
