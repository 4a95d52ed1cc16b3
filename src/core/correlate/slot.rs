//! A series in use: decoded, with what followed from it so far.
//!
//! Invariant: what is kept of a reading goes with any change that it does not take in.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::core::growth::{Counted, Plan, Running, Series, Written};

/// A series that is touched in this transaction, or was in one before it.
#[derive(Debug)]
pub(super) struct Slot {
    pub series: Series,
    /// Removed, to make room.
    pub gone: bool,
    /// Last hour in `ages`; and of the committed series.
    pub age: Option<i32>,
    pub committed_age: Option<i32>,
    /// Bytes that were written in this transaction, whether they still are those of the series, and what still holds of them or, before they
    /// are there, of the committed ones.
    pub encoded: Option<Box<[u8]>>,
    is_stale: bool,
    written: Written,
    /// Its reading at the hour that was looked at last; and that of an alarm, with the plan that it is under.
    pub running: Option<Running>,
    pub planned: Option<(Plan, Running)>,
}

impl Slot {
    /// A series, the last hour in it, and that of the committed one.
    pub(super) fn new(series: Series, age: Option<i32>, committed_age: Option<i32>) -> Self {
        Self {
            series,
            gone: false,
            age,
            committed_age,
            encoded: None,
            is_stale: false,
            written: Written::default(),
            running: None,
            planned: None,
        }
    }

    /// Counts one report; what is known of a reading takes it in, or goes.
    pub(super) fn count(&mut self, feed: &str, hour: i32, oldest: i32) -> Counted {
        let counted = self.series.count(feed, hour, 1, oldest);
        self.is_stale = true;
        self.written.count(counted);
        let of_running = |running: &mut Running| running.count(counted, hour);
        if !self.running.as_mut().is_none_or(of_running) {
            self.running = None;
        }
        let of_planned = |(_, running): &mut (Plan, Running)| running.count(counted, hour);
        if !self.planned.as_mut().is_none_or(of_planned) {
            self.planned = None;
        }
        counted
    }

    /// The last hour that was counted, where it is not the one that is noted.
    pub(super) fn grown_old(&self) -> Option<i32> {
        let age = age_of(&self.series);
        (self.age != Some(age)).then_some(age)
    }

    /// What followed from the series is not known any more.
    pub(super) fn changed(&mut self) {
        (self.running, self.planned) = (None, None);
        self.is_stale = true;
        self.written.forget();
    }

    /// The bytes of the series, after those that are committed.
    pub(super) fn encode(&mut self, committed: Option<&[u8]>) {
        if self.gone || (self.encoded.is_some() && !self.is_stale) {
            return;
        }
        let last = self.encoded.as_deref().or(committed).unwrap_or_default();
        let encoded = self.series.encode_after(last, &mut self.written);
        debug_assert_eq!(
            encoded,
            self.series.encode(),
            "written in parts and at once"
        );
        self.encoded = Some(encoded);
        self.is_stale = false;
    }
}

/// The last hour that was counted; of a series that is empty again, its first one.
pub(super) fn age_of(series: &Series) -> i32 {
    let since = series.feeds().iter().map(|feed| feed.since).max();
    series.last_hour().or(since).unwrap_or(i32::MIN)
}

pub(super) fn move_age(
    ages: &mut BTreeSet<(i32, Arc<str>)>,
    key: &Arc<str>,
    old: Option<i32>,
    new: Option<i32>,
) {
    if old == new {
        return;
    }
    if let Some(old) = old {
        ages.remove(&(old, Arc::clone(key)));
    }
    if let Some(new) = new {
        ages.insert((new, Arc::clone(key)));
    }
}
