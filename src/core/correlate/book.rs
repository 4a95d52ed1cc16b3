//! Series by key: those of a transaction decoded, all others as the bytes of their changelog records, and those in use decoded too.
//!
//! Invariant: where a transaction is cut, lost or restored changes nothing; a lane's series are bounded apart from those of the others.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::correlator::StateChange;
use super::slot::{Slot, age_of, move_age};
use super::state::StateError;
use super::store::{LANES, lane_of};
use super::warm::{SERIES, Warm};
use crate::core::growth::{Basis, Counted, GrowthConfig, Plan, Running, Series, Today, may_alarm};
use crate::core::model::Growth;

/// Keys of which is kept what is usual today; with more it is worked out anew.
const MAX_DAYS: usize = 65_536;

/// Series by key, of one kind.
#[derive(Debug)]
pub(super) struct Book {
    /// What their changelog keys begin with.
    prefix: &'static str,
    /// Name of the limit of their number.
    limit: &'static str,
    committed: FxHashMap<Arc<str>, Box<[u8]>>,
    /// Boxed, as they go from one transaction to the next.
    touched: FxHashMap<Arc<str>, Box<Slot>>,
    /// Of the committed, those that were touched last.
    warm: Warm<Box<Slot>>,
    /// What is usual today by key, as last worked out; kept over transactions, dropped with whatever it followed from.
    days: FxHashMap<Arc<str>, Today>,
    /// By the last hour that was counted: who makes room.
    ages: [BTreeSet<(i32, Arc<str>)>; LANES],
    /// Series that made room for others.
    pub made_room: u64,
}

/// Why a report was not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotCounted(pub &'static str);

impl Book {
    /// An empty one.
    pub(super) fn new(prefix: &'static str, limit: &'static str) -> Self {
        Self {
            prefix,
            limit,
            committed: FxHashMap::default(),
            touched: FxHashMap::default(),
            warm: Warm::new(SERIES),
            days: FxHashMap::default(),
            ages: Default::default(),
            made_room: 0,
        }
    }

    /// Counts one report in `hour`; at most `most` series are kept of each status.
    pub(super) fn count(
        &mut self,
        key: &Arc<str>,
        feed: &str,
        hour: i32,
        oldest: i32,
        most: usize,
    ) -> Result<Counted, NotCounted> {
        if self.touched.get(key).is_none_or(|slot| slot.gone) {
            self.slot(key, oldest, most)?;
        }
        let slot = self.touched.get_mut(key).ok_or(NotCounted(self.limit))?;
        let counted = slot.count(feed, hour, oldest);
        if let Some(age) = slot.grown_old()
            && let Some(lane) = lane_of(key)
        {
            move_age(&mut self.ages[lane], key, slot.age, Some(age));
            slot.age = Some(age);
        }
        let today = self.days.get(key);
        if today.is_some_and(|today| !today.count(counted, hour)) {
            self.days.remove(key);
        }
        Ok(counted)
    }

    /// Changes a series in any other way.
    pub(super) fn change<T>(
        &mut self,
        key: &Arc<str>,
        oldest: i32,
        most: usize,
        change: impl FnOnce(&mut Series) -> T,
    ) -> Result<T, NotCounted> {
        let (lane, slot) = self.slot(key, oldest, most)?;
        let done = change(&mut slot.series);
        slot.changed();
        self.grow_old(lane, key);
        self.days.remove(key);
        Ok(done)
    }

    /// The series of a key in this transaction, made when it is new, and its lane.
    fn slot(
        &mut self,
        key: &Arc<str>,
        oldest: i32,
        most: usize,
    ) -> Result<(usize, &mut Slot), NotCounted> {
        let Some(lane) = lane_of(key) else {
            return Err(NotCounted(self.limit));
        };
        if !self.touch(key) {
            self.make_room(lane, oldest, most)?;
            let committed_age = self.committed_age(key);
            let slot = Slot::new(Series::default(), None, committed_age);
            self.touched.insert(Arc::clone(key), Box::new(slot));
        }
        let slot = self.touched.get_mut(key).ok_or(NotCounted(self.limit))?;
        Ok((lane, slot))
    }

    /// Takes back what was counted in `hour`.
    pub(super) fn uncount(&mut self, key: &Arc<str>, feed: &str, hour: i32) {
        if !self.touch(key) {
            return;
        }
        self.days.remove(key);
        if let Some(slot) = self.touched.get_mut(key) {
            slot.series.uncount(feed, hour);
            slot.changed();
        }
        if let Some(lane) = lane_of(key) {
            self.grow_old(lane, key);
        }
    }

    /// The series of a key, as it is now.
    pub(super) fn get(&self, key: &str) -> Option<Cow<'_, Series>> {
        match self.touched.get(key) {
            Some(slot) if slot.gone => None,
            Some(slot) => Some(Cow::Borrowed(&slot.series)),
            None => self.untouched(key),
        }
    }

    /// The running reading of a key at an hour; none where nothing can be an alarm, unless it is asked for `always`. Only what was
    /// touched in this transaction keeps it: there are as many as a transaction counts.
    pub(super) fn running(
        &mut self,
        key: &str,
        hour: i32,
        always: bool,
        config: &GrowthConfig,
    ) -> Option<Running> {
        let today = self.days.get(key).copied();
        let today = today.filter(|today| today.is_of(hour));
        let anew = |series: &Series| {
            let worth = always || may_alarm(series, hour, config);
            let at = |today: Today| today.at(series, hour, config);
            worth.then(|| today.map_or_else(|| Running::of(series, hour, config), at))
        };
        let (key, running) = match self.touched.get_key_value(key) {
            None => return anew(&*self.untouched(key)?),
            Some((_, slot)) if slot.gone => return None,
            Some((key, slot)) => {
                let known = slot.running.filter(|running| running.is_of(hour));
                let is_calm = |today: Today| today.is_calm(&slot.series, hour, config);
                if known.is_none() && !always && today.is_some_and(is_calm) {
                    return None;
                }
                (Arc::clone(key), known.or_else(|| anew(&slot.series)))
            }
        };
        if let Some(slot) = self.touched.get_mut(&key) {
            slot.running = running;
        }
        if let Some(running) = running.filter(|_| today.is_none()) {
            self.keep_today(key, running.today());
        }
        running
    }

    fn keep_today(&mut self, key: Arc<str>, today: Today) {
        if self.days.len() >= MAX_DAYS {
            self.days.clear();
        }
        self.days.insert(key, today);
    }

    /// Other settings hold from now on.
    pub(super) fn forget_days(&mut self) {
        self.days.clear();
        self.warm.clear();
    }

    /// The same under a plan, for an alarm.
    pub(super) fn planned(
        &mut self,
        key: &str,
        hour: i32,
        plan: Plan,
        basis: &Basis,
        config: &GrowthConfig,
    ) -> Option<Running> {
        let under = |plan: &Plan, series: &Series| Running::under(plan, basis, series, config);
        match self.touched.get_mut(key) {
            None => Some(under(&plan, &*self.untouched(key)?)),
            Some(slot) if slot.gone => None,
            Some(slot) => {
                let known = slot.planned.take();
                let known = known.filter(|(known, of)| of.is_of(hour) && *known == plan);
                let (plan, running) = known.unwrap_or_else(|| {
                    let running = under(&plan, &slot.series);
                    (plan, running)
                });
                slot.planned = Some((plan, running));
                Some(running)
            }
        }
    }

    /// The whole reading of a key that was touched in this transaction; none where it is being learned, or its plan is not known.
    pub(super) fn reading(
        &mut self,
        key: &Arc<str>,
        hour: i32,
        config: &GrowthConfig,
    ) -> Option<Growth> {
        let slot = self.touched.get(key).filter(|slot| !slot.gone)?;
        let today = self.days.get(key).filter(|today| today.is_of(hour));
        let known = slot.running.filter(|of| of.is_of(hour));
        let (running, is_new) = match (known, today) {
            (Some(running), _) => (running, false),
            (None, Some(today)) => (today.at(&slot.series, hour, config), false),
            (None, None) => (Running::of(&slot.series, hour, config), true),
        };
        if is_new {
            self.keep_today(Arc::clone(key), running.today());
        }
        let slot = self.touched.get(key)?;
        if !running.verdict(config).alarm {
            return running.reading(&slot.series, config);
        }
        let (_, planned) = slot.planned.as_ref().filter(|(_, of)| of.is_of(hour))?;
        planned.reading(&slot.series, config)
    }

    /// Whether the key has a series, which is then among the touched ones.
    fn touch(&mut self, key: &Arc<str>) -> bool {
        if let Some(slot) = self.touched.get(key) {
            return !slot.gone;
        }
        if let Some(slot) = self.warm.take(key) {
            debug_assert_eq!(self.committed(key).as_ref(), Some(&slot.series));
            self.touched.insert(Arc::clone(key), slot);
            return true;
        }
        let Some(series) = self.committed(key) else {
            return false;
        };
        let age = Some(age_of(&series));
        let slot = Box::new(Slot::new(series, age, age));
        self.touched.insert(Arc::clone(key), slot);
        true
    }

    fn committed_age(&self, key: &str) -> Option<i32> {
        let series = Series::decode(self.committed.get(key)?)?;
        Some(age_of(&series))
    }

    /// Room for one more: the one that has been silent longest goes, if nothing of it is looked at any more.
    fn make_room(&mut self, lane: usize, oldest: i32, limit: usize) -> Result<(), NotCounted> {
        if self.ages[lane].len() < limit {
            return Ok(());
        }
        let first = self.ages[lane].first().cloned();
        let Some((age, key)) = first.filter(|(age, _)| *age < oldest) else {
            return Err(NotCounted(self.limit));
        };
        self.made_room += 1;
        self.touch(&key);
        self.days.remove(&key);
        self.ages[lane].remove(&(age, Arc::clone(&key)));
        if let Some(slot) = self.touched.get_mut(&key) {
            (slot.gone, slot.age, slot.encoded) = (true, None, None);
            slot.changed();
            slot.series = Series::default();
        }
        Ok(())
    }

    /// Notes the last hour of a touched series.
    fn grow_old(&mut self, lane: usize, key: &Arc<str>) {
        let Some(slot) = self.touched.get_mut(key) else {
            return;
        };
        if let Some(age) = slot.grown_old() {
            move_age(&mut self.ages[lane], key, slot.age, Some(age));
            slot.age = Some(age);
        }
    }

    /// Adds the changes of this transaction, sorted by key.
    pub(super) fn changes(&mut self, changes: &mut Vec<StateChange>) {
        let mut touched: Vec<_> = self.touched.iter_mut().collect();
        touched.sort_unstable_by_key(|(key, _)| *key);
        for (key, slot) in touched {
            let committed = self.committed.get(key).map(|bytes| &**bytes);
            slot.encode(committed);
            let bytes = slot.encoded.as_deref();
            if bytes != committed {
                changes.push(StateChange {
                    key: format!("{}{key}", self.prefix),
                    value: bytes.map(<[u8]>::to_vec),
                });
            }
        }
    }

    /// Makes the transaction's changes the committed state.
    pub(super) fn commit(&mut self) {
        for (key, mut slot) in self.touched.drain() {
            slot.encode(self.committed.get(&key).map(|bytes| &**bytes));
            slot.committed_age = slot.age;
            match slot.encoded.take() {
                Some(bytes) => {
                    self.warm.keep(&key, slot, bytes.len());
                    self.committed.insert(key, bytes);
                }
                None => {
                    self.committed.remove(&key);
                }
            }
        }
    }

    /// Forgets the transaction.
    pub(super) fn rollback(&mut self) {
        for (key, slot) in self.touched.drain() {
            self.days.remove(&key);
            if let Some(lane) = lane_of(&key) {
                move_age(&mut self.ages[lane], &key, slot.age, slot.committed_age);
            }
        }
    }

    /// Takes over one record of the changelog.
    pub(super) fn restore(&mut self, key: &str, value: Option<&[u8]>) -> Result<(), StateError> {
        let damaged = |reason: &str| StateError::Damaged {
            key: format!("{}{key}", self.prefix),
            reason: reason.to_owned(),
        };
        lane_of(key).ok_or_else(|| damaged("the key names no status"))?;
        self.warm.take(key);
        match value {
            None => {
                self.committed.remove(key);
            }
            Some(bytes) => {
                Series::decode(bytes).ok_or_else(|| damaged("not a series"))?;
                self.committed.insert(key.into(), bytes.into());
            }
        }
        Ok(())
    }

    /// Rebuilds what follows from the restored series.
    pub(super) fn finish_restore(&mut self) {
        let mut ages: [Vec<(i32, Arc<str>)>; LANES] = Default::default();
        for (key, bytes) in &self.committed {
            if let (Some(lane), Some(series)) = (lane_of(key), Series::decode(bytes)) {
                ages[lane].push((age_of(&series), Arc::clone(key)));
            }
        }
        for (slot, mut ages) in self.ages.iter_mut().zip(ages) {
            ages.sort_unstable();
            *slot = ages.into_iter().collect();
        }
    }

    /// The series of a key that is not touched.
    fn untouched(&self, key: &str) -> Option<Cow<'_, Series>> {
        match self.warm.get(key) {
            Some(slot) => Some(Cow::Borrowed(&slot.series)),
            None => self.committed(key).map(Cow::Owned),
        }
    }

    /// The committed series of a key.
    pub(super) fn committed(&self, key: &str) -> Option<Series> {
        Series::decode(self.committed.get(key)?)
    }

    /// Keys of the committed series, sorted.
    pub(super) fn keys(&self) -> Vec<Arc<str>> {
        let mut keys: Vec<_> = self.committed.keys().cloned().collect();
        keys.sort_unstable();
        keys
    }

    /// Per lane: series, and bytes of them.
    pub(super) fn sizes(&self) -> [(usize, usize); LANES] {
        let mut sizes: [(usize, usize); LANES] = Default::default();
        for (key, bytes) in &self.committed {
            if let Some(size) = lane_of(key).and_then(|lane| sizes.get_mut(lane)) {
                size.0 += 1;
                size.1 += key.len() + bytes.len();
            }
        }
        sizes
    }
}
