//! The command line, through the built binary: help, exit codes, `check`, `schema` and the demo.

use std::process::{Command, Output};

fn tocsin(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
    crate::without_settings(&mut command);
    command.args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn help_of_every_command() {
    let mut all = String::new();
    for command in [
        "",
        "demo",
        "run",
        "desk",
        "desk rebuild",
        "desk audit verify",
        "assess",
        "token create",
        "token list",
        "token revoke",
        "topics",
        "replay",
        "baseline show",
        "decode",
        "check",
        "dead-letters",
        "schema",
        "rules eval",
        "rules test",
        "rules explain",
        "rules list",
        "rules lint",
        "rules backtest",
    ] {
        let args: Vec<&str> = if command.is_empty() {
            vec!["--help"]
        } else {
            command.split(' ').chain(["--help"]).collect()
        };
        let output = tocsin(&args);
        assert!(output.status.success(), "{command}");
        all.push_str(&format!(
            "$ tocsin {}\n{}\n",
            args.join(" "),
            text(&output.stdout)
        ));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn wrong_usage_and_configuration_exit_with_2() {
    assert_eq!(tocsin(&["no-such-command"]).status.code(), Some(2));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.toml");
    std::fs::write(&path, "[kafka]\nbroker = \"x\"\n").unwrap();
    let path = path.to_str().unwrap();
    for command in [
        vec!["check"],
        vec!["topics", "check"],
        vec!["demo", "--once"],
    ] {
        let args: Vec<&str> = command.iter().copied().chain(["--config", path]).collect();
        let output = tocsin(&args);
        assert_eq!(output.status.code(), Some(2), "{command:?}");
        let said = text(&output.stderr);
        assert!(
            said.contains("C0003") && said.contains("unknown field `broker`"),
            "{said}"
        );
        assert!(said.contains(":2:1"), "{said}");
    }
}

/// An error quotes what it was given as text.
#[test]
fn errors_do_not_steer_the_terminal() {
    let output = tocsin(&["rules", "explain", "没有 \u{1b}[31m\u{202e}x"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said:?}");
    assert!(said.starts_with("error: 没有 "), "{said:?}");
}

#[test]
fn check_of_what_is_bundled_finds_no_error() {
    let output = tocsin(&["check", "--json"]);
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{shown:#}");
    assert_eq!(shown["ok"], true);
    assert_eq!(shown["rule_set"]["version"].as_str().unwrap().len(), 12);
    assert_eq!(shown["configuration"]["kafka"]["group"], "tocsin");
}

#[test]
fn check_names_every_broken_rule_at_its_place_and_exits_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    for name in ["a.yml", "b.yml"] {
        std::fs::write(rules.join(name), "title: x\ndetection: {}\n").unwrap();
    }
    let path = folder.path().join("tocsin.toml");
    std::fs::write(&path, "[paths]\nrules = \"rules\"\n").unwrap();
    let path = path.to_str().unwrap();
    let output = tocsin(&["check", "--json", "--config", path]);
    assert_eq!(output.status.code(), Some(1));
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for name in ["a.yml", "b.yml"] {
        let found = shown["diagnostics"].as_array().unwrap();
        let named = found
            .iter()
            .any(|it| it["file"].as_str().unwrap().ends_with(name) && it["gravity"] == "error");
        assert!(named, "{name}: {shown:#}");
    }
    let output = tocsin(&["check", "--config", path]);
    assert!(
        text(&output.stderr).contains("a.yml:"),
        "{}",
        text(&output.stderr)
    );
}

/// One wrong key does not hide what is wrong elsewhere.
#[test]
fn check_finds_what_is_wrong_everywhere_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    std::fs::write(rules.join("a.yml"), "title: x\ndetection: {}\n").unwrap();
    let path = folder.path().join("tocsin.toml");
    let text = "[kafka]\nbroker = \"x\"\nworkers = 0\n[paths]\nrules = \"rules\"\ndepartments = \"missing.yaml\"\n\
                [[feeds]]\nid = \"a\"\ntopic = \"t\"\ndecoder = \"mapped\"\nkind = \"news\"\nreliability = 60\n";
    std::fs::write(&path, text).unwrap();
    let output = tocsin(&["check", "--json", "--config", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = shown["diagnostics"].as_array().unwrap();
    for (code, what) in [
        ("C0003", "unknown field `broker`"),
        ("C0005", "kafka.workers"),
        ("C0001", "missing.yaml"),
        ("C0007", "mapping"),
        ("T00", "a.yml"),
    ] {
        let named = found.iter().any(|it| {
            it["code"].as_str().unwrap().starts_with(code) && it.to_string().contains(what)
        });
        assert!(named, "{code} {what}: {shown:#}");
    }
    assert!(shown["configuration"].is_null(), "{shown:#}");
}

#[test]
fn replay_does_not_write_two_things_into_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    let path = path.to_str().unwrap();
    let args = [
        "replay",
        "--input",
        "-",
        "--detections",
        path,
        "--alerts",
        path,
    ];
    let output = tocsin(&args);
    assert!(!output.status.success());
    let said = text(&output.stderr);
    assert!(said.contains("same file") && said.contains(path), "{said}");
}

#[test]
fn schemas_are_json_schemas_of_their_subject() {
    for (what, field) in [
        ("report", "text"),
        ("alert", "incident_id"),
        ("rule", "detection"),
    ] {
        let output = tocsin(&["schema", what]);
        assert!(output.status.success());
        let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(jsonschema::meta::is_valid(&schema), "{what}");
        assert!(schema["properties"][field].is_object(), "{what}");
    }
}

#[test]
fn the_demo_runs_to_its_end_and_adds_up() {
    let output = tocsin(&["demo", "--json", "--speed", "600"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let sum = |key: &str| -> u64 {
        let counts = summary[key].as_object().unwrap().values();
        counts.map(|it| it.as_u64().unwrap()).sum()
    };
    let records = summary["records"].as_u64().unwrap();
    assert!(records >= 2_000, "{summary:#}");
    assert_eq!(sum("outcomes"), records, "{summary:#}");
    assert_eq!(summary["detections"]["opened"], summary["incidents"]);
    assert!(sum("detections") >= summary["outcomes"]["detected"].as_u64().unwrap());
    assert!(summary["alerts"].as_u64().unwrap() > 0);
}
