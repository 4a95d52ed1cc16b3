//! `tocsin rules …`: the tools of those who write rules. One file per tool, with `Args` and `run`.
//!
//! Invariant: `shadow`, and `backtest` and `explain` where they are given a topic, connect to Kafka, to read; none of the tools changes what `run` would load but `lint --fix`.
//!
//! To add a tool: `src/cli/rules/<tool>.rs` with `pub struct Args` (`clap::Args`) and
//! `pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode>`, one variant and one arm in `command.rs`.

pub mod backtest;
mod backtest_page;
mod backtest_text;
mod charts;
mod command;
pub mod diff;
pub mod eval;
mod eval_lines;
pub mod explain;
mod explain_record;
mod explain_report;
mod explain_text;
pub mod lint;
pub mod list;
mod load;
mod promote;
pub mod quality;
pub mod shadow;
pub mod stats;
pub mod test;
mod topic;

pub use command::{Args, Tool, run};
pub(super) use promote::promoted;
pub(super) use topic::TopicArgs;
