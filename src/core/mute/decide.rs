//! What mutes an incident now.
//!
//! Invariant: the answer depends on the arguments alone; in doubt an incident is heard.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::silence::Silence;
use crate::core::model::{Hazard, Level, Millis, MsgType, NO_PLACE, Status};
use crate::core::obligation::{BoardRow, Case, ObligationState};

/// What silences and inhibition look at of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Incident.
    pub incident: Uuid,
    /// Actual, exercise or test.
    pub status: Status,
    /// The hazard that counts.
    pub hazard: Hazard,
    /// Code of the place that counts.
    pub place: Arc<str>,
    /// Codes of the places that it lies in, where known: not of a corrected place, which only its own code names.
    pub within: Vec<Arc<str>>,
    /// The level that counts.
    pub level: Level,
    /// Rules that found it.
    pub rules: Vec<Arc<str>>,
    /// Departments that take part.
    pub departments: Vec<Arc<str>>,
    /// Open, and not withdrawn by its feeds.
    pub stands: bool,
}

impl Subject {
    /// Of a line of the board.
    pub fn of(row: &BoardRow) -> Self {
        let part = |state| state != ObligationState::Transferred;
        let mut departments: Vec<Arc<str>> = row
            .obligations
            .iter()
            .filter(|it| part(it.state))
            .map(|it| Arc::clone(&it.department))
            .collect();
        departments.sort_unstable();
        departments.dedup();
        Self {
            incident: row.incident,
            status: row.status,
            hazard: row.hazard,
            place: Arc::clone(&row.place.code),
            within: row.within.clone(),
            level: row.level,
            rules: row.rules.clone(),
            departments,
            stands: row.closed_at.is_none() && row.msg_type != MsgType::Cancel,
        }
    }

    /// Of a case.
    pub fn of_case(case: &Case) -> Self {
        Self::of(&case.row())
    }

    /// Whether it is at this place or within it.
    pub fn is_in(&self, code: &Arc<str>) -> bool {
        self.place == *code || self.within.contains(code)
    }
}

/// What a department would be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A missed deadline, or the escalation that follows from it.
    Deadline,
    /// Anything else.
    Other,
}

/// What kind of thing mutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Somebody set a silence.
    Silence,
    /// A wider place's incident says it already.
    Inhibition,
}

impl By {
    /// Identifier in JSON and metrics.
    pub fn id(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::Inhibition => "inhibition",
        }
    }
}

/// One thing that mutes an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Muted {
    /// Silence or inhibition.
    pub by: By,
    /// The silence, or the wider incident.
    pub id: Uuid,
    /// For these departments; empty: for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub departments: Vec<Arc<str>>,
    /// Of a silence: until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Millis>,
}

impl Muted {
    /// Whether a notice to this department (none: to nobody's in particular, such as the coordinators) is muted.
    pub fn covers(&self, department: Option<&str>, notice: Notice) -> bool {
        if self.by == By::Inhibition && notice == Notice::Deadline {
            return false;
        }
        self.departments.is_empty()
            || department.is_some_and(|id| self.departments.iter().any(|it| **it == *id))
    }
}

/// Everything that mutes an incident at `now`, silences first, in the order given. `wider`: open incidents at places that it lies in; others may
/// be among them.
pub fn marks(
    subject: &Subject,
    silences: &[Silence],
    wider: &[Subject],
    now: Millis,
) -> Vec<Muted> {
    let silenced = silences.iter().filter(|it| it.matches(subject, now));
    let mut all: Vec<Muted> = silenced
        .map(|it| Muted {
            by: By::Silence,
            id: it.id,
            departments: it.matchers.department.iter().cloned().collect(),
            until: Some(it.ends),
        })
        .collect();
    let mut found: Vec<Muted> = wider
        .iter()
        .filter_map(|other| inhibits(other, subject, silences, now))
        .collect();
    found.sort_unstable_by_key(|it| it.id);
    all.extend(found);
    all
}

/// Whether a wider place's incident mutes this one, and for whom.
fn inhibits(other: &Subject, of: &Subject, silences: &[Silence], now: Millis) -> Option<Muted> {
    let wider = other.place != of.place
        && &*other.place != NO_PLACE
        && other.incident != of.incident
        && of.within.contains(&other.place);
    let same = other.status == of.status && other.hazard == of.hazard;
    if !(wider && same && other.stands && of.level < Level::Red && of.level <= other.level) {
        return None;
    }
    // Who does not hear of the wider one has to hear of this one.
    let deaf: Vec<&Silence> = silences
        .iter()
        .filter(|it| it.matches(other, now))
        .collect();
    let hears = |id: &Arc<str>| {
        other.departments.contains(id)
            && !deaf.iter().any(|it| {
                it.matchers
                    .department
                    .as_ref()
                    .is_none_or(|silent| silent == id)
            })
    };
    let departments: Vec<Arc<str>> = of
        .departments
        .iter()
        .filter(|id| hears(id))
        .cloned()
        .collect();
    (!departments.is_empty()).then_some(Muted {
        by: By::Inhibition,
        id: other.incident,
        departments,
        until: None,
    })
}
