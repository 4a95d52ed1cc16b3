//! Handing on: offers, acceptance, declining and waiving.
//!
//! Invariant: an obligation stays its department's until another one, or a coordinator, takes it off.

use std::sync::Arc;

use serde_json::json;

use super::act::{mark, no_obligation, nothing};
use super::action::{Refusal, Refused, needed};
use super::case::Case;
use super::event::{EventKind, Log};
use super::policy::Policy;
use super::types::{Actor, Cause, Obligation, ObligationState, Offer, Role};
use crate::core::model::Duty;

impl Case {
    pub(super) fn offer(
        &mut self,
        department: &Arc<str>,
        to: &Arc<str>,
        reason: &str,
        policy: &Policy,
        log: &mut Log<'_>,
    ) -> Result<(), Refused> {
        let reason = needed(reason)?;
        if policy.routing.get(to).is_none() {
            let message = format!("there is no department `{to}`");
            return Err(Refused::new(Refusal::UnknownDepartment, message));
        }
        if to == department {
            let message = "it is that department's already";
            return Err(Refused::new(Refusal::BadTransfer, message));
        }
        let own = self.pending(department)?;
        let offer = Offer {
            to: Arc::clone(to),
            mark: mark(log, &reason),
        };
        let before = json!(own.offer.as_ref().map(|offer| &offer.to));
        own.offer = Some(offer);
        log.add(EventKind::TransferOffered)
            .of(department, Some(own.office))
            .because(&reason)
            .change(before, json!({"to": to}));
        Ok(())
    }

    /// The pending obligation of a department's own.
    fn pending(&mut self, department: &str) -> Result<&mut Obligation, Refused> {
        let own = self
            .own_mut(department)
            .ok_or_else(|| no_obligation(department))?;
        if own.state.is_pending() {
            return Ok(own);
        }
        let message = format!("the obligation of `{department}` has ended");
        Err(Refused::new(Refusal::NotPending, message))
    }

    fn offered(&self, to: &str) -> Vec<usize> {
        let is_offered = |it: &Obligation| {
            it.state.is_pending() && it.offer.as_ref().is_some_and(|offer| *offer.to == *to)
        };
        (0..self.obligations.len())
            .filter(|at| is_offered(&self.obligations[*at]))
            .collect()
    }

    pub(super) fn accept(
        &mut self,
        actor: &Actor,
        department: &Arc<str>,
        policy: &Policy,
        log: &mut Log<'_>,
    ) -> Result<(), Refused> {
        let offered = self.offered(department);
        for at in &offered {
            self.hand_over(*at, department, policy, log);
        }
        if !offered.is_empty() {
            return Ok(());
        }
        let declined = self.own(department).and_then(|own| own.declined.clone());
        if let Some(declined) = declined.filter(|_| actor.role == Role::Coordinator) {
            return self.waive(department, &declined.reason, log);
        }
        let message = format!("nothing was offered to `{department}`");
        Err(Refused::new(Refusal::NotOffered, message))
    }

    fn hand_over(&mut self, at: usize, to: &Arc<str>, policy: &Policy, log: &mut Log<'_>) {
        let accepted = mark(log, "");
        let it = &mut self.obligations[at];
        let given = it.clone();
        it.state = ObligationState::Transferred;
        it.required = false;
        it.ended = Some(accepted.clone());
        let (from, office) = (Arc::clone(&it.department), it.office);
        log.add(EventKind::Transferred)
            .of(&from, Some(office))
            .change(json!({"department": from}), json!({"department": to}));
        self.release_escalated(&from, log);
        let mut taken = self.fresh(
            to,
            Cause::Transferred,
            given.deadline_level,
            policy,
            log.now,
        );
        taken.state = ObligationState::Acknowledged;
        taken.acknowledged = Some(accepted);
        (taken.duty, taken.required) = (given.duty, given.required);
        (taken.acknowledge_by, taken.dispose_by) = (given.acknowledge_by, given.dispose_by);
        // It was missed by the one that had it; who accepts it late still has to be done by then.
        taken.dispose_missed = given.dispose_missed;
        match self.own_mut(to) {
            Some(own) if own.state.is_pending() => {
                own.required |= taken.required;
                if taken.duty == Duty::Lead {
                    own.duty = Duty::Lead;
                }
                own.dispose_by = own.dispose_by.min(taken.dispose_by);
                if own.state == ObligationState::Open {
                    own.state = ObligationState::Acknowledged;
                    own.acknowledged = taken.acknowledged;
                }
            }
            // It had a part before, which has ended: this is another.
            Some(own) => *own = taken,
            None => self.obligations.push(taken),
        }
        if let Some(own) = self.own(to).cloned() {
            super::revise::added(&own, log);
        }
    }

    /// What was added because a department missed a deadline ends when another one takes its part.
    fn release_escalated(&mut self, department: &Arc<str>, log: &mut Log<'_>) {
        let ended = mark(log, "handed to another department");
        for it in &mut self.obligations {
            if it.department == *department && it.cause.is_escalation() && it.state.is_pending() {
                it.state = ObligationState::Released;
                it.ended = Some(ended.clone());
                log.add(EventKind::Released)
                    .of(department, Some(it.office))
                    .because(&ended.reason);
            }
        }
    }

    pub(super) fn decline(
        &mut self,
        department: &Arc<str>,
        reason: &str,
        log: &mut Log<'_>,
    ) -> Result<(), Refused> {
        let reason = needed(reason)?;
        let offered = self.offered(department);
        for at in &offered {
            let it = &mut self.obligations[*at];
            it.offer = None;
            log.add(EventKind::TransferDeclined)
                .of(&it.department, Some(it.office))
                .because(&reason)
                .before = json!({"to": department});
        }
        if !offered.is_empty() {
            return Ok(());
        }
        let declined = mark(log, &reason);
        let own = self.pending(department)?;
        if own.duty == Duty::Lead {
            let message =
                "the lead cannot be declined: offer it to the department that should lead";
            return Err(Refused::new(Refusal::LeadStays, message));
        }
        if own.declined.is_some() {
            return Err(nothing(
                "it was declined already; a coordinator has to agree",
            ));
        }
        own.declined = Some(declined);
        log.add(EventKind::Declined)
            .of(department, Some(own.office))
            .because(&reason);
        Ok(())
    }

    pub(super) fn waive(
        &mut self,
        department: &Arc<str>,
        reason: &str,
        log: &mut Log<'_>,
    ) -> Result<(), Refused> {
        let reason = needed(reason)?;
        let ended = mark(log, &reason);
        if self.pending(department)?.duty == Duty::Lead {
            let message = "the lead's disposition is the verdict: dispose of it on its behalf, or hand the lead on";
            return Err(Refused::new(Refusal::LeadStays, message));
        }
        for it in &mut self.obligations {
            if it.department == *department && it.state.is_pending() {
                let before = json!({"state": it.state});
                it.state = ObligationState::Waived;
                it.offer = None;
                it.ended = Some(ended.clone());
                log.add(EventKind::Waived)
                    .of(department, Some(it.office))
                    .because(&reason)
                    .change(before, json!({"state": it.state}));
            }
        }
        Ok(())
    }
}
