//! Silences in SQL, what they cover, and events of the desk that are about no incident.
//!
//! Invariant: a silence and the event that made, changed or ended it are written together; those that are over are kept up to
//! [`KEPT`], the trail has all of them.

use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};
use uuid::Uuid;

use super::board::line_of;
use super::connect::{Store, StoreError};
use super::filter::{Where, escaped};
use super::outbox::records_of_desk;
use super::read::Change;
use super::rows::{Arg, list, many, query};
use super::saved::to_json;
use super::write::Writing;
use crate::core::correlate::ALERT_NAMESPACE;
use crate::core::model::{Level, Millis, Status};
use crate::core::mute::{MAX_SILENCES, Matchers, Red, Silence};
use crate::core::obligation::{BoardRow, Event};

/// Silences that are over and kept.
const KEPT: i64 = 2_000;
/// Silences that are over and listed.
const LISTED: i64 = 200;
/// Codes of places in one statement.
const CODES: usize = 200;
/// Silences that begin or end in one transaction.
const DUE: i64 = 50;

const ROW: &str = "SELECT id, silence_json FROM silences";

fn read(row: &AnyRow) -> Result<Silence, StoreError> {
    let (id, text): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    serde_json::from_str(&text).map_err(|error| StoreError::Stored {
        what: "silence",
        of: id,
        why: error.to_string(),
    })
}

async fn find(
    connection: &mut AnyConnection,
    rest: &str,
    args: Vec<Arg>,
) -> Result<Vec<Silence>, StoreError> {
    let rows = query(format!("{ROW} {rest}"), args)
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// Open incidents that a silence may be meant for, the gravest first: by status, hazard, place and level, which SQL knows.
async fn candidates(
    connection: &mut AnyConnection,
    silence: &Silence,
    limit: u32,
) -> Result<Vec<BoardRow>, StoreError> {
    let Matchers {
        status,
        hazard,
        place,
        department,
        level,
        rule: _,
    } = &silence.matchers;
    let mut all = Where::default();
    all.parts.push("c.closed = 0".to_owned());
    all.add(|at| format!("c.status = ${at}"), vec![status.id().into()]);
    let red = matches!(silence.red, Red::Silenced { .. });
    let most = if red { Level::Red } else { Level::Orange };
    let most = level.map_or(most, |level| level.min(most)) as i64;
    all.add(|at| format!("c.level <= ${at}"), vec![most.into()]);
    let hazards = hazard.iter().map(|hazard| hazard.id().into());
    all.one_of("c.hazard", hazards.collect());
    if let Some(place) = place {
        let pattern = format!("% {} %", escaped(place));
        let part = |at| format!("c.places LIKE ${at} ESCAPE '\\'");
        all.add(part, vec![pattern.into()]);
    }
    if let Some(department) = department {
        let part = |at| {
            format!(
                "EXISTS (SELECT 1 FROM obligations o WHERE o.incident = c.incident AND o.department = ${at})"
            )
        };
        all.add(part, vec![(&**department).into()]);
    }
    let sql = format!(
        "SELECT c.row_json FROM cases c WHERE {} ORDER BY c.rank, c.opened_at, c.incident LIMIT ${}",
        all.parts.join(" AND "),
        all.args.len() + 1
    );
    all.args.push(i64::from(limit).into());
    let rows = query(sql, all.args).fetch_all(connection).await?;
    lines(&rows)
}

fn lines(rows: &[AnyRow]) -> Result<Vec<BoardRow>, StoreError> {
    let line = |row: &AnyRow| line_of(&row.try_get::<String, _>(0)?);
    rows.iter().map(line).collect()
}

/// Silences that are not over, the first to end first.
pub(in crate::desk) async fn not_over(
    connection: &mut AnyConnection,
) -> Result<Vec<Silence>, StoreError> {
    let most = 3 * MAX_SILENCES as i64;
    let rest = "WHERE over = 0 ORDER BY ends_at, id LIMIT $1";
    find(connection, rest, vec![most.into()]).await
}

/// Open incidents at exactly these places.
pub(in crate::desk) async fn open_at(
    connection: &mut AnyConnection,
    status: Status,
    codes: &[&str],
) -> Result<Vec<BoardRow>, StoreError> {
    let mut found = Vec::new();
    for chunk in codes.chunks(CODES) {
        let sql = format!(
            "SELECT row_json FROM cases WHERE closed = 0 AND status = $1 AND place IN ({})",
            list(2, chunk.len())
        );
        let mut args: Vec<Arg> = vec![status.id().into()];
        args.extend(chunk.iter().map(|code| Arg::from(*code)));
        let rows = query(sql, args).fetch_all(&mut *connection).await?;
        found.extend(lines(&rows)?);
    }
    Ok(found)
}

impl Store {
    /// Silences that are not over, the first to end first; with `over`, the others after them, the latest first.
    pub async fn silences(&self, over: bool) -> Result<Vec<Silence>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let mut all = not_over(&mut connection).await?;
        if over {
            let past = "WHERE over = 1 ORDER BY ends_at DESC, id LIMIT $1";
            all.extend(find(&mut connection, past, vec![LISTED.into()]).await?);
        }
        Ok(all)
    }

    /// A silence; none when there is none.
    pub async fn silence(&self, id: Uuid) -> Result<Option<Silence>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let args = vec![id.to_string().into()];
        Ok(find(&mut connection, "WHERE id = $1", args).await?.pop())
    }

    /// When the next silence begins or ends.
    pub async fn next_silence(&self) -> Result<Option<Millis>, StoreError> {
        let sql = "SELECT MIN(due_at) FROM silences WHERE over = 0";
        let row = sqlx::query(sql).fetch_one(&self.pool).await?;
        Ok(row.try_get::<Option<i64>, _>(0)?.map(Millis))
    }

    /// Open incidents that a silence may be meant for, the gravest first.
    pub async fn meant_by(
        &self,
        silence: &Silence,
        limit: u32,
    ) -> Result<Vec<BoardRow>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        candidates(&mut connection, silence, limit).await
    }
}

impl Writing {
    /// Id of a silence that is about to be made: of the audit event that will say so.
    pub fn new_silence_id(&self) -> Uuid {
        let name = format!("silence/{}", self.head.audit_seq + 1);
        Uuid::new_v5(&ALERT_NAMESPACE, name.as_bytes())
    }

    /// A silence; none when there is none.
    pub async fn silence(&mut self, id: Uuid) -> Result<Option<Silence>, StoreError> {
        let args = vec![id.to_string().into()];
        Ok(find(&mut self.tx, "WHERE id = $1", args).await?.pop())
    }

    /// Silences that begin or end by `now`, the earliest first.
    pub async fn due_silences(&mut self, now: Millis) -> Result<Vec<Silence>, StoreError> {
        let rest = "WHERE over = 0 AND due_at <= $1 ORDER BY due_at, id LIMIT $2";
        find(&mut self.tx, rest, vec![now.0.into(), DUE.into()]).await
    }

    /// How many silences of that status are not over.
    pub async fn count_silences(&mut self, status: Status) -> Result<usize, StoreError> {
        let sql = "SELECT COUNT(*) FROM silences WHERE over = 0 AND status = $1";
        let row = sqlx::query(sql)
            .bind(status.id())
            .fetch_one(&mut *self.tx)
            .await?;
        let count: i64 = row.try_get(0)?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// Stores a silence over what is there. `due`: when it next begins or ends; none: it is over.
    pub async fn put_silence(
        &mut self,
        silence: &Silence,
        due: Option<Millis>,
    ) -> Result<(), StoreError> {
        let text = to_json("silence", &silence.id, silence)?;
        let row = vec![
            silence.id.to_string().into(),
            silence.matchers.status.id().into(),
            due.is_none().into(),
            silence.ends.0.into(),
            Arg::from(due.map(|at| at.0)),
            (silence.version as i64).into(),
            text.into(),
        ];
        let insert =
            "INSERT INTO silences (id, status, over, ends_at, due_at, version, silence_json)";
        let update = "ON CONFLICT (id) DO UPDATE SET over = excluded.over, due_at = excluded.due_at, \
                      version = excluded.version, silence_json = excluded.silence_json";
        many(&mut self.tx, insert, vec![row], update).await?;
        if due.is_none() {
            let sql = "DELETE FROM silences WHERE over = 1 AND id NOT IN \
                       (SELECT id FROM silences WHERE over = 1 ORDER BY ends_at DESC, id LIMIT $1)";
            sqlx::query(sql).bind(KEPT).execute(&mut *self.tx).await?;
        }
        Ok(())
    }

    /// Open incidents that a silence may be meant for, the gravest first.
    pub async fn meant_by(
        &mut self,
        silence: &Silence,
        limit: u32,
    ) -> Result<Vec<BoardRow>, StoreError> {
        candidates(&mut self.tx, silence, limit).await
    }

    /// Appends an event that is about no incident, and publishes it: to `tocsin.decisions` with `key`, and to these departments.
    pub async fn desk_event(
        &mut self,
        (key, status): (&str, Status),
        event: &Event,
        departments: &[String],
    ) -> Result<(), StoreError> {
        self.append(&[(None, event)]).await?;
        let seq = self.head.audit_seq;
        let mut rows = Vec::new();
        for (topic, payload) in records_of_desk(status, event, departments, seq) {
            self.head.outbox_seq += 1;
            let payload: Value = payload;
            rows.push(vec![
                self.head.outbox_seq.into(),
                event.at.0.into(),
                topic.into(),
                key.into(),
                payload.to_string().into(),
            ]);
        }
        let insert = "INSERT INTO outbox (seq, created_at, topic, record_key, payload)";
        many(&mut self.tx, insert, rows, "").await
    }

    /// Says that these lines are to be drawn again, though their cases are as they were.
    pub async fn touch(&mut self, rows: &[BoardRow], now: Millis) -> Result<(), StoreError> {
        let mut changes = Vec::new();
        for row in rows {
            self.head.change_seq += 1;
            let change = Change {
                seq: self.head.change_seq,
                at: now,
                incident: row.incident,
                version: row.version,
                revision: row.revision,
                kind: "refreshed".into(),
            };
            changes.push(vec![
                change.seq.into(),
                now.0.into(),
                row.incident.to_string().into(),
                (row.version as i64).into(),
                i64::from(row.revision).into(),
                Arg::from("refreshed"),
            ]);
            self.changes.push(change);
        }
        let insert = "INSERT INTO changes (seq, at, incident, version, revision, kind)";
        many(&mut self.tx, insert, changes, "").await
    }
}
