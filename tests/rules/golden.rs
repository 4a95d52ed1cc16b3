//! Each diagnostic code has a file that provokes it (`tests/golden/rules/T0000.yml`) and what is then said (`.txt`).
//!
//! What is odd about files that load is in the same folder: rules, then `=== lexicons` and `=== cases` where they take part; where a
//! finding can be fixed, `.fixed.yml` is what `rules lint --fix` makes of the file.
//!
//! `UPDATE_GOLDEN=1` writes the texts anew; read the difference before keeping it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tocsin::core::diagnostic::{Diagnostic, SourceFile};
use tocsin::core::place::{Gazetteer, GazetteerSources};
use tocsin::core::route::Routing;
use tocsin::core::rule::codes;
use tocsin::core::rule::sigma::{Options, Sigma};
use tocsin::core::ruleset::{RuleSet, RuleSources};
use tocsin::core::tools::case;
use tocsin::core::tools::fix::fix;
use tocsin::core::tools::lint::{self, lint};
use tocsin::core::tools::unknown::{self, World, unknown};

const LEXICON: &str = "lexicon: gas\nterms: [gas leak]\n";
const RULE: &str = "title: t\nid: other\ndetection:\n  a: {any|lexicon: gas}\n  condition: a\ntocsin: {hazard: fire, score: {base: 10}}\n";
const DEPARTMENTS: &str = include_str!("../../config/departments.yaml");

fn file(name: &str, text: &str) -> SourceFile {
    SourceFile {
        name: name.into(),
        text: text.into(),
    }
}

fn findings(name: &str, text: &str) -> Vec<Diagnostic> {
    if text.starts_with("# plain") {
        return Sigma::compile(&[file(name, text)], &Options::default()).findings;
    }
    let mut sources = RuleSources {
        rules: vec![file("other.yml", RULE)],
        lexicons: vec![file("gas.yml", LEXICON)],
        departments: file("departments.yaml", DEPARTMENTS),
        gazetteer: Arc::new(Gazetteer::build(&GazetteerSources::default()).unwrap()),
    };
    let into = if text.starts_with("lexicon:") {
        &mut sources.lexicons
    } else {
        &mut sources.rules
    };
    into.push(file(name, text));
    match RuleSet::compile(&sources) {
        Ok(set) => set.warnings,
        Err(found) => found,
    }
}

#[test]
fn every_code_has_a_file_that_provokes_it() {
    let folder = folder();
    for (code, meaning) in codes::ALL {
        let name = format!("{code}.yml");
        let text = std::fs::read_to_string(folder.join(&name))
            .unwrap_or_else(|e| panic!("{code} ({meaning}): {e}"));
        let found = findings(&name, &text);
        assert!(
            found.iter().any(|d| d.code == *code),
            "{code} ({meaning}) is not provoked: {found:#?}"
        );
        hold(&folder, code, "txt", &said(&found));
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rules")
}

fn said(found: &[Diagnostic]) -> String {
    let mut said = String::new();
    for finding in found {
        let (gravity, length) = (finding.gravity, finding.length);
        let _ = writeln!(said, "{finding} [{gravity:?}, {length}]");
        if let Some(help) = &finding.help {
            let _ = writeln!(said, "    {help}");
        }
    }
    said
}

/// Holds what came out against the file of a code, or writes it anew.
fn hold(folder: &Path, code: &str, extension: &str, text: &str) {
    let golden = folder.join(format!("{code}.{extension}"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, text).unwrap();
    }
    let wanted = std::fs::read_to_string(&golden).unwrap_or_default();
    assert_eq!(wanted, text, "{code}.{extension}");
}

/// Rules, lexicons and cases of a file, each with the lines of the others blank, so that findings keep their places.
fn parts(text: &str) -> [String; 3] {
    let mut parts = [String::new(), String::new(), String::new()];
    let mut now = 0;
    for line in text.lines() {
        let next = ["=== rules", "=== lexicons", "=== cases"]
            .iter()
            .position(|mark| line == *mark);
        now = next.unwrap_or(now);
        for (number, part) in parts.iter_mut().enumerate() {
            let own = number == now && next.is_none();
            part.push_str(if own { line } else { "" });
            part.push('\n');
        }
    }
    parts
}

#[test]
fn every_lint_has_a_file_that_provokes_it() {
    let folder = folder();
    let departments = file("departments.yaml", DEPARTMENTS);
    let (routing, gazetteer) = (Routing::parse(&departments).unwrap(), Gazetteer::default());
    for (code, meaning) in lint::ALL.iter().chain(unknown::ALL) {
        let name = format!("{code}.yml");
        let text = std::fs::read_to_string(folder.join(&name))
            .unwrap_or_else(|e| panic!("{code} ({meaning}): {e}"));
        let sources = parts(&text).map(|part| file(&name, &part));
        let [rules, lexicons, cases] = [0, 1, 2].map(|n| std::slice::from_ref(&sources[n]));
        let mut found = Vec::new();
        let cases: Vec<_> = case::parse(&cases[0], &mut found);
        found.extend(lint(
            rules,
            lexicons,
            (!cases.is_empty()).then_some(&cases[..]),
        ));
        let fields = BTreeSet::new();
        let world = World {
            fields: &fields,
            gazetteer: &gazetteer,
            routing: &routing,
        };
        found.extend(unknown(rules, &cases, world));
        assert!(
            found.iter().any(|d| d.code == *code),
            "{code} ({meaning}) is not provoked: {found:#?}"
        );
        assert!(
            found.iter().all(|d| d.code == *code),
            "{code} ({meaning}) provokes others: {found:#?}"
        );
        hold(&folder, code, "txt", &said(&found));
        let (fixed, count) = fix(&text, &found.iter().collect::<Vec<_>>());
        if count > 0 {
            hold(&folder, code, "fixed.yml", &fixed);
        }
        let fixable = ["T0103", "T0104", "T0113"].contains(code);
        assert_eq!(count > 0, fixable, "{code}");
    }
}

#[test]
fn codes_are_unique_and_in_order() {
    let ids: Vec<&str> = codes::ALL.iter().map(|(id, _)| *id).collect();
    assert!(ids.windows(2).all(|w| w[0] < w[1]), "{ids:?}");
}
