//! Formats that are on topics and stay there over an upgrade: what this version and the one before wrote, kept under
//! `tests/data/formats`, is read.
//!
//! When a format gets another version, run the ignored test of this file before the change: it writes what the next version has to read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tocsin::config::{Settings, load_rule_set};
use tocsin::core::correlate::{CorrelateOutput, Correlator, StateError};
use tocsin::core::detect::{DetectEngine, DetectOutput, DrillKey, EXERCISE_ID, EXERCISE_MAC};
use tocsin::core::model::{
    CorrelateOutcome, Detection, IncidentState, Millis, Position, RawRecord, Status,
};
use tocsin::desk::decode_alert;

const START: i64 = 1_767_225_600_000;
const DAY: i64 = 86_400_000;
/// Versions of the state that are kept; the last one is this version's.
const STATES: [u8; 3] = [4, 5, 6];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/formats")
}

fn kept(name: &str) -> String {
    let path = folder().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn correlator() -> Correlator {
    let settings = Settings::bundled().unwrap();
    let set = load_rule_set(&settings.paths).unwrap();
    Correlator::new(Arc::new(
        settings.correlate_config(Arc::clone(&set.routing)),
    ))
}

/// Keys and values of a state that was kept.
fn state(version: u8) -> Vec<(String, Vec<u8>)> {
    let text = kept(&format!("state-{version}.txt"));
    let lines = text.lines().map(|line| {
        let (key, hex) = line.rsplit_once(' ').unwrap();
        let digits = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let bytes = (0..hex.len()).step_by(2).map(digits).collect();
        (key.to_owned(), bytes)
    });
    lines.collect()
}

fn restored(version: u8) -> Correlator {
    let mut correlator = correlator();
    for (key, value) in state(version) {
        correlator
            .restore(&key, Some(&value))
            .unwrap_or_else(|error| panic!("{version}: {error}"));
    }
    correlator.finish_restore();
    correlator
}

fn detections(version: u8) -> Vec<Detection> {
    let text = kept(&format!("detections-{version}.jsonl"));
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn state_of_this_version_and_of_the_one_before_goes_on() {
    for version in STATES {
        let mut correlator = restored(version);
        let sizes: BTreeMap<Status, usize> = correlator
            .sizes()
            .map(|(status, keys, _)| (status, keys))
            .collect();
        assert!(sizes[&Status::Actual] >= 3, "{version}: {sizes:?}");
        assert!(sizes[&Status::Exercise] >= 1, "{version}: {sizes:?}");

        // What it has folded it knows again.
        let mut out = CorrelateOutput::default();
        let mut outcomes: BTreeMap<CorrelateOutcome, usize> = BTreeMap::new();
        for detection in detections(version) {
            *outcomes
                .entry(correlator.fold(&detection, &mut out))
                .or_default() += 1;
        }
        let count = |outcome| outcomes.get(&outcome).copied().unwrap_or_default();
        assert_eq!(
            count(CorrelateOutcome::Opened),
            0,
            "{version}: {outcomes:?}"
        );
        assert!(
            count(CorrelateOutcome::Repeat) >= 4,
            "{version}: {outcomes:?}"
        );
        correlator.rollback();

        // Its timers are set: whatever is active ends.
        let mut out = CorrelateOutput::default();
        correlator.advance(Millis(START + 30 * DAY), &mut out);
        let resolved = out
            .alerts
            .iter()
            .filter(|alert| alert.state == IncidentState::Resolved);
        assert!(resolved.count() >= 1, "{version}");
        // What is written from now on is of this version.
        let changes = correlator.take_changes();
        let written: Vec<u8> = changes
            .iter()
            .filter(|it| !it.key.starts_with('~'))
            .filter_map(|it| it.value.as_ref()?.first().copied())
            .collect();
        let newest = STATES[STATES.len() - 1];
        assert!(
            written.iter().all(|it| *it == newest),
            "{version}: {written:?}"
        );
    }
}

#[test]
fn state_of_other_versions_is_refused_by_name() {
    let newest = STATES[STATES.len() - 1];
    let all = state(newest);
    let (key, value) = all
        .iter()
        .find(|(key, _)| key.starts_with("actual/"))
        .unwrap();
    for version in [STATES[0] - 1, newest + 1] {
        let mut value = value.clone();
        value[0] = version;
        let refused = correlator().restore(key, Some(&value)).unwrap_err();
        assert!(matches!(refused, StateError::Version { .. }), "{refused}");
        let said = refused.to_string();
        assert!(said.contains(&format!("version {version}")), "{said}");
    }
}

#[test]
fn detections_and_alerts_of_both_are_read() {
    for version in STATES {
        let detections = detections(version);
        assert!(detections.len() >= 8, "{version}");
        let exercises = detections.iter().filter(|it| it.status == Status::Exercise);
        assert!(exercises.count() >= 1, "{version}");
        let alerts = kept(&format!("alerts-{version}.jsonl"));
        let read: Vec<_> = alerts
            .lines()
            .map(|line| decode_alert(line.as_bytes()).expect("an alert"))
            .collect();
        assert!(read.len() >= 4, "{version}");
        assert!(read.iter().any(|it| it.status == Status::Exercise));
        assert!(read.iter().any(|it| !it.departments.is_empty()));
    }
    // Neither the version after nor one of long ago.
    let text = kept("alerts-6.jsonl");
    let line = text.lines().next().unwrap();
    assert!(decode_alert(line.replacen("\"v\":1", "\"v\":3", 1).as_bytes()).is_none());
}

/// Reports of a day and an hour, some of them exercises.
const REPORTS: [(&str, &str, i64); 8] = [
    (
        "hotline-zh",
        "温州市瓯海区幸福路居民楼起火，浓烟很大，有人被困",
        0,
    ),
    ("hotline-zh", "瓯海区人民街燃气泄漏，气味很浓", 60_000),
    (
        "hotline-zh",
        "瓯海区居民楼火灾造成1人死亡、3人受伤",
        120_000,
    ),
    ("hotline-zh", "雁塔区道路积水严重，车辆被淹", 180_000),
    ("posts", "瓯海区幸福路居民楼起火，火光冲天", 200_000),
    ("posts", "瓯海区幸福路居民楼起火，火光冲天！", 230_000),
    ("hotline-zh", "浦东新区化工厂爆炸，有毒气体泄漏", 400_000),
    ("hotline-zh", "温州市瓯海区老菜场旁居民楼起火", 90_000_000),
];

#[test]
#[ignore = "writes what the next version has to read: before a change of the format"]
fn write_what_this_version_writes() {
    let settings = Settings::bundled().unwrap();
    let set = Arc::new(load_rule_set(&settings.paths).unwrap());
    let feeds = settings.shared_feeds();
    let key = Arc::new(DrillKey::new(b"the drill key of a test, no secret").unwrap());
    let engine = DetectEngine::new(Arc::clone(&set), &feeds).unwrap();
    let mut engine = engine.with_drill_key(Some(Arc::clone(&key)));
    let mut correlator = correlator();
    let (mut found, mut folded) = (DetectOutput::default(), CorrelateOutput::default());
    let (mut state, mut detections) = (BTreeMap::new(), String::new());
    for (nth, (id, text, after)) in REPORTS.iter().enumerate() {
        let feed = feeds.iter().position(|feed| *feed.id == **id).unwrap();
        let (at, report) = (Millis(START + after), format!("r-{nth}"));
        let body = serde_json::json!({"id": report, "text": text, "lang": "zh", "observed": at.to_string()});
        let body = serde_json::to_vec(&body).unwrap();
        let mac = key.mac("drill-1", id, &report, &body);
        for is_exercise in [false, true] {
            if is_exercise && ![0, 3].contains(&nth) {
                continue;
            }
            let mut record = RawRecord::new(&body, at);
            if is_exercise {
                record.headers.push((EXERCISE_ID, b"drill-1"));
                record.headers.push((EXERCISE_MAC, mac.as_bytes()));
            }
            found.clear();
            engine.process(feed, &record, &Position::default(), &mut found);
            for detection in &found.detections {
                detections += &serde_json::to_string(detection).unwrap();
                detections.push('\n');
                correlator.fold(detection, &mut folded);
            }
        }
        for change in correlator.take_changes() {
            match change.value {
                Some(bytes) => drop(state.insert(change.key, bytes)),
                None => drop(state.remove(&change.key)),
            }
        }
        correlator.commit();
    }
    let version = state.values().next().unwrap()[0];
    let line = |text: String| text + "\n";
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let states = state
        .iter()
        .map(|(key, value)| line(format!("{key} {}", hex(value))));
    let alerts = folded
        .alerts
        .iter()
        .map(|alert| line(serde_json::to_string(alert).unwrap()));
    let write = |name: String, text: String| std::fs::write(folder().join(name), text).unwrap();
    write(format!("state-{version}.txt"), states.collect());
    write(format!("detections-{version}.jsonl"), detections);
    write(format!("alerts-{version}.jsonl"), alerts.collect());
}
