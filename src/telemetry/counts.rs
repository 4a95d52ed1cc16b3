//! What a stage counted since the last commit.
//!
//! Invariant: nothing here is visible before [`super::Metrics::commit`]; an abort drops it with [`StageCounts::clear`].

use std::collections::BTreeMap;
use std::sync::Arc;

use super::growth::{Readings, note};
use crate::core::model::{
    Alert, CorrelateOutcome, DetectOutcome, Hazard, Level, Millis, MsgType, RefusalCode, Status,
};

/// Latencies and durations kept of one transaction; beyond, every further one is left out of the histograms.
const MAX_SAMPLES: usize = 4_096;

/// What one feed sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FeedCounts {
    /// Records per status and outcome, in the order of [`Status::ALL`] and [`DetectOutcome::ALL`].
    pub(super) outcomes: [[u64; DetectOutcome::ALL.len()]; Status::ALL.len()],
    /// Newest `received` of an actual record: a drill must not make a silent feed look alive.
    pub(super) newest: Option<Millis>,
}

/// Counts of one worker between two commits. Keep one per worker and hand it to [`super::Metrics::commit`].
#[derive(Clone, Debug, Default)]
pub struct StageCounts {
    /// By index of the feed.
    pub(super) feeds: Vec<FeedCounts>,
    pub(super) detections: BTreeMap<(Arc<str>, Status, CorrelateOutcome), u64>,
    /// Records of the retry topic that belong to no feed's decoder.
    pub(super) retries: BTreeMap<DetectOutcome, u64>,
    pub(super) unreadable_detections: u64,
    pub(super) shadow: BTreeMap<Arc<str>, u64>,
    pub(super) dead_letters: BTreeMap<(Arc<str>, RefusalCode), u64>,
    /// (level, department, status).
    pub(super) alerts: BTreeMap<(&'static str, Arc<str>, Status), u64>,
    /// (hazard, level, message, material, status).
    pub(super) revisions: BTreeMap<(Hazard, Level, MsgType, bool, Status), u64>,
    pub(super) limits: BTreeMap<(&'static str, Status), u64>,
    /// `received` of the detections whose folding made an alert of that status.
    pub(super) latencies: Vec<(Status, Millis)>,
    /// (stage, seconds).
    pub(super) durations: Vec<(&'static str, f64)>,
    pub(super) retractions: BTreeMap<&'static str, u64>,
    pub(super) drills: BTreeMap<&'static str, u64>,
    pub(super) growth: Readings,
    /// Conditions of rules on reports of the sample: how many, and their nanoseconds. As many as there are rules.
    pub(super) rule_costs: BTreeMap<Arc<str>, (u64, u64)>,
}

impl StageCounts {
    /// A record of the feed with this index ended so; without a readable status it is actual.
    pub fn record(
        &mut self,
        feed: usize,
        status: Status,
        outcome: DetectOutcome,
        received: Millis,
    ) {
        if self.feeds.len() <= feed {
            self.feeds.resize_with(feed + 1, FeedCounts::default);
        }
        if let Some(counts) = self.feeds.get_mut(feed) {
            counts.outcomes[status as usize][outcome as usize] += 1;
            if status == Status::Actual {
                counts.newest = counts.newest.max(Some(received));
            }
        }
    }

    /// A record of the retry topic ended so without being one of a feed: refused, or a detection passed on.
    pub fn retry(&mut self, outcome: DetectOutcome) {
        *self.retries.entry(outcome).or_default() += 1;
    }

    /// A detection ended so.
    pub fn detection(&mut self, rule: &Arc<str>, status: Status, outcome: CorrelateOutcome) {
        let key = (rule.clone(), status, outcome);
        *self.detections.entry(key).or_default() += 1;
    }

    /// A retraction took a report out of so many incidents.
    pub fn retraction(&mut self, incidents: u32) {
        let found = if incidents > 0 { "found" } else { "not_held" };
        *self.retractions.entry(found).or_default() += 1;
    }

    /// A record on tocsin.detections was not one.
    pub fn unreadable_detection(&mut self) {
        self.unreadable_detections += 1;
    }

    /// A shadow rule fired.
    pub fn shadow(&mut self, rule: &Arc<str>) {
        *self.shadow.entry(rule.clone()).or_default() += 1;
    }

    /// A record of the feed went to dead letters.
    pub fn dead_letter(&mut self, feed: &Arc<str>, code: RefusalCode) {
        *self.dead_letters.entry((feed.clone(), code)).or_default() += 1;
    }

    /// An alert was written; `received` is that of the detection whose folding made it, none when a timer did.
    pub fn alert(&mut self, alert: &Alert, received: Option<Millis>) {
        for department in &alert.departments {
            let key = (alert.level.id(), department.id.clone(), alert.status);
            *self.alerts.entry(key).or_default() += 1;
        }
        let key = (
            alert.hazard,
            alert.level,
            alert.msg_type,
            alert.material,
            alert.status,
        );
        *self.revisions.entry(key).or_default() += 1;
        note(&mut self.growth, alert);
        if let Some(received) = received
            && self.latencies.len() < MAX_SAMPLES
        {
            self.latencies.push((alert.status, received));
        }
    }

    /// A named limit refused or forgot something.
    pub fn limit(&mut self, limit: &'static str, status: Status, times: u64) {
        *self.limits.entry((limit, status)).or_default() += times;
    }

    /// How long a stage took for one record; call it for a sample of them.
    pub fn duration(&mut self, stage: &'static str, seconds: f64) {
        if self.durations.len() < MAX_SAMPLES {
            self.durations.push((stage, seconds));
        }
    }

    /// The condition of a rule took so long on a report of the sample.
    pub fn rule_cost(&mut self, rule: &Arc<str>, nanos: u64) {
        let cost = self.rule_costs.entry(rule.clone()).or_default();
        cost.0 += 1;
        cost.1 = cost.1.saturating_add(nanos);
    }

    /// A label of a drill was `accepted`, `rejected` or the like.
    pub fn drill_label(&mut self, verdict: &'static str) {
        *self.drills.entry(verdict).or_default() += 1;
    }

    /// Forgets everything, after an abort.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
