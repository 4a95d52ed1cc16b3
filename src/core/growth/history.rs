//! The last days of a series, each judged as it was at its end.
//!
//! Invariant: a day is judged by what lay before it: the same as the stream said, had it been asked at midnight.

use super::Calendar;
use super::reading::{GrowthConfig, day};
use super::series::Series;
use super::w2::LAG_DAYS;
use crate::core::model::{MAX_GROWTH_PERIODS, Millis};

/// A day of the past.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct PastDay {
    /// When it began.
    pub start: Millis,
    /// Reports; of all feeds while the baseline is being learned.
    pub observed: u32,
    /// What was usual, and the three after it; none while it was being learned.
    pub expected: Option<f64>,
    /// The count from which it is an alarm.
    pub threshold: Option<f64>,
    /// W2.
    pub statistic: Option<f64>,
    /// Whether it is one.
    pub alarm: bool,
}

/// Days that a series has to hold for [`past_days`]: those that are shown, and those that the first of them is compared with.
pub fn days_for_past(config: &GrowthConfig) -> i32 {
    (MAX_GROWTH_PERIODS + LAG_DAYS + config.w2.baseline) as i32 + 1
}

/// The [`MAX_GROWTH_PERIODS`] days that end with the one of `now`, oldest first.
pub fn past_days(series: &Series, now: Millis, config: &GrowthConfig) -> Vec<PastDay> {
    let today = Calendar::day_of(config.calendar.hour(now));
    let first = today - (MAX_GROWTH_PERIODS as i32 - 1);
    let judge = |at: i32| {
        let last = at * 24 + 23;
        let growth = day(series, last, config);
        PastDay {
            start: growth.start,
            observed: growth.observed,
            expected: growth.expected,
            threshold: growth.threshold,
            statistic: growth.statistic,
            alarm: growth.alarm,
        }
    };
    (first..=today).map(judge).collect()
}
