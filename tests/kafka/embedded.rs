//! The same worker on the embedded cluster: what the demo runs on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tocsin::kafka::embedded::{Embedded, EmbeddedPartitions};
use tocsin::kafka::{
    Committed, KafkaSettings, Pool, Role, TopicNames, WorkerContext, WorkerEvents, partition_of,
};

use super::counter::Counter;
use super::tools::{until, write};

/// Counts what was committed.
#[derive(Default)]
struct Counts(std::sync::Mutex<BTreeMap<String, u64>>);

impl WorkerEvents for Counts {
    fn committed(&self, committed: &Committed<'_>) {
        let mut counts = self.0.lock().expect("counts");
        for (outcome, n) in committed.entries.iter().flat_map(|entry| &entry.outcomes) {
            *counts.entry(outcome.clone()).or_default() += n;
        }
    }
}

#[test]
fn the_worker_runs_on_the_embedded_cluster() {
    let names = TopicNames::new("tocsin.");
    let partitions = EmbeddedPartitions::default();
    let cluster = Embedded::start(&names, ["feed.a"], partitions).expect("a cluster");
    let events = Arc::new(Counts::default());
    let context = WorkerContext {
        settings: Arc::new(KafkaSettings::new(cluster.brokers(), "g", "a")),
        names: Arc::new(names.clone()),
        events: events.clone(),
        stop: Arc::new(AtomicBool::new(false)),
    };
    let pool = {
        let names = names.clone();
        Pool::start(&context, Role::Correlate, 2, move |_| {
            Ok(Counter::new(&names))
        })
    };
    let keys: Vec<String> = (0..50).map(|n| format!("key-{n}")).collect();
    let records = (0..2_000usize).map(|n| {
        let key = keys[n % 50].as_bytes();
        (partition_of(key, partitions.main), key, &b"x"[..])
    });
    write(&cluster.brokers(), &names.detections, records);
    let sum = || events.0.lock().expect("counts").values().sum::<u64>();
    until(Duration::from_secs(30), "everything read", || {
        sum() >= 2_000
    });
    context.stop.store(true, Ordering::SeqCst);
    pool.join().expect("an orderly end");
    let counts = events.0.lock().expect("counts");
    assert_eq!(counts["opened"], 50);
    assert_eq!(counts["merged"], 1_950);
}
