//! What of the fold can be configured, and the named limits.
//!
//! Invariant: weights are whole points. Which values are in bounds, the configuration says (`config/bounds.rs`).

use std::sync::Arc;

use crate::core::growth::GrowthConfig;
use crate::core::model::Level;
use crate::core::route::Routing;

/// Weights of the incident score. Integer points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScoreConfig {
    /// C = round(weight × (certainty − ½)); 0…100.
    pub certainty_weight: u8,
    /// Highest E; 0…100.
    pub exposure_max: u8,
}

/// From score to level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelConfig {
    /// Lowest score of blue, yellow, orange and red; rising.
    pub thresholds: [u8; 4],
    /// A level holds until the score is this far below its threshold.
    pub hysteresis: u8,
    /// Shortest stay on a level before it falls, milliseconds.
    pub dwell_ms: i64,
    /// Certainty, in thousandths, from which an incident may be red without an authoritative report.
    pub red_certainty_milli: u32,
}

impl LevelConfig {
    /// Lowest score of `level`.
    pub fn threshold(&self, level: Level) -> i32 {
        i32::from(self.thresholds[level as usize])
    }
}

/// Life of an incident, milliseconds of partition time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentConfig {
    /// A report within this time of resolution reactivates the incident.
    pub reopen_for_ms: i64,
    /// How long a forgotten incident is still named as `previous`.
    pub previous_for_ms: i64,
    /// Counts and evidence are refreshed at most this often.
    pub refresh_ms: i64,
    /// Report text is dropped this long after the report was received.
    pub text_retention_ms: i64,
}

/// Named limits; those of keys hold per partition and status, so that an exercise never blocks an actual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Incidents held, resolved ones within `reopen_for` among them.
    pub keys: usize,
    /// Reports remembered of one incident with text, id and numbers, copies among them; of further ones the oldest and least
    /// severe are aggregated: they count, and are still told apart.
    pub reports_per_key: usize,
    /// Aggregated reports of one incident that are still told apart; of older ones only sums are kept.
    pub aggregated_per_key: usize,
    /// Fingerprints of one incident; the oldest is forgotten.
    pub fingerprints_per_key: usize,
    /// Independent sources of one incident; a further publisher of a feed counts as the feed.
    pub sources_per_key: usize,
    /// Rules that may fire on one report.
    pub rules_per_report: usize,
    /// Events of all correlations of one incident; the oldest are forgotten, and what they fired stays.
    pub correlation_events_per_key: usize,
}

/// Everything the fold needs beside the detections.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct CorrelateConfig {
    pub score: ScoreConfig,
    pub level: LevelConfig,
    pub incident: IncidentConfig,
    pub limits: Limits,
    pub growth: GrowthConfig,
    /// Which departments an incident goes to.
    pub routing: Arc<Routing>,
}

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

impl CorrelateConfig {
    /// The defaults of `config/tocsin.toml` with this routing.
    pub fn new(routing: Arc<Routing>) -> Self {
        Self {
            score: ScoreConfig {
                certainty_weight: 20,
                exposure_max: 10,
            },
            level: LevelConfig {
                thresholds: [20, 40, 60, 80],
                hysteresis: 5,
                dwell_ms: 10 * MINUTE,
                red_certainty_milli: 800,
            },
            incident: IncidentConfig {
                reopen_for_ms: DAY,
                previous_for_ms: 30 * DAY,
                refresh_ms: 30_000,
                text_retention_ms: 7 * DAY,
            },
            limits: Limits {
                keys: 1_000_000,
                reports_per_key: 1_500,
                aggregated_per_key: 4_096,
                fingerprints_per_key: 256,
                sources_per_key: 256,
                rules_per_report: 16,
                correlation_events_per_key: 4_096,
            },
            growth: GrowthConfig::default(),
            routing,
        }
    }
}

/// Highest [`Limits::reports_per_key`]: the state of one key must fit into one Kafka record.
pub const MAX_REPORTS_PER_KEY: u32 = 1_500;

/// Highest [`Limits::aggregated_per_key`].
pub const MAX_AGGREGATED_PER_KEY: u32 = 16_384;

/// Quiet times are taken within these bounds, whatever a detection says.
pub(super) const QUIET_MS: std::ops::RangeInclusive<i64> = 1_000..=30 * DAY;
