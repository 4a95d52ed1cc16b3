//! `tocsin rules list`: the rules of the set.
//!
//! Exit codes: 0 done, 2 files that do not load.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::process::ExitCode;

use serde::Serialize;

use super::super::{Global, Misused};
use super::load;
use crate::core::rule::{self, RuleStatus};

/// Arguments of `rules list`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print this rule alone, as YAML, with what it extends written out
    #[arg(long, value_name = "ID", conflicts_with = "json")]
    show: Option<String>,
    /// Print one JSON array instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Row {
    id: String,
    title: String,
    kind: &'static str,
    status: &'static str,
    hazard: Option<&'static str>,
    base: Option<i32>,
    file: String,
    line: usize,
}

fn status(status: RuleStatus) -> &'static str {
    match status {
        RuleStatus::Live => "live",
        RuleStatus::Shadow => "shadow",
        RuleStatus::Off => "off",
    }
}

/// Runs the tool.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let settings = global.settings()?;
    let (_, files) = load::rule_set(&settings.paths)?;
    let mut found = Vec::new();
    let parsed = rule::parse_set(&files.rules, &mut found);
    if let Some(id) = &args.show {
        let Some(rule) = parsed.rules.iter().find(|rule| *rule.id == **id) else {
            return Err(Misused(format!("--show: no rule `{id}`")).into());
        };
        io::stdout()
            .lock()
            .write_all(rule::print(rule).as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let hazards: HashMap<&str, &'static str> = parsed
        .rules
        .iter()
        .filter_map(|rule| Some((&*rule.id, rule.tocsin.as_ref()?.hazard.id())))
        .collect();
    let of_called = |id: &str| match parsed.called.get(id) {
        Some(rule::Called::Rule(id)) => hazards.get(&**id).copied(),
        _ => None,
    };
    let correlations = parsed.correlations.iter().map(|rule| Row {
        id: rule.correlation.id.to_string(),
        title: rule.title.to_string(),
        kind: "correlation",
        status: status(rule.status),
        hazard: rule.calls.iter().find_map(|(id, _)| of_called(id)),
        base: Some(rule.correlation.points),
        file: rule.file.clone(),
        line: rule.at.line,
    });
    let rules = parsed.rules.iter().map(|rule| Row {
        id: rule.id.to_string(),
        title: rule.title.to_string(),
        kind: "rule",
        status: status(rule.status),
        hazard: rule.tocsin.as_ref().map(|tocsin| tocsin.hazard.id()),
        base: rule.tocsin.as_ref().map(|tocsin| tocsin.base.points),
        file: rule.file.clone(),
        line: rule.at.line,
    });
    let rows: Vec<Row> = rules.chain(correlations).collect();
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
