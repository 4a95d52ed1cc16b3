//! What a drill came to.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::core::model::{Bilingual, Hazard, Level, Millis};
use crate::core::route::Routing;

/// Format version of reports of drills.
pub const REPORT_VERSION: u8 = 1;

/// How a run was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Exercise id.
    pub exercise: String,
    /// Seed of the wording.
    pub seed: u64,
    /// Time of the script's beginning.
    pub started: Millis,
    /// Time up to which it was followed.
    pub ended: Millis,
    /// Script time per time.
    pub speed: f64,
    /// The time of records was the clock, not the wall's.
    pub records_clock: bool,
    /// It was stopped before its end.
    pub stopped: bool,
    /// Version of the rule set, where it is known.
    pub rule_set: String,
}

/// How one thing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Within its target.
    Met,
    /// It happened, later than the target.
    Late,
    /// It did not happen.
    Missed,
    /// Nothing writes what would have to be read: no desk. Or the drill ended while there still was time.
    Unmeasured,
}

/// What is measured of an incident.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum What {
    /// The first detection.
    Detect,
    /// The first alert.
    Alert,
    /// The level, or a higher one.
    Level {
        /// Which.
        level: Level,
    },
    /// The department has a duty.
    Routed {
        /// Which.
        department: Arc<str>,
    },
    /// The department took the incident over.
    Acknowledge {
        /// Which.
        department: Arc<str>,
    },
    /// The department was done with it.
    Dispose {
        /// Which.
        department: Arc<str>,
    },
}

/// One target, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// What is measured.
    #[serde(flatten)]
    pub what: What,
    /// Allowed, milliseconds; none: only that it happens.
    pub target_ms: Option<i64>,
    /// Taken, milliseconds; none: it did not happen.
    pub took_ms: Option<i64>,
    /// How it ended.
    pub verdict: Verdict,
}

/// An expected incident, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Name of the expectation.
    pub name: String,
    /// Hazard.
    pub hazard: Hazard,
    /// Place, where one is expected.
    pub place: Option<Bilingual>,
    /// The incident.
    pub incident: Option<Uuid>,
    /// Its highest level.
    pub level: Option<Level>,
    /// Its highest number of reports.
    pub reports: u32,
    /// Every target.
    pub checks: Vec<Check>,
}

/// Deeds of one department over all incidents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DepartmentSummary {
    /// Department id.
    pub id: Arc<str>,
    /// Incidents that it had a duty in.
    pub incidents: u32,
    /// Acknowledged, and the longest and the median time it took, milliseconds.
    pub acknowledged: Deeds,
    /// The same of disposals.
    pub disposed: Deeds,
    /// Escalations.
    pub escalated: u32,
}

/// Times of one kind of deed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Deeds {
    pub count: u32,
    pub median_ms: Option<i64>,
    pub longest_ms: Option<i64>,
}

/// An incident that nobody expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Unexpected {
    pub incident: Uuid,
    pub headline: Bilingual,
    pub hazard: Hazard,
    pub place: Bilingual,
    pub level: Level,
    pub after_ms: i64,
}

/// A noise report on which a rule fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Heard {
    pub report: String,
    pub rule: Arc<str>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// Milliseconds after the start.
    pub after_ms: i64,
    /// Hazard of the incident.
    pub hazard: Hazard,
    /// Incident.
    pub incident: Uuid,
    /// The new level; none when a department did something.
    pub level: Option<Level>,
    /// Department, and what it did.
    pub deed: Option<(Arc<str>, super::Deed)>,
    /// Withdrawn or quiet.
    pub ended: bool,
}

/// What a drill came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Format version.
    pub v: u8,
    /// Scenario.
    pub scenario: String,
    /// Its title.
    pub title: Bilingual,
    /// How it was run.
    pub run: RunInfo,
    /// No target was missed or late, and nothing came unexpectedly.
    pub passed: bool,
    /// Simulated reports that were sent, noise included.
    pub sent: u64,
    /// Of them noise.
    pub noise: u64,
    /// Simulated reports on which a rule fired.
    pub detected: u64,
    /// Expected incidents.
    pub outcomes: Vec<Outcome>,
    /// Departments, by id.
    pub departments: Vec<DepartmentSummary>,
    /// Incidents that nobody expected.
    pub unexpected: Vec<Unexpected>,
    /// Noise that was heard, the first [`MAX_HEARD`].
    pub heard: Vec<Heard>,
    /// Changes of levels and deeds, in order.
    pub timeline: Vec<Moment>,
    /// Simulated reports in equally long bins over the time of the drill.
    pub arrivals: Vec<u32>,
    /// Names of the departments, by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: Names,
}

/// Names of departments by id.
pub type Names = BTreeMap<Arc<str>, Bilingual>;

/// Noise reports named in a report.
pub const MAX_HEARD: usize = 50;
/// Bins of [`Report::arrivals`].
pub const ARRIVAL_BINS: usize = 60;

impl Report {
    /// Calls departments by the names that this table has for them, so that a report shows no ids to people.
    #[must_use]
    pub fn with_names(mut self, routing: &Routing) -> Self {
        let named = routing.all().iter();
        self.names = named
            .map(|it| (Arc::clone(&it.id), it.names.clone()))
            .collect();
        self
    }

    /// Targets of which nothing can be said: they neither fail a drill nor show that anything works.
    pub fn unmeasured(&self) -> usize {
        let checks = self.outcomes.iter().flat_map(|one| &one.checks);
        checks
            .filter(|check| check.verdict == Verdict::Unmeasured)
            .count()
    }

    /// Length of the drill, milliseconds, at least one.
    pub fn length_ms(&self) -> i64 {
        self.run.ended.since(self.run.started).max(1)
    }
}
