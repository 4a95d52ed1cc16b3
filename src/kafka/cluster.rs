//! The cluster as a command sees it: what there is, or why it cannot be reached and which setting that is about.
//!
//! Invariant: a wait for a cluster is bounded, and what waiting cannot cure ends it at once.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::admin::AdminClient;
use rdkafka::client::DefaultClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::{KafkaSettings, client};

/// Longest wait for an answer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);
/// Time between two looks at what the client reports meanwhile.
const STEP: Duration = Duration::from_secs(1);

/// A cluster that cannot be worked with.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// Something that was asked failed.
    #[error("{what}: {error}")]
    Failed {
        /// What was asked.
        what: String,
        /// What the client says. Not a source: its own sources only repeat it.
        error: KafkaError,
    },
    /// Nobody answers.
    #[error(
        "no answer from {brokers} within {} s{reason}; are kafka.brokers and kafka.security.protocol right?",
        TIMEOUT.as_secs()
    )]
    Silent {
        /// Who was asked.
        brokers: String,
        /// What the client reported last.
        reason: String,
    },
    /// Name or password are wrong, or the mechanism is.
    #[error(
        "{brokers} does not let this user in ({reason}): check username, password (or password_file) and mechanism in \
         [kafka.security]"
    )]
    Denied {
        /// Who was asked.
        brokers: String,
        /// What the client reported.
        reason: String,
    },
    /// No TLS connection.
    #[error(
        "no secure connection to {brokers} ({reason}): check protocol, ca_file, verify_hostname, certificate_file and \
         key_file in [kafka.security]"
    )]
    Insecure {
        /// Who was asked.
        brokers: String,
        /// What the client reported.
        reason: String,
    },
}

impl ClusterError {
    /// Whether waiting does not help: a setting has to change.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Denied { .. } | Self::Insecure { .. })
    }
}

/// Says what was asked when it failed.
pub(super) fn failed(what: impl Into<String>) -> impl FnOnce(KafkaError) -> ClusterError {
    let what = what.into();
    move |error| ClusterError::Failed { what, error }
}

/// Keeps what the client reports while it tries to connect.
#[derive(Default)]
struct Reports(Mutex<Vec<(RDKafkaErrorCode, String)>>);

impl Reports {
    fn all(&self) -> Vec<(RDKafkaErrorCode, String)> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl ClientContext for Reports {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        // The same comes as an error, and is said once, by whoever asked.
        tracing::debug!(target: "librdkafka", facility, "{message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
        let mut reports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One per code is enough, the newest.
        reports.retain(|(known, _)| *known != code);
        reports.push((code, reason.to_owned()));
    }
}

impl ConsumerContext for Reports {}

/// Partitions of every topic of the cluster.
pub fn partition_counts(settings: &KafkaSettings) -> Result<BTreeMap<String, i32>, ClusterError> {
    let consumer: BaseConsumer<Reports> = client::base(settings)
        .create_with_context(Reports::default())
        .map_err(failed("client configuration"))?;
    let began = Instant::now();
    loop {
        if let Ok(metadata) = consumer.fetch_metadata(None, STEP) {
            return Ok(metadata
                .topics()
                .iter()
                .filter(|topic| topic.error().is_none())
                .map(|topic| (topic.name().to_owned(), topic.partitions().len() as i32))
                .collect());
        }
        // Reports lie in the client's queue until it is polled.
        while consumer.poll(Duration::ZERO).is_some() {}
        consumer.poll(Duration::from_millis(10));
        let (brokers, reports) = (settings.brokers.clone(), consumer.context().all());
        let find = |code: RDKafkaErrorCode| {
            let found = reports.iter().find(|(known, _)| *known == code);
            found.map(|(_, reason)| reason.clone())
        };
        if let Some(reason) = find(RDKafkaErrorCode::Authentication) {
            return Err(ClusterError::Denied { brokers, reason });
        }
        if let Some(reason) = find(RDKafkaErrorCode::SSL) {
            return Err(ClusterError::Insecure { brokers, reason });
        }
        if began.elapsed() > TIMEOUT {
            let last = reports.last();
            let reason = last.map_or_else(String::new, |(_, reason)| format!(" ({reason})"));
            return Err(ClusterError::Silent { brokers, reason });
        }
    }
}

/// For making topics and reading their settings.
pub(super) fn admin(
    settings: &KafkaSettings,
) -> Result<AdminClient<DefaultClientContext>, ClusterError> {
    client::base(settings)
        .create()
        .map_err(failed("client configuration"))
}
