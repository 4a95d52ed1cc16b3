//! What a series says at one moment: is there more in this hour, or today, than is usual?
//!
//! Invariant: only feeds that have been known for the whole shortest baseline are judged, from the day on which all of them were:
//! a new feed is being learned and looks like nothing. Below the smallest number of reports nothing is an alarm.

use super::series::{KEPT_DAYS, Series};
use super::w2::{Deviation, W2};
use super::window::{Judged, Window};
use super::{Calendar, DAY_MS, HOUR_MS};
use crate::core::model::{Growth, GrowthPeriod, MAX_GROWTH_PERIODS, Millis};

/// Settings of growth.
#[derive(Clone, Debug, PartialEq)]
pub struct GrowthConfig {
    /// Whether reports are counted at all.
    pub enabled: bool,
    /// Highest G, points.
    pub points_max: u8,
    /// W2 from which a period is an alarm.
    pub threshold: f64,
    /// Reports below which no period is an alarm.
    pub min_reports: u32,
    /// Series per partition and status; beyond it the one that has been silent longest makes room if it is out of the window.
    pub series: usize,
    /// Days whose hours are kept.
    pub kept_days: i32,
    /// Local time.
    pub calendar: Calendar,
    /// Baseline.
    pub w2: W2,
}

impl Default for GrowthConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            points_max: 10,
            threshold: 3.0,
            min_reports: 4,
            series: 100_000,
            kept_days: KEPT_DAYS,
            calendar: Calendar {
                utc_offset_minutes: 480,
                ..Calendar::default()
            },
            w2: W2::default(),
        }
    }
}

impl GrowthConfig {
    /// G of what was found: the statistic in whole points while it is an alarm, else 0.
    pub fn points(&self, verdict: Verdict) -> i32 {
        let Some(statistic) = verdict.w2.filter(|_| verdict.alarm) else {
            return 0;
        };
        (statistic.round() as i32).clamp(0, i32::from(self.points_max))
    }

    /// Whether a count alarm is strong enough for yellow and not only blue: twice the threshold.
    pub fn is_strong(&self, verdict: Verdict) -> bool {
        verdict.alarm && verdict.w2.is_some_and(|w2| w2 >= 2.0 * self.threshold)
    }
}

/// What a reading amounts to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Whether it is an alarm.
    pub alarm: bool,
    /// The period that deviates more.
    pub period: Option<GrowthPeriod>,
    /// Reports in it; 0 where nothing is judged.
    pub observed: u32,
    /// W2, three decimals; none while it is being learned.
    pub w2: Option<f64>,
    /// EARS C2 of the day, likewise.
    pub c2: Option<f64>,
}

impl From<&Growth> for Verdict {
    fn from(growth: &Growth) -> Self {
        Self {
            alarm: growth.alarm,
            period: growth.statistic.map(|_| growth.period),
            observed: growth.learned.map_or(growth.observed, |_| 0),
            w2: growth.statistic,
            c2: growth.c2,
        }
    }
}

/// Whether a series could be an alarm at `hour`, without looking at its baseline.
pub fn may_alarm(series: &Series, hour: i32, config: &GrowthConfig) -> bool {
    let midnight = Calendar::day_of(hour) * 24;
    series.sum(midnight, hour.saturating_add(1)) >= config.min_reports
}

/// Reads a series at `now`: the hour or the day, whichever deviates more.
pub fn read(series: &Series, now: Millis, config: &GrowthConfig) -> Growth {
    judge(series, config.calendar.hour(now), true, config)
}

/// Reads the day in which `hour` lies, up to this hour.
pub(super) fn day(series: &Series, hour: i32, config: &GrowthConfig) -> Growth {
    judge(series, hour, false, config)
}

fn judge(series: &Series, hour: i32, hours: bool, config: &GrowthConfig) -> Growth {
    let today = Calendar::day_of(hour);
    match Judged::of(series, today, config) {
        Err(learned) => learning(series, hour, learned, config),
        Ok(judged) => {
            let alike = judged.alike(today, config);
            let window = Window::of(&judged, hour, hours, &alike, None, config);
            judged_reading(&window, hour, config)
        }
    }
}

pub(super) fn judged_reading(window: &Window, hour: i32, config: &GrowthConfig) -> Growth {
    let (period, found) = chosen(window.by_day, window.by_hour);
    let counts = match period {
        GrowthPeriod::Hour => &window.counts.0,
        GrowthPeriod::Day => &window.days,
    };
    let last = counts.len().saturating_sub(MAX_GROWTH_PERIODS);
    let series: Vec<u32> = counts[last..].iter().map(|count| *count as u32).collect();
    shown(period, found, window.c2, series, hour, config)
}

/// A reading of the counts of the last periods.
pub(super) fn shown(
    period: GrowthPeriod,
    found: Option<Deviation>,
    c2: Option<Deviation>,
    series: Vec<u32>,
    hour: i32,
    config: &GrowthConfig,
) -> Growth {
    let observed = series.last().copied().unwrap_or(0);
    Growth {
        period,
        start: period_start(period, hour, config),
        observed,
        expected: found.map(|found| milli(found.expected)),
        threshold: found.map(|found| milli(found.upper(config.threshold))),
        statistic: found.map(|found| milli(found.statistic)),
        c2: c2.map(|c2| milli(c2.statistic)),
        alarm: is_alarm(observed, found, config),
        learned: None,
        series,
    }
}

/// The period that is shown: the one that deviates more.
pub(super) fn chosen(
    by_day: Option<Deviation>,
    by_hour: Option<Deviation>,
) -> (GrowthPeriod, Option<Deviation>) {
    match (by_hour, by_day) {
        (Some(hour), Some(day)) if hour.statistic <= day.statistic => {
            (GrowthPeriod::Day, Some(day))
        }
        (Some(hour), _) => (GrowthPeriod::Hour, Some(hour)),
        (None, day) => (GrowthPeriod::Day, day),
    }
}

/// Whether so many reports are an alarm.
pub(super) fn is_alarm(observed: u32, found: Option<Deviation>, config: &GrowthConfig) -> bool {
    observed >= config.min_reports && found.is_some_and(|found| found.statistic >= config.threshold)
}

/// What is shown of a series without a baseline: the counts of all its feeds by day.
pub(super) fn learning(series: &Series, hour: i32, learned: u8, config: &GrowthConfig) -> Growth {
    let today = Calendar::day_of(hour);
    let feeds = series.feeds().iter();
    let begin = feeds.map(|f| Calendar::day_of(f.since)).min();
    let first = begin
        .unwrap_or(today)
        .clamp(today - (MAX_GROWTH_PERIODS as i32 - 1), today);
    let mut days = vec![0; (today - first + 1) as usize];
    for feed in series.feeds() {
        feed.add_days(first, hour, &mut days);
    }
    let series = days;
    Growth {
        period: GrowthPeriod::Day,
        start: period_start(GrowthPeriod::Day, hour, config),
        observed: series.last().copied().unwrap_or(0),
        expected: None,
        threshold: None,
        statistic: None,
        c2: None,
        alarm: false,
        learned: Some(learned),
        series,
    }
}

fn period_start(period: GrowthPeriod, hour: i32, config: &GrowthConfig) -> Millis {
    let start = config.calendar.start_of(hour);
    match period {
        GrowthPeriod::Hour => start,
        GrowthPeriod::Day => Millis(start.0 - i64::from(hour.rem_euclid(24)) * HOUR_MS),
    }
}

/// Three decimals: what is shown and compared, whatever the machine's last bits.
pub(super) fn milli(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

/// Milliseconds of a period.
pub fn period_ms(period: GrowthPeriod) -> i64 {
    match period {
        GrowthPeriod::Hour => HOUR_MS,
        GrowthPeriod::Day => DAY_MS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> GrowthConfig {
        GrowthConfig {
            calendar: Calendar::default(),
            ..GrowthConfig::default()
        }
    }

    /// `per_hour` reports in every sixth hour of 40 days, then `burst` in hour 40 × 24.
    fn series(feed: &str, burst: u32) -> Series {
        let mut series = Series::default();
        for hour in (0..40 * 24).step_by(6) {
            series.count(feed, hour, 1, hour - KEPT_HOURS);
        }
        series.count(feed, 40 * 24, burst, 0);
        series
    }

    const KEPT_HOURS: i32 = super::super::KEPT_DAYS * 24;

    fn at(hour: i32) -> Millis {
        Millis(i64::from(hour) * HOUR_MS + 1)
    }

    #[test]
    fn twelve_in_an_hour_are_an_alarm_where_few_are_usual() {
        let series = series("calls", 12);
        let growth = read(&series, at(40 * 24), &config());
        assert_eq!((growth.period, growth.observed), (GrowthPeriod::Hour, 12));
        assert!(growth.alarm && growth.expected.unwrap() < 1.0, "{growth:?}");
        assert_eq!(growth.series.len(), MAX_GROWTH_PERIODS);
        assert_eq!(growth.start, Millis(i64::from(40 * 24) * HOUR_MS));
        assert!(may_alarm(&series, 40 * 24, &config()));
        assert_eq!(config().points((&growth).into()), 10);
        let after = read(&series, at(40 * 24 + 30), &config());
        assert!(!after.alarm, "{after:?}");
        assert_eq!(config().points((&after).into()), 0);
    }

    #[test]
    fn fewer_than_the_least_are_none() {
        let growth = read(&series("calls", 3), at(40 * 24), &config());
        assert!(
            !growth.alarm && growth.statistic.unwrap() > 2.0,
            "{growth:?}"
        );
    }

    #[test]
    fn what_is_new_is_being_learned() {
        let mut series = Series::default();
        for day in 0..15 {
            series.count("calls", day * 24, 1, 0);
        }
        series.count("calls", 15 * 24, 500, 0);
        let growth = read(&series, at(15 * 24), &config());
        assert_eq!((growth.learned, growth.alarm), (Some(13), false));
        assert_eq!((growth.observed, growth.series.len()), (500, 16));
        let judged = read(&series, at(16 * 24), &config());
        assert_eq!(judged.learned, None);
        assert_eq!(read(&Series::default(), at(9), &config()).learned, Some(0));
    }

    #[test]
    fn a_new_feed_is_no_growth_beside_an_old_one() {
        let mut series = series("calls", 1);
        series.count("app", 40 * 24, 300, 0);
        let growth = read(&series, at(40 * 24), &config());
        assert!(!growth.alarm, "{growth:?}");
        assert_eq!(growth.observed, 1);
    }

    #[test]
    fn a_backlog_lies_where_it_was_observed() {
        let mut series = series("calls", 1);
        for hour in 39 * 24..39 * 24 + 20 {
            series.count("calls", hour, 30, 0);
        }
        let growth = read(&series, at(40 * 24), &config());
        assert!(!growth.alarm, "{growth:?}");
    }
}
