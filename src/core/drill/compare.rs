//! Two runs of one scenario: which targets went better, which worse.

use serde::{Deserialize, Serialize};

use super::report::{Check, Report, Verdict, What};

/// A target in two runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Name of the expectation.
    pub name: String,
    /// What is measured.
    #[serde(flatten)]
    pub what: What,
    /// Before, milliseconds; none: it did not happen.
    pub before_ms: Option<i64>,
    /// Now.
    pub now_ms: Option<i64>,
    /// How it ended before.
    pub before: Verdict,
    /// How it ended now.
    pub now: Verdict,
}

/// A run beside the one before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Exercise id of the earlier run.
    pub exercise: String,
    /// Whether it passed.
    pub passed: bool,
    /// Every target that both runs have.
    pub changes: Vec<Change>,
    /// Unexpected incidents before.
    pub unexpected: u64,
}

/// Compares `now` with `before`; targets that one of them lacks are left out.
pub fn compare(before: &Report, now: &Report) -> Comparison {
    let mut changes = Vec::new();
    for outcome in &now.outcomes {
        let Some(earlier) = before.outcomes.iter().find(|one| one.name == outcome.name) else {
            continue;
        };
        for check in &outcome.checks {
            let same = |one: &&Check| one.what == check.what;
            if let Some(then) = earlier.checks.iter().find(same) {
                changes.push(Change {
                    name: outcome.name.clone(),
                    what: check.what.clone(),
                    before_ms: then.took_ms,
                    now_ms: check.took_ms,
                    before: then.verdict,
                    now: check.verdict,
                });
            }
        }
    }
    Comparison {
        exercise: before.run.exercise.clone(),
        passed: before.passed,
        changes,
        unexpected: before.unexpected.len() as u64,
    }
}
