//! Saving changed cases with everything that follows from the change.
//!
//! Invariant: a case, its obligations, its revision, its audit events, its records for Kafka and its line in the changes are written
//! together.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use super::connect::StoreError;
use super::outbox::records_of;
use super::read::Change;
use super::rows::{Arg, many};
use super::write::Writing;
use crate::core::model::{Alert, Millis};
use crate::core::obligation::{Case, Event, Obligation, rank};

/// A changed case and what changed it.
#[derive(Clone, Debug)]
pub struct Saved {
    /// As it is now.
    pub case: Case,
    /// What happened to it.
    pub events: Vec<Event>,
    /// Revisions to keep that were not stored before.
    pub revisions: Vec<Arc<Alert>>,
    /// Revisions to forget: refreshes that a newer one replaced.
    pub replaced: Vec<u32>,
}

impl Saved {
    /// A case that something happened to, without a new revision.
    pub fn new(case: Case, events: Vec<Event>) -> Self {
        Self {
            case,
            events,
            revisions: Vec::new(),
            replaced: Vec::new(),
        }
    }

    /// The word that pages know the change by: the last event's, else `refreshed`.
    fn kind(&self) -> &'static str {
        self.events
            .last()
            .map_or("refreshed", |event| event.kind.id())
    }
}

impl Writing {
    /// Saves all of it.
    pub async fn save(&mut self, all: &[Saved], now: Millis) -> Result<(), StoreError> {
        self.save_revisions(all).await?;
        self.save_cases(all).await?;
        self.save_obligations(all).await?;
        let first = self.head.audit_seq + 1;
        let events: Vec<_> = all
            .iter()
            .flat_map(|saved| {
                let incident = saved.case.incident;
                saved
                    .events
                    .iter()
                    .map(move |event| (Some(incident), event))
            })
            .collect();
        self.append(&events).await?;
        self.save_outbox(all, first, now).await?;
        self.save_changes(all, now).await
    }

    async fn save_revisions(&mut self, all: &[Saved]) -> Result<(), StoreError> {
        let forgotten: Vec<Vec<Arg>> = all
            .iter()
            .flat_map(|saved| {
                let id = saved.case.incident.to_string();
                let row =
                    move |revision: &u32| vec![Arg::from(id.clone()), i64::from(*revision).into()];
                saved.replaced.iter().map(row)
            })
            .collect();
        let delete = "DELETE FROM revisions WHERE (incident, revision) IN (";
        many_in(self, delete, forgotten).await?;
        let rows = all
            .iter()
            .flat_map(|saved| saved.revisions.iter())
            .map(|alert| {
                Ok(vec![
                    alert.incident_id.to_string().into(),
                    i64::from(alert.revision).into(),
                    alert.sent.0.into(),
                    alert.material.into(),
                    (!alert.evidence.is_empty()).into(),
                    to_json("revision", &alert.incident_id, &**alert)?.into(),
                ])
            })
            .collect::<Result<Vec<Vec<Arg>>, StoreError>>()?;
        let insert =
            "INSERT INTO revisions (incident, revision, sent, material, excerpts, alert_json)";
        let keep = "ON CONFLICT (incident, revision) DO NOTHING";
        many(&mut self.tx, insert, rows, keep).await
    }

    async fn save_cases(&mut self, all: &[Saved]) -> Result<(), StoreError> {
        let rows = all
            .iter()
            .map(|saved| case_row(&saved.case))
            .collect::<Result<Vec<_>, _>>()?;
        let insert = "INSERT INTO cases (incident, status, state, closed, level, rank, hazard, places, search, opened_at, \
                      updated_at, closed_at, due_at, agenda_at, verdict, version, revision, row_json, case_json, place)";
        let update = "ON CONFLICT (incident) DO UPDATE SET state = excluded.state, closed = excluded.closed, \
                      level = excluded.level, rank = excluded.rank, hazard = excluded.hazard, places = excluded.places, \
                      search = excluded.search, updated_at = excluded.updated_at, closed_at = excluded.closed_at, \
                      due_at = excluded.due_at, agenda_at = excluded.agenda_at, verdict = excluded.verdict, \
                      version = excluded.version, revision = excluded.revision, row_json = excluded.row_json, \
                      case_json = excluded.case_json, place = excluded.place";
        many(&mut self.tx, insert, rows, update).await
    }

    async fn save_obligations(&mut self, all: &[Saved]) -> Result<(), StoreError> {
        let mut rows = Vec::new();
        for saved in all.iter().filter(|saved| !saved.events.is_empty()) {
            let case = &saved.case;
            for (number, it) in case.obligations.iter().enumerate() {
                rows.push(obligation_row(case, number, it));
            }
        }
        let insert = "INSERT INTO obligations (incident, round, number, status, department, office, duty, required, cause, \
                      state, pending, opened_at, acknowledge_by, dispose_by, acknowledged_at, disposed_at, \
                      acknowledged_on_time, disposed_on_time, disposition, offered_to)";
        let update = "ON CONFLICT (incident, round, number) DO UPDATE SET department = excluded.department, \
                      office = excluded.office, duty = excluded.duty, required = excluded.required, cause = excluded.cause, \
                      state = excluded.state, pending = excluded.pending, opened_at = excluded.opened_at, \
                      acknowledge_by = excluded.acknowledge_by, dispose_by = excluded.dispose_by, \
                      acknowledged_at = excluded.acknowledged_at, disposed_at = excluded.disposed_at, \
                      acknowledged_on_time = excluded.acknowledged_on_time, \
                      disposed_on_time = excluded.disposed_on_time, disposition = excluded.disposition, \
                      offered_to = excluded.offered_to";
        many(&mut self.tx, insert, rows, update).await
    }

    async fn save_outbox(
        &mut self,
        all: &[Saved],
        first: i64,
        now: Millis,
    ) -> Result<(), StoreError> {
        let (mut rows, mut seq) = (Vec::new(), first);
        for saved in all {
            for event in &saved.events {
                for (topic, payload) in records_of(&saved.case, event, seq) {
                    self.head.outbox_seq += 1;
                    rows.push(vec![
                        self.head.outbox_seq.into(),
                        now.0.into(),
                        topic.into(),
                        saved.case.incident.to_string().into(),
                        payload.to_string().into(),
                    ]);
                }
                seq += 1;
            }
        }
        let insert = "INSERT INTO outbox (seq, created_at, topic, record_key, payload)";
        many(&mut self.tx, insert, rows, "").await
    }

    async fn save_changes(&mut self, all: &[Saved], now: Millis) -> Result<(), StoreError> {
        let mut rows = Vec::new();
        for saved in all {
            self.head.change_seq += 1;
            let case = &saved.case;
            let change = Change {
                seq: self.head.change_seq,
                at: now,
                incident: case.incident,
                version: case.version,
                revision: case.alert.revision,
                kind: saved.kind().into(),
            };
            rows.push(vec![
                change.seq.into(),
                now.0.into(),
                case.incident.to_string().into(),
                (case.version as i64).into(),
                i64::from(case.alert.revision).into(),
                saved.kind().into(),
            ]);
            self.changes.push(change);
        }
        let insert = "INSERT INTO changes (seq, at, incident, version, revision, kind)";
        many(&mut self.tx, insert, rows, "").await
    }
}

/// `… (VALUES (…),(…)))`, nothing without rows.
async fn many_in(
    writing: &mut Writing,
    before: &str,
    rows: Vec<Vec<Arg>>,
) -> Result<(), StoreError> {
    many(&mut writing.tx, before, rows, ")").await
}

pub(super) fn to_json(
    what: &'static str,
    of: &uuid::Uuid,
    value: &impl serde::Serialize,
) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Stored {
        what,
        of: of.to_string(),
        why: error.to_string(),
    })
}

fn case_row(case: &Case) -> Result<Vec<Arg>, StoreError> {
    let row = case.row();
    let at = |time: Option<Millis>| Arg::from(time.map(|time| time.0));
    Ok(vec![
        case.incident.to_string().into(),
        case.status().id().into(),
        case.state.id().into(),
        case.is_closed().into(),
        (row.level as i64).into(),
        rank(row.level, row.score).into(),
        row.hazard.id().into(),
        places_of(case).into(),
        words_of(case).into(),
        case.opened_at.0.into(),
        case.updated_at.0.into(),
        at(case.closed_at),
        at(row.due),
        at(case.agenda_since),
        Arg::from(case.verdict.map(|verdict| verdict.id().to_owned())),
        (case.version as i64).into(),
        i64::from(case.alert.revision).into(),
        to_json("line", &case.incident, &row)?.into(),
        to_json("case", &case.incident, case)?.into(),
        (&*row.place.code).into(),
    ])
}

/// Codes of the places, the machine's and the corrected one, with the ancestors: ` a b c `.
fn places_of(case: &Case) -> String {
    let alert = &case.alert;
    let mut codes: BTreeSet<&str> = alert.ancestors.iter().map(|code| &**code).collect();
    codes.extend([&*alert.place.code, &*case.place().code]);
    codes.extend(alert.also_places.iter().map(|place| &*place.code));
    let joined: Vec<&str> = codes.into_iter().collect();
    format!(" {} ", joined.join(" "))
}

/// Titles, hazards and places in both languages, lower case: no text of a report.
fn words_of(case: &Case) -> String {
    let (alert, hazard, place) = (&case.alert, case.hazard(), case.place());
    let words = json!([
        alert.headline.en,
        alert.headline.zh,
        hazard.en(),
        hazard.zh(),
        place.name,
        place.name_zh,
        place.code
    ]);
    let texts = words.as_array().into_iter().flatten();
    let texts: Vec<&str> = texts.filter_map(|text| text.as_str()).collect();
    texts.join(" ").to_lowercase()
}

fn obligation_row(case: &Case, number: usize, it: &Obligation) -> Vec<Arg> {
    let flag = |on_time: Option<bool>| Arg::from(on_time.map(i64::from));
    let duty = match it.duty {
        crate::core::model::Duty::Lead => "lead",
        crate::core::model::Duty::Support => "support",
    };
    vec![
        case.incident.to_string().into(),
        i64::from(case.round).into(),
        (number as i64).into(),
        case.status().id().into(),
        (&*it.department).into(),
        it.office.id().into(),
        duty.into(),
        it.required.into(),
        it.cause.id().into(),
        it.state.id().into(),
        it.state.is_pending().into(),
        it.opened_at.0.into(),
        it.acknowledge_by.0.into(),
        it.dispose_by.0.into(),
        Arg::from(it.acknowledged.as_ref().map(|mark| mark.at.0)),
        Arg::from(it.disposed.as_ref().map(|disposal| disposal.mark.at.0)),
        flag(it.acknowledged_on_time()),
        flag(it.disposed_on_time()),
        Arg::from(
            it.disposed
                .as_ref()
                .map(|it| it.disposition.id().to_owned()),
        ),
        Arg::from(it.offer.as_ref().map(|offer| offer.to.to_string())),
    ]
}
