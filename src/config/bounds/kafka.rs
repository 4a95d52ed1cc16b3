//! Bounds of `[kafka]`, `[kafka.security]` and `[topics]`, and the secrets that stand in files.

use std::path::{Path, PathBuf};

use super::{Finding, Findings};
use crate::config::errors::codes;
use crate::config::feeds::anchor;
use crate::config::{Kafka, Secret, Security, Topics};

pub(super) fn kafka(kafka: &Kafka, found: &mut Findings) {
    let fits = |broker: &str| {
        broker
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
    };
    for broker in kafka
        .brokers
        .split(',')
        .map(str::trim)
        .filter(|broker| !fits(broker))
    {
        let message = format!("`{broker}` is not host:port");
        found.push("kafka.brokers", codes::BAD_VALUE, &message, None);
    }
    found.name("kafka.group", &kafka.group, 1);
    found.name("kafka.instance", &kafka.instance, 1);
    found.within("kafka.workers", kafka.workers, 1, 256);
    let records = kafka.transaction_max_records;
    found.within("kafka.transaction_max_records", records, 1, 1_000_000);
    let bytes = kafka.transaction_max_bytes;
    found.within("kafka.transaction_max_bytes", bytes, 1 << 20, 1 << 30);
    let longest = kafka.transaction_max_ms;
    found.within("kafka.transaction_max_ms", longest, 10, 5_000);
    let timeout = kafka.transaction_timeout_ms;
    found.within("kafka.transaction_timeout_ms", timeout, 2_000, 900_000);
    if longest.saturating_mul(2) > timeout {
        found.conflict(
            "kafka.transaction_max_ms",
            "a transaction may not last longer than half of kafka.transaction_timeout_ms",
            "the broker aborts transactions that are older than the timeout",
        );
    }
    let session = kafka.session_timeout_ms;
    found.within("kafka.session_timeout_ms", session, 1_000, 300_000);
    found.within("kafka.prefetch_kib", kafka.prefetch_kib, 1_024, 2_097_151);
}

/// librdkafka properties that exactly-once, the group and the settings above decide.
const OWN_PROPERTIES: &[&str] = &[
    "auto.offset.reset",
    "bootstrap.servers",
    "client.id",
    "enable.idempotence",
    "isolation.level",
    "metadata.broker.list",
    "partition.assignment.strategy",
    "partitioner",
    "queued.max.messages.kbytes",
    "session.timeout.ms",
];

/// Beginnings of such properties; of secrets, too, which would not be masked here.
const OWN_PREFIXES: &[&str] = &[
    "enable.auto.",
    "enable.partition.eof",
    "group.",
    "sasl.",
    "security.",
    "ssl.",
    "transaction",
];

pub(super) fn properties(kafka: &Kafka, found: &mut Findings) {
    for name in kafka.properties.keys() {
        let own = OWN_PROPERTIES.contains(&name.as_str())
            || OWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        if own {
            let message = format!("`{name}` is set by Tocsin");
            let help = "use the settings of [kafka] and [kafka.security]";
            found.conflict("kafka.properties", &message, help);
        }
    }
}

pub(super) fn security(security: &Security, found: &mut Findings) {
    if security.protocol.is_sasl() {
        if security.mechanism.is_none() {
            found.conflict(
                "kafka.security.mechanism",
                "required with SASL",
                "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512",
            );
        }
        if security.username.is_none() {
            found.conflict(
                "kafka.security.username",
                "required with SASL",
                "the broker's user",
            );
        }
        if security.password.is_none() && security.password_file.is_none() {
            let help = "set TOCSIN__KAFKA__SECURITY__PASSWORD, or password_file";
            found.conflict("kafka.security.password", "required with SASL", help);
        }
    } else if security.mechanism.is_some()
        || security.username.is_some()
        || security.password.is_some()
        || security.password_file.is_some()
    {
        let message = "a mechanism, username or password is set, but the protocol uses none: it would connect without";
        let help = "set protocol to sasl_ssl or sasl_plaintext, or remove them";
        found.conflict("kafka.security.protocol", message, help);
    }
    let twice = "state one of the two";
    if security.password.is_some() && security.password_file.is_some() {
        let message = "password and password_file are both set";
        found.conflict("kafka.security.password_file", message, twice);
    }
    if security.key_password.is_some() && security.key_password_file.is_some() {
        let message = "key_password and key_password_file are both set";
        found.conflict("kafka.security.key_password_file", message, twice);
    }
    if security.certificate_file.is_some() != security.key_file.is_some() {
        found.conflict(
            "kafka.security.certificate_file",
            "mutual TLS needs certificate_file and key_file",
            "state both or none",
        );
    }
}

pub(super) fn topics(topics: &Topics, found: &mut Findings) {
    found.name("topics.prefix", &topics.prefix, 0);
    found.within("topics.partitions", topics.partitions, 1, 1_000);
    let others = topics.other_partitions;
    found.within("topics.other_partitions", others, 1, 1_000);
    found.within("topics.feed_partitions", topics.feed_partitions, 1, 1_000);
    if topics.replication != -1 {
        found.within("topics.replication", topics.replication, 1, 32_767);
    }
    for (name, hours) in [
        ("retry", topics.retry_hours),
        ("detections", topics.detections_hours),
        ("joint_meeting", topics.joint_meeting_hours),
        ("ledger", topics.ledger_hours),
        ("shadow", topics.shadow_hours),
        ("dead_letters", topics.dead_letters_hours),
        ("decisions", topics.decisions_hours),
    ] {
        found.within(&format!("topics.{name}_hours"), hours, 1, 87_600);
    }
    let lag = topics.incidents_compaction_lag_hours;
    found.within("topics.incidents_compaction_lag_hours", lag, 1, 8_760);
}

impl Security {
    /// Makes relative paths start at `folder`.
    pub(in crate::config) fn anchor(&mut self, folder: &Path) {
        for path in [
            &mut self.password_file,
            &mut self.ca_file,
            &mut self.certificate_file,
            &mut self.key_file,
            &mut self.key_password_file,
        ] {
            anchor(path, folder);
        }
    }

    /// Reads the `*_file` secrets into their settings.
    pub(in crate::config) fn read_files(&mut self) -> Result<(), Vec<Finding>> {
        let mut found = Findings(Vec::new());
        let mut read = |key: &str, path: &Option<PathBuf>, secret: &mut Option<Secret>| {
            let (Some(path), None) = (path, &secret) else {
                return;
            };
            match std::fs::read_to_string(path) {
                Ok(text) => {
                    *secret = Some(Secret::new(text.trim_end_matches(['\r', '\n'])));
                }
                Err(error) => {
                    let message = format!("cannot read {}: {error}", path.display());
                    found.push(key, codes::UNREADABLE, &message, None);
                }
            }
        };
        let (file, secret) = (&self.password_file, &mut self.password);
        read("kafka.security.password_file", file, secret);
        let (file, secret) = (&self.key_password_file, &mut self.key_password);
        read("kafka.security.key_password_file", file, secret);
        if found.0.is_empty() {
            Ok(())
        } else {
            Err(found.0)
        }
    }
}
