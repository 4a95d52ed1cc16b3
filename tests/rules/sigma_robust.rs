//! Sigma files that somebody is still writing, and lines that are no events: nothing panics, and what loads says which rule it is.

use proptest::prelude::*;
use tocsin::core::diagnostic::SourceFile;
use tocsin::core::rule::sigma::{Compiled, Correlator, Options, Scratch, Sigma, print, read};

/// A rule, a filter and two correlations with a bit of everything.
const RULES: &str = r"title: A rule
id: r-1
name: base
detection:
  a: {f|contains|all: ['x*y', '\?z'], g|re|i: '^(ab|c)+$', n|gte: 3}
  b_1: [{h|cidr: 10.0.0.0/8}, {i|base64offset|contains: abc}, {j|windash: '-a /b'}]
  b_2: {k|fieldref: f, l|exists: false, m: null, o|hour: 3, p|expand: '%v%'}
  keywords: [one, 'tw?o', 3]
  condition: (a or 1 of b_*) and not keywords
---
title: A filter
filter:
  rules: [base]
  s: {f|startswith: q}
  condition: s
---
title: Many of them
name: many
correlation:
  type: event_count
  rules: [base]
  group-by: [u, f]
  timespan: 5m
  condition: {gte: 3, lt: 9}
---
title: One after the other
correlation:
  type: temporal_ordered
  rules: [base, many]
  aliases: {who: {base: u, many: f}}
  group-by: [who]
  timespan: 1h
  generate: true
";

fn file(text: String) -> SourceFile {
    SourceFile {
        name: "f.yml".into(),
        text,
    }
}

fn compiled(text: String) -> Compiled {
    let mut options = Options::default();
    options.placeholders.insert("v".into(), vec!["w".into()]);
    Sigma::compile(&[file(text)], &options)
}

/// Evaluates lines, events or not, and folds those that are events.
fn evaluate(compiled: &Compiled, lines: &[String]) {
    let mut scratch = Scratch::default();
    let mut correlator = Correlator::new(&compiled.sigma, 1_000, None);
    for line in lines {
        if let Ok(matched) = compiled.sigma.evaluate(line.as_bytes(), &mut scratch) {
            let matched = matched.to_vec();
            correlator.fold(&compiled.sigma, &matched, line, &scratch);
            let count = compiled.sigma.rules().len();
            assert!(matched.iter().all(|rule| (*rule as usize) < count));
        }
    }
}

fn lines() -> impl Strategy<Value = Vec<String>> {
    let value = "(\"(x|y|ab|one|\\\\|\\\\u00|é|火){0,4}\"|-?[0-9]{1,3}(\\.[0-9])?|null|true|\\[\\]|\\{\\}|\\[1, \"x\"\\]|nul)";
    let event = format!("\\{{(\"[f-pu]\": ?{value}, ?){{0,6}}\"t\": ?{value}[}}\\]]");
    let odd = "[\\[\\]{}:,\"\\\\a-c0-9. é火-]{0,30}";
    prop::collection::vec(
        prop_oneof![
            4 => prop::string::string_regex(&event).unwrap(),
            1 => prop::string::string_regex(odd).unwrap()
        ],
        0..6,
    )
}

#[test]
fn the_rules_load_as_they_are() {
    let compiled = compiled(RULES.to_owned());
    assert!(compiled.findings.is_empty(), "{}", compiled.findings[0]);
    assert_eq!((compiled.left_out, compiled.sigma.correlates()), (0, true));
}

#[test]
fn a_key_without_a_name_is_refused() {
    let mut found = Vec::new();
    let read = read(&file(RULES.replace("o|hour: 3", ": 3")), &mut found);
    assert_eq!(read.len(), 3);
    assert_eq!((found[0].code, found[0].line), ("T0010", 7), "{}", found[0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn changed_rules_never_panic(
        at in 0..RULES.len(), cut in 0usize..30, put in "[\\[\\]{}:|*'\"\n #&!%@`火a0-9-]{0,4}", lines in lines(),
    ) {
        let mut text = RULES.to_owned();
        text.replace_range(at..(at + cut).min(RULES.len()), &put);
        let mut found = Vec::new();
        for document in read(&file(text.clone()), &mut found) {
            // What is read can be printed and read again.
            let printed = print(&document);
            let again = read(&file(printed.clone()), &mut Vec::new());
            prop_assert_eq!(&again[..], &[document][..], "{}", printed);
        }
        let compiled = compiled(text);
        prop_assert!(compiled.findings.iter().all(|f| !f.code.is_empty() && f.line > 0));
        evaluate(&compiled, &lines);
    }

    #[test]
    fn lines_never_panic(lines in lines()) {
        evaluate(&compiled(RULES.to_owned()), &lines);
    }
}
