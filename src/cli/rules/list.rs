//! `tocsin rules list`: the rules of the set.
//!
//! Exit codes: 0 done, 2 files that do not load.

use std::io::{self, Write as _};
use std::process::ExitCode;

use serde::Serialize;

use super::super::Global;
use super::load;
use crate::core::rule::{self, RuleStatus};

/// Arguments of `rules list`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON array instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Row {
    id: String,
    title: String,
    status: &'static str,
    hazard: Option<&'static str>,
    base: Option<i32>,
    file: String,
    line: usize,
}

/// Runs the tool.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let settings = global.settings()?;
    let (_, files) = load::rule_set(&settings.paths)?;
    let mut found = Vec::new();
    let rules = rule::parse_all(&files.rules, &mut found);
    let rows: Vec<Row> = rules
        .into_iter()
        .map(|rule| Row {
            id: rule.id.to_string(),
            title: rule.title.to_string(),
            status: match rule.status {
                RuleStatus::Live => "live",
                RuleStatus::Shadow => "shadow",
                RuleStatus::Off => "off",
            },
            hazard: rule.tocsin.as_ref().map(|tocsin| tocsin.hazard.id()),
            base: rule.tocsin.as_ref().map(|tocsin| tocsin.base.points),
            file: rule.file,
            line: rule.at.line,
        })
        .collect();
    let mut out = io::BufWriter::new(io::stdout().lock());
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&rows)?)?;
    } else {
        let wide = rows.iter().map(|row| row.id.len()).max().unwrap_or(0);
        for row in &rows {
            let (hazard, base) = (row.hazard.unwrap_or("-"), row.base.unwrap_or(0));
            writeln!(
                out,
                "{:wide$}  {:6}  {hazard:22}  {base:>3}  {}",
                row.id, row.status, row.title
            )?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
