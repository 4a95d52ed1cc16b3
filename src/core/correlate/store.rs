//! The states of all keys of a partition: committed ones as bytes, touched ones decoded, and the clocks and timers.
//!
//! Invariant: what is committed is the very bytes of the changelog; rolling back leaves no trace of the transaction. There is
//! one lane (clock, timers, counts) per status, so that no lane can see another.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::codec::{clock_bytes, clocks_of, decode, encode, header};
use super::config::IncidentConfig;
use super::correlator::StateChange;
use super::held::{Reports, held};
use super::identity::report_hash;
use super::opened::{Open, OpenIncidents, open};
use super::state::{KeyState, StateError};
use super::timers::{Timers, next_due};
use super::warm::{INCIDENTS, Kept, Warm};
use crate::core::model::{Millis, Status};

/// Changelog key of the clocks; sorts after every incident key.
pub const CLOCK_KEY: &str = "~clock";

/// Lanes, one per [`Status`].
pub(super) const LANES: usize = Status::ALL.len();

/// What one status has to itself.
#[derive(Debug)]
pub(super) struct Lane {
    pub clock: Millis,
    pub timers: Timers,
    /// Incidents.
    pub keys: usize,
    /// Names of forgotten incidents.
    pub previous: usize,
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            clock: Millis::MIN,
            timers: Timers::default(),
            keys: 0,
            previous: 0,
        }
    }
}

/// A key touched in this transaction.
#[derive(Debug)]
struct Slot {
    state: Option<KeyState>,
    due: Option<Millis>,
    /// Reports that the committed state holds.
    held: Vec<u64>,
    /// What the committed state is counted by.
    open: Option<Open>,
    /// Bytes of the state as it is now, once asked for.
    encoded: Encoded,
}

/// Bytes of a touched key.
#[derive(Debug, Default)]
enum Encoded {
    #[default]
    Stale,
    Removed,
    Bytes(Box<[u8]>),
}

impl Slot {
    fn encode(&mut self) {
        if let Encoded::Stale = self.encoded {
            self.encoded = match &self.state {
                None => Encoded::Removed,
                Some(state) => Encoded::Bytes(encode(state, self.due)),
            };
        }
    }
}

/// All keys of a partition.
#[derive(Debug)]
pub(super) struct Store {
    committed: FxHashMap<Arc<str>, Box<[u8]>>,
    touched: FxHashMap<Arc<str>, Slot>,
    /// Large ones of the committed, decoded.
    pub warm: Warm<Kept>,
    /// Of the committed states.
    reports: Reports,
    /// Of the committed states.
    pub open: OpenIncidents,
    pub lanes: [Lane; LANES],
    committed_clocks: Option<[Millis; LANES]>,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            committed: FxHashMap::default(),
            touched: FxHashMap::default(),
            warm: Warm::new(INCIDENTS),
            reports: Reports::default(),
            open: OpenIncidents::default(),
            lanes: Default::default(),
            committed_clocks: None,
        }
    }
}

/// The lane of a key, by its first part.
pub(super) fn lane_of(key: &str) -> Option<usize> {
    let (status, _) = key.split_once('/')?;
    Status::ALL.iter().position(|known| known.id() == status)
}

impl Store {
    /// Takes the state of a key out, to be put back changed or not.
    pub(super) fn take(&mut self, key: &str) -> Result<(Arc<str>, Option<KeyState>), StateError> {
        if let Some((key, _)) = self.touched.get_key_value(key) {
            let key = Arc::clone(key);
            let state = self
                .touched
                .get_mut(&key)
                .and_then(|slot| slot.state.take());
            return Ok((key, state));
        }
        let (key, slot) = match self.committed.get_key_value(key) {
            None => (
                Arc::from(key),
                Slot {
                    state: None,
                    due: None,
                    held: Vec::new(),
                    open: None,
                    encoded: Encoded::Stale,
                },
            ),
            Some((key, bytes)) => {
                let due = header(key, bytes)?.due;
                let Kept { state, held } = match self.warm.take(key) {
                    Some(kept) => {
                        debug_assert!(decode(key, bytes).is_ok_and(|state| state == kept.state));
                        kept
                    }
                    None => {
                        let state = decode(key, bytes)?;
                        let held = held(Some(&state));
                        Kept { state, held }
                    }
                };
                (
                    Arc::clone(key),
                    Slot {
                        held,
                        open: open(Some(&state)),
                        state: Some(state),
                        due,
                        encoded: Encoded::Stale,
                    },
                )
            }
        };
        let slot = self.touched.entry(Arc::clone(&key)).or_insert(slot);
        Ok((key, slot.state.take()))
    }

    /// Puts the state of a key back. `before` says what it was when taken.
    pub(super) fn put(
        &mut self,
        key: &Arc<str>,
        before: Option<Kind>,
        state: Option<KeyState>,
        config: &IncidentConfig,
    ) {
        let Some(slot) = self.touched.get_mut(key) else {
            return;
        };
        let due = state.as_ref().and_then(|state| next_due(state, config));
        if let Some(lane) = lane_of(key).and_then(|lane| self.lanes.get_mut(lane)) {
            lane.timers.set(key, slot.due, due);
            lane.recount(before, state.as_ref().map(Kind::of));
        }
        slot.due = due;
        slot.state = state;
        slot.encoded = Encoded::Stale;
    }

    /// The changes of this transaction, sorted by key, one per changed key.
    pub(super) fn changes(&mut self) -> Vec<StateChange> {
        let mut changes = Vec::new();
        let mut touched: Vec<_> = self.touched.iter_mut().collect();
        touched.sort_unstable_by_key(|(key, _)| *key);
        for (key, slot) in touched {
            slot.encode();
            let bytes = match &slot.encoded {
                Encoded::Bytes(bytes) => Some(&**bytes),
                _ => None,
            };
            if bytes != self.committed.get(key).map(|bytes| &**bytes) {
                changes.push(StateChange {
                    key: key.to_string(),
                    value: bytes.map(<[u8]>::to_vec),
                });
            }
        }
        let clocks = self.clocks();
        if self.committed_clocks != Some(clocks) && clocks != [Millis::MIN; LANES] {
            changes.push(StateChange {
                key: CLOCK_KEY.to_owned(),
                value: Some(clock_bytes(clocks)),
            });
        }
        changes
    }

    /// Makes the transaction's changes the committed state.
    pub(super) fn commit(&mut self) {
        for (key, mut slot) in std::mem::take(&mut self.touched) {
            slot.encode();
            let held = held(slot.state.as_ref());
            self.reports.replace(&key, &slot.held, &held);
            self.open
                .replace(slot.open.take(), open(slot.state.as_ref()));
            match slot.encoded {
                Encoded::Bytes(bytes) => {
                    if let Some(state) = slot.state {
                        self.warm.keep(&key, Kept { state, held }, bytes.len());
                    }
                    self.committed.insert(key, bytes);
                }
                Encoded::Removed | Encoded::Stale => {
                    self.committed.remove(&key);
                }
            }
        }
        self.committed_clocks = Some(self.clocks());
    }

    /// Keys of incidents that know a report, sorted. A retraction is rare: the touched ones are looked through.
    pub(super) fn holding(&self, feed: &str, id: &str) -> Vec<Arc<str>> {
        let report = report_hash(feed, id);
        let mut keys: Vec<Arc<str>> = self.reports.keys(report).cloned().collect();
        keys.retain(|key| !self.touched.contains_key(key));
        for (key, slot) in &self.touched {
            if held(slot.state.as_ref()).binary_search(&report).is_ok() {
                keys.push(Arc::clone(key));
            }
        }
        keys.sort_unstable();
        keys
    }

    /// Forgets the transaction.
    pub(super) fn rollback(&mut self) {
        for (key, slot) in std::mem::take(&mut self.touched) {
            let committed = self
                .committed
                .get(&key)
                .and_then(|bytes| header(&key, bytes).ok());
            if let Some(lane) = lane_of(&key).and_then(|lane| self.lanes.get_mut(lane)) {
                lane.timers
                    .set(&key, slot.due, committed.and_then(|header| header.due));
                let now = slot.state.as_ref().map(Kind::of);
                lane.recount(
                    now,
                    committed.map(|header| Kind::of_header(header.is_incident)),
                );
            }
        }
        let clocks = self.committed_clocks.unwrap_or([Millis::MIN; LANES]);
        for (lane, clock) in self.lanes.iter_mut().zip(clocks) {
            lane.clock = clock;
        }
    }

    /// Takes over one record of the changelog; later ones of a key override earlier ones.
    pub(super) fn restore(&mut self, key: &str, value: Option<&[u8]>) -> Result<(), StateError> {
        let damaged = |reason: &str| StateError::Damaged {
            key: key.to_owned(),
            reason: reason.to_owned(),
        };
        if key == CLOCK_KEY {
            let clocks = value
                .and_then(clocks_of)
                .ok_or_else(|| damaged("not a clock record"))?;
            for (lane, clock) in self.lanes.iter_mut().zip(clocks) {
                lane.clock = clock;
            }
            self.committed_clocks = Some(clocks);
            return Ok(());
        }
        lane_of(key).ok_or_else(|| damaged("the key names no status"))?;
        match value {
            None => {
                self.committed.remove(key);
            }
            Some(bytes) => {
                decode(key, bytes)?;
                match self.committed.get_mut(key) {
                    Some(slot) => *slot = bytes.into(),
                    None => {
                        self.committed.insert(key.into(), bytes.into());
                    }
                }
            }
        }
        Ok(())
    }

    /// Rebuilds timers and counts from the restored states.
    pub(super) fn finish_restore(&mut self) {
        let mut due: [Vec<(Millis, Arc<str>)>; LANES] = Default::default();
        let mut reports = Vec::new();
        self.open = OpenIncidents::default();
        for lane in &mut self.lanes {
            (lane.keys, lane.previous) = (0, 0);
        }
        for (key, bytes) in &self.committed {
            let (Some(lane), Ok(header)) = (lane_of(key), header(key, bytes)) else {
                continue;
            };
            self.lanes[lane].recount(None, Some(Kind::of_header(header.is_incident)));
            if let Some(at) = header.due {
                due[lane].push((at, Arc::clone(key)));
            }
            let state = decode(key, bytes).ok();
            self.open.replace(None, open(state.as_ref()));
            let of = held(state.as_ref()).into_iter();
            reports.extend(of.map(|report| (report, Arc::clone(key))));
        }
        for (lane, due) in self.lanes.iter_mut().zip(due) {
            lane.timers.fill(due);
        }
        self.reports.fill(reports);
    }

    /// Keys held: incidents and names of forgotten ones.
    pub(super) fn len(&self) -> usize {
        self.lanes
            .iter()
            .map(|lane| lane.keys + lane.previous)
            .sum()
    }

    /// Per lane: keys held, and bytes of keys and encoded state. Looks at every key.
    pub(super) fn sizes(&self) -> [(usize, usize); LANES] {
        let mut sizes: [(usize, usize); LANES] = Default::default();
        for (size, lane) in sizes.iter_mut().zip(&self.lanes) {
            size.0 = lane.keys + lane.previous;
        }
        for (key, value) in &self.committed {
            if let Some(size) = lane_of(key).and_then(|lane| sizes.get_mut(lane)) {
                size.1 += key.len() + value.len();
            }
        }
        sizes
    }

    fn clocks(&self) -> [Millis; LANES] {
        std::array::from_fn(|lane| self.lanes[lane].clock)
    }
}

/// What a key holds, for the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Incident,
    Previous,
}

impl Kind {
    /// Of a decoded state.
    pub(super) fn of(state: &KeyState) -> Self {
        Self::of_header(matches!(state, KeyState::Incident(_)))
    }

    fn of_header(is_incident: bool) -> Self {
        if is_incident {
            Self::Incident
        } else {
            Self::Previous
        }
    }
}

impl Lane {
    fn recount(&mut self, before: Option<Kind>, after: Option<Kind>) {
        let mut add = |kind: Option<Kind>, by: isize| {
            let count = match kind {
                Some(Kind::Incident) => &mut self.keys,
                Some(Kind::Previous) => &mut self.previous,
                None => return,
            };
            *count = count.saturating_add_signed(by);
        };
        add(before, -1);
        add(after, 1);
    }
}
