//! The days behind a reading: which feeds are judged, and their counts from midnight of the first day to the hour in question.
//!
//! Invariant: what is usual is worked out from the days of the baseline alone; what the feeds carry in all changes what is
//! compared, never what is shown.

use super::Calendar;
use super::ears::{Ears, c2_usual};
use super::reading::GrowthConfig;
use super::series::{FeedCounts, Series};
use super::volume::Scale;
use super::w2::{Deviation, LAG_DAYS, hour_of_week, w2};

/// The feeds of a series that are judged on a day.
pub(super) struct Judged<'a> {
    /// With their places in the series.
    pub feeds: Vec<(usize, &'a FeedCounts)>,
    /// The first day on which all of them were known, or that is looked at.
    pub first: i32,
}

impl<'a> Judged<'a> {
    /// The error says how many days the oldest feed has been known.
    pub(super) fn of(series: &'a Series, today: i32, config: &GrowthConfig) -> Result<Self, u8> {
        let known = |feed: &FeedCounts| days_known(feed, today);
        let fewest = config.w2.fewest as i32;
        let named = series.feeds().iter().enumerate();
        let feeds: Vec<(usize, &FeedCounts)> = named
            .filter(|(_, feed)| !feed.feed.is_empty() && known(feed) >= fewest)
            .collect();
        let begun = feeds.iter().map(|(_, feed)| Calendar::day_of(feed.since));
        let Some(first) = begun.max() else {
            let longest = series.feeds().iter().map(known).max().unwrap_or(0);
            return Err(longest.clamp(0, fewest) as u8);
        };
        let window = config.w2.baseline as i32 + LAG_DAYS as i32;
        Ok(Self {
            feeds,
            first: first.max(today - window),
        })
    }

    /// Of every day, whether it is of the same stratum as today.
    pub(super) fn alike(&self, today: i32, config: &GrowthConfig) -> Vec<bool> {
        let rest = config.calendar.is_rest(today);
        (self.first..=today)
            .map(|day| config.calendar.is_rest(day) == rest)
            .collect()
    }
}

/// Whole days before the lag on which a feed was known.
fn days_known(feed: &FeedCounts, today: i32) -> i32 {
    today
        .saturating_sub(Calendar::day_of(feed.since))
        .saturating_sub(LAG_DAYS as i32)
}

/// Counts, and what they deviate.
pub(super) struct Window {
    /// By hour, from midnight of the first day.
    pub counts: Counts,
    /// By day.
    pub days: Vec<f64>,
    /// Today, so far.
    pub by_day: Option<Deviation>,
    /// The hour.
    pub by_hour: Option<Deviation>,
    /// EARS C2 of today.
    pub c2: Option<Deviation>,
}

impl Window {
    /// `alike` says of every day whether it may be compared with today. `hours`: whether the hour is judged too. `scales` are of
    /// the judged feeds: how many times the usual they carry.
    pub(super) fn of(
        judged: &Judged<'_>,
        hour: i32,
        hours: bool,
        alike: &[bool],
        scales: Option<&[Scale]>,
        config: &GrowthConfig,
    ) -> Self {
        let feeds: Vec<&FeedCounts> = judged.feeds.iter().map(|(_, feed)| *feed).collect();
        let counts = Counts::of(&feeds, judged.first, hour);
        let scaled = |of: fn(&Scale) -> f64| {
            scales.map(|scales| {
                let by = |n: usize| scales.get(n).map_or(1.0, of);
                Counts::scaled(&feeds, judged.first, hour, by)
            })
        };
        let days = counts.days();
        let (for_days, for_hours) = (scaled(|scale| scale.day), scaled(|scale| scale.hour));
        let compared = for_days.map_or_else(|| days.clone(), |counts| counts.days());
        let at = days.len() - 1;
        let by_hour = hours.then(|| {
            let compared = &for_hours.as_ref().unwrap_or(&counts).0;
            hour_of_week(compared, alike, compared.len() - 1, &config.w2)
        });
        Self {
            by_day: w2(&compared, alike, at, &config.w2),
            by_hour: by_hour.flatten(),
            c2: c2_of(&compared, config),
            counts,
            days,
        }
    }
}

/// EARS C2 of the last of these days.
pub(super) fn c2_of(days: &[f64], config: &GrowthConfig) -> Option<Deviation> {
    let control = Ears {
        min_sigma: config.w2.min_sigma,
        ..Ears::default()
    };
    let last = days.len().checked_sub(1)?;
    let (mean, sigma) = c2_usual(days, last, &control)?;
    Some(Deviation::of(days[last], mean, sigma))
}

/// Counts by hour, from midnight of a day to the hour that is judged.
pub(super) struct Counts(pub Vec<f64>);

impl Counts {
    pub(super) fn of(feeds: &[&FeedCounts], first: i32, hour: i32) -> Self {
        Self::scaled(feeds, first, hour, |_| 1.0)
    }

    /// Counts of days before today as they would be, did the feeds carry then what they carry now.
    fn scaled(feeds: &[&FeedCounts], first: i32, hour: i32, scale: impl Fn(usize) -> f64) -> Self {
        let (begin, midnight) = (first * 24, Calendar::day_of(hour) * 24);
        let mut counts = vec![0.0; (hour - begin + 1).max(1) as usize];
        for (n, feed) in feeds.iter().enumerate() {
            let scale = scale(n);
            for (at, count) in &feed.hours {
                let slot = usize::try_from(at - begin).ok();
                if let Some(slot) = slot.and_then(|slot| counts.get_mut(slot)) {
                    let scale = if *at < midnight { scale } else { 1.0 };
                    *slot += f64::from(*count) * scale;
                }
            }
        }
        Self(counts)
    }

    pub(super) fn days(&self) -> Vec<f64> {
        self.0.chunks(24).map(|day| day.iter().sum()).collect()
    }
}
