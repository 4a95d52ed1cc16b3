//! What a replay or a demo counted: every record and every detection ends once.
//!
//! Invariant: the outcomes add up to the records, and those of detections to the detections.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::model::{CorrelateOutcome, DetectOutcome};

/// The one JSON object that `replay --json` and `demo --json` print.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Records read.
    pub records: u64,
    /// Records per outcome of detect, zeros among them.
    pub outcomes: BTreeMap<String, u64>,
    /// Detections per outcome of correlate, zeros among them.
    pub detections: BTreeMap<String, u64>,
    /// Incidents opened, those below the lowest level among them.
    pub incidents: u64,
    /// Revisions written.
    pub alerts: u64,
    /// Wall-clock time taken, milliseconds; the only value that differs between two equal replays.
    pub elapsed_ms: u64,
}

impl Default for Summary {
    fn default() -> Self {
        let detections = CorrelateOutcome::ALL
            .iter()
            .filter(|outcome| outcome.is_detection())
            .map(|outcome| (outcome.id().to_owned(), 0))
            .collect();
        Self {
            records: 0,
            outcomes: DetectOutcome::ALL
                .iter()
                .map(|outcome| (outcome.id().to_owned(), 0))
                .collect(),
            detections,
            incidents: 0,
            alerts: 0,
            elapsed_ms: 0,
        }
    }
}

fn count(counts: &mut BTreeMap<String, u64>, id: &str) {
    match counts.get_mut(id) {
        Some(count) => *count += 1,
        None => drop(counts.insert(id.to_owned(), 1)),
    }
}

impl Summary {
    /// Counts a record.
    pub fn record(&mut self, outcome: DetectOutcome) {
        self.records += 1;
        count(&mut self.outcomes, outcome.id());
    }

    /// Counts a detection.
    pub fn detection(&mut self, outcome: CorrelateOutcome) {
        if outcome == CorrelateOutcome::Opened {
            self.incidents += 1;
        }
        count(&mut self.detections, outcome.id());
    }

    /// Records per outcome of detect.
    pub fn outcome(&self, outcome: DetectOutcome) -> u64 {
        self.outcomes.get(outcome.id()).copied().unwrap_or(0)
    }

    /// Whether every record ended once.
    pub fn adds_up(&self) -> bool {
        self.outcomes.values().sum::<u64>() == self.records
    }
}
