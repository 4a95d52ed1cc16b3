//! A process that serves the console beside the stages it runs.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;

use super::page::feeds::{FeedRow, MINUTES};
use super::state::{Call, Process};
use crate::core::model::{Feed, Millis};
use crate::core::ruleset::RuleSet;
use crate::desk::drills::Drills;
use crate::desk::shadows::{ShadowBoard, Shadows};
use crate::telemetry::{FeedFigures, Metrics, wall_clock};

/// Looks at the feeds that rates are worked out from.
const LOOKS: usize = 64;
/// A rate is over at least this long, and at most ten times that.
const RATE_MS: i64 = 60_000;

/// Where a report from a telephone call goes: its id, or why not, for people.
pub type Calls =
    Arc<dyn for<'a> Fn(&'a Call) -> BoxFuture<'a, Result<String, String>> + Send + Sync>;

/// What the console is told by a process that may read feeds itself.
pub struct Here {
    rules: Box<dyn Fn() -> Arc<RuleSet> + Send + Sync>,
    metrics: Option<Arc<Metrics>>,
    feeds: Vec<Arc<Feed>>,
    calls: Option<Calls>,
    drills: Option<Drills>,
    shadows: ShadowBoard,
    looks: Mutex<VecDeque<(Millis, Vec<u64>)>>,
    /// Records of every feed by the end of each minute.
    totals: Mutex<VecDeque<Vec<u64>>>,
}

impl std::fmt::Debug for Here {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Here").finish_non_exhaustive()
    }
}

impl Here {
    /// `rules` gives the rule set in use; `metrics` where feeds are read here.
    pub fn new(
        rules: impl Fn() -> Arc<RuleSet> + Send + Sync + 'static,
        metrics: Option<Arc<Metrics>>,
        feeds: Vec<Arc<Feed>>,
        calls: Option<Calls>,
    ) -> Self {
        Self {
            rules: Box::new(rules),
            metrics,
            feeds,
            calls,
            drills: None,
            shadows: ShadowBoard::default(),
            looks: Mutex::default(),
            totals: Mutex::default(),
        }
    }

    /// With a room for drills.
    #[must_use]
    pub fn with_drills(mut self, drills: Option<Drills>) -> Self {
        self.drills = drills;
        self
    }

    /// With a board on which what shadow rules would have done is put up.
    #[must_use]
    pub fn with_shadows(mut self, shadows: ShadowBoard) -> Self {
        self.shadows = shadows;
        self
    }

    /// Notes what has come so far. Called once a minute; [`MINUTES`] are kept.
    pub fn note_minute(&self) {
        let Some(metrics) = &self.metrics else {
            return;
        };
        let count = |feed: &Arc<Feed>| metrics.feed_figures(&feed.id, &feed.topic).records;
        self.note(self.feeds.iter().map(count).collect());
    }

    fn note(&self, records: Vec<u64>) {
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        if totals.len() > MINUTES {
            totals.pop_front();
        }
        totals.push_back(records);
    }

    /// Records of the feed with this number in each of the last minutes, oldest first.
    fn minutes(&self, index: usize) -> Vec<u64> {
        let totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |all: &Vec<u64>| all.get(index).copied().unwrap_or(0);
        let pairs = totals.iter().zip(totals.iter().skip(1));
        pairs
            .map(|(before, after)| of(after).saturating_sub(of(before)))
            .collect()
    }

    /// Records a minute of every feed, since a look some minutes ago.
    fn rates(&self, figures: &[FeedFigures], now: Millis) -> Vec<Option<f64>> {
        let records: Vec<u64> = figures.iter().map(|it| it.records).collect();
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        while looks
            .front()
            .is_some_and(|(at, _)| now.since(*at) > 10 * RATE_MS)
        {
            looks.pop_front();
        }
        let before = looks.iter().rev().find(|(at, _)| now.since(*at) >= RATE_MS);
        let rates = records.iter().enumerate().map(|(index, count)| {
            let (at, then) = before?;
            let grown = count.saturating_sub(*then.get(index)?);
            Some(grown as f64 / (now.since(*at) as f64 / 60_000.0))
        });
        let rates = rates.collect();
        if looks
            .back()
            .is_none_or(|(at, _)| now.since(*at) >= RATE_MS / 4)
        {
            looks.push_back((now, records));
            if looks.len() > LOOKS {
                looks.pop_front();
            }
        }
        rates
    }
}

impl Process for Here {
    fn rules(&self) -> Arc<RuleSet> {
        (self.rules)()
    }

    fn reads_feeds(&self) -> bool {
        self.metrics.is_some()
    }

    fn shadow_hits(&self, rule: &str) -> Option<u64> {
        Some(self.metrics.as_ref()?.shadow_hits(rule))
    }

    fn shadows(&self) -> Option<Arc<Shadows>> {
        self.shadows.latest()
    }

    fn feeds(&self) -> Vec<FeedRow> {
        let Some(metrics) = &self.metrics else {
            return Vec::new();
        };
        let figures: Vec<FeedFigures> = self
            .feeds
            .iter()
            .map(|feed| metrics.feed_figures(&feed.id, &feed.topic))
            .collect();
        let now = wall_clock();
        let rates = self.rates(&figures, now);
        let rows = self.feeds.iter().zip(figures).zip(rates);
        rows.enumerate()
            .map(|(index, ((feed, it), per_minute))| {
                let minutes = self.minutes(index);
                let last = minutes.last().map(|count| *count as f64);
                FeedRow {
                    id: Arc::clone(&feed.id),
                    kind: feed.kind,
                    topic: feed.topic.clone(),
                    reliability: feed.reliability,
                    records: it.records,
                    outcomes: [it.detected, it.no_match, it.expired],
                    dead_letters: it.dead_letters,
                    per_minute: per_minute.or(last),
                    minutes,
                    lag: it.lag,
                    last: it.last,
                    silent_for: it.silent.then(|| it.last.map_or(0, |last| now.since(last))),
                }
            })
            .collect()
    }

    fn takes_calls(&self) -> bool {
        self.calls.is_some()
    }

    fn drills(&self) -> Option<Drills> {
        self.drills.clone()
    }

    fn call<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<String, String>> {
        match &self.calls {
            Some(calls) => calls(call),
            None => Box::pin(async { Err("this process takes no reports".to_owned()) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alone() -> Here {
        let rules = || unreachable!("no rules are asked for");
        Here::new(rules, None, Vec::new(), None)
    }

    #[test]
    fn an_hour_of_minutes_is_kept() {
        let here = alone();
        assert!(here.minutes(0).is_empty());
        here.note(vec![5, 1]);
        assert!(here.minutes(0).is_empty(), "of one look nothing follows");
        here.note(vec![7, 1]);
        here.note(vec![7, 4]);
        assert_eq!([here.minutes(0), here.minutes(1)], [[2, 0], [0, 3]]);
        for nth in 0..200 {
            here.note(vec![nth, 0]);
        }
        assert_eq!(here.minutes(0), [1; MINUTES]);
    }

    #[test]
    fn a_rate_is_over_the_last_minutes() {
        let here = alone();
        let at = |records: u64, minute: i64| {
            let figures = [FeedFigures {
                records,
                ..FeedFigures::default()
            }];
            here.rates(&figures, Millis(minute * 60_000))
                .pop()
                .flatten()
        };
        assert_eq!(at(100, 0), None);
        assert_eq!(at(160, 2), Some(30.0));
        assert_eq!(at(170, 3), Some(10.0));
        assert_eq!(at(170, 60), None);
    }
}
