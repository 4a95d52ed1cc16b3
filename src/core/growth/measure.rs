//! What each statistic finds, how late, and how often it cries wolf.
//!
//! Invariant: every method sees the same series, and of it only what lay before the day that it judges; a figure is counted, never
//! estimated.

use std::ops::Range;

use super::ears::{Ears, Z_0_025, c1, c2, c3};
use super::w2::{W2, w2, w2_rate};

/// Days after an outbreak in which an alarm is neither right nor wrong.
const AFTER: usize = 3;
/// Days at the beginning that teach every method.
pub const LEARNED: usize = 30;
/// Reports below which nothing is an alarm, as in the stream.
const FEWEST: f64 = 4.0;
/// `spike_height` of the rule with which we compare.
const SPIKE_RATIO: f64 = 3.0;

/// A series of days, with what was put into it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trial {
    /// Reports a day.
    pub counts: Vec<f64>,
    /// Everything that the feed said on that day.
    pub totals: Vec<f64>,
    /// Days of rest.
    pub rest: Vec<bool>,
    /// Outbreaks: days, in order, not overlapping.
    pub outbreaks: Vec<Range<usize>>,
}

/// A way to judge a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// EARS.
    C1,
    /// EARS.
    C2,
    /// EARS.
    C3,
    /// What the stream uses.
    W2,
    /// W2 per report of the feed.
    W2Rate,
    /// More than the highest of the first 30 days.
    Fixed,
    /// Three times the day before.
    Spike,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::C1,
        Self::C2,
        Self::C3,
        Self::W2,
        Self::W2Rate,
        Self::Fixed,
        Self::Spike,
    ];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::C1 => "C1",
            Self::C2 => "C2",
            Self::C3 => "C3",
            Self::W2 => "W2",
            Self::W2Rate => "W2 normalised",
            Self::Fixed => "fixed threshold",
            Self::Spike => "spike ratio",
        }
    }

    /// Whether day `at` is an alarm.
    pub fn alarms(self, trial: &Trial, at: usize, threshold: f64) -> bool {
        let counts = &trial.counts;
        let Some(found) = counts.get(at).filter(|count| **count >= FEWEST) else {
            return false;
        };
        let ears = Ears {
            min_sigma: 1.0,
            ..Ears::default()
        };
        let sensitive = Ears { z: Z_0_025, ..ears };
        let control = W2::default();
        match self {
            Self::C1 => c1(counts, at, &ears).is_some_and(|point| *found > point.upper),
            Self::C2 => c2(counts, at, &ears).is_some_and(|point| *found > point.upper),
            Self::C3 => c3(counts, at, &sensitive).is_some_and(|point| *found > point.upper),
            Self::W2 => {
                w2(counts, &trial.rest, at, &control).is_some_and(|w2| w2.statistic >= threshold)
            }
            Self::W2Rate => w2_rate(counts, &trial.totals, &trial.rest, at, &control)
                .is_some_and(|rate| rate.statistic >= threshold),
            Self::Fixed => {
                let highest = counts.iter().take(LEARNED).copied().fold(0.0, f64::max);
                *found > highest
            }
            Self::Spike => at > 0 && *found >= SPIKE_RATIO * counts[at - 1],
        }
    }
}

/// What a method did on some series.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    /// Outbreaks there were.
    pub outbreaks: u32,
    /// Those with an alarm while they lasted.
    pub detected: u32,
    /// Days from their beginning to the first alarm, summed up over those.
    pub delay: u32,
    /// Alarms on days without an outbreak.
    pub false_alarms: u32,
    /// Days without one.
    pub quiet_days: u32,
}

impl Measured {
    /// Adds what a method does on a series, at a threshold of W2.
    pub fn add(&mut self, method: Method, trial: &Trial, threshold: f64) {
        let mut next = trial.outbreaks.iter().peekable();
        let mut found = None;
        for at in LEARNED..trial.counts.len() {
            while next
                .next_if(|outbreak| outbreak.end + AFTER <= at)
                .is_some()
            {
                self.end(&mut found);
            }
            let alarm = method.alarms(trial, at, threshold);
            match next.peek() {
                Some(outbreak) if outbreak.contains(&at) => {
                    found = found.or(alarm.then(|| at - outbreak.start));
                }
                Some(outbreak) if outbreak.end <= at => {}
                _ => {
                    self.quiet_days += 1;
                    self.false_alarms += u32::from(alarm);
                }
            }
        }
        for _ in next {
            self.end(&mut found);
        }
    }

    /// An outbreak is over.
    fn end(&mut self, found: &mut Option<usize>) {
        self.outbreaks += 1;
        if let Some(days) = found.take() {
            self.detected += 1;
            self.delay += days as u32;
        }
    }

    /// Outbreaks found, of all; none where there were none.
    pub fn sensitivity(&self) -> Option<f64> {
        (self.outbreaks > 0).then(|| f64::from(self.detected) / f64::from(self.outbreaks))
    }

    /// Days to the first alarm, of those found.
    pub fn days(&self) -> Option<f64> {
        (self.detected > 0).then(|| f64::from(self.delay) / f64::from(self.detected))
    }

    /// Alarms of a series in a year without outbreaks.
    pub fn false_alarms_a_year(&self) -> f64 {
        f64::from(self.false_alarms) / f64::from(self.quiet_days.max(1)) * 365.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_by_hand() {
        let mut trial = Trial {
            counts: vec![5.0; 60],
            totals: vec![100.0; 60],
            rest: vec![false; 60],
            outbreaks: vec![40..43, 50..52],
        };
        // Found on its second day; not found; a false alarm; one that is neither.
        (trial.counts[41], trial.counts[35], trial.counts[44]) = (40.0, 40.0, 40.0);
        let mut fixed = Measured::default();
        fixed.add(Method::Fixed, &trial, 3.0);
        let expected = Measured {
            outbreaks: 2,
            detected: 1,
            delay: 1,
            false_alarms: 1,
            quiet_days: 30 - 3 - 2 - 2 * AFTER as u32,
        };
        assert_eq!(fixed, expected);
        assert_eq!((fixed.sensitivity(), fixed.days()), (Some(0.5), Some(1.0)));
        let mut w2 = Measured::default();
        w2.add(Method::W2, &trial, 3.0);
        assert_eq!((w2.detected, w2.false_alarms), (1, 1));
    }
}
