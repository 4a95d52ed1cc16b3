//! `tocsin rules eval`: plain Sigma rules over JSON events, without Kafka.
//!
//! Exit codes: 0 done, 1 rules that do not load (all of them are shown) or an event that is no JSON, 2 wrong usage.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use super::super::{FAILED, Global, render};
use crate::core::diagnostic::SourceFile;
use crate::core::rule::plain::PlainRules;

/// Arguments of `rules eval`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Rule file, or a folder with rule files (`.yml`, `.yaml`) at any depth. May be given several times
    #[arg(long, value_name = "PATH", required = true)]
    rules: Vec<PathBuf>,
    /// Events, one JSON object a line; `-` is standard input
    #[arg(long, value_name = "FILE")]
    events: PathBuf,
}

/// Runs the tool.
pub fn run(args: &Args, _global: &Global) -> anyhow::Result<ExitCode> {
    let sources = read_rules(&args.rules)?;
    let rules = match PlainRules::compile(&sources) {
        Ok(rules) => rules,
        Err(found) => {
            let text = render(&found, &sources, io::stderr().is_terminal());
            write!(io::stderr().lock(), "{text}")?;
            return Ok(ExitCode::from(FAILED));
        }
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut input: Box<dyn io::BufRead> = if args.events.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(io::BufReader::new(std::fs::File::open(&args.events)?))
    };
    let (mut line, mut number) = (String::new(), 0);
    while input.read_line(&mut line)? > 0 {
        let event = serde_json::from_str(&line)?;
        for index in rules.matches(&event) {
            let rule = &rules.rules()[index];
            writeln!(
                out,
                "{}",
                serde_json::json!({"event": number, "rule_id": rule.id})
            )?;
        }
        number += 1;
        line.clear();
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// The files under the paths, sorted by name.
fn read_rules(paths: &[PathBuf]) -> anyhow::Result<Vec<SourceFile>> {
    let mut names = Vec::new();
    for path in paths {
        collect(path, &mut names).with_context(|| format!("cannot read {}", path.display()))?;
    }
    names.sort();
    names.dedup();
    names
        .iter()
        .map(|name| {
            let text = std::fs::read_to_string(name)
                .with_context(|| format!("cannot read {}", name.display()))?;
            Ok(SourceFile {
                name: name.display().to_string(),
                text,
            })
        })
        .collect()
}

fn collect(path: &Path, names: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        names.push(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        let entry = entry?.path();
        let rule = entry.extension().is_some_and(|e| e == "yml" || e == "yaml");
        if rule || entry.is_dir() {
            collect(&entry, names)?;
        }
    }
    Ok(())
}
