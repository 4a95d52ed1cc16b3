//! A record on which a stage panicked is kept as it was, with the code that says whose fault it is.

use std::sync::Arc;

use tocsin::config::{LoadOptions, Settings, load_rule_set};
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
