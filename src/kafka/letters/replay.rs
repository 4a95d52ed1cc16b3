//! Dead letters on their way round again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};

use super::read::{TIMEOUT, each, kafka};
use super::{Filter, Letter, LetterId, LettersError, show};
use crate::kafka::client::{self, MAX_MESSAGE_BYTES};
use crate::kafka::dead_letter::{DROPPED, KEY_LENGTH, Origin, retry_headers};
use crate::kafka::{KafkaSettings, TopicNames, cluster, membership, partition_of};

/// Counts what the cluster did not take.
#[derive(Default)]
struct Receipts {
    failed: AtomicU64,
}

impl ClientContext for Receipts {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        membership::log(level, facility, message);
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
    let counts = cluster::partition_counts(settings)?;
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
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
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
