//! Open incidents as metrics: by status, level and hazard; and by status and place, the places with most.
//!
//! Invariant: places are as many as a gazetteer has, so only [`MAX_OPEN_PLACES`] of a status are labels at a time, and how many others
//! there are is a metric; an exercise takes no place from what is actual.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::IntGaugeVec;

use crate::core::correlate::OpenIncidents;
use crate::core::model::Status;

/// Places of one status that are shown: those with most open incidents, then by their code.
pub const MAX_OPEN_PLACES: usize = 50;

/// The gauges, and what each worker said last.
#[derive(Debug)]
pub(super) struct OpenGauges {
    /// By worker, status, level and hazard.
    pub levels: IntGaugeVec,
    /// By status and place, of all workers of this process.
    pub places: IntGaugeVec,
    /// By status.
    pub left_out: IntGaugeVec,
    pub held: Mutex<Held>,
}

/// What was told last, and what is shown of it.
#[derive(Debug, Default)]
pub(super) struct Held {
    workers: BTreeMap<u32, OpenIncidents>,
    shown: BTreeSet<(Status, Arc<str>)>,
}

impl OpenGauges {
    /// What a worker holds now.
    pub(super) fn set(&self, worker: u32, now: OpenIncidents) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let before = held.workers.get(&worker);
        if before == Some(&now) {
            return;
        }
        let label = worker.to_string();
        let gone = before.into_iter().flat_map(|before| before.levels.keys());
        for (status, hazard, level) in gone.filter(|of| !now.levels.contains_key(*of)) {
            // Zero rather than away: a level that is empty is not one that nobody looks at.
            let labels = [label.as_str(), status.id(), level.id(), hazard.id()];
            self.levels.with_label_values(&labels).set(0);
        }
        for ((status, hazard, level), count) in &now.levels {
            let labels = [label.as_str(), status.id(), level.id(), hazard.id()];
            self.levels.with_label_values(&labels).set(clamp(*count));
        }
        held.workers.insert(worker, now);
        self.show_places(&mut held);
    }

    fn show_places(&self, held: &mut Held) {
        let mut all: BTreeMap<Status, BTreeMap<Arc<str>, u64>> = BTreeMap::new();
        let places = held.workers.values().flat_map(|worker| &worker.places);
        for ((status, place), count) in places {
            let of = all.entry(*status).or_default();
            *of.entry(Arc::clone(place)).or_default() += count;
        }
        let mut shown = BTreeSet::new();
        for status in Status::ALL {
            let mut most: Vec<_> = all.remove(&status).into_iter().flatten().collect();
            // Stable: places with as many stay in the order of their codes.
            most.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            let left_out = most.len().saturating_sub(MAX_OPEN_PLACES);
            most.truncate(MAX_OPEN_PLACES);
            for (place, count) in most {
                let gauge = self.places.with_label_values(&[status.id(), &place]);
                gauge.set(clamp(count));
                shown.insert((status, place));
            }
            let gauge = self.left_out.with_label_values(&[status.id()]);
            gauge.set(clamp(left_out as u64));
        }
        for (status, place) in held.shown.difference(&shown) {
            // Absent when it was never there.
            let _ = self.places.remove_label_values(&[status.id(), place]);
        }
        held.shown = shown;
    }
}

fn clamp(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
