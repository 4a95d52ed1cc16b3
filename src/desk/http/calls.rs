//! Reports taken by telephone, on their way to Kafka.
//!
//! Invariant: a report is answered as taken only after the broker has it.

use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::BoxFuture;
use rdkafka::ClientContext;
use rdkafka::error::KafkaError;
use rdkafka::producer::{
    BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer,
};
use tokio::sync::oneshot;

use super::api::Reports;
use crate::kafka::KafkaSettings;

/// Longest wait for the broker to take a report.
const WITHIN: Duration = Duration::from_secs(10);

/// Time of a record, in milliseconds since 1970.
type Stamp = Box<dyn Fn() -> i64 + Send + Sync>;

type Receipt = oneshot::Sender<Result<(), String>>;

/// Tells each sender what became of its report.
struct Receipts;

impl ClientContext for Receipts {}

impl ProducerContext for Receipts {
    type DeliveryOpaque = Box<Mutex<Option<Receipt>>>;

    fn delivery(&self, result: &DeliveryResult<'_>, receipt: Self::DeliveryOpaque) {
        let told = result
            .as_ref()
            .map(|_| ())
            .map_err(|(error, _)| error.to_string());
        if let Some(receipt) = receipt.lock().ok().and_then(|mut slot| slot.take()) {
            // Whoever asked may have gone.
            let _ = receipt.send(told);
        }
    }
}

/// The way to the feed of manual reports.
pub struct KafkaReports {
    producer: ThreadedProducer<Receipts>,
    topic: String,
    /// None: now, as Kafka says it.
    stamp: Option<Stamp>,
}

impl std::fmt::Debug for KafkaReports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaReports")
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}

impl KafkaReports {
    /// A producer to this topic. The cluster need not be there yet.
    pub fn new(settings: &KafkaSettings, topic: &str) -> Result<Self, KafkaError> {
        let mut config = crate::kafka::client::base(settings);
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "0")
            .set("queue.buffering.max.messages", "1000")
            .set(
                "message.timeout.ms",
                (WITHIN.as_millis() - 1_000).to_string(),
            );
        Ok(Self {
            producer: config.create_with_context(Receipts)?,
            topic: topic.to_owned(),
            stamp: None,
        })
    }

    /// For a stream that lies in the past: reports are received when it says.
    #[must_use]
    pub fn stamped(mut self, stamp: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        self.stamp = Some(Box::new(stamp));
        self
    }
}

impl Reports for KafkaReports {
    fn send<'a>(&'a self, key: &'a str, body: Vec<u8>) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let (receipt, told) = oneshot::channel();
            let opaque = Box::new(Mutex::new(Some(receipt)));
            let mut record = BaseRecord::with_opaque_to(&self.topic, opaque)
                .key(key)
                .payload(&body);
            if let Some(stamp) = &self.stamp {
                record = record.timestamp(stamp());
            }
            self.producer
                .send(record)
                .map_err(|(error, _)| error.to_string())?;
            match tokio::time::timeout(WITHIN, told).await {
                Ok(Ok(told)) => told,
                Ok(Err(_)) => Err("the producer has ended".to_owned()),
                Err(_) => Err("no answer from the broker".to_owned()),
            }
        })
    }
}

impl Drop for KafkaReports {
    fn drop(&mut self) {
        // Every report was answered or given up: nothing is worth waiting for.
        let _ = self.producer.flush(Duration::from_millis(100));
    }
}
