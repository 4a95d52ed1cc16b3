//! Writing: one transaction that begins by proving that this desk may write, and ends with the sequences moved on.
//!
//! Invariant: sequence numbers and the audit hash are read and written under one row lock, so that they neither gap nor fork.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::any::AnyRow;
use sqlx::{Any, Row as _, Transaction};
use uuid::Uuid;

use super::connect::{Backend, Store, StoreError};
use super::read::{Change, case_of};
use super::rows::{list, query};
use crate::core::model::Alert;
use crate::core::obligation::Case;

/// Cases loaded by one statement.
const LOAD: usize = 200;

/// What a write begins with: columns of [`Head`].
const RETURNING: &str = "RETURNING audit_seq, audit_hash, change_seq, outbox_seq";

/// Ends of the sequences.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) audit_seq: i64,
    pub(super) audit_hash: String,
    pub(super) change_seq: i64,
    pub(super) outbox_seq: i64,
}

/// An open transaction. Dropped, it leaves nothing.
pub struct Writing {
    pub(super) tx: Transaction<'static, Any>,
    pub(super) head: Head,
    pub(super) changes: Vec<Change>,
}

impl Store {
    /// Begins to write as the desk of that epoch; without one, as a tool that writes beside the desk (tokens, audit events).
    pub async fn write(&self, epoch: Option<i64>) -> Result<Writing, StoreError> {
        let begin = match self.backend() {
            // A transaction that began by reading could not write once another has.
            Backend::Sqlite => "BEGIN IMMEDIATE",
            Backend::Postgres => "BEGIN",
        };
        let mut tx = self.pool.begin_with(begin).await?;
        let row = match epoch {
            Some(epoch) => {
                let sql = format!(
                    "UPDATE heads SET writes = writes + 1 WHERE id = 1 AND epoch = $1 {RETURNING}"
                );
                let query = query(sql, vec![epoch.into()]);
                query.fetch_optional(&mut *tx).await?
            }
            None => {
                let sql = format!("UPDATE heads SET writes = writes + 1 WHERE id = 1 {RETURNING}");
                query(sql, Vec::new()).fetch_optional(&mut *tx).await?
            }
        };
        let row = row.ok_or(StoreError::Fenced)?;
        let head = Head {
            audit_seq: row.try_get(0)?,
            audit_hash: row.try_get(1)?,
            change_seq: row.try_get(2)?,
            outbox_seq: row.try_get(3)?,
        };
        Ok(Writing {
            tx,
            head,
            changes: Vec::new(),
        })
    }
}

impl Writing {
    /// The connection, for tables that other modules own.
    pub fn connection(&mut self) -> &mut sqlx::AnyConnection {
        &mut self.tx
    }

    /// The cases of these incidents, those that there are.
    pub async fn load(&mut self, incidents: &[Uuid]) -> Result<BTreeMap<Uuid, Case>, StoreError> {
        let mut cases = BTreeMap::new();
        for chunk in incidents.chunks(LOAD) {
            let sql = format!(
                "SELECT c.incident, c.case_json, r.alert_json FROM cases c \
                 LEFT JOIN revisions r ON r.incident = c.incident AND r.revision = c.revision \
                 WHERE c.incident IN ({})",
                list(1, chunk.len())
            );
            let args = chunk.iter().map(|id| id.to_string().into()).collect();
            let rows = query(sql, args)
                .persistent(chunk.len() == 1 || chunk.len() == LOAD)
                .fetch_all(&mut *self.tx)
                .await?;
            for row in rows {
                let case = case_of(&row)?;
                cases.insert(case.incident, case);
            }
        }
        Ok(cases)
    }

    /// Which of these revisions are stored.
    pub async fn stored(
        &mut self,
        revisions: &[(Uuid, u32)],
    ) -> Result<BTreeSet<(Uuid, u32)>, StoreError> {
        let rows = self.of_revisions("incident, revision", revisions).await?;
        Ok(rows.iter().filter_map(key_of).collect())
    }

    /// Those of these revisions that are stored; none where one cannot be read.
    pub async fn revisions(
        &mut self,
        revisions: &[(Uuid, u32)],
    ) -> Result<BTreeMap<(Uuid, u32), Option<Alert>>, StoreError> {
        let columns = "incident, revision, alert_json";
        let mut found = BTreeMap::new();
        for row in self.of_revisions(columns, revisions).await? {
            if let Some(key) = key_of(&row) {
                let text: String = row.try_get(2)?;
                found.insert(key, serde_json::from_str(&text).ok());
            }
        }
        Ok(found)
    }

    async fn of_revisions(
        &mut self,
        columns: &str,
        revisions: &[(Uuid, u32)],
    ) -> Result<Vec<AnyRow>, StoreError> {
        let mut found = Vec::new();
        for chunk in revisions.chunks(LOAD) {
            let wanted: Vec<String> = (0..chunk.len())
                .map(|at| format!("(${},${})", 2 * at + 1, 2 * at + 2))
                .collect();
            // VALUES is a row source in both databases.
            let sql = format!(
                "SELECT {columns} FROM revisions WHERE (incident, revision) IN (VALUES {})",
                wanted.join(",")
            );
            let args = chunk
                .iter()
                .flat_map(|(id, revision)| [id.to_string().into(), i64::from(*revision).into()])
                .collect();
            let rows = query(sql, args)
                .persistent(chunk.len() == 1 || chunk.len() == LOAD)
                .fetch_all(&mut *self.tx)
                .await?;
            found.extend(rows);
        }
        Ok(found)
    }

    /// The revision that each of these cases stands on.
    pub async fn newest_revisions(
        &mut self,
        incidents: &[Uuid],
    ) -> Result<BTreeMap<Uuid, u32>, StoreError> {
        let mut found = BTreeMap::new();
        for chunk in incidents.chunks(LOAD) {
            let sql = format!(
                "SELECT incident, revision FROM cases WHERE incident IN ({})",
                list(1, chunk.len())
            );
            let args = chunk.iter().map(|id| id.to_string().into()).collect();
            let rows = query(sql, args).fetch_all(&mut *self.tx).await?;
            found.extend(rows.iter().filter_map(key_of));
        }
        Ok(found)
    }

    /// Stores a revision over what is there.
    pub async fn put_revision(&mut self, alert: &Alert) -> Result<(), StoreError> {
        let text = serde_json::to_string(alert).map_err(|error| StoreError::Stored {
            what: "revision",
            of: alert.incident_id.to_string(),
            why: error.to_string(),
        })?;
        let sql = "INSERT INTO revisions (incident, revision, sent, material, excerpts, alert_json) \
                   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (incident, revision) DO UPDATE SET \
                   sent = excluded.sent, material = excluded.material, excerpts = excluded.excerpts, \
                   alert_json = excluded.alert_json";
        let excerpts = alert.evidence.iter().any(|it| !it.excerpt.is_empty());
        sqlx::query(sql)
            .bind(alert.incident_id.to_string())
            .bind(i64::from(alert.revision))
            .bind(alert.sent.0)
            .bind(i64::from(alert.material))
            .bind(i64::from(excerpts))
            .bind(text)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Incidents with a deadline that passed by `now`, earliest first.
    pub async fn due(&mut self, now: i64, limit: i64) -> Result<Vec<Uuid>, StoreError> {
        let sql =
            "SELECT incident FROM cases WHERE due_at <= $1 ORDER BY due_at, incident LIMIT $2";
        let rows = sqlx::query(sql)
            .bind(now)
            .bind(limit)
            .fetch_all(&mut *self.tx)
            .await?;
        let id = |row: &sqlx::any::AnyRow| row.try_get::<String, _>(0).ok()?.parse().ok();
        Ok(rows.iter().filter_map(id).collect())
    }

    /// Makes it last. Returns what changed, to be told to whoever listens.
    pub async fn commit(mut self) -> Result<Vec<Change>, StoreError> {
        let sql = "UPDATE heads SET audit_seq = $1, audit_hash = $2, change_seq = $3, outbox_seq = $4 WHERE id = 1";
        sqlx::query(sql)
            .bind(self.head.audit_seq)
            .bind(std::mem::take(&mut self.head.audit_hash))
            .bind(self.head.change_seq)
            .bind(self.head.outbox_seq)
            .execute(&mut *self.tx)
            .await?;
        self.tx.commit().await?;
        Ok(self.changes)
    }
}

/// Incident and revision from the first two columns.
fn key_of(row: &AnyRow) -> Option<(Uuid, u32)> {
    let (id, revision): (String, i64) = (row.try_get(0).ok()?, row.try_get(1).ok()?);
    Some((id.parse().ok()?, u32::try_from(revision).ok()?))
}
