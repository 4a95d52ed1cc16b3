//! What was decoded, kept from one transaction to the next: a large incident gets reports in most transactions, and decoding it, and making
//! its index anew, would be most of the work. The same holds for series.
//!
//! Invariant: what is kept is what its committed bytes decode to; the bytes stay the truth, and forgetting it changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::state::KeyState;

/// What is worth keeping, and how much of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Encoded bytes from which one is worth keeping.
    pub worthwhile: usize,
    /// Encoded bytes of all that are kept, per partition. The one that was not touched for the longest time makes room.
    pub bytes: usize,
}

/// Room for incidents; decoded they are two to three times as large.
pub(super) const INCIDENTS: Room = Room {
    worthwhile: 8 << 10,
    bytes: 16 << 20,
};

/// Room for series; decoded they are four times as large.
pub(super) const SERIES: Room = Room {
    worthwhile: 64,
    bytes: 8 << 20,
};

/// A state and what follows from it.
#[derive(Debug)]
pub(super) struct Kept {
    pub state: KeyState,
    /// Reports that it holds.
    pub held: Vec<u64>,
}

#[derive(Debug)]
struct Entry<T> {
    kept: T,
    bytes: usize,
    /// Place in the order of keeping.
    turn: u64,
}

/// What is kept, by key.
#[derive(Debug)]
pub(super) struct Warm<T> {
    room: Room,
    entries: FxHashMap<Arc<str>, Entry<T>>,
    order: BTreeMap<u64, Arc<str>>,
    next: u64,
    bytes: usize,
}

impl<T> Warm<T> {
    /// Keeps nothing yet.
    pub(super) fn new(room: Room) -> Self {
        Self {
            room,
            entries: FxHashMap::default(),
            order: BTreeMap::new(),
            next: 0,
            bytes: 0,
        }
    }

    /// What is kept of a key.
    pub(super) fn get(&self, key: &str) -> Option<&T> {
        self.entries.get(key).map(|entry| &entry.kept)
    }

    /// Takes out what is kept of a key; its owner changes it, and gives it back with the next commit or never.
    pub(super) fn take(&mut self, key: &str) -> Option<T> {
        let entry = self.entries.remove(key)?;
        self.order.remove(&entry.turn);
        self.bytes -= entry.bytes;
        Some(entry.kept)
    }

    /// Keeps what is committed of a key, which was [taken](Self::take) out before, if it is large; `bytes`: how long it is encoded.
    pub(super) fn keep(&mut self, key: &Arc<str>, kept: T, bytes: usize) {
        if !(self.room.worthwhile..=self.room.bytes).contains(&bytes) {
            return;
        }
        self.take(key);
        while self.bytes + bytes > self.room.bytes {
            let Some((_, oldest)) = self.order.pop_first() else {
                break;
            };
            if let Some(entry) = self.entries.remove(&oldest) {
                self.bytes -= entry.bytes;
            }
        }
        let turn = self.next;
        self.next += 1;
        self.bytes += bytes;
        self.order.insert(turn, Arc::clone(key));
        self.entries
            .insert(Arc::clone(key), Entry { kept, bytes, turn });
    }

    /// Keeps nothing any more.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.room);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::state::Previous;
    use super::super::{CorrelateOutput, Correlator, sample};
    use super::*;
    use crate::core::model::{FeedKind, Fingerprint, Millis};

    fn kept(n: u64) -> Kept {
        Kept {
            state: KeyState::Previous(Previous {
                id: Uuid::nil(),
                until: Millis(0),
            }),
            held: vec![n],
        }
    }

    #[test]
    fn the_one_untouched_for_longest_makes_room() {
        let mut warm = Warm::new(INCIDENTS);
        let keys: Vec<Arc<str>> = (0..5).map(|n| format!("k{n}").into()).collect();
        let quarter = INCIDENTS.bytes / 4;
        for (key, n) in keys.iter().zip(0..4) {
            warm.keep(key, kept(n), quarter);
        }
        let first = warm.take("k0").unwrap();
        warm.keep(&keys[0], first, quarter);
        warm.keep(&keys[4], kept(4), quarter);
        assert!(warm.take("k1").is_none());
        for n in [0, 2, 3, 4] {
            assert_eq!(warm.take(&format!("k{n}")).unwrap().held, [n]);
        }
        assert_eq!((warm.bytes, warm.order.len()), (0, 0));
    }

    #[test]
    fn small_and_huge_ones_are_not_kept() {
        let mut warm = Warm::new(INCIDENTS);
        warm.keep(&"small".into(), kept(0), INCIDENTS.worthwhile - 1);
        warm.keep(&"huge".into(), kept(1), INCIDENTS.bytes + 1);
        assert_eq!((warm.entries.len(), warm.bytes), (0, 0));
    }

    /// Posts that repeat each other, all at one moment, so that later ones may have to stand for earlier ones; far more than are members.
    #[test]
    fn a_large_incident_is_the_same_however_its_transactions_are_cut_or_lost() {
        let mut config = (*sample::config()).clone();
        (
            config.limits.reports_per_key,
            config.limits.aggregated_per_key,
        ) = (200, 300);
        let config = Arc::new(config);
        let reports: Vec<_> = (0..900_u64)
            .map(|n| {
                let mut detection = sample::detection(&format!("r{:03}", n * 7 % 900), 1_000, 45);
                detection.report.kind = FeedKind::Post;
                detection.report.fingerprint = Some(Fingerprint::Exact(n % 150));
                detection
            })
            .collect();
        let (mut whole, mut cut) = (
            Correlator::new(Arc::clone(&config)),
            Correlator::new(config),
        );
        let [mut expected, mut found] = [CorrelateOutput::default(), CorrelateOutput::default()];
        for report in &reports {
            whole.fold(report, &mut expected);
        }
        let mut was_warm = 0;
        for (part, nth) in reports.chunks(37).zip(0..) {
            if nth % 3 == 1 {
                for report in part {
                    cut.fold(report, &mut CorrelateOutput::default());
                }
                cut.rollback();
            }
            for report in part {
                cut.fold(report, &mut found);
            }
            cut.commit();
            was_warm += usize::from(!cut.store.warm.entries.is_empty());
        }
        assert!(was_warm > 10, "{was_warm}");
        assert_eq!(found.alerts, expected.alerts);
        let end = Millis(10_000_000);
        whole.advance(end, &mut expected);
        cut.advance(end, &mut found);
        assert_eq!(found.alerts, expected.alerts);
    }
}
