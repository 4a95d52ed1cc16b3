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
use rdkafka::producer::{
    BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext, PurgeConfig,
};
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
    /// A topic, named here, refuses a record for its size.
    #[error("{0} refuses a record for its size")]
    TooLarge(String),
    /// Trying again would not help.
    #[error("{0}")]
    Fatal(String),
}

/// Share of the transaction timeout that one transaction may take: the rest is for its end.
const SHARE: f64 = 0.8;
/// Longest wait for one answer; longer operations are resumed until their own deadline.
const STEP: Duration = Duration::from_secs(2);
/// Longest wait for the receipt of the record that failed a transaction.
const RECEIPT: Duration = Duration::from_millis(200);

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
    /// When the open transaction began.
    began: Option<Instant>,
    /// Longest time from begin to commit: less than the broker allows before it aborts the transaction by itself.
    limit: Duration,
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
            began: None,
            limit: settings.transaction_timeout.mul_f64(SHARE),
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
        self.began = Some(Instant::now());
        Ok(())
    }

    /// When the open transaction has to be done, however patient the caller is.
    fn deadline(&self, patience: Duration) -> Instant {
        let patient = Instant::now() + patience;
        match self.began {
            Some(began) if self.exactly_once => patient.min(began + self.limit),
            _ => patient,
        }
    }

    /// A transaction as old as the broker allows was ended by the broker, which then refuses its producer as if another
    /// one had taken over: slow, and not fenced.
    fn judge(&self, fault: Fault) -> Fault {
        match (fault, self.began.map(|began| began.elapsed())) {
            (Fault::Fenced(why), Some(age)) if age >= self.limit => Fault::Restart(format!(
                "the broker ended a transaction after {age:.1?}: it, or the way to it, is slow for \
                 kafka.transaction_timeout_ms ({why})"
            )),
            (fault, _) => fault,
        }
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
                    let until = *deadline.get_or_insert_with(|| self.deadline(STEP * 4));
                    if Instant::now() > until {
                        return Err(Fault::Abort("the send buffer stays full".to_owned()));
                    }
                    self.producer.poll(Duration::from_millis(1));
                    record = back;
                }
                Err((error, _)) => {
                    let cause = self.cause();
                    return Err(cause.unwrap_or_else(|| produce_fault(topic, &error)));
                }
            }
        }
    }

    /// A refused record fails the transaction, and then every further one: the first is the cause. Its receipt comes a moment
    /// after the transaction has failed.
    fn cause(&self) -> Option<Fault> {
        let until = Instant::now() + RECEIPT;
        loop {
            self.producer.poll(Duration::from_millis(1));
            let refused = self.refusal();
            if refused.is_some() || Instant::now() > until {
                return refused;
            }
        }
    }

    /// The first record that the broker refused since the last call.
    fn refusal(&self) -> Option<Fault> {
        let context = self.producer.context();
        let mut failure = context
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Some(match failure.take()? {
            (topic, RDKafkaErrorCode::MessageSizeTooLarge) => Fault::TooLarge(topic),
            (topic, code) => Fault::Abort(format!("write to {topic}: {code}")),
        })
    }

    /// Waits until nothing is in flight. Polls without waiting first: `commit_transaction` and `flush` would poll in
    /// steps of 100 ms.
    pub(super) fn flush(&self, patience: Duration) -> Result<(), Fault> {
        let deadline = self.deadline(patience);
        while self.producer.flush(Duration::ZERO).is_err() {
            // After a refusal the rest is never sent.
            if let Some(fault) = self.refusal() {
                return Err(fault);
            }
            if Instant::now() > deadline {
                return Err(Fault::Abort(
                    "not everything was written in time".to_owned(),
                ));
            }
            self.producer.poll(Duration::from_micros(500));
        }
        self.refusal().map_or(Ok(()), Err)
    }

    /// Adds the offsets and commits. `Ok` only when the broker has said so.
    pub(super) fn commit(
        &mut self,
        offsets: &TopicPartitionList,
        generation: &ConsumerGroupMetadata,
        patience: Duration,
    ) -> Result<(), Fault> {
        let deadline = self.deadline(patience);
        if Instant::now() > deadline {
            let limit = self.limit;
            return Err(Fault::Abort(format!(
                "not done within {limit:?} of its begin, 0.8 of kafka.transaction_timeout_ms"
            )));
        }
        resume("send_offsets_to_transaction", deadline, || {
            self.producer
                .send_offsets_to_transaction(offsets, generation, STEP)
        })
        .and_then(|()| {
            resume("commit_transaction", deadline, || {
                self.producer.commit_transaction(STEP)
            })
        })
        .map_err(|fault| self.judge(fault))?;
        self.settle();
        Ok(())
    }

    /// At least once: the outputs are written, the offsets are committed by the caller.
    pub(super) fn settle(&mut self) {
        self.open = false;
        self.began = None;
    }

    /// Aborts. Any failure means beginning anew.
    pub(super) fn abort(&mut self, patience: Duration) -> Result<(), Fault> {
        if !self.open {
            return Ok(());
        }
        self.open = false;
        if self.exactly_once {
            let deadline = Instant::now() + patience;
            // What is not sent yet need not be; the rest reports itself while the abort waits for it.
            self.producer.purge(PurgeConfig::default().queue());
            self.drain(deadline);
            resume("abort_transaction", deadline, || {
                self.producer.abort_transaction(STEP)
            })
            .map_err(|fault| match self.judge(fault) {
                Fault::Abort(why) => Fault::Restart(why),
                other => other,
            })?;
        }
        self.began = None;
        // Purged records report themselves as failures; they belong to what was just undone.
        self.drain(Instant::now() + patience);
        self.refusal();
        Ok(())
    }

    /// Takes receipts until nothing is in flight.
    fn drain(&self, deadline: Instant) {
        while self.producer.in_flight_count() > 0 && Instant::now() <= deadline {
            self.producer.poll(Duration::from_micros(500));
        }
        self.producer.poll(Duration::ZERO);
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
        Some(RDKafkaErrorCode::MessageSizeTooLarge) => Fault::TooLarge(topic.to_owned()),
        Some(RDKafkaErrorCode::Fatal | RDKafkaErrorCode::Fenced) => {
            Fault::Restart(format!("write to {topic}: {error}"))
        }
        _ => Fault::Abort(format!("write to {topic}: {error}")),
    }
}
