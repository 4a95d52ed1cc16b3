//! The same reports through Kafka, where partitions are read in any order, and in a replay of them by their time: the same incidents.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tocsin::core::model::{Alert, Level, Millis};

use super::broker;
use super::plant::{FEEDS, Plant, Sent};
use super::tools::{Random, Seen, read_committed, until};

/// Less than the quiet time of any rule of the plant: no order lets an incident end in between.
const SPAN_MS: i64 = 200_000;

/// What an incident came to: its reports, how many count and are copies, level and score.
type Final = (Vec<String>, u32, u32, Level, u8);

#[test]
fn a_replay_of_the_feeds_comes_to_the_same_incidents() {
    let mut plant = Plant::new(
        broker::shared(),
        "replayed",
        "transaction_max_records = 100",
    );
    plant.edit("idle_lag_s = 2", "idle_lag_s = 2\nrefresh_s = 5");
    let wall = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock");
    let reports = reports(wall.as_millis() as i64 - SPAN_MS);
    let replayed = replay(&plant, &reports);
    assert!(replayed.len() > 20, "{}", replayed.len());
    assert!(
        replayed.values().any(|of| of.0.len() > 5 && of.2 > 0),
        "{replayed:?}"
    );
    plant.send(reports);
    let mut running = plant.run("a", 2);
    until(Duration::from_secs(120), "everything read", || {
        plant.is_done()
    });
    let end = std::time::Instant::now() + Duration::from_secs(60);
    // Counts that changed since the last revision are shown when the refresh is due.
    while on_the_queue(&plant) != replayed && std::time::Instant::now() < end {
        running.assert_alive();
        std::thread::sleep(Duration::from_millis(500));
    }
    let queue = on_the_queue(&plant);
    for (key, incident) in &replayed {
        assert_eq!(queue.get(key), Some(incident), "{key}");
    }
    assert_eq!(queue.len(), replayed.len());
    running.stop();
}

/// Reports at a few dozen places, every one by both feeds; posts repeat each other.
fn reports(start: i64) -> Vec<Sent> {
    let mut random = Random(7);
    let texts = [
        "Warehouse on fire near the river, smoke over the old harbour",
        "某小区燃气泄漏，居民已经疏散",
        "House on fire, 2 people dead, gas leak suspected",
        "A quiet day in the park",
    ];
    let made = |n: i64| {
        let feed = random.below(FEEDS.len() as u64) as usize;
        let text = texts[random.below(texts.len() as u64) as usize];
        let (lat, lon) = (
            random.below(4) as f64 - 58.2,
            random.below(4) as f64 - 139.7,
        );
        let payload = format!(r#"{{"id":"{n}","text":"{text}","lat":{lat},"lon":{lon}}}"#);
        Sent {
            feed,
            partition: random.below(FEEDS[feed].1 as u64) as i32,
            at: start + n * SPAN_MS / 600,
            payload: payload.into_bytes(),
        }
    };
    (0..600).map(made).collect()
}

/// `tocsin replay` of the reports, as lines in the order of their time.
fn replay(plant: &Plant, reports: &[Sent]) -> BTreeMap<String, Final> {
    let mut lines = String::new();
    for sent in reports {
        let (feed, received) = (FEEDS[sent.feed].0, Millis(sent.at));
        let members = std::str::from_utf8(&sent.payload[1..]).expect("UTF-8");
        let _ = writeln!(
            lines,
            r#"{{"feed":"{feed}","received":"{received}",{members}"#
        );
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (input, output) = (
        folder.path().join("in.jsonl"),
        folder.path().join("alerts.jsonl"),
    );
    std::fs::write(&input, lines).expect("write the lines");
    let (input, output) = (
        input.to_str().expect("UTF-8"),
        output.to_str().expect("UTF-8"),
    );
    let (status, said) = plant.command(&["replay", "--input", input, "--alerts", output]);
    assert!(status.success(), "{said}");
    let alerts = std::fs::read_to_string(output).expect("alerts");
    finals(
        alerts
            .lines()
            .map(|line| serde_json::from_str(line).expect("an alert")),
    )
}

fn on_the_queue(plant: &Plant) -> BTreeMap<String, Final> {
    finals(
        read_committed(&plant.brokers, &plant.names.queue)
            .iter()
            .map(Seen::json::<Alert>),
    )
}

/// The last revision of every incident, by its key.
fn finals(alerts: impl Iterator<Item = Alert>) -> BTreeMap<String, Final> {
    let mut last: BTreeMap<String, Alert> = BTreeMap::new();
    for alert in alerts {
        if last
            .get(&alert.key)
            .is_none_or(|known| known.revision < alert.revision)
        {
            last.insert(alert.key.clone(), alert);
        }
    }
    let of = |alert: Alert| {
        let mut reports = alert.report_ids;
        reports.sort_unstable();
        (
            reports,
            alert.counts.reports,
            alert.counts.copies,
            alert.level,
            alert.score,
        )
    };
    last.into_iter()
        .map(|(key, alert)| (key, of(alert)))
        .collect()
}
