//! Views from the desk's values: a board row, one incident, its timeline.
//!
//! Invariant: nothing is decided here; what counts (corrected or the machine's) is asked of the case.

use std::sync::Arc;

use super::lang::Lang;
use super::page::board::{Due, Holder, Row, Step};
use super::page::incident::{Draft, IncidentView, Notice};
use super::page::obligations::ObligationView;
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
        resolved: from.activity == IncidentState::Resolved,
        step: from.state.into(),
        due: next_due(&from.obligations),
        holders: holders(&from.obligations, depts),
        watching: from.watching.clone(),
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
    text("to").map(str::to_owned)
}

/// Name of a kind of event.
pub fn kind(kind: EventKind) -> Msg {
    match kind {
        EventKind::Opened => Msg::EventOpened,
        EventKind::Revised => Msg::EventRevised,
        EventKind::Cancelled => Msg::EventCancelled,
        EventKind::ObligationAdded => Msg::EventObligationAdded,
        EventKind::ObligationRequired => Msg::EventObligationRequired,
        EventKind::DeadlineShortened => Msg::EventDeadlineShortened,
        EventKind::Acknowledged => Msg::EventAcknowledged,
        EventKind::Started => Msg::EventStarted,
        EventKind::Disposed => Msg::EventDisposed,
        EventKind::TransferOffered => Msg::EventTransferOffered,
        EventKind::Transferred => Msg::EventTransferred,
        EventKind::TransferDeclined => Msg::EventTransferDeclined,
        EventKind::Declined => Msg::EventDeclined,
        EventKind::Waived => Msg::EventWaived,
        EventKind::Released => Msg::EventReleased,
        EventKind::Noted => Msg::EventNoted,
        EventKind::Watching => Msg::EventWatching,
        EventKind::Unwatched => Msg::EventUnwatched,
        EventKind::Assessed => Msg::EventAssessed,
        EventKind::Corrected => Msg::EventCorrected,
        EventKind::CorrectionRemoved => Msg::EventCorrectionRemoved,
        EventKind::MeetingRequested => Msg::EventMeetingRequested,
        EventKind::OnAgenda => Msg::EventOnAgenda,
        EventKind::AcknowledgeMissed => Msg::EventAcknowledgeMissed,
        EventKind::DisposeMissed => Msg::EventDisposeMissed,
        EventKind::Escalated => Msg::EventEscalated,
        EventKind::Closed => Msg::EventClosed,
        EventKind::Reopened => Msg::EventReopened,
        EventKind::ExcerptsDeleted => Msg::EventExcerptsDeleted,
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
