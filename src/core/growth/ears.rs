//! EARS C1, C2 and C3, as R's `surveillance::earsC` defines them.
//!
//! Invariant: equal to `earsC` to 1e-9; a value that R leaves undefined (a baseline without any spread, and an observation equal
//! to its mean) is none.

/// Upper 0.1 % quantile of the standard normal distribution: `earsC`'s α of C1 and C2.
pub const Z_0_001: f64 = 3.090_232_306_167_813;
/// Upper 2.5 % quantile: `earsC`'s α of C3.
pub const Z_0_025: f64 = 1.959_963_984_540_054;

/// What `earsC` calls its control.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ears {
    /// Periods of the baseline, ≥ 3.
    pub baseline: usize,
    /// Smallest standard deviation, counts.
    pub min_sigma: f64,
    /// Quantile of the threshold.
    pub z: f64,
}

impl Default for Ears {
    fn default() -> Self {
        Self {
            baseline: 7,
            min_sigma: 0.0,
            z: Z_0_001,
        }
    }
}

/// One period judged by its baseline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Mean of the baseline, counts.
    pub expected: f64,
    /// Above this the period is an alarm, counts.
    pub upper: f64,
    /// Standard deviations above the mean; of C3, the sum of what C2 was above 1 in three periods. Infinite where the baseline has no
    /// spread.
    pub statistic: f64,
}

/// C1: mean + z × s of the `baseline` periods before `at`.
pub fn c1(counts: &[f64], at: usize, control: &Ears) -> Option<Point> {
    judged(counts, at, 0, control)
}

/// C2: the same, with the baseline two periods earlier, so that the days on which something begins do not teach it.
pub fn c2(counts: &[f64], at: usize, control: &Ears) -> Option<Point> {
    judged(counts, at, 2, control)
}

/// C3: what C2 was above 1 in the two periods before lowers the threshold of this one: upper = y + s × (z − Σ max(0, C2 − 1)),
/// and not below 0. `earsC` uses α = 0.025, see [`Z_0_025`].
pub fn c3(counts: &[f64], at: usize, control: &Ears) -> Option<Point> {
    let earlier = at.checked_sub(2)?;
    let excess = |at: usize| {
        let statistic = c2(counts, at, control)?.statistic;
        // `max` would hide a value that is not defined.
        (!statistic.is_nan()).then(|| (statistic - 1.0).max(0.0))
    };
    let before = excess(earlier)? + excess(at - 1)?;
    let (mean, sigma) = baseline(counts, at, 2, control)?;
    let upper = counts[at] + sigma * (control.z - before);
    if upper.is_nan() {
        return None;
    }
    let today = (counts[at] - mean) / sigma;
    let today = if today.is_nan() { 0.0 } else { today };
    Some(Point {
        expected: mean,
        upper: upper.max(0.0),
        statistic: (today - 1.0).max(0.0) + before,
    })
}

/// Mean and standard deviation that C2 of `at` compares with.
pub(super) fn c2_usual(counts: &[f64], at: usize, control: &Ears) -> Option<(f64, f64)> {
    baseline(counts, at, 2, control)
}

fn judged(counts: &[f64], at: usize, lag: usize, control: &Ears) -> Option<Point> {
    let (mean, sigma) = baseline(counts, at, lag, control)?;
    Some(Point {
        expected: mean,
        upper: mean + control.z * sigma,
        statistic: (counts[at] - mean) / sigma,
    })
}

/// Mean and standard deviation of the baseline that ends `lag` periods before the last one before `at`.
fn baseline(counts: &[f64], at: usize, lag: usize, control: &Ears) -> Option<(f64, f64)> {
    counts.get(at)?;
    let end = at.checked_sub(lag)?;
    let begin = end.checked_sub(control.baseline.max(3))?;
    let (mean, sigma) = moments(&counts[begin..end])?;
    Some((mean, sigma.max(control.min_sigma)))
}

/// Mean, and standard deviation over n − 1; none of fewer than two values.
pub(super) fn moments(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|y| (y - mean) * (y - mean)).sum();
    Some((mean, (squares / (n - 1.0)).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let counts = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 0.0, 0.0, 20.0];
        let control = Ears::default();
        assert_eq!(c1(&counts, 6, &control), None);
        let first = c1(&counts, 7, &control).unwrap();
        assert!((first.expected - 4.0).abs() < 1e-12);
        let sigma = (28.0_f64 / 6.0).sqrt();
        assert!((first.upper - (4.0 + Z_0_001 * sigma)).abs() < 1e-12);
        assert_eq!(c2(&counts, 8, &control), None);
        let lagged = c2(&counts, 9, &control).unwrap();
        assert!((lagged.statistic - 16.0 / sigma).abs() < 1e-12);
    }

    #[test]
    fn a_baseline_without_spread_is_no_number_where_r_has_none() {
        let flat = [2.0; 20];
        let control = Ears {
            z: Z_0_025,
            ..Ears::default()
        };
        assert_eq!(c3(&flat, 15, &control), None);
        let floored = Ears {
            min_sigma: 1.0,
            ..control
        };
        assert!((c3(&flat, 15, &floored).unwrap().upper - (2.0 + Z_0_025)).abs() < 1e-12);
    }
}
