//! `tocsin rules lint`: everything that is wrong or odd about rules and lexicons, all at once.
//!
//! Where the rules or the lexicons are one's own and the others the bundled ones, nothing odd is said about those: nobody can change them.
//!
//! Exit codes: 0 nothing found, 1 findings (after `--fix`: findings that are left), 2 wrong usage or configuration, or files that cannot be
//! read: these and what is found in the others are shown.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use serde::Serialize;

use super::super::check::MISSED;
use super::super::{FAILED, Global, MISUSED, render};
use super::load;
use crate::config::{Paths, compile_rule_set, read_rule_files};
use crate::core::diagnostic::{Diagnostic, Gravity, SourceFile};
use crate::core::model::Feed;
use crate::core::tools::case::{self, Case};
use crate::core::tools::fix::fix;
use crate::core::tools::lint::lint;
use crate::core::tools::unknown::{World, unknown};

/// Rounds of `--fix`; each takes out something.
const MAX_ROUNDS: usize = 1_000;
/// Findings that, beside [`MISSED`], may follow from a file that could not be read: what every report would be read for, what no case and no
/// rule names, and what cases name.
const FOLLOWING: [&str; 7] = [
    "T0024", "T0105", "T0106", "T0107", "T0108", "T0111", "T0112",
];

/// Arguments of `rules lint`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Test files, or folders of them: rules without cases are findings. Without any: `tests` beside the folder of rules, if there is one;
    /// the bundled ones of the bundled rules
    #[arg(long, value_name = "PATH")]
    tests: Vec<PathBuf>,
    /// Take out terms and selections that add nothing. Not for the bundled files
    #[arg(long)]
    fix: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    ok: bool,
    fixed: usize,
    findings: Vec<ShownFinding<'a>>,
}

#[derive(Serialize)]
struct ShownFinding<'a> {
    code: &'a str,
    gravity: &'static str,
    file: &'a str,
    line: usize,
    column: usize,
    /// Characters that are meant.
    length: usize,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

/// Runs the tool.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let settings = global.settings()?;
    let paths = &settings.paths;
    if args.fix && paths.rules.is_none() && paths.lexicons.is_none() {
        let why = "--fix writes files, and the bundled ones cannot be written: set paths.rules, paths.lexicons or both";
        writeln!(io::stderr().lock(), "error: {why}")?;
        return Ok(ExitCode::from(MISUSED));
    }
    let mut unread = Vec::new();
    let tests = load::read_test_files(&args.tests, paths, &mut unread);
    let named = !args.tests.is_empty();
    let look = || findings(paths, &settings.feeds, &tests, &unread, named);
    let mut seen = look();
    let mut fixed = 0;
    // What adds nothing as far as it can be read may be what something that cannot be read is about.
    if args.fix && !is_sound(&seen) {
        let why = "--fix takes nothing out while there are errors or files that cannot be read: mend these first";
        writeln!(io::stderr().lock(), "{why}")?;
    } else if args.fix {
        fixed = fix_all(paths, &mut seen, look)?;
    }
    seen.sources.extend_from_slice(&tests);
    let found = &seen.found;
    let mut out = io::stdout().lock();
    if args.json {
        let shown = Shown {
            ok: found.is_empty(),
            fixed,
            findings: found.iter().map(shown).collect(),
        };
        writeln!(out, "{}", serde_json::to_string_pretty(&shown)?)?;
    } else {
        let colour = io::stdout().is_terminal();
        write!(out, "{}", render(found, &seen.sources, colour))?;
        let errors = found.iter().filter(|d| d.gravity == Gravity::Error).count();
        let fixed = if args.fix {
            format!(", {fixed} fixed")
        } else {
            String::new()
        };
        writeln!(
            out,
            "{errors} errors, {} warnings{fixed}",
            found.len() - errors
        )?;
    }
    Ok(ExitCode::from(match (seen.is_whole, found.is_empty()) {
        (false, _) => MISUSED,
        (true, false) => FAILED,
        (true, true) => 0,
    }))
}

/// Fixes until nothing is left that can be; the number of findings fixed.
fn fix_all(paths: &Paths, seen: &mut Seen, look: impl Fn() -> Seen) -> anyhow::Result<usize> {
    let mut fixed = 0;
    // Two that share a comma are taken out one after the other, and of a file only so many findings are told at once.
    for _ in 0..MAX_ROUNDS {
        let own = |source: &&SourceFile| !is_bundled(paths, &source.name);
        let before = seen.sources.clone();
        let now = write_fixes(&seen.found, before.iter().filter(own))?;
        if now == 0 {
            return Ok(fixed);
        }
        let after = look();
        if !is_sound(&after) {
            put_back(before.iter().filter(own))?;
            let why = "what was taken out was needed after all: the files are as they were";
            writeln!(io::stderr().lock(), "{why}; please report the rules")?;
            return Ok(fixed);
        }
        fixed += now;
        *seen = after;
    }
    writeln!(
        io::stderr().lock(),
        "{MAX_ROUNDS} rounds were not enough: run --fix again"
    )?;
    Ok(fixed)
}

fn shown(finding: &Diagnostic) -> ShownFinding<'_> {
    ShownFinding {
        code: finding.code,
        gravity: match finding.gravity {
            Gravity::Error => "error",
            Gravity::Warning => "warning",
        },
        file: &finding.file,
        line: finding.line,
        column: finding.column,
        length: finding.length,
        message: &finding.message,
        help: finding.help.as_deref(),
    }
}

/// Whether every file could be read and no error is about rules, lexicons or departments.
fn is_sound(seen: &Seen) -> bool {
    let mut errors = seen.found.iter().filter(|d| d.gravity == Gravity::Error);
    let about = |error: &Diagnostic| seen.sources.iter().any(|file| file.name == error.file);
    seen.is_whole && !errors.any(about)
}

/// Writes the files as they were, those that are not so any more.
fn put_back<'s>(sources: impl Iterator<Item = &'s SourceFile>) -> anyhow::Result<()> {
    for source in sources {
        if std::fs::read_to_string(&source.name).is_ok_and(|now| now != source.text) {
            std::fs::write(&source.name, &source.text).with_context(|| source.name.clone())?;
        }
    }
    Ok(())
}

/// What was found, and in which texts.
pub(super) struct Seen {
    pub(super) found: Vec<Diagnostic>,
    sources: Vec<SourceFile>,
    /// Whether every file could be read.
    is_whole: bool,
}

/// What compiling finds and what linting finds in the files that can be read, after those that cannot, the `unread` tests among them; of
/// tests where there are some, or some were `named`.
pub(super) fn findings(
    paths: &Paths,
    feeds: &[Feed],
    tests: &[SourceFile],
    unread: &[Diagnostic],
    named: bool,
) -> Seen {
    let (files, mut errors) = read_rule_files(paths);
    errors.extend_from_slice(unread);
    let is_whole = errors.is_empty();
    let (rules, lexicons) = (files.rules.clone(), files.lexicons.clone());
    let mut sources: Vec<SourceFile> = rules.iter().chain(&lexicons).cloned().collect();
    sources.push(files.departments.clone());
    let (set, mut found) = match compile_rule_set(files) {
        Ok(set) => {
            let warnings = set.warnings.clone();
            (Some(set), warnings)
        }
        Err(errors) => (None, errors.diagnostics),
    };
    let cases: Vec<Case> = tests
        .iter()
        .flat_map(|file| case::parse(file, &mut found))
        .collect();
    let tested = named || !tests.is_empty();
    found.extend(lint(&rules, &lexicons, tested.then_some(&cases[..])));
    if let Some(set) = set {
        let mapped = feeds.iter().filter_map(|feed| feed.mapping.as_ref());
        let fields = mapped.flat_map(|mapping| mapping.fields.keys().cloned());
        let world = World {
            fields: &fields.collect(),
            gazetteer: &set.gazetteer,
            routing: &set.routing,
        };
        found.extend(unknown(&rules, &cases, world));
    }
    let own_some = paths.rules.is_some() || paths.lexicons.is_some();
    found.retain(|finding| {
        let concerns =
            finding.gravity == Gravity::Error || !own_some || !is_bundled(paths, &finding.file);
        let follows = MISSED.contains(&finding.code) || FOLLOWING.contains(&finding.code);
        concerns && (is_whole || !follows)
    });
    errors.append(&mut found);
    Seen {
        found: errors,
        sources,
        is_whole,
    }
}

/// Whether a file of rules or lexicons is one of the program's own. Named by the operator a file stands below the folder that was named.
fn is_bundled(paths: &Paths, name: &str) -> bool {
    let below = |folder: &Option<PathBuf>, of: &str| folder.is_none() && name.starts_with(of);
    below(&paths.rules, "rules/") || below(&paths.lexicons, "lexicons/")
}

/// Writes every file that has something to fix; the number of findings fixed.
fn write_fixes<'s>(
    found: &[Diagnostic],
    sources: impl Iterator<Item = &'s SourceFile>,
) -> anyhow::Result<usize> {
    let mut by_file: BTreeMap<&str, Vec<&Diagnostic>> = BTreeMap::new();
    for finding in found {
        by_file.entry(&finding.file).or_default().push(finding);
    }
    let mut all = 0;
    for source in sources {
        let Some(findings) = by_file.get(&*source.name) else {
            continue;
        };
        let (text, fixed) = fix(&source.text, findings);
        if fixed > 0 {
            std::fs::write(&source.name, text).with_context(|| source.name.clone())?;
            all += fixed;
        }
    }
    Ok(all)
}
