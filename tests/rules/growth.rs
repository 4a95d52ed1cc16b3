//! Lines of a rule's score on growth: from the rule's file to the score of the incident.

use std::fmt::Write as _;
use std::sync::Arc;

use tocsin::core::correlate::CorrelateConfig;
use tocsin::core::detect::{DetectEngine, DetectOutput};
use tocsin::core::diagnostic::SourceFile;
use tocsin::core::model::{Millis, Position, RawRecord};
use tocsin::core::place::{Gazetteer, GazetteerSources};
use tocsin::core::ruleset::{RuleSet, RuleSources};
use tocsin::core::tools::{case, run};

const RULES: &str = "
title: Smell of gas
id: smell
detection:
  a: {any|contains: smell of gas}
  condition: a
tocsin:
  hazard: gas_leak
  score:
    base: 12
    add:
      - {when: {growth.w2|gte: 5, growth.observed|gte: 8}, points: 21, because: many more than usual}
      - {when: {growth.w2|lt: 1}, points: -2, because: no more than usual}
";

fn file(name: &str, text: &str) -> SourceFile {
    SourceFile {
        name: name.into(),
        text: text.into(),
    }
}

fn compile(rules: &str) -> Arc<RuleSet> {
    let sources = RuleSources {
        rules: vec![file("r.yml", rules)],
        lexicons: Vec::new(),
        departments: SourceFile::default(),
        gazetteer: Arc::new(Gazetteer::build(&GazetteerSources::default()).unwrap()),
    };
    Arc::new(RuleSet::compile(&sources).unwrap_or_else(|found| panic!("{}", found[0])))
}

/// `days` days of one call each, then `calls` within minutes.
fn story(days: u32, calls: u32, incident: &str) -> String {
    let mut text = "tests:\n  - name: calls\n    feed: {kind: hotline, reliability: 50, home: cn-31}\n    reports:\n"
        .to_owned();
    for day in 0..days {
        let _ = writeln!(
            text,
            "      - {{at: {day}d, id: d{day}, text: a smell of gas d{day}}}"
        );
    }
    for n in 0..calls {
        let minutes = days * 1_440 + n;
        let _ = writeln!(
            text,
            "      - {{at: {minutes}m, id: c{n}, text: a smell of gas c{n}}}"
        );
    }
    let at = days * 1_440 + calls;
    let _ = writeln!(text, "    incidents: [{incident}]");
    text.replace("AT", &format!("{at}m"))
}

fn failures(rules: &str, story: &str) -> String {
    let set = compile(rules);
    let config = CorrelateConfig::new(Arc::clone(&set.routing));
    let mut found = Vec::new();
    let cases = case::parse(&file("cases.yml", story), &mut found);
    assert!(found.is_empty() && cases.len() == 1, "{found:?}");
    let result = run::run(&cases[0], &set, &config).unwrap();
    format!("{:#?}", result.failures)
}

#[test]
fn a_line_on_growth_counts_in_the_incident_and_not_in_the_report() {
    // 12 of the report, 9 of G, 21 of the line. The calls of a month are one incident: each comes within a day of its end.
    let rises = story(
        30,
        9,
        "{at: AT, hazard: gas_leak, score: 42, level: yellow, reports: 39, rules: [smell]}",
    );
    assert_eq!(failures(RULES, &rises), "[]");
    // Two fewer, and only G is left.
    let fewer = story(
        30,
        7,
        "{at: AT, hazard: gas_leak, score: 19, level: yellow, reports: 37, rules: [smell]}",
    );
    assert_eq!(failures(RULES, &fewer), "[]");
}

#[test]
fn while_it_is_learned_no_line_holds_not_even_one_below_a_bound() {
    let louder = RULES.replace("base: 12", "base: 22");
    let learning = story(
        10,
        9,
        "{at: AT, hazard: gas_leak, score: 22, level: blue, reports: 19}",
    );
    assert_eq!(failures(&louder, &learning), "[]");
    let calm = story(
        30,
        1,
        "{at: AT, hazard: gas_leak, score: 20, level: blue, reports: 31}",
    );
    assert_eq!(failures(&louder, &calm), "[]");
}

#[test]
fn a_line_that_is_taken_over_counts_once_though_two_rules_have_it() {
    let base = "title: What every rule on gas knows
id: gas
tocsin:
  abstract: true
  score: {add: [{when: {growth.w2|gte: 5}, points: 6, because: rising}]}
---
title: Smell of gas
id: smell
detection: {a: {any|contains: smell of gas}, condition: a}
tocsin: {extends: gas, hazard: gas_leak, score: {base: 12}}
---
title: Gas
id: any-gas
detection: {a: {any|contains: gas}, condition: a}
tocsin: {extends: gas, hazard: gas_leak, score: {base: 11}}
";
    let rises = story(
        30,
        9,
        "{at: AT, hazard: gas_leak, score: 27, reports: 39, rules: [smell, any-gas]}",
    );
    assert_eq!(failures(base, &rises), "[]");
}

#[test]
fn a_rule_may_look_at_wider_tiers() {
    let settings = tocsin::config::Settings::bundled().unwrap();
    let shipped = tocsin::config::load_rule_set(&settings.paths).unwrap();
    let wide = RULES.replace("  hazard:", "  growth_tiers: [province, city]\n  hazard:");
    let sources = RuleSources {
        rules: vec![file("r.yml", &wide)],
        lexicons: Vec::new(),
        departments: SourceFile::default(),
        gazetteer: Arc::clone(&shipped.gazetteer),
    };
    let set = Arc::new(RuleSet::compile(&sources).unwrap_or_else(|found| panic!("{}", found[0])));
    let feed = Arc::new(tocsin::core::replay::default_feed());
    let mut engine = DetectEngine::new(set, &[feed]).unwrap();
    let mut found = DetectOutput::default();
    let keys = |found: &DetectOutput| -> Vec<(String, u8, Option<String>)> {
        let all = found.detections.iter();
        all.map(|it| {
            (
                it.key.clone(),
                it.severity,
                it.wide_of.as_deref().map(str::to_owned),
            )
        })
        .collect()
    };
    for (code, expected) in [
        ("cn-330304", vec!["330304", "330300", "330000"]),
        ("cn-330300", vec!["330300", "330000"]),
        ("cn-330000", vec!["330000"]),
        // A municipality is a province, and no city lies between.
        ("cn-310115", vec!["310115", "310000"]),
    ] {
        let record =
            serde_json::json!({"id": code, "text": "a smell of gas", "place": {"code": code}});
        let body = record.to_string();
        found.clear();
        engine.process(
            0,
            &RawRecord::new(body.as_bytes(), Millis(0)),
            &Position::default(),
            &mut found,
        );
        let wanted: Vec<(String, u8, Option<String>)> = expected
            .iter()
            .enumerate()
            .map(|(n, of)| {
                let narrower = n.checked_sub(1).map(|n| format!("cn-{}", expected[n]));
                let severity = if n == 0 { 12 } else { 0 };
                let wide = if n == 0 { "" } else { "~" };
                (format!("actual/gas_leak/{wide}cn-{of}"), severity, narrower)
            })
            .collect();
        assert_eq!(keys(&found), wanted, "{code}");
    }
}
