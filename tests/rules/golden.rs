//! Each diagnostic code has a file that provokes it (`tests/golden/rules/T0000.yml`) and what is then said (`.txt`).
//!
//! `UPDATE_GOLDEN=1` writes the texts anew; read the difference before keeping it.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use tocsin::core::diagnostic::{Diagnostic, SourceFile};
use tocsin::core::place::{Gazetteer, GazetteerSources};
use tocsin::core::rule::codes;
use tocsin::core::rule::sigma::{Options, Sigma};
use tocsin::core::ruleset::{RuleSet, RuleSources};

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
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rules");
    for (code, meaning) in codes::ALL {
        let name = format!("{code}.yml");
        let text = std::fs::read_to_string(folder.join(&name))
            .unwrap_or_else(|e| panic!("{code} ({meaning}): {e}"));
        let mut said = String::new();
        let found = findings(&name, &text);
        assert!(
            found.iter().any(|d| d.code == *code),
            "{code} ({meaning}) is not provoked: {found:#?}"
        );
        for finding in &found {
            let _ = writeln!(
                said,
                "{finding} [{:?}, {}]",
                finding.gravity, finding.length
            );
            if let Some(help) = &finding.help {
                let _ = writeln!(said, "    {help}");
            }
        }
        let golden = folder.join(format!("{code}.txt"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &said).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(&golden).unwrap_or_default(),
            said,
            "{code}"
        );
    }
}

#[test]
fn codes_are_unique_and_in_order() {
    let ids: Vec<&str> = codes::ALL.iter().map(|(id, _)| *id).collect();
    assert!(ids.windows(2).all(|w| w[0] < w[1]), "{ids:?}");
}
