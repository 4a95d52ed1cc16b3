//! How many incidents are open: active and on the queue, by status, hazard and level, and by status and place.
//!
//! Invariant: counts what the committed states say, so that a rollback changes nothing here; a status has counts of its own.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use super::state::{KeyState, Phase};
use crate::core::model::{Hazard, Level, Status};

/// What an open incident is counted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Open {
    status: Status,
    hazard: Hazard,
    level: Level,
    place: Arc<str>,
}

/// None of what is resolved, was never on the queue, or is the mere name of an incident.
pub(super) fn open(state: Option<&KeyState>) -> Option<Open> {
    let Some(KeyState::Incident(incident)) = state else {
        return None;
    };
    let is_open = incident.phase == Phase::Active && incident.is_queued();
    incident.level.filter(|_| is_open).map(|level| Open {
        status: incident.status,
        hazard: incident.hazard,
        level,
        place: Arc::clone(&incident.place.0),
    })
}

/// Counts of open incidents. As many as there are open incidents, which `limits.keys` bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenIncidents {
    /// By status, hazard and level.
    pub levels: BTreeMap<(Status, Hazard, Level), u64>,
    /// By status and code of the place.
    pub places: BTreeMap<(Status, Arc<str>), u64>,
}

impl OpenIncidents {
    /// A key's state changed.
    pub(super) fn replace(&mut self, before: Option<Open>, after: Option<Open>) {
        if before == after {
            return;
        }
        if let Some(Open {
            status,
            hazard,
            level,
            place,
        }) = before
        {
            less(self.levels.entry((status, hazard, level)));
            less(self.places.entry((status, place)));
        }
        if let Some(Open {
            status,
            hazard,
            level,
            place,
        }) = after
        {
            *self.levels.entry((status, hazard, level)).or_default() += 1;
            *self.places.entry((status, place)).or_default() += 1;
        }
    }

    /// Adds those of another partition.
    pub fn add(&mut self, other: &Self) {
        for (of, count) in &other.levels {
            *self.levels.entry(*of).or_default() += count;
        }
        for (of, count) in &other.places {
            *self.places.entry(of.clone()).or_default() += count;
        }
    }
}

/// One less; nothing is left of the last one.
fn less<K: Ord>(entry: Entry<'_, K, u64>) {
    if let Entry::Occupied(mut count) = entry {
        *count.get_mut() -= 1;
        if *count.get() == 0 {
            count.remove();
        }
    }
}
