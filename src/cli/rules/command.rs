//! The list of tools and the way to each.

use std::process::ExitCode;

use super::super::Global;
use super::{backtest, diff, eval, explain, lint, list, quality, shadow, stats, test};

const LINT: &str = "\
Exit codes:
  0  nothing found
  1  findings; after --fix those that are left
  2  wrong usage, or files that cannot be read";
const TEST: &str = "\
Exit codes:
  0  every case holds
  1  a case does not
  2  wrong usage, files that do not load, or no case at all";
const EXPLAIN: &str = "\
Exit codes:
  0  a rule fired; with --rule that one
  1  none did, or the record is none
  2  wrong usage, or no such record or rule";
const BACKTEST: &str = "\
Exit codes:
  0  done; with --against: nothing differs
  1  the two differ, reading failed on the way, or no record could be read
  2  wrong usage, or files that do not load";
const QUALITY: &str = "\
Exit codes:
  0  everything wanted is reached
  1  something is not
  2  wrong usage, files that do not load, or no set at all";
const SHADOW: &str = "\
Exit codes:
  0  done, and every rule passes the gate
  1  a rule does not
  2  wrong usage, or files or hits that cannot be read";
const DIFF: &str = "\
Exit codes:
  0  they mean the same
  1  they differ
  2  wrong usage, or files that do not load";
const LIST: &str = "\
Exit codes:
  0  done
  2  wrong usage, or files that do not load";

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
    #[command(after_help = LINT)]
    Lint(lint::Args),
    /// Run cases on a virtual clock: reports in; detections, scores, incidents, levels and departments expected
    #[command(after_help = TEST)]
    Test(test::Args),
    /// Show what becomes of one report, step by step, and why a rule fired or did not
    #[command(after_help = EXPLAIN)]
    Explain(explain::Args),
    /// Run a corpus through one or two rule sets: what each fired on and put on the queue, and where they differ
    #[command(after_help = BACKTEST)]
    Backtest(backtest::Args),
    /// Measure the rules on labelled sets: precision, recall, F1 and false alarms with 95 % intervals
    #[command(after_help = QUALITY)]
    Quality(quality::Args),
    /// Show what rules of `status: test` would have added or removed, and whether they may go live
    #[command(after_help = SHADOW)]
    Shadow(shadow::Args),
    /// Show what two rule sets say differently: rules field by field, terms, hazards, scores, departments
    #[command(after_help = DIFF)]
    Diff(diff::Args),
    /// List the rules
    #[command(after_help = LIST)]
    List(list::Args),
    /// Show the rule set in numbers: rules by hazard, language and status, terms, costly rules, cases per rule
    #[command(after_help = LIST)]
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
