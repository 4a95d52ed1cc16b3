//! The published schema of rules: what is shipped is valid, and what it refuses the program refuses too.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use tocsin::core::diagnostic::SourceFile;
use tocsin::core::model::{Hazard, Tier};
use tocsin::core::rule::program::EXTRACTED;
use tocsin::core::rule::{SCHEMA, parse};
use tocsin::core::yaml::{self, Data, Findings, Node};

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

/// A YAML node as an editor's schema check sees it.
fn value(node: &Node) -> Value {
    match &node.data {
        Data::Map(entries) => Value::Object(
            entries
                .iter()
                .map(|(key, node)| (key.text.clone(), value(node)))
                .collect::<Map<String, Value>>(),
        ),
        Data::List(items) => items.iter().map(value).collect(),
        Data::Scalar { .. } if node.is_null() => Value::Null,
        Data::Scalar { text, plain } => match (plain, node.bool(), node.number()) {
            (true, Some(flag), _) => Value::Bool(flag),
            (true, None, Some(number)) if number.fract() == 0.0 => json!(number as i64),
            (true, None, Some(number)) => json!(number),
            _ => Value::String(text.clone()),
        },
    }
}

fn documents(text: &str) -> Vec<Value> {
    let mut findings = Findings::new("f");
    let documents = yaml::parse(text, &mut findings);
    assert!(findings.list.is_empty(), "{}", findings.list[0]);
    documents.iter().map(value).collect()
}

fn rule_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rule_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "yml" || e == "yaml") {
            found.push(path);
        }
    }
}

#[test]
fn every_shipped_rule_is_valid() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let mut files = Vec::new();
    rule_files(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("config/rules"),
        &mut files,
    );
    let mut seen = 0;
    for file in &files {
        for document in documents(&std::fs::read_to_string(file).unwrap()) {
            let errors: Vec<String> = validator
                .iter_errors(&document)
                .map(|e| format!("{}: {e}", e.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{}: {errors:#?}", file.display());
            seen += 1;
        }
    }
    assert!(seen > 80, "{seen}");
}

#[test]
fn its_lists_are_those_of_the_program() {
    let schema = schema();
    let hazards: Vec<&str> = Hazard::ALL.iter().map(|h| h.id()).collect();
    assert_eq!(schema["$defs"]["hazard"]["enum"], json!(hazards));
    let tiers: Vec<&str> = Tier::ALL.iter().map(|t| t.id()).collect();
    let listed = schema["$defs"]["fieldname"]["enum"].as_array().unwrap();
    assert_eq!(&listed[4..], EXTRACTED);
    let listed = &schema["$defs"]["tocsin"]["properties"]["tier"]["enum"];
    assert!(
        tiers
            .iter()
            .all(|t| listed.as_array().unwrap().contains(&json!(t)))
    );
    assert_eq!(listed.as_array().unwrap().len(), tiers.len());
}

const GOOD: &str = "title: Fire
id: fire-1
status: test
tags: [x]
detection:
  a: {any|lexicon: [fire], any|count|gte: 2}
  b:
    - {title|contains|all: [smoke, 5], kind: [news, post]}
    - text|re|i: 'fla(me|re)s'
  c: {any|near: {of: [a, b], within: 12}}
  d: [alarm, 119]
  e: {casualties.dead|gte: 3, call|exists: true, sort: null}
  condition: (a or c) and not (b or d) or e
tocsin:
  hazard: fire
  tier: city
  growth_tiers: [province]
  quiet: 90m
  urgency: Expected
  replaces: fire-0
  departments: [fire, {id: health, required: true}]
  score:
    base: 40
    add:
      - {when: e, points: -5, because: dead}
      - {weight_of: a, up_to: 10, because: wording}
      - {when: {growth.w2|gte: 5.5, growth.observed: 12}, points: 7, because: rising}
";

const CORRELATION: &str = "\
title: Many
id: many
status: stable
correlation:
  type: value_count
  rules: [a, b]
  group-by: [kind, casualties.dead]
  timespan: 30m
  condition: {field: source, gte: 3}
tocsin: {hazard: fire, score: {base: 10, because: many sources}}
";

#[test]
fn a_correlation_is_valid_and_what_is_wrong_about_it_is_refused_by_both() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let refused = |text: &str| {
        let mut found = Vec::new();
        let source = SourceFile {
            name: "r.yml".to_owned(),
            text: text.to_owned(),
        };
        parse(&source, &mut found);
        !found.is_empty()
    };
    assert!(validator.is_valid(&documents(CORRELATION)[0]) && !refused(CORRELATION));
    for (line, wrong) in [
        ("status: stable", "status: test"),
        ("status: stable", "detection: {}"),
        ("value_count", "value_sum"),
        ("  rules: [a, b]\n", ""),
        ("[a, b]", "{a: b}"),
        ("[kind, casualties.dead]", "[author]"),
        ("[kind, casualties.dead]", "[hazard]"),
        ("30m", "half an hour"),
        ("field: source", "field: color"),
        ("gte: 3", "gte: 3000"),
        ("gte: 3", "more: 3"),
        ("condition:", "limit:"),
        ("  timespan", "  aliases: {x: {a: b}}\n  timespan"),
        ("  timespan", "  generate: false\n  timespan"),
        ("hazard: fire", "tier: city"),
        (
            "score: {base: 10",
            "score: {base: 10, add: {when: a, points: 1, because: b}",
        ),
        ("base: 10, ", ""),
    ] {
        assert!(CORRELATION.contains(line), "{line}");
        let text = CORRELATION.replacen(line, wrong, 1);
        let valid = validator.is_valid(&documents(&text)[0]);
        assert!(!valid, "the schema takes `{wrong}` for `{line}`");
        assert!(refused(&text), "the program takes `{wrong}` for `{line}`");
    }
}

/// Each takes a line of the good rule and writes it wrongly; the schema and the program refuse all of them.
#[test]
fn what_is_wrong_is_refused_by_both() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let refused = |text: &str| {
        let mut found = Vec::new();
        let source = SourceFile {
            name: "r.yml".to_owned(),
            text: text.to_owned(),
        };
        parse(&source, &mut found);
        !found.is_empty()
    };
    assert!(validator.is_valid(&documents(GOOD)[0]) && !refused(GOOD));
    let base = "title: b\nid: b\ndetection: {s: {any|contains: x}}\ntocsin: {abstract: true, tier: city}\n";
    assert!(validator.is_valid(&documents(base)[0]) && !refused(base));
    for wrong in [
        base.replace(", tier: city", ", tier: street"),
        base.replace("abstract: true", "abstract: false"),
        base.replace("abstract: true", "abstract: perhaps"),
        base.replace("abstract: true", "extends: {}"),
    ] {
        assert!(!validator.is_valid(&documents(&wrong)[0]), "{wrong}");
        assert!(refused(&wrong), "{wrong}");
    }
    for (line, wrong) in [
        ("title: Fire", "title: ''"),
        ("id: fire-1", "id: fire 1"),
        ("id: fire-1", "identifier: fire-1"),
        ("status: test", "status: shadow"),
        ("  condition:", "  when:"),
        ("  condition:", "  timeframe: 5m\n  condition:"),
        ("sort: null", "sort: [x, null]"),
        ("title|contains|all", "title|contains|startswith"),
        ("title|contains|all", "title|contains|all|word"),
        ("any|count|gte: 2", "any|count: 2"),
        ("any|count|gte: 2", "any|count|gte: two"),
        ("any|lexicon: [fire]", "any|lexicon: {name: fire}"),
        ("title|contains|all", "title|includes|all"),
        ("of: [a, b]", "of: [a]"),
        ("within: 12", "within: 1001"),
        ("within: 12", "distance: 12"),
        ("call|exists: true", "call|exists: maybe"),
        ("dead|gte: 3", "dead|gte: three"),
        ("d: [alarm, 119]", "d: []"),
        ("d: [alarm, 119]", "d: {}"),
        ("hazard: fire", "hazard: protest"),
        ("hazard: fire", "danger: fire"),
        ("tier: city", "tier: street"),
        ("[province]", "[street]"),
        ("[province]", "[province, province]"),
        ("[province]", "[township]"),
        ("quiet: 90m", "quiet: 90 minutes"),
        ("urgency: Expected", "urgency: soon"),
        ("required: true", "need: true"),
        ("required: true", "required: 7"),
        ("base: 40", "base: 400"),
        ("base: 40", "floor: 40"),
        ("points: -5", "points: -500"),
        ("points: -5", "points: 1.5"),
        ("points: -5", "up_to: 5"),
        (", because: dead", ""),
        ("up_to: 10", "points: 10"),
        ("growth.w2|gte: 5.5, growth.observed: 12", ""),
        ("growth.w2|gte: 5.5", "growth.w3|gte: 5.5"),
        ("growth.w2|gte: 5.5", "growth.w2|near: 5.5"),
        ("growth.w2|gte: 5.5", "growth.w2|gte: much"),
        ("growth.observed: 12", "growth.observed: 1000001"),
        ("growth.observed: 12", "casualties.dead: 12"),
        ("points: 7", "up_to: 7"),
    ] {
        assert!(GOOD.contains(line), "{line}");
        let text = GOOD.replacen(line, wrong, 1);
        let valid = validator.is_valid(&documents(&text)[0]);
        assert!(!valid, "the schema takes `{wrong}` for `{line}`");
        assert!(refused(&text), "the program takes `{wrong}` for `{line}`");
    }
}
