//! The frame of the command line: global flags, the list of commands, and the mapping from results to exit codes.
//!
//! To add a command: `src/cli/<command>.rs` with `pub struct Args` (`clap::Args`) and
//! `pub fn run(args: Args, global: &Global) -> anyhow::Result<ExitCode>`, one variant in [`Command`], one arm in
//! [`dispatch`]. `global.settings()` loads the configuration; its errors reach the user as diagnostics and exit code 2.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use super::{
    assess, baseline, check, dead_letters, decode, demo, desk, doctor, drill, escaped, render,
    replay, rules, run, schema, shell, token, topics,
};
use crate::config::{ConfigErrors, LoadOptions, Settings};

/// Exit code when the reader of standard output has gone: that of a tool ended by SIGPIPE (128 + 13), which shells expect and
/// which no finding has. `set -o pipefail` with `| head` then sees a cut, not a failure of the records.
const CUT_OFF: u8 = 141;
/// Exit code of findings and failures.
pub const FAILED: u8 = 1;
/// Exit code of wrong usage and configuration.
pub const MISUSED: u8 = 2;

/// An error that is the caller's: it ends the command with [`MISUSED`], where a plain one is a failure.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Misused(pub String);

impl Misused {
    /// Makes an error one, with everything that led to it.
    pub fn from_error(error: impl Into<anyhow::Error>) -> anyhow::Error {
        anyhow::Error::new(Self(format!("{:#}", error.into())))
    }
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  findings, or something failed
  2  wrong usage or configuration";

/// Risk early warning: from public reports on Kafka to explained alerts on a joint-meeting queue.
#[derive(Debug, Parser)]
#[command(name = "tocsin", version, after_help = EXIT_CODES, arg_required_else_help = true)]
#[command(max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Configuration file (TOML). Without it the bundled defaults apply. `TOCSIN__SECTION__KEY` variables and flags
    /// override both.
    #[arg(long, global = true, value_name = "FILE", env = "TOCSIN_CONFIG")]
    pub config: Option<PathBuf>,
    /// How log lines are written to standard error.
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Which log lines: error, warn, info, debug, trace, or a filter such as `tocsin::kafka=debug,info`.
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log_level: Option<String>,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One line for people.
    Human,
    /// One JSON object a line.
    Json,
}

impl Global {
    /// Where the configuration comes from, with the global flags as overrides. Commands add their own with
    /// [`LoadOptions::set`].
    pub fn load_options(&self) -> LoadOptions {
        let mut options = LoadOptions::from_process(self.config.clone());
        if let Some(format) = self.log_format {
            let id = match format {
                LogFormat::Human => "human",
                LogFormat::Json => "json",
            };
            options.set("log.format", "--log-format", id);
        }
        if let Some(level) = &self.log_level {
            options.set("log.level", "--log-level", level.as_str());
        }
        options
    }

    /// The effective configuration: bundled defaults ← file ← environment ← global flags.
    pub fn settings(&self) -> Result<Settings, ConfigErrors> {
        Settings::load(&self.load_options())
    }
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Play the bundled sample stream through an in-process Kafka and show what comes of it
    Demo(demo::Args),
    /// Check configuration, rules, lexicons, places and departments; print the effective configuration
    Check(check::Args),
    /// Print the JSON Schema of reports or alerts
    Schema(schema::Args),
    /// Read the feeds and keep the joint-meeting queue, until stopped
    Run(run::Args),
    /// Let departments work the joint-meeting queue: cases, deadlines, escalation, audit trail
    Desk(desk::Args),
    /// A month of every department: incidents, deadlines kept, escalations, reopenings, drills
    Assess(assess::Args),
    /// Make, list and revoke the tokens of those who may ask the desk
    Token(token::Args),
    /// Make Tocsin's topics, or name what is wrong with them
    Topics(topics::Args),
    /// List, show and replay what could not be read
    DeadLetters(dead_letters::Args),
    /// Run JSON lines through the engine on a virtual clock, without Kafka
    Replay(replay::Args),
    /// What is usual for a hazard at a place: series, threshold and alarms, from an archive
    Baseline(baseline::Args),
    /// Decode files of a feed: reports as JSON lines, refusals with code, position and what to do
    Decode(decode::Args),
    /// Tools for those who write rules
    Rules(rules::Args),
    /// Drills: simulated reports through the real feeds, and what comes of them against what should
    Drill(drill::Args),
    /// Look for what stands in the way: broker, topics, rights, clocks, rules, disk; and say what to do
    Doctor(doctor::Args),
    /// Print completions for a shell
    Completions(shell::CompletionsArgs),
    /// Write the manual pages
    Man(shell::ManArgs),
}

fn dispatch(cli: Cli) -> anyhow::Result<ExitCode> {
    let global = &cli.global;
    match cli.command {
        Command::Demo(args) => demo::run(&args, global),
        Command::Check(args) => check::run(&args, global),
        Command::Schema(args) => schema::run(&args, global),
        Command::Run(args) => run::run(&args, global),
        Command::Desk(args) => desk::run(&args, global),
        Command::Assess(args) => assess::run(&args, global),
        Command::Token(args) => token::run(args, global),
        Command::Topics(args) => topics::run(&args, global),
        Command::DeadLetters(args) => dead_letters::run(args, global),
        Command::Replay(args) => replay::run(&args, global),
        Command::Baseline(args) => baseline::run(&args, global),
        Command::Decode(args) => decode::run(&args),
        Command::Rules(args) => rules::run(&args, global),
        Command::Drill(args) => drill::run(&args, global),
        Command::Doctor(args) => doctor::run(&args, global),
        Command::Completions(args) => shell::completions(&args),
        Command::Man(args) => shell::man(&args),
    }
}

/// Parses the process's arguments, runs the command and reports its error, if any, on standard error.
pub fn main() -> ExitCode {
    match dispatch(Cli::parse()) {
        Ok(code) => code,
        Err(error) => report(&error),
    }
}

/// Prints an error that ended a command and says with which code to exit.
fn report(error: &anyhow::Error) -> ExitCode {
    // A reader that has seen enough (`tocsin … | head`) is no failure worth a message.
    if error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
    {
        return ExitCode::from(CUT_OFF);
    }
    let mut err = io::stderr().lock();
    if let Some(errors) = error.downcast_ref::<ConfigErrors>() {
        let text = render(
            &errors.diagnostics,
            &errors.sources,
            io::stderr().is_terminal(),
        );
        // Standard error is the last place to complain to.
        let _ = write!(err, "{text}");
        return ExitCode::from(MISUSED);
    }
    // It may quote what a file or its name says.
    let _ = writeln!(err, "error: {}", escaped(&format!("{error:#}")));
    let misused = error.downcast_ref::<Misused>().is_some();
    ExitCode::from(if misused { MISUSED } else { FAILED })
}
