//! What a feed carries in all, as a measure of its reports of one hazard.
//!
//! Invariant: the measure is what the feed says about *other* hazards, so that an outbreak does not hide itself, at however many
//! places it is; it only ever raises what is expected, and says nothing where there is too little of it.
//!
//! W2 normalised by volume (Tokars et al. 2009) divides by all visits of a clinic. Here the volume of the other hazards today is
//! compared with the same part of the days of the baseline, where it is more beyond doubt (a Poisson count of n has the standard
//! error √n): of five reports more nobody can say that a feed has doubled.

use std::borrow::Cow;
use std::ops::Range;

use super::Calendar;
use super::series::Series;

/// A feed that is silent for a day is one where at least so many reports are usual.
const SPEAKS: u32 = 10;
/// Upper 5 % quantile of the standard normal distribution.
const SURE: f64 = 1.645;
/// Steps of a [`Scale`].
const STEPS: f64 = 16.0;

/// How many times the usual a feed carries, ≥ 1, in sixteenths: today so far, and in this hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Today so far.
    pub day: f64,
    /// In this hour.
    pub hour: f64,
}

impl Scale {
    /// As usual.
    pub const ONE: Self = Self {
        day: 1.0,
        hour: 1.0,
    };
}

/// Reports of other hazards that a feed usually carries by an hour of the day, and in this hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    day: f64,
    hour: f64,
}

impl Usual {
    /// Nothing is known of it.
    pub const NONE: Self = Self {
        day: 0.0,
        hour: 0.0,
    };
}

/// Reports that a feed carries.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedVolume<'a> {
    /// Of all hazards.
    pub all: Cow<'a, Series>,
    /// Of the hazard that is judged.
    pub own: Cow<'a, Series>,
}

impl FeedVolume<'_> {
    /// The days of these on which the feed said nothing at all, though it usually does.
    pub fn silent_days(&self, days: Range<i32>) -> Vec<i32> {
        let Some(since) = self.all.feeds().iter().map(|feed| feed.since).min() else {
            return Vec::new();
        };
        // The day on which it began is one of which only a part is known.
        let known = days.start.max(Calendar::day_of(since) + 1)..days.end;
        let counts: Vec<(i32, u32)> = known
            .map(|day| (day, self.all.sum(day * 24, day * 24 + 24)))
            .collect();
        if counts.iter().all(|(_, count)| *count > 0) {
            return Vec::new();
        }
        let mut spoken: Vec<u32> = counts.iter().map(|c| c.1).filter(|c| *c > 0).collect();
        spoken.sort_unstable();
        let usual = spoken.get(spoken.len() / 2).copied().unwrap_or(0);
        let silent = counts.into_iter().filter(|(_, count)| *count == 0);
        silent
            .filter(|_| usual >= SPEAKS)
            .map(|(day, _)| day)
            .collect()
    }

    /// What it usually carried of other hazards by `hour` of these days, and around it.
    pub fn usual(&self, hour: i32, days: &[i32]) -> Usual {
        let of_day = hour - Calendar::day_of(hour) * 24;
        let sum = |from: i32, to: i32| -> f64 {
            let of = |day: &i32| f64::from(self.others(day * 24 + from, day * 24 + to));
            days.iter().map(of).sum()
        };
        let n = (days.len() as f64).max(1.0);
        Usual {
            day: sum(0, of_day + 1) / n,
            // The hour with its neighbours, as in the profile of the hour of the week.
            hour: sum(of_day - 1, of_day + 2) / n / 3.0,
        }
    }

    /// What it carries at `hour` against what is usual.
    pub fn scale(&self, hour: i32, usual: Usual) -> Scale {
        let midnight = Calendar::day_of(hour) * 24;
        Scale {
            day: times(self.others(midnight, hour + 1), usual.day),
            hour: times(self.others(hour, hour + 1), usual.hour),
        }
    }

    /// Reports of other hazards in the hours `from..to`.
    fn others(&self, from: i32, to: i32) -> u32 {
        self.all
            .sum(from, to)
            .saturating_sub(self.own.sum(from, to))
    }
}

/// How many times the usual was `found`, ≥ 1. More than usual is what 95 of 100 Poisson counts of that mean are below.
fn times(found: u32, usual: f64) -> f64 {
    let found = f64::from(found);
    if usual <= 0.0 || found - SURE * found.sqrt() <= usual {
        return 1.0;
    }
    (found / usual * STEPS).floor() / STEPS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `all` and `own` reports in every hour of 40 days but the silent ones.
    fn volume(all: u32, own: u32, silent: Range<i32>) -> FeedVolume<'static> {
        let (mut of_all, mut of_own) = (Series::default(), Series::default());
        for hour in (0..40 * 24).filter(|hour| !silent.contains(&(hour / 24))) {
            of_all.count("calls", hour, all, 0);
            of_own.count("calls", hour, own, 0);
        }
        FeedVolume {
            all: Cow::Owned(of_all),
            own: Cow::Owned(of_own),
        }
    }

    fn scale(volume: &FeedVolume<'_>, days: &[i32]) -> Scale {
        let hour = 39 * 24 + 9;
        volume.scale(hour, volume.usual(hour, days))
    }

    #[test]
    fn twice_as_much_of_everything_else_is_nearly_two() {
        let days: Vec<i32> = (10..38).collect();
        let mut twice = volume(50, 5, 0..0);
        assert_eq!(scale(&twice, &days), Scale::ONE);
        twice.all.to_mut().count("calls", 39 * 24 + 9, 450, 0);
        let scale = scale(&twice, &days);
        assert!((scale.hour - 11.0).abs() < 0.1, "{scale:?}");
        assert!((scale.day - 2.0).abs() < 0.1, "{scale:?}");
    }

    #[test]
    fn its_own_outbreak_changes_nothing() {
        let days: Vec<i32> = (10..38).collect();
        let mut outbreak = volume(50, 5, 0..0);
        outbreak.all.to_mut().count("calls", 39 * 24 + 9, 450, 0);
        outbreak.own.to_mut().count("calls", 39 * 24 + 9, 450, 0);
        assert_eq!(scale(&outbreak, &days), Scale::ONE);
    }

    #[test]
    fn days_without_a_word_are_silent_where_there_usually_is_one() {
        assert_eq!(volume(1, 0, 20..22).silent_days(10..38), [20, 21]);
        assert_eq!(volume(1, 0, 11..37).silent_days(10..38).len(), 26);
        let mut rare = Series::default();
        for day in 0..30 {
            rare.count("calls", day * 48, 3, 0);
        }
        let rare = FeedVolume {
            all: Cow::Owned(rare),
            own: Cow::Owned(Series::default()),
        };
        assert!(rare.silent_days(0..38).is_empty());
    }

    #[test]
    fn little_says_nothing() {
        let cases = [
            (3, 0.0, 1.0),
            (4, 2.0, 1.0),
            (400, 200.0, 2.0),
            (220, 200.0, 1.0),
        ];
        for (found, usual, expected) in cases {
            assert!(
                (times(found, usual) - expected).abs() < 1e-9,
                "{found} {usual}"
            );
        }
    }
}
