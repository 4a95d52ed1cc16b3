//! What revisions said about growth, until it is over: of one status, by incident key, hazard and place.
//!
//! Invariant: at most [`MAX_INCIDENTS`] are held, those that deviate most; a reading goes with its incident, and an hour after its
//! period.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::core::growth::{HOUR_MS, period_ms};
use crate::core::model::{Growth, Hazard, Millis};

/// Incidents of one status whose reading is held; beyond them those that deviate least are not.
pub(super) const MAX_INCIDENTS: usize = 10_000;
/// How long a reading is shown after the end of its period: longer, and a dashboard would say in the morning what was in the night.
const AFTER_MS: i64 = HOUR_MS;

/// What a revision said about growth.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reading {
    pub place: Arc<str>,
    pub observed: f64,
    pub expected: f64,
    pub statistic: f64,
    alarm: bool,
    until: Millis,
}

impl Reading {
    /// None of what is being learned.
    pub(super) fn of(growth: &Growth, place: &Arc<str>) -> Option<Self> {
        Some(Self {
            place: Arc::clone(place),
            observed: f64::from(growth.observed),
            expected: growth.expected?,
            statistic: growth.statistic?,
            alarm: growth.alarm,
            until: growth.start.plus(period_ms(growth.period)).plus(AFTER_MS),
        })
    }

    /// Alarms before all others, then by the statistic, of which a reading has three decimals.
    fn rank(&self) -> Rank {
        (self.alarm, (self.statistic * 1_000.0).round() as i64)
    }
}

/// Whether it is an alarm, and thousandths of the statistic.
type Rank = (bool, i64);
/// An incident: hazard and key.
pub(super) type Whose = (Hazard, Arc<str>);
/// Hazard and code of a place.
pub(super) type Where = (Hazard, Arc<str>);

/// The readings of one status.
#[derive(Debug, Default)]
pub(super) struct Held {
    readings: BTreeMap<Whose, Reading>,
    /// By rank, the highest last.
    order: BTreeSet<(Rank, Whose)>,
    /// Incidents by hazard and place.
    places: BTreeMap<Where, u32>,
}

impl Held {
    /// The newest reading of an incident, or that it has none any more. False when there was room for one only by leaving the one out
    /// that deviates least.
    pub(super) fn note(&mut self, whose: Whose, reading: Option<Reading>) -> bool {
        self.remove(&whose);
        let Some(reading) = reading else {
            return true;
        };
        let rank = reading.rank();
        let place = (whose.0, Arc::clone(&reading.place));
        *self.places.entry(place).or_default() += 1;
        self.order.insert((rank, whose.clone()));
        self.readings.insert(whose, reading);
        if self.readings.len() <= MAX_INCIDENTS {
            return true;
        }
        if let Some((_, least)) = self.order.first().cloned() {
            self.remove(&least);
        }
        false
    }

    fn remove(&mut self, whose: &Whose) {
        let Some(reading) = self.readings.remove(whose) else {
            return;
        };
        self.order.remove(&(reading.rank(), whose.clone()));
        let place = (whose.0, reading.place);
        if let Some(incidents) = self.places.get_mut(&place) {
            *incidents -= 1;
            if *incidents == 0 {
                self.places.remove(&place);
            }
        }
    }

    /// Forgets what is over at `now`; the hazards of it, sorted.
    pub(super) fn sweep(&mut self, now: Millis) -> BTreeSet<Hazard> {
        let over = self.readings.iter().filter(|(_, it)| it.until <= now);
        let over: Vec<Whose> = over.map(|(whose, _)| whose.clone()).collect();
        over.iter().for_each(|whose| self.remove(whose));
        over.into_iter().map(|(hazard, _)| hazard).collect()
    }

    /// The reading of a hazard that deviates most.
    pub(super) fn most(&self, hazard: Hazard) -> Option<&Reading> {
        let of_hazard = self.readings.range((hazard, Arc::from(""))..);
        let of_hazard = of_hazard.take_while(|((of, _), _)| *of == hazard);
        of_hazard
            .map(|(_, reading)| reading)
            .max_by(|a, b| a.statistic.total_cmp(&b.statistic))
    }

    /// The `most` places that deviate most, each with its highest reading; and how many there are beside them.
    pub(super) fn places(&self, most: usize) -> (BTreeMap<Where, &Reading>, usize) {
        let mut shown: BTreeMap<Where, &Reading> = BTreeMap::new();
        for (_, whose) in self.order.iter().rev() {
            if shown.len() >= most {
                break;
            }
            if let Some(reading) = self.readings.get(whose) {
                let place = (whose.0, Arc::clone(&reading.place));
                shown.entry(place).or_insert(reading);
            }
        }
        let others = self.places.len() - shown.len();
        (shown, others)
    }
}
