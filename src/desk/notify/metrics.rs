//! Figures of notifications. Labels are names of receivers and departments of the configuration, which are bounded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec, Opts, Registry};

use crate::core::model::Millis;
use crate::desk::store::Waiting;

/// What became of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its message arrived.
    Sent,
    /// An attempt failed; it is tried again.
    Failed,
    /// Its attempts are used up.
    Dead,
    /// Somebody does not want to hear it.
    Muted,
    /// Too old, or too many wait.
    Skipped,
}

impl Outcome {
    const ALL: [Self; 5] = [
        Self::Sent,
        Self::Failed,
        Self::Dead,
        Self::Muted,
        Self::Skipped,
    ];

    fn id(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Muted => "muted",
            Self::Skipped => "skipped",
        }
    }
}

/// Metrics of notifications.
#[derive(Debug)]
pub struct NotifyMetrics {
    departments: BTreeSet<Arc<str>>,
    channels: Vec<Arc<str>>,
    outcomes: IntCounterVec,
    pending: IntGaugeVec,
    dead: IntGaugeVec,
    oldest: GaugeVec,
}

impl NotifyMetrics {
    /// Registers them; other departments than these are counted as `other`.
    pub fn new(
        registry: &Registry,
        departments: impl IntoIterator<Item = Arc<str>>,
        channels: impl IntoIterator<Item = Arc<str>>,
    ) -> prometheus::Result<Arc<Self>> {
        let outcomes = IntCounterVec::new(
            Opts::new(
                "tocsin_notifications_total",
                "Notices by what became of them: sent, dead, muted, skipped; and failed attempts.",
            ),
            &["channel", "department", "outcome"],
        )?;
        let pending = IntGaugeVec::new(
            Opts::new(
                "tocsin_notifications_pending",
                "Notices that wait for a receiver.",
            ),
            &["channel"],
        )?;
        let dead = IntGaugeVec::new(
            Opts::new(
                "tocsin_notifications_dead",
                "Notices in the log whose attempts are used up: nobody was told.",
            ),
            &["channel"],
        )?;
        let oldest = GaugeVec::new(
            Opts::new(
                "tocsin_notifications_oldest_seconds",
                "Age of the oldest notice that is due or was tried and did not arrive; what waits for its digest is not among them.",
            ),
            &["channel"],
        )?;
        registry.register(Box::new(outcomes.clone()))?;
        registry.register(Box::new(pending.clone()))?;
        registry.register(Box::new(dead.clone()))?;
        registry.register(Box::new(oldest.clone()))?;
        let metrics = Self {
            departments: departments.into_iter().collect(),
            channels: channels.into_iter().collect(),
            outcomes,
            pending,
            dead,
            oldest,
        };
        for channel in &metrics.channels {
            for department in &metrics.departments {
                for outcome in Outcome::ALL {
                    metrics.count(channel, department, outcome, 0);
                }
            }
        }
        metrics.waiting(&BTreeMap::new(), Millis(0));
        Ok(Arc::new(metrics))
    }

    /// Counts notices of a department at a channel.
    pub fn count(&self, channel: &str, department: &str, outcome: Outcome, notices: u64) {
        let department = if self.departments.contains(department) {
            department
        } else {
            "other"
        };
        self.outcomes
            .with_label_values(&[channel, department, outcome.id()])
            .inc_by(notices);
    }

    /// What waits now.
    pub fn waiting(&self, all: &BTreeMap<String, Waiting>, now: Millis) {
        for channel in &self.channels {
            let waiting = all.get(&**channel).cloned().unwrap_or_default();
            let age = waiting.oldest.map_or(0, |at| now.since(at).max(0));
            let labels = [&**channel];
            self.pending
                .with_label_values(&labels)
                .set(waiting.pending as i64);
            self.dead
                .with_label_values(&labels)
                .set(waiting.dead as i64);
            self.oldest
                .with_label_values(&labels)
                .set(age as f64 / 1_000.0);
        }
    }
}
