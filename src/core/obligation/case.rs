//! A case: the human side of one incident, with the machine's newest revision.
//!
//! Invariant: the effective hazard, place and level are a person's where one corrected them, else the machine's. The version rises
//! with everything that somebody may have decided by; a refresh of counts is not among it.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::rise::Raised;
use super::types::{
    Assessment, CaseState, Disposition, Mark, Note, Obligation, ObligationState, Overlays,
};
use crate::core::model::{
    ALERT_VERSION, Alert, Bilingual, CertaintyClass, Counts, Duty, Hazard, IncidentState, Level,
    Millis, MsgType, Place, Status, Urgency,
};

/// Remarks on one case.
pub const MAX_NOTES: usize = 500;
/// Accounts that look at one case at a time.
pub const MAX_WATCHING: usize = 50;
/// Obligations of earlier rounds that are kept with a case; the audit trail has all of them.
pub const MAX_PAST: usize = 128;

/// One incident as the desk keeps it.
///
/// Its serialised form leaves the alert out: stores keep revisions apart, and put the newest back with [`Case::with_alert`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// The machine's newest revision.
    #[serde(skip, default = "no_alert")]
    pub alert: Arc<Alert>,
    /// Incident.
    pub incident: Uuid,
    /// Where it stands.
    pub state: CaseState,
    /// What departments owe, in the order in which obligations came.
    pub obligations: Vec<Obligation>,
    /// Those of earlier rounds, before the case was reopened; the newest [`MAX_PAST`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub past: Vec<Obligation>,
    /// Corrections.
    #[serde(default)]
    pub overlays: Overlays,
    /// An analyst's acknowledgement of the case as such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Mark>,
    /// An analyst's judgement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessment: Option<Assessment>,
    /// Remarks, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// Who is looking at it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub watching: Vec<Mark>,
    /// Somebody asked for a joint meeting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meeting: Option<Mark>,
    /// On the agenda since then; it stays there until it closes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agenda_since: Option<Millis>,
    /// The lead's disposition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Disposition>,
    /// When the desk learned of it.
    pub opened_at: Millis,
    /// When something happened last, refreshes apart.
    pub updated_at: Millis,
    /// Every report was withdrawn by its feed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_at: Option<Millis>,
    /// Its level, and since when it has been as high.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raised: Option<Raised>,
    /// When it closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Millis>,
    /// The machine's level then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_level: Option<Level>,
    /// Independent sources then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_sources: Option<u32>,
    /// 1, and one more with each reopening.
    pub round: u32,
    /// Rises with every change that somebody may have decided by.
    pub version: u64,
}

impl Case {
    /// Puts the newest revision back after reading the serialised form.
    #[must_use]
    pub fn with_alert(mut self, alert: Arc<Alert>) -> Self {
        self.alert = alert;
        self
    }

    #[cfg(test)]
    pub(super) fn blank_alert() -> Arc<Alert> {
        no_alert()
    }

    /// Actual, exercise or test.
    pub fn status(&self) -> Status {
        self.alert.status
    }

    /// The level that counts: corrected, else the machine's.
    pub fn level(&self) -> Level {
        self.overlays
            .level
            .as_ref()
            .map_or(self.alert.level, |overlay| overlay.value)
    }

    /// The hazard that counts.
    pub fn hazard(&self) -> Hazard {
        self.overlays
            .hazard
            .as_ref()
            .map_or(self.alert.hazard, |overlay| overlay.value)
    }

    /// The place that counts.
    pub fn place(&self) -> &Place {
        self.overlays
            .place
            .as_ref()
            .map_or(&self.alert.place, |overlay| &overlay.value)
    }

    /// Whether it is closed.
    pub fn is_closed(&self) -> bool {
        self.closed_at.is_some()
    }

    /// The obligation of the department that leads.
    pub fn lead(&self) -> Option<&Obligation> {
        self.obligations.iter().find(|it| {
            it.duty == Duty::Lead
                && !it.cause.is_escalation()
                && it.state != ObligationState::Transferred
        })
    }

    /// The obligation of a department that its quorum is counted by; those added by escalation are others.
    pub fn own(&self, department: &str) -> Option<&Obligation> {
        self.obligations
            .iter()
            .find(|it| !it.cause.is_escalation() && *it.department == *department)
    }

    pub(super) fn own_mut(&mut self, department: &str) -> Option<&mut Obligation> {
        self.obligations
            .iter_mut()
            .find(|it| !it.cause.is_escalation() && *it.department == *department)
    }

    /// Departments that take part: with an obligation that was not handed on.
    pub fn departments(&self) -> Vec<&Arc<str>> {
        let mut all: Vec<&Arc<str>> = self
            .obligations
            .iter()
            .filter(|it| it.state != ObligationState::Transferred)
            .map(|it| &it.department)
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The next instant at which [`Case::advance`] has something to do.
    pub fn due(&self) -> Option<Millis> {
        if self.is_closed() {
            return None;
        }
        self.obligations.iter().filter_map(Obligation::due).min()
    }

    /// Works out where the case stands from its obligations.
    pub(super) fn settle_state(&mut self) {
        use ObligationState as State;
        let own = || {
            self.obligations
                .iter()
                .filter(|it| !it.cause.is_escalation())
        };
        let any = |states: &[State]| own().any(|it| states.contains(&it.state));
        let lead_done = self
            .lead()
            .is_some_and(|lead| lead.state == State::Disposed);
        self.state = if self.is_closed() {
            CaseState::Closed
        } else if lead_done {
            CaseState::Disposed
        } else if any(&[State::InProgress, State::Disposed]) {
            CaseState::InProgress
        } else if self.acknowledged.is_some()
            || self
                .obligations
                .iter()
                .any(|it| it.state == State::Acknowledged)
        {
            CaseState::Acknowledged
        } else {
            CaseState::New
        };
    }
}

/// Stands in for the alert of a case that was read without it.
fn no_alert() -> Arc<Alert> {
    static NONE: OnceLock<Arc<Alert>> = OnceLock::new();
    Arc::clone(NONE.get_or_init(|| Arc::new(blank())))
}

fn blank() -> Alert {
    let hazard = Hazard::ALL[0];
    Alert {
        v: ALERT_VERSION,
        alert_id: Uuid::nil(),
        incident_id: Uuid::nil(),
        revision: 0,
        msg_type: MsgType::Alert,
        status: Status::Actual,
        exercise: None,
        previous: None,
        key: String::new(),
        headline: Bilingual::default(),
        hazard,
        category: hazard.category(),
        place: Place::none(),
        place_assumed: false,
        also_places: Vec::new(),
        ancestors: Vec::new(),
        state: IncidentState::Active,
        level: Level::Blue,
        score: 0,
        reasons: Vec::new(),
        certainty: 0.0,
        certainty_class: CertaintyClass::Unknown,
        urgency: Urgency::Unknown,
        numbers: std::collections::BTreeMap::new(),
        departments: Vec::new(),
        material: false,
        counts: Counts::default(),
        growth: None,
        evidence: Vec::new(),
        report_ids: Vec::new(),
        rules: Vec::new(),
        rule_set: "".into(),
        first_seen: Millis(0),
        last_seen: Millis(0),
        sent: Millis(0),
    }
}
