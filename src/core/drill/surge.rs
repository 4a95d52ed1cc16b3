//! When the reports of a step come: quantiles of a distribution over the step's time.
//!
//! Invariant: the first report comes at the start of the step, every other one before its end; times never fall.

use super::scenario::Surge;

/// Steepness of [`Surge::Decay`]: the density falls by e^4 from the start to the end.
const DECAY: f64 = 4.0;
/// Where [`Surge::Burst`] peaks: the mode of a triangular distribution.
const PEAK: f64 = 0.2;

/// Offsets of `count` reports from the start of the step, milliseconds.
pub(super) fn offsets(surge: &Surge, count: u32, over: i64) -> Vec<i64> {
    let at = |nth: u32| {
        let quantile = f64::from(nth) / f64::from(count.max(1));
        let share = match surge {
            Surge::Linear => quantile,
            Surge::Burst if quantile < PEAK => (quantile * PEAK).sqrt(),
            Surge::Burst => 1.0 - ((1.0 - quantile) * (1.0 - PEAK)).sqrt(),
            Surge::Decay => -(1.0 - quantile * (1.0 - (-DECAY).exp())).ln() / DECAY,
            Surge::Recorded(bins) => recorded(bins, quantile),
        };
        ((share.clamp(0.0, 1.0) * over as f64).round() as i64).min(over)
    };
    (0..count).map(at).collect()
}

/// The share of the time by which a share of the weights has come; evenly within a bin.
fn recorded(bins: &[u32], quantile: f64) -> f64 {
    let total: f64 = bins.iter().map(|weight| f64::from(*weight)).sum();
    if total <= 0.0 {
        return quantile;
    }
    let (mut before, width) = (0.0, 1.0 / bins.len() as f64);
    for (nth, weight) in bins.iter().enumerate() {
        let weight = f64::from(*weight) / total;
        if weight > 0.0 && quantile < before + weight {
            return (nth as f64 + (quantile - before) / weight) * width;
        }
        before += weight;
    }
    1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_profile_has_its_shape() {
        let over = 100_000;
        let half = |surge: &Surge| {
            let all = offsets(surge, 1_000, over);
            assert_eq!((all.len(), all[0]), (1_000, 0), "{surge:?}");
            assert!(all.windows(2).all(|w| w[0] <= w[1]) && all[999] <= over);
            all.iter().filter(|at| **at < over / 2).count()
        };
        assert_eq!(half(&Surge::Linear), 500);
        // 1 − 0.5² ÷ 0.8 of a triangle that peaks at a fifth; (1 − e⁻²) ÷ (1 − e⁻⁴) of the decay.
        assert!((680..=695).contains(&half(&Surge::Burst)));
        assert!((875..=885).contains(&half(&Surge::Decay)));
        assert_eq!(half(&Surge::Recorded(vec![3, 1])), 750);
        // An empty bin stays empty.
        let gap = offsets(&Surge::Recorded(vec![1, 0, 1]), 100, 300);
        assert!(gap.iter().all(|at| *at < 100 || *at >= 200), "{gap:?}");
    }

    #[test]
    fn one_report_comes_at_the_start() {
        for surge in [Surge::Linear, Surge::Burst, Surge::Decay] {
            assert_eq!(offsets(&surge, 1, 60_000), [0]);
            assert!(offsets(&surge, 0, 60_000).is_empty());
        }
    }
}
