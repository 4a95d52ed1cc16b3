//! What the engine does with small rule sets and single reports.

use std::sync::Arc;

use super::drill::{self, DrillKey};
use super::{DetectEngine, DetectOutput};
use crate::core::diagnostic::SourceFile;
use crate::core::model::{
    DecoderKind, DetectOutcome, Detection, Feed, FeedKind, Millis, Position, RawRecord, Status,
    Urgency,
};
use crate::core::place::{Gazetteer, GazetteerSources};
use crate::core::ruleset::{RuleSet, RuleSources};

const LEXICON: &str = "
lexicon: gas
weight: 2
terms:
  - 燃气泄漏
  - gas leak*
  - {term: 闪爆, weight: 5}
  - {term: 火, unless: [火锅, 火车]}
  - {term: fire, unless: [mixtape]}
---
lexicon: blaze
weight: 3
terms: [闪爆, fire]
";

fn file(name: &str, text: &str) -> SourceFile {
    SourceFile {
        name: name.into(),
        text: text.into(),
    }
}

fn compile(rules: &str) -> Result<RuleSet, String> {
    let gazetteer = Gazetteer::build(&GazetteerSources::default()).map_err(|e| format!("{e:?}"))?;
    let sources = RuleSources {
        rules: vec![file("r.yml", rules)],
        lexicons: vec![file("l.yml", LEXICON)],
        departments: SourceFile::default(),
        gazetteer: Arc::new(gazetteer),
    };
    RuleSet::compile(&sources).map_err(|found| found.iter().map(|d| format!("{d}\n")).collect())
}

fn feed(kind: FeedKind) -> Arc<Feed> {
    Arc::new(Feed {
        id: "wire".into(),
        topic: "feed.wire".into(),
        decoder: DecoderKind::Tocsin,
        kind,
        reliability: 60,
        home: None,
        trust_status: false,
        publisher: false,
        max_age_s: Some(3_600),
        usual_gap_s: None,
        lang: None,
        time_zone: None,
        mapping: None,
    })
}

fn rule(selections: &str, condition: &str, extra: &str) -> String {
    format!(
        "title: t\nid: r1\ndetection:\n{selections}\n  condition: {condition}\ntocsin:\n  hazard: gas_leak\n  score:\n    base: 30\n{extra}\n"
    )
}

fn run(rules: &str, record: &str) -> (DetectOutcome, DetectOutput) {
    let set = Arc::new(compile(rules).unwrap_or_else(|e| panic!("{e}")));
    let mut engine = DetectEngine::new(set, &[feed(FeedKind::News)]).unwrap();
    let mut output = DetectOutput::default();
    let outcome = engine.process(
        0,
        &RawRecord::new(record.as_bytes(), Millis(0)),
        &Position::default(),
        &mut output,
    );
    (outcome, output)
}

fn one(rules: &str, text: &str) -> Option<Detection> {
    let record = serde_json::json!({"id": "1", "text": text}).to_string();
    run(rules, &record).1.detections.pop()
}

#[test]
fn a_lexicon_with_modes_weights_and_contexts() {
    let rules = rule(
        "  a: {any|lexicon: gas}",
        "a",
        "    add:\n      - {weight_of: a, up_to: 6, because: words}",
    );
    for (text, found) in [
        ("某小区燃氣洩漏", true),
        ("ＧＡＳ　ＬＥＡＫＳ in town", true),
        ("vegas leaks", false),
        ("吃火锅坐火车", false),
        ("吃火锅时起火", true),
        ("my mixtape is fire", false),
        (
            "fire, and much later on in a totally different part somebody played a mixtape",
            true,
        ),
        ("firefly", false),
        ("nothing", false),
    ] {
        assert_eq!(one(&rules, text).is_some(), found, "{text}");
    }
    let hit = one(&rules, "燃气泄漏，闪爆！").unwrap();
    assert_eq!(
        (hit.severity, hit.score.len(), hit.score[1].points),
        (36, 2, 6)
    );
    let spans: Vec<_> = hit
        .matches
        .iter()
        .map(|m| (&*m.field, m.span, &*m.term))
        .collect();
    assert_eq!(
        spans,
        [("text", [0, 4], "燃气泄漏"), ("text", [5, 7], "闪爆")]
    );
}

#[test]
fn a_term_of_two_lexicons_is_one_term_and_either_may_find_it() {
    let rules = rule("  a: {any|lexicon: [blaze, gas]}", "a", "");
    assert!(one(&rules, "my mixtape is fire").is_some());
    assert!(one(&rules, "gas leak").is_some());
    let hit = one(&rules, "闪爆").unwrap();
    assert_eq!(hit.matches.len(), 1, "{:?}", hit.matches);
    let near = "  a: {any|lexicon: [blaze, gas]}\n  b: {any|near: {of: [a, a], within: 9}}";
    assert!(one(&rule(near, "b", ""), "闪爆").is_none());
    assert!(one(&rule(near, "b", ""), "闪爆 gas leak").is_some());
    let count = "  a: {any|lexicon: [blaze, gas], any|count|gte: 2}";
    assert!(one(&rule(count, "a", ""), "闪爆").is_none());
    assert!(one(&rule(count, "a", ""), "闪爆 gas leak").is_some());
    let weighed = rule(
        "  a: {any|lexicon: [gas, blaze]}",
        "a",
        "    add:\n      - {weight_of: a, up_to: 50, because: words}",
    );
    assert_eq!(one(&weighed, "闪爆 gas leak").unwrap().score[1].points, 5);
    // What a rule fires on does not depend on what its score adds up.
    assert!(one(&weighed, "my mixtape is fire").is_some());
}

#[test]
fn counts_weights_all_and_near() {
    let rules = rule("  a:\n    any|lexicon: gas\n    any|count|gte: 2", "a", "");
    assert!(one(&rules, "闪爆 闪爆").is_none());
    assert!(one(&rules, "闪爆 fire").is_some());
    let rules = rule("  a:\n    any|lexicon: gas\n    any|weight|gte: 6", "a", "");
    assert!(one(&rules, "fire and gas leak").is_none());
    assert!(one(&rules, "fire and 闪爆").is_some());
    let rules = rule("  a: {text|contains|all: [one, two]}", "a", "");
    assert!(one(&rules, "twone").is_some());
    assert!(one(&rules, "one").is_none());
    let rules = rule(
        "  a: {any|word: smoke}\n  b: {any|contains: [楼, house]}\n  c:\n    any|near: {of: [a, b], within: 3}",
        "c",
        "",
    );
    assert!(one(&rules, "smoke out of a house").is_some());
    assert!(one(&rules, "smoke from a fire next to the house").is_none());
    assert!(one(&rules, "smoke在三号楼").is_some());
    assert!(one(&rules, "smoke在很远的三号楼").is_none());
}

#[test]
fn fields_kinds_numbers_and_wildcards() {
    let rules = rule(
        "  a: {category: [Sewer, 'Gas*']}\n  b: {n|gte: 3}\n  k: {kind: news}",
        "k and a and b",
        "",
    );
    let fired = |record: &str| run(&rules, record).0 == DetectOutcome::Detected;
    assert!(fired(
        r#"{"id":"1","text":"x","category":"GAS main","n":3}"#
    ));
    assert!(!fired(
        r#"{"id":"1","text":"x","category":"GAS main","n":2}"#
    ));
    assert!(!fired(r#"{"id":"1","text":"x","category":"Water","n":9}"#));
    assert!(!fired(
        r#"{"id":"1","text":"x","category":"sewer","n":9,"kind":"post"}"#
    ));
    let rules = rule(
        "  a: {magnitude|gte: 5}\n  k: {kind: [news]}",
        "a and k",
        "",
    );
    assert_eq!(
        run(&rules, r#"{"id":"1","text":"x","magnitude":5.5}"#).0,
        DetectOutcome::Detected
    );
    assert_eq!(
        run(&rules, r#"{"id":"1","text":"x","magnitude":4.5}"#).0,
        DetectOutcome::NoMatch
    );
    let rules = rule(
        "  a: {text|re: 'fl[ao]od(s|ed)?'}\n  k: {kind: news}",
        "k and a",
        "",
    );
    let hit = one(&rules, "Ｔhe FLOODED road").unwrap();
    assert_eq!(hit.matches[0].span, [4, 11]);
    let rules = rule(
        "  a: {title|startswith: fire, text|endswith: out, text|exists: true}\n  b: {text|contains: 'b*d'}",
        "a or b",
        "",
    );
    assert_eq!(
        run(&rules, r#"{"id":"1","title":"Fire!","text":"it is out"}"#).0,
        DetectOutcome::Detected
    );
    assert_eq!(
        run(&rules, r#"{"id":"1","title":"A fire","text":"it is out"}"#).0,
        DetectOutcome::NoMatch
    );
    assert_eq!(
        run(&rules, r#"{"id":"1","title":"A","text":"abcd"}"#).0,
        DetectOutcome::Detected
    );
}

#[test]
fn what_decided_in_a_field_is_shown_with_its_value() {
    let rules = rule(
        "  a: {category: 'Gas*', state|re: '^op', n|gte: 3, magnitude|gt: 5, hydrants|exists: true}\n  k: {kind: news}",
        "k and a",
        "",
    );
    let record = r#"{"id":"1","text":"x","category":"GAS main","state":"open","n":3,"magnitude":5.5,"hydrants":false}"#;
    let (_, output) = run(&rules, record);
    let shown: Vec<String> = output.detections[0]
        .matches
        .iter()
        .map(|m| {
            let value = m.value.as_deref().unwrap();
            assert_eq!(m.span, [0, value.chars().count() as u32]);
            format!("{} {} in {value}", m.field, m.term)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "category Gas* in GAS main",
            "hydrants exists true in false",
            "magnitude gt 5 in 5.5",
            "n gte 3 in 3",
            "state ^op in open",
        ]
    );
    let long = format!(
        r#"{{"id":"1","text":"x","category":"gas {}","state":"open","n":3,"magnitude":6,"hydrants":1}}"#,
        "长".repeat(300)
    );
    let (_, output) = run(&rules, &long);
    let value = output.detections[0].matches[0].value.as_deref().unwrap();
    assert_eq!(value.chars().count(), 100);
}

#[test]
fn shadow_rules_do_not_alert() {
    let live = rule("  a: {any|contains: smoke}", "a", "");
    let shadow = rule("  a: {any|contains: [smoke, fumes]}", "a", "  replaces: r1")
        .replace("id: r1", "id: r2\nstatus: test");
    let both = format!("{live}---\n{shadow}");
    let (outcome, output) = run(&both, r#"{"id":"1","text":"smoke"}"#);
    assert_eq!(
        (outcome, output.detections.len(), output.shadow.len()),
        (DetectOutcome::Detected, 1, 1)
    );
    let hit = &output.shadow[0];
    assert!(hit.replaced_fired && hit.covered);
    assert_eq!((&*hit.fired[0], hit.fired.len()), ("r1", 1));
    assert_eq!(hit.excerpt, "smoke");
    let (outcome, output) = run(&both, r#"{"id":"1","text":"fumes"}"#);
    assert_eq!((outcome, output.shadow.len()), (DetectOutcome::NoMatch, 1));
    assert!(!output.shadow[0].replaced_fired && !output.shadow[0].covered);
    assert_eq!(output.shadow[0].key, "actual/gas_leak/-");
}

#[test]
fn shadow_rules_give_a_sign_of_life_once_an_hour() {
    let live = rule("  a: {any|contains: smoke}", "a", "");
    let shadow = live.replace("id: r1", "id: r2\nstatus: test");
    let set = Arc::new(compile(&format!("{live}---\n{shadow}")).unwrap());
    let feeds = [feed(FeedKind::News)];
    let mut engine = DetectEngine::new(Arc::clone(&set), &feeds).unwrap();
    let at = |engine: &mut DetectEngine, minutes: i64, text: &str| {
        let mut output = DetectOutput::default();
        let payload = format!(r#"{{"id":"{minutes}","text":"{text}"}}"#);
        let record = RawRecord::new(payload.as_bytes(), Millis(minutes * 60_000));
        engine.process(0, &record, &Position::default(), &mut output);
        let rules = output.watched.iter().map(|it| it.rule_id.to_string());
        rules.collect::<Vec<_>>()
    };
    assert_eq!(at(&mut engine, 100, "nothing"), ["r2"], "it did not fire");
    assert!(at(&mut engine, 119, "smoke").is_empty());
    assert_eq!(at(&mut engine, 120, "nothing"), ["r2"]);
    // A clock that is wrong silences nothing, and partitions that are apart do not speak with every report.
    assert_eq!(at(&mut engine, 60_000_000, "of another time"), ["r2"]);
    assert_eq!(at(&mut engine, 180, "nothing"), ["r2"]);
    for minutes in [130, 185, 60_000_001, 190] {
        assert!(at(&mut engine, minutes, "nothing").is_empty(), "{minutes}");
    }
    engine.forget_watched();
    assert_eq!(at(&mut engine, 191, "nothing"), ["r2"]);
    engine.swap(set);
    assert_eq!(at(&mut engine, 192, "nothing"), ["r2"]);
}

#[test]
fn bad_and_old_records_end_as_such() {
    let rules = rule("  a: {any|contains: smoke}", "a", "");
    let (outcome, output) = run(&rules, "{");
    assert_eq!(outcome, DetectOutcome::DeadLetter);
    assert!(output.refusal.is_some());
    let (outcome, _) = run(
        &rules,
        r#"{"id":"1","text":"smoke","observed":"1969-12-31T22:59:59Z"}"#,
    );
    assert_eq!(outcome, DetectOutcome::Expired);
}

#[test]
fn a_detection_is_complete() {
    let rules = rule(
        "  a: {any|word: smoke}",
        "a",
        "      \n  tier: city\n  quiet: 90m\n  urgency: Immediate\n  departments: [fire, {id: health, required: true}]",
    );
    let text = format!("{} smoke everywhere {}", "x ".repeat(300), "y ".repeat(300));
    let record = serde_json::json!({"id": "7", "title": "News", "text": text, "link": "https://example.org/7"}).to_string();
    let hit = run(&rules, &record).1.detections.pop().unwrap();
    assert_eq!(hit.key, "actual/gas_leak/-");
    assert_eq!((hit.quiet_ms, hit.urgency), (5_400_000, Urgency::Immediate));
    assert_eq!(hit.departments.len(), 2);
    assert!(hit.departments[1].required);
    assert_eq!(hit.report.excerpt.chars().count(), 400);
    let [from, to] = hit.matches[0].span;
    let inside: String = hit
        .report
        .excerpt
        .chars()
        .skip((from - hit.report.excerpt_start) as usize)
        .take((to - from) as usize)
        .collect();
    assert_eq!(inside, "smoke");
    assert!(hit.report.fingerprint.is_some());
    assert_eq!(hit.report.title, "News");
    assert_eq!(&*hit.rule_set, &*compile(&rules).unwrap().version);
}

#[test]
fn a_labelled_record_is_an_exercise_with_a_key_of_its_own() {
    let rules = rule("  a: {any|contains: smoke}", "a", "");
    let set = Arc::new(compile(&rules).unwrap());
    let key = DrillKey::new(b"a key for tests only").unwrap();
    let mut feed = feed(FeedKind::News);
    Arc::make_mut(&mut feed).trust_status = false;
    let body = br#"{"id":"1","text":"smoke","status":"exercise","withdrawn":true}"#;
    let mac = key.mac("drill-7", &feed.id, "1", body);
    let engine = DetectEngine::new(set, &[feed]).unwrap();
    let mut engine = engine.with_drill_key(Some(Arc::new(key)));
    let mut run = |mac: &str| {
        let mut record = RawRecord::new(body, Millis(0));
        record.headers.push((drill::EXERCISE_ID, b"drill-7"));
        record.headers.push((drill::EXERCISE_MAC, mac.as_bytes()));
        let mut output = DetectOutput::default();
        engine.process(0, &record, &Position::default(), &mut output);
        output
    };
    let output = run(&mac);
    let hit = &output.detections[0];
    assert_eq!(hit.key, "exercise/gas_leak/-/drill-7");
    assert_eq!(hit.status, Status::Exercise);
    assert_eq!(hit.exercise.as_deref(), Some("drill-7"));
    let retraction = output.retraction.as_ref().unwrap();
    assert_eq!(
        retraction.status,
        Status::Exercise,
        "a drill takes back drills only"
    );
    assert_eq!(retraction.exercise.as_deref(), Some("drill-7"));
    assert_eq!(output.label, Some("accepted"));
    let output = run(&mac.replace(|c: char| c.is_ascii_digit(), "0"));
    assert_eq!(output.detections[0].key, "actual/gas_leak/-");
    assert_eq!(output.label, Some("mac_wrong"));
}

#[test]
fn what_is_taken_back_or_restated_is_retracted_everywhere() {
    let rules = rule("  a: {any|contains: smoke}", "a", "");
    let (_, plain) = run(&rules, r#"{"id":"1","text":"smoke"}"#);
    assert!(plain.retraction.is_none());
    let (outcome, gone) = run(
        &rules,
        r#"{"id":"1","text":"all is well","withdrawn":true}"#,
    );
    assert_eq!(
        outcome,
        DetectOutcome::NoMatch,
        "a control record is no detection"
    );
    assert_eq!(gone.retraction.unwrap().except, Vec::<String>::new());
    let (_, again) = run(&rules, r#"{"id":"1","text":"smoke","revised":true}"#);
    assert_eq!(again.retraction.unwrap().except, ["actual/gas_leak/-"]);
}

/// A clock on which every look takes ten nanoseconds.
fn ticking() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NOW: AtomicU64 = AtomicU64::new(0);
    NOW.fetch_add(10, Ordering::Relaxed)
}

#[test]
fn conditions_are_timed_on_one_report_in_so_many_of_those_that_touch_a_rule() {
    let one = rule(
        "  a: {any|contains: smoke}\n  b: {any|contains: fog}",
        "a and not b",
        "",
    );
    let other = rule("  a: {any|contains: dust}", "a", "").replace("r1", "r2");
    let set = Arc::new(compile(&format!("{one}---\n{other}")).unwrap());
    let feeds = [feed(FeedKind::News)];
    let engine = DetectEngine::new(Arc::clone(&set), &feeds).unwrap();
    let mut timed = engine.with_clock(ticking);
    let mut plain = DetectEngine::new(Arc::clone(&set), &feeds).unwrap();
    let mut run = |text: &str, swap: bool| {
        let record = serde_json::json!({"id": "1", "text": text}).to_string();
        let record = RawRecord::new(record.as_bytes(), Millis(0));
        let [mut with, mut without] = [DetectOutput::default(), DetectOutput::default()];
        timed.process(0, &record, &Position::default(), &mut with);
        plain.process(0, &record, &Position::default(), &mut without);
        assert_eq!(with.detections, without.detections, "{text}");
        assert!(without.costs.is_empty(), "no clock, no costs");
        if swap {
            timed.swap(Arc::clone(&set));
        }
        let costs = with.costs.iter();
        costs
            .map(|(rule, nanos)| format!("{rule} {nanos}"))
            .collect::<Vec<_>>()
    };
    // What touches no rule is no part of the sample, and does not count towards the next one.
    assert!(run("a quiet day", false).is_empty());
    assert_eq!(run("smoke", false), ["r1 10"]);
    for nth in 1..super::COST_SAMPLE {
        assert!(run("smoke and fog", nth == 100).is_empty(), "{nth}");
        assert!(run("a quiet day", false).is_empty());
    }
    let mut both = run("smoke, fog and dust", false);
    both.sort_unstable();
    assert_eq!(both, ["r1 10", "r2 10"], "asked, whether it holds or not");
}
