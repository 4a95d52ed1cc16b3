//! What alarms are looked at again by, kept from one report to the next and over transactions.
//!
//! Invariant: what is kept of a key is what would be worked out anew: it goes with any report that changes a day behind it, in the
//! series of the key or in what one of its feeds carries.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::core::growth::{Basis, Calendar, Counted, Series};

/// Keys of which one is kept; with more all are worked out anew.
const MAX_BASES: usize = 4_096;
/// Feeds of which is known when a day behind was changed; with more all are worked out anew.
const MAX_LATE: usize = 4_096;

/// Bases by key.
#[derive(Debug, Default)]
pub(super) struct Bases {
    of: FxHashMap<Arc<str>, (u64, Basis)>,
    /// By feed, when what it carried on a day behind was last changed; counted in such changes.
    late: FxHashMap<Box<str>, u64>,
    changes: u64,
}

impl Bases {
    /// The basis of a key at an hour, if it still holds.
    pub(super) fn get(&self, key: &str, hour: i32, series: &Series) -> Option<&Basis> {
        let (at, basis) = self.of.get(key).filter(|(_, basis)| basis.is_of(hour))?;
        let mut feeds = basis.judged().map(|feed| series.feeds().get(feed));
        let holds = self.late.is_empty()
            || feeds.all(|feed| {
                feed.is_some_and(|feed| self.late.get(&feed.feed).is_none_or(|late| late <= at))
            });
        holds.then_some(basis)
    }

    pub(super) fn keep(&mut self, key: &Arc<str>, basis: Basis) {
        if self.of.len() >= MAX_BASES {
            self.of.clear();
        }
        self.of.insert(Arc::clone(key), (self.changes, basis));
    }

    /// A report was counted in the series of a key.
    pub(super) fn counted(&mut self, key: &str, counted: Counted, hour: i32) {
        let kept = self.of.get(key);
        if kept.is_some_and(|(_, basis)| !basis.count(counted, hour)) {
            self.of.remove(key);
        }
    }

    /// The series of a key changed in any other way.
    pub(super) fn drop(&mut self, key: &str) {
        self.of.remove(key);
    }

    /// A report was counted in a volume of a feed, in the hour `now`.
    pub(super) fn carried(&mut self, feed: &str, counted: Counted, hour: i32, now: i32) {
        if counted.is_older || hour < Calendar::day_of(now) * 24 {
            self.carries_otherwise(feed);
        }
    }

    /// A volume of a feed changed in any other way.
    pub(super) fn carries_otherwise(&mut self, feed: &str) {
        if self.of.is_empty() {
            return;
        }
        if self.late.len() >= MAX_LATE {
            self.forget();
        }
        self.changes += 1;
        match self.late.get_mut(feed) {
            Some(late) => *late = self.changes,
            None => {
                self.late.insert(feed.into(), self.changes);
            }
        }
    }

    /// Nothing holds any more.
    pub(super) fn forget(&mut self) {
        self.of.clear();
        self.late.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::series::AllSeries;
    use super::*;
    use crate::core::growth::{GrowthConfig, HOUR_MS, Verdict};
    use crate::core::model::Millis;

    const KEYS: [&str; 3] = ["actual/fire/x", "actual/flood/x", "actual/fire/y"];
    const FEEDS: [&str; 2] = ["calls", "posts"];
    const NOW: i32 = 40 * 24 + 9;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Count(usize, usize, i32),
        TakeBack(usize, usize, i32),
        Commit,
        Rollback,
        NextHour,
    }

    fn step() -> impl Strategy<Value = Step> {
        let report = || {
            let back = prop_oneof![4 => 0_i32..2, 2 => 0_i32..72, 1 => 0_i32..800];
            (0_usize..KEYS.len(), 0_usize..FEEDS.len(), back)
        };
        prop_oneof![
            8 => report().prop_map(|(key, feed, back)| Step::Count(key, feed, back)),
            2 => report().prop_map(|(key, feed, back)| Step::TakeBack(key, feed, back)),
            1 => Just(Step::Commit),
            1 => Just(Step::Rollback),
            1 => Just(Step::NextHour),
        ]
    }

    fn at(hour: i32) -> Millis {
        Millis(i64::from(hour) * HOUR_MS + 7)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// Whatever comes in between, and however late: what is said of an alarm is what a reading of everything says.
        #[test]
        fn what_is_kept_of_an_alarm_is_what_would_be_worked_out_anew(
            past in prop::collection::vec((0_usize..3, 0_usize..2, 0_i32..39 * 24), 100..400),
            steps in prop::collection::vec(step(), 1..60),
        ) {
            let mut config = GrowthConfig::default();
            config.calendar.utc_offset_minutes = 0;
            let keys = KEYS.map(Arc::<str>::from);
            let mut all = AllSeries::default();
            let count = |all: &mut AllSeries, key: usize, feed: usize, hour: i32, now: i32| {
                let _ = all.count(&keys[key], FEEDS[feed], at(hour), at(now), &config);
            };
            for hour in (0..39 * 24).step_by(30) {
                (0..KEYS.len()).for_each(|key| count(&mut all, key, 0, hour, hour));
            }
            for (key, feed, hour) in past {
                count(&mut all, key, feed, hour, NOW);
            }
            (0..30).for_each(|_| count(&mut all, 0, 0, NOW, NOW));
            all.commit();
            let (mut now, mut alarms) = (NOW, 0);
            for step in steps {
                match step {
                    Step::Count(key, feed, back) => count(&mut all, key, feed, now - back, now),
                    Step::TakeBack(key, feed, back) => {
                        all.uncount(&keys[key], FEEDS[feed], now - back);
                    }
                    Step::Commit => all.commit(),
                    Step::Rollback => all.rollback(),
                    Step::NextHour => now += 1,
                }
                for key in &keys {
                    let whole = all.read(key, at(now), &config).map(|whole| Verdict::from(&whole));
                    alarms += usize::from(whole.is_some_and(|whole| whole.alarm));
                    prop_assert_eq!(all.verdict(key, at(now), true, &config), whole);
                }
            }
            prop_assert!(alarms > 0);
        }
    }
}
