//! A record on which a stage panicked is kept as it was, with the code that says whose fault it is.

use std::sync::Arc;

use tocsin::config::{LoadOptions, Settings, load_rule_set};
use tocsin::core::detect::{DrillKey, EXERCISE_ID, EXERCISE_MAC};
use tocsin::core::model::Millis;
use tocsin::kafka::{CorrelateStage, DetectStage, Input, Outbox, Stage, Target};
use tocsin::telemetry::Telemetry;

#[test]
fn what_made_a_stage_panic_is_kept_with_its_code() {
    let settings = Settings::load(&LoadOptions::default()).expect("settings");
    let feeds = settings.shared_feeds();
    let rules = Arc::new(load_rule_set(&settings.paths).expect("rules"));
    let telemetry = Telemetry::new(&settings, &feeds).expect("telemetry");
    let names = settings.topic_names();
    let config = Arc::new(settings.correlate_config(Arc::clone(&rules.routing)));
    let mut detect =
        DetectStage::new(&names, rules, &feeds, Arc::clone(&telemetry)).expect("a stage");
    let mut correlate = CorrelateStage::new(&names, config, telemetry);
    detect.recover();
    correlate.recover();
    let topic = feeds[0].topic.clone();
    for (stage, topic, feed) in [
        (&mut detect as &mut dyn Stage, &*topic, &*feeds[0].id),
        (&mut correlate, &*names.detections, "detections"),
    ] {
        let input = Input {
            topic,
            partition: 3,
            offset: 7,
            received: Millis(1_000),
            key: Some(b"key"),
            payload: Some(b"{\"any\": \"bytes\"}"),
            headers: [("source", &b"kept"[..])].into_iter().collect(),
        };
        let mut out = Outbox::default();
        assert_eq!(stage.refuse_panicked(&input, &mut out), "dead_letter");
        let letters: Vec<_> = out.records().collect();
        assert_eq!(letters.len(), 1);
        assert_eq!(letters[0].target, Target::DeadLetters);
        assert_eq!(letters[0].payload, input.payload);
        let header = |name: &str| {
            let found = letters[0].headers.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        };
        for (name, expected) in [
            ("tocsin-feed", feed),
            ("tocsin-topic", topic),
            ("tocsin-partition", "3"),
            ("tocsin-offset", "7"),
            ("tocsin-key", "key"),
            ("tocsin-code", "D0099"),
            ("source", "kept"),
        ] {
            assert_eq!(header(name).as_deref(), Some(expected), "{name}");
        }
    }
}

#[test]
fn an_engine_made_anew_knows_a_drill_when_it_sees_one() {
    let settings = Settings::load(&LoadOptions::default()).expect("settings");
    let feeds = settings.shared_feeds();
    let rules = Arc::new(load_rule_set(&settings.paths).expect("rules"));
    let telemetry = Telemetry::new(&settings, &feeds).expect("telemetry");
    let key = Arc::new(DrillKey::new(b"the drill key of a test, no secret").expect("a key"));
    let feed = feeds.iter().find(|feed| &*feed.id == "hotline-zh");
    let feed = feed.expect("a feed of the defaults");
    let names = settings.topic_names();
    let mut detect = DetectStage::new(&names, rules, &feeds, telemetry)
        .expect("a stage")
        .with_drill_key(Some(Arc::clone(&key)));
    let body = r#"{"id":"r-1","text":"浦东新区化工厂爆炸，有毒气体泄漏","lang":"zh"}"#.as_bytes();
    let mac = key.mac("drill-1", &feed.id, "r-1", body);
    let mut statuses = || {
        let input = Input {
            topic: &feed.topic,
            partition: 0,
            offset: 0,
            received: Millis(1_800_000_000_000),
            key: None,
            payload: Some(body),
            headers: [
                (EXERCISE_ID, &b"drill-1"[..]),
                (EXERCISE_MAC, mac.as_bytes()),
            ]
            .into_iter()
            .collect(),
        };
        let mut out = Outbox::default();
        assert_eq!(detect.process(&input, &mut out), Some("detected"));
        detect.recover();
        let found = out.records().filter_map(|record| record.payload);
        let status = |payload: &[u8]| {
            let detection: serde_json::Value = serde_json::from_slice(payload).expect("JSON");
            detection["status"].as_str().map(str::to_owned)
        };
        found.filter_map(status).collect::<Vec<_>>()
    };
    let before = statuses();
    assert!(!before.is_empty() && before.iter().all(|status| status == "exercise"));
    assert_eq!(statuses(), before, "after a panic");
}
