//! Reports of one hazard at one place, per feed and local hour.
//!
//! Invariant: a series is a function of the set of (feed, hour, count) that it was told, not of their order; what lies before the
//! window is dropped and never looked at. Days are sums of hours, so the two cannot disagree.

/// Days of hours that are kept: baseline, lag, today, and some for what comes late.
pub const KEPT_DAYS: i32 = 35;
/// Feeds of one series that are told apart; further ones share a place and are never old enough to be judged.
pub const MAX_FEEDS: usize = 8;
/// Longest name of a feed kept, bytes.
const MAX_NAME: usize = 128;

/// Counts of one feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedCounts {
    /// Feed; empty for those beyond [`MAX_FEEDS`].
    pub feed: Box<str>,
    /// The first hour in which it reported, however long ago.
    pub since: i32,
    /// Hours that are not empty, oldest first.
    pub hours: Vec<(i32, u32)>,
}

/// Where a report was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Place of the feed in [`Series::feeds`].
    pub feed: usize,
    /// It is the first of the feed, or older than what was the first: places and ages of feeds may have changed.
    pub is_older: bool,
    /// How many hours of the feed are as they were, from the oldest one on.
    pub kept: usize,
}

/// The series of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    pub(super) feeds: Vec<FeedCounts>,
}

impl FeedCounts {
    /// Reports in the hours `from..to`.
    pub fn sum(&self, from: i32, to: i32) -> u32 {
        let begin = self.hours.partition_point(|(hour, _)| *hour < from);
        let within = self.hours[begin..].iter();
        within
            .take_while(|(hour, _)| *hour < to)
            .fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// Adds the reports up to and in the hour `last` to sums by day, of which the first is that of the day `first`.
    pub(super) fn add_days(&self, first: i32, last: i32, days: &mut [u32]) {
        let begin = self.hours.partition_point(|(hour, _)| *hour < first * 24);
        for (hour, count) in &self.hours[begin..] {
            let day = usize::try_from((hour - first * 24) / 24).ok();
            let Some(sum) = day
                .and_then(|day| days.get_mut(day))
                .filter(|_| *hour <= last)
            else {
                return;
            };
            *sum = sum.saturating_add(*count);
        }
    }
}

impl Series {
    /// The feeds, in the order of their names.
    pub fn feeds(&self) -> &[FeedCounts] {
        &self.feeds
    }

    /// The last hour that was counted; none of an empty series.
    pub fn last_hour(&self) -> Option<i32> {
        let last = |feed: &FeedCounts| feed.hours.last().map(|(hour, _)| *hour);
        self.feeds.iter().filter_map(last).max()
    }

    /// Counts `by` reports of a feed. Hours before `oldest` are dropped.
    pub fn count(&mut self, feed: &str, hour: i32, by: u32, oldest: i32) -> Counted {
        let at = self.feed_at(feed);
        let feed = &mut self.feeds[at];
        let mut counted = Counted {
            feed: at,
            is_older: hour < feed.since,
            kept: 0,
        };
        feed.since = feed.since.min(hour);
        let goes = |first: &(i32, u32)| first.0 < oldest;
        let dropped = if feed.hours.first().is_some_and(goes) {
            feed.hours.drain(..feed.hours.partition_point(goes)).count()
        } else {
            0
        };
        let last = feed.hours.len().checked_sub(1);
        let place = match last.filter(|last| feed.hours[*last].0 == hour) {
            Some(last) => Ok(last),
            None => feed.hours.binary_search_by_key(&hour, |(hour, _)| *hour),
        };
        match place {
            _ if hour < oldest => {}
            Ok(at) => feed.hours[at].1 = feed.hours[at].1.saturating_add(by),
            Err(at) => feed.hours.insert(at, (hour, by)),
        }
        if dropped == 0 {
            counted.kept = place.unwrap_or_else(|at| at);
        }
        counted
    }

    /// Adds another series hour by hour, feed by feed: that of a wider area is the sum of those of its places.
    pub fn add(&mut self, other: &Self) {
        for feed in &other.feeds {
            for (hour, count) in &feed.hours {
                self.count(&feed.feed, *hour, *count, i32::MIN);
            }
            let at = self.feed_at(&feed.feed);
            self.feeds[at].since = self.feeds[at].since.min(feed.since);
        }
    }

    /// Takes over what an archive knows of the hours before those that this series knows, feed by feed; hours before `oldest` are
    /// not kept. Returns what was added: feed, hour and count. A second time adds nothing.
    pub fn fill(&mut self, archive: &Self, oldest: i32) -> Vec<(Box<str>, i32, u32)> {
        let mut added = Vec::new();
        for earlier in archive.feeds.iter().filter(|feed| !feed.feed.is_empty()) {
            let known = self.known(&earlier.feed);
            let since = known.map_or(i32::MAX, |at| self.feeds[at].since);
            if earlier.since >= since {
                continue;
            }
            for (hour, count) in &earlier.hours {
                if *hour < since && *hour >= oldest {
                    self.count(&earlier.feed, *hour, *count, oldest);
                    added.push((earlier.feed.clone(), *hour, *count));
                }
            }
            let at = self.feed_at(&earlier.feed);
            self.feeds[at].since = self.feeds[at].since.min(earlier.since);
        }
        added
    }

    /// Takes one report back. What was dropped stays dropped.
    pub fn uncount(&mut self, feed: &str, hour: i32) {
        let Some(at) = self.known(feed).or_else(|| self.known("")) else {
            return;
        };
        let hours = &mut self.feeds[at].hours;
        if let Ok(at) = hours.binary_search_by_key(&hour, |(hour, _)| *hour) {
            hours[at].1 -= 1;
            if hours[at].1 == 0 {
                hours.remove(at);
            }
        }
    }

    /// Reports of all feeds in the hours `from..to`.
    pub fn sum(&self, from: i32, to: i32) -> u32 {
        let feeds = self.feeds.iter();
        feeds.fold(0, |sum, feed| sum.saturating_add(feed.sum(from, to)))
    }

    fn known(&self, feed: &str) -> Option<usize> {
        self.feeds
            .binary_search_by(|known| (*known.feed).cmp(feed))
            .ok()
    }

    /// Where a feed's counts are, made when they are new.
    fn feed_at(&mut self, feed: &str) -> usize {
        if let Some(at) = self.known(feed).filter(|_| feed.len() <= MAX_NAME) {
            return at;
        }
        let named = self.feeds.iter().filter(|feed| !feed.feed.is_empty());
        let feed = if named.count() >= MAX_FEEDS || feed.len() > MAX_NAME {
            ""
        } else {
            feed
        };
        match self.feeds.binary_search_by(|known| (*known.feed).cmp(feed)) {
            Ok(at) => at,
            Err(at) => {
                let new = FeedCounts {
                    feed: feed.into(),
                    since: i32::MAX,
                    hours: Vec::new(),
                };
                self.feeds.insert(at, new);
                at
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn order_changes_nothing(
            told in prop::collection::vec((0_usize..4, -50_i32..900, 1_u32..400), 0..80),
            keys in prop::collection::vec(any::<u32>(), 80),
        ) {
            let build = |told: &[(usize, i32, u32)]| {
                let mut series = Series::default();
                for (feed, hour, by) in told {
                    series.count(["a", "b", "ccc", "d/e"][*feed], *hour, *by, 0);
                }
                series
            };
            let series = build(&told);
            let mut shuffled: Vec<_> = told.iter().copied().zip(keys).collect();
            shuffled.sort_by_key(|(_, key)| *key);
            let shuffled: Vec<_> = shuffled.into_iter().map(|(told, _)| told).collect();
            prop_assert_eq!(build(&shuffled), series.clone());
            let naive: u32 = told.iter().filter(|t| (0..900).contains(&t.1)).map(|t| t.2).sum();
            prop_assert_eq!(series.sum(0, 900), naive);
            let (one, other) = told.split_at(told.len() / 2);
            let mut sum = build(one);
            sum.add(&build(other));
            prop_assert_eq!(sum, series.clone());
            for (at, one) in told.iter().enumerate() {
                let mut taken = series.clone();
                taken.uncount(["a", "b", "ccc", "d/e"][one.0], one.1);
                prop_assert_eq!(taken.sum(0, 900), naive - u32::from(told[at].1 >= 0));
            }
        }
    }

    #[test]
    fn an_archive_fills_what_lies_before() {
        let of = |hours: &[(i32, u32)]| {
            let mut series = Series::default();
            for (hour, count) in hours {
                series.count("calls", *hour, *count, 0);
            }
            series
        };
        let mut live = of(&[(100, 3), (101, 1)]);
        live.count("app", 90, 2, 0);
        let archive = of(&[(2, 9), (40, 5), (100, 7), (102, 7)]);
        let added = live.fill(&archive, 10);
        assert_eq!(added, [("calls".into(), 40, 5)]);
        assert_eq!(live.feeds()[1].since, 2);
        assert_eq!(live.sum(0, 1_000), 5 + 3 + 1 + 2);
        assert_eq!(live.fill(&archive, 10), []);
    }

    #[test]
    fn feeds_are_bounded() {
        let mut series = Series::default();
        for n in 0..40 {
            series.count(&format!("feed-{n:02}"), 7, 1, 0);
        }
        assert_eq!(series.feeds().len(), MAX_FEEDS + 1);
        assert_eq!(series.sum(7, 8), 40);
        series.uncount("feed-39", 7);
        assert_eq!(series.sum(7, 8), 39);
    }
}
