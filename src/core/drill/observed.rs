//! What was seen of a drill: sent reports, and the detections, alerts and decisions that name its exercise id.
//!
//! Invariant: bounded ([`MAX_SEEN`] of each kind; what is beyond is counted), and without report text.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::schedule::Simulated;
use crate::core::model::{
    Alert, Bilingual, Detection, Hazard, IncidentState, Level, Millis, MsgType, Place,
};

/// Detections, alerts and decisions kept of a drill, each.
pub const MAX_SEEN: usize = 200_000;

/// A report that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Sent {
    pub feed: Arc<str>,
    pub report: String,
    pub step: Arc<str>,
    pub noise: bool,
    pub at: Millis,
}

impl Sent {
    /// A simulated report, sent at that time.
    pub fn new(one: &Simulated, at: Millis) -> Self {
        Self {
            feed: Arc::clone(&one.feed.id),
            report: one.report.id.to_string(),
            step: Arc::clone(&one.step),
            noise: one.noise,
            at,
        }
    }
}

/// A detection of a simulated report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SeenDetection {
    pub hazard: Hazard,
    pub rule: Arc<str>,
    pub feed: Arc<str>,
    pub report: String,
    pub place: Arc<str>,
    pub ancestors: Vec<Arc<str>>,
    pub at: Millis,
}

impl SeenDetection {
    /// A detection, seen at that time.
    pub fn new(detection: &Detection, at: Millis) -> Self {
        Self {
            hazard: detection.hazard,
            rule: Arc::clone(&detection.rule_id),
            feed: Arc::clone(&detection.report.feed),
            report: detection.report.id.clone(),
            place: Arc::clone(&detection.key_place.code),
            ancestors: detection.ancestors.clone(),
            at,
        }
    }
}

/// A revision on the queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SeenAlert {
    pub incident: Uuid,
    pub revision: u32,
    pub message: MsgType,
    pub state: IncidentState,
    pub hazard: Hazard,
    pub place: Place,
    pub ancestors: Vec<Arc<str>>,
    pub headline: Bilingual,
    pub level: Level,
    pub score: u8,
    pub departments: Vec<Arc<str>>,
    pub reports: u32,
    pub at: Millis,
}

impl SeenAlert {
    /// A revision, seen at that time.
    pub fn new(alert: &Alert, at: Millis) -> Self {
        Self {
            incident: alert.incident_id,
            revision: alert.revision,
            message: alert.msg_type,
            state: alert.state,
            hazard: alert.hazard,
            place: alert.place.clone(),
            ancestors: alert.ancestors.clone(),
            headline: alert.headline.clone(),
            level: alert.level,
            score: alert.score,
            departments: alert
                .departments
                .iter()
                .map(|d| Arc::clone(&d.id))
                .collect(),
            reports: alert.counts.reports,
            at,
        }
    }
}

/// What a department did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Deed {
    Acknowledged,
    Disposed,
    Escalated,
}

/// A decision about an incident of the drill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SeenDecision {
    pub incident: Uuid,
    pub department: Arc<str>,
    pub deed: Deed,
    pub at: Millis,
}

/// Everything that was seen, in the order in which it was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// Reports that were sent.
    pub sent: Vec<Sent>,
    /// Their detections.
    pub detections: Vec<SeenDetection>,
    /// Revisions of their incidents.
    pub alerts: Vec<SeenAlert>,
    /// What departments did.
    pub decisions: Vec<SeenDecision>,
    /// Decisions can be seen: a desk writes them.
    pub has_desk: bool,
    /// What was seen beyond the bounds.
    pub dropped: u64,
}

impl Observed {
    /// Keeps a detection.
    pub fn detection(&mut self, seen: SeenDetection) {
        keep(&mut self.detections, seen, &mut self.dropped);
    }

    /// Keeps a revision.
    pub fn alert(&mut self, seen: SeenAlert) {
        keep(&mut self.alerts, seen, &mut self.dropped);
    }

    /// Keeps a decision.
    pub fn decision(&mut self, seen: SeenDecision) {
        keep(&mut self.decisions, seen, &mut self.dropped);
    }
}

fn keep<T>(list: &mut Vec<T>, one: T, dropped: &mut u64) {
    if list.len() < MAX_SEEN {
        list.push(one);
    } else {
        *dropped += 1;
    }
}
