//! Reading cases, revisions and changes.

use std::sync::Arc;

use serde::Serialize;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::connect::{Store, StoreError};
use crate::core::model::{Alert, Millis};
use crate::core::obligation::Case;

/// Something that a page has to draw again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Position in the sequence of changes: rises by one, over restarts too.
    pub seq: i64,
    /// When it was saved.
    pub at: Millis,
    /// Incident.
    pub incident: Uuid,
    /// Version of its case then.
    pub version: u64,
    /// Revision of the machine then.
    pub revision: u32,
    /// The last event's kind, or `refreshed`.
    pub kind: Arc<str>,
}

const CASE: &str = "SELECT c.incident, c.case_json, r.alert_json FROM cases c \
                    LEFT JOIN revisions r ON r.incident = c.incident AND r.revision = c.revision";

/// A case from `incident, case_json, alert_json`.
pub(super) fn case_of(row: &AnyRow) -> Result<Case, StoreError> {
    let (id, case): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    let Some(alert) = row.try_get::<Option<String>, _>(2)? else {
        let why = "its newest revision is gone: `tocsin desk rebuild` restores it".to_owned();
        let what = "case";
        return Err(StoreError::Stored { what, of: id, why });
    };
    let unreadable = |what, error: serde_json::Error| StoreError::Stored {
        what,
        of: id.clone(),
        why: error.to_string(),
    };
    let case: Case = serde_json::from_str(&case).map_err(|error| unreadable("case", error))?;
    let alert: Alert =
        serde_json::from_str(&alert).map_err(|error| unreadable("revision", error))?;
    Ok(case.with_alert(Arc::new(alert)))
}

impl Store {
    /// A case; none when there is none.
    pub async fn case(&self, incident: Uuid) -> Result<Option<Case>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!("{CASE} WHERE c.incident = $1"));
        let row = sqlx::query(sql)
            .bind(incident.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(case_of).transpose()
    }

    /// Revisions of an incident that are kept, oldest first: the material ones, and the newest.
    pub async fn revisions(&self, incident: Uuid, limit: u32) -> Result<Vec<Alert>, StoreError> {
        let sql =
            "SELECT alert_json FROM revisions WHERE incident = $1 ORDER BY revision DESC LIMIT $2";
        let rows = sqlx::query(sql)
            .bind(incident.to_string())
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        let mut revisions = Vec::with_capacity(rows.len());
        for row in rows.iter().rev() {
            let text: String = row.try_get(0)?;
            let alert = serde_json::from_str(&text).map_err(|error| StoreError::Stored {
                what: "revision",
                of: incident.to_string(),
                why: error.to_string(),
            })?;
            revisions.push(alert);
        }
        Ok(revisions)
    }

    /// Changes after `seq`, oldest first.
    pub async fn changes(&self, seq: i64, limit: u32) -> Result<Vec<Change>, StoreError> {
        let sql = "SELECT seq, at, incident, version, revision, kind FROM changes WHERE seq > $1 ORDER BY seq LIMIT $2";
        let rows = sqlx::query(sql)
            .bind(seq)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(change_of).collect()
    }

    /// Number of the oldest change that is kept, and of the newest; `(0, 0)` when there is none.
    pub async fn change_range(&self) -> Result<(i64, i64), StoreError> {
        let sql = "SELECT COALESCE(MIN(seq), 0), COALESCE(MAX(seq), 0) FROM changes";
        let row = sqlx::query(sql).fetch_one(&self.pool).await?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    /// Forgets all but the newest changes.
    pub async fn trim_changes(&self, keep: i64) -> Result<u64, StoreError> {
        let sql =
            "DELETE FROM changes WHERE seq <= (SELECT change_seq FROM heads WHERE id = 1) - $1";
        let done = sqlx::query(sql).bind(keep).execute(&self.pool).await?;
        Ok(done.rows_affected())
    }

    /// The earliest deadline of all open cases.
    pub async fn next_due(&self) -> Result<Option<Millis>, StoreError> {
        let sql = "SELECT MIN(due_at) FROM cases WHERE due_at IS NOT NULL";
        let row = sqlx::query(sql).fetch_one(&self.pool).await?;
        Ok(row.try_get::<Option<i64>, _>(0)?.map(Millis))
    }
}

fn change_of(row: &AnyRow) -> Result<Change, StoreError> {
    let id: String = row.try_get(2)?;
    let (version, revision): (i64, i64) = (row.try_get(3)?, row.try_get(4)?);
    let kind: String = row.try_get(5)?;
    Ok(Change {
        seq: row.try_get(0)?,
        at: Millis(row.try_get(1)?),
        incident: id.parse().unwrap_or_default(),
        version: u64::try_from(version).unwrap_or_default(),
        revision: u32::try_from(revision).unwrap_or_default(),
        kind: kind.into(),
    })
}
