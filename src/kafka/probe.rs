//! What a cluster lets this user do, tried out: reading topics and groups, and, when asked, writing in a transaction that is aborted.
//!
//! Invariant: nothing is committed; a record that is tried out is never seen by a `read_committed` reader.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::{KafkaSettings, Role, TopicNames, client};

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
        let consumer: Result<BaseConsumer, _> = client::reader(settings, role, true).create();
        let consumer = match consumer {
            Ok(consumer) => consumer,
            Err(error) => {
                all.push(tried::<()>("client configuration".to_owned(), Err(error)));
                return all;
            }
        };
        if role == Role::Detect {
            for topic in read {
                let ends = consumer.fetch_watermarks(topic, 0, WITHIN);
                all.push(tried(format!("read {topic}"), ends));
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

/// Tries to write to every topic that workers write to, in a transaction that is then aborted.
pub fn writing(settings: &KafkaSettings, names: &TopicNames) -> Vec<Tried> {
    let id = format!("{}/{}/doctor/0", settings.group, settings.instance);
    let producer: Result<BaseProducer, _> = client::base(settings)
        .set("transactional.id", &id)
        .set("transaction.timeout.ms", "10000")
        .set("message.timeout.ms", "8000")
        .create();
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
    for topic in [
        &names.detections,
        &names.incidents,
        &names.queue,
        &names.ledger,
        &names.shadow,
        &names.dead_letters,
    ] {
        let attempt = || -> Result<(), KafkaError> {
            producer.begin_transaction()?;
            let record: BaseRecord<'_, str, str> = BaseRecord::to(topic).key("~doctor").payload("");
            let sent = producer.send(record).map_err(|(error, _)| error);
            let flushed = producer.flush(WITHIN);
            producer.abort_transaction(WITHIN)?;
            sent.and(flushed)
        };
        all.push(tried(format!("write {topic}"), attempt()));
    }
    all
}
