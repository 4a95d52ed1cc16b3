//! Reading dead letters back, and sending them round again through the retry topic.
//!
//! Invariant: a replay writes to the retry topic only, never into a feed; what was cut short is not replayed.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Header, Headers as _, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::{ClientContext, Message};

use super::client::{self, MAX_MESSAGE_BYTES};
use super::dead_letter::{
    CODE, DROPPED, KEY, KEY_LENGTH, LENGTH, MESSAGE, Origin, STAGE, retry_headers,
};
use super::{Headers, KafkaSettings, TopicNames, partition_of};

const TIMEOUT: Duration = Duration::from_secs(15);

/// Where a dead letter lies: `partition/offset` in the topic of dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub struct LetterId {
    pub partition: i32,
    pub offset: i64,
}

impl std::fmt::Display for LetterId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.partition, self.offset)
    }
}

impl std::str::FromStr for LetterId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once('/').and_then(|(partition, offset)| {
            Some(Self {
                partition: partition.parse().ok().filter(|n| *n >= 0)?,
                offset: offset.parse().ok().filter(|n| *n >= 0)?,
            })
        });
        parsed.ok_or_else(|| format!("`{text}` is not partition/offset, such as 0/17"))
    }
}

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Where it lies.
    pub id: LetterId,
    /// Where the record was first read; none when the letter is not one of ours.
    pub origin: Option<Origin>,
    /// Stage that refused it.
    pub stage: String,
    /// Stable code.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// Length of the original, where the letter holds its head only.
    pub cut_from: Option<u64>,
    /// Key of the original.
    pub key: Option<Vec<u8>>,
    /// Value, or its head.
    pub payload: Vec<u8>,
    /// All headers.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Letter {
    /// The headers, borrowed.
    pub fn borrowed_headers(&self) -> Headers<'_> {
        self.headers
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_slice()))
            .collect()
    }

    fn read(message: &BorrowedMessage<'_>) -> Self {
        let headers: Vec<(String, Vec<u8>)> = message
            .headers()
            .map(|headers| {
                headers
                    .iter()
                    .map(|h| (h.key.to_owned(), h.value.unwrap_or_default().to_vec()))
                    .collect()
            })
            .unwrap_or_default();
        let find = |name: &str| {
            headers
                .iter()
                .rev()
                .find(|(key, _)| key == name)
                .map(|(_, v)| v)
        };
        let text = |name: &str| {
            find(name)
                .map(|value| String::from_utf8_lossy(value).into_owned())
                .unwrap_or_default()
        };
        let origin = {
            let borrowed: Headers<'_> = headers
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_slice()))
                .collect();
            Origin::of(&borrowed)
        };
        let (stage, code, message_text) = (text(STAGE), text(CODE), text(MESSAGE));
        let (cut_from, key) = (text(LENGTH).parse().ok(), find(KEY).cloned());
        Self {
            id: LetterId {
                partition: message.partition(),
                offset: message.offset(),
            },
            origin,
            stage,
            code,
            message: message_text,
            cut_from,
            key,
            payload: message.payload().unwrap_or_default().to_vec(),
            headers,
        }
    }
}

/// Which dead letters.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this feed only.
    pub feed: Option<String>,
    /// With this code only.
    pub code: Option<String>,
}

impl Filter {
    fn takes(&self, letter: &Letter) -> bool {
        let feed = letter.origin.as_ref().map(|origin| origin.feed.as_str());
        self.feed
            .as_deref()
            .is_none_or(|wanted| feed == Some(wanted))
            && self
                .code
                .as_deref()
                .is_none_or(|wanted| letter.code == wanted)
    }
}

/// What went wrong with the dead letters.
#[derive(Debug, thiserror::Error)]
pub enum LettersError {
    /// The cluster cannot be worked with.
    #[error(transparent)]
    Cluster(#[from] super::cluster::ClusterError),
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

/// Counts what the cluster did not take.
#[derive(Default)]
struct Receipts {
    failed: AtomicU64,
}

impl ClientContext for Receipts {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        super::membership::log(level, facility, message);
    }
}

impl ProducerContext for Receipts {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            tracing::warn!(%error, "a letter was not written");
            self.failed.fetch_add(1, Ordering::SeqCst);
        }
    }
}

fn kafka(what: impl Into<String>) -> impl FnOnce(KafkaError) -> LettersError {
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

/// What a replay did.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Replayed {
    /// Letters sent to the retry topic.
    pub replayed: u64,
    /// Letters whose head only is kept: the source has to send the record again.
    pub cut_short: u64,
    /// Records among the dead letters that Tocsin did not write.
    pub foreign: u64,
}

/// Sends letters to the retry topic: those named, or, without names, all that the filter takes.
pub fn replay(
    settings: &KafkaSettings,
    names: &TopicNames,
    ids: &[LetterId],
    filter: &Filter,
) -> Result<Replayed, LettersError> {
    let counts = super::cluster::partition_counts(settings)?;
    let count = counts.get(&names.retry).copied().unwrap_or(1);
    let producer: BaseProducer<Receipts> = client::base(settings)
        .set("enable.idempotence", "true")
        .set("message.max.bytes", MAX_MESSAGE_BYTES.to_string())
        .create_with_context(Receipts::default())
        .map_err(kafka("producer configuration"))?;
    let mut done = Replayed::default();
    let mut send = |letter: &Letter| -> Result<(), LettersError> {
        let Some(origin) = &letter.origin else {
            done.foreign += 1;
            return Ok(());
        };
        if letter.cut_from.is_some()
            || letter
                .headers
                .iter()
                .any(|(key, _)| key == DROPPED || key == KEY_LENGTH)
        {
            done.cut_short += 1;
            return Ok(());
        }
        send_one(&producer, names, count, letter, origin)?;
        done.replayed += 1;
        Ok(())
    };
    if ids.is_empty() {
        each(settings, names, |letter| {
            if filter.takes(&letter) {
                send(&letter)
            } else {
                Ok(())
            }
        })?;
    } else {
        for id in ids {
            send(&show(settings, names, *id)?)?;
        }
    }
    producer
        .flush(TIMEOUT)
        .map_err(kafka(format!("writing to {}", names.retry)))?;
    let failed = producer.context().failed.load(Ordering::SeqCst);
    if failed > 0 {
        return Err(LettersError::Unwritten {
            topic: names.retry.clone(),
            failed,
            sent: done.replayed,
        });
    }
    Ok(done)
}

fn send_one(
    producer: &BaseProducer<Receipts>,
    names: &TopicNames,
    count: i32,
    letter: &Letter,
    origin: &Origin,
) -> Result<(), LettersError> {
    let mut headers = OwnedHeaders::new();
    for (key, value) in retry_headers(origin, &letter.stage, &letter.borrowed_headers()) {
        headers = headers.insert(Header {
            key: &key,
            value: Some(&value),
        });
    }
    let mut record = BaseRecord::to(&names.retry)
        .key(&origin.feed)
        .partition(partition_of(origin.feed.as_bytes(), count))
        .payload(&letter.payload)
        .headers(headers);
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((
                KafkaError::MessageProduction(rdkafka::error::RDKafkaErrorCode::QueueFull),
                back,
            )) => {
                producer.poll(Duration::from_millis(10));
                record = back;
            }
            Err((error, _)) => {
                let what = format!("writing to {}", names.retry);
                return Err(LettersError::Kafka { what, error });
            }
        }
    }
}

/// Every letter up to where the topic ends now.
fn each(
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
    let counts = super::cluster::partition_counts(settings)?;
    let Some(partitions) = counts.get(&names.dead_letters).copied() else {
        return Err(LettersError::NoTopic(names.dead_letters.clone()));
    };
    let consumer = client::base(settings)
        // A group id only opens the client's queue; nothing is committed or joined.
        .set("group.id", format!("{}.dead-letters", settings.group))
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed")
        .create()
        .map_err(kafka("client configuration"))?;
    Ok((consumer, partitions))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_shown() {
        let id = LetterId {
            partition: 3,
            offset: 17,
        };
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in ["3", "3/", "/1", "-1/2", "1/-2", "a/b"] {
            assert!(wrong.parse::<LetterId>().is_err(), "{wrong}");
        }
    }
}
