//! The log of notifications, read page by page, and dead messages made due again.
//!
//! Invariant: pages follow a key, not a count: what is planned in between neither repeats nor hides a row.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::connect::{Store, StoreError};
use super::rows::{Arg, query};
use super::write::Writing;
use crate::core::model::{Level, Millis};

/// One row of the log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Notification {
    /// Notice.
    pub id: String,
    /// Receiver.
    pub channel: String,
    /// Message, and its Idempotency-Key.
    pub message: String,
    /// Audit event.
    pub seq: i64,
    /// Incident.
    pub incident: String,
    /// Actual, exercise or test.
    pub status: String,
    /// Who is told.
    pub department: String,
    /// Why.
    pub kind: String,
    /// Level then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// `pending`, `sent`, `dead`, `muted` or `skipped`.
    pub state: String,
    /// Why it was muted or skipped; how the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Attempts so far.
    pub attempts: i64,
    /// When it was planned.
    pub created_at: Millis,
    /// When it is tried (again).
    pub due_at: Millis,
    /// When it was sent, died, or was decided not to be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done_at: Option<Millis>,
}

/// States of a row.
pub const NOTIFICATION_STATES: [&str; 5] = ["pending", "sent", "dead", "muted", "skipped"];

/// Which rows.
#[derive(Clone, Debug, Default)]
pub struct NotificationFilter {
    /// One of [`NOTIFICATION_STATES`].
    pub state: Option<String>,
    /// Receiver.
    pub channel: Option<String>,
    /// Department.
    pub department: Option<String>,
    /// Incident.
    pub incident: Option<Uuid>,
    /// Rows after this one, which are older.
    pub after: Option<NotificationCursor>,
}

/// Where the next page begins. As text `created_at~id~channel`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationCursor {
    created_at: i64,
    id: Uuid,
    channel: String,
}

impl fmt::Display for NotificationCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}~{}", self.created_at, self.id, self.channel)
    }
}

impl FromStr for NotificationCursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '~');
        let mut part = || parts.next().ok_or(());
        let cursor = Self {
            created_at: part()?.parse().map_err(|_| ())?,
            id: part()?.parse().map_err(|_| ())?,
            channel: part()?.to_owned(),
        };
        let fits = (1..=64).contains(&cursor.channel.len());
        fits.then_some(cursor).ok_or(())
    }
}

impl Notification {
    /// Where the page after this row begins.
    pub fn cursor(&self) -> NotificationCursor {
        NotificationCursor {
            created_at: self.created_at.0,
            id: self.id.parse().unwrap_or_default(),
            channel: self.channel.clone(),
        }
    }
}

impl Store {
    /// The log, newest first.
    pub async fn notifications(
        &self,
        filter: &NotificationFilter,
        limit: u32,
    ) -> Result<Vec<Notification>, StoreError> {
        let mut args: Vec<Arg> = Vec::new();
        let mut wanted = vec!["1 = 1".to_owned()];
        let incident = filter.incident.map(|id| id.to_string());
        for (column, value) in [
            ("state", &filter.state),
            ("channel", &filter.channel),
            ("department", &filter.department),
            ("incident", &incident),
        ] {
            if let Some(value) = value {
                args.push(value.as_str().into());
                wanted.push(format!("{column} = ${}", args.len()));
            }
        }
        if let Some(after) = &filter.after {
            let (at, id, channel) = (args.len() + 1, args.len() + 2, args.len() + 3);
            wanted.push(format!(
                "(created_at < ${at} OR (created_at = ${at} AND (id < ${id} OR (id = ${id} AND channel > ${channel}))))"
            ));
            args.push(after.created_at.into());
            args.push(after.id.to_string().into());
            args.push(after.channel.clone().into());
        }
        args.push(i64::from(limit).into());
        let sql = format!(
            "SELECT id, channel, message, seq, incident, status, department, kind, level, state, reason, attempts, created_at, \
             due_at, done_at FROM notifications WHERE {} ORDER BY created_at DESC, id DESC, channel LIMIT ${}",
            wanted.join(" AND "),
            args.len()
        );
        let rows = query(sql, args).fetch_all(&self.pool).await?;
        rows.iter().map(notification_of).collect()
    }
}

impl Writing {
    /// Makes dead messages due again: of one receiver, or all, or one message. Returns how many notices.
    pub async fn retry_notifications(
        &mut self,
        (channel, message): (Option<&str>, Option<Uuid>),
        now: Millis,
    ) -> Result<u64, StoreError> {
        let mut sql = "UPDATE notifications SET state = 'pending', attempts = 0, due_at = $1, done_at = NULL WHERE state = 'dead'".to_owned();
        let mut args: Vec<Arg> = vec![now.0.into()];
        if let Some(channel) = channel {
            args.push(channel.into());
            sql.push_str(&format!(" AND channel = ${}", args.len()));
        }
        if let Some(message) = message {
            args.push(message.to_string().into());
            sql.push_str(&format!(" AND message = ${}", args.len()));
        }
        let done = query(sql, args).execute(&mut *self.tx).await?;
        Ok(done.rows_affected())
    }
}

fn notification_of(row: &AnyRow) -> Result<Notification, StoreError> {
    let level: i64 = row.try_get(8)?;
    let done: Option<i64> = row.try_get(14)?;
    Ok(Notification {
        id: row.try_get(0)?,
        channel: row.try_get(1)?,
        message: row.try_get(2)?,
        seq: row.try_get(3)?,
        incident: row.try_get(4)?,
        status: row.try_get(5)?,
        department: row.try_get(6)?,
        kind: row.try_get(7)?,
        level: Level::ALL.into_iter().find(|it| *it as i64 == level),
        state: row.try_get(9)?,
        reason: row.try_get(10)?,
        attempts: row.try_get(11)?,
        created_at: Millis(row.try_get(12)?),
        due_at: Millis(row.try_get(13)?),
        done_at: done.map(Millis),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_text_and_only_well_formed_ones_are_read() {
        let cursor = NotificationCursor {
            created_at: 7,
            id: Uuid::from_u128(3),
            channel: "webhook:a".to_owned(),
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in [
            "",
            "1",
            "1~2",
            "1~2~webhook:a",
            "x~00000000-0000-0000-0000-000000000003~a",
            "1~00000000-0000-0000-0000-000000000003~",
        ] {
            assert_eq!(text.parse::<NotificationCursor>(), Err(()), "{text}");
        }
    }
}
