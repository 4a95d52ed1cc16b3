//! Filters: documents of their own that narrow down the rules of a set, on reports.

use std::process::Command;
use std::sync::Arc;

use serde_json::json;
use tocsin::core::detect::{DetectEngine, DetectOutput};
use tocsin::core::diagnostic::{Diagnostic, SourceFile};
use tocsin::core::model::{Feed, Millis, Position, RawRecord};
use tocsin::core::place::{Gazetteer, GazetteerSources};
use tocsin::core::rule;
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

/// A base, two rules that extend it, one of them by way of another rule, and one that does not.
const EXTENDED: &str = "\
title: Base
id: base
detection:
  smoke: {any|contains: smoke}
  condition: smoke
tocsin: {abstract: true, hazard: fire, score: {base: 30}}
---
title: One
id: one
tocsin: {extends: base}
---
title: Two
id: two
tocsin: {extends: one}
---
title: Other
id: other
detection:
  smoke: {any|contains: smoke}
  condition: smoke
tocsin: {hazard: fire, score: {base: 30}}
---
title: Barbecues
id: grills
filter:
  rules: [base]
  grill: {any|contains: barbecue}
  steak: {any|contains: steak}
  close: {any|near: {of: [grill, steak], within: 5}}
  condition: not grill and not close
";

#[test]
fn a_filter_for_an_abstract_rule_narrows_all_that_extend_it() {
    let mut found = Vec::new();
    let parsed = rule::parse_set(&[file("a.yml", EXTENDED)], &mut found);
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(parsed.filters[0].rules, ["one", "two"]);
    assert_eq!(parsed.abstracts[0].rules, ["one", "two"]);
    let filter = format!("---\n{EXTENDED}");
    assert_eq!(
        fired(&filter, "smoke over the barbecue"),
        ["fumes", "other", "smoke"]
    );
    // One that nobody extends is most likely a slip.
    let documents: Vec<&str> = EXTENDED.split("---\n").collect();
    let alone = [documents[0], documents[3], documents[4]].join("---\n");
    let line = 1 + alone
        .lines()
        .position(|l| l.contains("rules: [base]"))
        .unwrap();
    let parsed = rule::parse_set(&[file("a.yml", &alone)], &mut found);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0].code, found[0].line), ("T0042", line));
    assert!(parsed.filters[0].rules.is_empty());
}

/// What is printed of a filtered rule can be read again, and is as narrow.
#[test]
fn a_filtered_rule_is_printed_so_that_it_can_be_read() {
    let mut found = Vec::new();
    let parsed = rule::parse_set(&[file("a.yml", EXTENDED)], &mut found);
    let one = &parsed.rules[0];
    let text = rule::print(&rule::callable(one));
    let again = rule::parse_set(&[file("b.yml", &text)], &mut found);
    assert!(found.is_empty(), "{found:#?}\n{text}");
    assert_eq!(rule::print(&again.rules[0]), text);
    assert_eq!(again.rules[0].condition, one.condition);
}

/// `rules list` shows what there is besides rules, and which rules are filtered.
#[test]
fn filters_and_abstract_rules_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("rules")).unwrap();
    std::fs::write(folder.path().join("rules/a.yml"), EXTENDED).unwrap();
    let config = folder.path().join("tocsin.toml");
    std::fs::write(&config, "[paths]\nrules = \"rules\"\n").unwrap();
    let list = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
        command.args(["rules", "list", "--config"]).arg(&config);
        let output = command.args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let rows: serde_json::Value = serde_json::from_str(&list(&["--json"])).unwrap();
    let kinds: Vec<&str> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["rule", "rule", "rule", "filter", "abstract"]);
    assert_eq!(rows[0]["filters"], json!(["grills"]));
    assert_eq!(rows[2].get("filters"), None);
    assert_eq!(rows[3]["rules"], json!(["one", "two"]));
    let text = list(&[]);
    assert!(text.contains("One  [filtered by grills]"), "{text}");
    assert!(text.contains("Barbecues  [for 2 rules]"), "{text}");
    let shown = list(&["--show", "one"]);
    assert!(
        shown.starts_with("# narrowed down by the filter “Barbecues” ("),
        "{shown}"
    );
    let shown = list(&["--show", "grills"]);
    assert!(
        shown.starts_with("title: Barbecues\n") && shown.ends_with("not close\n"),
        "{shown}"
    );
    let shown = list(&["--show", "base"]);
    assert!(
        shown.starts_with("title: Base\n") && shown.ends_with("{base: 30}}\n"),
        "{shown}"
    );
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
