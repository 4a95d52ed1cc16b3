//! `tocsin rules stats`: the rule set in numbers.
//!
//! Exit codes: 0 done, 2 files that do not load.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use super::super::Global;
use super::load;
use crate::core::tools::stats::{Count, Stats, stats};

/// Arguments of `rules stats`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Test files, or folders of them, whose cases are counted. Without any: the bundled ones of the bundled rules
    #[arg(long, value_name = "PATH")]
    tests: Vec<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown {
    rule_set: String,
    #[serde(flatten)]
    stats: Stats,
}

/// Runs the tool.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let settings = global.settings()?;
    let tests = load::test_files(&args.tests, &settings.paths)?;
    let cases = load::cases(&tests)?;
    let (set, files) = load::rule_set(&settings.paths)?;
    let shown = Shown {
        rule_set: set.version.to_string(),
        stats: stats(&files.rules, &files.lexicons, &cases),
    };
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&shown)?)?;
    } else {
        out.write_all(text(&shown).as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(shown: &Shown) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = page(shown, &mut out);
    out
}

fn counted(count: &Count) -> String {
    format!(
        "{} ({} live, {} shadow, {} off)",
        count.all, count.live, count.shadow, count.off
    )
}

fn page(shown: &Shown, out: &mut String) -> std::fmt::Result {
    let stats = &shown.stats;
    writeln!(out, "rule set      {}", shown.rule_set)?;
    writeln!(out, "rules         {}", counted(&stats.rules))?;
    writeln!(out, "correlations  {}", counted(&stats.correlations))?;
    writeln!(
        out,
        "besides       {} filters, {} abstract rules that others extend",
        stats.filters, stats.abstracts
    )?;
    writeln!(
        out,
        "terms         {} in {} lexicons, {} words in rules",
        stats.terms,
        stats.lexicons.len(),
        stats.words
    )?;
    let languages = stats
        .languages
        .iter()
        .map(|(name, n)| format!("{name} {n}"));
    let languages: Vec<String> = languages.collect();
    writeln!(
        out,
        "languages     {} (-: of fields alone)",
        languages.join(", ")
    )?;
    writeln!(
        out,
        "\n{:24}{:>5}{:>6}{:>8}{:>5}  languages",
        "hazard", "rules", "live", "shadow", "off"
    )?;
    for (hazard, row) in &stats.hazards {
        let languages = row.languages.iter().map(|(name, n)| format!("{name} {n}"));
        let languages: Vec<String> = languages.collect();
        writeln!(
            out,
            "{hazard:24}{:>5}{:>6}{:>8}{:>5}  {}",
            row.rules.all,
            row.rules.live,
            row.rules.shadow,
            row.rules.off,
            languages.join(", ")
        )?;
    }
    writeln!(
        out,
        "\n{:32}{:>6}{:>9}{:>7}  lang",
        "lexicon", "terms", "guarded", "rules"
    )?;
    for row in &stats.lexicons {
        let lang = row.lang.as_deref().unwrap_or("-");
        writeln!(
            out,
            "{:32}{:>6}{:>9}{:>7}  {lang}",
            row.lexicon, row.terms, row.guarded, row.rules
        )?;
    }
    writeln!(out, "\ncostly: {}", stats.costly.len())?;
    for one in &stats.costly {
        writeln!(out, "  {}: {}", one.rule, one.because)?;
    }
    if stats.cases.is_empty() {
        return writeln!(out, "\ncases: none were given (--tests)");
    }
    writeln!(
        out,
        "\n{:40}{:>6}{:>8}{:>9}",
        "rule", "fires", "silent", "stories"
    )?;
    for row in &stats.cases {
        writeln!(
            out,
            "{:40}{:>6}{:>8}{:>9}",
            row.rule, row.fires, row.silent, row.stories
        )?;
    }
    Ok(())
}
