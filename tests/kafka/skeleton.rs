//! The worker on a real broker, with the smallest stage: nothing lost, nothing doubled, whatever happens to it.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tocsin::core::model::{LedgerEntry, Millis};
use tocsin::kafka::{KafkaSettings, Pool, Role, Silent, TopicNames, WorkerContext, partition_of};

use super::broker::{self, Broker};
use super::counter::{Chain, Counter};
use super::tools::{create_topics, read_committed, unique, until, write};

const PARTITIONS: i32 = 3;

struct World {
    brokers: String,
    prefix: String,
    names: TopicNames,
    written: BTreeMap<i32, Vec<(String, String)>>,
}

impl World {
    fn new(brokers: &str, name: &str) -> Self {
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

    fn write(&mut self, records: std::ops::Range<u32>) {
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

    fn total(&self) -> u64 {
        self.written
            .values()
            .map(|records| records.len() as u64)
            .sum()
    }

    fn ledger(&self) -> BTreeMap<(String, i32), Vec<LedgerEntry>> {
        let mut entries: BTreeMap<(String, i32), Vec<LedgerEntry>> = BTreeMap::new();
        for seen in read_committed(&self.brokers, &self.names.ledger) {
            let entry: LedgerEntry = seen.json();
            entries
                .entry((entry.topic.clone(), entry.partition))
                .or_default()
                .push(entry);
        }
        entries
    }

    fn read_so_far(&self) -> u64 {
        self.ledger()
            .values()
            .flatten()
            .map(|entry| entry.read)
            .sum()
    }

    /// Everything that must hold when all records were read.
    fn verify(&self) {
        let ledger = self.ledger();
        for (partition, records) in &self.written {
            let entries = &ledger[&(self.names.detections.clone(), *partition)];
            let mut at = 0;
            for entry in entries {
                assert_eq!(entry.from, at, "gap or overlap: {entry:?}");
                assert_eq!(
                    entry.outcomes.values().sum::<u64>(),
                    entry.read,
                    "{entry:?}"
                );
                at = entry.to;
            }
            let read: u64 = entries.iter().map(|entry| entry.read).sum();
            assert_eq!(read, records.len() as u64, "partition {partition}");
        }
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

    fn context(&self, instance: &str) -> WorkerContext {
        WorkerContext {
            settings: Arc::new(settings(&self.brokers, &self.prefix, instance)),
            names: Arc::new(self.names.clone()),
            events: Arc::new(Silent),
            stop: Arc::new(AtomicBool::new(false)),
        }
    }

    fn start(&self, instance: &str, workers: u32) -> (Pool, Arc<AtomicBool>) {
        let context = self.context(instance);
        let names = self.names.clone();
        let pool = Pool::start(&context, Role::Correlate, workers, move |_| {
            Ok(Counter::new(&names))
        });
        (pool, context.stop)
    }

    /// A worker in a process of its own, to be killed.
    fn spawn(&self, instance: &str) -> Worker {
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

struct Worker(Child);

impl Worker {
    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

fn settings(brokers: &str, group: &str, instance: &str) -> KafkaSettings {
    let mut settings = KafkaSettings::new(brokers, group, instance);
    // Small transactions: more seams for a kill to hit.
    settings.max_time = Duration::from_millis(20);
    settings.max_records = 200;
    settings
}

/// Not a test: the body of the processes that the kill tests start.
#[test]
fn worker_process() {
    let Ok(what) = std::env::var("TOCSIN_TEST_WORKER") else {
        return;
    };
    if std::env::var("RUST_LOG").is_ok() {
        tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .init();
    }
    let mut words = what.split(' ');
    let mut word = || words.next().expect("brokers prefix instance").to_owned();
    let (brokers, prefix, instance) = (word(), word(), word());
    let names = TopicNames::new(&prefix);
    let context = WorkerContext {
        settings: Arc::new(settings(&brokers, &prefix, &instance)),
        names: Arc::new(names.clone()),
        events: Arc::new(Silent),
        stop: Arc::new(AtomicBool::new(false)),
    };
    let pool = Pool::start(&context, Role::Correlate, 1, move |_| {
        Ok(Counter::new(&names))
    });
    pool.join().expect("a worker that goes on");
}

#[test]
fn every_record_is_processed_once() {
    let mut world = World::new(broker::shared(), "once");
    let (pool, stop) = world.start("a", 2);
    world.write(0..5_000);
    until(Duration::from_secs(60), "everything read", || {
        world.read_so_far() == 5_000
    });
    stop.store(true, Ordering::SeqCst);
    let began = std::time::Instant::now();
    pool.join().expect("an orderly end");
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    world.verify();
}

#[test]
fn a_restart_goes_on_where_the_last_commit_ended() {
    let mut world = World::new(broker::shared(), "restart");
    for round in 0..3 {
        let (pool, stop) = world.start("a", 1);
        world.write(round * 1_000..(round + 1) * 1_000);
        until(Duration::from_secs(60), "everything read", || {
            world.read_so_far() == world.total()
        });
        stop.store(true, Ordering::SeqCst);
        pool.join().expect("an orderly end");
    }
    world.verify();
}

#[test]
fn an_idle_partition_advances_its_clock_once() {
    let mut world = World::new(broker::shared(), "idle");
    let context = world.context("a");
    let names = world.names.clone();
    let pool = Pool::start(&context, Role::Correlate, 1, move |_| {
        let mut counter = Counter::new(&names);
        counter.timer = Some(Millis(1));
        Ok(counter)
    });
    world.write(0..300);
    let advances = |world: &World| -> usize {
        let ledger = world.ledger();
        ledger
            .values()
            .flatten()
            .filter(|entry| entry.advanced_to.is_some())
            .count()
    };
    until(Duration::from_secs(60), "advances", || {
        advances(&world) >= PARTITIONS as usize
    });
    std::thread::sleep(Duration::from_secs(1));
    context.stop.store(true, Ordering::SeqCst);
    pool.join().expect("an orderly end");
    for entry in world.ledger().values().flatten() {
        if entry.advanced_to.is_some() {
            assert_eq!((entry.from, entry.read), (entry.to, 0), "{entry:?}");
        }
    }
    // Only where the timers of a partition fire: records that came between the first advance and the end fire again.
    assert!(
        advances(&world) <= 2 * PARTITIONS as usize,
        "{}",
        advances(&world)
    );
    world.verify();
}

#[test]
fn a_killed_worker_loses_and_doubles_nothing() {
    let broker = Broker::start();
    let mut world = World::new(&broker.address(), "kill");
    let mut random = Random(7);
    let mut a = world.spawn("a");
    let mut b = None;
    let kills = 5;
    for kill in 0..kills {
        world.write(kill * 2_000..(kill + 1) * 2_000);
        if kill == 1 {
            b = Some(world.spawn("b"));
        }
        if kill == 3 {
            b = None;
        }
        std::thread::sleep(Duration::from_millis(random.below(2_500)));
        a.kill();
        a = world.spawn("a");
    }
    world.write(kills * 2_000..(kills + 1) * 2_000);
    until(Duration::from_secs(120), "everything read", || {
        world.read_so_far() >= world.total()
    });
    drop((a, b));
    world.verify();
}

/// A small generator (xorshift64*), so that a failing run can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % bound
    }
}
