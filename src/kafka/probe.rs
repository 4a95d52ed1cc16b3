//! What a cluster lets this user do, tried out: reading topics and groups, and, when asked, writing in a transaction that is aborted.
//!
//! Invariant: nothing is committed; a record that is tried out is never seen by a `read_committed` reader.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::{KafkaSettings, Role, client};

/// Longest wait for an answer.
const WITHIN: Duration = Duration::from_secs(10);
/// Records may lie this far in the future before a clock is wrong.
const AHEAD: Duration = Duration::from_secs(60);

/// Something that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// What: `read feed.posts`.
    pub what: String,
    /// Why it did not work.
    pub error: Option<String>,
}

fn tried<T>(what: String, result: Result<T, KafkaError>) -> Tried {
    Tried {
        what,
        error: result.err().map(|error| error.to_string()),
    }
}

/// Tries to read every topic of `read`, and the committed offsets of both groups.
pub fn reading(settings: &KafkaSettings, read: &[&str]) -> Vec<Tried> {
    let mut all = Vec::new();
    for role in [Role::Detect, Role::Correlate] {
        // What others have open in a transaction is no reason to wait.
        let consumer: Result<BaseConsumer, _> = client::reader(settings, role, false).create();
        let consumer = match consumer {
            Ok(consumer) => consumer,
            Err(error) => {
                all.push(tried::<()>("client configuration".to_owned(), Err(error)));
                return all;
            }
        };
        if role == Role::Detect {
            for topic in read {
                all.push(tried(format!("read {topic}"), fetch(&consumer, topic)));
            }
        }
        let mut list = TopicPartitionList::new();
        if let Some(topic) = read.first() {
            list.add_partition(topic, 0);
        }
        let offsets = consumer.committed_offsets(list, WITHIN);
        let what = format!("group {}", client::group(settings, role));
        all.push(tried(what, offsets));
    }
    all
}

/// Fetches from the end of a topic: whoever may only describe it learns where its end is, too.
fn fetch(consumer: &BaseConsumer, topic: &str) -> Result<(), KafkaError> {
    let (_, end) = consumer.fetch_watermarks(topic, 0, WITHIN)?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(end))?;
    consumer.assign(&list)?;
    let began = Instant::now();
    let mut last = KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut);
    while began.elapsed() < WITHIN {
        match consumer.poll(WITHIN.saturating_sub(began.elapsed())) {
            Some(Ok(_) | Err(KafkaError::PartitionEOF(_))) => return Ok(()),
            Some(Err(error)) => {
                let code = error.rdkafka_error_code();
                last = error;
                if code == Some(RDKafkaErrorCode::TopicAuthorizationFailed) {
                    break;
                }
            }
            None => {}
        }
    }
    Err(last)
}

/// Feed topics that hold records from more than a minute in the future: the source's clock, or this one's, is wrong.
pub fn ahead(
    settings: &KafkaSettings,
    counts: &BTreeMap<String, i32>,
    feeds: &[&str],
) -> Vec<String> {
    let consumer: Result<BaseConsumer, _> = client::reader(settings, Role::Detect, true).create();
    let Ok(consumer) = consumer else {
        return Vec::new();
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let limit = i64::try_from((now + AHEAD).as_millis()).unwrap_or(i64::MAX);
    let mut found = Vec::new();
    for feed in feeds {
        let mut list = TopicPartitionList::new();
        for partition in 0..counts.get(*feed).copied().unwrap_or(0) {
            // A partition number of the topic's own cannot be refused.
            let _ = list.add_partition_offset(feed, partition, Offset::Offset(limit));
        }
        let answer = consumer.offsets_for_times(list, WITHIN);
        let is_ahead = answer.is_ok_and(|list| {
            let mut offsets = list.elements().into_iter().map(|it| it.offset());
            offsets.any(|offset| matches!(offset, Offset::Offset(at) if at >= 0))
        });
        if is_ahead {
            found.push((*feed).to_owned());
        }
    }
    found
}

/// What became of the record that was tried last.
#[derive(Default)]
struct Delivered(Mutex<Option<KafkaError>>);

impl ClientContext for Delivered {}

impl ProducerContext for Delivered {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let error = result.as_ref().err().map(|(error, _)| error.clone());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }
}

/// Tries to write to topics, each in a transaction that is then aborted.
pub fn writing(settings: &KafkaSettings, topics: &[&str]) -> Vec<Tried> {
    let id = format!("{}/{}/doctor/0", settings.group, settings.instance);
    let producer: Result<BaseProducer<Delivered>, _> = client::base(settings)
        .set("transactional.id", &id)
        .set("transaction.timeout.ms", "10000")
        .set("message.timeout.ms", "5000")
        .create_with_context(Delivered::default());
    let producer = match producer {
        Ok(producer) => producer,
        Err(error) => return vec![tried::<()>("client configuration".to_owned(), Err(error))],
    };
    let mut all = vec![tried(
        format!("transactional id {id}"),
        producer.init_transactions(WITHIN),
    )];
    if all[0].error.is_some() {
        return all;
    }
    for topic in topics {
        all.push(tried(format!("write {topic}"), write(&producer, topic)));
    }
    all
}

fn write(producer: &BaseProducer<Delivered>, topic: &str) -> Result<(), KafkaError> {
    producer.begin_transaction()?;
    let record: BaseRecord<'_, str, str> = BaseRecord::to(topic).key("~doctor").payload("");
    let sent = producer.send(record).map_err(|(error, _)| error);
    let flushed = producer.flush(WITHIN);
    let delivered = producer.client().context().0.lock();
    let delivered = delivered.unwrap_or_else(PoisonError::into_inner).take();
    let result = match delivered {
        // Nothing was written. That the record was late is all that is said of it; the transaction knows why.
        Some(late) => Err(producer.commit_transaction(WITHIN).err().unwrap_or(late)),
        None => sent.and(flushed),
    };
    let aborted = producer.abort_transaction(WITHIN);
    result.and(aborted)
}
