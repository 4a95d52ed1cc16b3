//! How well rules tell labelled reports apart: precision, recall, F1 and false alarms, each with its 95 % interval.
//!
//! Invariant: a share of nothing is none, never 0 or 1.

use serde::Serialize;

/// Labelled reports by what they are and what rules said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Quality {
    pub true_positives: u64,
    pub false_positives: u64,
    pub false_negatives: u64,
    pub true_negatives: u64,
}

/// A share with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Share {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

impl Quality {
    /// Counts one labelled record.
    pub fn count(&mut self, label: bool, fired: bool) {
        match (label, fired) {
            (true, true) => self.true_positives += 1,
            (false, true) => self.false_positives += 1,
            (true, false) => self.false_negatives += 1,
            (false, false) => self.true_negatives += 1,
        }
    }

    /// Reports that should have fired.
    pub fn positives(&self) -> u64 {
        self.true_positives + self.false_negatives
    }

    /// Reports that should not have.
    pub fn negatives(&self) -> u64 {
        self.false_positives + self.true_negatives
    }

    /// Of what fired, what should have; none when nothing fired.
    pub fn precision(&self) -> Option<Share> {
        let fired = self.true_positives + self.false_positives;
        wilson(self.true_positives, fired)
    }

    /// Of what should have fired, what did; none when nothing should have.
    pub fn recall(&self) -> Option<Share> {
        wilson(self.true_positives, self.positives())
    }

    /// Harmonic mean of both, 2TP / (2TP + FP + FN). It rises with J = TP / (TP + FP + FN), as F1 = 2J / (1 + J), and J is a share:
    /// the interval is Wilson's of J, carried over.
    pub fn f1(&self) -> Option<Share> {
        let union = self.positives() + self.false_positives;
        let f1 = |j: f64| 2.0 * j / (1.0 + j);
        wilson(self.true_positives, union).map(|j| Share {
            value: f1(j.value),
            low: f1(j.low),
            high: f1(j.high),
        })
    }

    /// Of what should not have fired, what did; none when everything should have.
    pub fn false_alarms(&self) -> Option<Share> {
        wilson(self.false_positives, self.negatives())
    }
}

/// The score interval of E. B. Wilson (Probable Inference, the Law of Succession, and Statistical Inference, 1927) at 95 %.
pub fn wilson(hits: u64, all: u64) -> Option<Share> {
    const Z: f64 = 1.959_963_984_540_054;
    if all == 0 {
        return None;
    }
    let (n, p) = (all as f64, hits as f64 / all as f64);
    let middle = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    Some(Share {
        value: p,
        low: (middle - half).max(0.0),
        high: (middle + half).min(1.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        // Worked out by hand for 8 of 10: 0.4902 … 0.9433.
        let share = wilson(8, 10).unwrap();
        assert!(
            (share.low - 0.4902).abs() < 1e-4 && (share.high - 0.9433).abs() < 1e-4,
            "{share:?}"
        );
        assert_eq!(wilson(0, 0), None);
        assert!(wilson(0, 5).unwrap().low.abs() < f64::EPSILON);
    }

    #[test]
    fn f1_lies_between_and_its_interval_around_it() {
        let quality = Quality {
            true_positives: 80,
            false_positives: 20,
            false_negatives: 40,
            true_negatives: 860,
        };
        let (precision, recall) = (quality.precision().unwrap(), quality.recall().unwrap());
        let mean = 2.0 * precision.value * recall.value / (precision.value + recall.value);
        let f1 = quality.f1().unwrap();
        assert!((f1.value - mean).abs() < 1e-12, "{f1:?}");
        assert!(f1.low < f1.value && f1.value < f1.high);
        // J is 80 of 140: 0.4885 … 0.6504 by hand, so F1 is 0.6563 … 0.7882.
        assert!(
            (f1.low - 0.6563).abs() < 2e-3 && (f1.high - 0.7882).abs() < 2e-3,
            "{f1:?}"
        );
        let alarms = quality.false_alarms().unwrap();
        assert!((alarms.value - 20.0 / 880.0).abs() < 1e-12);
    }
}
