//! The topic of dead letters, read as far as it goes now.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::{Filter, Letter, LetterId};
use crate::kafka::{KafkaSettings, TopicNames, client, cluster};

pub(super) const TIMEOUT: Duration = Duration::from_secs(15);

/// What went wrong with the dead letters.
#[derive(Debug, thiserror::Error)]
pub enum LettersError {
    /// The cluster cannot be worked with.
    #[error(transparent)]
    Cluster(#[from] crate::kafka::cluster::ClusterError),
    /// The cluster does not answer, or refuses.
    #[error("{what}: {error}")]
    Kafka {
        /// While doing what.
        what: String,
        /// Answer. Not a source: its own sources only repeat it.
        error: KafkaError,
    },
    /// There is no topic of dead letters.
    #[error("topic {0} does not exist: `tocsin topics create` makes it")]
    NoTopic(String),
    /// The letter is not there.
    #[error("there is no dead letter {0}: `tocsin dead-letters list` names those there are")]
    Missing(LetterId),
    /// The topic was not read to its end in time.
    #[error("{0} was not read to its end within {1:?} of silence")]
    Slow(String, Duration),
    /// The cluster did not take every letter. Those that it took are replayed.
    #[error("{topic}: {failed} of {sent} letters were not written; the others were")]
    Unwritten {
        /// Where to.
        topic: String,
        /// Letters refused.
        failed: u64,
        /// Letters sent.
        sent: u64,
    },
}

pub(super) fn kafka(what: impl Into<String>) -> impl FnOnce(KafkaError) -> LettersError {
    let what = what.into();
    move |error| LettersError::Kafka { what, error }
}

/// The newest `limit` letters that the filter takes, in the order of the topic.
pub fn list(
    settings: &KafkaSettings,
    names: &TopicNames,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<Letter>, LettersError> {
    let mut kept = VecDeque::new();
    each(settings, names, |letter| {
        if filter.takes(&letter) {
            if kept.len() == limit {
                kept.pop_front();
            }
            kept.push_back(Letter {
                // A list shows no text: thousands of letters of megabytes must not be held for it.
                payload: Vec::new(),
                ..letter
            });
        }
        Ok(())
    })?;
    let mut kept: Vec<Letter> = kept.into();
    kept.sort_by_key(|letter| letter.id);
    Ok(kept)
}

/// One letter.
pub fn show(
    settings: &KafkaSettings,
    names: &TopicNames,
    id: LetterId,
) -> Result<Letter, LettersError> {
    let (consumer, _) = reader(settings, names)?;
    let (low, high) = consumer
        .fetch_watermarks(&names.dead_letters, id.partition, TIMEOUT)
        .map_err(|_| LettersError::Missing(id))?;
    if id.offset < low || id.offset >= high {
        return Err(LettersError::Missing(id));
    }
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&names.dead_letters, id.partition, Offset::Offset(id.offset))
        .map_err(kafka("assign"))?;
    consumer.assign(&list).map_err(kafka("assign"))?;
    let until = Instant::now() + TIMEOUT;
    while Instant::now() < until {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) if message.offset() == id.offset => {
                return Ok(Letter::read(&message));
            }
            Some(Ok(_) | Err(KafkaError::PartitionEOF(_))) => {
                return Err(LettersError::Missing(id));
            }
            Some(Err(error)) => tracing::debug!(%error, "reading dead letters"),
            None => {}
        }
    }
    Err(LettersError::Slow(names.dead_letters.clone(), TIMEOUT))
}

/// Every letter up to where the topic ends now.
pub(super) fn each(
    settings: &KafkaSettings,
    names: &TopicNames,
    mut take: impl FnMut(Letter) -> Result<(), LettersError>,
) -> Result<(), LettersError> {
    let topic = &names.dead_letters;
    let (consumer, partitions) = reader(settings, names)?;
    // Where each partition ended at the start: what comes meanwhile may be a replayed letter that was refused again.
    let mut open = std::collections::BTreeMap::new();
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        let (low, high) = consumer
            .fetch_watermarks(topic, partition, TIMEOUT)
            .map_err(kafka(topic.clone()))?;
        if high > low {
            open.insert(partition, high);
            list.add_partition_offset(topic, partition, Offset::Offset(low))
                .map_err(kafka("assign"))?;
        }
    }
    consumer.assign(&list).map_err(kafka("assign"))?;
    let mut quiet_since = Instant::now();
    while !open.is_empty() {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                quiet_since = Instant::now();
                let Some(high) = open.get(&message.partition()).copied() else {
                    continue;
                };
                if message.offset() + 1 >= high {
                    open.remove(&message.partition());
                }
                if message.offset() < high {
                    take(Letter::read(&message))?;
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                open.remove(&partition);
            }
            Some(Err(error)) => tracing::debug!(%error, "reading dead letters"),
            None if quiet_since.elapsed() > TIMEOUT => {
                return Err(LettersError::Slow(topic.clone(), TIMEOUT));
            }
            None => {}
        }
    }
    Ok(())
}

/// A reader of dead letters, and their partitions.
fn reader(
    settings: &KafkaSettings,
    names: &TopicNames,
) -> Result<(BaseConsumer, i32), LettersError> {
    let counts = cluster::partition_counts(settings)?;
    let Some(partitions) = counts.get(&names.dead_letters).copied() else {
        return Err(LettersError::NoTopic(names.dead_letters.clone()));
    };
    let consumer = client::onlooker(settings)
        .set("enable.partition.eof", "true")
        .create()
        .map_err(kafka("client configuration"))?;
    Ok((consumer, partitions))
}
