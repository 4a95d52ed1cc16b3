//! `rules backtest`, through the built binary, on a corpus of five reports.

use std::path::Path;
use std::process::{Command, Output};

const CORPUS: &str = r#"{"id":"1","observed":"2026-01-01T00:00:00Z","text":"瓯海区一居民楼起火","kind":"dispatch","label":1}
{"id":"2","observed":"2026-01-01T00:01:00Z","text":"今天天气真好","label":0}
{"id":"3","observed":"2026-01-01T00:02:00Z","text":"鹿城区浓烟滚滚","kind":"dispatch","label":true}
{"id":"4","observed":"2026-01-01T00:03:00Z","text":"起火的股市","label":false}
{"id":"5","observed":"2026-01-01T00:04:00Z","text":"没有标签"}
"#;

fn rules(terms: &str, base: u8) -> String {
    format!(
        "title: Fire\nid: fire-1\ndetection:\n  a: {{any|contains: [{terms}]}}\n  condition: a\ntocsin:\n  hazard: fire\n  score:\n    base: {base}\n"
    )
}

fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TOCSIN_") {
            command.env_remove(name);
        }
    }
    command
        .current_dir(folder)
        .args(["rules", "backtest", "--config", "tocsin.toml"])
        .args(args);
    command.output().unwrap()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["a", "b"] {
        std::fs::create_dir(path(name)).unwrap();
    }
    std::fs::write(path("a/rules.yml"), rules("起火", 50)).unwrap();
    std::fs::write(path("b/rules.yml"), rules("居民楼起火, 浓烟", 70)).unwrap();
    std::fs::write(path("corpus.jsonl"), CORPUS).unwrap();
    std::fs::write(path("tocsin.toml"), "[paths]\nrules = \"a\"\n").unwrap();
    folder
}

#[test]
fn two_rule_sets_are_compared() {
    let folder = folder();
    let args = [
        "--input",
        "corpus.jsonl",
        "--against",
        "b",
        "--labels",
        "corpus.jsonl",
        "--json",
    ];
    let output = run(folder.path(), &args);
    assert_eq!(
        output.status.code(),
        Some(1),
        "they differ: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (
            &shown["a"]["records"],
            &shown["a"]["detected"],
            &shown["b"]["detected"]
        ),
        (&5.into(), &2.into(), &2.into())
    );
    let difference = &shown["difference"];
    assert_eq!(difference["records"], serde_json::json!([1, 1]));
    assert_eq!(difference["only_a"][0]["key"], "actual/fire/-");
    assert_eq!(difference["only_b"][0]["key"], "actual/fire/cn-330302");
    assert_eq!(
        (&difference["levels"][0]["a"], &difference["levels"][0]["b"]),
        (&"yellow".into(), &"orange".into())
    );
    let counts = |side: usize, what: &str| shown["quality"][side]["counts"][what].as_u64().unwrap();
    assert_eq!(
        [
            counts(0, "true_positives"),
            counts(0, "false_positives"),
            counts(0, "false_negatives"),
            counts(0, "true_negatives")
        ],
        [1, 1, 1, 1]
    );
    assert_eq!(shown["quality"][1]["precision"]["value"], 1.0);
    assert_eq!(shown["quality"][1]["recall"]["value"], 1.0);
}

#[test]
fn a_rule_set_does_not_differ_from_itself() {
    let folder = folder();
    let output = run(
        folder.path(),
        &["--input", "corpus.jsonl", "--against", "a"],
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    insta::assert_snapshot!("rules_backtest_same", text);
    let output = run(
        folder.path(),
        &["--input", "corpus.jsonl", "--labels", "a/rules.yml"],
    );
    assert_eq!(
        output.status.code(),
        Some(1),
        "labels that are none are refused"
    );
}
