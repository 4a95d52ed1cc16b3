//! The outbox: what has to be published, written with what it says.
//!
//! Invariant: a record leaves the outbox after Kafka has it, so that it is published at least once; its `id` is the same each time.

use serde_json::{Value, json};
use sqlx::Row as _;
use uuid::Uuid;

use super::connect::{Store, StoreError};
use super::rows::{Arg, list, query};
use crate::core::correlate::ALERT_NAMESPACE;
use crate::core::model::Status;
use crate::core::obligation::{Case, Event, EventKind};

/// Format version of what the desk publishes.
const VERSION: u8 = 1;
/// Ids in one statement.
const CHUNK: usize = 500;

/// A record to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Position; records of one topic and key are published in this order.
    pub seq: i64,
    /// Topic without the prefix: `decisions` or `dept.<id>`.
    pub topic: String,
    /// Incident; of an event of no incident, what it is about, such as a silence.
    pub key: String,
    /// JSON.
    pub payload: String,
}

/// Records that follow from one event: the decision, and a message for each department that it concerns.
pub(super) fn records_of(case: &Case, event: &Event, seq: i64) -> Vec<(String, Value)> {
    let alert = &case.alert;
    let decision = json!({
        "v": VERSION,
        "id": id("decisions", seq),
        "seq": seq,
        "incident_id": case.incident,
        "status": case.status(),
        "exercise": alert.exercise,
        "version": case.version,
        "event": event,
    });
    let mut records = vec![("decisions".to_owned(), decision)];
    for department in concerned(case, event) {
        let topic = format!("dept.{department}");
        let mine: Vec<_> = case
            .obligations
            .iter()
            .filter(|it| *it.department == *department)
            .collect();
        let message = json!({
            "v": VERSION,
            "id": id(&topic, seq),
            "seq": seq,
            "incident_id": case.incident,
            "status": case.status(),
            "exercise": alert.exercise,
            "version": case.version,
            "revision": alert.revision,
            "headline": alert.headline,
            "hazard": case.hazard(),
            "place": case.place(),
            "level": case.level(),
            "score": alert.score,
            "state": case.state,
            "obligations": mine,
            "event": event,
        });
        records.push((topic, message));
    }
    records
}

/// Records that follow from an event of no incident: the decision, and a message for each of these departments. `status`: what it is about.
pub(super) fn records_of_desk(
    status: Status,
    event: &Event,
    departments: &[String],
    seq: i64,
) -> Vec<(String, Value)> {
    let topics = departments
        .iter()
        .map(|department| format!("dept.{department}"));
    std::iter::once("decisions".to_owned())
        .chain(topics)
        .map(|topic| {
            let record = json!({
                "v": VERSION, "id": id(&topic, seq), "seq": seq, "status": status, "event": event,
            });
            (topic, record)
        })
        .collect()
}

/// UUIDv5 of topic and audit number: the same record has the same id whenever it is published.
fn id(topic: &str, seq: i64) -> Uuid {
    Uuid::new_v5(&ALERT_NAMESPACE, format!("{topic}/{seq}").as_bytes())
}

/// Whose topics an event goes to: its department's, and of what befalls the whole case everybody's who has a part in it.
fn concerned(case: &Case, event: &Event) -> Vec<String> {
    use EventKind as Kind;
    match event.kind {
        Kind::Opened
        | Kind::Noted
        | Kind::Watching
        | Kind::Unwatched
        | Kind::Assessed
        | Kind::ExcerptsDeleted => Vec::new(),
        Kind::Revised
        | Kind::Cancelled
        | Kind::Closed
        | Kind::Reopened
        | Kind::Corrected
        | Kind::CorrectionRemoved
        | Kind::MeetingRequested
        | Kind::OnAgenda => case.departments().iter().map(ToString::to_string).collect(),
        Kind::TransferOffered | Kind::Transferred => {
            let to = event.after.get("to").or(event.after.get("department"));
            let to = to.and_then(Value::as_str).map(str::to_owned);
            event
                .department
                .iter()
                .map(ToString::to_string)
                .chain(to)
                .collect()
        }
        _ => event.department.iter().map(ToString::to_string).collect(),
    }
}

impl Store {
    /// The oldest records to be published, without those of some topics.
    pub async fn outgoing(
        &self,
        limit: u32,
        left_alone: &[String],
    ) -> Result<Vec<Outgoing>, StoreError> {
        let mut args: Vec<Arg> = left_alone.iter().map(|topic| (&**topic).into()).collect();
        let condition = if left_alone.is_empty() {
            String::new()
        } else {
            format!("WHERE topic NOT IN ({})", list(1, left_alone.len()))
        };
        args.push(i64::from(limit).into());
        let sql = format!(
            "SELECT seq, topic, record_key, payload FROM outbox {condition} ORDER BY seq LIMIT ${}",
            args.len()
        );
        let rows = query(sql, args).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(Outgoing {
                    seq: row.try_get(0)?,
                    topic: row.try_get(1)?,
                    key: row.try_get(2)?,
                    payload: row.try_get(3)?,
                })
            })
            .collect()
    }

    /// Takes published records out.
    pub async fn published(&self, seqs: &[i64]) -> Result<(), StoreError> {
        for chunk in seqs.chunks(CHUNK) {
            let sql = format!("DELETE FROM outbox WHERE seq IN ({})", list(1, chunk.len()));
            let args = chunk.iter().map(|seq| (*seq).into()).collect();
            query(sql, args)
                .persistent(chunk.len() == CHUNK)
                .execute(&self.pool)
                .await?;
        }
        Ok(())
    }

    /// Records that wait, and when the oldest was written.
    pub async fn backlog(&self) -> Result<(u64, Option<i64>), StoreError> {
        let sql = "SELECT COUNT(*), MIN(created_at) FROM outbox";
        let row = sqlx::query(sql).fetch_one(&self.pool).await?;
        let count: i64 = row.try_get(0)?;
        Ok((u64::try_from(count).unwrap_or_default(), row.try_get(1)?))
    }
}
