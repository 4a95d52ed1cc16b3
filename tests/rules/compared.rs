//! `rules diff`, `rules stats` and `rules quality`, through the built binary, on rule sets of a few lines.

use std::path::Path;
use std::process::{Command, Output};

const RULES: &str = "\
title: Fire
id: fire-1
detection:
  a: {any|contains: [起火, 着火]}
  past: {any|lexicon: past}
  dead: {casualties.dead|gte: 3}
  condition: a and not past
tocsin:
  hazard: fire
  departments: [{id: fire, required: true}]
  score: {base: 50, because: fire, add: [{when: dead, points: 20, because: dead}]}
---
title: Flood
id: flood-1
detection:
  a: {any|contains: 洪水}
  condition: a
tocsin: {hazard: flood, score: {base: 30}}
";

/// Other terms, condition, points, department; a rule gone and one come.
const CHANGED: &str = "\
# A comment changes nothing.
title: Fire
id: fire-1
status: experimental
detection:
  a: {any|contains: [着火, 火灾]}
  past: {any|lexicon: past}
  dead: {casualties.dead|gte: 5}
  condition: a
tocsin:
  hazard: explosion
  departments: [{id: fire}]
  score: {base: 60, because: fire, add: [{when: dead and not past, points: 20, because: dead}]}
---
title: Storm
id: storm-1
status: test
detection:
  a: {any|re: '[0-9]+级大风'}
  condition: a
tocsin: {hazard: storm, score: {base: 30}}
";

const PAST: &str = "lexicon: past\nlang: zh\nterms: [去年, 周年, {term: 当年, weight: 2}]\n";
const PAST_CHANGED: &str =
    "lexicon: past\nlang: zh\nterms: [周年, 昔日, {term: 当年, weight: 3, unless: [当年度]}]\n";

const CASES: &str = "\
fire-1: {fires: [某地着火], silent: [周年前着火, 天气好]}
tests:
  - name: a story
    rules: [fire-1]
    reports: [{at: 0s, id: a, text: 某地着火}]
    detections: [{report: a, rule: fire-1}]
";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("a/rules/r.yml", RULES);
    write("a/lexicons/l.yml", PAST);
    write("b/rules/other.yml", CHANGED);
    write("b/lexicons/l.yml", PAST_CHANGED);
    write("c/rules/x.yml", RULES.split("---\n").nth(1).unwrap());
    write(
        "c/rules/y.yml",
        &format!("# first\n{}", RULES.split("---\n").next().unwrap()),
    );
    write("cases.yml", CASES);
    write(
        "tocsin.toml",
        "[paths]\nrules = \"a/rules\"\nlexicons = \"a/lexicons\"\n",
    );
    folder
}

fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
    crate::without_settings(&mut command);
    command.current_dir(folder).arg("rules").args(args);
    command.args(["--config", "tocsin.toml"]).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn what_two_sets_say_differently_is_shown_field_by_field() {
    let folder = folder();
    let output = run(folder.path(), &["diff", "a", "b"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    let (versions, rest) = shown.split_once('\n').unwrap();
    assert!(versions.contains(" → "), "{versions}");
    insta::assert_snapshot!("rules_diff", rest);
    // One set alone is compared with what is configured.
    assert_eq!(run(folder.path(), &["diff", "b"]).stdout, output.stdout);
    let json = run(folder.path(), &["diff", "--json", "a", "b"]);
    assert_eq!(json.status.code(), Some(1));
    let shown: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(shown["same"], false);
    assert_eq!(shown["rules"]["added"][0]["id"], "storm-1");
    assert_eq!(shown["rules"]["removed"][0]["hazard"], "flood");
    assert_eq!(shown["hazards"]["fire"], serde_json::json!([1, 0]));
    let back = run(folder.path(), &["diff", "--json", "b", "a"]);
    let back: serde_json::Value = serde_json::from_slice(&back.stdout).unwrap();
    assert_eq!(back["rules"]["added"], shown["rules"]["removed"]);
    assert_eq!(
        back["lexicons"][0]["added"],
        shown["lexicons"][0]["removed"]
    );
}

#[test]
fn what_means_the_same_does_not_differ() {
    let folder = folder();
    for (args, said) in [
        (["diff", "a", "a"], "no difference\n"),
        (["diff", "a", "c"], "the files differ and mean the same\n"),
    ] {
        let output = run(folder.path(), &args);
        assert!(output.status.success(), "{}", text(&output.stdout));
        assert!(
            text(&output.stdout).ends_with(said),
            "{}",
            text(&output.stdout)
        );
    }
    let output = run(folder.path(), &["diff", "no-such-folder"]);
    assert_eq!(output.status.code(), Some(2), "not loaded is not different");
    assert!(text(&output.stderr).contains("no-such-folder"));
}

#[test]
fn a_rule_set_in_numbers() {
    let folder = folder();
    let output = run(folder.path(), &["stats", "--tests", "cases.yml"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    insta::assert_snapshot!("rules_stats", shown.split_once('\n').unwrap().1);
    let output = run(folder.path(), &["stats", "--json", "--tests", "cases.yml"]);
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["rules"]["live"], 2);
    assert_eq!(shown["hazards"]["fire"]["languages"]["zh"], 1);
    assert_eq!(
        shown["cases"][0],
        serde_json::json!({"rule": "fire-1", "fires": 2, "silent": 2, "stories": 1})
    );
}

#[test]
fn a_rule_that_is_always_evaluated_is_called_costly() {
    let folder = folder();
    std::fs::write(
        folder.path().join("tocsin.toml"),
        "[paths]\nrules = \"b/rules\"\nlexicons = \"b/lexicons\"\n",
    )
    .unwrap();
    let output = run(folder.path(), &["stats", "--json"]);
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["costly"][0]["rule"], "storm-1", "{shown:#}");
    let because = shown["costly"][0]["because"].as_str().unwrap();
    assert!(because.ends_with("with a regular expression"), "{because}");
}

#[test]
fn a_rule_is_shown_with_what_it_extends() {
    let folder = folder();
    let base = "title: Base\nid: base\ndetection: {past: {any|lexicon: past}}\ntocsin: {abstract: true}\n---\n";
    let rule = "title: Smoke\nid: smoke-1\ndetection:\n  a: {any|contains: 浓烟}\n  condition: a and not past\n\
                tocsin: {extends: base, hazard: fire, score: {base: 30}}\n";
    std::fs::write(folder.path().join("a/rules/r.yml"), format!("{base}{rule}")).unwrap();
    let output = run(folder.path(), &["list", "--show", "smoke-1"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    insta::assert_snapshot!("rules_list_show", text(&output.stdout));
    assert_eq!(
        run(folder.path(), &["list", "--show", "gone"])
            .status
            .code(),
        Some(2)
    );
}

const SETS: &str = "\
sets:
  - name: fires
    file: rows.jsonl
    source: made up
    positive: {label: [fire]}
    negative: {label: other}
    fires: alert
    want: {recall: 0.5, precision: 0.9}
  - name: floods
    file: rows.jsonl
    positive: {}
    hazards: [flood]
  - {name: gone, file: gone.jsonl, negative: {}}
";

#[test]
fn quality_is_a_table_with_intervals() {
    let folder = folder();
    let rows: Vec<String> = (0..40)
        .map(|n| match n % 4 {
            0 => format!(r#"{{"id": {n}, "text": "某地着火", "label": "fire"}}"#),
            1 => format!(r#"{{"id": {n}, "text": "烟很大", "label": "fire"}}"#),
            2 => format!(r#"{{"id": {n}, "text": "天气好", "label": "other"}}"#),
            _ => format!(r#"{{"id": {n}, "text": "着火", "label": "unknown"}}"#),
        })
        .collect();
    std::fs::write(folder.path().join("rows.jsonl"), rows.join("\n")).unwrap();
    std::fs::write(folder.path().join("sets.yaml"), SETS).unwrap();
    let output = run(
        folder.path(),
        &["quality", "sets.yaml", "--data", ".", "--markdown"],
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    let table: Vec<&str> = shown.lines().filter(|line| line.starts_with('|')).collect();
    insta::assert_snapshot!("rules_quality", table.join("\n"));
    let output = run(
        folder.path(),
        &["quality", "sets.yaml", "--data", ".", "--json"],
    );
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["absent"], serde_json::json!(["gone"]));
    let sum = |what: &str| -> u64 {
        let rows = shown["rows"].as_array().unwrap().iter();
        rows.filter(|row| row["set"] == "fires")
            .map(|row| row["counts"][what].as_u64().unwrap())
            .sum()
    };
    let counts = [
        "true_positives",
        "false_negatives",
        "false_positives",
        "true_negatives",
    ]
    .map(sum);
    assert_eq!(counts, [10, 10, 0, 10]);
    // What is wanted and not reached is an exit code.
    let more = SETS.replace("recall: 0.5", "recall: 0.99");
    std::fs::write(folder.path().join("sets.yaml"), more).unwrap();
    let output = run(folder.path(), &["quality", "sets.yaml", "--data", "."]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("missed: fires: recall is "));
    let output = run(
        folder.path(),
        &["quality", "sets.yaml", "--data", "nowhere"],
    );
    assert_eq!(output.status.code(), Some(2));
}
