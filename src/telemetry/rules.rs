//! Metrics of the rule set: which is in use, since when, and what came of reading its files again.
//!
//! Invariant: exactly one version is in use; outcomes are a closed list.

use super::Metrics;
use crate::core::model::Millis;

/// What came of reading the files of the rule set again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReloadOutcome {
    /// Another rule set is in use.
    Applied,
    /// The files were broken: the rule set stays.
    Refused,
    /// The files are those of the rule set in use.
    Unchanged,
}

impl ReloadOutcome {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Applied, Self::Refused, Self::Unchanged];

    /// Label in metrics.
    pub fn id(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Refused => "refused",
            Self::Unchanged => "unchanged",
        }
    }
}

impl Metrics {
    /// The rule set in use from `now` on.
    pub fn rule_set(&self, version: &str, now: Millis) {
        self.rule_set.reset();
        self.rule_set.with_label_values(&[version]).set(1);
        self.rule_set_loaded.set(now.0 / 1_000);
    }

    /// The files of the rule set were read again.
    pub fn reload(&self, outcome: ReloadOutcome) {
        self.reloads.with_label_values(&[outcome.id()]).inc();
    }
}
