//! A rule set that is replaced while the workers run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tocsin::config::Settings;
use tocsin::core::correlate::CorrelateConfig;
use tocsin::core::diagnostic::SourceFile;
use tocsin::core::model::{Detection, Feed};
use tocsin::core::ruleset::{RuleSet, RuleSources};
use tocsin::kafka::embedded::{Embedded, EmbeddedPartitions};
use tocsin::kafka::{
    DetectStage, Edition, KafkaSettings, LiveRules, Pool, Role, Silent, TopicNames, WorkerContext,
};
use tocsin::telemetry::Telemetry;

use super::broker;
use super::plant::{Plant, Sent};
use super::tools::{counted, read_committed, read_ledger, until, write};

fn edition(base: u8) -> Edition {
    let rule = format!(
        "title: Fire\nid: fire\nstatus: stable\ndetection:\n  a: {{any|contains: on fire}}\n  condition: a\ntocsin:\n  hazard: \
         fire\n  score: {{base: {base}}}\n"
    );
    let sources = RuleSources {
        rules: vec![SourceFile {
            name: "fire.yml".to_owned(),
            text: rule,
        }],
        lexicons: Vec::new(),
        departments: SourceFile::default(),
        gazetteer: Arc::default(),
    };
    let rules = Arc::new(RuleSet::compile(&sources).expect("rules"));
    let correlate = Arc::new(CorrelateConfig::new(Arc::clone(&rules.routing)));
    Edition { rules, correlate }
}

/// Nothing is lost, nothing comes twice; each detection is of one version, with that version's severity, and within a partition
/// versions follow one another in the order in which they were published.
#[test]
fn a_reload_under_load_loses_and_repeats_nothing() {
    const FEED_PARTITIONS: i32 = 3;
    const RECORDS: usize = 12_000;
    const EDITIONS: u8 = 4;
    let names = TopicNames::new("tocsin.");
    let partitions = EmbeddedPartitions {
        feed: FEED_PARTITIONS,
        ..EmbeddedPartitions::default()
    };
    let cluster = Embedded::start(&names, ["feed.a"], partitions).expect("a cluster");
    let feed =
        r#"{"id":"a","topic":"feed.a","decoder":"tocsin","kind":"dispatch","reliability":60}"#;
    let feed: Feed = serde_json::from_str(feed).expect("a feed");
    let feeds = vec![Arc::new(feed)];
    let telemetry =
        Telemetry::new(&Settings::bundled().expect("settings"), &feeds).expect("telemetry");
    let mut settings = KafkaSettings::new(cluster.brokers(), "g", "a");
    settings.max_time = Duration::from_millis(10);
    settings.max_records = 100;
    let context = WorkerContext {
        settings: Arc::new(settings),
        names: Arc::new(names.clone()),
        events: Arc::new(Silent),
        stop: Arc::new(AtomicBool::new(false)),
    };
    let editions: Vec<Edition> = (1..=EDITIONS).map(|n| edition(n * 10)).collect();
    let live = LiveRules::new(editions[0].clone());
    let pool = {
        let (names, live) = (names.clone(), Arc::clone(&live));
        Pool::start(&context, Role::Detect, 2, move |_| {
            let rules = live.current().rules;
            let stage = DetectStage::new(&names, rules, &feeds, Arc::clone(&telemetry))?;
            Ok(stage.following(Arc::clone(&live)))
        })
    };
    let payloads: Vec<String> = (0..RECORDS)
        .map(|n| format!(r#"{{"id":"{n}","text":"House {n} on fire","lat":1,"lon":1}}"#))
        .collect();
    let read = || counted(&read_ledger(&cluster.brokers(), &names.ledger), "feed.a");
    let part = RECORDS / usize::from(EDITIONS);
    for (n, chunk) in payloads.chunks(part).enumerate() {
        let records = chunk.iter().enumerate().map(|(n, payload)| {
            let partition = n as i32 % FEED_PARTITIONS;
            (partition, &b""[..], payload.as_bytes())
        });
        write(&cluster.brokers(), "feed.a", records);
        // In the middle of the chunk, with records waiting on both sides.
        let half = (n * part + part / 4) as u64;
        until(Duration::from_secs(60), "half of it is read", || {
            read() >= half
        });
        if let Some(next) = editions.get(n + 1) {
            live.publish(next.clone());
        }
    }
    until(Duration::from_secs(60), "everything is read", || {
        read() >= RECORDS as u64
    });
    context.stop.store(true, Ordering::SeqCst);
    pool.join().expect("an orderly end");

    let found: Vec<Detection> = read_committed(&cluster.brokers(), &names.detections)
        .iter()
        .map(super::tools::Seen::json)
        .collect();
    let ids: BTreeSet<&str> = found.iter().map(|d| &*d.report.id).collect();
    assert_eq!((found.len(), ids.len()), (RECORDS, RECORDS), "each once");
    let mut at: BTreeMap<i32, Vec<(i64, usize)>> = BTreeMap::new();
    let mut used = BTreeSet::new();
    for detection in &found {
        let number = editions
            .iter()
            .position(|one| one.rules.version == detection.rule_set)
            .expect("a version that was published");
        assert_eq!(usize::from(detection.severity), (number + 1) * 10);
        used.insert(number);
        let position = &detection.position;
        at.entry(position.partition)
            .or_default()
            .push((position.offset, number));
    }
    assert!(used.len() >= 3, "reloads happened under load: {used:?}");
    for (partition, mut versions) in at {
        versions.sort_unstable();
        assert!(
            versions.is_sorted_by_key(|(_, number)| *number),
            "partition {partition}"
        );
    }
}

fn wait_for(running: &mut super::plant::Running, what: &str) {
    let began = Instant::now();
    while !running.log().contains(what) {
        running.assert_alive();
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "no `{what}`:\n{}",
            running.tail()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The real binary: a changed file is taken over by itself, a broken one is refused with its place, SIGHUP reads at once.
#[test]
fn the_process_takes_over_good_files_and_refuses_broken_ones() {
    let mut plant = Plant::new(broker::shared(), "reload", "");
    let mut running = plant.run("a", 1);
    wait_for(&mut running, " running ");
    let send = |plant: &mut Plant, text: &str, id: u64| {
        let payload = format!(r#"{{"id":"{id}","text":"{text}","lat":1,"lon":{id}}}"#);
        plant.send(vec![Sent {
            feed: 0,
            partition: 0,
            at: tocsin::telemetry::wall_clock().0,
            payload: payload.into_bytes(),
        }]);
    };
    send(&mut plant, "House on fire", 1);
    until(Duration::from_secs(60), "the first is read", || {
        plant.is_detected()
    });
    let good = plant.rules();
    plant.write_rules(&good.replace("on fire, ", "ablaze, "));
    wait_for(&mut running, "the rule set was reloaded");
    send(&mut plant, "House on fire", 2);
    send(&mut plant, "House ablaze", 3);
    until(Duration::from_secs(60), "all is read", || {
        plant.is_detected()
    });
    plant.write_rules("title: [\n");
    wait_for(&mut running, "the one in use stays");
    running.signal("-HUP");
    until(Duration::from_secs(30), "refused again", || {
        running.log().matches("the one in use stays").count() == 2
    });
    send(&mut plant, "Barn ablaze", 4);
    until(Duration::from_secs(60), "all is read", || {
        plant.is_detected()
    });
    running.signal("-HUP");
    running.stop();
    let found: Vec<Detection> = read_committed(&plant.brokers, &plant.names.detections)
        .iter()
        .map(super::tools::Seen::json)
        .collect();
    let mut ids: Vec<&str> = found.iter().map(|d| &*d.report.id).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["1", "3", "4"]);
    let versions: BTreeSet<&str> = found.iter().map(|d| &*d.rule_set).collect();
    assert_eq!(versions.len(), 2);
    // The shadow rule fired on the two that say fire; the second is nobody else's since the reload.
    plant.write_rules(&good);
    let (status, text) = plant.command(&["rules", "shadow", "--json"]);
    assert!(status.success(), "{text}");
    let shown: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let rule = &shown["rules"][0];
    assert_eq!(
        (&rule["rule"], &rule["hits"], &rule["new"]),
        (&"any-fire".into(), &2.into(), &1.into())
    );
    assert_eq!(rule["samples"][0]["excerpt"], "House on fire");
    let log = running.log();
    assert!(log.contains("rules.yml"), "where it is broken: {log}");
}
