//! A drill changes nothing that is actual at the desk either: the interleavings of `isolation`, taken on through the joint meeting's
//! rules. Deadlines, escalations, boards, agenda, events and figures are the same with the drill and without it.

use std::collections::BTreeMap;
use std::sync::Arc;

use tocsin::core::model::{Alert, Millis, Status};
use tocsin::core::obligation::{
    Action, Actor, AgendaReason, BoardRow, Case, Disposition, Event, EventKind, Policy, Role, rank,
};
use tocsin::core::route::Routing;
use tocsin::desk::store::Saved;
use tocsin::desk::{DeskMetrics, Observer as _};
use uuid::Uuid;

/// What the desk holds of actual incidents.
#[derive(Debug, Default, PartialEq)]
pub(super) struct AtTheDesk {
    cases: BTreeMap<Uuid, String>,
    events: Vec<(Uuid, String)>,
    board: Vec<BoardRow>,
    agenda: Vec<(Uuid, Vec<AgendaReason>)>,
}

/// What a desk measures, over many interleavings: what differs in one differs in the sum.
pub(super) struct Figures {
    registry: prometheus::Registry,
    metrics: Arc<DeskMetrics>,
}

impl Figures {
    pub(super) fn new(routing: &Routing) -> Self {
        let registry = prometheus::Registry::new();
        let departments = routing.all().iter().map(|it| Arc::clone(&it.id));
        let metrics = DeskMetrics::new(&registry, departments).unwrap();
        Self { registry, metrics }
    }

    /// Of what is actual, or of no status.
    pub(super) fn actual(&self) -> Vec<String> {
        let encoder = prometheus::TextEncoder::new();
        let text = encoder.encode_to_string(&self.registry.gather()).unwrap();
        let lines = text
            .lines()
            .filter(|line| !line.contains("status=\"exercise\"") && !line.starts_with('#'));
        lines.map(str::to_owned).collect()
    }
}

/// How much of it was tried.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tried {
    pub(super) deeds: u64,
    pub(super) missed: u64,
    pub(super) closed: u64,
    pub(super) exercises: u64,
}

impl std::ops::AddAssign for Tried {
    fn add_assign(&mut self, other: Self) {
        self.deeds += other.deeds;
        self.missed += other.missed;
        self.closed += other.closed;
        self.exercises += other.exercises;
    }
}

struct Desk<'a> {
    policy: &'a Policy,
    cases: BTreeMap<Uuid, Case>,
    log: Vec<(Uuid, Event)>,
    figures: &'a Figures,
}

/// What somebody does about a revision: the same whatever else there is.
fn deed(alert: &Alert, case: &Case) -> Option<(Actor, Action)> {
    let mix = alert.alert_id.as_u128() as u64;
    let department = Arc::clone(&case.obligations.first()?.department);
    let officer = Actor {
        name: format!("{department}-1"),
        role: Role::Officer,
        department: Some(Arc::clone(&department)),
    };
    let reason = "seen".to_owned();
    let analyst = Actor::new("analyst-1", Role::Analyst);
    Some(match mix % 6 {
        0 => {
            let department = Some(department);
            (officer, Action::Acknowledge { department })
        }
        1 => {
            let disposition = Disposition::Confirmed;
            let action = Action::Dispose {
                department,
                disposition,
                reason,
            };
            (officer, action)
        }
        2 => (analyst, Action::Meeting { reason }),
        3 => (analyst, Action::Note { text: reason }),
        _ => return None,
    })
}

impl Desk<'_> {
    fn keep(&mut self, id: Uuid, case: Case, events: Vec<Event>) {
        let metrics = &self.figures.metrics;
        metrics.committed(&[Saved::new(case.clone(), events.clone())]);
        self.log.extend(events.into_iter().map(|event| (id, event)));
        self.cases.insert(id, case);
    }

    /// Lets time pass, the earliest deadline first, as the desk's timer does.
    fn until(&mut self, now: Millis) {
        loop {
            let due = self.cases.iter().filter_map(|(id, case)| {
                let at = case.due()?;
                (at <= now).then_some((at, *id))
            });
            let Some((at, id)) = due.min() else {
                return;
            };
            let mut case = self.cases[&id].clone();
            let events = case.advance(at, self.policy);
            assert!(case.due() != Some(at), "time passes");
            self.keep(id, case, events);
        }
    }

    fn take(&mut self, alert: &Alert) {
        let (id, now) = (alert.incident_id, alert.sent);
        self.until(now);
        let alert = Arc::new(alert.clone());
        let (case, events) = match self.cases.remove(&id) {
            Some(mut case) => {
                let events = case.revise(Arc::clone(&alert), now, self.policy);
                (case, events)
            }
            None => Case::open(Arc::clone(&alert), now, self.policy),
        };
        self.keep(id, case, events);
        let mut case = self.cases[&id].clone();
        if let Some((actor, action)) = deed(&alert, &case)
            && let Ok(events) = case.act(&actor, &action, now.plus(1), self.policy)
        {
            self.keep(id, case, events);
        }
    }

    fn actual(&self) -> AtTheDesk {
        let actual = || {
            let all = self.cases.values();
            all.filter(|case| case.status() == Status::Actual)
        };
        let is_actual = |id: &Uuid| self.cases[id].status() == Status::Actual;
        let mut board: Vec<BoardRow> = actual().map(Case::row).collect();
        board.sort_by_key(|row| (std::cmp::Reverse(rank(row.level, row.score)), row.incident));
        AtTheDesk {
            cases: actual()
                .map(|case| (case.incident, serde_json::to_string(case).unwrap()))
                .collect(),
            events: self
                .log
                .iter()
                .filter(|(id, _)| is_actual(id))
                .map(|(id, event)| (*id, serde_json::to_string(event).unwrap()))
                .collect(),
            agenda: actual()
                .map(|case| (case.incident, case.agenda_reasons()))
                .collect(),
            board,
        }
    }
}

/// The desk that reads these alerts in the order of their time, and then lets time pass until `end`.
pub(super) fn at_the_desk(
    policy: &Policy,
    figures: &Figures,
    alerts: &[Alert],
    end: Millis,
) -> (AtTheDesk, Tried) {
    let mut desk = Desk {
        policy,
        cases: BTreeMap::new(),
        log: Vec::new(),
        figures,
    };
    // An alert of a timer carries the time at which it was due.
    let mut alerts: Vec<&Alert> = alerts.iter().collect();
    alerts.sort_by_key(|alert| alert.sent);
    for alert in alerts {
        desk.take(alert);
    }
    desk.until(end);
    let count = |wanted: fn(&Event) -> bool| {
        let events = desk.log.iter().filter(|(_, event)| wanted(event));
        events.count() as u64
    };
    let missed = |event: &Event| {
        matches!(
            event.kind,
            EventKind::AcknowledgeMissed | EventKind::DisposeMissed
        )
    };
    let exercises = desk.cases.values();
    let tried = Tried {
        deeds: count(|event| event.actor.is_some()),
        missed: count(missed),
        closed: count(|event| event.kind == EventKind::Closed),
        exercises: exercises
            .filter(|case| case.status() == Status::Exercise)
            .count() as u64,
    };
    (desk.actual(), tried)
}
