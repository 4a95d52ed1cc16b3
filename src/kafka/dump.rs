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
    #[error("topic {0} does not exist: `tocsin topics create --feeds` makes it")]
    NoTopic(String),
    /// The topic was not read to its end in time.
    #[error("{0} was not read to its end within {1:?} of silence")]
    Slow(String, Duration),
}

/// The next offset to read, by partition.
pub type Positions = BTreeMap<i32, i64>;

/// Gives `take` key and value of every record, partition by partition in the order of offsets, partitions mixed.
pub fn dump(
    settings: &KafkaSettings,
    topic: &str,
    take: impl FnMut(Option<&[u8]>, &[u8]),
) -> Result<(), DumpError> {
    read_on(settings, topic, &mut Positions::new(), usize::MAX, take).map(drop)
}

/// The same from where `from` says, or from the beginning, and at most `most` records. `from` says afterwards where to go on; the
/// answer is whether everything was read that was there.
pub fn read_on(
    settings: &KafkaSettings,
    topic: &str,
    from: &mut Positions,
    most: usize,
    mut take: impl FnMut(Option<&[u8]>, &[u8]),
) -> Result<bool, DumpError> {
    let kafka = |error| DumpError::Kafka {
        topic: topic.to_owned(),
        error,
    };
    let consumer: BaseConsumer = client::onlooker(settings)
        .set("enable.partition.eof", "true")
        .create()
        .map_err(kafka)?;
    let mut open = ends(settings, topic, &consumer, from)?;
    let mut list = TopicPartitionList::new();
    for partition in open.keys() {
        let at = Offset::Offset(from.get(partition).copied().unwrap_or(0));
        list.add_partition_offset(topic, *partition, at)
            .map_err(kafka)?;
    }
    consumer.assign(&list).map_err(kafka)?;
    let (mut quiet_since, mut left) = (Instant::now(), most);
    while !open.is_empty() {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                quiet_since = Instant::now();
                let (partition, next) = (message.partition(), message.offset() + 1);
                let high = open.get(&partition).copied().unwrap_or(0);
                if message.offset() < high {
                    if left == 0 {
                        return Ok(false);
                    }
                    left -= 1;
                    from.insert(partition, next);
                    take(message.key(), message.payload().unwrap_or_default());
                }
                if next >= high {
                    open.remove(&partition);
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                if let Some(high) = open.remove(&partition) {
                    // Markers of transactions stand behind the last record.
                    from.insert(partition, high);
                }
            }
            Some(Err(error)) => tracing::debug!(%error, topic, "reading"),
            None if quiet_since.elapsed() > TIMEOUT => {
                return Err(DumpError::Slow(topic.to_owned(), TIMEOUT));
            }
            None => {}
        }
    }
    Ok(true)
}

/// Where the partitions end now that have something to read; `from` is put to where reading begins.
fn ends(
    settings: &KafkaSettings,
    topic: &str,
    consumer: &BaseConsumer,
    from: &mut Positions,
) -> Result<BTreeMap<i32, i64>, DumpError> {
    let counts = partition_counts(settings)?;
    let Some(partitions) = counts.get(topic).copied() else {
        return Err(DumpError::NoTopic(topic.to_owned()));
    };
    let mut open = BTreeMap::new();
    for partition in 0..partitions {
        let (low, high) = consumer
            .fetch_watermarks(topic, partition, TIMEOUT)
            .map_err(|error| DumpError::Kafka {
                topic: topic.to_owned(),
                error,
            })?;
        let at = from.entry(partition).or_insert(low);
        // What was to be read next may be gone; a topic that was made anew ends before it.
        if *at < low || *at > high {
            *at = low;
        }
        if high > *at {
            open.insert(partition, high);
        }
    }
    Ok(open)
}
