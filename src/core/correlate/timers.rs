//! When something is due, and the order in which it happens.
//!
//! Invariant: a key has at most one entry, its earliest timer; timers fire by time, then by key.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::config::IncidentConfig;
use super::state::{Incident, KeyState, Phase};
use crate::core::model::Millis;

/// Keys by their next timer.
#[derive(Debug, Default)]
pub(super) struct Timers(BTreeSet<(Millis, Arc<str>)>);

impl Timers {
    /// Moves a key's entry.
    pub(super) fn set(&mut self, key: &Arc<str>, old: Option<Millis>, new: Option<Millis>) {
        if old == new {
            return;
        }
        if let Some(old) = old {
            self.0.remove(&(old, Arc::clone(key)));
        }
        if let Some(new) = new {
            self.0.insert((new, Arc::clone(key)));
        }
    }

    /// The first entry due at or before `to`.
    pub(super) fn first_due(&self, to: Millis) -> Option<(Millis, Arc<str>)> {
        let (due, key) = self.0.first()?;
        (*due <= to).then(|| (*due, Arc::clone(key)))
    }

    /// When the entry with this index is due.
    pub(super) fn nth(&self, index: usize) -> Option<Millis> {
        self.0.iter().nth(index).map(|(due, _)| *due)
    }

    /// When the first entry is due.
    pub(super) fn next(&self) -> Option<Millis> {
        self.0.first().map(|(due, _)| *due)
    }

    /// All entries at once, in bulk: half the memory of adding them one by one.
    pub(super) fn fill(&mut self, mut entries: Vec<(Millis, Arc<str>)>) {
        entries.sort_unstable();
        self.0 = entries.into_iter().collect();
    }
}

/// The earliest thing due for a key.
pub(super) fn next_due(state: &KeyState, config: &IncidentConfig) -> Option<Millis> {
    match state {
        KeyState::Previous(previous) => Some(previous.until),
        KeyState::Incident(incident) => {
            let resolve = (incident.phase == Phase::Active).then(|| resolve_due(incident));
            [
                resolve,
                forget_due(incident, config),
                fall_due(incident),
                refresh_due(incident, config),
                text_due(incident, config),
            ]
            .into_iter()
            .flatten()
            .min()
        }
    }
}

/// When an active incident becomes quiet.
pub(super) fn resolve_due(incident: &Incident) -> Millis {
    incident.last_activity.plus(incident.quiet_ms)
}

/// When a resolved incident is forgotten. A wider area keeps its reports for as long as some come, though they wake nothing: they are
/// told apart by them.
pub(super) fn forget_due(incident: &Incident, config: &IncidentConfig) -> Option<Millis> {
    let Phase::Resolved(at) = incident.phase else {
        return None;
    };
    let since = if incident.wide {
        at.max(incident.last_seen)
    } else {
        at
    };
    Some(since.plus(config.reopen_for_ms))
}

/// When the level of an active incident falls.
pub(super) fn fall_due(incident: &Incident) -> Option<Millis> {
    incident
        .fall_due
        .filter(|_| incident.phase == Phase::Active)
}

/// When changed counts are shown.
pub(super) fn refresh_due(incident: &Incident, config: &IncidentConfig) -> Option<Millis> {
    let published = &incident.published;
    (published.stale && published.revision > 0).then(|| published.at.plus(config.refresh_ms))
}

/// When the next text is dropped.
pub(super) fn text_due(incident: &Incident, config: &IncidentConfig) -> Option<Millis> {
    incident
        .texts
        .iter()
        .filter_map(|(member, _)| incident.members.get(*member as usize))
        .map(|member| member.received.plus(config.text_retention_ms))
        .min()
}
