//! The list of tools and the way to each.

use std::process::ExitCode;

use super::super::Global;
use super::{backtest, diff, eval, explain, lint, list, quality, shadow, stats, test};

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
    /// Find what is wrong or odd about rules and lexicons, all at once
    Lint(lint::Args),
    /// Run cases on a virtual clock: reports in; detections, scores, incidents, levels and departments expected
    Test(test::Args),
    /// Show what becomes of one report, step by step, and why a rule fired or did not
    Explain(explain::Args),
    /// Run a corpus through one or two rule sets: what each fired on and put on the queue, and where they differ
    Backtest(backtest::Args),
    /// Measure the rules on labelled sets: precision, recall, F1 and false alarms with 95 % intervals
    Quality(quality::Args),
    /// Show what rules of `status: test` would have added or removed, and whether they may go live
    Shadow(shadow::Args),
    /// Show what two rule sets say differently: rules field by field, terms, hazards, scores, departments
    Diff(diff::Args),
    /// List the rules
    List(list::Args),
    /// Show the rule set in numbers: rules by hazard, language and status, terms, costly rules, cases per rule
    Stats(stats::Args),
}

/// Runs the tool.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    match &args.tool {
        Tool::Eval(args) => eval::run(args, global),
        Tool::Lint(args) => lint::run(args, global),
        Tool::Test(args) => test::run(args, global),
        Tool::Explain(args) => explain::run(args, global),
        Tool::Backtest(args) => backtest::run(args, global),
        Tool::Quality(args) => quality::run(args, global),
        Tool::Shadow(args) => shadow::run(args, global),
        Tool::Diff(args) => diff::run(args, global),
        Tool::List(args) => list::run(args, global),
        Tool::Stats(args) => stats::run(args, global),
    }
}
