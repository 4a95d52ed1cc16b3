//! Small things that broker tests share: topics, writers, readers that see what a reader sees.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::Message;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Headers;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tocsin::core::model::LedgerEntry;

/// A name that no other test of this run uses.
pub(super) fn unique(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{name}-{}-{n}", std::process::id())
}

/// Runs a future to its end.
pub(super) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}

/// Makes topics, `(name, partitions, settings)`.
pub(super) fn create_topics(brokers: &str, topics: &[(&str, i32, &[(&str, &str)])]) {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()
        .expect("an admin client");
    let new: Vec<NewTopic<'_>> = topics
        .iter()
        .map(|(name, partitions, settings)| {
            let mut topic = NewTopic::new(name, *partitions, TopicReplication::Fixed(1));
            for (key, value) in *settings {
                topic = topic.set(key, value);
            }
            topic
        })
        .collect();
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)));
    let results = wait(admin.create_topics(&new, &options)).expect("create topics");
    for result in results {
        result.expect("create topic");
    }
}

/// A record as a reader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) key: Vec<u8>,
    pub(super) payload: Option<Vec<u8>>,
    pub(super) headers: BTreeMap<String, Vec<u8>>,
}

impl Seen {
    /// The value as JSON.
    pub(super) fn json<T: serde::de::DeserializeOwned>(&self) -> T {
        let bytes = self.payload.as_deref().unwrap_or_default();
        serde_json::from_slice(bytes)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(bytes)))
    }
}

/// First and next offset. A topic that was made a moment ago may not have a leader yet.
fn watermarks(reader: &BaseConsumer, topic: &str, partition: i32, limit: Instant) -> (i64, i64) {
    loop {
        match reader.fetch_watermarks(topic, partition, Duration::from_secs(10)) {
            Ok(both) => return both,
            Err(error) => assert!(
                error.rdkafka_error_code() == Some(RDKafkaErrorCode::NotLeaderForPartition)
                    && Instant::now() < limit,
                "{topic}/{partition}: {error}"
            ),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Everything that a `read_committed` reader finds in a topic, by partition and offset. Waits for open transactions: the
/// end is the read-uncommitted one, and reading goes on until no transaction before it is undecided.
pub(super) fn read_committed(brokers: &str, topic: &str) -> Vec<Seen> {
    let client = |isolation: &str| -> BaseConsumer {
        ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("group.id", unique("reader"))
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "earliest")
            .set("isolation.level", isolation)
            .set("fetch.wait.max.ms", "50")
            .create()
            .expect("a reader")
    };
    let (committed, uncommitted) = (client("read_committed"), client("read_uncommitted"));
    let metadata = committed
        .fetch_metadata(Some(topic), Duration::from_secs(10))
        .expect("metadata");
    let partitions = metadata.topics()[0].partitions().len() as i32;
    let limit = Instant::now() + Duration::from_secs(60);
    let mut list = TopicPartitionList::new();
    let mut open = std::collections::BTreeSet::new();
    for partition in 0..partitions {
        let (low, high) = watermarks(&uncommitted, topic, partition, limit);
        loop {
            let (_, stable) = watermarks(&committed, topic, partition, limit);
            if stable >= high {
                break;
            }
            assert!(
                Instant::now() < limit,
                "{topic}/{partition}: a transaction stays open"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        if high > low {
            open.insert(partition);
            list.add_partition_offset(topic, partition, Offset::Beginning)
                .expect("offset");
        }
    }
    committed.assign(&list).expect("assign");
    let mut seen = Vec::new();
    while !open.is_empty() {
        assert!(Instant::now() < limit, "{topic}: not read to its end");
        match committed.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => seen.push(Seen {
                partition: message.partition(),
                offset: message.offset(),
                key: message.key().unwrap_or_default().to_vec(),
                payload: message.payload().map(<[u8]>::to_vec),
                headers: message
                    .headers()
                    .map(|headers| {
                        headers
                            .iter()
                            .map(|h| (h.key.to_owned(), h.value.unwrap_or_default().to_vec()))
                            .collect()
                    })
                    .unwrap_or_default(),
            }),
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                open.remove(&partition);
            }
            Some(Err(error)) => panic!("{topic}: {error}"),
            None => {}
        }
    }
    seen.sort_by_key(|seen| (seen.partition, seen.offset));
    seen
}

/// Writes records `(partition, key, payload)` without a transaction, and waits until they are written.
pub(super) fn write<'a>(
    brokers: &str,
    topic: &str,
    records: impl IntoIterator<Item = (i32, &'a [u8], &'a [u8])>,
) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("enable.idempotence", "true")
        .set("message.max.bytes", "20000000")
        .set("queue.buffering.max.messages", "2000000")
        .create()
        .expect("a producer");
    for (partition, key, payload) in records {
        let mut record = BaseRecord::to(topic)
            .partition(partition)
            .key(key)
            .payload(payload);
        while let Err((error, back)) = producer.send(record) {
            assert_eq!(
                error.rdkafka_error_code(),
                Some(rdkafka::error::RDKafkaErrorCode::QueueFull),
                "{error}"
            );
            producer.poll(Duration::from_millis(5));
            record = back;
        }
    }
    producer
        .flush(Duration::from_secs(60))
        .expect("everything written");
}

/// Ledger entries by input partition, in the order of the ledger.
pub(super) type Ledger = BTreeMap<(String, i32), Vec<LedgerEntry>>;

/// The whole ledger.
pub(super) fn read_ledger(brokers: &str, topic: &str) -> Ledger {
    let mut ledger = Ledger::new();
    for seen in read_committed(brokers, topic) {
        let entry: LedgerEntry = seen.json();
        let partition = (entry.topic.clone(), entry.partition);
        ledger.entry(partition).or_default().push(entry);
    }
    ledger
}

/// Records that the ledger counts on a topic.
pub(super) fn counted(ledger: &Ledger, topic: &str) -> u64 {
    let of_topic = ledger.iter().filter(|((name, _), _)| name == topic);
    of_topic
        .flat_map(|(_, entries)| entries)
        .map(|entry| entry.read)
        .sum()
}

/// Entries of every partition join without gap or overlap from 0 on, their outcomes add up, and together they count the
/// records that were written, `written` per partition.
pub(super) fn assert_ledger(ledger: &Ledger, topic: &str, written: &BTreeMap<i32, u64>) {
    for (partition, records) in written.iter().filter(|(_, records)| **records > 0) {
        let entries = ledger
            .get(&(topic.to_owned(), *partition))
            .unwrap_or_else(|| panic!("nothing was read of {topic}/{partition}"));
        let mut at = 0;
        for entry in entries {
            assert_eq!(entry.from, at, "gap or overlap: {entry:?}");
            assert_eq!(
                entry.outcomes.values().sum::<u64>(),
                entry.read,
                "{entry:?}"
            );
            assert!(entry.to - entry.from >= entry.read as i64, "{entry:?}");
            at = entry.to;
        }
        let read: u64 = entries.iter().map(|entry| entry.read).sum();
        assert_eq!(read, *records, "{topic}/{partition}");
    }
    let partitions = ledger.keys().filter(|(name, _)| name == topic).count();
    let expected = written.values().filter(|records| **records > 0).count();
    assert_eq!(partitions, expected, "partitions of {topic} in the ledger");
}

/// A small generator (xorshift64*), so that a failing run can be repeated.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % bound
    }
}

/// Waits until `what` holds, or panics.
pub(super) fn until(limit: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
