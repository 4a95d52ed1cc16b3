//! The transactional producer: one transaction at a time, or plain production for brokers without transactions.
//!
//! Invariant: after [`Transaction::commit`] returned `Ok` everything sent since [`Transaction::begin`] exists; after
//! [`Fault::Abort`] and a successful [`Transaction::abort`] nothing of it does; after [`Fault::Restart`] nobody knows, and
//! the worker begins anew from the committed offsets, behind a new producer that settles what the old one left open.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::{Delivery, KafkaSettings, Role, client};

/// Why a worker cannot simply go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// Abort the transaction, undo, read again.
    #[error("{0}")]
    Abort(String),
    /// Drop every client and begin anew from the committed offsets.
    #[error("{0}")]
    Restart(String),
    /// Another producer took over the transactional id.
    #[error("{0}")]
    Fenced(String),
    /// Trying again would not help.
    #[error("{0}")]
    Fatal(String),
}

/// Longest wait for one answer; longer operations are resumed until their own deadline.
const STEP: Duration = Duration::from_secs(2);

#[derive(Default)]
struct Receipts {
    failure: Mutex<Option<(String, RDKafkaErrorCode)>>,
}

impl ClientContext for Receipts {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        super::membership::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "kafka producer");
    }
}

impl ProducerContext for Receipts {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        use rdkafka::Message;
        if let Err((error, message)) = result {
            let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
            let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
            failure.get_or_insert_with(|| (message.topic().to_owned(), code));
        }
    }
}

/// A worker's producer.
pub(super) struct Transaction {
    producer: BaseProducer<Receipts>,
    exactly_once: bool,
    open: bool,
}

impl Transaction {
    /// Connects, and settles what an earlier producer of the same id left open.
    pub(super) fn connect(
        settings: &KafkaSettings,
        role: Role,
        worker: u32,
        give_up: impl Fn() -> bool,
    ) -> Result<Self, Fault> {
        let producer: BaseProducer<Receipts> = client::producer(settings, role, worker)
            .create_with_context(Receipts::default())
            .map_err(|error| Fault::Fatal(format!("producer configuration: {error}")))?;
        let exactly_once = settings.delivery == Delivery::ExactlyOnce;
        if exactly_once {
            settle(&producer, give_up)?;
        }
        Ok(Self {
            producer,
            exactly_once,
            open: false,
        })
    }

    /// Whether a transaction is open.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Opens a transaction.
    pub(super) fn begin(&mut self) -> Result<(), Fault> {
        if self.exactly_once {
            self.producer
                .begin_transaction()
                .map_err(|error| classify("begin_transaction", &error))?;
        }
        self.open = true;
        Ok(())
    }

    /// Sends one record within the transaction. Waits, bounded, while the send buffer is full.
    pub(super) fn send(
        &self,
        topic: &str,
        partition: i32,
        key: &[u8],
        payload: Option<&[u8]>,
        headers: &[(String, Vec<u8>)],
    ) -> Result<(), Fault> {
        let mut record: BaseRecord<'_, [u8], [u8]> =
            BaseRecord::to(topic).key(key).partition(partition);
        if let Some(payload) = payload {
            record = record.payload(payload);
        }
        if !headers.is_empty() {
            let mut owned = OwnedHeaders::new_with_capacity(headers.len());
            for (key, value) in headers {
                owned = owned.insert(Header {
                    key,
                    value: Some(value),
                });
            }
            record = record.headers(owned);
        }
        let mut deadline = None;
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    let until = *deadline.get_or_insert_with(|| Instant::now() + STEP * 4);
                    if Instant::now() > until {
                        return Err(Fault::Abort("the send buffer stays full".to_owned()));
                    }
                    self.producer.poll(Duration::from_millis(1));
                    record = back;
                }
                Err((error, _)) => return Err(produce_fault(topic, &error)),
            }
        }
    }

    /// Waits until nothing is in flight. Polls without waiting first: `commit_transaction` and `flush` would poll in
    /// steps of 100 ms.
    pub(super) fn flush(&self, patience: Duration) -> Result<(), Fault> {
        let deadline = Instant::now() + patience;
        while self.producer.flush(Duration::ZERO).is_err() {
            if Instant::now() > deadline {
                return Err(Fault::Abort(
                    "not everything was written in time".to_owned(),
                ));
            }
            self.producer.poll(Duration::from_micros(500));
        }
        let failure = self
            .producer
            .context()
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match failure {
            None => Ok(()),
            Some((topic, RDKafkaErrorCode::MessageSizeTooLarge)) => Err(too_large(&topic)),
            Some((topic, code)) => Err(Fault::Abort(format!("write to {topic}: {code}"))),
        }
    }

    /// Adds the offsets and commits. `Ok` only when the broker has said so.
    pub(super) fn commit(
        &mut self,
        offsets: &TopicPartitionList,
        generation: &ConsumerGroupMetadata,
        patience: Duration,
    ) -> Result<(), Fault> {
        let deadline = Instant::now() + patience;
        resume("send_offsets_to_transaction", deadline, || {
            self.producer
                .send_offsets_to_transaction(offsets, generation, STEP)
        })?;
        match resume("commit_transaction", deadline, || {
            self.producer.commit_transaction(STEP)
        }) {
            Ok(()) => {
                self.open = false;
                Ok(())
            }
            Err(fault) => Err(fault),
        }
    }

    /// At least once: the outputs are written, the offsets are committed by the caller.
    pub(super) fn settle(&mut self) {
        self.open = false;
    }

    /// Aborts. Any failure means beginning anew.
    pub(super) fn abort(&mut self, patience: Duration) -> Result<(), Fault> {
        if !self.open {
            return Ok(());
        }
        self.open = false;
        if self.exactly_once {
            let deadline = Instant::now() + patience;
            resume("abort_transaction", deadline, || {
                self.producer.abort_transaction(STEP)
            })
            .map_err(|fault| match fault {
                Fault::Abort(why) => Fault::Restart(why),
                other => other,
            })?;
        }
        // Purged records report themselves as failures; they belong to what was just undone.
        while self.producer.in_flight_count() > 0 {
            self.producer.poll(Duration::from_micros(500));
        }
        self.producer.poll(Duration::ZERO);
        self.producer
            .context()
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        Ok(())
    }
}

/// Fences an earlier producer of the same id, and waits until its transaction has ended.
fn settle(producer: &BaseProducer<Receipts>, give_up: impl Fn() -> bool) -> Result<(), Fault> {
    loop {
        match producer.init_transactions(STEP) {
            Ok(()) => return Ok(()),
            Err(KafkaError::Transaction(error)) if error.is_retriable() && !give_up() => {}
            Err(error) => return Err(classify("init_transactions", &error)),
        }
    }
}

/// Repeats a resumable operation until it ends or the deadline passes. What comes after an unanswered commit is unknown,
/// so running out of time is a restart.
fn resume(
    what: &str,
    deadline: Instant,
    mut operation: impl FnMut() -> Result<(), KafkaError>,
) -> Result<(), Fault> {
    loop {
        match operation() {
            Ok(()) => return Ok(()),
            Err(KafkaError::Transaction(error)) if error.is_retriable() => {
                if Instant::now() > deadline {
                    return Err(Fault::Restart(format!("{what}: no answer in time")));
                }
            }
            Err(KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut))
                if Instant::now() <= deadline => {}
            Err(error) => return Err(classify(what, &error)),
        }
    }
}

fn classify(what: &str, error: &KafkaError) -> Fault {
    let text = format!("{what}: {error}");
    match error {
        KafkaError::Transaction(inner) => match inner.code() {
            RDKafkaErrorCode::Fenced
            | RDKafkaErrorCode::ProducerFenced
            | RDKafkaErrorCode::InvalidProducerEpoch => Fault::Fenced(text),
            RDKafkaErrorCode::TransactionalIdAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
            | RDKafkaErrorCode::UnsupportedFeature
            | RDKafkaErrorCode::UnsupportedVersion => Fault::Fatal(text),
            _ if inner.txn_requires_abort() => Fault::Abort(text),
            _ => Fault::Restart(text),
        },
        _ => Fault::Restart(text),
    }
}

fn produce_fault(topic: &str, error: &KafkaError) -> Fault {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::MessageSizeTooLarge) => too_large(topic),
        Some(RDKafkaErrorCode::Fatal | RDKafkaErrorCode::Fenced) => {
            Fault::Restart(format!("write to {topic}: {error}"))
        }
        _ => Fault::Abort(format!("write to {topic}: {error}")),
    }
}

fn too_large(topic: &str) -> Fault {
    Fault::Fatal(format!(
        "{topic} refuses a record for its size: raise its max.message.bytes (`tocsin topics check` names what is wrong)"
    ))
}
