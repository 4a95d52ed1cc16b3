//! What alarms of one hour are looked at again by: the days that are compared, what the feeds usually carry, and the sums of the days.
//!
//! Invariant: a function of what lay before today in the series and in the volumes of its feeds, and of the hour: a report of today
//! changes nothing of it, so it is worked out once and not for every report.

use super::Calendar;
use super::normalised::Plan;
use super::reading::GrowthConfig;
use super::running::{add_near, baseline_ends};
use super::series::{Counted, FeedCounts, Series};
use super::volume::{FeedVolume, Scale, Usual};
use super::w2::LAG_DAYS;
use super::window::Judged;

/// What a series is compared with in an hour, whatever its feeds carry in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Basis {
    pub(super) hour: i32,
    /// The first day of the window.
    pub(super) first: i32,
    /// A bit for each feed of the series that is judged.
    pub(super) judged: u16,
    pub(super) feeds: Vec<BasisFeed>,
    /// Of every day of the window, whether it may be compared with today; how many days were not silent where they are too few.
    alike: Result<Vec<bool>, u8>,
}

/// One judged feed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct BasisFeed {
    /// Place in the series.
    at: usize,
    usual: Usual,
    /// Reports by day before today, and in the hour and its neighbours on these.
    pub(super) days: Vec<f64>,
    pub(super) near: Vec<[f64; 3]>,
}

impl Basis {
    /// The basis of an hour: `volumes` are those of the feeds, in the order of [`Series::feeds`], where they are known. A day on which
    /// a feed was silent teaches nothing.
    pub fn of(
        series: &Series,
        hour: i32,
        config: &GrowthConfig,
        volumes: &[Option<FeedVolume<'_>>],
    ) -> Self {
        let today = Calendar::day_of(hour);
        let learning = |learned| Self {
            hour,
            first: today,
            judged: 0,
            feeds: Vec::new(),
            alike: Err(learned),
        };
        let judged = match Judged::of(series, today, config) {
            Ok(judged) => judged,
            Err(learned) => return learning(learned),
        };
        let baseline = judged.first..today - LAG_DAYS as i32;
        let of_feed = |at: usize| volumes.get(at).and_then(Option::as_ref);
        let mut silent: Vec<i32> = Vec::new();
        for (at, _) in &judged.feeds {
            silent.extend(of_feed(*at).map_or_else(Vec::new, |v| v.silent_days(baseline.clone())));
        }
        silent.sort_unstable();
        silent.dedup();
        let spoken = baseline.len() - silent.len();
        if spoken < config.w2.fewest {
            return learning(spoken as u8);
        }
        let mut alike = judged.alike(today, config);
        for day in silent {
            alike[(day - judged.first) as usize] = false;
        }
        let days: Vec<i32> = baseline
            .filter(|day| alike[(day - judged.first) as usize])
            .collect();
        let feed = |(at, feed): &(usize, &FeedCounts)| BasisFeed {
            at: *at,
            usual: of_feed(*at).map_or(Usual::NONE, |volume| volume.usual(hour, &days)),
            days: by_day(feed, judged.first, today),
            near: near(feed, judged.first, hour),
        };
        Self {
            hour,
            first: judged.first,
            judged: judged.feeds.iter().fold(0, |bits, (at, _)| bits | 1 << at),
            feeds: judged.feeds.iter().map(feed).collect(),
            alike: Ok(alike),
        }
    }

    /// Whether it is one of this hour.
    pub fn is_of(&self, hour: i32) -> bool {
        self.hour == hour
    }

    /// One more report in the series; false when it does not hold any more.
    pub fn count(&self, counted: Counted, hour: i32) -> bool {
        !counted.is_older && hour >= baseline_ends(Calendar::day_of(self.hour))
    }

    /// Places in the series of the feeds that are judged.
    pub fn judged(&self) -> impl Iterator<Item = usize> {
        self.feeds.iter().map(|feed| feed.at)
    }

    /// The plan, by what the feeds carry: `volume` is that of a feed by its place in the series. A feed that carries more of everything
    /// is expected to carry more of this.
    pub fn plan<'v>(&self, volume: impl Fn(usize) -> Option<FeedVolume<'v>>) -> Plan {
        let alike = match &self.alike {
            Ok(alike) => alike.clone(),
            Err(learned) => return Plan::Learning(*learned),
        };
        let scale = |feed: &BasisFeed| {
            volume(feed.at).map_or(Scale::ONE, |volume| volume.scale(self.hour, feed.usual))
        };
        let scales = self.feeds.iter().map(scale).collect();
        Plan::Scaled { alike, scales }
    }
}

/// Reports of a feed on the days `first..today`.
fn by_day(feed: &FeedCounts, first: i32, today: i32) -> Vec<f64> {
    let mut days = vec![0; usize::try_from(today - first).unwrap_or(0)];
    feed.add_days(first, today * 24 - 1, &mut days);
    days.into_iter().map(f64::from).collect()
}

fn near(feed: &FeedCounts, first: i32, hour: i32) -> Vec<[f64; 3]> {
    let days = usize::try_from(Calendar::day_of(hour) - first).unwrap_or(0);
    let mut near = vec![[0.0; 3]; days];
    add_near(&mut near, feed, first, hour);
    near
}
