//! W2: C2 on working days and days of rest apart, with a smallest standard deviation of 1, a baseline of 14 to 28 days, and past
//! spikes down-weighted.
//!
//! Invariant: the baseline ends two days before the day that is judged; a day is compared with days of its own stratum only; a
//! spike that is already past weighs the less the higher it was, so that an outbreak does not become what is usual.
//!
//! Strata, smallest standard deviation, length and lag are those of W2 (Tokars et al. 2009). Weights are those of Noufaily et al. 2013
//! (1 up to 2.58 standardised residuals, then (2.58 / r)²), with the residual taken from median and 1.4826 × MAD, because a spike among
//! few days hides itself from mean and standard deviation.

/// Days between the baseline and the day that is judged.
pub const LAG_DAYS: usize = 2;

/// Settings of W2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct W2 {
    /// Longest baseline, days of both strata.
    pub baseline: usize,
    /// Fewest days; with fewer the series is still being learned.
    pub fewest: usize,
    /// Smallest standard deviation, counts.
    pub min_sigma: f64,
    /// Standardised residual above which a past period is down-weighted.
    pub spike: f64,
}

impl Default for W2 {
    fn default() -> Self {
        Self {
            baseline: 28,
            fewest: 14,
            min_sigma: 1.0,
            spike: 2.58,
        }
    }
}

/// A period against what is usual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deviation {
    /// What is usual, counts.
    pub expected: f64,
    /// Standard deviation, counts, ≥ `min_sigma`.
    pub sigma: f64,
    /// (observed − expected) / sigma.
    pub statistic: f64,
}

impl Deviation {
    pub(super) fn of(observed: f64, expected: f64, sigma: f64) -> Self {
        Self {
            expected,
            sigma,
            statistic: (observed - expected) / sigma,
        }
    }

    /// The same for another count of the period.
    pub(super) fn again(self, observed: u32) -> Self {
        Self::of(f64::from(observed), self.expected, self.sigma)
    }

    /// The count from which the statistic is `threshold`.
    pub fn upper(&self, threshold: f64) -> f64 {
        self.expected + threshold * self.sigma
    }
}

/// W2 of day `at`. `rest` says of every day whether it is one of rest: a day is compared with those of which it says the same. None: fewer than `fewest` days are known, or fewer than two of
/// the stratum.
pub fn w2(counts: &[f64], rest: &[bool], at: usize, control: &W2) -> Option<Deviation> {
    let days = baseline(rest, at, control)?;
    let values: Vec<f64> = days.map(|day| counts[day]).collect();
    let (expected, sigma) = usual(&values, control)?;
    Some(Deviation::of(*counts.get(at)?, expected, sigma))
}

/// W2 normalised by volume: expected = totals of the day × Σ counts / Σ totals of the baseline. The standard deviation is that of
/// counts − expected over the baseline, and grows with the volume of the day where this is above the baseline's: a feed that is read
/// twice has twice the counts and twice the spread. Days without any volume (the feed was silent) are no baseline.
pub fn w2_rate(
    counts: &[f64],
    totals: &[f64],
    rest: &[bool],
    at: usize,
    control: &W2,
) -> Option<Deviation> {
    let days: Vec<usize> = baseline(rest, at, control)?
        .filter(|day| totals[*day] > 0.0)
        .collect();
    if days.len() < 2 {
        return None;
    }
    let mut rates: Vec<f64> = days.iter().map(|d| counts[*d] / totals[*d]).collect();
    let middle = median(&mut rates);
    let residuals: Vec<f64> = days
        .iter()
        .map(|d| counts[*d] - totals[*d] * middle)
        .collect();
    let weights = weights(&residuals, 0.0, control);
    let weighed = |of: &dyn Fn(usize) -> f64| -> f64 {
        let both = days.iter().zip(&weights);
        both.map(|(day, weight)| weight * of(*day)).sum()
    };
    let rate = weighed(&|d| counts[d]) / weighed(&|d| totals[d]);
    let squares = weighed(&|d| {
        let off = counts[d] - totals[d] * rate;
        off * off
    });
    let n = days.len() as f64;
    let sigma = (squares / weights.iter().sum::<f64>() * n / (n - 1.0)).sqrt();
    let total = *totals.get(at)?;
    let mean = days.iter().map(|d| totals[*d]).sum::<f64>() / n;
    let sigma = (sigma * (total / mean).max(1.0)).max(control.min_sigma);
    Some(Deviation::of(*counts.get(at)?, total * rate, sigma))
}

/// W2 of an hour: `counts` are of hours, the first one at midnight of the first day; the baseline is the same hour of the day and its
/// two neighbours on the days of the stratum. The neighbours make the profile smooth: four Sundays alone would be four numbers.
pub fn hour_of_week(counts: &[f64], rest: &[bool], at: usize, control: &W2) -> Option<Deviation> {
    let (day, hour) = (at / 24, at % 24);
    let near = |day: usize| {
        let at = day * 24 + hour;
        let before = at.checked_sub(1).map_or(0.0, |before| counts[before]);
        [before, counts[at], counts[at + 1]]
    };
    let observed = *counts.get(at)?;
    hour_of_days(near, rest, day, hour, observed, control)
}

/// The same where only the hours in question are known: `near` gives those of a day, its neighbours around it.
pub(super) fn hour_of_days(
    near: impl Fn(usize) -> [f64; 3],
    rest: &[bool],
    day: usize,
    hour: usize,
    observed: f64,
    control: &W2,
) -> Option<Deviation> {
    let mut values = Vec::with_capacity(3 * control.baseline);
    for day in baseline(rest, day, control)? {
        // The hour before the first midnight is not known.
        let known = usize::from(day == 0 && hour == 0);
        values.extend_from_slice(&near(day)[known..]);
    }
    let (expected, sigma) = usual(&values, control)?;
    Some(Deviation::of(observed, expected, sigma))
}

/// The days of the baseline of day `at`.
fn baseline<'a>(
    rest: &'a [bool],
    at: usize,
    control: &W2,
) -> Option<impl Iterator<Item = usize> + 'a> {
    let is_rest = *rest.get(at)?;
    let end = at.checked_sub(LAG_DAYS)?;
    if end < control.fewest {
        return None;
    }
    let days = end.saturating_sub(control.baseline)..end;
    Some(days.filter(move |day| rest[*day] == is_rest))
}

/// Weighted mean, and weighted standard deviation (over n − 1 when all weigh the same), ≥ `min_sigma`.
fn usual(values: &[f64], control: &W2) -> Option<(f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    let middle = median(&mut values.to_vec());
    let weights = weights(values, middle, control);
    let sum: f64 = weights.iter().sum();
    let both = || values.iter().zip(&weights);
    let mean = both().map(|(y, w)| w * y).sum::<f64>() / sum;
    let squares: f64 = both().map(|(y, w)| w * (y - mean) * (y - mean)).sum();
    let n = values.len() as f64;
    let sigma = (squares / sum * n / (n - 1.0)).sqrt();
    Some((mean, sigma.max(control.min_sigma)))
}

/// What each value weighs, by how far it lies above `middle`.
fn weights(values: &[f64], middle: f64, control: &W2) -> Vec<f64> {
    let mut off: Vec<f64> = values.iter().map(|y| (y - middle).abs()).collect();
    let scale = (1.4826 * median(&mut off)).max(control.min_sigma);
    let weigh = |y: &f64| {
        let residual = (y - middle) / scale;
        if residual > control.spike {
            (control.spike / residual).powi(2)
        } else {
            1.0
        }
    };
    values.iter().map(weigh).collect()
}

/// Median; 0 of nothing.
fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    let upper = *values.select_nth_unstable_by(middle, f64::total_cmp).1;
    if values.len() % 2 == 1 {
        return upper;
    }
    let below = &values[..middle];
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    f64::midpoint(lower, upper)
}
