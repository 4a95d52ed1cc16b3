//! `rules eval` on rule files that are not what they should be: each is named, with a place, and none passes for a quiet night.

use std::path::Path;
use std::process::{Command, Output};

fn eval(rules: &[&Path], more: &[&str]) -> (Output, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
    command.args(["rules", "eval", "--events", "/dev/null"]);
    for path in rules {
        command.arg("--rules").arg(path);
    }
    let output = command.args(more).output().unwrap();
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(output.stdout.is_empty());
    (output, said)
}

const GOOD: &str = "title: t\nid: a\ndetection:\n  s: {f: x}\n  condition: s\n";

#[test]
fn no_rule_at_all_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.yml");
    std::fs::write(&empty, "").unwrap();
    std::fs::write(folder.path().join("rule.txt"), GOOD).unwrap();
    for path in [folder.path(), &empty, Path::new("/dev/null")] {
        let (output, said) = eval(&[path], &[]);
        assert_eq!(output.status.code(), Some(1), "{path:?}: {said}");
        assert!(said.contains("C0008"), "{said}");
        assert!(said.contains(&path.display().to_string()), "{said}");
        let (_, said) = eval(&[path], &["--json"]);
        let found: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
        assert_eq!(found["code"], "C0008");
    }
    std::fs::write(&empty, "detection: 3\n").unwrap();
    let (output, said) = eval(&[&empty], &["--skip-bad"]);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("1 left out"), "{said}");
}

#[test]
fn every_path_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (bad, missing) = (
        folder.path().join("bad.yml"),
        folder.path().join("none.yml"),
    );
    std::fs::write(&bad, b"title: t\nid: \xff\n").unwrap();
    let (output, said) = eval(&[&bad, &missing], &[]);
    assert_eq!(output.status.code(), Some(2), "as every other command");
    assert!(
        said.contains("bad.yml:2:5: cannot read: not UTF-8 from here on"),
        "{said}"
    );
    assert!(
        said.contains("none.yml: cannot read: No such file"),
        "{said}"
    );
}

#[test]
fn events_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let rule = folder.path().join("rule.yml");
    std::fs::write(&rule, GOOD).unwrap();
    for events in [folder.path().to_path_buf(), folder.path().join("none")] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
        command.args(["rules", "eval", "--rules"]).arg(&rule);
        let output = command.arg("--events").arg(&events).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        let named = format!("cannot read {}: ", events.display());
        assert!(said.contains(&named), "{said}");
    }
}

#[test]
fn a_file_named_twice_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let rule = folder.path().join("rule.yml");
    std::fs::write(&rule, GOOD).unwrap();
    let (output, said) = eval(&[&rule, &rule], &[]);
    assert!(output.status.success(), "{said}");
}

#[test]
fn folders_without_end_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rule.yml"), GOOD).unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
    let (output, said) = eval(&[folder.path()], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("folders deep"), "{said}");
}

#[test]
fn a_long_line_is_shown_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let rule = folder.path().join("rule.yml");
    for text in [
        format!("wrong: {}\n{GOOD}", "y".repeat(3_000_000)),
        format!("{}\n", "[{".repeat(1_000_000)),
        format!("{GOOD}level: {}\n", "y".repeat(3_000_000)),
        format!(
            "title: t\nid: a\ndetection:\n  s: {{f|{}: x}}\n  condition: s\n",
            "z".repeat(300_000)
        ),
    ] {
        std::fs::write(&rule, &text).unwrap();
        let (_, said) = eval(&[&rule], &[]);
        assert!(said.len() < 20_000, "{} bytes", said.len());
    }
}
