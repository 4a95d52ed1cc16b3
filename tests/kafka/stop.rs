//! SIGTERM in the middle of the work: an orderly end within 10 s, and nothing left open for others to wait for.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::broker;
use super::plant::{Plant, Sent};
use super::tools::until;

/// Last stable offset, and end, of every partition of a topic.
fn ends(brokers: &str, topic: &str) -> Vec<(i64, i64)> {
    let client = |isolation: &str| -> BaseConsumer {
        ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("isolation.level", isolation)
            .create()
            .expect("a client")
    };
    let (committed, uncommitted) = (client("read_committed"), client("read_uncommitted"));
    let patience = Duration::from_secs(10);
    let metadata = committed
        .fetch_metadata(Some(topic), patience)
        .expect("metadata");
    let end = |client: &BaseConsumer, partition: i32| {
        client
            .fetch_watermarks(topic, partition, patience)
            .expect("watermarks")
            .1
    };
    (0..metadata.topics()[0].partitions().len() as i32)
        .map(|partition| (end(&committed, partition), end(&uncommitted, partition)))
        .collect()
}

#[test]
fn sigterm_under_load_leaves_nothing_uncommitted() {
    let mut plant = Plant::new(broker::shared(), "stop", "transaction_max_ms = 100");
    let at = tocsin::telemetry::wall_clock().0;
    let report = |n: u64| Sent {
        feed: 0,
        partition: (n % 3) as i32,
        at,
        payload: format!(
            r#"{{"id":"{n}","text":"House on fire","lat":{},"lon":{}}}"#,
            -80.2 + (n % 75) as f64,
            -169.7 + (n / 75 % 80) as f64
        )
        .into_bytes(),
    };
    plant.send((0..60_000).map(report).collect());
    for round in 1..=3 {
        let mut running = plant.run("a", 1);
        let before = plant.ledger().values().map(Vec::len).sum::<usize>();
        until(Duration::from_secs(60), "work has begun", || {
            running.assert_alive();
            plant.ledger().values().map(Vec::len).sum::<usize>() > before
        });
        // Asserts the ten seconds.
        running.stop();
        for topic in plant.names.all() {
            for (stable, end) in ends(&plant.brokers, topic) {
                assert_eq!(
                    stable, end,
                    "round {round}: a transaction is open in {topic}"
                );
            }
        }
    }
    let mut running = plant.run("a", 1);
    until(Duration::from_secs(180), "everything is read", || {
        running.assert_alive();
        plant.is_done()
    });
    running.stop();
    let (detections, _, letters) = plant.verify();
    assert_eq!((detections, letters), (60_000, 0));
}
