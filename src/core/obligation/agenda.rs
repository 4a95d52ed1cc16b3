//! The joint meeting's agenda: what is on it, why, and in which order.
//!
//! Invariant: what came on the agenda stays there until it closes.

use serde_json::json;

use super::case::Case;
use super::event::{EventKind, Log};
use super::types::closed_list;
use crate::core::model::Level;

/// From this level on an incident is on the agenda.
pub const AGENDA_LEVEL: Level = Level::Orange;
/// From so many departments on an incident is on the agenda.
pub const AGENDA_DEPARTMENTS: usize = 3;

closed_list! {
    /// Why an incident is on the agenda.
    AgendaReason {
        /// Orange or red.
        Level "level",
        /// Three or more departments take part.
        Departments "departments",
        /// Somebody asked.
        Requested "requested",
    }
}

impl Case {
    /// Why it belongs on the agenda now; empty when it does not.
    pub fn agenda_reasons(&self) -> Vec<AgendaReason> {
        if self.is_closed() {
            return Vec::new();
        }
        let reasons = [
            (AgendaReason::Level, self.level() >= AGENDA_LEVEL),
            (
                AgendaReason::Departments,
                self.departments().len() >= AGENDA_DEPARTMENTS,
            ),
            (AgendaReason::Requested, self.meeting.is_some()),
        ];
        reasons
            .into_iter()
            .filter_map(|(reason, holds)| holds.then_some(reason))
            .collect()
    }

    /// A revision of this level belongs on it, even one that comes late and is not the newest.
    pub(super) fn join_agenda_at(&mut self, level: Level, log: &mut Log<'_>) {
        if level >= AGENDA_LEVEL && self.agenda_since.is_none() {
            self.agenda_since = Some(log.now);
            let reasons = [AgendaReason::Level];
            log.add(EventKind::OnAgenda).after = json!({"reasons": reasons});
        }
    }

    pub(super) fn join_agenda(&mut self, log: &mut Log<'_>) {
        let reasons = self.agenda_reasons();
        if self.agenda_since.is_none() && !reasons.is_empty() {
            self.agenda_since = Some(log.now);
            log.add(EventKind::OnAgenda).after = json!({"reasons": reasons});
        }
    }
}
