//! The queue into the desk: its own thread, since the client blocks.
//!
//! Invariant: positions come from the store alone, where each is moved in the transaction that holds the rows; whatever goes wrong, the
//! reading begins anew from there. Only committed records are read. A record that cannot be read is passed over, counted and logged
//! without its text: correlate writes none.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::absorb::Delivery;
use super::metrics::DeskMetrics;
use super::service::{Desk, DeskError};
use crate::core::model::{ALERT_VERSION, Alert};
use crate::kafka::{KafkaSettings, client};

/// Alerts of one SQL transaction, at most.
const BATCH: usize = 1_000;
/// Bytes of one SQL transaction, about.
const BATCH_BYTES: usize = 8 << 20;
/// Longest wait for a batch to fill once it has something.
const FILL: Duration = Duration::from_millis(50);
/// Waits between attempts after a failure: doubled up to the last.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// Longest wait for the cluster to tell where partitions begin and end.
const METADATA: Duration = Duration::from_secs(10);
/// How often the lag is measured.
const LAG: Duration = Duration::from_secs(5);

/// What the thread needs.
pub struct Consume {
    /// Into which desk.
    pub desk: Desk,
    /// The cluster.
    pub kafka: KafkaSettings,
    /// The queue's topic.
    pub topic: String,
    /// Where to count.
    pub metrics: Arc<DeskMetrics>,
    /// To run the desk's futures on.
    pub runtime: tokio::runtime::Handle,
    /// Set to end.
    pub stop: Arc<AtomicBool>,
}

/// Why reading begins anew.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    Kafka(#[from] KafkaError),
    #[error("{0}")]
    Desk(#[from] DeskError),
    #[error("topic {0} does not exist: `tocsin topics create` makes it")]
    NoTopic(String),
}

impl Consume {
    /// Reads until told to stop.
    pub fn run(&self) {
        let mut wait = BACKOFF.0;
        while !self.stop.load(Ordering::SeqCst) {
            if !self.desk.is_active() {
                self.metrics.consuming(false);
                std::thread::sleep(BACKOFF.0);
                continue;
            }
            let began = Instant::now();
            if let Err(trouble) = self.session() {
                self.metrics.consuming(false);
                tracing::warn!(%trouble, "reading the queue begins anew");
                if began.elapsed() > BACKOFF.1 * 2 {
                    wait = BACKOFF.0;
                }
                self.pause(wait);
                wait = (wait * 2).min(BACKOFF.1);
            }
        }
    }

    fn pause(&self, wait: Duration) {
        let began = Instant::now();
        while began.elapsed() < wait && !self.stop.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// From the stored positions on, until something goes wrong, this desk stands by, or it is told to stop.
    fn session(&self) -> Result<(), Trouble> {
        let consumer: BaseConsumer = client::consumer(&self.kafka)
            // No member of a group: the store has the positions. An id only opens the client's queue.
            .set("group.id", format!("{}.desk", self.kafka.group))
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("isolation.level", "read_committed")
            .set("allow.auto.create.topics", "false")
            .set("fetch.error.backoff.ms", "100")
            .set(
                "queued.max.messages.kbytes",
                self.kafka.prefetch_kib.to_string(),
            )
            .create()?;
        let mut positions = self.assign(&consumer)?;
        self.metrics.consuming(true);
        let mut measured = Instant::now();
        while !self.stop.load(Ordering::SeqCst) && self.desk.is_active() {
            let batch = self.read(&consumer)?;
            if !batch.is_empty() {
                self.take_in(batch, &mut positions)?;
            }
            if measured.elapsed() > LAG {
                measured = Instant::now();
                self.measure(&consumer, &positions);
            }
        }
        Ok(())
    }

    /// Assigns every partition at its stored position, else at its beginning.
    fn assign(&self, consumer: &BaseConsumer) -> Result<BTreeMap<i32, Option<i64>>, Trouble> {
        let stored = self
            .runtime
            .block_on(self.desk.store().offsets(&self.topic))
            .map_err(DeskError::from)?;
        let metadata = consumer.fetch_metadata(Some(&self.topic), METADATA)?;
        let topic = metadata.topics().iter().find(|it| it.name() == self.topic);
        let partitions: Vec<i32> = topic
            .filter(|it| it.error().is_none())
            .map(|it| {
                it.partitions()
                    .iter()
                    .map(rdkafka::metadata::MetadataPartition::id)
                    .collect()
            })
            .unwrap_or_default();
        if partitions.is_empty() {
            return Err(Trouble::NoTopic(self.topic.clone()));
        }
        let (mut list, mut positions) = (TopicPartitionList::new(), BTreeMap::new());
        for partition in partitions {
            let (low, _) = consumer.fetch_watermarks(&self.topic, partition, METADATA)?;
            let next = stored.get(&partition).copied();
            if let Some(lost) = next.map(|next| low - next).filter(|lost| *lost > 0) {
                // Nothing can be done but to say it; `rebuild` finds no more either.
                tracing::error!(
                    partition,
                    lost,
                    "the broker deleted records before they were read"
                );
                self.metrics.lost(lost);
            }
            let from = next.unwrap_or(low).max(low);
            list.add_partition_offset(&self.topic, partition, Offset::Offset(from))?;
            positions.insert(partition, next);
        }
        consumer.assign(&list)?;
        tracing::info!(
            topic = self.topic,
            partitions = positions.len(),
            "reading the queue"
        );
        Ok(positions)
    }

    /// The next records, by partition: alerts in their order, and the next offset.
    fn read(&self, consumer: &BaseConsumer) -> Result<BTreeMap<i32, Read>, Trouble> {
        let mut batch: BTreeMap<i32, Read> = BTreeMap::new();
        let (mut alerts, mut bytes, mut began) = (0, 0, None::<Instant>);
        while alerts < BATCH && bytes < BATCH_BYTES {
            let wait = match began {
                None => FILL,
                Some(began) => match FILL.checked_sub(began.elapsed()) {
                    Some(left) => left,
                    None => break,
                },
            };
            match consumer.poll(wait) {
                None => break,
                Some(Err(KafkaError::PartitionEOF(_))) => {}
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(message)) => {
                    began.get_or_insert_with(Instant::now);
                    alerts += 1;
                    let payload = message.payload().unwrap_or_default();
                    bytes += payload.len();
                    let read = batch.entry(message.partition()).or_default();
                    read.next = message.offset() + 1;
                    match decode_alert(payload) {
                        Some(alert) => read.alerts.push(Arc::new(alert)),
                        None => {
                            self.metrics.unreadable();
                            let (partition, offset) = (message.partition(), message.offset());
                            tracing::error!(partition, offset, "a record of the queue is no alert");
                        }
                    }
                }
            }
        }
        Ok(batch)
    }

    fn take_in(
        &self,
        batch: BTreeMap<i32, Read>,
        positions: &mut BTreeMap<i32, Option<i64>>,
    ) -> Result<(), Trouble> {
        let deliveries: Vec<Delivery> = batch
            .into_iter()
            .map(|(partition, read)| Delivery {
                position: Some((self.topic.clone(), partition)),
                from: positions.get(&partition).copied().flatten(),
                to: read.next,
                alerts: read.alerts,
            })
            .collect();
        let done = self.runtime.block_on(self.desk.absorb(&deliveries))?;
        for delivery in &deliveries {
            if let Some((_, partition)) = &delivery.position {
                positions.insert(*partition, Some(delivery.to));
            }
        }
        self.metrics.absorbed(done);
        Ok(())
    }

    fn measure(&self, consumer: &BaseConsumer, positions: &BTreeMap<i32, Option<i64>>) {
        let mut lag = 0;
        for (partition, next) in positions {
            let marks = consumer.fetch_watermarks(&self.topic, *partition, METADATA);
            if let Ok((low, high)) = marks {
                lag += (high - next.unwrap_or(low)).max(0);
            }
        }
        self.metrics.lag(lag);
    }
}

/// What was read of a partition.
#[derive(Default)]
struct Read {
    next: i64,
    alerts: Vec<Arc<Alert>>,
}

/// An alert of this format version or the one before.
pub fn decode_alert(payload: &[u8]) -> Option<Alert> {
    let alert: Alert = serde_json::from_slice(payload).ok()?;
    (alert.v + 1 >= ALERT_VERSION && alert.v <= ALERT_VERSION && alert.revision > 0)
        .then_some(alert)
}
