//! The fold of detections into incidents, one incident key at a time.
//!
//! Invariants: alerts are a function of the sequence of (clock advance, detection) alone, whatever the transactions, crashes
//! and restores in between; a detection of an exercise changes nothing that an actual one can see, its clock included;
//! nothing grows without a named limit.
//!
//! ```text
//! Correlator::fold ─► fold::open or apply ─► members (duplicate, evict) ─► growing, correlations, grown ─► revise (score ─► level ─► alert)
//!   └► timers (resolve, fall, refresh, retention, forget) ─────────────────────────────────────────────────┘
//! ```
//!
//! `store` holds the keys and what a transaction changed, `opened` counts the incidents that are open, `state` and `codec` how a key is written, `pace` how much may be due at once.
//!
//! A report that counts is also counted in the `series` of its key (`growing`), which outlives its incidents; what the series says
//! is G of the score, and may put an incident on the queue that no report alone would. `bases` keeps what alarms are judged by.
//!
//! What an incident shows is computed from the set of its members (`score::Summary`), never kept as a running total: a
//! revision replaces, a withdrawal removes, and the order of arrival matters only where time does (level, activity). What
//! `index` keeps of a large incident between two arrivals is dropped by either, and is the same sums. `warm` keeps large incidents, and series
//! in use, decoded from one transaction to the next.

mod aggregate;
mod alert;
mod areas;
mod bases;
mod book;
mod codec;
mod config;
mod correlations;
mod correlator;
mod duplicate;
mod evict;
mod evidence;
mod fold;
mod growing;
mod grown;
mod held;
mod identity;
mod index;
mod level;
mod members;
mod opened;
mod pace;
mod rate;
mod revise;
#[cfg(test)]
pub(in crate::core) mod sample;
mod score;
mod series;
mod slot;
mod standing;
mod state;
mod store;
mod sums;
mod timers;
mod warm;
mod wide;
mod window;
mod withdraw;

pub use crate::core::growth::GrowthConfig;
pub use config::{
    CorrelateConfig, IncidentConfig, LevelConfig, Limits, MAX_AGGREGATED_PER_KEY,
    MAX_REPORTS_PER_KEY, ScoreConfig,
};
pub use correlator::{CorrelateOutput, Correlator, LimitHit, StateChange};
pub use identity::{ALERT_NAMESPACE, alert_id, incident_id};
pub use opened::OpenIncidents;
pub use series::is_baseline;
pub use state::StateError;
pub use store::CLOCK_KEY;

/// JSON Schema (2020-12) of an alert.
pub const ALERT_SCHEMA: &str = include_str!("alert.schema.json");
