//! What becomes of a story's alerts at the desk, on the clock of the story: obligations, what departments do, missed deadlines and
//! their escalations; and how that differs from what is expected.
//!
//! Invariant: the rules are those of `obligation`; at one instant the machine's revisions come first, then what people do, then
//! the deadlines that end there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::case::{Act, Case, Incident, Meeting, WantedDeadline, WantedObligation};
use super::convert::duration_text;
use super::run::{Checker, Failure, START};
use crate::core::model::{Alert, Duty, Millis};
use crate::core::obligation::{self, Event, EventKind, Policy};

/// A deadline that was missed, or the escalation of one.
struct Missed {
    at: i64,
    hazard: &'static str,
    place: Arc<str>,
    department: Arc<str>,
    office: &'static str,
    /// `acknowledge` or `dispose`.
    duty: &'static str,
    /// The office that is called.
    to: Option<String>,
}

/// The desk of a story.
#[derive(Default)]
struct Desk {
    cases: BTreeMap<Uuid, obligation::Case>,
    deadlines: Vec<Missed>,
    escalations: Vec<Missed>,
    failures: Vec<Failure>,
}

/// Differences between what is expected of the desk and what came, up to `end` in milliseconds after the start.
pub(super) fn compare_meeting(
    case: &Case,
    meeting: &Meeting,
    alerts: &[Alert],
    policy: &Policy,
    end: i64,
    failures: &mut Vec<Failure>,
) {
    if meeting.expects_nothing() && meeting.actions.is_empty() {
        return;
    }
    let desk = Desk::until(end, alerts, &meeting.actions, policy);
    if let Some(wanted) = &meeting.departments {
        let mut times: BTreeSet<i64> = wanted.iter().map(|one| one.at.unwrap_or(end)).collect();
        if wanted.is_empty() {
            times.insert(end);
        }
        for at in times {
            let desk = Desk::until(at, alerts, &meeting.actions, policy);
            let wanted = wanted.iter().filter(|one| one.at.unwrap_or(end) == at);
            desk.compare_obligations(case, meeting, wanted, at, failures);
        }
    }
    for (wanted, got) in [
        (&meeting.deadlines, &desk.deadlines),
        (&meeting.escalations, &desk.escalations),
    ] {
        if let Some(wanted) = wanted {
            let counts = |one: &&Missed| counts(meeting, &one.department);
            compare_missed(case, wanted, got.iter().filter(counts).collect(), failures);
        }
    }
    failures.extend(desk.failures);
}

fn counts(meeting: &Meeting, department: &str) -> bool {
    meeting.only.is_empty() || meeting.only.iter().any(|one| one == department)
}

impl Desk {
    /// Everything up to an instant: `at` milliseconds after the start.
    fn until(at: i64, alerts: &[Alert], actions: &[Act], policy: &Policy) -> Self {
        let mut desk = Self::default();
        let mut steps: Vec<(Millis, Option<&Act>, Option<&Alert>)> = Vec::new();
        steps.extend(alerts.iter().map(|alert| (alert.sent, None, Some(alert))));
        let acts = actions.iter();
        steps.extend(acts.map(|act| (START.plus(act.at), Some(act), None)));
        let end = START.plus(at);
        steps.retain(|(at, ..)| *at <= end);
        steps.sort_by_key(|(at, act, _)| (*at, act.is_some()));
        for (now, act, alert) in steps {
            desk.pass(now.plus(-1), policy);
            if let Some(alert) = alert {
                desk.take_in(alert, now, policy);
            }
            if let Some(act) = act {
                desk.act(act, now, policy);
            }
        }
        desk.pass(end, policy);
        desk
    }

    fn take_in(&mut self, alert: &Alert, now: Millis, policy: &Policy) {
        let id = alert.incident_id;
        let alert = Arc::new(alert.clone());
        if let Some(case) = self.cases.get_mut(&id) {
            case.revise(alert, now, policy);
        } else {
            let (case, _) = obligation::Case::open(alert, now, policy);
            self.cases.insert(id, case);
        }
    }

    fn act(&mut self, act: &Act, now: Millis, policy: &Policy) {
        let mut done = false;
        for case in self.cases.values_mut() {
            if !act.on.is(case.alert.hazard.id(), &case.alert.place.code) {
                continue;
            }
            done = true;
            if let Err(refused) = case.act(&act.actor, &act.action, now, policy) {
                self.failures.push(not_done(act, refused.to_string()));
            }
        }
        if !done {
            let message = "there is no such incident at that time".to_owned();
            self.failures.push(not_done(act, message));
        }
    }

    /// Lets every deadline up to an instant pass, in the order of time.
    fn pass(&mut self, end: Millis, policy: &Policy) {
        loop {
            let due = self.cases.values().filter_map(obligation::Case::due);
            let Some(now) = due.min().filter(|due| *due <= end) else {
                return;
            };
            for case in self.cases.values_mut() {
                if case.due().is_none_or(|due| due > now) {
                    continue;
                }
                let events = case.advance(now, policy);
                for event in &events {
                    keep(case, event, &mut self.deadlines, &mut self.escalations);
                }
                if events.is_empty() {
                    // Cannot be: what is due is missed. Better a story that ends early than one that never does.
                    return;
                }
            }
        }
    }

    fn compare_obligations<'w>(
        &self,
        case: &Case,
        meeting: &Meeting,
        wanted: impl Iterator<Item = &'w WantedObligation>,
        at: i64,
        failures: &mut Vec<Failure>,
    ) {
        let mut left = Vec::new();
        for case in self.cases.values() {
            let own = case
                .obligations
                .iter()
                .filter(|it| !it.cause.is_escalation() && counts(meeting, &it.department));
            left.extend(own.map(|it| (case, it)));
        }
        let time = duration_text(at);
        for one in wanted {
            let name = format!(
                "obligation of {}{} at {time}",
                one.department,
                words(&one.of)
            );
            let fits = |(case, it): &(&obligation::Case, &obligation::Obligation)| {
                *it.department == *one.department
                    && one.of.is(case.alert.hazard.id(), &case.alert.place.code)
            };
            let Some((_, it)) = left.iter().position(fits).map(|at| left.remove(at)) else {
                failures.push(missing(one.line, name, "exists"));
                continue;
            };
            let mut check = Checker {
                line: one.line,
                name: &name,
                failures,
            };
            check.same("office", one.office.as_deref(), it.office.id());
            check.same("duty", one.duty.as_deref(), duty(it.duty));
            check.same("required", one.required, it.required);
            check.same("state", one.state.as_deref(), it.state.id());
            let after = |at: Millis| duration_text(at.since(START));
            let wanted = one.acknowledge_by.map(duration_text);
            check.same("acknowledge_by", wanted, after(it.acknowledge_by));
            let wanted = one.dispose_by.map(duration_text);
            check.same("dispose_by", wanted, after(it.dispose_by));
        }
        for (of, it) in left {
            let (hazard, place) = (of.alert.hazard.id(), &of.alert.place.code);
            failures.push(Failure {
                line: case.line,
                what: format!(
                    "obligation of {} for {hazard} {place} at {time}",
                    it.department
                ),
                expected: None,
                got: Some(format!("{}, {}", duty(it.duty), it.state.id())),
            });
        }
    }
}

fn duty(duty: Duty) -> &'static str {
    match duty {
        Duty::Lead => "lead",
        Duty::Support => "support",
    }
}

/// Takes down what time has done.
fn keep(
    case: &obligation::Case,
    event: &Event,
    deadlines: &mut Vec<Missed>,
    escalations: &mut Vec<Missed>,
) {
    let cause = event.after["cause"].as_str();
    let (owed, into) = match (event.kind, cause) {
        (EventKind::AcknowledgeMissed, _) => ("acknowledge", deadlines),
        (EventKind::DisposeMissed, _) => ("dispose", deadlines),
        (EventKind::Escalated, Some("acknowledge_missed")) => ("acknowledge", escalations),
        (EventKind::Escalated, _) => ("dispose", escalations),
        _ => return,
    };
    let (Some(department), Some(office)) = (&event.department, event.office) else {
        return;
    };
    into.push(Missed {
        at: event.at.since(START),
        hazard: case.alert.hazard.id(),
        place: Arc::clone(&case.alert.place.code),
        department: Arc::clone(department),
        office: office.id(),
        duty: owed,
        to: event.after["office"].as_str().map(str::to_owned),
    });
}

fn not_done(act: &Act, why: String) -> Failure {
    Failure {
        line: act.line,
        what: format!("action {} at {}", act.action.id(), duration_text(act.at)),
        expected: Some("is done".to_owned()),
        got: Some(why),
    }
}

fn missing(line: usize, what: String, expected: impl Into<String>) -> Failure {
    Failure {
        line,
        what,
        expected: Some(expected.into()),
        got: None,
    }
}

/// Which incident an expectation is about.
fn words(of: &Incident) -> String {
    let named = [of.hazard.as_deref(), of.place.as_deref()];
    let named: Vec<&str> = named.into_iter().flatten().collect();
    if named.is_empty() {
        String::new()
    } else {
        format!(" for {}", named.join(" "))
    }
}

fn compare_missed(
    case: &Case,
    wanted: &[WantedDeadline],
    mut left: Vec<&Missed>,
    failures: &mut Vec<Failure>,
) {
    for one in wanted {
        let fits = |got: &&Missed| {
            let same = |wanted: &Option<String>, got: &str| {
                wanted.as_ref().is_none_or(|wanted| wanted == got)
            };
            *got.department == *one.department
                && one.of.is(got.hazard, &got.place)
                && same(&one.missed, got.duty)
                && same(&one.office, got.office)
                && (one.to.is_none() || one.to == got.to)
        };
        // Of several the one of that time, so that a story may list them in any order.
        let exact = left
            .iter()
            .position(|got| fits(got) && one.at == Some(got.at));
        let office = one.office.as_deref().unwrap_or("any office");
        let missed = one.missed.as_deref().unwrap_or("a deadline");
        let to = one.to.as_ref().map(|to| format!(" to {to}"));
        let name = format!(
            "{} ({office}){} misses {missed}{}",
            one.department,
            words(&one.of),
            to.unwrap_or_default()
        );
        let Some(at) = exact.or_else(|| left.iter().position(fits)) else {
            let expected = one.at.map_or("is missed".to_owned(), |at| {
                format!("at {}", duration_text(at))
            });
            failures.push(missing(one.line, name, expected));
            continue;
        };
        let got = left.remove(at);
        let Some(wanted) = one.at.filter(|at| *at != got.at) else {
            continue;
        };
        failures.push(Failure {
            line: one.line,
            what: name,
            expected: Some(format!("at {}", duration_text(wanted))),
            got: Some(format!("at {}", duration_text(got.at))),
        });
    }
    for extra in left {
        let to = extra.to.as_ref().map(|to| format!(" to {to}"));
        failures.push(Failure {
            line: case.line,
            what: format!(
                "{} ({}) for {} {} misses {}{}",
                extra.department,
                extra.office,
                extra.hazard,
                extra.place,
                extra.duty,
                to.unwrap_or_default()
            ),
            expected: None,
            got: Some(format!("at {}", duration_text(extra.at))),
        });
    }
}
