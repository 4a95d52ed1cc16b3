//! Growth of what is on the queue, as metrics: by hazard, the place where most is out of the ordinary; and by hazard and place, the
//! places where most is.
//!
//! Invariant: places are as many as a gazetteer has, so only [`MAX_GROWTH_PLACES`] of a status are labels at a time, and how many
//! others there are is a metric; an exercise takes no place from what is actual.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use prometheus::{GaugeVec, IntGaugeVec};

use super::readings::{Held, Reading, Where, Whose};
use crate::core::growth::Carried;
use crate::core::model::{Alert, Hazard, IncidentState, Millis, Status};

/// Places of one status that are shown: those in alarm, then the highest.
pub const MAX_GROWTH_PLACES: usize = 50;

/// What a feed carried in an hour, over the partitions of a worker.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FeedHour {
    /// Reports, where it is known what is usual.
    pub observed: f64,
    /// What is usual there.
    pub expected: f64,
    /// Its variance.
    pub variance: f64,
    /// Whether it is known anywhere.
    pub known: bool,
    /// Days learned, of the part that has learned longest; those of a baseline where it is known.
    pub learned: u8,
}

impl FeedHour {
    /// Adds another part of the feed. Parts that are being learned are on neither side.
    pub fn add(&mut self, part: Carried, needed: u8) {
        match part {
            Carried::Learning(days) => self.learned = self.learned.max(days),
            Carried::Known {
                observed,
                expected,
                variance,
            } => {
                self.observed += f64::from(observed);
                self.expected += expected;
                self.variance += variance;
                (self.known, self.learned) = (true, needed);
            }
        }
    }
}

/// The newest reading of incidents; none of one that is over, or being learned. As many as a transaction revises.
pub(super) type Readings = BTreeMap<(Status, Whose), Option<Reading>>;

/// Notes what a revision says.
pub(super) fn note(readings: &mut Readings, alert: &Alert) {
    let growth = alert.growth.as_ref();
    let growth = growth.filter(|_| alert.state == IncidentState::Active);
    let reading = growth.and_then(|growth| Reading::of(growth, &alert.place.code));
    let whose = (alert.hazard, alert.key.as_str().into());
    readings.insert((alert.status, whose), reading);
}

/// Observed, expected and statistic, with the same labels.
#[derive(Debug)]
pub(super) struct Three {
    pub observed: GaugeVec,
    pub expected: GaugeVec,
    pub statistic: GaugeVec,
}

impl Three {
    fn all(&self) -> [&GaugeVec; 3] {
        [&self.observed, &self.expected, &self.statistic]
    }

    fn set(&self, labels: &[&str], reading: &Reading) {
        let values = [reading.observed, reading.expected, reading.statistic];
        for (gauge, value) in self.all().into_iter().zip(values) {
            gauge.with_label_values(labels).set(value);
        }
    }

    fn remove(&self, labels: &[&str]) {
        for gauge in self.all() {
            // Absent when it was never there.
            let _ = gauge.remove_label_values(labels);
        }
    }

    fn reset(&self) {
        self.all().into_iter().for_each(GaugeVec::reset);
    }
}

/// What is held of a status, and which of its places are shown.
#[derive(Debug, Default)]
pub(super) struct OfStatus {
    held: Held,
    shown: BTreeSet<Where>,
}

/// The gauges.
#[derive(Debug)]
pub(super) struct GrowthGauges {
    /// By hazard.
    pub hazards: Three,
    /// By status, hazard and place.
    pub places: Three,
    /// By status.
    pub left_out: IntGaugeVec,
    /// Series held, by worker and status, and their bytes.
    pub series: IntGaugeVec,
    pub bytes: IntGaugeVec,
    /// The last whole hour of a feed, by worker and feed.
    pub hour_observed: GaugeVec,
    pub hour_expected: GaugeVec,
    pub hour_variance: GaugeVec,
    pub learned: IntGaugeVec,
    pub held: Mutex<BTreeMap<Status, OfStatus>>,
}

impl GrowthGauges {
    /// What a transaction that was committed said; of which status readings were left out, once for each.
    pub(super) fn commit(&self, readings: &mut Readings) -> Vec<Status> {
        let mut left_out = Vec::new();
        if readings.is_empty() {
            return left_out;
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut touched: BTreeMap<Status, BTreeSet<Hazard>> = BTreeMap::new();
        for ((status, whose), reading) in std::mem::take(readings) {
            touched.entry(status).or_default().insert(whose.0);
            if !held.entry(status).or_default().held.note(whose, reading) {
                left_out.push(status);
            }
        }
        for (status, hazards) in touched {
            if let Some(of) = held.get_mut(&status) {
                self.show(status, of, &hazards);
            }
        }
        left_out
    }

    /// Takes out what is over at `now`, by the wall clock: nothing may come any more that says so.
    pub(super) fn sweep(&self, now: Millis) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        for (status, of) in held.iter_mut() {
            let hazards = of.held.sweep(now);
            if !hazards.is_empty() {
                self.show(*status, of, &hazards);
            }
        }
    }

    /// What is held here may be held elsewhere from now on: it is told again with the next revision.
    pub(super) fn forget(&self) {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.hazards.reset();
        self.places.reset();
        self.left_out.reset();
        self.learned.reset();
        for gauge in [
            &self.hour_observed,
            &self.hour_expected,
            &self.hour_variance,
        ] {
            gauge.reset();
        }
    }

    /// The last whole hour of a feed.
    pub(super) fn hour(&self, worker: u32, feed: &str, hour: FeedHour) {
        let worker = worker.to_string();
        let labels = [worker.as_str(), feed];
        self.learned
            .with_label_values(&labels)
            .set(i64::from(hour.learned));
        if hour.known {
            self.hour_observed
                .with_label_values(&labels)
                .set(hour.observed);
            self.hour_expected
                .with_label_values(&labels)
                .set(hour.expected);
            self.hour_variance
                .with_label_values(&labels)
                .set(hour.variance);
        }
    }

    /// Shows what is held of these hazards, and the places of the status.
    fn show(&self, status: Status, of: &mut OfStatus, hazards: &BTreeSet<Hazard>) {
        for hazard in hazards.iter().filter(|_| status == Status::Actual) {
            match of.held.most(*hazard) {
                Some(most) => self.hazards.set(&[hazard.id()], most),
                None => self.hazards.remove(&[hazard.id()]),
            }
        }
        let labels = |(hazard, place): &Where| [status.id(), hazard.id(), place].map(str::to_owned);
        let (places, left_out) = of.held.places(MAX_GROWTH_PLACES);
        for gone in of.shown.iter().filter(|place| !places.contains_key(*place)) {
            self.places.remove(&labels(gone).each_ref().map(|it| &**it));
        }
        for (place, reading) in &places {
            self.places
                .set(&labels(place).each_ref().map(|it| &**it), reading);
        }
        let left_out = i64::try_from(left_out).unwrap_or(i64::MAX);
        self.left_out
            .with_label_values(&[status.id()])
            .set(left_out);
        of.shown = places.into_keys().collect();
    }
}
