//! The shipped rules: they load clean, and each has reports on which it fires and reports on which it does not.
//!
//! Cases are in `config/tests/*.yml`: rule → `fires` and `silent`, lists of reports. A report is a text, or a map of the
//! members of a Tocsin JSON record.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tocsin::config::{Settings, load_rule_set};
use tocsin::core::detect::{DetectEngine, DetectOutput};
use tocsin::core::model::{DetectOutcome, Detection, Feed, FeedKind, Millis, Position, RawRecord};
use tocsin::core::ruleset::RuleSet;

/// When every report of a case is received.
const RECEIVED: Millis = Millis(1_767_323_045_000);

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    #[serde(default)]
    fires: Vec<Value>,
    #[serde(default)]
    silent: Vec<Value>,
}

fn rule_set() -> Arc<RuleSet> {
    let settings = Settings::bundled().unwrap_or_else(|e| panic!("settings: {e}"));
    Arc::new(load_rule_set(&settings.paths).unwrap_or_else(|e| panic!("rule set: {e}")))
}

fn post_feed() -> Arc<Feed> {
    let feed: Feed = serde_json::from_value(json!({
        "id": "cases", "topic": "cases", "decoder": "tocsin", "kind": "post", "reliability": 50,
    }))
    .unwrap();
    Arc::new(feed)
}

fn cases() -> BTreeMap<String, Cases> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/tests");
    let mut all: BTreeMap<String, Cases> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if ["stories.yml", "departments.yml"]
            .iter()
            .any(|stories| path.ends_with(stories))
        {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let some: BTreeMap<String, Cases> =
            serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        // Two files may have cases of one rule, but none the same case.
        for (rule, cases) in some {
            let of = all.entry(rule.clone()).or_default();
            let known = [(&cases.fires, &of.fires), (&cases.silent, &of.silent)];
            let twice = known
                .iter()
                .flat_map(|(new, old)| new.iter().filter(|c| old.contains(c)))
                .next();
            assert_eq!(twice, None, "{rule} has a case twice");
            of.fires.extend(cases.fires);
            of.silent.extend(cases.silent);
        }
    }
    all
}

fn record(case: &Value) -> String {
    let mut record = json!({"id": "case"});
    let members = match case {
        Value::String(text) => json!({"text": text}),
        other => other.clone(),
    };
    let members = members.as_object().cloned().unwrap_or_default();
    record.as_object_mut().unwrap().extend(members);
    record.to_string()
}

struct Bench {
    engine: DetectEngine,
    output: DetectOutput,
}

impl Bench {
    fn new(set: Arc<RuleSet>) -> Self {
        Self {
            engine: DetectEngine::new(set, &[post_feed()]).unwrap(),
            output: DetectOutput::default(),
        }
    }

    fn detect(&mut self, case: &Value) -> Vec<Detection> {
        let record = record(case);
        self.output.clear();
        let outcome = self.engine.process(
            0,
            &RawRecord::new(record.as_bytes(), RECEIVED),
            &Position::default(),
            &mut self.output,
        );
        assert_ne!(
            outcome,
            DetectOutcome::DeadLetter,
            "{record}: {:?}",
            self.output.refusal
        );
        std::mem::take(&mut self.output.detections)
    }
}

#[test]
fn the_packs_load_without_a_finding() {
    let set = rule_set();
    let findings: Vec<String> = set.warnings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    assert!(set.program.rules.len() > 100, "{}", set.program.rules.len());
}

#[test]
fn every_rule_has_cases_of_both_kinds() {
    let set = rule_set();
    let cases = cases();
    let rules: BTreeSet<&str> = set.program.rules.iter().map(|rule| &*rule.id).collect();
    let missing: Vec<&&str> = rules
        .iter()
        .filter(|rule| {
            cases
                .get(**rule)
                .is_none_or(|c| c.fires.is_empty() || c.silent.is_empty())
        })
        .collect();
    assert!(missing.is_empty(), "without cases: {missing:?}");
    let unknown: Vec<&String> = cases
        .keys()
        .filter(|rule| !rules.contains(rule.as_str()))
        .collect();
    assert!(unknown.is_empty(), "cases of no rule: {unknown:?}");
}

#[test]
fn every_rule_fires_where_it_should_and_nowhere_else() {
    let mut bench = Bench::new(rule_set());
    let mut wrong = Vec::new();
    for (rule, cases) in cases() {
        for (list, expected) in [(&cases.fires, true), (&cases.silent, false)] {
            for case in list {
                let fired: Vec<String> = bench
                    .detect(case)
                    .iter()
                    .map(|d| d.rule_id.to_string())
                    .collect();
                if fired.contains(&rule) != expected {
                    let verb = if expected { "did not fire" } else { "fired" };
                    wrong.push(format!("{rule} {verb} on {case}; fired: {fired:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn scores_add_up_and_rise_with_harm() {
    let mut bench = Bench::new(rule_set());
    let severity = |bench: &mut Bench, text: &str, kind: FeedKind| {
        let found = bench.detect(&json!({"text": text, "kind": kind.id()}));
        for detection in &found {
            let sum: i32 = detection.score.iter().map(|line| line.points).sum();
            assert_eq!(i32::from(detection.severity), sum.clamp(0, 100), "{text}");
        }
        found.iter().map(|d| d.severity).max().unwrap_or(0)
    };
    let small = severity(&mut bench, "瓯海区一居民楼起火，火已扑灭", FeedKind::Post);
    let news = severity(&mut bench, "瓯海区一居民楼起火，火已扑灭", FeedKind::News);
    let dead = severity(
        &mut bench,
        "瓯海区一居民楼起火，造成3人死亡",
        FeedKind::News,
    );
    let many = severity(
        &mut bench,
        "瓯海区一居民楼起火，造成12人死亡、30人受伤",
        FeedKind::News,
    );
    assert!(
        20 <= small && small < news && news < dead && dead < many,
        "{small} {news} {dead} {many}"
    );
    assert!(many >= 70, "{many}");
}

#[test]
fn the_words_that_fired_are_shown() {
    let mut bench = Bench::new(rule_set());
    let text = "刚刚灌云县化工园区发生爆炸，火光冲天";
    let found = bench.detect(&json!(text));
    let explosion = found
        .iter()
        .find(|d| &*d.rule_id == "zh-explosion")
        .expect("an explosion");
    let letters: Vec<char> = text.chars().collect();
    let shown: Vec<String> = explosion
        .matches
        .iter()
        .map(|m| {
            letters[m.span[0] as usize..m.span[1] as usize]
                .iter()
                .collect()
        })
        .collect();
    assert!(shown.iter().any(|s| s == "发生爆炸"), "{shown:?}");
}
