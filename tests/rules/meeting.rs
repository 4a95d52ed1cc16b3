//! Cases of rules that go on to the desk: what departments owe, what they miss, and who is called then.

use std::process::{Command, Output};
use std::sync::Arc;

use tocsin::config::{Settings, load_rule_set};
use tocsin::core::diagnostic::SourceFile;
use tocsin::core::tools::case;
use tocsin::core::tools::run::run;

fn rules_test(text: &str, further: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("desk.yml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
    crate::without_settings(&mut command);
    let args = ["rules", "test", "desk.yml"];
    command.current_dir(&folder).args(args).args(further);
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

const HOLDS: &str = "\
tests:
  - name: acknowledged in time, never disposed of
    reports: [{at: 0s, id: a, text: 瓯海区一居民楼起火}]
    actions: [{at: 30m, action: acknowledge, department: fire}]
    departments: [{department: fire, duty: lead, office: county, state: acknowledged, acknowledge_by: 1h, dispose_by: 1d}]
    deadlines: [{at: 1d, hazard: fire, department: fire, office: county, missed: dispose}]
    escalations: [{at: 1d, department: fire, from: county, to: city, missed: dispose}]
";

#[test]
fn a_story_reaches_the_desk() {
    let output = rules_test(HOLDS, &[]);
    assert!(output.status.success(), "{}", text(&output.stdout));
    assert_eq!(text(&output.stdout), "1 cases: 1 hold, 0 fail\n");
}

/// Each expectation of the desk can fail: the same story with one of them changed does not hold.
#[test]
fn every_expectation_of_the_desk_is_compared() {
    let settings = Settings::bundled().unwrap();
    let set = Arc::new(load_rule_set(&settings.paths).unwrap());
    let config = settings.correlate_config(Arc::clone(&set.routing));
    let failures = |text: &str| {
        let source = SourceFile {
            name: "desk.yml".to_owned(),
            text: text.to_owned(),
        };
        let mut found = Vec::new();
        let cases = case::parse(&source, &mut found);
        assert!(found.is_empty() && cases.len() == 1, "{found:?}");
        run(&cases[0], &set, &config).unwrap().failures
    };
    assert_eq!(failures(HOLDS), []);
    for (right, wrong) in [
        ("duty: lead", "duty: support"),
        ("office: county, state", "office: city, state"),
        ("state: acknowledged", "state: open"),
        ("acknowledge_by: 1h", "acknowledge_by: 2h"),
        ("dispose_by: 1d", "dispose_by: 2d"),
        (
            "hazard: fire, department: fire",
            "hazard: flood, department: fire",
        ),
        ("office: county, missed", "office: city, missed"),
        (
            "missed: dispose}]\n    esc",
            "missed: acknowledge}]\n    esc",
        ),
        ("from: county", "from: township"),
        ("to: city", "to: province"),
        ("at: 30m", "at: 61m"),
        (
            "[{at: 1d, department: fire, from: county, to: city, missed: dispose}]",
            "[]",
        ),
        (
            "[{at: 1d, hazard: fire, department: fire, office: county, missed: dispose}]",
            "[]",
        ),
        (
            "action: acknowledge, department: fire",
            "action: acknowledge, department: health",
        ),
        (
            "action: acknowledge, department: fire",
            "action: acknowledge, department: fire, by: read_only",
        ),
    ] {
        assert!(HOLDS.contains(right), "{right}");
        let failed = failures(&HOLDS.replacen(right, wrong, 1));
        assert!(!failed.is_empty(), "{wrong}");
    }
}

const WRONG: &str = "\
tests:
  - name: expects other deadlines
    reports: [{at: 0s, id: a, text: 瓯海区一居民楼起火}]
    actions:
      - {at: 5m, action: dispose, department: health, disposition: confirmed}
      - {at: 6m, action: acknowledge, department: fire, on: {hazard: flood}}
    departments:
      - {department: fire, duty: support, office: city, acknowledge_by: 15m}
      - {department: health, hazard: fire}
    deadlines:
      - {at: 15m, department: fire, office: county, missed: acknowledge}
      - {at: 15m, department: health, missed: acknowledge}
    escalations:
      - {at: 1h, department: fire, from: county, to: province, missed: acknowledge}
    until: 1h
";

#[test]
fn what_differs_at_the_desk_is_shown() {
    let output = rules_test(WRONG, &[]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!("desk_diff", text(&output.stdout));
    let output = rules_test(WRONG, &["--json"]);
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["failed"], 1);
    let failures = &shown["results"][0]["failures"];
    let late = "fire (county) misses acknowledge";
    let late = failures
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["what"] == late)
        .unwrap();
    assert_eq!(
        (&late["expected"], &late["got"]),
        (&"at 15m".into(), &"at 1h".into())
    );
    let output = rules_test(WRONG, &["--junit", "-"]);
    let shown = text(&output.stdout);
    assert!(shown.contains("<testsuites name=\"tocsin rules test\" tests=\"1\" failures=\"1\">"));
    assert!(
        shown.contains("fire (county) misses acknowledge\n  - at 15m\n  + at 1h\n"),
        "{shown}"
    );
}

#[test]
fn nonsense_about_the_desk_is_refused_with_places() {
    let source = SourceFile {
        name: "t.yml".to_owned(),
        text: "\
tests:
  - name: a
    reports: [x]
    actions:
      - {action: acknowledge, department: fire}
      - {at: 1m, action: applaud}
      - {at: 1m, action: note, text: x, by: somebody}
      - {at: 1m, action: note, text: x, on: {mood: bad}}
    departments: [{duty: lead}, {department: fire, duty: chief, office: cellar, state: asleep, required: perhaps}]
    deadlines: [{department: fire, missed: lunch, to: city}]
    escalations: [{department: fire, office: county, at: soon}]
    until: later
  - name: b
    reports: [x]
    actions: [{at: 1m, action: note, text: x}]
"
        .to_owned(),
    };
    let mut found = Vec::new();
    case::parse(&source, &mut found);
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!("desk_findings", found.join("\n"));
}
