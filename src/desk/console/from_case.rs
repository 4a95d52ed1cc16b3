//! Views from the desk's values: a board row, one incident, its timeline.
//!
//! Invariant: nothing is decided here; what counts (corrected or the machine's) is asked of the case.

use std::sync::Arc;

use super::event_words::EventMsg;
use super::lang::Lang;
use super::page::incident::{Draft, IncidentView, Notice};
use super::page::obligations::ObligationView;
use super::page::row::{Due, Holder, Row, Step};
use super::page::timeline::{Entry, What};
use super::text::harmless;
use super::time::DueKind;
use super::view::{self, Dept};
use super::words::Msg;
use crate::core::model::{Alert, Bilingual, Duty, IncidentState, Level, Millis, ScoreLine};
use crate::core::obligation::{
    BoardRow, Case, Event, EventKind, Field, Obligation, ObligationState, RowObligation,
};

/// Finds departments by id.
#[derive(Clone, Debug)]
pub struct Depts(pub Arc<[Dept]>);

impl Depts {
    /// A department; by its id where the routing table does not know it any more.
    pub fn get(&self, id: &Arc<str>) -> Dept {
        let known = self.0.iter().find(|dept| dept.id == *id);
        known.cloned().unwrap_or_else(|| Dept {
            id: Arc::clone(id),
            names: Bilingual {
                en: harmless(id),
                zh: harmless(id),
            },
        })
    }
}

/// A row of the board.
pub fn row(from: &BoardRow, depts: &Depts) -> Row {
    Row {
        id: from.incident,
        version: from.version,
        status: from.status,
        exercise: from.exercise.clone(),
        level: from.level,
        score: from.score,
        hazard: from.hazard,
        place: from.place.clone(),
        place_assumed: from.place_assumed,
        corrected: from
            .corrected
            .iter()
            .any(|field| *field != Field::DuplicateOf),
        duplicate: from.duplicate_of.is_some(),
        meeting: from.agenda_since.is_some(),
        why: from.why.clone(),
        first_seen: from.first_seen,
        last_seen: from.last_seen,
        counts: [from.counts.reports, from.counts.copies, from.counts.sources],
        last_hour: from.counts.last_hour,
        growth: from.growth.clone(),
        resolved: from.activity == IncidentState::Resolved,
        step: from.state.into(),
        due: next_due(&from.obligations),
        holders: holders(&from.obligations, depts),
        watching: from.watching.clone(),
        muted: Vec::new(),
    }
}

/// The deadline that comes first of what is still owed.
fn next_due(obligations: &[RowObligation]) -> Option<Due> {
    obligations
        .iter()
        .filter_map(due_of)
        .min_by_key(|due| due.at)
}

/// What is due next of one obligation.
pub fn due_of(it: &RowObligation) -> Option<Due> {
    let (kind, at) = match it.state {
        ObligationState::Open => (DueKind::Acknowledge, it.acknowledge_by),
        _ => (DueKind::Dispose, it.dispose_by),
    };
    it.state.is_pending().then_some(Due { kind, at })
}

/// One entry per department: its own obligation, late when any of its offices missed a deadline.
fn holders(obligations: &[RowObligation], depts: &Depts) -> Vec<Holder> {
    let mut all: Vec<Holder> = Vec::with_capacity(obligations.len());
    for it in obligations {
        if it.state == ObligationState::Transferred {
            continue;
        }
        let late = it.acknowledge_missed || it.dispose_missed;
        match all
            .iter_mut()
            .find(|holder| holder.dept.id == it.department)
        {
            Some(holder) => holder.late |= late,
            None => all.push(Holder {
                dept: depts.get(&it.department),
                lead: it.duty == Duty::Lead,
                step: it.state.into(),
                late,
            }),
        }
    }
    all.sort_by_key(|holder| !holder.lead);
    all
}

/// A score line in both languages.
pub fn bilingual(line: &ScoreLine) -> Bilingual {
    Bilingual {
        en: line.because.clone(),
        zh: line
            .because_zh
            .clone()
            .unwrap_or_else(|| line.because.clone()),
    }
}

/// One incident. The map, and titles of rules, are filled in by whoever knows gazetteer and rules.
pub fn incident(
    lang: Lang,
    case: &Case,
    revisions: &[Arc<Alert>],
    history: &[Event],
    depts: &Depts,
) -> IncidentView {
    let mut timeline: Vec<Entry> = revisions
        .iter()
        .map(|alert| Entry::revision(alert))
        .collect();
    timeline.extend(history.iter().filter_map(|event| decision(lang, event)));
    // What happened at one instant stays in its order, turned round with the rest.
    timeline.sort_by_key(|entry| entry.at);
    timeline.reverse();
    let mut obligations: Vec<ObligationView> = case
        .obligations
        .iter()
        .map(|it| obligation(it, depts))
        .collect();
    obligations.sort_by_key(|it| (!it.lead, it.escalated));
    let assessed = case.assessment.as_ref();
    IncidentView {
        version: case.version,
        alert: Arc::clone(&case.alert),
        step: case.state.into(),
        overlays: case.overlays.clone(),
        obligations,
        notes: case.notes.clone(),
        watching: case.watching.iter().map(|mark| mark.by.clone()).collect(),
        meeting: case.meeting.as_ref().map(|mark| mark.reason.clone()),
        on_agenda: case.agenda_since.is_some() && !case.is_closed(),
        assessment: assessed.map(|it| {
            (
                view::disposition(it.disposition),
                it.mark.reason.clone(),
                it.mark.by.clone(),
            )
        }),
        verdict: case.verdict.map(view::disposition),
        muted: Vec::new(),
        timeline,
        map: None,
        rules: case
            .alert
            .rules
            .iter()
            .map(|id| (Arc::clone(id), String::new()))
            .collect(),
        notice: None::<Notice>,
        draft: Draft::default(),
    }
}

fn obligation(it: &Obligation, depts: &Depts) -> ObligationView {
    let pending = it.state.is_pending();
    let reason = |mark: &crate::core::obligation::Mark| (mark.reason.clone(), mark.by.clone());
    ObligationView {
        dept: depts.get(&it.department),
        lead: it.duty == Duty::Lead,
        required: it.required,
        office: it.office,
        step: Step::from(it.state),
        acknowledge_by: it.acknowledge_by,
        dispose_by: it.dispose_by,
        acknowledged: it
            .acknowledged
            .as_ref()
            .map(|mark| (mark.by.clone(), mark.at)),
        disposed: it.disposed.as_ref().map(|disposal| {
            let mark = &disposal.mark;
            (
                view::disposition(disposal.disposition),
                mark.reason.clone(),
                mark.by.clone(),
                mark.at,
            )
        }),
        missed: [it.acknowledge_missed.is_some(), it.dispose_missed.is_some()],
        transfer_to: it
            .offer
            .as_ref()
            .filter(|_| pending)
            .map(|offer| (depts.get(&offer.to), offer.mark.reason.clone())),
        declined: it.declined.as_ref().filter(|_| pending).map(reason),
        ended: it.ended.as_ref().map(reason),
        escalated: it.cause.is_escalation(),
    }
}

/// An event as the timeline shows it; revisions are there by themselves.
fn decision(lang: Lang, event: &Event) -> Option<Entry> {
    if matches!(
        event.kind,
        EventKind::Opened | EventKind::Revised | EventKind::Cancelled
    ) {
        return None;
    }
    Some(Entry {
        at: event.at,
        what: What::Decision {
            by: event.actor.as_ref().map(|actor| actor.name.clone()),
            what: told(lang, event),
            department: event.department.as_deref().map(str::to_owned),
            why: event.reason.clone(),
        },
    })
}

/// What happened, with the value that it led to where that is one word.
pub fn told(lang: Lang, event: &Event) -> String {
    let name = lang.t(kind(event.kind));
    match value(lang, event) {
        Some(value) => format!("{name}: {value}"),
        None => name.to_owned(),
    }
}

fn value(lang: Lang, event: &Event) -> Option<String> {
    let after = &event.after;
    let text = |key: &str| after.get(key).and_then(|value| value.as_str());
    if let Some(found) = text("disposition").and_then(crate::core::obligation::Disposition::from_id)
    {
        return Some(lang.t(view::disposition(found)).to_owned());
    }
    let level = text("level").and_then(|id| Level::ALL.into_iter().find(|level| level.id() == id));
    if let Some(level) = level.filter(|_| event.kind == EventKind::Corrected) {
        return Some(lang.t(view::level(level)).to_owned());
    }
    if event.kind == EventKind::SilenceEnded {
        let open = after
            .get("still_open")
            .and_then(serde_json::Value::as_u64)?;
        return Some(lang.fill(Msg::StillOpen, open));
    }
    let of_the_desk = match event.kind {
        EventKind::TokenCreated | EventKind::TokenRevoked => text("name"),
        EventKind::ConfigurationChanged => text("rule_set"),
        EventKind::DrillStarted | EventKind::DrillStopped | EventKind::DrillEnded => {
            text("exercise")
        }
        EventKind::ScenarioCreated => text("scenario"),
        EventKind::NotificationsRetried => text("channel"),
        _ => text("to"),
    };
    of_the_desk.map(str::to_owned)
}

/// Name of a kind of event.
pub fn kind(kind: EventKind) -> EventMsg {
    match kind {
        EventKind::Opened => EventMsg::Opened,
        EventKind::Revised => EventMsg::Revised,
        EventKind::Cancelled => EventMsg::Cancelled,
        EventKind::ObligationAdded => EventMsg::ObligationAdded,
        EventKind::ObligationRequired => EventMsg::ObligationRequired,
        EventKind::DeadlineShortened => EventMsg::DeadlineShortened,
        EventKind::Acknowledged => EventMsg::Acknowledged,
        EventKind::Started => EventMsg::Started,
        EventKind::Disposed => EventMsg::Disposed,
        EventKind::TransferOffered => EventMsg::TransferOffered,
        EventKind::Transferred => EventMsg::Transferred,
        EventKind::TransferDeclined => EventMsg::TransferDeclined,
        EventKind::Declined => EventMsg::Declined,
        EventKind::Waived => EventMsg::Waived,
        EventKind::Released => EventMsg::Released,
        EventKind::Noted => EventMsg::Noted,
        EventKind::Watching => EventMsg::Watching,
        EventKind::Unwatched => EventMsg::Unwatched,
        EventKind::Assessed => EventMsg::Assessed,
        EventKind::Corrected => EventMsg::Corrected,
        EventKind::CorrectionRemoved => EventMsg::CorrectionRemoved,
        EventKind::MeetingRequested => EventMsg::MeetingRequested,
        EventKind::OnAgenda => EventMsg::OnAgenda,
        EventKind::AcknowledgeMissed => EventMsg::AcknowledgeMissed,
        EventKind::DisposeMissed => EventMsg::DisposeMissed,
        EventKind::Escalated => EventMsg::Escalated,
        EventKind::Closed => EventMsg::Closed,
        EventKind::Reopened => EventMsg::Reopened,
        EventKind::ExcerptsDeleted => EventMsg::ExcerptsDeleted,
        EventKind::SilenceCreated => EventMsg::SilenceCreated,
        EventKind::SilenceRedConfirmed => EventMsg::SilenceRedConfirmed,
        EventKind::SilenceEnded => EventMsg::SilenceEnded,
        EventKind::TokenCreated => EventMsg::TokenCreated,
        EventKind::TokenRevoked => EventMsg::TokenRevoked,
        EventKind::NotificationsRetried => EventMsg::NotificationsRetried,
        EventKind::ConfigurationChanged => EventMsg::ConfigurationChanged,
        EventKind::ScenarioCreated => EventMsg::ScenarioCreated,
        EventKind::DrillStarted => EventMsg::DrillStarted,
        EventKind::DrillStopped => EventMsg::DrillStopped,
        EventKind::DrillEnded => EventMsg::DrillEnded,
    }
}

/// Departments of a routing table, in its order.
pub fn departments(routing: &crate::core::route::Routing) -> Arc<[Dept]> {
    let all = routing.all().iter().map(|department| Dept {
        id: Arc::clone(&department.id),
        names: department.names.clone(),
    });
    all.collect()
}

/// The first instant of a shift that began so many hours ago.
pub fn hours_ago(now: Millis, hours: u32) -> Millis {
    now.plus(-i64::from(hours) * 3_600_000)
}
