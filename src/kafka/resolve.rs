//! From settings to what workers take: every unit converted in one place.

use std::time::Duration;

use super::{IdleClock, KafkaSettings, TopicNames};
use crate::config::{DrillClock, Secret, Security, Settings};

impl Settings {
    /// Connection and limits of the workers.
    pub fn kafka_settings(&self) -> KafkaSettings {
        let kafka = &self.kafka;
        let mut properties: Vec<(String, String)> = kafka.properties.clone().into_iter().collect();
        properties.extend(security(&kafka.security));
        KafkaSettings {
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
            idle_lag: Duration::from_secs(self.incident.idle_lag_s),
            clock: match self.drills.clock {
                DrillClock::Wall => IdleClock::Wall,
                DrillClock::Records => IdleClock::records(),
            },
            accept_missing_offsets: false,
            properties,
        }
    }

    /// Names of Tocsin's own topics.
    pub fn topic_names(&self) -> TopicNames {
        TopicNames::new(&self.topics.prefix)
    }
}

/// TLS and SASL as librdkafka takes them.
fn security(security: &Security) -> Vec<(String, String)> {
    let mut properties = Vec::new();
    let mut set = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            properties.push((key.to_owned(), value));
        }
    };
    let path =
        |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
    set("security.protocol", Some(security.protocol.id().to_owned()));
    set("ssl.ca.location", path(&security.ca_file));
    set("ssl.certificate.location", path(&security.certificate_file));
    set("ssl.key.location", path(&security.key_file));
    let exposed = |secret: &Secret| secret.expose().to_owned();
    set(
        "ssl.key.password",
        security.key_password.as_ref().map(exposed),
    );
    let verify = if security.verify_hostname {
        "https"
    } else {
        "none"
    };
    set(
        "ssl.endpoint.identification.algorithm",
        Some(verify.to_owned()),
    );
    if security.protocol.is_sasl() {
        let mechanism = security.mechanism.map(|it| it.id().to_owned());
        set("sasl.mechanism", mechanism);
        set("sasl.username", security.username.clone());
        set("sasl.password", security.password.as_ref().map(exposed));
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sasl_reaches_the_client() {
        let mut settings = Settings::bundled().unwrap();
        settings.kafka.security.protocol = crate::config::Protocol::SaslSsl;
        settings.kafka.security.mechanism = Some(crate::config::Mechanism::ScramSha512);
        settings.kafka.security.username = Some("u".to_owned());
        settings.kafka.security.password = Some(Secret::new("p"));
        let properties = settings.kafka_settings().properties;
        for (key, value) in [
            ("security.protocol", "sasl_ssl"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.username", "u"),
            ("sasl.password", "p"),
        ] {
            let found = properties.iter().find(|(name, _)| name == key);
            assert_eq!(found.map(|(_, it)| it.as_str()), Some(value), "{key}");
        }
    }
}
