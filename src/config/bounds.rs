//! Bounds: what a value of the right type may still not be. The same bounds stand in `config/tocsin.toml`.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::feeds::anchor;
use super::load::codes;
use super::{GrowthSettings, Http, Kafka, Levels, Paths, Secret, Security, Settings, Topics};
use crate::core::correlate::{MAX_AGGREGATED_PER_KEY, MAX_REPORTS_PER_KEY};

/// Something wrong with the value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) key: String,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

struct Findings(Vec<Finding>);

impl Findings {
    fn within<T: PartialOrd + Display>(&mut self, key: &str, value: T, low: T, high: T) {
        // Written so that a NaN is refused as well.
        if !(value >= low && value <= high) {
            self.0.push(Finding {
                key: key.to_owned(),
                code: codes::OUT_OF_BOUNDS,
                message: format!("{value} is not within {low}–{high}"),
                help: None,
            });
        }
    }

    fn name(&mut self, key: &str, value: &str, shortest: usize) {
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if value.len() < shortest || value.len() > 100 || !value.chars().all(fits) {
            let message =
                format!("`{value}` is not {shortest}–100 of A–Z, a–z, 0–9, `.`, `_`, `-`");
            self.push(key, codes::OUT_OF_BOUNDS, &message, None);
        }
    }

    fn push(&mut self, key: &str, code: &'static str, message: &str, help: Option<&str>) {
        self.0.push(Finding {
            key: key.to_owned(),
            code,
            message: message.to_owned(),
            help: help.map(str::to_owned),
        });
    }

    fn conflict(&mut self, key: &str, message: &str, help: &str) {
        self.push(key, codes::CONFLICT, message, Some(help));
    }
}

/// Everything out of bounds, in the order of the file.
pub(super) fn check(settings: &Settings) -> Vec<Finding> {
    let mut found = Findings(Vec::new());
    kafka(&settings.kafka, &mut found);
    properties(&settings.kafka, &mut found);
    security(&settings.kafka.security, &mut found);
    topics(&settings.topics, &mut found);
    let score = &settings.score;
    found.within("score.certainty_weight", score.certainty_weight, 0, 40);
    found.within("score.growth_max", score.growth_max, 0, 10);
    found.within("score.exposure_max", score.exposure_max, 0, 10);
    levels(&settings.level, &mut found);
    incident(settings, &mut found);
    limits(settings, &mut found);
    growth(&settings.growth, &mut found);
    http(&settings.http, &mut found);
    let retention = settings.desk.excerpt_retention_hours;
    found.within("desk.excerpt_retention_hours", retention, 1, 87_600);
    let longest = settings.desk.silence_max_hours;
    found.within("desk.silence_max_hours", longest, 1, 8_760);
    if !settings.drills.clock_fits(&settings.kafka.brokers) {
        found.conflict(
            "drills.clock",
            "the clock of records is for tests with brokers of this machine",
            "clock = \"wall\", or brokers on loopback only",
        );
    }
    for (key, message) in settings.desk.http.findings() {
        found.push(key, codes::OUT_OF_BOUNDS, &message, None);
    }
    if settings
        .log
        .level
        .parse::<tracing_subscriber::EnvFilter>()
        .is_err()
    {
        let message = format!("`{}` is no log level or filter", settings.log.level);
        let help = "error, warn, info, debug, trace, or such as tocsin::kafka=debug,info";
        found.push("log.level", codes::BAD_VALUE, &message, Some(help));
    }
    found.0
}

fn kafka(kafka: &Kafka, found: &mut Findings) {
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

fn properties(kafka: &Kafka, found: &mut Findings) {
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

fn security(security: &Security, found: &mut Findings) {
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

fn topics(topics: &Topics, found: &mut Findings) {
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

fn levels(level: &Levels, found: &mut Findings) {
    let steps = [
        ("level.blue", level.blue),
        ("level.yellow", level.yellow),
        ("level.orange", level.orange),
        ("level.red", level.red),
    ];
    for (key, points) in steps {
        found.within(key, points, 1, 100);
    }
    for pair in steps.windows(2) {
        if let [(low, below), (high, above)] = pair
            && below >= above
        {
            let message = format!("{above} is not above {low} ({below})");
            found.conflict(high, &message, "levels rise: blue < yellow < orange < red");
        }
    }
    found.within("level.hysteresis", level.hysteresis, 0, 19);
    if level.hysteresis >= level.blue {
        let message = format!("{} is not below level.blue", level.hysteresis);
        let help = "an incident could never fall below blue";
        found.conflict("level.hysteresis", &message, help);
    }
    found.within("level.dwell_s", level.dwell_s, 0, 86_400);
    found.within("level.red_certainty", level.red_certainty, 0.0, 1.0);
}

fn incident(settings: &Settings, found: &mut Findings) {
    let incident = &settings.incident;
    let reopen = incident.reopen_for_hours;
    found.within("incident.reopen_for_hours", reopen, 0, 720);
    let previous = incident.previous_for_days;
    found.within("incident.previous_for_days", previous, 0, 366);
    found.within("incident.refresh_s", incident.refresh_s, 1, 3_600);
    let retention = incident.text_retention_hours;
    found.within("incident.text_retention_hours", retention, 1, 8_760);
    found.within("incident.idle_lag_s", incident.idle_lag_s, 1, 3_600);
}

fn growth(growth: &GrowthSettings, found: &mut Findings) {
    found.within("growth.threshold", growth.threshold, 1.0, 100.0);
    found.within("growth.min_reports", growth.min_reports, 1, 1_000_000);
    found.within("growth.series", growth.series, 1, 10_000_000);
    let offset = growth.utc_offset_minutes;
    found.within("growth.utc_offset_minutes", offset, -840, 840);
    let days = growth.holidays.len().max(growth.workdays.len());
    found.within("growth.holidays and growth.workdays", days, 0, 4_000);
}

fn limits(settings: &Settings, found: &mut Findings) {
    let limits = &settings.limits;
    found.within("limits.keys", limits.keys, 1_000, 100_000_000);
    let reports = limits.reports_per_key;
    found.within("limits.reports_per_key", reports, 16, MAX_REPORTS_PER_KEY);
    let aggregated = limits.aggregated_per_key;
    found.within(
        "limits.aggregated_per_key",
        aggregated,
        0,
        MAX_AGGREGATED_PER_KEY,
    );
    let fingerprints = limits.fingerprints_per_key;
    found.within("limits.fingerprints_per_key", fingerprints, 1, 256);
    found.within("limits.sources_per_key", limits.sources_per_key, 1, 4_096);
    found.within("limits.rules_per_report", limits.rules_per_report, 1, 64);
    let events = limits.correlation_events_per_key;
    found.within("limits.correlation_events_per_key", events, 1_000, 65_536);
    let silence = &settings.silence;
    found.within("silence.factor", silence.factor, 2, 1_000);
    found.within("silence.min_gap_s", silence.min_gap_s, 1, 86_400);
    found.within("silence.max_gap_s", silence.max_gap_s, 1, 86_400);
    found.within("silence.learn_after", silence.learn_after, 1, 10_000);
    if silence.min_gap_s > silence.max_gap_s {
        let message = "min_gap_s is above max_gap_s";
        found.conflict("silence.min_gap_s", message, "swap them");
    }
}

fn http(http: &Http, found: &mut Findings) {
    if http.reload_token_sha256.is_some() && http.reload_token().is_none() {
        let message = "not a SHA-256: 64 hexadecimal digits";
        let help = "as `printf %s \"$TOKEN\" | sha256sum` prints it";
        found.push(
            "http.reload_token_sha256",
            codes::BAD_VALUE,
            message,
            Some(help),
        );
    }
    match http.listen.parse::<SocketAddr>() {
        Err(_) => {
            let message = format!("`{}` is not address:port", http.listen);
            let help = "such as 127.0.0.1:9464 or [::1]:9464";
            found.push("http.listen", codes::BAD_VALUE, &message, Some(help));
        }
        Ok(address) if !address.ip().is_loopback() && !http.allow_remote_metrics => found.conflict(
            "http.listen",
            "this address is reached from other machines, and there is no authentication",
            "listen on 127.0.0.1, or set http.allow_remote_metrics = true where the network keeps others out",
        ),
        Ok(_) => {}
    }
}

impl Http {
    /// The SHA-256 of the token for reloads; none where there is none, or it is not one.
    pub fn reload_token(&self) -> Option<[u8; 32]> {
        let digits = self.reload_token_sha256.as_ref()?.expose().as_bytes();
        let (pairs, rest) = digits.as_chunks::<2>();
        if !rest.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let byte = |pair: &[u8; 2]| {
            let text = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(text, 16).ok()
        };
        let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
        bytes?.try_into().ok()
    }
}

impl Paths {
    /// Makes relative paths start at `folder`.
    pub(super) fn anchor(&mut self, folder: &Path) {
        for path in [
            &mut self.rules,
            &mut self.lexicons,
            &mut self.departments,
            &mut self.places,
            &mut self.exposure,
            &mut self.feeds,
        ] {
            anchor(path, folder);
        }
    }
}

impl Security {
    /// Makes relative paths start at `folder`.
    pub(super) fn anchor(&mut self, folder: &Path) {
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
    pub(super) fn read_files(&mut self) -> Result<(), Vec<Finding>> {
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
