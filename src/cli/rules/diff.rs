//! `tocsin rules diff`: what two rule sets say differently.
//!
//! Exit codes: 0 they mean the same, 1 they differ, 2 wrong usage or files that do not load.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use super::super::{FAILED, Global};
use super::load;
use crate::config::Paths;
use crate::core::tools::diff::{Change, Changed, LexiconChange, Listed, Said, SetDiff, diff};

/// Terms shown of a list.
const SHOWN: usize = 12;

/// Arguments of `rules diff`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One or two rule sets: folders with `rules/`, `lexicons/`, `departments.yaml` and `places/`, as far as they have them, or
    /// folders of rules alone. What a folder lacks is the configured one's; one alone is compared with what is configured
    #[arg(value_name = "DIR", required = true, num_args = 1..=2)]
    sets: Vec<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown {
    same: bool,
    /// Versions.
    before: String,
    after: String,
    /// Whether the gazetteers are of different files.
    places_differ: bool,
    #[serde(flatten)]
    diff: SetDiff,
}

/// Runs the tool.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let settings = global.settings()?;
    let mut sides = Vec::new();
    if args.sets.len() == 1 {
        sides.push(side(&settings.paths)?);
    }
    for folder in &args.sets {
        sides.push(side(&load::other(&settings.paths, folder)?)?);
    }
    let (before, after) = (&sides[0], &sides[1]);
    let diff = diff(&before.said, &after.said);
    let places_differ = before.places != after.places;
    let shown = Shown {
        same: diff.is_empty() && !places_differ,
        before: before.version.clone(),
        after: after.version.clone(),
        places_differ,
        diff,
    };
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&shown)?)?;
    } else {
        out.write_all(text(&shown).as_bytes())?;
    }
    Ok(ExitCode::from(if shown.same { 0 } else { FAILED }))
}

struct Side {
    version: String,
    said: Said,
    places: load::Digests,
}

fn side(paths: &Paths) -> anyhow::Result<Side> {
    let (set, files, places) = load::rule_set_with_places(paths)?;
    Ok(Side {
        version: set.version.to_string(),
        said: Said::new(&files.rules, &files.lexicons, &set.routing),
        places,
    })
}

fn text(shown: &Shown) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = page(shown, &mut out);
    out
}

fn page(shown: &Shown, out: &mut String) -> std::fmt::Result {
    writeln!(out, "{} → {}", shown.before, shown.after)?;
    if shown.same {
        let why = if shown.before == shown.after {
            "no difference"
        } else {
            "the files differ and mean the same"
        };
        return writeln!(out, "{why}");
    }
    let diff = &shown.diff;
    listed("rules", &diff.rules, out)?;
    listed("correlations", &diff.correlations, out)?;
    if !diff.lexicons.is_empty() {
        writeln!(out, "\nlexicons")?;
    }
    for lexicon in &diff.lexicons {
        terms(lexicon, out)?;
    }
    listed("departments", &diff.departments, out)?;
    if !diff.hazards.is_empty() {
        writeln!(out, "\nrules per hazard")?;
    }
    for (hazard, (before, after)) in &diff.hazards {
        writeln!(out, "  {hazard} {before} → {after}")?;
    }
    if shown.places_differ {
        writeln!(out, "\nplaces: the files differ")?;
    }
    Ok(())
}

fn listed(what: &str, list: &Listed, out: &mut String) -> std::fmt::Result {
    if list.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{what}: {} added, {} removed, {} changed",
        list.added.len(),
        list.removed.len(),
        list.changed.len()
    )?;
    for (sign, some) in [('+', &list.added), ('-', &list.removed)] {
        for one in some {
            let hazard = one
                .hazard
                .as_deref()
                .map_or(String::new(), |h| format!("  {h}"));
            writeln!(out, "{sign} {}{hazard}  {}", one.id, one.title)?;
        }
    }
    for Changed { id, changes } in &list.changed {
        writeln!(out, "~ {id}")?;
        for change in changes {
            self::change(change, out)?;
        }
    }
    Ok(())
}

fn change(change: &Change, out: &mut String) -> std::fmt::Result {
    match change {
        Change::Value {
            field,
            before: Some(before),
            after: Some(after),
        } => {
            writeln!(out, "    {field}\n      - {before}\n      + {after}")
        }
        Change::Value {
            field,
            before,
            after,
        } => {
            let (sign, value) = match (before, after) {
                (Some(value), _) => ('-', &**value),
                (_, value) => ('+', value.as_deref().unwrap_or_default()),
            };
            writeln!(out, "    {field}\n      {sign} {value}")
        }
        Change::List {
            field,
            added,
            removed,
        } => {
            writeln!(out, "    {field}")?;
            lists(added, removed, "      ", out)
        }
    }
}

fn lists(added: &[String], removed: &[String], indent: &str, out: &mut String) -> std::fmt::Result {
    for (sign, list) in [('-', removed), ('+', added)] {
        if list.is_empty() {
            continue;
        }
        let first = list[..list.len().min(SHOWN)].join(", ");
        let more = list.len().saturating_sub(SHOWN);
        let more = if more > 0 {
            format!(", … {more} more (--json has all)")
        } else {
            String::new()
        };
        writeln!(out, "{indent}{sign} {first}{more}")?;
    }
    Ok(())
}

fn terms(one: &LexiconChange, out: &mut String) -> std::fmt::Result {
    writeln!(out, "~ {}", one.lexicon)?;
    lists(&one.added, &one.removed, "    ", out)?;
    for (term, was, is) in one.changed.iter().take(SHOWN) {
        writeln!(out, "    ~ {term}: {was} → {is}")?;
    }
    if one.changed.len() > SHOWN {
        writeln!(
            out,
            "    … {} more (--json has all)",
            one.changed.len() - SHOWN
        )?;
    }
    Ok(())
}
