//! Time: deadlines that pass, and the escalation of each.
//!
//! Invariant: each acknowledgement and each disposal escalates at most once, and an escalation only adds.

use std::sync::Arc;

use serde_json::json;

use super::case::Case;
use super::event::{Event, EventKind, Log};
use super::policy::Policy;
use super::revise::added;
use super::types::{Cause, Office};
use crate::core::model::Millis;

impl Case {
    /// Finds every deadline that passed by `now`. Obligations that this adds count from `now`.
    pub fn advance(&mut self, now: Millis, policy: &Policy) -> Vec<Event> {
        let mut log = Log::new(now, None);
        if self.is_closed() {
            return log.events;
        }
        // What is added below has its deadlines ahead.
        for at in 0..self.obligations.len() {
            for cause in [Cause::AcknowledgeMissed, Cause::DisposeMissed] {
                if self.miss(at, cause, &mut log) {
                    self.escalate(at, cause, policy, &mut log);
                }
            }
        }
        if !log.events.is_empty() {
            self.finish(&mut log);
        }
        log.events
    }

    /// Marks one deadline as missed, once.
    fn miss(&mut self, at: usize, cause: Cause, log: &mut Log<'_>) -> bool {
        let it = &mut self.obligations[at];
        if !it.state.is_pending() {
            return false;
        }
        let (by, kind, slot) = if cause == Cause::AcknowledgeMissed {
            let open = it.acknowledged.is_none();
            let by = open.then_some(it.acknowledge_by);
            (by, EventKind::AcknowledgeMissed, &mut it.acknowledge_missed)
        } else {
            (
                Some(it.dispose_by),
                EventKind::DisposeMissed,
                &mut it.dispose_missed,
            )
        };
        let Some(by) = by.filter(|by| *by <= log.now && slot.is_none()) else {
            return false;
        };
        *slot = Some(log.now);
        log.add(kind).of(&it.department, Some(it.office)).before = json!({"by": by});
        true
    }

    /// Calls the department's next office that has no part yet, else the coordinators.
    fn escalate(&mut self, at: usize, cause: Cause, policy: &Policy, log: &mut Log<'_>) {
        let it = &self.obligations[at];
        let (department, from) = (Arc::clone(&it.department), it.office);
        if from == Office::Coordinators {
            return;
        }
        let takes_part = |office: Office| {
            self.obligations
                .iter()
                .any(|it| it.department == department && it.office == office)
        };
        let above = policy.above(&department, from);
        let next = above.into_iter().find(|office| !takes_part(*office));
        let to = next.unwrap_or(Office::Coordinators);
        log.add(EventKind::Escalated)
            .of(&department, Some(from))
            .change(
                json!({"office": from}),
                json!({"office": to, "cause": cause, "added": next.is_some()}),
            );
        if next.is_some() {
            let mut fresh = self.fresh(&department, cause, self.level(), policy, log.now);
            fresh.office = to;
            added(&fresh, log);
            self.obligations.push(fresh);
        }
    }
}
