//! A transaction held open across a restore: whatever becomes of it, nothing is missing afterwards.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tocsin::core::model::{LEDGER_VERSION, LedgerEntry};

use super::broker;
use super::counter::Chain;
use super::tools::{read_committed, unique, until};
use super::world::World;

const HELD: Duration = Duration::from_secs(4);

fn transactional(brokers: &str) -> BaseProducer {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("transactional.id", unique("held"))
        .set("transaction.timeout.ms", "60000")
        .create()
        .expect("a producer");
    producer
        .init_transactions(Duration::from_secs(30))
        .expect("init_transactions");
    producer.begin_transaction().expect("begin_transaction");
    producer
}

fn send(producer: &BaseProducer, topic: &str, partition: i32, key: &str, payload: &[u8]) {
    let record = BaseRecord::to(topic)
        .partition(partition)
        .key(key)
        .payload(payload);
    producer
        .send(record)
        .map_err(|(error, _)| error)
        .expect("send");
}

/// A worker died after it had written everything of a transaction, and before anybody knew how that ends. The next one
/// must wait: had it started from the offsets before, or without the state, records would count twice.
#[test]
fn pending_offsets_are_waited_for() {
    let mut world = World::new(broker::shared(), "pending");
    world.write(0..300);
    let producer = transactional(&world.brokers);
    let mut offsets = TopicPartitionList::new();
    for (partition, records) in &world.written {
        let mut chains: BTreeMap<&str, Chain> = BTreeMap::new();
        for (key, payload) in records {
            let chain = chains.entry(key).or_default();
            *chain = chain.after(payload.as_bytes());
            let json = serde_json::to_vec(&chain).expect("JSON");
            let to = tocsin::kafka::partition_of(key.as_bytes(), 2);
            send(&producer, &world.names.queue, to, key, &json);
        }
        for (key, chain) in &chains {
            let json = serde_json::to_vec(chain).expect("JSON");
            send(&producer, &world.names.incidents, *partition, key, &json);
        }
        let read = records.len() as u64;
        let entry = LedgerEntry {
            v: LEDGER_VERSION,
            stage: "correlate".to_owned(),
            topic: world.names.detections.clone(),
            partition: *partition,
            from: 0,
            to: read as i64,
            read,
            outcomes: BTreeMap::from([("merged".to_owned(), read)]),
            advanced_to: None,
            clock: None,
            rule_set: None,
        };
        let key = format!("{}/{partition}", world.names.detections);
        let to = tocsin::kafka::partition_of(key.as_bytes(), 2);
        send(
            &producer,
            &world.names.ledger,
            to,
            &key,
            &serde_json::to_vec(&entry).expect("JSON"),
        );
        offsets
            .add_partition_offset(
                &world.names.detections,
                *partition,
                Offset::Offset(read as i64),
            )
            .expect("offset");
    }
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &world.brokers)
        .set("group.id", format!("{}.correlate", world.prefix))
        .create()
        .expect("a consumer");
    let metadata = consumer.group_metadata().expect("group metadata");
    producer.flush(Duration::from_secs(30)).expect("flush");
    producer
        .send_offsets_to_transaction(&offsets, &metadata, Duration::from_secs(30))
        .expect("send_offsets_to_transaction");

    let (pool, stop) = world.start("b", 1);
    std::thread::sleep(HELD);
    producer
        .commit_transaction(Duration::from_secs(30))
        .expect("commit_transaction");
    world.write(300..600);
    until(Duration::from_secs(60), "everything read", || {
        world.read_so_far() >= 600
    });
    stop.store(true, Ordering::SeqCst);
    pool.join().expect("an orderly end");
    world.verify();
}

/// A transaction that is still open lies before committed state in the changelog. A client that asks for the end read
/// committed is told the last stable offset, and would believe to be done before the first record.
#[test]
fn state_behind_an_open_transaction_is_restored() {
    let mut world = World::new(broker::shared(), "behind");
    let (pool, stop) = world.start("a", 1);
    world.write(0..500);
    until(Duration::from_secs(60), "everything read", || {
        world.read_so_far() == 500
    });
    let producer = transactional(&world.brokers);
    for partition in 0..super::world::PARTITIONS {
        send(
            &producer,
            &world.names.incidents,
            partition,
            "key-0",
            b"to be aborted",
        );
    }
    producer.flush(Duration::from_secs(30)).expect("flush");

    world.write(500..1_000);
    // Reads of the ledger do not meet the open transaction, only those of the changelog do.
    until(Duration::from_secs(60), "everything read", || {
        world.read_so_far() == 1_000
    });
    stop.store(true, Ordering::SeqCst);
    pool.join().expect("an orderly end");

    let (pool, stop) = world.start("b", 1);
    world.write(1_000..2_000);
    std::thread::sleep(HELD);
    assert_eq!(
        world.read_so_far(),
        1_000,
        "nothing may be read on state that is not there"
    );
    producer
        .abort_transaction(Duration::from_secs(30))
        .expect("abort_transaction");
    until(Duration::from_secs(60), "everything read", || {
        world.read_so_far() == 2_000
    });
    stop.store(true, Ordering::SeqCst);
    pool.join().expect("an orderly end");
    world.verify();
    let junk = read_committed(&world.brokers, &world.names.incidents);
    assert!(
        junk.iter()
            .all(|seen| seen.payload.as_deref() != Some(b"to be aborted"))
    );
}
