//! The outbox onto Kafka: its own thread, since the client blocks.
//!
//! Invariant: at least once, in order per topic and incident; a record leaves the outbox after every in-sync replica has it. A topic
//! that refuses keeps only its own records waiting.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};

use super::service::Desk;
use super::store::{Outgoing, StoreError};
use crate::kafka::{KafkaSettings, client};

/// Records published at a time.
const BATCH: u32 = 1_000;
/// Wait when there is nothing to publish.
const IDLE: Duration = Duration::from_millis(100);
/// Waits between attempts after a failure: doubled up to the last.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// How long a topic that refused is left alone.
const REFUSED_FOR: Duration = Duration::from_secs(30);
/// Longest wait for receipts.
const RECEIPTS: Duration = Duration::from_secs(30);

/// What the thread needs.
pub struct Publish {
    /// Of which desk.
    pub desk: Desk,
    /// The cluster.
    pub kafka: KafkaSettings,
    /// Before every topic's name.
    pub prefix: String,
    /// To run the store's futures on.
    pub runtime: tokio::runtime::Handle,
    /// Set to end.
    pub stop: Arc<AtomicBool>,
}

/// Receipts: which records arrived, and which topics refused.
#[derive(Default)]
struct Receipts(Mutex<(Vec<i64>, BTreeMap<i64, KafkaError>)>);

impl ClientContext for Receipts {}

impl ProducerContext for Receipts {
    type DeliveryOpaque = Box<i64>;

    fn delivery(&self, result: &DeliveryResult<'_>, seq: Box<i64>) {
        let mut receipts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(_) => receipts.0.push(*seq),
            Err((error, _)) => drop(receipts.1.insert(*seq, error.clone())),
        }
    }
}

/// Why publishing begins anew.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    Kafka(#[from] KafkaError),
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl Publish {
    /// Publishes until told to stop.
    pub fn run(&self) {
        let mut wait = BACKOFF.0;
        let mut producer = None;
        let mut refused: BTreeMap<String, Instant> = BTreeMap::new();
        while !self.stop.load(Ordering::SeqCst) {
            if !self.desk.is_active() {
                std::thread::sleep(BACKOFF.0);
                continue;
            }
            match self.step(&mut producer, &mut refused) {
                Ok(0) => {
                    wait = BACKOFF.0;
                    std::thread::sleep(IDLE);
                }
                Ok(_) => wait = BACKOFF.0,
                Err(trouble) => {
                    tracing::warn!(%trouble, "decisions wait in the outbox");
                    producer = None;
                    std::thread::sleep(wait);
                    wait = (wait * 2).min(BACKOFF.1);
                }
            }
        }
    }

    fn connect(&self) -> Result<BaseProducer<Receipts>, KafkaError> {
        client::base(&self.kafka)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "5")
            .set("compression.type", "lz4")
            // As every producer of Tocsin's, and Java's default.
            .set("partitioner", "murmur2_random")
            .set("message.timeout.ms", (RECEIPTS.as_millis() / 2).to_string())
            .create_with_context(Receipts::default())
    }

    /// Publishes the oldest records. Returns how many arrived.
    fn step(
        &self,
        producer: &mut Option<BaseProducer<Receipts>>,
        refused: &mut BTreeMap<String, Instant>,
    ) -> Result<usize, Trouble> {
        refused.retain(|_, since| since.elapsed() < REFUSED_FOR);
        let left_alone: Vec<String> = refused.keys().cloned().collect();
        let store = self.desk.store();
        let records = self.runtime.block_on(store.outgoing(BATCH, &left_alone))?;
        if records.is_empty() {
            return Ok(0);
        }
        let producer = match producer {
            Some(producer) => &*producer,
            None => producer.insert(self.connect()?),
        };
        let failed = self.send(producer, &records)?;
        let (arrived, errors) = {
            let mut receipts = producer
                .context()
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *receipts)
        };
        self.runtime.block_on(store.published(&arrived))?;
        let mut topics: BTreeSet<&str> = failed.iter().map(String::as_str).collect();
        for record in &records {
            if errors.contains_key(&record.seq) {
                topics.insert(&record.topic);
            }
        }
        let refusing = errors.values().any(is_refusal) || !failed.is_empty();
        if let Some(error) = errors.into_values().next()
            && !refusing
        {
            return Err(error.into());
        }
        for topic in topics {
            tracing::error!(
                topic = format!("{}{topic}", self.prefix),
                "cannot be written: `tocsin topics create` makes it; what it should get waits"
            );
            refused.insert(topic.to_owned(), Instant::now());
        }
        Ok(arrived.len())
    }

    /// Sends all and waits for receipts; returns topics that refused at once.
    fn send(
        &self,
        producer: &BaseProducer<Receipts>,
        records: &[Outgoing],
    ) -> Result<Vec<String>, KafkaError> {
        let mut failed: Vec<String> = Vec::new();
        for record in records {
            if failed.contains(&record.topic) {
                continue;
            }
            let topic = format!("{}{}", self.prefix, record.topic);
            let sent = producer.send(
                BaseRecord::with_opaque_to(&topic, Box::new(record.seq))
                    .key(&record.key)
                    .payload(&record.payload),
            );
            if let Err((error, _)) = sent {
                if !is_refusal(&error) {
                    return Err(error);
                }
                failed.push(record.topic.clone());
            }
        }
        // Zero-timeout polls first: `flush` alone waits in steps of 100 ms.
        let began = Instant::now();
        while producer.in_flight_count() > 0 && began.elapsed() < RECEIPTS {
            producer.poll(Duration::from_millis(1));
        }
        Ok(failed)
    }
}

/// Whether it is about the topic, and not about the cluster.
fn is_refusal(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownPartition
                | RDKafkaErrorCode::TopicAuthorizationFailed
        )
    )
}
