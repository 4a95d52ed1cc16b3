//! W2 and its relatives against slow implementations written from the definitions, and what they must never do.

use proptest::prelude::*;
use tocsin::core::growth::{Deviation, W2, hour_of_week, w2, w2_rate};

const SPIKE: f64 = 2.58;

/// Sorts everything, every time.
fn slow_median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).unwrap());
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// Indices of the days that day `at` is compared with.
fn slow_days(rest: &[bool], at: usize) -> Option<Vec<usize>> {
    let known = at as i64 - 2;
    if known < 14 {
        return None;
    }
    let mut days = Vec::new();
    for day in 0..at {
        let ago = at - day;
        if (3..=30).contains(&ago) && rest[day] == rest[at] {
            days.push(day);
        }
    }
    Some(days)
}

fn slow_weights(residuals: &[f64]) -> Vec<f64> {
    let absolute: Vec<f64> = residuals.iter().map(|r| r.abs()).collect();
    let scale = f64::max(1.0, 1.4826 * slow_median(&absolute));
    let mut weights = Vec::new();
    for residual in residuals {
        let standardised = residual / scale;
        weights.push(if standardised <= SPIKE {
            1.0
        } else {
            SPIKE / standardised * (SPIKE / standardised)
        });
    }
    weights
}

/// (expected, sigma) of a sample.
fn slow_usual(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    let middle = slow_median(values);
    let weights = slow_weights(&values.iter().map(|y| y - middle).collect::<Vec<_>>());
    let (mut sum, mut weighed) = (0.0, 0.0);
    for i in 0..values.len() {
        sum += weights[i];
        weighed += weights[i] * values[i];
    }
    let mean = weighed / sum;
    let mut variance = 0.0;
    for i in 0..values.len() {
        variance += weights[i] / sum * (values[i] - mean).powi(2);
    }
    let n = values.len() as f64;
    Some((mean, (variance * n / (n - 1.0)).sqrt().max(1.0)))
}

fn slow_w2(counts: &[f64], rest: &[bool], at: usize) -> Option<(f64, f64)> {
    let days = slow_days(rest, at)?;
    slow_usual(&days.iter().map(|day| counts[*day]).collect::<Vec<_>>())
}

fn slow_hour(counts: &[f64], rest: &[bool], at: usize) -> Option<(f64, f64)> {
    let days = slow_days(rest, at / 24)?;
    let mut values = Vec::new();
    for day in days {
        for off in [-1, 0, 1] {
            let hour = (day * 24 + at % 24) as i64 + off;
            if hour >= 0 {
                values.push(counts[hour as usize]);
            }
        }
    }
    slow_usual(&values)
}

fn slow_rate(counts: &[f64], totals: &[f64], rest: &[bool], at: usize) -> Option<(f64, f64)> {
    let mut days = slow_days(rest, at)?;
    days.retain(|day| totals[*day] != 0.0);
    if days.len() < 2 {
        return None;
    }
    let rates: Vec<f64> = days.iter().map(|day| counts[*day] / totals[*day]).collect();
    let middle = slow_median(&rates);
    let off: Vec<f64> = days
        .iter()
        .map(|day| counts[*day] - middle * totals[*day])
        .collect();
    let weights = slow_weights(&off);
    let (mut above, mut below, mut sum, mut volume) = (0.0, 0.0, 0.0, 0.0);
    for (day, weight) in days.iter().zip(&weights) {
        above += weight * counts[*day];
        below += weight * totals[*day];
        sum += weight;
        volume += totals[*day];
    }
    let rate = above / below;
    let mut variance = 0.0;
    for (day, weight) in days.iter().zip(&weights) {
        variance += weight / sum * (counts[*day] - rate * totals[*day]).powi(2);
    }
    let n = days.len() as f64;
    let grown = f64::max(1.0, totals[at] / (volume / n));
    let sigma = (variance * n / (n - 1.0)).sqrt() * grown;
    Some((rate * totals[at], sigma.max(1.0)))
}

fn same(found: Option<Deviation>, expected: Option<(f64, f64)>, observed: f64) {
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs().max(1.0);
    match (found, expected) {
        (None, None) => {}
        (Some(found), Some((mean, sigma))) => {
            assert!(
                close(found.expected, mean),
                "{found:?} expected {mean} ± {sigma}"
            );
            assert!(
                close(found.sigma, sigma),
                "{found:?} expected {mean} ± {sigma}"
            );
            assert!(close(found.statistic, (observed - mean) / sigma));
        }
        other => panic!("{other:?}"),
    }
}

prop_compose! {
    fn days()(len in 1_usize..60)(
        counts in prop::collection::vec(prop_oneof![4 => 0_u32..4, 3 => 0_u32..30, 1 => 0_u32..400], len),
        totals in prop::collection::vec(prop_oneof![1 => Just(0_u32), 5 => 1_u32..2_000], len),
        rest in prop::collection::vec(prop::bool::weighted(0.3), len),
    ) -> (Vec<f64>, Vec<f64>, Vec<bool>) {
        let floats = |list: Vec<u32>| list.into_iter().map(f64::from).collect();
        (floats(counts), floats(totals), rest)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn equal_to_a_slow_implementation((counts, totals, rest) in days()) {
        let control = W2::default();
        for at in 0..counts.len() {
            same(w2(&counts, &rest, at, &control), slow_w2(&counts, &rest, at), counts[at]);
            let rate = w2_rate(&counts, &totals, &rest, at, &control);
            same(rate, slow_rate(&counts, &totals, &rest, at), counts[at]);
        }
    }

    #[test]
    fn hours_too(
        counts in prop::collection::vec(0_u32..9, 24 * 20..24 * 24),
        rest in prop::collection::vec(prop::bool::weighted(0.3), 24),
        back in 0_usize..100,
    ) {
        let counts: Vec<f64> = counts.into_iter().map(f64::from).collect();
        let at = counts.len() - 1 - back;
        let found = hour_of_week(&counts, &rest, at, &W2::default());
        same(found, slow_hour(&counts, &rest, at), counts[at]);
    }

    /// Nothing is judged before there are 14 days behind the lag, whatever comes.
    #[test]
    fn what_is_being_learned_is_not_judged((counts, totals, rest) in days()) {
        for at in 0..counts.len().min(16) {
            prop_assert_eq!(w2(&counts, &rest, at, &W2::default()), None);
            prop_assert_eq!(w2_rate(&counts, &totals, &rest, at, &W2::default()), None);
        }
    }
}

fn weeks(days: usize) -> Vec<bool> {
    (0..days).map(|day| day % 7 >= 5).collect()
}

#[test]
fn a_past_outbreak_does_not_become_what_is_usual() {
    let mut counts = vec![2.0; 31];
    let quiet = w2(&counts, &weeks(31), 30, &W2::default()).unwrap();
    (counts[16], counts[17]) = (60.0, 40.0);
    let after = w2(&counts, &weeks(31), 30, &W2::default()).unwrap();
    assert!(after.expected < quiet.expected + 1.0, "{after:?}");
    let plain = W2 {
        spike: f64::INFINITY,
        ..W2::default()
    };
    assert!(w2(&counts, &weeks(31), 30, &plain).unwrap().expected > 6.0);
}

#[test]
fn a_doubled_feed_is_no_outbreak_where_volume_is_known() {
    let counts: Vec<f64> = (0..31)
        .map(|d| f64::from(10 + (d + 1) % 3) * if d == 30 { 2.0 } else { 1.0 })
        .collect();
    let totals: Vec<f64> = (0..31)
        .map(|d| if d == 30 { 2_000.0 } else { 1_000.0 })
        .collect();
    let rest = weeks(31);
    let plain = w2(&counts, &rest, 30, &W2::default()).unwrap();
    let rate = w2_rate(&counts, &totals, &rest, 30, &W2::default()).unwrap();
    assert!(plain.statistic > 6.0, "{plain:?}");
    assert!(rate.statistic.abs() < 1.0, "{rate:?}");
}

#[test]
fn a_feed_that_was_silent_and_is_back_is_no_outbreak() {
    let silent = |d: usize| (8..26).contains(&d);
    let counts: Vec<f64> = (0..31)
        .map(|d| if silent(d) { 0.0 } else { 10.0 })
        .collect();
    let totals: Vec<f64> = (0..31)
        .map(|d| if silent(d) { 0.0 } else { 900.0 })
        .collect();
    let rest = weeks(31);
    let plain = w2(&counts, &rest, 30, &W2::default()).unwrap();
    let rate = w2_rate(&counts, &totals, &rest, 30, &W2::default()).unwrap();
    assert!(plain.statistic > rate.statistic);
    assert!(rate.statistic.abs() < 1e-9, "{rate:?}");
}
