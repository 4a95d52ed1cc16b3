//! The log of notifications, and how far the audit trail has been planned.
//!
//! Invariant: rows of a stretch of the trail and the cursor behind it are written in one transaction, so that a restart neither loses
//! nor repeats a notice; a message is `pending` until its receiver has answered or its attempts are used up.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::Row as _;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::connect::{Store, StoreError};
use super::rows::{Arg, list, many, query};
use super::trail::{AuditEvent, event_of};
use super::write::Writing;
use crate::core::model::Millis;
use crate::core::notify::{Fate, Notice, Planned};

/// Ids in one statement.
const CHUNK: usize = 200;
/// Characters of a reason.
const MAX_REASON: usize = 300;

/// How far planning has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotifyCursor {
    /// The last audit event that was planned.
    pub seq: i64,
    /// The first event that was found too late, while what was missed is read.
    pub catch_up: Option<i64>,
}

/// A message that is due.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its Idempotency-Key.
    pub id: Uuid,
    /// Attempts so far.
    pub attempts: u32,
    /// What it tells, in the order of the trail.
    pub notices: Vec<Notice>,
}

/// What one receiver was not told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Notices that wait, those whose window or digest is still open too.
    pub pending: u64,
    /// Notices whose attempts are used up, as long as the log has them.
    pub dead: u64,
    /// Of those that wait and are due or were tried, the earliest was planned then.
    pub oldest: Option<Millis>,
}

impl Store {
    /// How far planning has come, and the end of the trail.
    pub async fn notify_cursor(&self) -> Result<(NotifyCursor, i64), StoreError> {
        let sql = "SELECT n.seq, n.catch_up, h.audit_seq FROM notify_cursor n, heads h WHERE n.id = 1 AND h.id = 1";
        let row = sqlx::query(sql).fetch_one(&self.pool).await?;
        Ok((cursor_of(&row)?, row.try_get(2)?))
    }

    /// Messages of a receiver that are due by `now`, the longest due first.
    pub async fn due_messages(
        &self,
        channel: &str,
        now: Millis,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        let sql = "SELECT message, MAX(attempts) FROM notifications WHERE channel = $1 AND state = 'pending' \
                   GROUP BY message HAVING MAX(due_at) <= $2 ORDER BY MIN(due_at), message LIMIT $3";
        let rows = sqlx::query(sql)
            .bind(channel.to_owned())
            .bind(now.0)
            .bind(limit as i64)
            .fetch_all(&self.pool)
            .await?;
        let mut messages = Vec::with_capacity(rows.len());
        for row in rows {
            let (id, attempts): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            let sql = "SELECT notice_json FROM notifications WHERE message = $1 AND channel = $2 AND state = 'pending' ORDER BY seq, id";
            let notices = sqlx::query(sql)
                .bind(id.clone())
                .bind(channel.to_owned())
                .fetch_all(&self.pool)
                .await?;
            let notices = notices.iter().map(|row| notice_of(row, &id));
            messages.push(Message {
                attempts: u32::try_from(attempts).unwrap_or_default(),
                notices: notices.collect::<Result<_, _>>()?,
                id: id.parse().unwrap_or_default(),
            });
        }
        Ok(messages)
    }

    /// A message arrived.
    pub async fn message_sent(&self, message: Uuid, now: Millis) -> Result<(), StoreError> {
        let sql = "UPDATE notifications SET state = 'sent', attempts = attempts + 1, done_at = $1, reason = NULL \
                   WHERE message = $2 AND state = 'pending'";
        sqlx::query(sql)
            .bind(now.0)
            .bind(message.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// A message did not arrive: it is tried again at `again`, or is dead.
    pub async fn message_failed(
        &self,
        message: Uuid,
        why: &str,
        now: Millis,
        again: Option<Millis>,
    ) -> Result<(), StoreError> {
        let why: String = why.chars().take(MAX_REASON).collect();
        let (state, due, done) = match again {
            Some(again) => ("pending", again.0, None),
            None => ("dead", now.0, Some(now.0)),
        };
        let sql = "UPDATE notifications SET state = $1, attempts = attempts + 1, due_at = $2, done_at = $3, reason = $4 \
                   WHERE message = $5 AND state = 'pending'";
        let args = vec![
            state.into(),
            due.into(),
            Arg::from(done),
            why.into(),
            message.to_string().into(),
        ];
        query(sql.to_owned(), args).execute(&self.pool).await?;
        Ok(())
    }

    /// What waits and what is dead at `now`, by receiver.
    pub async fn notifications_waiting(
        &self,
        now: Millis,
    ) -> Result<BTreeMap<String, Waiting>, StoreError> {
        let sql = "SELECT channel, SUM(CASE WHEN state = 'pending' THEN 1 ELSE 0 END), SUM(CASE WHEN state = 'dead' THEN 1 ELSE 0 END), \
                   MIN(CASE WHEN state = 'pending' AND (attempts > 0 OR due_at <= $1) THEN created_at END) \
                   FROM notifications WHERE state IN ('pending', 'dead') GROUP BY channel";
        let rows = sqlx::query(sql).bind(now.0).fetch_all(&self.pool).await?;
        let mut all = BTreeMap::new();
        for row in rows {
            let (pending, dead): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
            let oldest: Option<i64> = row.try_get(3)?;
            let waiting = Waiting {
                pending: u64::try_from(pending).unwrap_or_default(),
                dead: u64::try_from(dead).unwrap_or_default(),
                oldest: oldest.map(Millis),
            };
            all.insert(row.try_get(0)?, waiting);
        }
        Ok(all)
    }

    /// Forgets rows planned before `before` that are done. Returns how many.
    pub async fn forget_notifications(&self, before: Millis) -> Result<u64, StoreError> {
        let sql = "DELETE FROM notifications WHERE created_at < $1 AND state <> 'pending'";
        let done = sqlx::query(sql).bind(before.0).execute(&self.pool).await?;
        Ok(done.rows_affected())
    }

    /// Deletes every notification that was made before `before`, also those that nobody has sent. Returns how many.
    pub async fn forget_all_notifications(&self, before: Millis) -> Result<u64, StoreError> {
        let sql = "DELETE FROM notifications WHERE created_at < $1";
        let done = sqlx::query(sql).bind(before.0).execute(&self.pool).await?;
        Ok(done.rows_affected())
    }
}

impl Writing {
    /// How far planning has come.
    pub async fn notify_cursor(&mut self) -> Result<NotifyCursor, StoreError> {
        let sql = "SELECT seq, catch_up FROM notify_cursor WHERE id = 1";
        let row = sqlx::query(sql).fetch_one(&mut *self.tx).await?;
        cursor_of(&row)
    }

    /// Planning has come this far.
    pub async fn set_notify_cursor(&mut self, cursor: NotifyCursor) -> Result<(), StoreError> {
        let sql = "UPDATE notify_cursor SET seq = $1, catch_up = $2 WHERE id = 1".to_owned();
        let args = vec![cursor.seq.into(), Arg::from(cursor.catch_up)];
        query(sql, args).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Events after `seq`, oldest first, as this transaction sees them.
    pub async fn audit_after(
        &mut self,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        let sql = "SELECT seq, incident, event_json, hash FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2";
        let rows = sqlx::query(sql)
            .bind(seq)
            .bind(i64::from(limit))
            .fetch_all(&mut *self.tx)
            .await?;
        rows.iter().map(event_of).collect()
    }

    /// How many notices wait for each receiver.
    pub async fn notifications_pending(&mut self) -> Result<BTreeMap<String, u64>, StoreError> {
        let sql =
            "SELECT channel, COUNT(*) FROM notifications WHERE state = 'pending' GROUP BY channel";
        let rows = sqlx::query(sql).fetch_all(&mut *self.tx).await?;
        let mut all = BTreeMap::new();
        for row in rows {
            let count: i64 = row.try_get(1)?;
            all.insert(row.try_get(0)?, u64::try_from(count).unwrap_or_default());
        }
        Ok(all)
    }

    /// Which of these messages are on their way or done: nothing may join them.
    pub async fn begun_messages(
        &mut self,
        messages: &BTreeSet<Uuid>,
    ) -> Result<BTreeSet<Uuid>, StoreError> {
        let all: Vec<&Uuid> = messages.iter().collect();
        let mut found = BTreeSet::new();
        for chunk in all.chunks(CHUNK) {
            let sql = format!(
                "SELECT DISTINCT message FROM notifications WHERE (attempts > 0 OR state IN ('sent', 'dead')) AND message IN ({})",
                list(1, chunk.len())
            );
            let args = chunk.iter().map(|id| id.to_string().into()).collect();
            for row in query(sql, args).fetch_all(&mut *self.tx).await? {
                let id: String = row.try_get(0)?;
                found.extend(id.parse::<Uuid>().ok());
            }
        }
        Ok(found)
    }

    /// Writes what was planned; what is there already stays as it is.
    pub async fn add_notifications(
        &mut self,
        all: &[(Planned, Option<&'static str>)],
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(all.len());
        for (planned, refused) in all {
            let notice = &planned.notice;
            let text = serde_json::to_string(notice).map_err(|error| StoreError::Stored {
                what: "notice",
                of: notice.incident.to_string(),
                why: error.to_string(),
            })?;
            let (state, reason) = match (&planned.fate, refused) {
                (Fate::Muted(reason), _) => ("muted", Some(reason.text())),
                (Fate::Stale, _) => ("skipped", Some("too old to be news".to_owned())),
                (Fate::Pending, Some(why)) => ("skipped", Some((*why).to_owned())),
                (Fate::Pending, None) => ("pending", None),
            };
            let done = (state != "pending").then_some(now.0);
            rows.push(vec![
                notice.id.to_string().into(),
                (&*planned.channel).into(),
                planned.slot.message.to_string().into(),
                notice.seq.into(),
                notice.incident.to_string().into(),
                notice.status.id().into(),
                (&*notice.department).into(),
                notice.kind.id().into(),
                (notice.level as i64).into(),
                state.into(),
                Arg::from(reason),
                0_i64.into(),
                now.0.into(),
                planned.slot.due.0.into(),
                Arg::from(done),
                text.into(),
            ]);
        }
        let insert = "INSERT INTO notifications (id, channel, message, seq, incident, status, department, kind, level, state, \
                      reason, attempts, created_at, due_at, done_at, notice_json)";
        many(
            &mut self.tx,
            insert,
            rows,
            "ON CONFLICT (id, channel) DO NOTHING",
        )
        .await
    }
}

fn cursor_of(row: &AnyRow) -> Result<NotifyCursor, StoreError> {
    Ok(NotifyCursor {
        seq: row.try_get(0)?,
        catch_up: row.try_get(1)?,
    })
}

fn notice_of(row: &AnyRow, message: &str) -> Result<Notice, StoreError> {
    let text: String = row.try_get(0)?;
    serde_json::from_str(&text).map_err(|error| StoreError::Stored {
        what: "notice",
        of: message.to_owned(),
        why: error.to_string(),
    })
}
