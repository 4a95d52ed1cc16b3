//! What each action does, part one: the way of an obligation from acknowledged to disposed, remarks and judgements.
//!
//! Invariant: a refused action changes nothing.

use std::sync::Arc;

use serde_json::json;

use super::action::{Action, MAX_TEXT, Refusal, Refused, bounded, needed};
use super::case::{Case, MAX_NOTES, MAX_WATCHING};
use super::event::{Event, EventKind, Log};
use super::policy::Policy;
use super::types::{
    Actor, Assessment, Disposal, Disposition, Mark, Note, ObligationState, Office, Reopening, Role,
};
use crate::core::model::Millis;

/// What an obligation becomes.
#[derive(Clone, Copy)]
enum Step {
    Acknowledge,
    Start,
    Dispose(Disposition),
}

impl Case {
    /// Does `action` as `actor`, or says why not.
    pub fn act(
        &mut self,
        actor: &Actor,
        action: &Action,
        now: Millis,
        policy: &Policy,
    ) -> Result<Vec<Event>, Refused> {
        action.permit(actor)?;
        if self.is_closed() && needs_open(action) {
            let message = "the incident is closed; reopen it first, with a reason";
            return Err(Refused::new(Refusal::Closed, message));
        }
        // On a copy, so that a refusal half way leaves no trace.
        let mut changed = self.clone();
        let mut log = Log::new(now, Some(actor));
        changed.apply(actor, action, policy, &mut log)?;
        changed.finish(&mut log);
        *self = changed;
        Ok(log.events)
    }

    fn apply(
        &mut self,
        actor: &Actor,
        action: &Action,
        policy: &Policy,
        log: &mut Log<'_>,
    ) -> Result<(), Refused> {
        match action {
            Action::Acknowledge { department: None } => self.acknowledge_case(log),
            Action::Acknowledge {
                department: Some(department),
            } => self.step(actor, department, Step::Acknowledge, "", log),
            Action::Start { department } => self.step(actor, department, Step::Start, "", log),
            Action::Dispose {
                department,
                disposition,
                reason,
            } => self.step(actor, department, Step::Dispose(*disposition), reason, log),
            Action::Transfer {
                department,
                to,
                reason,
            } => self.offer(department, to, reason, policy, log),
            Action::Accept { department } => self.accept(actor, department, policy, log),
            Action::Decline { department, reason } => self.decline(department, reason, log),
            Action::Waive { department, reason } => self.waive(department, reason, log),
            Action::Note { text } => self.note(text, log),
            Action::Watch => self.watch(log),
            Action::Unwatch => self.unwatch(log),
            Action::Assess {
                disposition,
                reason,
            } => self.assess(*disposition, reason, log),
            Action::Correct {
                hazard,
                place,
                level,
                reason,
            } => self.correct(*hazard, place.as_ref(), *level, reason, policy, log),
            Action::Uncorrect { field, reason } => self.uncorrect(*field, reason, policy, log),
            Action::Duplicate { of, reason } => self.duplicate(*of, reason, log),
            Action::Meeting { reason } => self.meeting(reason, log),
            Action::Reopen { reason } => self.reopen_on_request(reason, policy, log),
        }
    }

    fn acknowledge_case(&mut self, log: &mut Log<'_>) -> Result<(), Refused> {
        if self.acknowledged.is_some() {
            return Err(nothing("the incident is acknowledged already"));
        }
        self.acknowledged = Some(mark(log, ""));
        log.add(EventKind::Acknowledged)
            .change(json!(self.state), json!("acknowledged"));
        Ok(())
    }

    /// Moves every pending obligation of a department one step; that of the coordinators only when one of them acts, or when the
    /// department is done.
    fn step(
        &mut self,
        actor: &Actor,
        department: &Arc<str>,
        step: Step,
        reason: &str,
        log: &mut Log<'_>,
    ) -> Result<(), Refused> {
        let reason = bounded(reason)?;
        let (mut known, mut moved) = (false, false);
        for it in &mut self.obligations {
            if it.department != *department {
                continue;
            }
            known = true;
            let done = matches!(step, Step::Dispose(_));
            if it.office == Office::Coordinators && actor.role != Role::Coordinator && !done {
                continue;
            }
            let goes_on = match step {
                Step::Acknowledge => it.state == ObligationState::Open,
                Step::Start => it.state.is_pending() && it.state != ObligationState::InProgress,
                Step::Dispose(_) => it.state.is_pending(),
            };
            if !goes_on {
                continue;
            }
            moved = true;
            let before = it.state;
            let first = it.acknowledged.is_none();
            if first {
                it.acknowledged = Some(mark(log, ""));
            }
            it.declined = None;
            let kind = match step {
                Step::Acknowledge => {
                    it.state = ObligationState::Acknowledged;
                    EventKind::Acknowledged
                }
                Step::Start => {
                    it.state = ObligationState::InProgress;
                    it.started = Some(mark(log, ""));
                    EventKind::Started
                }
                Step::Dispose(disposition) => {
                    it.state = ObligationState::Disposed;
                    it.offer = None;
                    let mark = mark(log, &reason);
                    it.disposed = Some(Disposal { disposition, mark });
                    EventKind::Disposed
                }
            };
            let mut after = json!({"state": it.state});
            if first {
                after["acknowledged_on_time"] = json!(it.acknowledged_on_time());
            }
            if let Step::Dispose(disposition) = step {
                after["disposition"] = json!(disposition);
                after["disposed_on_time"] = json!(it.disposed_on_time());
            }
            log.add(kind)
                .of(department, Some(it.office))
                .because(&reason)
                .change(json!({"state": before}), after);
        }
        match (known, moved) {
            (_, true) => Ok(()),
            (false, _) => Err(no_obligation(department)),
            (true, false) => Err(Refused::new(
                Refusal::NotPending,
                format!("the obligation of `{department}` stands there already, or has ended"),
            )),
        }
    }

    fn note(&mut self, text: &str, log: &mut Log<'_>) -> Result<(), Refused> {
        let text = needed(text)?;
        if self.notes.len() >= MAX_NOTES {
            let message = format!("an incident has at most {MAX_NOTES} notes");
            return Err(Refused::new(Refusal::TooMany, message));
        }
        // Somebody may have quoted a report: the trail says that there is a note, the case says which.
        log.add(EventKind::Noted).after = json!({"note": self.notes.len() + 1});
        self.notes.push(Note {
            by: log.by(),
            at: log.now,
            text,
        });
        Ok(())
    }

    fn watch(&mut self, log: &mut Log<'_>) -> Result<(), Refused> {
        let by = log.by();
        if self.watching.iter().any(|it| it.by == by) {
            return Err(nothing("you are looking at it already"));
        }
        if self.watching.len() >= MAX_WATCHING {
            let message = format!("at most {MAX_WATCHING} look at one incident");
            return Err(Refused::new(Refusal::TooMany, message));
        }
        self.watching.push(mark(log, ""));
        log.add(EventKind::Watching);
        Ok(())
    }

    fn unwatch(&mut self, log: &mut Log<'_>) -> Result<(), Refused> {
        let (by, before) = (log.by(), self.watching.len());
        self.watching.retain(|it| it.by != by);
        if self.watching.len() == before {
            return Err(nothing("you are not looking at it"));
        }
        log.add(EventKind::Unwatched);
        Ok(())
    }

    fn assess(
        &mut self,
        disposition: Disposition,
        reason: &str,
        log: &mut Log<'_>,
    ) -> Result<(), Refused> {
        let reason = bounded(reason)?;
        let before = json!(self.assessment.as_ref().map(|it| it.disposition));
        if self.acknowledged.is_none() {
            self.acknowledged = Some(mark(log, ""));
        }
        let mark = mark(log, &reason);
        self.assessment = Some(Assessment { disposition, mark });
        log.add(EventKind::Assessed)
            .because(&reason)
            .change(before, json!(disposition));
        Ok(())
    }

    fn meeting(&mut self, reason: &str, log: &mut Log<'_>) -> Result<(), Refused> {
        let reason = needed(reason)?;
        if self.meeting.is_some() {
            return Err(nothing("a joint meeting was asked for already"));
        }
        self.meeting = Some(mark(log, &reason));
        log.add(EventKind::MeetingRequested).because(&reason);
        Ok(())
    }

    fn reopen_on_request(
        &mut self,
        reason: &str,
        policy: &Policy,
        log: &mut Log<'_>,
    ) -> Result<(), Refused> {
        let reason = needed(reason)?;
        if !self.is_closed() {
            return Err(Refused::new(Refusal::NotClosed, "the incident is open"));
        }
        self.reopen(Reopening::Asked, &reason, policy, log);
        Ok(())
    }
}

/// Whether an action makes no sense on a closed case.
fn needs_open(action: &Action) -> bool {
    !matches!(
        action,
        Action::Note { .. }
            | Action::Reopen { .. }
            | Action::Correct { .. }
            | Action::Uncorrect { .. }
            | Action::Duplicate { .. }
            | Action::Assess { .. }
    )
}

pub(super) fn mark(log: &Log<'_>, reason: &str) -> Mark {
    debug_assert!(reason.chars().count() <= MAX_TEXT);
    Mark {
        by: log.by(),
        at: log.now,
        reason: reason.to_owned(),
    }
}

pub(super) fn nothing(message: &str) -> Refused {
    Refused::new(Refusal::NothingToDo, message)
}

pub(super) fn no_obligation(department: &str) -> Refused {
    let message = format!("`{department}` has no obligation on this incident");
    Refused::new(Refusal::NoObligation, message)
}
