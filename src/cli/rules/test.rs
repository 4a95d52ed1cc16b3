//! `tocsin rules test`: cases on a virtual clock against the rule set.
//!
//! Exit codes: 0 every case holds, 1 one does not, 2 files that do not load, or no case at all.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use serde::Serialize;

use super::super::{FAILED, Global, MISUSED, Misused, escaped, one_line};
use super::load;
use crate::core::rule;
use crate::core::tools::case::{Case, Wanted};
use crate::core::tools::junit::{diff, junit};
use crate::core::tools::run::{CaseResult, Failure, run as run_case};

/// Arguments of `rules test`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Test files, or folders of them. Without any: the bundled cases of the bundled rules
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Run only cases whose name, rule or file contains this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Write the results as JUnit XML; `-` is standard output
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    ok: bool,
    rule_set: &'a str,
    cases: usize,
    failed: usize,
    results: Vec<&'a CaseResult>,
}

/// Runs the tool.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let piped = args
        .junit
        .as_ref()
        .is_some_and(|path| path.as_os_str() == "-");
    if piped && args.json {
        let why = "--junit - and --json both write to standard output: give --junit a file";
        return Err(Misused(why.to_owned()).into());
    }
    let settings = global.settings()?;
    let files = load::test_files(&args.paths, &settings.paths)?;
    let mut cases = load::cases(&files)?;
    let (set, files) = load::rule_set(&settings.paths)?;
    let rules = rule::parse_set(&files.rules, &mut Vec::new()).rules;
    let known: BTreeSet<&str> = rules.iter().map(|rule| &*rule.id).collect();
    if let Some(filter) = &args.filter {
        cases.retain(|case| concerns(case, filter));
    }
    if cases.is_empty() {
        let why = "no case to run: name test files, or another --filter";
        writeln!(io::stderr().lock(), "error: {why}")?;
        return Ok(ExitCode::from(MISUSED));
    }
    let config = settings.correlate_config(set.routing.clone());
    let mut results = Vec::with_capacity(cases.len());
    for case in &cases {
        let mut result = run_case(case, &set, &config)
            .map_err(|why| anyhow::anyhow!("{}:{}: {why}", case.file, case.line))?;
        let named = rules_of(case).into_iter();
        let unknown = named.filter(|rule| !known.contains(rule));
        result.failures.extend(unknown.map(|rule| Failure {
            line: case.place(rule, case.line).line,
            what: format!("rule {rule}"),
            expected: Some("a rule of the set".to_owned()),
            got: Some(format!("there is no rule `{rule}`")),
        }));
        results.push(result);
    }
    let failed: Vec<&CaseResult> = results.iter().filter(|r| !r.failures.is_empty()).collect();
    if let Some(path) = &args.junit {
        let text = junit(&results);
        if piped {
            io::stdout().lock().write_all(text.as_bytes())?;
        } else {
            std::fs::write(path, text).with_context(|| format!("{}", path.display()))?;
        }
    }
    if args.json {
        let shown = Shown {
            ok: failed.is_empty(),
            rule_set: &set.version,
            cases: results.len(),
            failed: failed.len(),
            results: results.iter().collect(),
        };
        writeln!(
            io::stdout().lock(),
            "{}",
            serde_json::to_string_pretty(&shown)?
        )?;
    } else if !piped {
        show(&results, &failed)?;
    }
    Ok(ExitCode::from(if failed.is_empty() { 0 } else { FAILED }))
}

fn concerns(case: &Case, filter: &str) -> bool {
    case.name.contains(filter)
        || case.file.contains(filter)
        || rules_of(case).iter().any(|rule| rule.contains(filter))
}

/// Rules that a case is about by their names; of incidents those are not, which may be correlations.
fn rules_of(case: &Case) -> BTreeSet<&str> {
    match &case.wanted {
        Wanted::Fires { rule, .. } => BTreeSet::from([&**rule]),
        Wanted::Story {
            rules, detections, ..
        } => {
            let detected = detections.iter().flatten().map(|one| &*one.rule);
            rules.iter().map(|rule| &**rule).chain(detected).collect()
        }
    }
}

fn show(results: &[CaseResult], failed: &[&CaseResult]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for result in failed {
        let (file, name) = (one_line(&result.file), one_line(&result.name));
        writeln!(out, "FAIL {file}:{} {name}", result.line)?;
        for failure in &result.failures {
            for line in escaped(&diff(failure)).lines() {
                writeln!(out, "  {line}")?;
            }
        }
    }
    let passed = results.len() - failed.len();
    writeln!(
        out,
        "{} cases: {passed} hold, {} fail",
        results.len(),
        failed.len()
    )
}
