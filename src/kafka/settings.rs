//! What a worker needs to know about the cluster, its group and its limits, resolved: no files left to read.

use std::time::Duration;

pub use crate::config::Delivery;
use crate::config::{Kafka, Secret, Security, Settings, Topics};

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
    /// How far behind the wall clock a partition read to its end may advance.
    pub idle_lag: Duration,
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
            properties: Vec::new(),
        }
    }
}

impl From<&Settings> for KafkaSettings {
    fn from(settings: &Settings) -> Self {
        let kafka: &Kafka = &settings.kafka;
        Self {
            brokers: kafka.brokers.clone(),
            group: kafka.group.clone(),
            instance: kafka.instance.clone(),
            delivery: kafka.delivery,
            max_records: kafka.transaction_max_records,
            max_bytes: kafka.transaction_max_bytes,
            max_time: Duration::from_millis(kafka.transaction_max_ms),
            transaction_timeout: Duration::from_millis(kafka.transaction_timeout_ms),
            session_timeout: Duration::from_millis(kafka.session_timeout_ms),
            prefetch_kib: kafka.prefetch_kib,
            idle_lag: Duration::from_secs(settings.incident.idle_lag_s),
            properties: properties(kafka),
        }
    }
}

/// TLS and SASL as librdkafka writes them.
fn properties(kafka: &Kafka) -> Vec<(String, String)> {
    let security: &Security = &kafka.security;
    let mut found = vec![("security.protocol", security.protocol.id().to_owned())];
    let mut add = |key, value: Option<String>| found.extend(value.map(|value| (key, value)));
    let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|p| p.display().to_string());
    let secret = |secret: &Option<Secret>| secret.as_ref().map(|s| s.expose().to_owned());
    add(
        "sasl.mechanism",
        security.mechanism.map(|m| m.id().to_owned()),
    );
    add("sasl.username", security.username.clone());
    add("sasl.password", secret(&security.password));
    add("ssl.ca.location", path(&security.ca_file));
    add("ssl.certificate.location", path(&security.certificate_file));
    add("ssl.key.location", path(&security.key_file));
    add("ssl.key.password", secret(&security.key_password));
    if !security.verify_hostname {
        add(
            "ssl.endpoint.identification.algorithm",
            Some("none".to_owned()),
        );
    }
    found
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .chain(kafka.properties.clone())
        .collect()
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

impl From<&Topics> for TopicNames {
    fn from(topics: &Topics) -> Self {
        Self::new(&topics.prefix)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_protocol_reach_the_client() {
        let mut settings = Settings::bundled().expect("bundled settings");
        settings.kafka.security.password = Some(Secret::new("hunter2"));
        settings.kafka.security.verify_hostname = false;
        let resolved = KafkaSettings::from(&settings);
        let get = |key: &str| {
            let found = resolved.properties.iter().find(|(k, _)| k == key);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!(get("security.protocol"), Some("plaintext"));
        assert_eq!(get("sasl.password"), Some("hunter2"));
        assert_eq!(get("ssl.endpoint.identification.algorithm"), Some("none"));
        assert_eq!(get("ssl.ca.location"), None);
        assert_eq!(resolved.transaction_timeout, Duration::from_secs(10));
    }

    #[test]
    fn names_agree_with_the_configuration() {
        let settings = Settings::bundled().expect("bundled settings");
        let (names, topics) = (TopicNames::from(&settings.topics), &settings.topics);
        assert_eq!(
            names.all().map(str::to_owned),
            [
                topics.retry(),
                topics.detections(),
                topics.incidents(),
                topics.joint_meeting(),
                topics.ledger(),
                topics.shadow(),
                topics.dead_letters()
            ]
        );
    }
}
