//! Rebuild: machine state from the queue, without touching what people decided.
//!
//! Invariant: a rebuild adds and restores; what the topic no longer holds stays, and so do obligations, deadlines, overlays, verdicts
//! and the audit trail. Text of reports older than the retention does not come back.

use std::sync::Arc;

use uuid::Uuid;

use super::service::{Desk, DeskError};
use super::store::Saved;
use crate::core::model::{Alert, Millis};

/// Alerts of one step.
pub const REBUILD_BATCH: usize = 1_000;

/// What a rebuild did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Rebuilt {
    /// Alerts read.
    pub alerts: u64,
    /// Incidents that the desk did not have.
    pub opened: u64,
    /// Revisions that it did not have.
    pub added: u64,
    /// Revisions whose stored form differed from the topic's.
    pub restored: u64,
}

impl Desk {
    /// Takes a step of a rebuild; `before`: text of reports sent earlier than that is left out.
    pub async fn rebuild(
        &self,
        alerts: Vec<Arc<Alert>>,
        before: Millis,
    ) -> Result<Rebuilt, DeskError> {
        let alerts: Vec<Arc<Alert>> = alerts
            .into_iter()
            .map(|alert| Self::within_retention(alert, before))
            .collect();
        let restored = self.restore(&alerts).await?;
        let read = alerts.len() as u64;
        let owned: Vec<Alert> = alerts.into_iter().map(Arc::unwrap_or_clone).collect();
        let done = self.absorb_alerts(owned).await?;
        Ok(Rebuilt {
            alerts: read,
            opened: done.opened as u64,
            added: read - done.known as u64,
            restored,
        })
    }

    /// Puts stored revisions that differ from the topic's, or are gone, back to what the machine wrote.
    async fn restore(&self, alerts: &[Arc<Alert>]) -> Result<u64, DeskError> {
        let turn = self.turn().await;
        let mut writing = self.write(&turn).await?;
        let mut incidents: Vec<Uuid> = alerts.iter().map(|alert| alert.incident_id).collect();
        incidents.sort_unstable();
        incidents.dedup();
        let newest = writing.newest_revisions(&incidents).await?;
        let keys: Vec<(Uuid, u32)> = alerts
            .iter()
            .map(|alert| (alert.incident_id, alert.revision))
            .collect();
        let stored = writing.revisions(&keys).await?;
        let mut touched: Vec<Uuid> = Vec::new();
        let mut restored = 0;
        for alert in alerts {
            let id = alert.incident_id;
            let wrong = match stored.get(&(id, alert.revision)) {
                // One that cannot be read is damaged; the topic's is right.
                Some(stored) => stored.as_ref() != Some(&**alert),
                // The one that the case stands on is gone. Others are new, or refreshes that a newer one replaced.
                None => newest.get(&id) == Some(&alert.revision),
            };
            if wrong {
                writing.put_revision(alert).await?;
                restored += 1;
                touched.push(id);
            }
        }
        touched.sort_unstable();
        touched.dedup();
        let cases = writing.load(&touched).await?;
        let all: Vec<Saved> = cases
            .into_values()
            .map(|case| Saved::new(case, Vec::new()))
            .collect();
        writing.save(&all, self.now()).await?;
        let changes = writing.commit().await?;
        self.committed(&all, changes);
        Ok(restored)
    }
}
