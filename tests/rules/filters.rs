//! Filters: documents of their own that narrow down the rules of a set, on reports.

use std::sync::Arc;

use serde_json::json;
use tocsin::core::detect::{DetectEngine, DetectOutput};
use tocsin::core::diagnostic::{Diagnostic, SourceFile};
use tocsin::core::model::{Feed, Millis, Position, RawRecord};
use tocsin::core::place::{Gazetteer, GazetteerSources};
use tocsin::core::ruleset::{RuleSet, RuleSources};

const RULES: &str = "\
title: Smoke
id: smoke
name: by-name
detection:
  a: {any|contains: smoke}
  condition: a
tocsin: {hazard: fire, score: {base: 30}}
---
title: Fumes
id: fumes
detection:
  a: {any|contains: [smoke, fumes]}
  condition: a
tocsin: {hazard: fire, score: {base: 30}}
";

fn file(name: &str, text: &str) -> SourceFile {
    SourceFile {
        name: name.into(),
        text: text.into(),
    }
}

/// The set of [`RULES`] with a file of filters, or what is wrong with it.
fn set(filters: &str) -> Result<RuleSet, Vec<Diagnostic>> {
    let sources = RuleSources {
        rules: vec![file("a.yml", RULES), file("b.yml", filters)],
        lexicons: Vec::new(),
        departments: SourceFile::default(),
        gazetteer: Arc::new(Gazetteer::build(&GazetteerSources::default()).unwrap()),
    };
    RuleSet::compile(&sources)
}

/// The rules that fire on a text.
fn fired(filters: &str, text: &str) -> Vec<String> {
    let set = set(filters).unwrap_or_else(|found| panic!("{found:#?}\n{filters}"));
    let feed: Feed = serde_json::from_value(json!({
        "id": "f", "topic": "f", "decoder": "tocsin", "kind": "post", "reliability": 50,
    }))
    .unwrap();
    let mut engine = DetectEngine::new(Arc::new(set), &[Arc::new(feed)]).unwrap();
    let record = json!({"id": "1", "text": text}).to_string();
    let raw = RawRecord::new(record.as_bytes(), Millis(1_767_323_045_000));
    let mut output = DetectOutput::default();
    engine.process(0, &raw, &Position::default(), &mut output);
    let mut ids: Vec<String> = output
        .detections
        .iter()
        .map(|d| d.rule_id.to_string())
        .collect();
    ids.sort();
    ids
}

#[test]
fn a_filter_narrows_the_rules_that_it_names_and_no_others() {
    let filter =
        |rules: &str, rest: &str| format!("title: Barbecues\nfilter:\n  rules: {rules}\n{rest}");
    let plain = "  grill: {any|contains: barbecue}\n  condition: not grill\n";
    let text = "smoke over the barbecue";
    for (rules, left) in [
        ("[smoke]", vec!["fumes"]),
        ("[by-name]", vec!["fumes"]),
        ("smoke", vec!["fumes"]),
        ("[smoke, fumes]", vec![]),
        ("any", vec![]),
    ] {
        assert_eq!(fired(&filter(rules, plain), text), left, "{rules}");
    }
    let both = vec!["fumes", "smoke"];
    assert_eq!(fired(&filter("any", plain), "smoke over the roof"), both);
    // The names of a filter's selections are its own, also where one stands near another.
    let near = "  a: {any|contains: barbecue}\n  b: {any|contains: over}\n  c: {any|near: {of: [a, b], within: 2}}\n  condition: not c\n";
    assert_eq!(fired(&filter("[smoke]", near), text), vec!["fumes"]);
    let far = "smoke over there, and a long way off somebody had a barbecue";
    assert_eq!(fired(&filter("[smoke]", near), far), both);
    // Two filters both have to let a report pass.
    let two = format!(
        "{}---\n{}",
        filter("[smoke]", plain),
        filter("[smoke]", &plain.replace("barbecue", "stage"))
    );
    assert_eq!(fired(&two, "smoke on the stage"), vec!["fumes"]);
    assert_eq!(fired(&two, text), vec!["fumes"]);
}

#[test]
fn a_filter_that_cannot_be_read_is_said_to_be() {
    for (filter, code) in [
        (
            "title: F\nfilter:\n  rules: [gone]\n  a: {any|contains: x}\n  condition: not a\n",
            "T0042",
        ),
        (
            "title: F\nfilter:\n  a: {any|contains: x}\n  condition: not a\n",
            "T0003",
        ),
        (
            "title: F\nfilter:\n  rules: any\n  a: {any|contains: x}\n",
            "T0003",
        ),
        (
            "title: F\nfilter:\n  rules: any\n  a: {any|contains: x}\n  condition: not b\n",
            "T0019",
        ),
        (
            "title: F\ntocsin: {}\nfilter:\n  rules: any\n  a: {any|contains: x}\n  condition: not a\n",
            "T0004",
        ),
        (
            "title: F\nfilter:\n  rules: any\n  a: {any|lexicon: gone}\n  condition: not a\n",
            "T0013",
        ),
    ] {
        let found = set(filter).err().unwrap_or_default();
        let told = |d: &Diagnostic| d.code == code && (d.file == "b.yml" || code == "T0013");
        assert!(found.iter().any(told), "{code}: {filter}\n{found:#?}");
    }
}
