//! `tocsin decode`, run as a process.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use super::support::data;

fn decode(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .arg("decode")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn reports_are_lines_and_refusals_have_code_position_and_help() {
    let input = "{\"id\":\"1\",\"text\":\"fire, call 13800138000\"}\n{\"id\":\"2\",\"text\":}\n{\"id\":\"3\",\"text\":\"flood\"}\n";
    let output = decode(&["--decoder", "tocsin", "-"], input);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stdout),
        "{\"id\":\"1\",\"text\":\"fire, call •••••••••••\"}\n{\"id\":\"3\",\"text\":\"flood\"}\n"
    );
    let errors = text(&output.stderr);
    assert!(errors.starts_with("-:2:18: D0004 "), "{errors}");
    assert!(errors.contains("help: "), "{errors}");
}

#[test]
fn refusals_as_json_keep_the_order() {
    let output = decode(
        &["--decoder", "tocsin", "--json", "-"],
        "{\"id\":\"1\"}\n{\"id\":\"2\",\"text\":\"x\"}\n",
    );
    let lines: Vec<serde_json::Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["refused"]["code"], "D0013");
    assert_eq!(lines[0]["refused"]["line"], 1);
    assert_eq!(lines[1]["id"], "2");
    assert!(output.stderr.is_empty());
}

#[test]
fn a_feed_file_brings_its_mapping() {
    let config = data("data").join("feeds").join("sffd_calls.toml");
    let rows = data("data").join("sffd_calls_sample.jsonl");
    let output = decode(
        &["--feed", config.to_str().unwrap(), rows.to_str().unwrap()],
        "",
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).lines().count(), 40);
    let wrong = decode(
        &["--decoder", "cap", "--feed", config.to_str().unwrap(), "-"],
        "",
    );
    assert_eq!(wrong.status.code(), Some(1));
    assert!(
        text(&wrong.stderr).contains("no `[[feeds]]` table"),
        "{}",
        text(&wrong.stderr)
    );
}
