//! The detect engine: decode, match, score and place one record.
//!
//! Invariant: stateless between records, and nothing dear before a hit: numbers, places, fingerprints and excerpts are made only for
//! reports on which a rule fires. One engine per worker; the rule set is shared.
//!
//! `engine` goes through these: `drill` judges labels, `scan` finds terms, `matcher`, `quick` and `facts` say which rules fire, `cost` measures what
//! that took, and
//! `build`, `excerpt` and `shown` make the detection.

mod build;
mod content;
mod cost;
pub mod drill;
mod engine;
mod excerpt;
mod facts;
mod json;
mod matcher;
mod quick;
mod scan;
mod shown;
#[cfg(test)]
mod tests;
mod written;

pub use cost::{COST_SAMPLE, Clock};
pub use drill::{
    DrillKey, EXERCISE_ID, EXERCISE_MAC, EXERCISE_WITHDRAWN, LABEL_VERDICTS, is_exercise_id,
};
pub use engine::{DetectEngine, DetectOutput};
pub use matcher::{MAX_HITS, Matcher};
pub use written::write_detection;
