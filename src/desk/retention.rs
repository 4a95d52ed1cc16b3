//! Retention: what reports said is deleted after its time; what they amounted to stays.
//!
//! Invariant: counts, scores, rules, times and report ids of a revision stay as they were; titles, excerpts, matches and links go.
//! Nothing of the audit trail goes: it holds no text of a report.

use std::sync::Arc;

use sqlx::Row as _;

use super::service::{Desk, DeskError};
use super::store::StoreError;
use crate::core::model::{Alert, Millis};
use crate::core::obligation::{Event, EventKind};

/// Revisions of one transaction.
const BATCH: i64 = 200;
/// Changes that are kept for pages that come back.
const KEEP_CHANGES: i64 = 200_000;

/// Takes the text of reports out of a revision; false when there was none.
pub(super) fn forget_text(alert: &mut Alert) -> bool {
    let mut any = false;
    for evidence in &mut alert.evidence {
        any |= !evidence.title.is_empty() || !evidence.excerpt.is_empty();
        evidence.title.clear();
        evidence.excerpt.clear();
        evidence.matches.clear();
        evidence.link = None;
    }
    any
}

impl Desk {
    /// Deletes report excerpts of revisions sent before `before`, and old changes. Returns how many revisions lost theirs.
    pub async fn retain(&self, before: Millis) -> Result<u64, DeskError> {
        let mut deleted = 0;
        loop {
            let turn = self.turn().await;
            let mut writing = self.write(&turn).await?;
            let sql = "SELECT incident, revision, alert_json FROM revisions WHERE excerpts = 1 AND sent < $1 ORDER BY sent LIMIT $2";
            let rows = sqlx::query(sql)
                .bind(before.0)
                .bind(BATCH)
                .fetch_all(writing.connection())
                .await
                .map_err(StoreError::from)?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                let column = |at| row.try_get::<String, _>(at).map_err(StoreError::from);
                let (incident, text) = (column(0)?, column(2)?);
                let revision: i64 = row.try_get(1).map_err(StoreError::from)?;
                let mut alert: Alert = serde_json::from_str(&text).map_err(|error| {
                    DeskError::Internal(format!("revision of {incident}: {error}"))
                })?;
                forget_text(&mut alert);
                let text = serde_json::to_string(&alert)
                    .map_err(|error| DeskError::Internal(error.to_string()))?;
                let sql = "UPDATE revisions SET excerpts = 0, alert_json = $1 WHERE incident = $2 AND revision = $3";
                sqlx::query(sql)
                    .bind(text)
                    .bind(incident)
                    .bind(revision)
                    .execute(writing.connection())
                    .await
                    .map_err(StoreError::from)?;
            }
            deleted += rows.len() as u64;
            let event = Event {
                at: self.now(),
                kind: EventKind::ExcerptsDeleted,
                actor: None,
                department: None,
                office: None,
                reason: String::new(),
                before: serde_json::Value::Null,
                after: serde_json::json!({"revisions": rows.len(), "sent_before": before}),
            };
            writing.append(&[(None, &event)]).await?;
            writing.commit().await?;
        }
        self.store().trim_changes(KEEP_CHANGES).await?;
        Ok(deleted)
    }

    /// A revision as it may be kept at this desk's time: without text when that is older than `before`.
    pub(super) fn within_retention(alert: Arc<Alert>, before: Millis) -> Arc<Alert> {
        if alert.sent >= before {
            return alert;
        }
        let mut alert = Arc::unwrap_or_clone(alert);
        forget_text(&mut alert);
        Arc::new(alert)
    }
}
