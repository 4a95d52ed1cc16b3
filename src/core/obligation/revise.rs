//! Revisions: what the machine knows, taken into the case.
//!
//! Invariant: the outcome does not depend on the order in which revisions come, as long as none of them cancels: departments are
//! united, deadlines are the earliest, and the machine's view is that of the highest revision.

use std::sync::Arc;

use serde_json::json;

use super::case::Case;
use super::event::{Event, EventKind, Log};
use super::policy::Policy;
use super::types::{CaseState, Cause, Mark, Obligation, ObligationState, Overlays};
use crate::core::model::{Alert, Duty, Level, Millis, MsgType, RoutedDepartment};

impl Case {
    /// The case of an incident that the desk learns of at `now`. Deadlines count from then: before, nobody could see it.
    pub fn open(alert: Arc<Alert>, now: Millis, policy: &Policy) -> (Self, Vec<Event>) {
        let mut case = Self {
            incident: alert.incident_id,
            alert: Arc::clone(&alert),
            state: CaseState::New,
            obligations: Vec::new(),
            past: Vec::new(),
            overlays: Overlays::default(),
            acknowledged: None,
            assessment: None,
            notes: Vec::new(),
            watching: Vec::new(),
            meeting: None,
            agenda_since: None,
            verdict: None,
            opened_at: now,
            updated_at: now,
            cancelled_at: None,
            raised: None,
            closed_at: None,
            closed_level: None,
            closed_sources: None,
            round: 1,
            version: 0,
        };
        let mut log = Log::new(now, None);
        log.add(EventKind::Opened).after = json!({
            "revision": alert.revision, "level": alert.level, "score": alert.score, "hazard": alert.hazard,
            "place": alert.place.code, "status": alert.status,
        });
        case.take_in(&alert, policy, &mut log);
        case.finish(&mut log);
        (case, log.events)
    }

    /// Takes in a revision. One that is older than the newest only adds the obligations it asks for; the caller leaves out
    /// revisions that were taken in before.
    pub fn revise(&mut self, alert: Arc<Alert>, now: Millis, policy: &Policy) -> Vec<Event> {
        let mut log = Log::new(now, None);
        let newer = alert.revision > self.alert.revision;
        if newer {
            if alert.material {
                let before = json!({"revision": self.alert.revision, "level": self.alert.level, "score": self.alert.score});
                let after = json!({
                    "revision": alert.revision, "level": alert.level, "score": alert.score, "state": alert.state,
                    "sources": alert.counts.sources,
                });
                log.add(EventKind::Revised).change(before, after);
            }
            self.alert = Arc::clone(&alert);
        }
        if self.is_closed() {
            if newer && let Some(why) = self.reopens(&alert) {
                self.reopen(why, "", policy, &mut log);
            } else {
                self.bump(&log);
                return log.events;
            }
        }
        self.take_in(&alert, policy, &mut log);
        self.finish(&mut log);
        log.events
    }

    fn take_in(&mut self, alert: &Alert, policy: &Policy, log: &mut Log<'_>) {
        let newest = alert.revision >= self.alert.revision;
        if alert.msg_type != MsgType::Cancel && newest {
            self.cancelled_at = None;
        }
        let level = self
            .overlays
            .level
            .as_ref()
            .map_or(alert.level, |overlay| overlay.value);
        for routed in &alert.departments {
            self.oblige(routed, Cause::Routed, level, policy, log);
        }
        self.shorten(level, policy, log);
        self.join_agenda_at(level, log);
        if alert.msg_type == MsgType::Cancel && newest && self.cancelled_at.is_none() {
            self.cancel(log);
        }
    }

    /// Every report was withdrawn: obligations that nobody has taken end; those that somebody took stay until disposed of.
    fn cancel(&mut self, log: &mut Log<'_>) {
        self.cancelled_at = Some(log.now);
        log.add(EventKind::Cancelled);
        self.release(ObligationState::Open, "withdrawn by its feeds", log);
        if !self.obligations.iter().any(|it| it.state.is_pending()) {
            self.close(None, "withdrawn by its feeds", log);
        }
    }

    /// Makes sure that a department has its obligation.
    pub(super) fn oblige(
        &mut self,
        routed: &RoutedDepartment,
        cause: Cause,
        level: Level,
        policy: &Policy,
        log: &mut Log<'_>,
    ) {
        let holder = self.holder(&routed.id);
        let again = match holder.and_then(|at| self.obligations.get_mut(at)) {
            Some(own) if own.state == ObligationState::Released => true,
            Some(own) => {
                if routed.required && !own.required && own.state.is_pending() {
                    own.required = true;
                    log.add(EventKind::ObligationRequired)
                        .of(&own.department, Some(own.office));
                }
                return;
            }
            None => false,
        };
        let leads = routed.duty == Duty::Lead
            && self.lead().is_none_or(|lead| lead.department == routed.id);
        let duty = if leads { Duty::Lead } else { Duty::Support };
        // Whoever would lead by a later routing table or a correction does not drop out of the quorum.
        let required = routed.required || routed.duty == Duty::Lead;
        let mut fresh = self.fresh(&routed.id, cause, level, policy, log.now);
        (fresh.duty, fresh.required) = (duty, required);
        let kept = again.then_some(holder).flatten();
        if let Some(old) = kept.and_then(|at| self.obligations.get_mut(at)) {
            fresh.duty = old.duty;
            fresh.required |= old.required;
            fresh.office = old.office;
            *old = fresh.clone();
        } else {
            self.obligations.push(fresh.clone());
        }
        added(&fresh, log);
    }

    /// Index of the obligation that stands for a department's own: that of whoever accepted it, if it was handed on.
    fn holder(&self, department: &str) -> Option<usize> {
        let find = |id: &str| {
            self.obligations
                .iter()
                .position(|it| !it.cause.is_escalation() && *it.department == *id)
        };
        let mut at = find(department)?;
        for _ in 0..self.obligations.len() {
            let it = &self.obligations[at];
            let (ObligationState::Transferred, Some(offer)) = (it.state, &it.offer) else {
                break;
            };
            at = find(&offer.to)?;
        }
        Some(at)
    }

    /// An obligation that begins now.
    pub(super) fn fresh(
        &self,
        department: &Arc<str>,
        cause: Cause,
        level: Level,
        policy: &Policy,
        now: Millis,
    ) -> Obligation {
        let until = policy.until(department, level, now);
        Obligation {
            department: Arc::clone(department),
            office: policy.first_office(department, self.place()),
            duty: Duty::Support,
            required: false,
            cause,
            state: ObligationState::Open,
            opened_at: now,
            deadline_level: level,
            acknowledge_by: until.acknowledge,
            dispose_by: until.dispose,
            acknowledged: None,
            started: None,
            disposed: None,
            acknowledge_missed: None,
            dispose_missed: None,
            offer: None,
            declined: None,
            ended: None,
        }
    }

    /// A level that is above the one that deadlines were set by may bring them forward.
    pub(super) fn shorten(&mut self, level: Level, policy: &Policy, log: &mut Log<'_>) {
        for it in &mut self.obligations {
            if !it.state.is_pending() || level <= it.deadline_level {
                continue;
            }
            it.deadline_level = level;
            let until = policy.until(&it.department, level, log.now);
            let before = (it.acknowledge_by, it.dispose_by);
            // A deadline that was missed is history, and one that was met does not matter any more.
            if it.acknowledged.is_none() && it.acknowledge_missed.is_none() {
                it.acknowledge_by = it.acknowledge_by.min(until.acknowledge);
            }
            if it.dispose_missed.is_none() {
                it.dispose_by = it.dispose_by.min(until.dispose);
            }
            if before != (it.acknowledge_by, it.dispose_by) {
                let was = json!({"acknowledge_by": before.0, "dispose_by": before.1});
                let is = json!({"acknowledge_by": it.acknowledge_by, "dispose_by": it.dispose_by, "level": level});
                log.add(EventKind::DeadlineShortened)
                    .of(&it.department, Some(it.office))
                    .change(was, is);
            }
        }
    }

    /// Ends pending obligations that have not come further than `at_most`.
    pub(super) fn release(&mut self, at_most: ObligationState, reason: &str, log: &mut Log<'_>) {
        for it in &mut self.obligations {
            if it.state.is_pending() && it.state <= at_most {
                let before = json!(it.state);
                it.state = ObligationState::Released;
                it.offer = None;
                it.ended = Some(Mark {
                    by: log.by(),
                    at: log.now,
                    reason: reason.to_owned(),
                });
                log.add(EventKind::Released)
                    .of(&it.department, Some(it.office))
                    .because(reason)
                    .change(before, json!(it.state));
            }
        }
    }

    /// What follows from any change: quorum, agenda, state and version.
    pub(super) fn finish(&mut self, log: &mut Log<'_>) {
        self.close_by_quorum(log);
        self.join_agenda(log);
        self.settle_state();
        self.note_rise(log.now);
        self.bump(log);
    }

    fn bump(&mut self, log: &Log<'_>) {
        if !log.events.is_empty() {
            self.version += 1;
            self.updated_at = self.updated_at.max(log.now);
        }
    }
}

pub(super) fn added(it: &Obligation, log: &mut Log<'_>) {
    let after = json!({
        "duty": it.duty, "required": it.required, "cause": it.cause, "level": it.deadline_level,
        "acknowledge_by": it.acknowledge_by, "dispose_by": it.dispose_by,
    });
    log.add(EventKind::ObligationAdded)
        .of(&it.department, Some(it.office))
        .after = after;
}
