//! From a change of a case to what has to be sent.
//!
//! Invariant: at most one notice per department, office and reason in one change: an obligation that begins with a reopening or a
//! rise says so once. What happened too long ago is not sent as if it were new: a department that still owes something is reminded
//! in one message, the rest is recorded as skipped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::kind::{Deadline, Notice, NoticeKind, named};
use super::route::Routes;
use super::slot::{Receiver, Slot};
use crate::core::model::{Level, Millis};
use crate::core::obligation::{Case, Cause, Event, EventKind, Office};
use crate::core::route::Routing;

/// A notice that a change calls for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Number of the audit event.
    pub seq: i64,
    /// When it happened.
    pub at: Millis,
    /// Why.
    pub kind: NoticeKind,
    /// Who is told.
    pub department: Arc<str>,
    /// Which of its offices; none: its own.
    pub office: Option<Office>,
    /// The level before it rose.
    pub level_before: Option<Level>,
    /// Which deadline was missed.
    pub deadline: Option<Deadline>,
}

impl Wanted {
    /// UUIDv5: the same event wants the same notice.
    pub fn id(&self) -> Uuid {
        let (kind, department) = (self.kind.id(), &self.department);
        let office = self.office.map_or("", Office::id);
        named(&format!("notice/{}/{kind}/{department}/{office}", self.seq))
    }
}

/// What a mute is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The case as it is now.
    pub case: &'a Case,
    /// Who would be told.
    pub department: &'a str,
    /// Why.
    pub kind: NoticeKind,
    /// When it would be sent.
    pub now: Millis,
}

/// Why a notice is not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MuteReason {
    /// A silence, by its id.
    Silence(String),
    /// A wider place's incident.
    Inhibited(Uuid),
}

impl MuteReason {
    /// For the log of notifications.
    pub fn text(&self) -> String {
        match self {
            Self::Silence(id) => format!("silence {id}"),
            Self::Inhibited(by) => format!("inhibited by incident {by}"),
        }
    }
}

/// Says whether, and by what, a notice is muted.
pub type Mute<'a> = &'a (dyn Fn(&Asked<'_>) -> Option<MuteReason> + Sync);

/// Nothing is.
pub fn not_muted(_: &Asked<'_>) -> Option<MuteReason> {
    None
}

/// What becomes of a notice at one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is sent when its message is due.
    Pending,
    /// Somebody does not want to hear it.
    Muted(MuteReason),
    /// It came too late to be news.
    Stale,
}

/// A notice at one channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// What is told.
    pub notice: Notice,
    /// Receiver.
    pub channel: Arc<str>,
    /// Message and time.
    pub slot: Slot,
    /// What becomes of it.
    pub fate: Fate,
}

/// Everything that planning goes by.
#[derive(Clone, Debug)]
pub struct Planner {
    /// Routes.
    pub routes: Routes,
    /// Receivers by name.
    pub receivers: BTreeMap<Arc<str>, Receiver>,
    /// What is older than this is no news, milliseconds.
    pub stale_ms: i64,
    /// How long a reminder waits for others after a stop, milliseconds.
    pub catch_up_ms: i64,
    /// Whether excerpts of reports are sent.
    pub excerpts: bool,
}

impl Planner {
    /// What one change of a case calls for: its events, in order, with their numbers. `began` is the first event of this stop that was
    /// found too old, if one was.
    pub fn change(
        &self,
        case: &Case,
        events: &[(i64, &Event)],
        now: Millis,
        (routing, mute): (&Routing, Mute<'_>),
        began: Option<i64>,
    ) -> Vec<Planned> {
        let mut all = Vec::new();
        for mut wanted in wanted(case, events) {
            let stale = self.is_stale(wanted.at, now);
            let owes = case
                .obligations
                .iter()
                .any(|it| *it.department == *wanted.department && it.state.is_pending());
            let reminds = stale && owes && !case.is_closed();
            if reminds {
                wanted = Wanted {
                    kind: NoticeKind::StillOpen,
                    office: None,
                    level_before: None,
                    deadline: None,
                    ..wanted
                };
            }
            let mut notice = Notice::of(case, &wanted, self.excerpts);
            if reminds {
                // However many events were missed: once per incident and department.
                let (seq, department) = (began.unwrap_or(wanted.seq), &wanted.department);
                let key = format!("still-open/{}/{department}/{seq}", case.incident);
                notice.id = named(&key);
            }
            let muted = mute_of(case, &wanted, now, mute);
            let known = |name: &str| self.receivers.contains_key(name);
            for channel in self.routes.channels(&notice.facts(), routing, known) {
                let Some(receiver) = self.receivers.get(&channel) else {
                    continue;
                };
                let slot = if reminds {
                    let due = now.plus(self.catch_up_ms);
                    receiver.catch_up(&notice, began.unwrap_or(wanted.seq), due)
                } else {
                    receiver.slot(&notice, now)
                };
                let fate = match &muted {
                    _ if stale && !reminds => Fate::Stale,
                    Some(reason) => Fate::Muted(reason.clone()),
                    None => Fate::Pending,
                };
                let notice = notice.clone();
                all.push(Planned {
                    notice,
                    channel,
                    slot,
                    fate,
                });
            }
        }
        all
    }

    /// Whether an event is too old to be news at `now`.
    pub fn is_stale(&self, at: Millis, now: Millis) -> bool {
        now.since(at) > self.stale_ms
    }
}

pub(super) fn mute_of(
    case: &Case,
    wanted: &Wanted,
    now: Millis,
    mute: Mute<'_>,
) -> Option<MuteReason> {
    let asked = Asked {
        case,
        department: &wanted.department,
        kind: wanted.kind,
        now,
    };
    // Whatever the mute says, inhibition never hides a missed deadline, an escalation or red.
    mute(&asked).filter(|reason| match reason {
        MuteReason::Silence(_) => true,
        MuteReason::Inhibited(_) => !wanted.kind.is_urgent() && case.level() < Level::Red,
    })
}

/// What the events of one change call for, in their order.
pub fn wanted(case: &Case, events: &[(i64, &Event)]) -> Vec<Wanted> {
    let whole: Vec<Wanted> = events
        .iter()
        .flat_map(|(seq, event)| of_event(case, *seq, event))
        .collect();
    let told = |department: &str, kinds: &[NoticeKind]| {
        whole
            .iter()
            .any(|it| *it.department == *department && kinds.contains(&it.kind))
    };
    let mut seen = BTreeSet::new();
    whole
        .iter()
        .filter(|it| match it.kind {
            NoticeKind::NewObligation => !told(&it.department, &[NoticeKind::Reopened]),
            NoticeKind::LevelRaised => {
                let more = [NoticeKind::Reopened, NoticeKind::NewObligation];
                !told(&it.department, &more)
            }
            _ => true,
        })
        .filter(|it| seen.insert((&it.department, it.kind, it.office, it.deadline)))
        .cloned()
        .collect()
}

/// What one event calls for on its own.
fn of_event(case: &Case, seq: i64, event: &Event) -> Vec<Wanted> {
    let wanted = |kind, department: &Arc<str>| Wanted {
        seq,
        at: event.at,
        kind,
        department: Arc::clone(department),
        office: None,
        level_before: None,
        deadline: None,
    };
    let word = |key: &str| event.after.get(key).and_then(Value::as_str);
    let own = |kind, office, deadline| {
        event
            .department
            .iter()
            .map(|department| Wanted {
                office,
                deadline,
                ..wanted(kind, department)
            })
            .collect::<Vec<_>>()
    };
    let all = |kind, departments: Vec<Arc<str>>| {
        let each = departments.iter().map(|it| wanted(kind, it));
        each.collect::<Vec<_>>()
    };
    let missed = |deadline| own(NoticeKind::DeadlineMissed, event.office, Some(deadline));
    match event.kind {
        EventKind::ObligationAdded => {
            let cause = word("cause").and_then(Cause::from_id);
            // That of an escalation is told by the escalation.
            if cause.is_some_and(Cause::is_escalation) {
                return Vec::new();
            }
            own(NoticeKind::NewObligation, None, None)
        }
        EventKind::Revised | EventKind::Corrected | EventKind::CorrectionRemoved => {
            // A person's level counts; one that the machine passes beneath it changes nothing.
            let overruled = event.kind == EventKind::Revised && case.overlays.level.is_some();
            let Some(before) = risen(event).filter(|_| !overruled) else {
                return Vec::new();
            };
            let mut raised = all(NoticeKind::LevelRaised, pending(case));
            for it in &mut raised {
                it.level_before = Some(before);
            }
            raised
        }
        EventKind::AcknowledgeMissed => missed(Deadline::Acknowledge),
        EventKind::DisposeMissed => missed(Deadline::Dispose),
        EventKind::Escalated => {
            let deadline = match word("cause").and_then(Cause::from_id) {
                Some(Cause::DisposeMissed) => Deadline::Dispose,
                _ => Deadline::Acknowledge,
            };
            let office = word("office").and_then(Office::from_id);
            own(NoticeKind::Escalated, office, Some(deadline))
        }
        EventKind::Reopened => all(NoticeKind::Reopened, pending(case)),
        EventKind::Cancelled => {
            let part = case.departments().into_iter().cloned().collect();
            all(NoticeKind::Cancelled, part)
        }
        EventKind::TransferOffered => {
            let to = word("to").map(Arc::from);
            all(NoticeKind::TransferOffered, to.into_iter().collect())
        }
        _ => Vec::new(),
    }
}

/// Departments that still owe something, sorted.
fn pending(case: &Case) -> Vec<Arc<str>> {
    let owing = case.obligations.iter().filter(|it| it.state.is_pending());
    let all: BTreeSet<Arc<str>> = owing.map(|it| Arc::clone(&it.department)).collect();
    all.into_iter().collect()
}

/// The level before, if the event raised it.
fn risen(event: &Event) -> Option<Level> {
    let level = |value: &Value| {
        let id = value.get("level")?.as_str()?;
        Level::ALL.into_iter().find(|level| level.id() == id)
    };
    let (before, after) = (level(&event.before)?, level(&event.after)?);
    (after > before).then_some(before)
}
