//! `delivery = "at_least_once"`, for brokers without transactions: after kills nothing is missing; things may come twice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tocsin::core::model::{Alert, Detection};

use super::broker;
use super::plant::{FEEDS, Plant, Sent};
use super::tools::{Random, read_committed, until};

const KAFKA: &str = "delivery = \"at_least_once\"\ntransaction_max_ms = 30\ntransaction_max_records = 200\nsession_timeout_ms = 3000";
const REPORTS: u64 = 6_000;
const KILLS: u64 = 4;

/// A report in a place of its own: every third one a fire, and some that cannot be read.
fn report(n: u64, at: i64) -> Sent {
    let (lat, lon) = (-80.2 + (n % 75) as f64, -169.7 + (n / 75) as f64);
    let feed = (n % 2) as usize;
    let payload = match n % 6 {
        0 | 3 => format!(r#"{{"id":"{n}","text":"House on fire","lat":{lat},"lon":{lon}}}"#),
        5 => format!(r#"{{"id":"{n}","te"#),
        _ => format!(r#"{{"id":"{n}","text":"A quiet day","lat":{lat},"lon":{lon}}}"#),
    };
    Sent {
        feed,
        partition: (n % FEEDS[feed].1 as u64) as i32,
        at,
        payload: payload.into_bytes(),
    }
}

#[test]
fn at_least_once_loses_nothing_when_processes_die() {
    let mut plant = Plant::new(broker::shared(), "least", KAFKA);
    let mut random = Random(11);
    let mut running = plant.run("a", 2);
    let share = REPORTS / (KILLS + 1);
    for part in 0..=KILLS {
        let at = tocsin::telemetry::wall_clock().0;
        plant.send(
            (part * share..(part + 1) * share)
                .map(|n| report(n, at))
                .collect(),
        );
        if part < KILLS {
            std::thread::sleep(Duration::from_millis(500 + random.below(2_500)));
            running.assert_alive();
            running.kill();
            running = plant.run("a", 2);
        }
    }
    // Counted with repetitions, the ledger says too early that all is read: what counts is how far it reaches.
    let reached = |topic: &str, partition: i32, end: i64| {
        let ledger = plant.ledger();
        let entries = ledger.get(&(topic.to_owned(), partition));
        entries.is_some_and(|entries| entries.iter().any(|entry| entry.to == end))
    };
    until(Duration::from_secs(120), "the feeds are read", || {
        running.assert_alive();
        plant.sent.iter().all(|((feed, partition), records)| {
            reached(
                &plant.topic_of(FEEDS[*feed].0),
                *partition,
                records.len() as i64,
            )
        })
    });
    let ends = || -> BTreeMap<i32, i64> {
        let seen = read_committed(&plant.brokers, &plant.names.detections);
        seen.iter()
            .map(|seen| (seen.partition, seen.offset + 1))
            .collect()
    };
    until(Duration::from_secs(120), "the detections are read", || {
        ends()
            .iter()
            .all(|(partition, end)| reached(&plant.names.detections, *partition, *end))
    });
    running.stop();
    verify(&plant);
}

fn verify(plant: &Plant) {
    // Every entry joins one before it, or repeats: no offset is in none.
    for ((topic, partition), entries) in plant.ledger() {
        let mut covered = 0;
        let mut ranges: Vec<(i64, i64)> =
            entries.iter().map(|entry| (entry.from, entry.to)).collect();
        ranges.sort_unstable();
        for (from, to) in ranges {
            assert!(
                from <= covered,
                "{topic}/{partition}: {covered}..{from} is in no entry"
            );
            covered = covered.max(to);
        }
    }
    let fires: BTreeSet<String> = (0..REPORTS)
        .filter(|n| n % 3 == 0)
        .map(|n| n.to_string())
        .collect();
    let detections = read_committed(&plant.brokers, &plant.names.detections);
    let detected = detections
        .iter()
        .map(|seen| seen.json::<Detection>().report.id.clone());
    assert_eq!(detected.collect::<BTreeSet<_>>(), fires);
    let letters = read_committed(&plant.brokers, &plant.names.dead_letters);
    let kept: BTreeSet<Vec<u8>> = letters
        .into_iter()
        .filter_map(|seen| seen.payload)
        .collect();
    assert_eq!(kept.len() as u64, REPORTS / 6);
    let mut alerted = BTreeSet::new();
    let mut revisions: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    let queue = read_committed(&plant.brokers, &plant.names.queue);
    for seen in &queue {
        let alert: Alert = seen.json();
        alerted.extend(alert.report_ids.iter().map(ToString::to_string));
        revisions
            .entry(alert.incident_id.to_string())
            .or_default()
            .insert(alert.revision);
    }
    let named = |n: &String| format!("{}/{n}", FEEDS[n.parse::<usize>().expect("a number") % 2].0);
    let missing: Vec<String> = fires
        .iter()
        .map(named)
        .filter(|id| !alerted.contains(id))
        .collect();
    assert!(missing.is_empty(), "not on the queue: {missing:?}");
    assert_eq!(alerted.len(), fires.len());
    for (incident, revisions) in revisions {
        let last = revisions.len() as u32;
        assert!(
            revisions.into_iter().eq(1..=last),
            "revisions of {incident}"
        );
    }
    eprintln!(
        "{} detections of {} reports, {} alerts",
        detections.len(),
        fires.len(),
        queue.len()
    );
}
