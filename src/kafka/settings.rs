//! What a worker needs to know about the cluster, its group and its limits, resolved: no files left to read.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::core::model::Millis;
use crate::telemetry::wall_clock;

pub use crate::config::Delivery;

/// What tells a partition that was read to its end how late it is.
#[derive(Clone, Debug, Default)]
pub enum IdleClock {
    /// The wall clock.
    #[default]
    Wall,
    /// The newest feed record that any worker of the process has read: for tests, in which days pass in seconds. What is read
    /// close together must lie closer together in time than the lag.
    Records(Arc<AtomicI64>),
}

impl IdleClock {
    /// The clock of records, which stands at the beginning of time.
    pub fn records() -> Self {
        Self::Records(Arc::new(AtomicI64::new(Millis::MIN.0)))
    }

    pub(super) fn now(&self) -> Millis {
        match self {
            Self::Wall => wall_clock(),
            Self::Records(newest) => Millis(newest.load(Ordering::SeqCst)),
        }
    }

    pub(super) fn read(&self, received: impl FnOnce() -> Millis) {
        if let Self::Records(newest) = self {
            newest.fetch_max(received().0, Ordering::SeqCst);
        }
    }
}

/// Connection and limits of the workers of one process.
///
/// Not `Debug`: among the properties are passwords.
#[derive(Clone)]
pub struct KafkaSettings {
    /// `host:port`, comma-separated.
    pub brokers: String,
    /// Prefix of consumer groups (`<group>.detect`, `<group>.correlate`) and transactional ids.
    pub group: String,
    /// Name of this process among those of the group: stable over restarts, unique at any time.
    pub instance: String,
    /// Promise of delivery.
    pub delivery: Delivery,
    /// Records read per transaction, at most.
    pub max_records: u32,
    /// Bytes read, and bytes written, per transaction, at most.
    pub max_bytes: u64,
    /// Longest time between the first record of a transaction and its commit.
    pub max_time: Duration,
    /// `transaction.timeout.ms`.
    pub transaction_timeout: Duration,
    /// `session.timeout.ms`.
    pub session_timeout: Duration,
    /// Bytes fetched ahead per worker, at most; KiB.
    pub prefetch_kib: u64,
    /// How far behind the clock a partition read to its end may advance.
    pub idle_lag: Duration,
    /// Which clock.
    pub clock: IdleClock,
    /// Read a partition from its beginning when there is state of it, but no committed offset.
    pub accept_missing_offsets: bool,
    /// Further librdkafka properties: TLS, SASL, and what an operator sets by hand.
    pub properties: Vec<(String, String)>,
}

impl KafkaSettings {
    /// The documented defaults for a cluster.
    pub fn new(
        brokers: impl Into<String>,
        group: impl Into<String>,
        instance: impl Into<String>,
    ) -> Self {
        Self {
            brokers: brokers.into(),
            group: group.into(),
            instance: instance.into(),
            delivery: Delivery::ExactlyOnce,
            max_records: 50_000,
            max_bytes: 32 << 20,
            max_time: Duration::from_millis(100),
            transaction_timeout: Duration::from_secs(10),
            session_timeout: Duration::from_secs(10),
            prefetch_kib: 16 << 10,
            idle_lag: Duration::from_secs(10),
            clock: IdleClock::Wall,
            accept_missing_offsets: false,
            properties: Vec::new(),
        }
    }
}

/// Names of Tocsin's own topics.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct TopicNames {
    pub retry: String,
    pub detections: String,
    pub incidents: String,
    pub queue: String,
    pub ledger: String,
    pub shadow: String,
    pub dead_letters: String,
}

impl TopicNames {
    /// The names behind a prefix such as `tocsin.`.
    pub fn new(prefix: &str) -> Self {
        let named = |name: &str| format!("{prefix}{name}");
        Self {
            retry: named("retry"),
            detections: named("detections"),
            incidents: named("incidents"),
            queue: named("joint-meeting"),
            ledger: named("ledger"),
            shadow: named("shadow"),
            dead_letters: named("dead-letters"),
        }
    }

    /// Every topic that a worker writes or reads beside the feeds.
    pub fn all(&self) -> [&str; 7] {
        [
            &self.retry,
            &self.detections,
            &self.incidents,
            &self.queue,
            &self.ledger,
            &self.shadow,
            &self.dead_letters,
        ]
    }
}
