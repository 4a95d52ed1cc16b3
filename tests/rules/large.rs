//! Rule files that are large on purpose: read once, with a bounded number of findings.
//!
//! None of these asserts a time. What is read with the square of its size would not end while anybody waits.

use tocsin::core::diagnostic::{Diagnostic, SourceFile};
use tocsin::core::lexicon;
use tocsin::core::rule;
use tocsin::core::yaml::MAX_FINDINGS;

/// Entries of one file.
const MANY: usize = 100_000;

fn source(text: String) -> SourceFile {
    SourceFile {
        name: "large.yml".to_owned(),
        text,
    }
}

fn findings_of_rule(text: String) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    rule::parse(&source(text), &mut found);
    found
}

fn lines(line: impl Fn(usize) -> String) -> String {
    (0..MANY).map(line).collect()
}

const END: &str = "tocsin: {hazard: fire, score: {base: 10}}\n";

#[test]
fn unknown_keys() {
    let found = findings_of_rule(lines(|n| format!("k{n}: 1\n")) + END);
    assert_eq!(found.len(), MAX_FINDINGS + 1);
    assert!(found.last().unwrap().message.contains("not shown"));
}

#[test]
fn aliases() {
    let found = findings_of_rule(format!(
        "a: &x 1\n{}{END}",
        lines(|n| format!("k{n}: *x\n"))
    ));
    assert_eq!(found.len(), MAX_FINDINGS + 1);
}

#[test]
fn selections_and_words_of_conditions() {
    let detection = lines(|n| format!("  s{n}: {{title: x}}\n"));
    let condition = lines(|n| format!("s{n} or ")) + "s0";
    let found = findings_of_rule(format!(
        "title: t\nid: t\ndetection:\n{detection}  condition: {condition}\n{END}"
    ));
    assert!(!found.is_empty() && found.len() <= MAX_FINDINGS + 1);
}

#[test]
fn terms_and_contexts() {
    let terms = lines(|n| format!("- {{term: t{n}, unless: [a, b], wrong: 1}}\n"));
    let mut found = Vec::new();
    lexicon::parse(&source(format!("lexicon: l\nterms:\n{terms}")), &mut found);
    assert_eq!(found.len(), MAX_FINDINGS + 1);
}
