//! The correlator of one partition: what the shell drives.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::config::CorrelateConfig;
use super::fold::{apply, fire, open, take_back};
use super::growing::Growing;
use super::opened::OpenIncidents;
use super::pace::lane_of_status;
use super::series::AllSeries;
use super::state::{KeyState, StateError};
use super::store::{Kind, Store, lane_of};
use crate::core::growth::{Carried, Series};
use crate::core::model::{Alert, CorrelateOutcome, Detection, Millis, Retraction, Status, WIDE};

/// What folding gave; the caller clears it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CorrelateOutput {
    /// Revisions, in the order in which they were due.
    pub alerts: Vec<Alert>,
    /// Named limits that were hit, with counts.
    pub limits: BTreeMap<LimitHit, u64>,
}

/// A named limit that was hit, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LimitHit {
    /// Name, as the configuration has it.
    pub limit: &'static str,
    /// Status within which it holds.
    pub status: Status,
}

impl CorrelateOutput {
    /// Empties it, keeping the allocation.
    pub fn clear(&mut self) {
        self.alerts.clear();
        self.limits.clear();
    }

    pub(super) fn hit(&mut self, limit: &'static str, status: Status) {
        *self.limits.entry(LimitHit { limit, status }).or_default() += 1;
    }
}

/// A changed key for the changelog. Bytes are opaque; none is a tombstone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct StateChange {
    pub key: String,
    pub value: Option<Vec<u8>>,
}

/// The fold of one partition of detections.
///
/// A transaction is a number of [`fold`](Self::fold) and [`advance`](Self::advance) calls, [`take_changes`](Self::take_changes),
/// and then [`commit`](Self::commit) or [`rollback`](Self::rollback).
#[derive(Debug)]
pub struct Correlator {
    config: Arc<CorrelateConfig>,
    pub(super) store: Store,
    series: AllSeries,
}

impl Correlator {
    /// An empty one; the state of a partition is restored into it.
    pub fn new(config: Arc<CorrelateConfig>) -> Self {
        Self {
            config,
            store: Store::default(),
            series: AllSeries::default(),
        }
    }

    /// Uses another configuration or routing table from now on. Only between transactions.
    pub fn swap(&mut self, config: Arc<CorrelateConfig>) {
        self.config = config;
        self.series.forget_days();
    }

    /// Advances the clock to the detection's `received`, then folds it.
    pub fn fold(&mut self, detection: &Detection, out: &mut CorrelateOutput) -> CorrelateOutcome {
        let Some(lane) = lane_of(&detection.key).filter(|_| key_fits(detection)) else {
            return CorrelateOutcome::DeadLetter;
        };
        self.tell_time(lane, detection.report.received, out);
        self.fold_at(lane, detection, out)
    }

    /// A record of the lane was received then.
    fn tell_time(&mut self, lane: usize, received: Millis, out: &mut CorrelateOutput) {
        let received = received.clamped();
        self.advance_lane(lane, received, out);
        if Status::ALL[lane] == Status::Actual {
            // An exercise's clock follows the world's; never the other way round.
            for other in (0..self.store.lanes.len()).filter(|other| *other != lane) {
                self.advance_lane(other, received, out);
            }
        }
    }

    /// Advances the clock to the retraction's `received`, then takes the report out of every incident of this partition that
    /// holds it, in the order of their keys. Returns of how many.
    pub fn retract(&mut self, retraction: &Retraction, out: &mut CorrelateOutput) -> u32 {
        let lane = lane_of_status(retraction.status);
        self.tell_time(lane, retraction.received, out);
        let config = Arc::clone(&self.config);
        let now = self.store.lanes[lane].clock;
        let mut count = 0;
        for key in self.store.holding(&retraction.feed, &retraction.report_id) {
            if lane_of(&key) != Some(lane) || retraction.except.iter().any(|e| **e == *key) {
                continue;
            }
            let Ok((key, Some(KeyState::Incident(mut incident)))) = self.store.take(&key) else {
                out.hit("state_unreadable", retraction.status);
                continue;
            };
            let mut growing = Growing {
                all: &mut self.series,
                key: &key,
                now,
            };
            let taken = take_back(&mut incident, retraction, &mut growing, &config, out);
            count += u32::from(taken);
            let state = Some(KeyState::Incident(incident));
            self.store
                .put(&key, Some(Kind::Incident), state, &config.incident);
        }
        count
    }

    fn fold_at(
        &mut self,
        lane: usize,
        detection: &Detection,
        out: &mut CorrelateOutput,
    ) -> CorrelateOutcome {
        let config = Arc::clone(&self.config);
        let now = self.store.lanes[lane].clock;
        let Ok((key, state)) = self.store.take(&detection.key) else {
            out.hit("state_unreadable", detection.status);
            return CorrelateOutcome::Suppressed;
        };
        let before = state.as_ref().map(Kind::of);
        let mut growing = Growing {
            all: &mut self.series,
            key: &key,
            now,
        };
        let (state, outcome) = match state {
            Some(KeyState::Incident(mut incident)) => {
                let outcome = apply(&mut incident, detection, &mut growing, &config, out);
                (Some(KeyState::Incident(incident)), outcome)
            }
            state if self.store.lanes[lane].keys >= config.limits.keys => {
                out.hit("keys", detection.status);
                (state, CorrelateOutcome::Suppressed)
            }
            state => {
                let previous = match &state {
                    Some(KeyState::Previous(previous)) => Some(previous),
                    _ => None,
                };
                let mut incident = open(detection, previous, now);
                match apply(&mut incident, detection, &mut growing, &config, out) {
                    CorrelateOutcome::Suppressed => (state, CorrelateOutcome::Suppressed),
                    _ => (
                        Some(KeyState::Incident(Box::new(incident))),
                        CorrelateOutcome::Opened,
                    ),
                }
            }
        };
        self.store.put(&key, before, state, &config.incident);
        outcome
    }

    /// Advances the partition clock; timers that are due by then fire. An earlier time changes nothing.
    pub fn advance(&mut self, to: Millis, out: &mut CorrelateOutput) {
        for lane in 0..self.store.lanes.len() {
            self.advance_lane(lane, to.clamped(), out);
        }
    }

    pub(super) fn advance_lane(&mut self, lane: usize, to: Millis, out: &mut CorrelateOutput) {
        if to <= self.store.lanes[lane].clock {
            return;
        }
        while let Some((due, key)) = self.store.lanes[lane].timers.first_due(to) {
            let clock = &mut self.store.lanes[lane].clock;
            *clock = due.max(*clock);
            let now = *clock;
            self.fire_at(lane, &key, now, out);
        }
        self.store.lanes[lane].clock = to;
    }

    fn fire_at(&mut self, lane: usize, key: &Arc<str>, now: Millis, out: &mut CorrelateOutput) {
        let config = Arc::clone(&self.config);
        let status = Status::ALL[lane];
        let Ok((key, Some(state))) = self.store.take(key) else {
            // Unreachable with state that `restore` accepted; a timer without a state must not fire for ever.
            self.store.put(key, None, None, &config.incident);
            return;
        };
        let before = Some(Kind::of(&state));
        let mut growing = Growing {
            all: &mut self.series,
            key: &key,
            now,
        };
        let mut state = fire(state, &mut growing, &config, out);
        if matches!(state, Some(KeyState::Previous(_)))
            && before == Some(Kind::Incident)
            && self.store.lanes[lane].previous >= config.limits.keys
        {
            out.hit("previous", status);
            state = None;
        }
        self.store.put(&key, before, state, &config.incident);
    }

    /// The partition clock: the highest `received` or idle advance so far; [`Millis::MIN`] before the first.
    pub fn clock(&self) -> Millis {
        self.store
            .lanes
            .iter()
            .map(|lane| lane.clock)
            .max()
            .unwrap_or(Millis::MIN)
    }

    /// When the earliest timer is due; an advance to an earlier time makes no alert.
    pub fn due(&self) -> Option<Millis> {
        let lanes = self.store.lanes.iter();
        lanes.filter_map(|lane| lane.timers.next()).min()
    }

    /// Keys held, in all statuses.
    pub fn keys(&self) -> usize {
        self.store.len()
    }

    /// The committed series of a key.
    pub fn series(&self, key: &str) -> Option<Series> {
        self.series.committed(key)
    }

    /// Keys with a committed series, sorted.
    pub fn series_keys(&self) -> Vec<Arc<str>> {
        self.series.keys()
    }

    /// Fills the series of a key with what an archive knows of the time before it, as part of this transaction. Returns how many
    /// reports that was; the error names the limit that was met.
    pub fn fill(&mut self, key: &str, archive: &Series) -> Result<u64, &'static str> {
        let growth = &self.config.growth;
        let filled = self.series.fill(&key.into(), archive, growth);
        filled.map_err(|why| why.0)
    }

    /// What every feed told this partition in the last whole hour of its clock, against the same hour of the week. Looks at every
    /// feed and hazard: ask rarely.
    pub fn carried(&self) -> Vec<(Arc<str>, Carried)> {
        let now = self.store.lanes[lane_of_status(Status::Actual)].clock;
        if now == Millis::MIN || !self.config.growth.enabled {
            return Vec::new();
        }
        self.series.carried(now, &self.config.growth)
    }

    /// Series held and their bytes, per status. Looks at every one: ask rarely.
    pub fn series_sizes(&self) -> impl Iterator<Item = (Status, usize, usize)> {
        let sizes = Status::ALL.into_iter().zip(self.series.sizes());
        sizes.map(|(status, (series, bytes))| (status, series, bytes))
    }

    /// Incidents that are open, by the committed states: kept from commit to commit.
    pub fn open(&self) -> &OpenIncidents {
        &self.store.open
    }

    /// Keys held and bytes of keys and encoded state, per status. Looks at every key: ask rarely.
    pub fn sizes(&self) -> impl Iterator<Item = (Status, usize, usize)> {
        let sizes = self.store.sizes();
        Status::ALL
            .into_iter()
            .zip(sizes)
            .map(|(status, (keys, bytes))| (status, keys, bytes))
    }

    /// The changes of this transaction, sorted by key: one per key that differs from the committed state, and
    /// [`CLOCK_KEY`](super::CLOCK_KEY) when the clock moved.
    pub fn take_changes(&mut self) -> Vec<StateChange> {
        let mut changes = self.store.changes();
        self.series.changes(&mut changes);
        changes
    }

    /// Makes this transaction's changes final.
    pub fn commit(&mut self) {
        self.store.commit();
        self.series.commit();
    }

    /// Forgets everything since the last commit.
    pub fn rollback(&mut self) {
        self.store.rollback();
        self.series.rollback();
    }

    /// Takes over a record of the changelog, in its order. Before the first fold only.
    pub fn restore(&mut self, key: &str, value: Option<&[u8]>) -> Result<(), StateError> {
        match self.series.restore(key, value) {
            Some(restored) => restored,
            None => self.store.restore(key, value),
        }
    }

    /// Ends the restore: timers are set from here on.
    pub fn finish_restore(&mut self) {
        self.store.finish_restore();
        self.series.finish_restore();
    }
}

/// Whether the key is the one that status, hazard and exercise say: an exercise must not reach an actual incident, or one of
/// another exercise, by its key; nor what only counts in a wider area an ordinary one.
pub(super) fn key_fits(detection: &Detection) -> bool {
    let mut parts = detection.key.splitn(4, '/');
    let fits = parts.next() == Some(detection.status.id())
        && parts.next() == Some(detection.hazard.id())
        && (parts.next())
            .is_some_and(|place| place.starts_with(WIDE) == detection.wide_of.is_some());
    fits && parts.next() == detection.exercise.as_deref()
        && (detection.exercise.is_none() || detection.status == Status::Exercise)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::core::model::{IncidentState, Level, MsgType};

    #[test]
    fn an_incident_opens_grows_and_becomes_quiet() {
        let mut correlator = Correlator::new(sample::config());
        let mut out = CorrelateOutput::default();
        let first = sample::detection("a", 1_000, 55);
        assert_eq!(correlator.fold(&first, &mut out), CorrelateOutcome::Opened);
        assert_eq!(out.alerts.len(), 1);
        assert_eq!(out.alerts[0].msg_type, MsgType::Alert);
        assert_eq!(out.alerts[0].level, Level::Yellow);
        assert_eq!(correlator.fold(&first, &mut out), CorrelateOutcome::Repeat);
        let second = sample::detection("b", 2_000, 70);
        assert_eq!(correlator.fold(&second, &mut out), CorrelateOutcome::Merged);
        assert_eq!(out.alerts[1].level, Level::Orange);
        assert!(out.alerts[1].material);
        correlator.advance(Millis(2_000 + sample::QUIET - 1), &mut out);
        assert_eq!(out.alerts.len(), 2);
        assert!(correlator.due() >= Some(Millis(2_000 + sample::QUIET - 1)));
        assert!(correlator.due() <= Some(Millis(2_000 + sample::QUIET)));
        correlator.advance(Millis(2_000 + 2 * sample::QUIET), &mut out);
        let last = &out.alerts[2];
        assert_eq!(
            (last.state, last.material),
            (IncidentState::Resolved, false)
        );
        assert_eq!(last.sent, Millis(2_000 + sample::QUIET));
        assert_eq!(
            last.reasons.iter().map(|line| line.points).sum::<i32>(),
            i32::from(last.score)
        );
    }
}
