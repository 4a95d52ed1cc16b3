//! `tocsin rules list`: the rules of the set, the correlations and filters, and the abstract rules that others extend.
//!
//! Exit codes: 0 done, 2 files that do not load.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;

use super::super::{Global, Misused};
use super::load;
use crate::core::diagnostic::SourceFile;
use crate::core::rule::{self, Parsed, RuleStatus};

/// Arguments of `rules list`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print this rule alone, as YAML, with what it extends and what filters add written out; a correlation, a filter or an abstract
    /// rule as it stands in its file
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
    #[serde(skip_serializing_if = "Option::is_none")]
    title_zh: Option<Arc<str>>,
    /// rule, correlation, filter, abstract.
    kind: &'static str,
    status: Option<&'static str>,
    hazard: Option<&'static str>,
    base: Option<i32>,
    file: String,
    line: usize,
    /// Of a rule: the filters that narrow it down.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    filters: Vec<String>,
    /// Of a filter or an abstract rule: the rules that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<Vec<String>>,
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
    let mut out = io::BufWriter::new(io::stdout().lock());
    if let Some(id) = &args.show {
        let Some(text) = show(id, &parsed, &files.rules) else {
            let why = format!("--show: no rule `{id}`; `tocsin rules list` without it shows them");
            return Err(Misused(why).into());
        };
        out.write_all(text.as_bytes())?;
    } else if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&rows(&parsed))?)?;
    } else {
        out.write_all(text(&rows(&parsed)).as_bytes())?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// One document by its id.
fn show(id: &str, parsed: &Parsed, files: &[SourceFile]) -> Option<String> {
    if let Some(rule) = parsed.rules.iter().find(|rule| *rule.id == *id) {
        let filters = parsed.filters.iter();
        let filters = filters.filter(|filter| filter.rules.iter().any(|rule| rule == id));
        let mut out = String::new();
        for filter in filters {
            let (title, file, line) = (&filter.title, &filter.file, filter.at.line);
            // Writing to a string cannot fail.
            let _ = writeln!(
                out,
                "# narrowed down by the filter “{title}” ({file}:{line})"
            );
        }
        return Some(out + &rule::print(&rule::callable(rule)));
    }
    let filters = parsed.filters.iter().map(|f| (&*f.id, &f.file, f.at));
    let abstracts = parsed.abstracts.iter().map(|a| (&*a.id, &a.file, a.at));
    let correlations = parsed.correlations.iter();
    let correlations = correlations.map(|c| (&*c.correlation.id, &c.file, c.at));
    let mut all = filters.chain(abstracts).chain(correlations);
    let (_, file, at) = all.find(|(other, ..)| *other == id)?;
    let source = files.iter().find(|source| source.name == *file)?;
    let document = source.text.lines().skip(at.line.saturating_sub(1));
    let lines = document.take_while(|line| line.trim_end() != "---");
    Some(lines.fold(String::new(), |text, line| text + line + "\n"))
}

fn rows(parsed: &Parsed) -> Vec<Row> {
    let hazards: HashMap<&str, &'static str> = parsed
        .rules
        .iter()
        .filter_map(|rule| Some((&*rule.id, rule.tocsin.as_ref()?.hazard.id())))
        .collect();
    let of_called = |id: &str| match parsed.called.get(id) {
        Some(rule::Called::Rule(id)) => hazards.get(&**id).copied(),
        _ => None,
    };
    let mut filters: HashMap<&str, Vec<String>> = HashMap::new();
    for filter in &parsed.filters {
        for rule in &filter.rules {
            filters.entry(rule).or_default().push(filter.id.clone());
        }
    }
    let rules = parsed.rules.iter().map(|rule| Row {
        status: Some(status(rule.status)),
        hazard: rule.tocsin.as_ref().map(|tocsin| tocsin.hazard.id()),
        base: rule.tocsin.as_ref().map(|tocsin| tocsin.base.points),
        title_zh: rule.tocsin.as_ref().and_then(|it| it.title_zh.clone()),
        filters: filters.remove(&*rule.id).unwrap_or_default(),
        ..row("rule", &rule.id, &rule.title, &rule.file, rule.at.line)
    });
    let correlations = parsed.correlations.iter().map(|rule| {
        let (id, line) = (&rule.correlation.id, rule.at.line);
        Row {
            status: Some(status(rule.status)),
            hazard: rule.calls.iter().find_map(|(id, _)| of_called(id)),
            base: Some(rule.correlation.points),
            title_zh: rule.title_zh.clone(),
            ..row("correlation", id, &rule.title, &rule.file, line)
        }
    });
    let narrowing = parsed.filters.iter().map(|note| Row {
        rules: Some(note.rules.clone()),
        ..row("filter", &note.id, &note.title, &note.file, note.at.line)
    });
    let abstracts = parsed.abstracts.iter().map(|note| Row {
        rules: Some(note.rules.clone()),
        title_zh: note.title_zh.clone(),
        ..row("abstract", &note.id, &note.title, &note.file, note.at.line)
    });
    let all = rules.chain(correlations).chain(narrowing).chain(abstracts);
    all.collect()
}

fn row(kind: &'static str, id: &str, title: &str, file: &str, line: usize) -> Row {
    Row {
        id: id.to_owned(),
        title: title.to_owned(),
        title_zh: None,
        kind,
        status: None,
        hazard: None,
        base: None,
        file: file.to_owned(),
        line,
        filters: Vec::new(),
        rules: None,
    }
}

fn text(rows: &[Row]) -> String {
    let wide = rows.iter().map(|row| row.id.chars().count());
    let wide = wide.max().unwrap_or(0);
    let mut out = String::new();
    for row in rows {
        let (hazard, base) = (row.hazard.unwrap_or("-"), row.base);
        let base = base.map_or("-".to_owned(), |base| base.to_string());
        let (status, kind) = (row.status.unwrap_or("-"), row.kind);
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            "{:wide$}  {kind:11}  {status:6}  {hazard:22}  {base:>3}  {}",
            row.id, row.title
        );
        if let Some(zh) = &row.title_zh {
            let _ = write!(out, " · {zh}");
        }
        if !row.filters.is_empty() {
            let _ = write!(out, "  [filtered by {}]", row.filters.join(", "));
        }
        if let Some(rules) = &row.rules {
            let _ = write!(out, "  [for {} rules]", rules.len());
        }
        out.push('\n');
    }
    out
}
