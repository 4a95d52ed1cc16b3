//! The series of a partition: how many reports of which feed in which hour, by incident key, beside the incidents and longer than
//! they; and how many a feed carries of each hazard and of all of them.
//!
//! Invariant: a report is counted once, in the local hour in which it was observed, while it counts in the incident of its key.
//! A series is a changelog record of its own, so that incidents may come and go.
//!
//! The volume of a feed is that of this partition: what its other incident keys were told. It is part of the state and of nothing
//! else, so a replay of what the partition committed finds the same numbers. A replay of an archive has one partition, and knows the
//! volumes better than any of many does. Only what is actual has a volume: an exercise must not change what is usual.

use std::borrow::Cow;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::bases::Bases;
use super::book::{Book, NotCounted};
use super::correlator::StateChange;
use super::state::StateError;
use super::store::LANES;
use crate::core::growth::{
    Basis, Carried, FeedVolume, GrowthConfig, Running, Series, Verdict, carried, read,
    read_normalised,
};
use crate::core::model::{Growth, Hazard, Millis, Status, is_wide_key};

/// What the changelog keys of series begin with; they sort behind those of incidents.
const SERIES_PREFIX: &str = "~series/";
/// The same of volumes.
const VOLUME_PREFIX: &str = "~volume/";
/// Volumes per partition: a feed has one for each hazard it tells of.
const MAX_VOLUMES: usize = 10_000;

/// Whether a record of the changelog is a baseline, which may be there before anything was processed.
pub fn is_baseline(key: &[u8]) -> bool {
    key.starts_with(SERIES_PREFIX.as_bytes()) || key.starts_with(VOLUME_PREFIX.as_bytes())
}

/// All series of a partition.
#[derive(Debug)]
pub(super) struct AllSeries {
    keys: Book,
    volumes: Book,
    names: Names,
    bases: Bases,
}

impl Default for AllSeries {
    fn default() -> Self {
        Self {
            keys: Book::new(SERIES_PREFIX, "growth_series"),
            volumes: Book::new(VOLUME_PREFIX, "growth_volumes"),
            names: Names::default(),
            bases: Bases::default(),
        }
    }
}

/// A counted report, or the name of the limit that it met.
type Counted = Result<i32, &'static str>;

impl AllSeries {
    /// Counts one report; returns the hour, for [`uncount`](Self::uncount), and a limit that was met although it is counted.
    pub(super) fn count(
        &mut self,
        key: &Arc<str>,
        feed: &str,
        at: Millis,
        now: Millis,
        config: &GrowthConfig,
    ) -> (Counted, Option<&'static str>) {
        let hour = config.calendar.hour(at.min(now));
        let kept = (config.kept_days - 1) * 24;
        let oldest = config.calendar.hour(now).saturating_sub(kept);
        if hour < oldest {
            return (Err("growth_late"), None);
        }
        match self.keys.count(key, feed, hour, oldest, config.series) {
            Ok(counted) => self.bases.counted(key, counted, hour),
            Err(NotCounted(limit)) => return (Err(limit), None),
        }
        let mut hit = None;
        let room = self.volumes.made_room;
        for volume in self.names.counted(key, feed).into_iter().flatten() {
            match (self.volumes).count(&volume, feed, hour, oldest, MAX_VOLUMES) {
                Ok(counted) => self.bases.carried(feed, counted, hour, oldest + kept),
                Err(NotCounted(limit)) => hit = hit.or(Some(limit)),
            }
        }
        if room != self.volumes.made_room {
            self.bases.forget();
        }
        (Ok(hour), hit)
    }

    /// Fills a series with what an archive knows of the time before it; returns the number of reports.
    pub(super) fn fill(
        &mut self,
        key: &Arc<str>,
        archive: &Series,
        config: &GrowthConfig,
    ) -> Result<u64, NotCounted> {
        let newest = self.keys.get(key).and_then(|series| series.last_hour());
        let newest = newest.max(archive.last_hour()).unwrap_or(i32::MIN);
        let oldest = newest.saturating_sub((config.kept_days - 1) * 24);
        self.bases.forget();
        let fill = |series: &mut Series| series.fill(archive, oldest);
        let added = self.keys.change(key, oldest, config.series, fill)?;
        let mut reports = 0;
        for (feed, hour, count) in added {
            reports += u64::from(count);
            for volume in self.names.counted(key, &feed).into_iter().flatten() {
                let add = |series: &mut Series| series.count(&feed, hour, count, oldest);
                self.volumes.change(&volume, oldest, MAX_VOLUMES, add)?;
            }
        }
        Ok(reports)
    }

    /// Takes back what was counted in `hour`.
    pub(super) fn uncount(&mut self, key: &Arc<str>, feed: &str, hour: i32) {
        self.keys.uncount(key, feed, hour);
        self.bases.drop(key);
        self.bases.carries_otherwise(feed);
        for volume in self.names.counted(key, feed).into_iter().flatten() {
            self.volumes.uncount(&volume, feed, hour);
        }
    }

    /// The reading of a key at `now`.
    pub(super) fn read(&self, key: &str, now: Millis, config: &GrowthConfig) -> Option<Growth> {
        let series = self.keys.get(key)?;
        let plain = read(&series, now, config);
        if !plain.alarm {
            return Some(plain);
        }
        Some(read_normalised(
            &series,
            now,
            config,
            &self.volumes(key, &series),
        ))
    }

    /// The same right after [`verdict`](Self::verdict), which keeps most of it.
    pub(super) fn shown(
        &mut self,
        key: &Arc<str>,
        now: Millis,
        config: &GrowthConfig,
    ) -> Option<Growth> {
        let kept = self.keys.reading(key, config.calendar.hour(now), config);
        #[cfg(debug_assertions)]
        if kept.is_some() {
            assert_eq!(kept, self.read(key, now, config), "{key}");
        }
        kept.or_else(|| self.read(key, now, config))
    }

    /// What the feeds of a series carry, in its order.
    fn volumes(&self, key: &str, series: &Series) -> Vec<Option<FeedVolume<'_>>> {
        let feeds = series.feeds().iter();
        feeds.map(|feed| self.volume(key, &feed.feed)).collect()
    }

    /// What [`read`](Self::read) amounts to; a busy key is not read anew for every report. `always`: where it is no alarm, too.
    pub(super) fn verdict(
        &mut self,
        key: &Arc<str>,
        now: Millis,
        always: bool,
        config: &GrowthConfig,
    ) -> Option<Verdict> {
        let hour = config.calendar.hour(now);
        let Some(running) = self.keys.running(key, hour, always, config) else {
            #[cfg(debug_assertions)]
            {
                let whole = self.read(key, now, config);
                assert!(!whole.is_some_and(|whole| whole.alarm), "{key}");
            }
            return None;
        };
        let verdict = running.verdict(config);
        if !verdict.alarm {
            return Some(verdict);
        }
        let running = self.planned(key, hour, config)?;
        let verdict = running.verdict(config);
        #[cfg(debug_assertions)]
        {
            let whole = self.read(key, now, config).as_ref().map(Verdict::from);
            assert_eq!(Some(verdict), whole, "{key}: kept and whole differ");
        }
        Some(verdict)
    }

    /// The running reading of an alarm by what its feeds carry.
    fn planned(&mut self, key: &Arc<str>, hour: i32, config: &GrowthConfig) -> Option<Running> {
        let series = self.keys.get(key)?;
        if self.bases.get(key, hour, &series).is_none() {
            let basis = Basis::of(&series, hour, config, &self.volumes(key, &series));
            self.bases.keep(key, basis);
        }
        let basis = self.bases.get(key, hour, &series)?;
        let feed = |at: usize| series.feeds().get(at).map(|feed| &*feed.feed);
        let plan = basis.plan(|at| self.volume(key, feed(at)?));
        self.keys.planned(key, hour, plan, basis, config)
    }

    /// What every feed carried in the last whole hour before `now`, by its name.
    pub(super) fn carried(&self, now: Millis, config: &GrowthConfig) -> Vec<(Arc<str>, Carried)> {
        let all = format!("{}/*/", Status::Actual.id());
        let keys = self.volumes.keys().into_iter();
        keys.filter_map(|key| {
            let feed = key.strip_prefix(&all)?;
            let volume = self.volumes.committed(&key)?;
            Some((feed.into(), carried(&volume, now, config)))
        })
        .collect()
    }

    /// What a feed carries of the hazard of a key and in all.
    fn volume(&self, key: &str, feed: &str) -> Option<FeedVolume<'_>> {
        let made;
        let [all, own] = match self.names.known(key, feed) {
            Some(known) => known,
            None => {
                made = volume_keys(key, feed)?;
                &made
            }
        };
        let own = self.volumes.get(own);
        Some(FeedVolume {
            all: self.volumes.get(all)?,
            own: own.unwrap_or_else(|| Cow::Owned(Series::default())),
        })
    }

    /// Adds the changes of this transaction, sorted by key.
    pub(super) fn changes(&mut self, changes: &mut Vec<StateChange>) {
        self.keys.changes(changes);
        self.volumes.changes(changes);
    }

    /// Makes the transaction's changes the committed state.
    pub(super) fn commit(&mut self) {
        self.keys.commit();
        self.volumes.commit();
    }

    /// Forgets the transaction.
    pub(super) fn rollback(&mut self) {
        self.keys.rollback();
        self.volumes.rollback();
        self.bases.forget();
    }

    /// Other settings hold from now on.
    pub(super) fn forget_days(&mut self) {
        self.keys.forget_days();
        self.bases.forget();
    }

    /// Takes over one record of the changelog; none when it is not one of these.
    pub(super) fn restore(
        &mut self,
        key: &str,
        value: Option<&[u8]>,
    ) -> Option<Result<(), StateError>> {
        if let Some(key) = key.strip_prefix(SERIES_PREFIX) {
            return Some(self.keys.restore(key, value));
        }
        let key = key.strip_prefix(VOLUME_PREFIX)?;
        Some(self.volumes.restore(key, value))
    }

    /// Rebuilds what follows from the restored series.
    pub(super) fn finish_restore(&mut self) {
        self.keys.finish_restore();
        self.volumes.finish_restore();
    }

    /// The committed series of a key.
    pub(super) fn committed(&self, key: &str) -> Option<Series> {
        self.keys.committed(key)
    }

    /// Keys of the committed series, sorted.
    pub(super) fn keys(&self) -> Vec<Arc<str>> {
        self.keys.keys()
    }

    /// Per lane: series, and bytes of them; volumes are not among them.
    pub(super) fn sizes(&self) -> [(usize, usize); LANES] {
        self.keys.sizes()
    }
}

/// Keys of volumes, by feed and hazard: made once and not for every report.
#[derive(Debug, Default)]
struct Names(FxHashMap<Box<str>, Vec<(Box<str>, [Arc<str>; 2])>>);

impl Names {
    /// Those of a feed and the hazard of an incident key, where they were made.
    fn known(&self, key: &str, feed: &str) -> Option<&[Arc<str>; 2]> {
        find(self.0.get(feed)?, hazard_of(key)?)
    }

    /// Keys of the volumes in which a report of an incident key is counted. One that only counts in a wider area is in none: what its
    /// feed carries is known from the key of its own area.
    fn counted(&mut self, key: &str, feed: &str) -> Option<[Arc<str>; 2]> {
        let hazard = hazard_of(key).filter(|_| !is_wide_key(key))?;
        if let Some(known) = self.0.get(feed).and_then(|of| find(of, hazard)) {
            return Some(known.clone());
        }
        if self.0.len() >= MAX_VOLUMES {
            self.0.clear();
        }
        let made = volume_keys(key, feed)?;
        let of = self.0.entry(feed.into()).or_default();
        if of.len() >= Hazard::ALL.len() {
            of.clear();
        }
        of.push((hazard.into(), made.clone()));
        Some(made)
    }
}

fn find<'a>(of: &'a [(Box<str>, [Arc<str>; 2])], hazard: &str) -> Option<&'a [Arc<str>; 2]> {
    let known = of.iter().find(|(known, _)| **known == *hazard)?;
    Some(&known.1)
}

/// The hazard of an incident key that is actual.
fn hazard_of(key: &str) -> Option<&str> {
    let mut parts = key.splitn(3, '/');
    parts.next().filter(|s| *s == Status::Actual.id())?;
    parts.next()
}

/// What a feed carries in all, and of the hazard of an incident key; none of what is not actual.
fn volume_keys(key: &str, feed: &str) -> Option<[Arc<str>; 2]> {
    let hazard = hazard_of(key)?;
    let of = |hazard: &str| format!("{}/{hazard}/{feed}", Status::Actual.id()).into();
    Some([of("*"), of(hazard)])
}
