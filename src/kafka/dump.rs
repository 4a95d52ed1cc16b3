//! A topic from its beginning to where it ends now, for tools that count what is there.
//!
//! Invariant: nothing is joined, committed or written; only committed records are read.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::cluster::{ClusterError, partition_counts};
use super::{KafkaSettings, client};

/// Longest silence before the reading is given up.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Why a topic was not read.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The cluster cannot be worked with.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The cluster does not answer, or refuses.
    #[error("{topic}: {error}")]
    Kafka {
        /// Which topic.
        topic: String,
        /// Answer. Not a source: its own sources only repeat it.
        error: KafkaError,
    },
    /// There is no such topic.
    #[error("topic {0} does not exist: `tocsin topics create` makes it")]
    NoTopic(String),
    /// The topic was not read to its end in time.
    #[error("{0} was not read to its end within {1:?} of silence")]
    Slow(String, Duration),
}

/// Gives `take` key and value of every record, partition by partition in the order of offsets, partitions mixed.
pub fn dump(
    settings: &KafkaSettings,
    topic: &str,
    mut take: impl FnMut(Option<&[u8]>, &[u8]),
) -> Result<(), DumpError> {
    let kafka = |error| DumpError::Kafka {
        topic: topic.to_owned(),
        error,
    };
    let counts = partition_counts(settings)?;
    let Some(partitions) = counts.get(topic).copied() else {
        return Err(DumpError::NoTopic(topic.to_owned()));
    };
    let consumer: BaseConsumer = client::onlooker(settings)
        .set("enable.partition.eof", "true")
        .create()
        .map_err(kafka)?;
    let (mut open, mut list) = (BTreeMap::new(), TopicPartitionList::new());
    for partition in 0..partitions {
        let (low, high) = consumer
            .fetch_watermarks(topic, partition, TIMEOUT)
            .map_err(kafka)?;
        if high > low {
            open.insert(partition, high);
            list.add_partition_offset(topic, partition, Offset::Offset(low))
                .map_err(kafka)?;
        }
    }
    consumer.assign(&list).map_err(kafka)?;
    let mut quiet_since = Instant::now();
    while !open.is_empty() {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                quiet_since = Instant::now();
                let high = open.get(&message.partition()).copied().unwrap_or(0);
                if message.offset() < high {
                    take(message.key(), message.payload().unwrap_or_default());
                }
                if message.offset() + 1 >= high {
                    open.remove(&message.partition());
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                open.remove(&partition);
            }
            Some(Err(error)) => tracing::debug!(%error, topic, "reading"),
            None if quiet_since.elapsed() > TIMEOUT => {
                return Err(DumpError::Slow(topic.to_owned(), TIMEOUT));
            }
            None => {}
        }
    }
    Ok(())
}
