//! A small world for the worker: topics, records written, and everything that must hold once they were read.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tocsin::kafka::{KafkaSettings, Pool, Role, Silent, TopicNames, WorkerContext, partition_of};

use super::counter::{Chain, Counter};
use super::tools::{
    Ledger, assert_ledger, counted, create_topics, read_committed, read_ledger, unique, write,
};

pub(super) const PARTITIONS: i32 = 3;

pub(super) struct World {
    pub(super) brokers: String,
    pub(super) prefix: String,
    pub(super) names: TopicNames,
    pub(super) written: BTreeMap<i32, Vec<(String, String)>>,
}

impl World {
    pub(super) fn new(brokers: &str, name: &str) -> Self {
        let prefix = format!("{}.", unique(name));
        let names = TopicNames::new(&prefix);
        let compact: &[(&str, &str)] = &[("cleanup.policy", "compact")];
        create_topics(
            brokers,
            &[
                (&names.detections, PARTITIONS, &[]),
                (&names.incidents, PARTITIONS, compact),
                (&names.queue, 2, &[]),
                (&names.ledger, 2, &[]),
                (&names.shadow, 1, &[]),
                (&names.dead_letters, 1, &[]),
                (&names.retry, 1, &[]),
            ],
        );
        Self {
            brokers: brokers.to_owned(),
            prefix,
            names,
            written: BTreeMap::new(),
        }
    }

    pub(super) fn write(&mut self, records: std::ops::Range<u32>) {
        let mut batch = Vec::new();
        for n in records {
            let key = format!("key-{}", n.wrapping_mul(2_654_435_761) % 97);
            let partition = partition_of(key.as_bytes(), PARTITIONS);
            let payload = format!("record {n}");
            self.written
                .entry(partition)
                .or_default()
                .push((key.clone(), payload.clone()));
            batch.push((partition, key, payload));
        }
        write(
            &self.brokers,
            &self.names.detections,
            batch
                .iter()
                .map(|(p, k, v)| (*p, k.as_bytes(), v.as_bytes())),
        );
    }

    pub(super) fn total(&self) -> u64 {
        self.written
            .values()
            .map(|records| records.len() as u64)
            .sum()
    }

    pub(super) fn ledger(&self) -> Ledger {
        read_ledger(&self.brokers, &self.names.ledger)
    }

    pub(super) fn read_so_far(&self) -> u64 {
        counted(&self.ledger(), &self.names.detections)
    }

    /// Everything that must hold when all records were read.
    pub(super) fn verify(&self) {
        let counts = self.written.iter();
        let written = counts.map(|(partition, records)| (*partition, records.len() as u64));
        assert_ledger(&self.ledger(), &self.names.detections, &written.collect());
        let mut expected: BTreeMap<&str, Vec<Chain>> = BTreeMap::new();
        for (key, payload) in self.written.values().flatten() {
            let chains = expected.entry(key).or_default();
            let last = chains.last().copied().unwrap_or_default();
            chains.push(last.after(payload.as_bytes()));
        }
        let mut found: BTreeMap<String, Vec<Chain>> = BTreeMap::new();
        for seen in read_committed(&self.brokers, &self.names.queue) {
            let chain: Chain = seen.json();
            let key = String::from_utf8(seen.key).expect("a key");
            found
                .entry(key)
                .or_default()
                .push(Chain { fired: 0, ..chain });
        }
        assert_eq!(found.len(), expected.len());
        for (key, chains) in &expected {
            assert_eq!(&found[*key], chains, "{key}");
        }
    }

    pub(super) fn context(&self, instance: &str) -> WorkerContext {
        WorkerContext {
            settings: Arc::new(settings(&self.brokers, &self.prefix, instance)),
            names: Arc::new(self.names.clone()),
            events: Arc::new(Silent),
            stop: Arc::new(AtomicBool::new(false)),
        }
    }

    pub(super) fn start(&self, instance: &str, workers: u32) -> (Pool, Arc<AtomicBool>) {
        let context = self.context(instance);
        let names = self.names.clone();
        let pool = Pool::start(&context, Role::Correlate, workers, move |_| {
            Ok(Counter::new(&names))
        });
        (pool, context.stop)
    }

    /// A worker in a process of its own, to be killed.
    pub(super) fn spawn(&self, instance: &str) -> Worker {
        let child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", "kafka::skeleton::worker_process", "--nocapture"])
            .env(
                "TOCSIN_TEST_WORKER",
                format!("{} {} {instance}", self.brokers, self.prefix),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("start a worker");
        Worker(child)
    }
}

pub(super) struct Worker(Child);

impl Worker {
    pub(super) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(super) fn settings(brokers: &str, group: &str, instance: &str) -> KafkaSettings {
    let mut settings = KafkaSettings::new(brokers, group, instance);
    // Small transactions: more seams for a kill to hit.
    settings.max_time = Duration::from_millis(20);
    settings.max_records = 200;
    settings
}
