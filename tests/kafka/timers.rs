//! Many things due at once, as after an outage: they happen over several transactions, and the alerts are the same.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tocsin::core::model::LedgerEntry;

use super::broker;
use super::plant::{Plant, Sent};
use super::tools::until;

const KAFKA: &str = "transaction_max_ms = 50";
/// Incidents of each of two hazards, in some four partitions.
const INCIDENTS: i64 = 6_000;
const HOUR: i64 = 3_600_000;

/// A fire and a gas leak in a place of its own, far from any gazetteer's.
fn report(n: i64, at: i64) -> Sent {
    let (lat, lon) = (-80.2 + (n % 75) as f64, -169.7 + (n / 75) as f64);
    Sent {
        feed: 0,
        partition: 0,
        at,
        payload: format!(
            r#"{{"id":"{n}-{at}","text":"House on fire after a gas leak","lat":{lat},"lon":{lon}}}"#
        )
        .into_bytes(),
    }
}

#[test]
fn what_is_due_at_once_happens_over_several_transactions() {
    let mut plant = Plant::new(broker::shared(), "timers", KAFKA);
    let wall = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock");
    let start = wall.as_millis() as i64;
    // By the time of the second report everything of the first is due, before a record; later, without one.
    for before in [3 * HOUR, HOUR] {
        let at = start - before;
        plant.send((0..INCIDENTS).map(|n| report(n, at + n)).collect());
    }
    // All of it lies there before correlate starts, which would otherwise be idle in between.
    let mut detect = plant.run_with("a", 1, &["--role", "detect"]);
    until(Duration::from_secs(300), "everything is detected", || {
        detect.assert_alive();
        plant.is_detected()
    });
    detect.stop();
    let mut running = plant.run("a", 1);
    let of_detections = |entry: &&LedgerEntry| entry.topic == plant.names.detections;
    until(Duration::from_secs(300), "everything became quiet", || {
        running.assert_alive();
        let ledger = plant.ledger();
        let quiet = ledger.values().filter(|entries| {
            entries
                .iter()
                .filter(of_detections)
                .any(|entry| entry.advanced_to.is_some_and(|to| to.0 > start - HOUR / 4))
        });
        quiet.count() == 4 && plant.is_done()
    });
    running.stop();
    for entries in plant.ledger().values() {
        let entries: Vec<&LedgerEntry> = entries.iter().filter(of_detections).collect();
        if entries.is_empty() {
            continue;
        }
        let idle = entries.iter().filter_map(|entry| entry.advanced_to);
        let idle: Vec<i64> = idle.map(|to| to.0).collect();
        assert!(idle.len() >= 3 && idle.is_sorted(), "{idle:?}");
        let before_a_record = entries
            .iter()
            .filter(|entry| entry.read == 0 && entry.advanced_to.is_none());
        assert!(before_a_record.count() >= 1);
    }
    let (detections, alerts, letters) = plant.verify();
    eprintln!("{detections} detections, {alerts} alerts");
    assert_eq!((detections as i64, letters), (4 * INCIDENTS, 0));
    // Opened and quiet, twice.
    assert_eq!(alerts as i64, 8 * INCIDENTS);
}
