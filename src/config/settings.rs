//! The settings, section by section, as `config/tocsin.toml` documents them.
//!
//! Invariant: no field has a default here: units, defaults and bounds are stated in `config/tocsin.toml`, and `bounds`
//! checks the latter. Numbers carry their unit in their name.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Desk, Drills, Notify, Secret};
use crate::core::model::Feed;

/// Everything that can be configured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Settings {
    pub kafka: Kafka,
    pub topics: Topics,
    pub paths: Paths,
    pub score: Score,
    pub level: Levels,
    pub incident: Incident,
    pub limits: Limits,
    pub growth: GrowthSettings,
    pub silence: Silence,
    pub http: Http,
    pub desk: Desk,
    pub notify: Notify,
    pub log: Log,
    #[serde(default)]
    pub drills: Drills,
    /// Feeds; with those of `paths.feeds` when the file states none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feeds: Vec<Feed>,
}

/// Promise of delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Outputs, state, ledger and input offsets in one Kafka transaction.
    ExactlyOnce,
    /// For brokers without transactions: offsets are committed after the outputs.
    AtLeastOnce,
}

/// The cluster, and this process's part in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kafka {
    /// `host:port`, comma-separated.
    pub brokers: String,
    /// Prefix of consumer groups (`<group>.detect`, `<group>.correlate`) and of transactional ids.
    pub group: String,
    /// Name of this process among those of the group; stable over restarts, unique at any time.
    pub instance: String,
    /// Workers (threads) per role.
    pub workers: u32,
    /// Promise of delivery.
    pub delivery: Delivery,
    /// Records read per transaction, at most.
    pub transaction_max_records: u32,
    /// Bytes read per transaction, at most.
    pub transaction_max_bytes: u64,
    /// Longest time between two commits, milliseconds.
    pub transaction_max_ms: u64,
    /// `transaction.timeout.ms`.
    pub transaction_timeout_ms: u64,
    /// `session.timeout.ms`.
    pub session_timeout_ms: u64,
    /// Bytes fetched ahead per worker, at most; kibibytes.
    pub prefetch_kib: u64,
    /// TLS and SASL.
    pub security: Security,
    /// Further librdkafka properties, as they are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
}

/// `security.protocol`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Protocol {
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

impl Protocol {
    /// As librdkafka writes it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        }
    }

    /// Whether a mechanism, name and password are needed.
    pub fn is_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

/// `sasl.mechanism`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Mechanism {
    #[serde(rename = "PLAIN")]
    Plain,
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

impl Mechanism {
    /// As librdkafka writes it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// TLS and SASL. A `*_file` is read at start and overrides nothing: stating both is an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Security {
    pub protocol: Protocol,
    pub mechanism: Option<Mechanism>,
    pub username: Option<String>,
    pub password: Option<Secret>,
    pub password_file: Option<PathBuf>,
    /// PEM file of the authorities; none: the system's.
    pub ca_file: Option<PathBuf>,
    /// PEM file of the client's certificate.
    pub certificate_file: Option<PathBuf>,
    /// PEM file of its key.
    pub key_file: Option<PathBuf>,
    pub key_password: Option<Secret>,
    pub key_password_file: Option<PathBuf>,
    /// Compare the broker's certificate with its name.
    pub verify_hostname: bool,
}

/// Tocsin's own topics. Partition counts are fixed at creation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topics {
    /// Before every name, such as `tocsin.`.
    pub prefix: String,
    /// Partitions of detections and of incidents, which are co-partitioned.
    pub partitions: u32,
    /// Partitions of every other topic of Tocsin's.
    pub other_partitions: u32,
    /// Copies; −1: the broker's default.
    pub replication: i32,
    /// Partitions of feed topics, when `topics create --feeds` makes them.
    pub feed_partitions: u32,
    /// Retention of `retry`, hours.
    pub retry_hours: u32,
    /// Retention of `detections`, hours.
    pub detections_hours: u32,
    /// Retention of `joint-meeting`, hours.
    pub joint_meeting_hours: u32,
    /// Retention of `ledger`, hours.
    pub ledger_hours: u32,
    /// Retention of `shadow`, hours.
    pub shadow_hours: u32,
    /// Retention of `dead-letters`, hours.
    pub dead_letters_hours: u32,
    /// Retention of `decisions` and of the departments' topics, hours.
    pub decisions_hours: u32,
    /// `max.compaction.lag.ms` of `incidents`, hours.
    pub incidents_compaction_lag_hours: u32,
}

impl Topics {
    fn named(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Detections, by incident key.
    pub fn detections(&self) -> String {
        self.named("detections")
    }

    /// Incident state, by incident key; compacted.
    pub fn incidents(&self) -> String {
        self.named("incidents")
    }

    /// The joint-meeting queue, by incident id.
    pub fn joint_meeting(&self) -> String {
        self.named("joint-meeting")
    }

    /// The ledger, by input partition.
    pub fn ledger(&self) -> String {
        self.named("ledger")
    }

    /// What people and deadlines did, by incident id.
    pub fn decisions(&self) -> String {
        self.named("decisions")
    }

    /// What a department has to know, by incident id.
    pub fn department(&self, id: &str) -> String {
        self.named(&format!("dept.{id}"))
    }

    /// Hits of shadow rules, by rule id.
    pub fn shadow(&self) -> String {
        self.named("shadow")
    }

    /// Dead letters, by feed.
    pub fn dead_letters(&self) -> String {
        self.named("dead-letters")
    }

    /// Dead letters to be read again, by feed.
    pub fn retry(&self) -> String {
        self.named("retry")
    }
}

/// Files of the rule set and the feeds. None: the bundled ones. Relative paths start at the configuration file's folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paths {
    /// Folder of rule files, `*.yml` and `*.yaml`, read with its subfolders.
    pub rules: Option<PathBuf>,
    /// Folder of lexicon files.
    pub lexicons: Option<PathBuf>,
    /// Routing table.
    pub departments: Option<PathBuf>,
    /// Folder of gazetteer files.
    pub places: Option<PathBuf>,
    /// Exposure of places, `exposure.csv`; in place of the one in the folder of places.
    pub exposure: Option<PathBuf>,
    /// Folder of feed files, `*.toml`, one or several `[[feeds]]` each; read when the configuration states no feed.
    pub feeds: Option<PathBuf>,
}

/// Weights of the incident score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// C = round(weight × (certainty − ½)).
    pub certainty_weight: u8,
    /// Highest G.
    pub growth_max: u8,
    /// Highest E.
    pub exposure_max: u8,
}

/// From score to level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Levels {
    pub blue: u8,
    pub yellow: u8,
    pub orange: u8,
    pub red: u8,
    /// Points below a threshold at which the level falls.
    pub hysteresis: u8,
    /// Shortest stay on a level before it falls, seconds.
    pub dwell_s: u64,
    /// Certainty from which an incident may be red without an authoritative report.
    pub red_certainty: f64,
}

/// Life of an incident. Its quiet time is the rule's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// A report within this time of resolution reactivates the incident, hours.
    pub reopen_for_hours: u32,
    /// How long a forgotten incident is still named as `previous` at its key, days.
    pub previous_for_days: u32,
    /// Counts and evidence are refreshed at most this often, seconds of partition time.
    pub refresh_s: u64,
    /// Report text is dropped from the state this long after its report, hours.
    pub text_retention_hours: u32,
    /// How far behind the wall clock a partition read to its end advances, seconds.
    pub idle_lag_s: u64,
}

/// Counts of reports against what is usual.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrowthSettings {
    /// Whether reports are counted.
    pub enabled: bool,
    /// W2 from which an hour or a day is an alarm.
    pub threshold: f64,
    /// Reports below which none is.
    pub min_reports: u32,
    /// Series per partition and status.
    pub series: u64,
    /// Local time, minutes east of UTC.
    pub utc_offset_minutes: i32,
    /// Working days that count as a weekend.
    pub holidays: Vec<jiff::civil::Date>,
    /// Saturdays and Sundays that are worked.
    pub workdays: Vec<jiff::civil::Date>,
}

/// Named limits, each applied per status (actual, exercise, test): an exercise never evicts an actual.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Incident keys per partition and status.
    pub keys: u64,
    /// Reports remembered per key (identity and contribution).
    pub reports_per_key: u32,
    /// Further reports told apart per key; of older ones only sums are kept.
    pub aggregated_per_key: u32,
    /// Fingerprints per key, oldest forgotten.
    pub fingerprints_per_key: u32,
    /// Sources per key.
    pub sources_per_key: u32,
    /// Rules that may fire on one report.
    pub rules_per_report: u32,
    /// Events of correlations per key, oldest forgotten.
    pub correlation_events_per_key: u32,
}

/// The silent-feed alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// Silence of this many usual gaps is an alarm.
    pub factor: u32,
    /// A learned usual gap is never below this, seconds: a burst does not make a feed look silent a minute later.
    pub min_gap_s: u64,
    /// A learned usual gap is never above this, seconds.
    pub max_gap_s: u64,
    /// Gaps to see before a usual gap is learned.
    pub learn_after: u32,
}

/// The HTTP listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Whether to serve `/metrics`, `/healthz` and `/readyz`.
    pub enabled: bool,
    /// `address:port`; port 0: any free one.
    pub listen: String,
    /// Serve beyond loopback, without authentication.
    pub allow_remote_metrics: bool,
    /// SHA-256, in hexadecimal, of the bearer token that `POST /api/rules/reload` requires; none: only this machine is heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reload_token_sha256: Option<Secret>,
}

/// Log lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// `human` or `json`.
    pub format: Format,
    /// Level or filter, as `tracing_subscriber::EnvFilter` reads it.
    pub level: String,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Format {
    Human,
    Json,
}
