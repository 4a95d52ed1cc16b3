//! The tools of rule writers: `rules test` and `rules explain`, through the built binary and against the engine.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use tocsin::config::{Bundled, Settings, load_rule_files, load_rule_set};
use tocsin::core::detect::{DetectEngine, DetectOutput};
use tocsin::core::diagnostic::SourceFile;
use tocsin::core::model::{Feed, Millis, Position, RawRecord};
use tocsin::core::tools::case;
use tocsin::core::tools::explain::Explainer;

fn tocsin(args: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
    crate::without_settings(&mut command);
    let mut child = command
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

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn every_shipped_case_holds() {
    let output = tocsin(&["rules", "test", "--json"], "");
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success(), "{shown:#}");
    assert!(shown["cases"].as_u64() > Some(400), "{}", shown["cases"]);
    assert_eq!(shown["failed"], 0);
}

const WRONG: &str = "\
tests:
  - name: expects <too> much
    reports:
      - {at: 0s, id: a, kind: dispatch, text: 瓯海区一居民楼起火}
    detections:
      - {report: a, rule: zh-fire, severity: 1, place: cn-330304}
      - {report: b, rule: zh-fire}
    incidents:
      - {hazard: flood, level: red}
zh-fire:
  silent: [瓯海区一居民楼起火]
  fires: [今天天气真好]
";

#[test]
fn what_differs_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong.yml");
    std::fs::write(&path, WRONG).unwrap();
    let name = path.display().to_string();
    let output = tocsin(&["rules", "test", &name], "");
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(
        "rules_test_diff",
        text(&output.stdout).replace(&name, "wrong.yml")
    );
    let output = tocsin(&["rules", "test", "--junit", "-", &name], "");
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(
        "rules_test_junit",
        text(&output.stdout).replace(&name, "wrong.yml")
    );
}

#[test]
fn a_test_file_that_says_nothing_sensible_is_refused_with_places() {
    let source = SourceFile {
        name: "t.yml".to_owned(),
        text: "tests:\n  - name: a\n    reports: [{at: soon, text: x}]\n    incidents: [{hazard: boredom, level: mauve, mood: 3}]\n  - name: b\n    reports: [x]\nzh-fire: {burns: [x]}\n"
            .to_owned(),
    };
    let mut found = Vec::new();
    case::parse(&source, &mut found);
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!("rules_test_findings", found.join("\n"));
}

#[test]
fn an_explanation_shows_every_step() {
    let record =
        r#"{"id":"7","title":"瓯海区一居民楼起火","text":"火势很大，3人被困","kind":"news"}"#;
    let output = tocsin(&["rules", "explain"], record);
    assert!(output.status.success());
    let shown = text(&output.stdout);
    for part in [
        "decoded ",
        "normalised  text: 火势很大,3人被困",
        "cn-330304",
        "rule zh-fire fired",
        "✓ is_event  any|lexicon",
        "→ 火势, 起火",
        "people trapped",
        "key       actual/fire/cn-330304",
        "by a name in the report",
        "candidate title “瓯海区",
        "nearest   nothing: no earlier records",
        "end       opened",
        "queue ",
    ] {
        assert!(shown.contains(part), "{part} is missing in\n{shown}");
    }
    assert!(!shown.contains("disagrees"), "{shown}");
}

#[test]
fn why_not_names_what_is_missing_and_what_forbids() {
    let output = tocsin(
        &["rules", "explain", "--rule", "en-fire"],
        "my mixtape is fire",
    );
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stdout);
    assert!(shown.contains("rule en-fire did not fire"), "{shown}");
    assert!(
        shown.contains("needs ") && shown.contains("`event` to hold"),
        "{shown}"
    );
    let drill = "今天上午，学校举行消防演练，教学楼模拟起火";
    let output = tocsin(&["rules", "explain", "--rule", "zh-fire"], drill);
    let shown = text(&output.stdout);
    assert!(shown.contains("not to hold, which found"), "{shown}");
    let output = tocsin(&["rules", "explain", "--rule", "no-such-rule"], "x");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn history_decides_what_a_report_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("before.jsonl");
    let report = |id: &str| {
        format!(
            r#"{{"id":"{id}","kind":"post","text":"瓯海区一居民楼起火，火势很大，现场浓烟滚滚，大家注意安全"}}"#
        )
    };
    std::fs::write(&path, report("1")).unwrap();
    let path = path.display().to_string();
    for (id, end) in [("1", "repeat"), ("2", "copy")] {
        let output = tocsin(
            &["rules", "explain", "--json", "--history", &path],
            &report(id),
        );
        let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(shown["detections"][0][1], end, "{shown:#}");
        assert_eq!(shown["history"], 1);
        // A repeat is the report itself; of another one the distance is said.
        let nearest = &shown["nearest"][0]["report"];
        assert_eq!(
            *nearest,
            if id == "1" {
                serde_json::Value::Null
            } else {
                "1".into()
            }
        );
    }
}

#[test]
fn what_is_not_queued_says_who_would_hear_of_it() {
    let record = r#"{"id":"7","kind":"post","text":"瓯海区一居民楼起火"}"#;
    let output = tocsin(&["rules", "explain", "--json"], record);
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let route = &shown["routes"][0];
    assert_eq!(route["key"], "actual/fire/cn-330304", "{shown:#}");
    assert!(route["departments"][0]["id"].is_string(), "{route}");
}

#[test]
fn a_record_is_read_up_to_its_limit_and_a_folder_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.txt");
    std::fs::write(&path, vec![b'x'; 30 << 20]).unwrap();
    let output = tocsin(&["rules", "explain", &path.display().to_string()], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stdout).contains("1 MiB"),
        "{}",
        text(&output.stdout)
    );
    for missing in [
        folder.path().display().to_string(),
        "no-such-file".to_owned(),
    ] {
        let output = tocsin(&["rules", "explain", &missing], "");
        assert_eq!(output.status.code(), Some(2));
        assert!(
            text(&output.stderr).contains(&missing),
            "{}",
            text(&output.stderr)
        );
    }
}

/// The tree of every rule comes out as the engine decides, on every case of the packs.
#[test]
fn trees_and_engine_agree() {
    let settings = Settings::bundled().unwrap();
    let files = load_rule_files(&settings.paths).unwrap();
    let set = Arc::new(load_rule_set(&settings.paths).unwrap());
    let feed: Feed = serde_json::from_value(serde_json::json!({
        "id": "cases", "topic": "cases", "decoder": "tocsin", "kind": "post", "reliability": 50,
    }))
    .unwrap();
    let feed = Arc::new(feed);
    let mut explainer = Explainer::new(&files.rules, &files.lexicons, &set, &feed).unwrap();
    let mut engine = DetectEngine::new(Arc::clone(&set), std::slice::from_ref(&feed)).unwrap();
    let (mut found, mut compared, mut fired_in_all) = (Vec::new(), 0, 0);
    for name in Bundled::list("tests/") {
        let text = Bundled::text(&name).unwrap();
        for case in case::parse(&SourceFile { name, text }, &mut found) {
            for input in case.inputs {
                let payload = input.record.to_string();
                let record = RawRecord::new(payload.as_bytes(), Millis(1_767_323_045_000));
                let mut out = DetectOutput::default();
                engine.process(0, &record, &Position::default(), &mut out);
                let fired: BTreeSet<Arc<str>> =
                    out.detections.iter().map(|d| d.rule_id.clone()).collect();
                fired_in_all += fired.len();
                for one in explainer.explain(&record, &fired) {
                    assert!(one.consistent, "{} on {payload}", one.rule);
                    assert_eq!(one.needs.is_some(), !one.fired);
                    compared += 1;
                }
            }
        }
    }
    assert!(
        found.is_empty() && compared > 20_000 && fired_in_all > 200,
        "{compared} {fired_in_all}"
    );
}

/// What a public report says reaches the terminal as text, and as no line of the page's own.
#[test]
fn a_report_cannot_steer_the_terminal_of_who_explains_it() {
    let record = serde_json::json!({
        "id": "7", "kind": "news", "title": "瓯海区一居民楼起火 \u{1b}[2J\u{202e}x\u{9b}",
        "text": "火势很大\u{1b}]0;x\u{7}\nqueue       nothing",
    });
    let output = tocsin(&["rules", "explain"], &record.to_string());
    let shown = text(&output.stdout);
    let steers = ['\u{1b}', '\u{9b}', '\u{202e}', '\u{7}'];
    assert!(!shown.contains(steers), "{shown:?}");
    assert!(
        shown.contains("normalised  title: 瓯海区一居民楼起火 "),
        "{shown}"
    );
    assert!(shown.contains("normalised  text: 火势很大"), "{shown}");
    assert!(!shown.contains("\nqueue       nothing"), "{shown}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong.yml");
    let cases = WRONG.replace("expects <too> much", r#""不对 \e[31m \u202e much""#);
    std::fs::write(&path, cases).unwrap();
    let output = tocsin(&["rules", "test", path.to_str().unwrap()], "");
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(
        !shown.contains(steers) && shown.contains(" 不对 "),
        "{shown:?}"
    );
}

/// A line of the history that is none is told, and is no earlier record; a text that is no UTF-8 is refused as everywhere.
#[test]
fn what_cannot_be_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let line = r#"{"id":"1","text":"瓯海区一居民楼起火"}"#;
    std::fs::write(path("before.jsonl"), format!("{line}\n\ngarbage\n")).unwrap();
    let args = ["rules", "explain", "--history", &path("before.jsonl")];
    let shown = text(&tocsin(&args, line).stdout);
    let told =
        "history     without 1 records that could not be read; the first is record 3: D0004 ";
    assert!(shown.contains(told), "{shown}");
    let output = tocsin(&[&args[..], &["--json"]].concat(), line);
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&shown["history"], &shown["unread"]["records"]),
        (&1.into(), &1.into())
    );

    std::fs::write(path("latin.txt"), b"feu \xe0 Lyon").unwrap();
    let output = tocsin(&["rules", "explain", &path("latin.txt")], "");
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains("not readable: D0003 "), "{shown}");
}

#[test]
fn xml_and_json_do_not_go_into_one_stream() {
    let output = tocsin(&["rules", "test", "--junit", "-", "--json"], "");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        output.stdout.is_empty() && said.contains("give --junit a file"),
        "{said}"
    );
}

/// Who calls a tool in a script finds in its help what it answers with.
#[test]
fn every_tool_says_its_exit_codes() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
    let help = command.args(["rules", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let commands = help.split("Commands:\n").nth(1).unwrap();
    let names = commands.lines().take_while(|line| !line.is_empty());
    let names: Vec<&str> = names
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty() && *name != "help")
        .collect();
    assert_eq!(names.len(), 10, "{names:?}");
    for name in names {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
        let help = command.args(["rules", name, "--help"]).output().unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        let codes = help.split("Exit codes:\n").nth(1).unwrap_or_default();
        assert!(
            codes.starts_with("  0  ") && codes.contains("\n  2  "),
            "{name}: {help}"
        );
    }
}
