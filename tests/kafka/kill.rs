//! The kill test: the binary is killed at random moments, a second process joins and leaves, the broker goes away and comes
//! back, while reports keep coming. Afterwards a `read_committed` reader finds every record once, and every alert that a
//! replay of the committed detections gives, and the counts of growth are those of the same replay.
//!
//! `TOCSIN_KILL_TEST=full` makes it 200,000 reports and 20 kills, with the timeouts of production.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::broker::Broker;
use super::growing::verify_series;
use super::plant::{FEEDS, Plant, Running, Sent};
use super::tools::Random;

struct Size {
    reports: u64,
    kills: u64,
    /// Longest life of a process between two kills.
    life: Duration,
    outage: Duration,
    kafka: &'static str,
}

const SMALL: Size = Size {
    reports: 15_000,
    kills: 5,
    life: Duration::from_secs(6),
    outage: Duration::from_secs(20),
    kafka: "transaction_max_ms = 30\ntransaction_max_records = 500\nsession_timeout_ms = 3000\ntransaction_timeout_ms = 3000",
};

const FULL: Size = Size {
    reports: 200_000,
    kills: 20,
    life: Duration::from_secs(16),
    outage: Duration::from_secs(20),
    kafka: "transaction_max_ms = 30\ntransaction_max_records = 500",
};

/// Span of the reports' times: incidents open, become quiet and open again within it.
const SPAN_MS: i64 = 3 * 3_600_000;

/// Reports from `SPAN_MS` ago until now: half of them hits, in some thousand places; a few that cannot be read, and a few
/// that are too old.
fn reports(random: &mut Random, total: u64, range: std::ops::Range<u64>, start: i64) -> Vec<Sent> {
    let texts = [
        "Warehouse on fire near the river",
        "某小区燃气泄漏",
        "House on fire, 2 people dead, gas leak suspected",
        "A quiet day in the park",
        "The library opens at nine",
        "今天天气很好",
    ];
    range
        .map(|n| {
            let feed = random.below(FEEDS.len() as u64) as usize;
            let at = start + (n as i64 * SPAN_MS) / total as i64;
            let text = texts[random.below(texts.len() as u64) as usize];
            let (lat, lon) = (
                random.below(40) as f64 - 60.2,
                random.below(40) as f64 - 139.7,
            );
            let payload = match random.below(100) {
                0 => format!("{{\"id\": {n}, \"text\": \"cut sho"),
                1 => format!(r#"{{"id":"{n}","text":"{text}","observed":"2001-01-01T00:00:00Z"}}"#),
                // Some reports come twice, some are revised.
                2..6 => format!(
                    r#"{{"id":"again-{}","text":"{text}","lat":{lat},"lon":{lon}}}"#,
                    random.below(500)
                ),
                _ => format!(
                    r#"{{"id":"{n}","text":"{text} {}","lat":{lat},"lon":{lon}}}"#,
                    random.below(50)
                ),
            };
            Sent {
                feed,
                partition: random.below(FEEDS[feed].1 as u64) as i32,
                at,
                payload: payload.into_bytes(),
            }
        })
        .collect()
}

#[test]
fn nothing_is_lost_or_doubled_when_processes_die_and_the_broker_goes_away() {
    let full = std::env::var("TOCSIN_KILL_TEST").is_ok_and(|size| size == "full");
    let size = if full { FULL } else { SMALL };
    let mut broker = Broker::start();
    let mut plant = Plant::new(&broker.address(), "kill", size.kafka);
    let wall = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock");
    let start = wall.as_millis() as i64 - SPAN_MS;
    let mut random = Random(20_260_101);
    let began = Instant::now();
    let mut a = plant.run("a", 2);
    let mut b = None;
    let share = size.reports / (size.kills + 1);
    for kill in 0..=size.kills {
        let end = if kill == size.kills {
            size.reports
        } else {
            (kill + 1) * share
        };
        let batch = reports(&mut random, size.reports, kill * share..end, start);
        plant.send(batch);
        if kill == size.kills {
            break;
        }
        match kill * 5 / size.kills {
            1 | 3 => {
                b.get_or_insert_with(|| plant.run("b", 1));
            }
            _ => {
                if let Some(mut b) = b.take() {
                    b.stop();
                }
            }
        }
        if kill == size.kills / 2 {
            broker.stop("TERM");
            std::thread::sleep(size.outage);
            broker.resume();
        }
        let life = random.below(size.life.as_millis() as u64);
        std::thread::sleep(Duration::from_millis(life));
        a.assert_alive();
        a.kill();
        a = plant.run("a", 2);
    }
    // However slow the machine: what is read grows until everything is.
    let mut grown = (0, Instant::now());
    while !plant.is_done() {
        a.assert_alive();
        let read = plant.read();
        if read > grown.0 {
            grown = (read, Instant::now());
        }
        assert!(
            grown.1.elapsed() < Duration::from_secs(60),
            "not everything read: {}\n--- a\n{}\n--- b\n{}",
            plant.progress(),
            a.tail(),
            b.as_ref().map_or_else(String::new, Running::tail)
        );
        std::thread::sleep(Duration::from_secs(1));
    }
    // Idle partitions advance to the wall clock meanwhile; then everything ends in order.
    std::thread::sleep(Duration::from_secs(3));
    a.stop();
    if let Some(mut b) = b.take() {
        b.stop();
    }
    let (detections, alerts, letters) = plant.verify();
    let series = verify_series(&plant);
    for correlation in ["fires", "feeds"] {
        let of = plant.alerts_of(correlation);
        assert!(of > 10, "{of} alerts of the correlation {correlation}");
    }
    eprintln!(
        "{} reports, {} kills, outage {:?}: {detections} detections, {alerts} alerts, {series} series, {letters} dead letters; {:?}",
        plant.total(),
        size.kills,
        size.outage,
        began.elapsed()
    );
    assert!(detections > 1_000 && alerts > 100 && letters > 10 && series > 100);
}
