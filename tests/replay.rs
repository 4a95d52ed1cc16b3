//! `tocsin replay`: the whole engine on JSON lines, deterministic, every record with one end.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};
use tocsin::config::{LoadOptions, Paths, Settings, load_rule_set};
use tocsin::core::correlate::CorrelateConfig;
use tocsin::core::model::{Alert, DetectOutcome, Detection, Millis};
use tocsin::core::replay::{
    Committed, ReplayOutput, Replayer, Summary, default_feed, replay_committed,
};
use tocsin::core::ruleset::RuleSet;

/// The bundled rule set, compiled once.
fn engine() -> (Arc<RuleSet>, Arc<CorrelateConfig>, &'static Settings) {
    static ENGINE: OnceLock<(Arc<RuleSet>, Arc<CorrelateConfig>, Settings)> = OnceLock::new();
    let (set, config, settings) = ENGINE.get_or_init(|| {
        let settings = Settings::load(&LoadOptions::default()).unwrap();
        let set = Arc::new(load_rule_set(&Paths::default()).unwrap());
        let config = settings.correlate_config(Arc::clone(&set.routing));
        (set, Arc::new(config), settings)
    });
    (Arc::clone(set), Arc::clone(config), settings)
}

struct Played {
    detections: Vec<Detection>,
    alerts: Vec<Alert>,
    before_end: usize,
    summary: Summary,
}

fn play(lines: &[String]) -> Played {
    let (set, config, settings) = engine();
    let start = Millis::parse("2000-01-01T00:00:00Z").unwrap();
    let mut replayer = Replayer::new(set, config, default_feed(), &settings.feeds, start).unwrap();
    let mut out = ReplayOutput::default();
    for line in lines {
        replayer.line(line.as_bytes(), &mut out);
    }
    let before_end = out.alerts.len();
    replayer.finish(false, &mut out);
    Played {
        detections: out
            .detections
            .into_iter()
            .map(|(detection, _)| detection)
            .collect(),
        alerts: out.alerts,
        before_end,
        summary: replayer.summary().clone(),
    }
}

/// Two hours of reports about three events, one of them retold, revised and repeated, between ordinary lines and broken ones.
fn lines() -> Vec<String> {
    let mut lines = Vec::new();
    for minute in 0..120_i64 {
        let at = Millis::parse("2026-03-01T00:00:00Z")
            .unwrap()
            .plus(minute * 60_000);
        let text = match minute % 6 {
            0 => format!("浦东新区一化工厂发生爆炸，已致{}人死亡，消防人员正在救援", 1 + minute / 30),
            1 => "Large fire in a warehouse in Houston, two people were killed, firefighters at the scene".into(),
            2 => "RT @user: Large fire in a warehouse in Houston, two people were killed, firefighters at the scene".into(),
            3 => "今天的火锅很好吃".into(),
            _ => "a quiet day at the lake".into(),
        };
        lines.push(match minute % 10 {
            9 => format!("{{\"id\": {minute}, \"text\": "),
            8 => json!({"id": "again", "text": "Large fire in a hotel in Houston", "received": at})
                .to_string(),
            _ => json!({"id": minute.to_string(), "text": text, "observed": at}).to_string(),
        });
    }
    lines
}

#[test]
fn two_replays_are_equal_and_every_record_has_one_end() {
    let (one, other) = (play(&lines()), play(&lines()));
    assert_eq!(one.alerts, other.alerts);
    assert_eq!(one.summary, other.summary);
    let summary = &one.summary;
    assert_eq!(summary.records, 120);
    assert!(summary.adds_up());
    assert_eq!(summary.outcome(DetectOutcome::DeadLetter), 12);
    assert_eq!(
        summary.detections.values().sum::<u64>(),
        one.detections.len() as u64
    );
    assert_eq!(summary.alerts, one.alerts.len() as u64);
    for end in ["opened", "merged", "copy", "repeat"] {
        assert!(summary.detections[end] > 0, "no detection ended as {end}");
    }
}

#[test]
fn the_committed_detections_give_the_same_alerts_byte_for_byte() {
    let played = play(&lines());
    let history = played.detections.iter().map(|detection| {
        // Through the wire form, as the topic has it.
        let json = serde_json::to_vec(detection).unwrap();
        Committed::Detection(serde_json::from_slice(&json).unwrap())
    });
    let again = replay_committed(engine().1, history);
    let text = |alerts: &[Alert]| -> Vec<String> {
        alerts
            .iter()
            .map(|alert| serde_json::to_string(alert).unwrap())
            .collect()
    };
    assert!(played.before_end > 5);
    assert_eq!(text(&again), text(&played.alerts[..played.before_end]));
}

#[test]
fn the_clock_is_received_then_observed_then_the_last_seen() {
    let fire = "Large fire in a warehouse in Houston, firefighters at the scene";
    let line = |id: &str, times: Value| {
        let mut line = json!({"id": id, "text": fire});
        line.as_object_mut()
            .unwrap()
            .extend(times.as_object().unwrap().clone());
        line.to_string()
    };
    let (march, april) = ("2026-03-01T00:00:00.000Z", "2026-04-01T00:00:00.000Z");
    let played = play(&[
        line("a", json!({})),
        line("b", json!({"observed": march, "received": april})),
        line("c", json!({"observed": march})),
        line("d", json!({})),
    ]);
    let received: Vec<String> = played
        .detections
        .iter()
        .map(|detection| detection.report.received.to_string())
        .collect();
    assert_eq!(received, ["2000-01-01T00:00:00.000Z", april, march, march]);
}

#[test]
fn a_line_may_be_a_report_of_a_configured_feed() {
    let (_, _, settings) = engine();
    let feed = settings
        .feeds
        .iter()
        .find(|feed| feed.id.starts_with("hotline"))
        .unwrap();
    let line =
        json!({"id": "h1", "feed": &*feed.id, "text": "浦东新区一仓库起火，浓烟滚滚，请速来"});
    let played = play(&[line.to_string()]);
    let report = &played.detections[0].report;
    assert_eq!(
        (&report.feed, report.kind, report.reliability),
        (&feed.id, feed.kind, feed.reliability)
    );
}

fn tocsin(input: &Path, out: &Path, json: bool) -> (String, String, Value) {
    let (detections, alerts) = (out.join("d.jsonl"), out.join("a.jsonl"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
    command.arg("replay").arg("--input").arg(input);
    command
        .arg("--detections")
        .arg(&detections)
        .arg("--alerts")
        .arg(&alerts);
    if json {
        command.arg("--json");
    }
    let done = command.output().unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let summary = serde_json::from_slice(&done.stdout).unwrap_or(Value::Null);
    (
        std::fs::read_to_string(detections).unwrap(),
        std::fs::read_to_string(alerts).unwrap(),
        summary,
    )
}

#[test]
fn the_command_writes_the_documented_lines() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in.jsonl");
    std::fs::write(&input, lines().join("\n")).unwrap();
    let (detections, alerts, mut summary) = tocsin(&input, folder.path(), true);
    let again = tocsin(&input, folder.path(), false);
    assert_eq!((&detections, &alerts), (&again.0, &again.1));
    let mut expected = serde_json::to_value(play(&lines()).summary).unwrap();
    summary["elapsed_ms"] = 0.into();
    expected["elapsed_ms"] = 0.into();
    assert_eq!(summary, expected);
    let ends = summary["detections"].as_object().unwrap().values();
    let ends: u64 = ends.filter_map(Value::as_u64).sum();
    assert_eq!(detections.lines().count() as u64, ends);
    for line in detections.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        for field in ["report_id", "rule_id", "hazard", "severity", "matches"] {
            assert!(!line[field].is_null(), "{field} is missing in {line}");
        }
        for found in line["matches"].as_array().unwrap() {
            assert!(found["term"].is_string() && found["span"].as_array().unwrap().len() == 2);
        }
    }
    let schema: Value = serde_json::from_str(tocsin::core::correlate::ALERT_SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(alerts.lines().count() > 5);
    for line in alerts.lines() {
        assert!(
            validator.is_valid(&serde_json::from_str(line).unwrap()),
            "{line}"
        );
    }
}

/// More than a few batches of lines, some of them blank, broken, too long, or without a time where a batch begins.
fn corpus() -> String {
    let mut text = String::new();
    for (number, line) in lines().iter().cycle().take(1_500).enumerate() {
        match number {
            700 => text.push_str(&"x".repeat(3 << 20)),
            n if n % 31 == 0 => text.push('\r'),
            n if n % 37 == 0 || (250..260).contains(&n) || (500..800).contains(&n) => {
                let fire = format!("Large fire in a hotel in Houston, {number} people evacuated");
                text.push_str(&json!({"id": format!("n{number}"), "text": fire}).to_string());
            }
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("corpus.jsonl");
    std::fs::write(&input, corpus()).unwrap();
    let run = |threads: &str| {
        let [detections, alerts] =
            ["detections", "alerts"].map(|name| folder.path().join(format!("{name}{threads}")));
        let output = Command::new(env!("CARGO_BIN_EXE_tocsin"))
            .args(["replay", "--threads", threads, "--input"])
            .arg(&input)
            .arg("--detections")
            .arg(&detections)
            .arg("--alerts")
            .arg(&alerts)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let complaints = String::from_utf8(output.stderr).unwrap();
        let complaints: Vec<String> = complaints
            .lines()
            .filter(|line| line.starts_with("line ") || line.starts_with('…'))
            .map(str::to_owned)
            .collect();
        let read = |path: &Path| std::fs::read(path).unwrap();
        (read(&detections), read(&alerts), complaints)
    };
    let one = run("1");
    assert!(one.0.len() > 10_000 && one.1.len() > 10_000 && one.2.len() == 11);
    // The serial engine, line by line, says the same.
    let text = corpus();
    let kept: Vec<String> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(str::to_owned)
        .collect();
    let mut serial = Vec::new();
    for alert in play(&kept).alerts {
        serde_json::to_writer(&mut serial, &alert).unwrap();
        serial.push(b'\n');
    }
    assert!(serial == one.1, "alerts differ from the serial engine's");
    for threads in ["2", "3"] {
        assert!(run(threads) == one, "--threads {threads} differs");
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_a_command_as_it_ends_other_tools() {
    for args in [&["schema", "report"][..], &["demo", "--once"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Command::new(env!("CARGO_BIN_EXE_tocsin"))
            .args(args)
            .stdout(writer)
            .stderr(std::process::Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(141), "{args:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
    }
}
