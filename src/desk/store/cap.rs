//! What the CAP feed is made from: cases with their newest material revision, and the messages that were handed out.
//!
//! Invariant: a message that was handed out stays as it is, as long as its incident is open or lately closed.

use std::collections::BTreeMap;

use sqlx::Row as _;
use uuid::Uuid;

use super::connect::{Store, StoreError};
use super::read::case_of;
use super::rows::{list, many, query};
use crate::core::model::{Millis, Status};
use crate::core::notify::CapHead;
use crate::core::obligation::Case;

/// Messages about one incident that are kept.
const MAX_KEPT: i64 = 100;
/// Ids in one statement.
const CHUNK: usize = 200;

/// A CAP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapMessage {
    /// About which incident.
    pub incident: Uuid,
    /// Actual, exercise or test.
    pub status: Status,
    /// Its head.
    pub head: CapHead,
    /// All of it.
    pub xml: String,
}

const CASE: &str = "SELECT c.incident, c.case_json, r.alert_json FROM cases c JOIN revisions r ON r.incident = c.incident \
                    AND r.revision = (SELECT MAX(m.revision) FROM revisions m WHERE m.incident = c.incident AND m.material = 1)";

impl Store {
    /// Open cases of a status and those closed at or after `closed`, latest changed first; each with its newest material revision.
    pub async fn cap_cases(
        &self,
        status: Status,
        closed: Millis,
        limit: u32,
    ) -> Result<Vec<Case>, StoreError> {
        let sql = format!(
            "{CASE} WHERE c.status = $1 AND (c.closed = 0 OR c.closed_at >= $2) ORDER BY c.updated_at DESC, c.incident LIMIT $3"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(status.id().to_owned())
            .bind(closed.0)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(case_of).collect()
    }

    /// A case with its newest material revision.
    pub async fn cap_case(&self, incident: Uuid) -> Result<Option<Case>, StoreError> {
        let sql = format!("{CASE} WHERE c.incident = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(incident.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(case_of).transpose()
    }

    /// Heads of the messages about these incidents that were handed out, newest first.
    pub async fn cap_published(
        &self,
        incidents: &[Uuid],
    ) -> Result<BTreeMap<Uuid, Vec<CapHead>>, StoreError> {
        let mut all: BTreeMap<Uuid, Vec<CapHead>> = BTreeMap::new();
        for chunk in incidents.chunks(CHUNK) {
            let sql = format!(
                "SELECT incident, identifier, msg_type, sent FROM cap_messages WHERE incident IN ({}) ORDER BY sent DESC, identifier DESC",
                list(1, chunk.len())
            );
            let args = chunk.iter().map(|id| id.to_string().into()).collect();
            for row in query(sql, args).fetch_all(&self.pool).await? {
                let incident: String = row.try_get(0)?;
                let head = CapHead {
                    identifier: row.try_get(1)?,
                    msg_type: row.try_get(2)?,
                    sent: Millis(row.try_get(3)?),
                };
                if let Ok(incident) = incident.parse() {
                    all.entry(incident).or_default().push(head);
                }
            }
        }
        Ok(all)
    }

    /// A message that was handed out, with its status and time.
    pub async fn cap_message(
        &self,
        incident: Uuid,
        identifier: &str,
    ) -> Result<Option<CapMessage>, StoreError> {
        let sql = "SELECT status, sent, msg_type, xml FROM cap_messages WHERE incident = $1 AND identifier = $2";
        let row = sqlx::query(sql)
            .bind(incident.to_string())
            .bind(identifier.to_owned())
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let status: String = row.try_get(0)?;
        let head = CapHead {
            identifier: identifier.to_owned(),
            msg_type: row.try_get(2)?,
            sent: Millis(row.try_get(1)?),
        };
        let status = Status::ALL.into_iter().find(|it| it.id() == status);
        Ok(Some(CapMessage {
            incident,
            status: status.unwrap_or_default(),
            head,
            xml: row.try_get(3)?,
        }))
    }

    /// Keeps messages that are about to be handed out, and of each incident the newest so many. One that is there stays as it is.
    pub async fn publish_cap(&self, messages: Vec<CapMessage>) -> Result<(), StoreError> {
        let incidents: Vec<String> = messages.iter().map(|it| it.incident.to_string()).collect();
        let row = |it: CapMessage| {
            vec![
                it.incident.to_string().into(),
                it.head.identifier.into(),
                it.status.id().into(),
                it.head.sent.0.into(),
                it.head.msg_type.into(),
                it.xml.into(),
            ]
        };
        let rows = messages.into_iter().map(row).collect();
        let mut tx = self.pool.begin().await?;
        let insert = "INSERT INTO cap_messages (incident, identifier, status, sent, msg_type, xml)";
        let keep = "ON CONFLICT (incident, identifier) DO NOTHING";
        many(&mut tx, insert, rows, keep).await?;
        for incident in incidents {
            let sql = "DELETE FROM cap_messages WHERE incident = $1 AND identifier NOT IN \
                       (SELECT identifier FROM cap_messages WHERE incident = $1 ORDER BY sent DESC, identifier DESC LIMIT $2)";
            sqlx::query(sql)
                .bind(incident)
                .bind(MAX_KEPT)
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    /// Forgets messages about incidents that were closed before `closed`. Returns how many.
    pub async fn forget_cap(&self, closed: Millis) -> Result<u64, StoreError> {
        let sql = "DELETE FROM cap_messages WHERE incident IN (SELECT incident FROM cases WHERE closed = 1 AND closed_at < $1)";
        let done = sqlx::query(sql).bind(closed.0).execute(&self.pool).await?;
        Ok(done.rows_affected())
    }
}
