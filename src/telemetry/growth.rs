//! Growth of what is on the queue, as metrics: by hazard, the place where most is out of the ordinary.
//!
//! Invariant: exercises are not among it; places are no labels, because there are as many as there are places.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::{GaugeVec, IntGaugeVec};

use crate::core::growth::Carried;
use crate::core::model::{Alert, Hazard, IncidentState, Status};

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

/// Incidents remembered; beyond them further ones are not measured.
const MAX_INCIDENTS: usize = 10_000;

/// What a revision said about growth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reading {
    observed: f64,
    expected: f64,
    statistic: f64,
}

/// The newest reading of incident keys; none of one that is over, or being learned.
pub(super) type Readings = BTreeMap<(Hazard, Arc<str>), Option<Reading>>;

/// Notes what a revision says.
pub(super) fn note(readings: &mut Readings, alert: &Alert) {
    if alert.status != Status::Actual || readings.len() >= MAX_INCIDENTS {
        return;
    }
    let growth = alert.growth.as_ref();
    let growth = growth.filter(|_| alert.state == IncidentState::Active);
    let reading = growth.and_then(|growth| {
        Some(Reading {
            observed: f64::from(growth.observed),
            expected: growth.expected?,
            statistic: growth.statistic?,
        })
    });
    readings.insert((alert.hazard, alert.key.as_str().into()), reading);
}

/// The gauges.
#[derive(Debug)]
pub(super) struct GrowthGauges {
    pub observed: GaugeVec,
    pub expected: GaugeVec,
    pub statistic: GaugeVec,
    /// Series held, by worker and status, and their bytes.
    pub series: IntGaugeVec,
    pub bytes: IntGaugeVec,
    /// The last whole hour of a feed, by worker and feed.
    pub hour_observed: GaugeVec,
    pub hour_expected: GaugeVec,
    pub hour_variance: GaugeVec,
    pub learned: IntGaugeVec,
    pub held: Mutex<BTreeMap<(Hazard, Arc<str>), Reading>>,
}

impl GrowthGauges {
    /// What a transaction that was committed said.
    pub(super) fn commit(&self, readings: &mut Readings) {
        if readings.is_empty() {
            return;
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut touched: Vec<Hazard> = readings.keys().map(|(hazard, _)| *hazard).collect();
        touched.dedup();
        for (key, reading) in std::mem::take(readings) {
            match reading {
                None => drop(held.remove(&key)),
                Some(reading) if held.len() < MAX_INCIDENTS || held.contains_key(&key) => {
                    held.insert(key, reading);
                }
                Some(_) => {}
            }
        }
        for hazard in touched {
            self.show(hazard, &held);
        }
    }

    /// What is held here may be held elsewhere from now on: it is told again with the next revision.
    pub(super) fn forget(&self) {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        for gauge in [&self.observed, &self.expected, &self.statistic] {
            gauge.reset();
        }
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

    fn show(&self, hazard: Hazard, held: &BTreeMap<(Hazard, Arc<str>), Reading>) {
        let of_hazard = held.range((hazard, Arc::from(""))..);
        let of_hazard = of_hazard.take_while(|((of, _), _)| *of == hazard);
        let most = of_hazard
            .map(|(_, reading)| *reading)
            .max_by(|a, b| a.statistic.total_cmp(&b.statistic));
        let labels = [hazard.id()];
        let gauges = [&self.observed, &self.expected, &self.statistic];
        let Some(most) = most else {
            for gauge in gauges {
                // Absent when it was never there.
                let _ = gauge.remove_label_values(&labels);
            }
            return;
        };
        for (gauge, value) in gauges
            .into_iter()
            .zip([most.observed, most.expected, most.statistic])
        {
            gauge.with_label_values(&labels).set(value);
        }
    }
}
