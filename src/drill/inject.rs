//! Labelled records, sent to their feeds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::Message as _;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};

use super::{DrillError, kafka};
use crate::core::detect::{DrillKey, EXERCISE_ID, EXERCISE_MAC, EXERCISE_WITHDRAWN};
use crate::core::drill::encode;
use crate::core::model::{Feed, Millis, Report};
use crate::kafka::{KafkaSettings, client};

/// Longest wait for a record to be acknowledged.
const WITHIN: Duration = Duration::from_secs(30);

/// The end of a feed's partition behind the last record that was sent there: topic and partition → offset.
pub type Ends = BTreeMap<(String, i32), i64>;

/// Notes where records came to lie.
#[derive(Default)]
struct Receipts(Mutex<(Ends, Option<rdkafka::error::KafkaError>)>);

impl ClientContext for Receipts {}

impl ProducerContext for Receipts {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _opaque: ()) {
        let mut receipts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(message) => {
                let key = (message.topic().to_owned(), message.partition());
                let end = receipts.0.entry(key).or_default();
                *end = (*end).max(message.offset() + 1);
            }
            Err((error, _)) => receipts.1 = Some(error.clone()),
        }
    }
}

/// Sends the records of one exercise.
pub struct Injector {
    producer: ThreadedProducer<Receipts>,
    key: Arc<DrillKey>,
    exercise: String,
}

impl Injector {
    /// Connects.
    pub fn new(
        settings: &KafkaSettings,
        key: Arc<DrillKey>,
        exercise: &str,
    ) -> Result<Self, DrillError> {
        let producer = client::base(settings)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "5")
            .set("message.timeout.ms", WITHIN.as_millis().to_string())
            .create_with_context(Receipts::default())
            .map_err(kafka("client configuration"))?;
        Ok(Self {
            producer,
            key,
            exercise: exercise.to_owned(),
        })
    }

    /// Sends a report as observed at `observed`; `timestamp`: the record's, none for the present. `withdrawn` takes the report back.
    pub fn send(
        &self,
        feed: &Feed,
        report: &Report<'_>,
        observed: Millis,
        timestamp: Option<Millis>,
        withdrawn: bool,
    ) -> Result<(), DrillError> {
        let body = encode(feed, report, observed).map_err(|why| DrillError::Record {
            report: report.id.to_string(),
            feed: feed.id.to_string(),
            why,
        })?;
        let sign = if withdrawn {
            DrillKey::withdrawal_mac
        } else {
            DrillKey::mac
        };
        let mac = sign(&self.key, &self.exercise, &feed.id, &report.id, &body);
        let mut headers = OwnedHeaders::new()
            .insert(header(EXERCISE_ID, &self.exercise))
            .insert(header(EXERCISE_MAC, &mac));
        if withdrawn {
            headers = headers.insert(header(EXERCISE_WITHDRAWN, "true"));
        }
        let key = report.id.as_bytes();
        let began = Instant::now();
        loop {
            let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&feed.topic)
                .key(key)
                .payload(body.as_slice())
                .headers(headers.clone());
            if let Some(at) = timestamp {
                record = record.timestamp(at.0);
            }
            let full = rdkafka::types::RDKafkaErrorCode::QueueFull;
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((error, _))
                    if error.rdkafka_error_code() == Some(full) && began.elapsed() < WITHIN =>
                {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err((error, _)) => return Err(kafka(format!("send to {}", feed.topic))(error)),
            }
        }
    }

    /// Waits until everything is written, and says where it lies.
    pub fn settle(&self) -> Result<Ends, DrillError> {
        self.producer.flush(WITHIN).map_err(kafka("send"))?;
        let context = self.producer.context();
        let receipts = context.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &receipts.1 {
            Some(error) => Err(kafka("a record was not written")(error.clone())),
            None => Ok(receipts.0.clone()),
        }
    }
}

fn header<'a>(key: &'a str, value: &'a str) -> Header<'a, &'a str> {
    Header {
        key,
        value: Some(value),
    }
}
