//! Quorum and verdict, closing and reopening.
//!
//! Invariant: a case closes when the lead and every required department have disposed of theirs, or were waived or handed theirs on
//! to one that has; never without the lead, unless every report was withdrawn before anybody took it.

use serde_json::json;

use super::case::{Case, MAX_PAST};
use super::event::{EventKind, Log};
use super::policy::Policy;
use super::revise::added;
use super::rise::Raised;
use super::types::{Disposition, Obligation, ObligationState, Reopening};
use crate::core::model::{Alert, MsgType};

/// Further independent sources that reopen a closed case.
pub const REOPEN_SOURCES: u32 = 2;

impl Case {
    /// Required obligations that still keep the case open; empty when there is quorum.
    pub fn missing(&self) -> Vec<&Obligation> {
        self.obligations
            .iter()
            .filter(|it| it.required && !it.cause.is_escalation() && it.state.is_pending())
            .collect()
    }

    /// Closes the case when there is quorum.
    pub(super) fn close_by_quorum(&mut self, log: &mut Log<'_>) {
        if self.is_closed() || !self.missing().is_empty() {
            return;
        }
        let verdict = self
            .lead()
            .and_then(|lead| lead.disposed.as_ref())
            .map(|disposal| disposal.disposition);
        if verdict.is_some() {
            self.close(verdict, "quorum", log);
        }
    }

    pub(super) fn close(&mut self, verdict: Option<Disposition>, reason: &str, log: &mut Log<'_>) {
        self.release(ObligationState::InProgress, "the incident closed", log);
        let before = json!({"state": self.state});
        self.verdict = verdict;
        self.closed_at = Some(log.now);
        self.closed_level = Some(self.alert.level);
        self.closed_sources = Some(self.alert.counts.sources);
        self.agenda_since = None;
        self.watching.clear();
        self.settle_state();
        let after = json!({"state": self.state, "verdict": verdict, "level": self.alert.level, "sources": self.alert.counts.sources});
        log.add(EventKind::Closed)
            .because(reason)
            .change(before, after);
    }

    /// Why a revision opens a closed case again; none: it joins the timeline silently.
    pub(super) fn reopens(&self, alert: &Alert) -> Option<Reopening> {
        if !alert.material || alert.msg_type == MsgType::Cancel {
            return None;
        }
        let sources = self.closed_sources.unwrap_or_default();
        if self.closed_level.is_some_and(|level| alert.level > level) {
            Some(Reopening::Level)
        } else if alert.counts.sources >= sources.saturating_add(REOPEN_SOURCES) {
            Some(Reopening::Sources)
        } else if self.cancelled_at.is_some() && self.verdict.is_none() {
            Some(Reopening::NotWithdrawn)
        } else {
            None
        }
    }

    /// Opens it again: a further round, in which every department that had a part has it anew.
    pub(super) fn reopen(
        &mut self,
        why: Reopening,
        reason: &str,
        policy: &Policy,
        log: &mut Log<'_>,
    ) {
        let before = json!({"state": self.state, "verdict": self.verdict, "level": self.closed_level, "sources": self.closed_sources});
        let after = json!({"cause": why, "level": self.alert.level, "sources": self.alert.counts.sources, "round": self.round + 1});
        log.add(EventKind::Reopened)
            .because(reason)
            .change(before, after);
        self.round += 1;
        (self.closed_at, self.closed_level, self.closed_sources) = (None, None, None);
        (self.verdict, self.acknowledged, self.cancelled_at) = (None, None, None);
        let (level, now) = (self.level(), log.now);
        self.raised = Some(Raised { level, at: now });
        let old = std::mem::take(&mut self.obligations);
        for it in &old {
            if it.cause.is_escalation() || it.state == ObligationState::Transferred {
                continue;
            }
            let mut fresh = self.fresh(&it.department, it.cause, level, policy, now);
            (fresh.duty, fresh.required) = (it.duty, it.required);
            added(&fresh, log);
            self.obligations.push(fresh);
        }
        self.past.extend(old);
        let surplus = self.past.len().saturating_sub(MAX_PAST);
        self.past.drain(..surplus);
    }
}
