//! The routing table is replaced while correlate works.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tocsin::config::Settings;
use tocsin::core::correlate::CorrelateConfig;
use tocsin::core::detect::{DetectEngine, DetectOutput};
use tocsin::core::diagnostic::SourceFile;
use tocsin::core::model::{Alert, Detection, Feed, Millis, Position, RawRecord};
use tocsin::core::replay::{Committed, replay_committed};
use tocsin::core::ruleset::{RuleSet, RuleSources};
use tocsin::kafka::embedded::{Embedded, EmbeddedPartitions};
use tocsin::kafka::{
    CorrelateStage, Edition, KafkaSettings, LiveRules, Pool, Role, Silent, TopicNames,
    WorkerContext, partition_of,
};
use tocsin::telemetry::{Telemetry, wall_clock};

use super::tools::{Ledger, counted, read_committed, read_ledger, until, write};

/// Small transactions on a mock cluster: minutes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);
/// Departments of which one leads on fires.
const LEADS: [&str; 3] = ["brigade", "rescue", "council"];
/// Detections between two changes.
const SHARE: usize = 1_500;

fn edition(lead: &str) -> Edition {
    let file = |name: &str, text: String| SourceFile {
        name: name.to_owned(),
        text,
    };
    let sources = RuleSources {
        rules: vec![file(
            "fire.yml",
            "title: Fire\nid: fire\nstatus: stable\ndetection:\n  a: {any|contains: on fire}\n  condition: a\ntocsin:\n  hazard: \
             fire\n  score: {base: 60}\n"
                .to_owned(),
        )],
        lexicons: Vec::new(),
        departments: file(
            "departments.yaml",
            format!(
                "departments:\n- {{id: desk, names: {{en: Desk, zh: 值班室}}, duty: true}}\n- {{id: {lead}, names: {{en: Lead, zh: \
                 牵头}}, leads: [fire]}}\n"
            ),
        ),
        gazetteer: Arc::default(),
    };
    let rules = Arc::new(RuleSet::compile(&sources).expect("rules"));
    let correlate = Arc::new(CorrelateConfig::new(Arc::clone(&rules.routing)));
    Edition { rules, correlate }
}

/// Detections in a few places, one a second, until now.
fn detections(rules: &Arc<RuleSet>) -> Vec<Detection> {
    let feed =
        r#"{"id":"a","topic":"feed.a","decoder":"tocsin","kind":"dispatch","reliability":60}"#;
    let feed: Feed = serde_json::from_str(feed).expect("a feed");
    let mut engine = DetectEngine::new(Arc::clone(rules), &[Arc::new(feed)]).expect("an engine");
    let count = LEADS.len() * SHARE;
    let start = wall_clock().plus(-1_000 * count as i64);
    let mut all = Vec::new();
    for n in 0..count {
        let payload = format!(
            r#"{{"id":"{n}","text":"House {n} on fire","lat":{},"lon":1}}"#,
            n % 9
        );
        let received = Millis(start.0 + 1_000 * n as i64);
        let record = RawRecord::new(payload.as_bytes(), received);
        let mut out = DetectOutput::default();
        engine.process(0, &record, &Position::default(), &mut out);
        all.append(&mut out.detections);
    }
    assert_eq!(all.len(), count);
    all
}

fn send(cluster: &Embedded, topic: &str, detections: &[Detection], partitions: i32) {
    let records: Vec<(&str, Vec<u8>)> = detections
        .iter()
        .map(|one| (&*one.key, serde_json::to_vec(one).expect("JSON")))
        .collect();
    let records = records.iter().map(|(key, payload)| {
        let partition = partition_of(key.as_bytes(), partitions);
        (partition, key.as_bytes(), &payload[..])
    });
    write(&cluster.brokers(), topic, records);
}

/// Alerts by incident: what the committed detections give with the routing that the ledger names. And the editions used.
fn replayed(
    ledger: &Ledger,
    topic: &str,
    records: BTreeMap<i32, Vec<(i64, Committed)>>,
    editions: &[Edition],
) -> (BTreeMap<String, Vec<String>>, BTreeSet<usize>) {
    let (mut alerts, mut used) = (BTreeMap::new(), BTreeSet::new());
    for (partition, records) in records {
        let mut records = records.into_iter().peekable();
        let (mut history, mut last) = (Vec::new(), None);
        for entry in &ledger[&(topic.to_owned(), partition)] {
            let version = entry.rule_set.as_deref().expect("the ledger names it");
            let number = editions
                .iter()
                .position(|one| *one.rules.version == *version)
                .expect("a version that was published");
            used.insert(number);
            if last.replace(number) != Some(number) {
                let config = Arc::clone(&editions[number].correlate);
                history.push(Committed::Routing(config));
            }
            history.extend(entry.advanced_to.map(Committed::Advance));
            while let Some((_, record)) = records.next_if(|(offset, _)| *offset < entry.to) {
                history.push(record);
            }
        }
        for alert in replay_committed(Arc::clone(&editions[0].correlate), history) {
            let texts: &mut Vec<String> = alerts.entry(alert.incident_id.to_string()).or_default();
            texts.push(serde_json::to_string(&alert).expect("JSON"));
        }
    }
    (alerts, used)
}

/// Each alert has the departments of the rule set that the ledger names for its transaction, and with what the ledger says a
/// replay gives every alert again, byte for byte.
#[test]
fn a_change_of_routing_is_in_the_ledger_and_in_the_alerts_after_it() {
    let names = TopicNames::new("tocsin.");
    let partitions = EmbeddedPartitions::default();
    let cluster = Embedded::start(&names, ["feed.a"], partitions).expect("a cluster");
    let telemetry =
        Telemetry::new(&Settings::bundled().expect("settings"), &[]).expect("telemetry");
    let mut settings = KafkaSettings::new(cluster.brokers(), "g", "a");
    settings.max_time = Duration::from_millis(10);
    settings.max_records = 100;
    let context = WorkerContext {
        settings: Arc::new(settings),
        names: Arc::new(names.clone()),
        events: Arc::new(Silent),
        stop: Arc::new(AtomicBool::new(false)),
    };
    let editions = LEADS.map(edition);
    let live = LiveRules::new(editions[0].clone());
    let pool = {
        let (names, live) = (names.clone(), Arc::clone(&live));
        Pool::start(&context, Role::Correlate, 2, move |_| {
            let config = live.current().correlate;
            let stage = CorrelateStage::new(&names, config, Arc::clone(&telemetry));
            Ok(stage.following(Arc::clone(&live)))
        })
    };
    let read = || {
        let ledger = read_ledger(&cluster.brokers(), &names.ledger);
        counted(&ledger, &names.detections)
    };
    let all = detections(&editions[0].rules);
    for (n, share) in all.chunks(SHARE).enumerate() {
        send(&cluster, &names.detections, share, partitions.main);
        // In the middle of the share, with detections waiting on both sides.
        until(PATIENCE, "half of it is read", || {
            read() >= (n * SHARE + SHARE / 4) as u64
        });
        if let Some(next) = editions.get(n + 1) {
            live.publish(next.clone());
        }
    }
    until(PATIENCE, "everything is read", || {
        read() >= all.len() as u64
    });
    context.stop.store(true, Ordering::SeqCst);
    pool.join().expect("an orderly end");

    let mut records: BTreeMap<i32, Vec<(i64, Committed)>> = BTreeMap::new();
    for seen in read_committed(&cluster.brokers(), &names.detections) {
        let record = Committed::Detection(Box::new(seen.json()));
        let of = records.entry(seen.partition).or_default();
        of.push((seen.offset, record));
    }
    let ledger = read_ledger(&cluster.brokers(), &names.ledger);
    let (expected, used) = replayed(&ledger, &names.detections, records, &editions);
    assert_eq!(used.len(), LEADS.len(), "each was in use: {used:?}");
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut leads = BTreeSet::new();
    for seen in read_committed(&cluster.brokers(), &names.queue) {
        let alert: Alert = seen.json();
        leads.extend(alert.departments.iter().map(|one| one.id.to_string()));
        let text = String::from_utf8(seen.payload.unwrap_or_default()).expect("UTF-8");
        let key = String::from_utf8(seen.key).expect("UTF-8");
        found.entry(key).or_default().push(text);
    }
    assert!(found == expected, "the same alerts, byte for byte");
    assert_eq!(leads, LEADS.map(String::from).into());
}
