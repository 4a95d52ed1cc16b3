//! `tocsin schema`: the JSON Schemas of what Tocsin reads and writes.

use std::io::{self, Write as _};
use std::process::ExitCode;

use super::Global;
use crate::core::correlate::ALERT_SCHEMA;
use crate::core::decode::SCHEMA as REPORT_SCHEMA;
use crate::core::rule::SCHEMA as RULE_SCHEMA;

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which schema
    #[arg(value_enum, value_name = "WHAT")]
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Tocsin JSON v1: a report as a feed of decoder `tocsin` sends it
    Report,
    /// An alert as it lies on the joint-meeting queue
    Alert,
    /// A rule with a `tocsin:` block, for editors: each YAML document of a rule file
    Rule,
}

/// Runs the command.
pub fn run(args: &Args, _global: &Global) -> anyhow::Result<ExitCode> {
    let schema = match args.what {
        What::Report => REPORT_SCHEMA,
        What::Alert => ALERT_SCHEMA,
        What::Rule => RULE_SCHEMA,
    };
    writeln!(io::stdout().lock(), "{}", schema.trim_end())?;
    Ok(ExitCode::SUCCESS)
}
