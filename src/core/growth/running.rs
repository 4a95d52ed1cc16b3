//! The reading of a series while it is being counted, one report after the other.
//!
//! Invariant: says at every moment what a reading of the whole series says. What is usual depends on days that are over, so a
//! report of today only adds to the counts; one of the days behind changes what is usual, and then it is worked out anew.

use super::Calendar;
use super::basis::Basis;
use super::normalised::Plan;
use super::reading::{GrowthConfig, Verdict, chosen, is_alarm, milli, shown};
use super::series::{Counted, FeedCounts, Series};
use super::w2::{Deviation, LAG_DAYS, hour_of_days, w2};
use super::window::{Judged, c2_of};
use crate::core::model::{Growth, GrowthPeriod, MAX_GROWTH_PERIODS};

/// What is usual at one hour, and what has been counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Running {
    hour: i32,
    /// A bit for each feed of the series that is judged, and the first day on which all of them were known.
    judged: u16,
    first: i32,
    /// A bit for each day from that one on: whether it may be compared with today.
    alike: u64,
    by_day: Option<Deviation>,
    by_hour: Option<Deviation>,
    c2: Option<Deviation>,
    /// Reports of the judged feeds today and in this hour.
    day: u32,
    in_hour: u32,
}

/// What is usual on a day, at whatever hour of it: enough to say that nothing is an alarm, and most of what a reading of any hour needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Today {
    day: i32,
    judged: u16,
    first: i32,
    alike: u64,
    by_day: Option<Deviation>,
    c2: Option<Deviation>,
}

impl Today {
    /// One more report; false when what is usual has changed.
    pub fn count(&self, counted: Counted, hour: i32) -> bool {
        !counted.is_older && hour >= baseline_ends(self.day)
    }

    /// Whether the series is no alarm at `hour`, whatever is usual in it: there are too few in the hour, and no more than usual today.
    /// False where that is not known.
    pub fn is_calm(&self, series: &Series, hour: i32, config: &GrowthConfig) -> bool {
        if !self.is_of(hour) {
            return false;
        }
        let sum = |from: i32| self.sum(series, from, hour);
        let usual = |usual: Deviation| usual.again(sum(self.day * 24)).statistic < config.threshold;
        sum(hour) < config.min_reports && self.by_day.is_none_or(usual)
    }

    /// Whether the hour is one of the day.
    pub fn is_of(&self, hour: i32) -> bool {
        Calendar::day_of(hour) == self.day
    }

    /// The reading of an hour of the day: of the baseline it looks at the hours alone that are compared with this one.
    pub fn at(&self, series: &Series, hour: i32, config: &GrowthConfig) -> Running {
        Running {
            hour,
            judged: self.judged,
            first: self.first,
            alike: self.alike,
            by_day: self.by_day,
            by_hour: self.by_hour(series, hour, config),
            c2: self.c2,
            day: self.sum(series, self.day * 24, hour),
            in_hour: self.sum(series, hour, hour),
        }
    }

    /// What [`hour_of_week`](super::hour_of_week) says of the whole window.
    fn by_hour(&self, series: &Series, hour: i32, config: &GrowthConfig) -> Option<Deviation> {
        if self.judged == 0 {
            return None;
        }
        let days = usize::try_from(self.day - self.first).ok()?;
        let mut near = vec![[0.0; 3]; days];
        for (_, feed) in judged_feeds(self.judged, series) {
            add_near(&mut near, feed, self.first, hour);
        }
        let alike: Vec<bool> = (0..=days).map(|day| self.alike >> day & 1 == 1).collect();
        let observed = f64::from(self.sum(series, hour, hour));
        let near = |day: usize| near[day];
        let of_day = hour.rem_euclid(24) as usize;
        hour_of_days(near, &alike, days, of_day, observed, &config.w2)
    }

    /// Reports of the judged feeds in the hours `from..=to`.
    fn sum(&self, series: &Series, from: i32, to: i32) -> u32 {
        sum_of(self.judged, series, from, to)
    }
}

/// The feeds of a series with a bit.
fn judged_feeds(judged: u16, series: &Series) -> impl Iterator<Item = (usize, &FeedCounts)> {
    let feeds = series.feeds().iter().enumerate();
    feeds.filter(move |(at, _)| judged & 1 << at != 0)
}

/// Their reports in the hours `from..=to`.
fn sum_of(judged: u16, series: &Series, from: i32, to: i32) -> u32 {
    let of = judged_feeds(judged, series).map(|(_, feed)| feed.sum(from, to.saturating_add(1)));
    of.fold(0, u32::saturating_add)
}

/// Adds the reports of a feed to those in the hour before `hour` of the day, in it, and in the one after, by day from `first` on.
pub(super) fn add_near(near: &mut [[f64; 3]], feed: &FeedCounts, first: i32, hour: i32) {
    let (begin, of_day) = (first * 24, hour.rem_euclid(24));
    let from = feed.hours.partition_point(|(at, _)| *at < begin);
    for (at, count) in &feed.hours[from..] {
        let off = at - begin - of_day + 1;
        let (day, slot) = (off.div_euclid(24), off.rem_euclid(24) as usize);
        let of_day = usize::try_from(day).ok().and_then(|day| near.get_mut(day));
        if let Some(count_of) = of_day.and_then(|hours| hours.get_mut(slot)) {
            *count_of += f64::from(*count);
        }
    }
}

/// The first hour whose reports change nothing about what is usual on a day: the profile of the last hour of a day looks at the
/// first one of the next day.
pub(super) fn baseline_ends(day: i32) -> i32 {
    (day - LAG_DAYS as i32) * 24 + 1
}

impl Running {
    /// What it knows of the whole day.
    pub fn today(&self) -> Today {
        Today {
            day: Calendar::day_of(self.hour),
            judged: self.judged,
            first: self.first,
            alike: self.alike,
            by_day: self.by_day,
            c2: self.c2,
        }
    }

    /// Works out what is usual at `hour`.
    pub fn of(series: &Series, hour: i32, config: &GrowthConfig) -> Self {
        let mut running = Self::new(hour);
        let today = Calendar::day_of(hour);
        let Ok(judged) = Judged::of(series, today, config) else {
            return running;
        };
        let alike = judged.alike(today, config);
        let mut days = vec![0; alike.len()];
        let mut near = vec![[0.0; 3]; alike.len() - 1];
        for (at, feed) in &judged.feeds {
            running.judged |= 1 << at;
            feed.add_days(judged.first, hour, &mut days);
            add_near(&mut near, feed, judged.first, hour);
        }
        running.first = judged.first;
        running.day = days.last().copied().unwrap_or(0);
        running.in_hour = sum_of(running.judged, series, hour, hour);
        let days: Vec<f64> = days.into_iter().map(f64::from).collect();
        running.judge(&days, &near, &alike, config);
        let alike = alike.iter().zip(0..);
        running.alike = alike.fold(0, |bits, (alike, day)| bits | u64::from(*alike) << day);
        running
    }

    /// The same where the feeds carry more or less than usual, by the basis of the plan.
    pub fn under(plan: &Plan, basis: &Basis, series: &Series, config: &GrowthConfig) -> Self {
        let mut running = Self::new(basis.hour);
        let Plan::Scaled { alike, scales } = plan else {
            return running;
        };
        let (hour, midnight) = (basis.hour, Calendar::day_of(basis.hour) * 24);
        let at = alike.len() - 1;
        let mut days = vec![0.0; at + 1];
        let mut near = vec![[0.0; 3]; at];
        for (feed, scale) in basis.feeds.iter().zip(scales) {
            for (sum, count) in days.iter_mut().zip(&feed.days) {
                *sum += count * scale.day;
            }
            for (sums, counts) in near.iter_mut().zip(&feed.near) {
                for (sum, count) in sums.iter_mut().zip(counts) {
                    *sum += count * scale.hour;
                }
            }
        }
        (running.judged, running.first) = (basis.judged, basis.first);
        running.day = sum_of(basis.judged, series, midnight, hour);
        running.in_hour = sum_of(basis.judged, series, hour, hour);
        days[at] = f64::from(running.day);
        running.judge(&days, &near, alike, config);
        running
    }

    /// What is usual by these days, today the last of them, and by the hours near this one on those before.
    fn judge(&mut self, days: &[f64], near: &[[f64; 3]], alike: &[bool], config: &GrowthConfig) {
        let (at, of_day) = (near.len(), self.hour.rem_euclid(24) as usize);
        let in_hour = f64::from(self.in_hour);
        self.by_day = w2(days, alike, at, &config.w2);
        self.by_hour = hour_of_days(|day| near[day], alike, at, of_day, in_hour, &config.w2);
        self.c2 = c2_of(days, config);
    }

    fn new(hour: i32) -> Self {
        Self {
            hour,
            judged: 0,
            first: 0,
            alike: 0,
            by_day: None,
            by_hour: None,
            c2: None,
            day: 0,
            in_hour: 0,
        }
    }

    /// Whether it is one of this hour.
    pub fn is_of(&self, hour: i32) -> bool {
        self.hour == hour
    }

    /// One more report; false when what is usual has changed.
    pub fn count(&mut self, counted: Counted, hour: i32) -> bool {
        let today = Calendar::day_of(self.hour);
        if counted.is_older || hour < baseline_ends(today) || hour > self.hour {
            return false;
        }
        if hour < today * 24 {
            return true;
        }
        if self.judged & 1 << counted.feed != 0 {
            self.day = self.day.saturating_add(1);
            self.in_hour = self.in_hour.saturating_add(u32::from(hour == self.hour));
        }
        true
    }

    /// What [`read`](super::read) says, or [`read_normalised`](super::read_normalised) of one that is under a plan.
    pub fn verdict(&self, config: &GrowthConfig) -> Verdict {
        let (period, found, observed) = self.found();
        Verdict {
            alarm: is_alarm(observed, found, config),
            period: found.map(|_| period),
            observed,
            w2: found.map(|found| milli(found.statistic)),
            c2: self.c2.map(|usual| milli(usual.again(self.day).statistic)),
        }
    }

    /// The period that deviates more, what it deviates, and the reports in it.
    fn found(&self) -> (GrowthPeriod, Option<Deviation>, u32) {
        let by_day = self.by_day.map(|usual| usual.again(self.day));
        let by_hour = self.by_hour.map(|usual| usual.again(self.in_hour));
        let (period, found) = chosen(by_day, by_hour);
        let observed = match period {
            GrowthPeriod::Hour => self.in_hour,
            GrowthPeriod::Day => self.day,
        };
        (period, found, observed)
    }

    /// The whole reading, of the series that was counted; none where it is being learned.
    pub fn reading(&self, series: &Series, config: &GrowthConfig) -> Option<Growth> {
        if self.judged == 0 {
            return None;
        }
        let (period, found, _) = self.found();
        Some(shown(
            period,
            found,
            self.c2.map(|usual| usual.again(self.day)),
            self.last(series, period),
            self.hour,
            config,
        ))
    }

    /// Counts of the last periods, the judged one last.
    fn last(&self, series: &Series, period: GrowthPeriod) -> Vec<u32> {
        let today = Calendar::day_of(self.hour);
        let most = MAX_GROWTH_PERIODS as i32 - 1;
        let feeds = judged_feeds(self.judged, series).map(|(_, feed)| feed);
        if period == GrowthPeriod::Day {
            let first = (today - most).max(self.first);
            let mut days = vec![0; (today - first + 1) as usize];
            feeds.for_each(|feed| feed.add_days(first, self.hour, &mut days));
            return days;
        }
        let first = (self.hour - most).max(self.first * 24);
        let mut counts = vec![0_u32; (self.hour - first + 1) as usize];
        for feed in feeds {
            let begin = feed.hours.partition_point(|(hour, _)| *hour < first);
            for (hour, count) in &feed.hours[begin..] {
                let slot = usize::try_from(hour - first).ok();
                if let Some(sum) = slot.and_then(|slot| counts.get_mut(slot)) {
                    *sum = sum.saturating_add(*count);
                }
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::core::growth::{HOUR_MS, KEPT_DAYS, may_alarm, read};
    use crate::core::model::Millis;

    fn config() -> GrowthConfig {
        GrowthConfig {
            calendar: Calendar::default(),
            ..GrowthConfig::default()
        }
    }

    prop_compose! {
        /// Feed, hours before the hour that is judged.
        fn report()(feed in 0_usize..3, back in prop_oneof![
            3 => 0_i32..2, 2 => 0_i32..30, 2 => 24_i32..100, 1 => 0_i32..900,
        ]) -> (usize, i32) {
            (feed, back)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        /// After every report, in whatever order they come and while the clock moves: what the slow reading of all of it says.
        #[test]
        fn says_what_a_reading_says(
            past in prop::collection::vec((0_usize..3, 0_i32..40 * 24, 1_u32..4), 0..200),
            reports in prop::collection::vec((report(), 0_i32..2), 1..60),
        ) {
            let (config, feeds) = (config(), ["a", "b", "c"]);
            let mut series = Series::default();
            for (feed, hour, by) in past {
                series.count(feeds[feed], hour, by, 0);
            }
            let mut hour = 40 * 24;
            let mut running = Running::of(&series, hour, &config);
            let mut today = running.today();
            for ((feed, back), later) in reports {
                hour += later;
                if !running.is_of(hour) {
                    running = Running::of(&series, hour, &config);
                }
                let at = hour - back;
                let counted = series.count(feeds[feed], at, 1, hour - (KEPT_DAYS - 1) * 24);
                let calm = today.count(counted, at) && today.is_calm(&series, hour, &config);
                if !running.count(counted, at) {
                    running = Running::of(&series, hour, &config);
                }
                let now = Millis(i64::from(hour) * HOUR_MS + 7);
                let naive = read(&series, now, &config);
                prop_assert!(!(calm && naive.alarm), "{:?}", naive);
                if !today.count(counted, at) || Calendar::day_of(hour) != today.day {
                    today = running.today();
                }
                prop_assert_eq!(running.verdict(&config), Verdict::from(&naive));
                let anew = running.today().at(&series, hour, &config);
                prop_assert_eq!(anew.verdict(&config), running.verdict(&config));
                prop_assert_eq!(anew.reading(&series, &config), running.reading(&series, &config));
                if let Some(whole) = running.reading(&series, &config) {
                    prop_assert_eq!(whole, naive.clone());
                }
                prop_assert!(!naive.alarm || may_alarm(&series, hour, &config));
            }
        }
    }
}
