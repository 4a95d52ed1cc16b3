//! What happened to a case, or at the desk: the stuff of the audit trail, of `tocsin.decisions` and of notifications.
//!
//! Invariant: an event holds ids, states, times and the words of desk accounts; no text of a report.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::types::{Actor, Office, closed_list};
use crate::core::model::Millis;

closed_list! {
    /// Kinds of events.
    EventKind {
        /// The desk learned of the incident.
        Opened "opened",
        /// A material revision of the machine.
        Revised "revised",
        /// Every report was withdrawn by its feed.
        Cancelled "cancelled",
        /// A department owes something.
        ObligationAdded "obligation_added",
        /// The case does not close without it any more.
        ObligationRequired "obligation_required",
        /// A deadline is earlier than it was.
        DeadlineShortened "deadline_shortened",
        /// By a department, or by an analyst for the case.
        Acknowledged "acknowledged",
        /// A department works on it.
        Started "started",
        /// A department is done.
        Disposed "disposed",
        /// Offered to another department.
        TransferOffered "transfer_offered",
        /// Accepted by it.
        Transferred "transferred",
        /// Refused by it.
        TransferDeclined "transfer_declined",
        /// A department says that it is not its own.
        Declined "declined",
        /// A coordinator lets a department off.
        Waived "waived",
        /// An obligation ended with its case.
        Released "released",
        /// A remark.
        Noted "noted",
        /// Somebody looks at it.
        Watching "watching",
        /// Nobody does any more.
        Unwatched "unwatched",
        /// An analyst's judgement.
        Assessed "assessed",
        /// A correction.
        Corrected "corrected",
        /// A correction was taken back.
        CorrectionRemoved "correction_removed",
        /// Somebody asks for a joint meeting.
        MeetingRequested "meeting_requested",
        /// It is on the joint meeting's agenda.
        OnAgenda "on_agenda",
        /// A deadline passed.
        AcknowledgeMissed "acknowledge_missed",
        /// A deadline passed.
        DisposeMissed "dispose_missed",
        /// The next office was called.
        Escalated "escalated",
        /// Quorum, or withdrawn before anybody took it.
        Closed "closed",
        /// Open again.
        Reopened "reopened",
        /// Report excerpts were deleted after their retention time.
        ExcerptsDeleted "excerpts_deleted",
        /// Somebody silences notifications; of no incident, as all below.
        SilenceCreated "silence_created",
        /// Somebody confirmed that a silence covers red.
        SilenceRedConfirmed "silence_red_confirmed",
        /// A silence is over: what it leaves open.
        SilenceEnded "silence_ended",
        /// Somebody may ask the desk from now on.
        TokenCreated "token_created",
        /// And may no longer.
        TokenRevoked "token_revoked",
        /// Somebody has dead notifications tried again.
        NotificationsRetried "notifications_retried",
        /// The desk goes by other rules, departments or receivers.
        ConfigurationChanged "configuration_changed",
        /// Somebody has a scenario of drills kept here.
        ScenarioCreated "scenario_created",
        /// Somebody starts a drill here.
        DrillStarted "drill_started",
        /// Somebody stops one.
        DrillStopped "drill_stopped",
        /// A drill is over: how.
        DrillEnded "drill_ended",
    }
}

/// One thing that happened to a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Millis,
    /// What.
    pub kind: EventKind,
    /// Who; none: Tocsin itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// Whose obligation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<Arc<str>>,
    /// Which office's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<Office>,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What it was; null where there was nothing.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub before: Value,
    /// What it is.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub after: Value,
}

/// Collects the events of one change.
#[derive(Debug)]
pub(super) struct Log<'a> {
    pub(super) now: Millis,
    actor: Option<&'a Actor>,
    pub(super) events: Vec<Event>,
}

impl<'a> Log<'a> {
    pub(super) fn new(now: Millis, actor: Option<&'a Actor>) -> Self {
        Self {
            now,
            actor,
            events: Vec::new(),
        }
    }

    /// Name of who acts; empty for Tocsin itself.
    pub(super) fn by(&self) -> String {
        self.actor
            .map_or_else(String::new, |actor| actor.name.clone())
    }

    /// Appends an event; the rest of it is set on what is returned.
    pub(super) fn add(&mut self, kind: EventKind) -> &mut Event {
        self.events.push(Event::new(kind, self.now, self.actor));
        let last = self.events.len() - 1;
        &mut self.events[last]
    }
}

impl Event {
    /// An event that says no more than that.
    pub fn new(kind: EventKind, at: Millis, actor: Option<&Actor>) -> Self {
        Self {
            at,
            kind,
            actor: actor.cloned(),
            department: None,
            office: None,
            reason: String::new(),
            before: Value::Null,
            after: Value::Null,
        }
    }

    pub(super) fn of(&mut self, department: &Arc<str>, office: Option<Office>) -> &mut Self {
        self.department = Some(Arc::clone(department));
        self.office = office;
        self
    }

    pub(super) fn because(&mut self, reason: &str) -> &mut Self {
        reason.clone_into(&mut self.reason);
        self
    }

    pub(super) fn change(&mut self, before: Value, after: Value) -> &mut Self {
        (self.before, self.after) = (before, after);
        self
    }
}
