//! The list of drill commands.

use std::path::PathBuf;
use std::process::ExitCode;

use super::super::Global;
use super::{check, key, new, report, run as running, stop};
use crate::config::Settings;
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
    /// Folder of runs. Default: drills.runs, else tocsin/drills in $`XDG_STATE_HOME` or ~/.local/state
    #[arg(long, value_name = "DIR", env = "TOCSIN_DRILL_RUNS")]
    runs: Option<PathBuf>,
}

impl RunsArg {
    pub(super) fn open(&self, settings: &Settings) -> anyhow::Result<Runs> {
        let folder = self
            .runs
            .clone()
            .or_else(|| settings.drills.folder_of_runs());
        let none = "there is no HOME: set drills.runs, or state --runs DIR";
        folder.map(Runs::new).ok_or_else(|| anyhow::anyhow!(none))
    }
}

/// Runs the command.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::New(args) => new::run(args, global),
        Command::Check(args) => check::run(args, global),
        Command::Run(args) => running::run(args, global),
        Command::Stop(args) => stop::run(args, global),
        Command::Report(args) => report::run(args, global),
        Command::List(args) => report::list(args, global),
        Command::Key(args) => key::make(args),
        Command::Sign(args) => key::sign(args, global),
    }
}
