//! Decoded states of large keys, kept from one transaction to the next: a large incident gets reports in most transactions, and
//! decoding it, and making its index anew, would be most of the work.
//!
//! Invariant: what is kept is what its committed bytes decode to; the bytes stay the truth, and forgetting a state changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::state::KeyState;

/// Encoded bytes from which a state is worth keeping.
const WORTHWHILE: usize = 8 << 10;
/// Encoded bytes of all states kept, per partition; decoded they are two to three times as large. The one that was not touched for the
/// longest time makes room.
const MAX_BYTES: usize = 16 << 20;

/// A state and what follows from it.
#[derive(Debug)]
pub(super) struct Kept {
    pub state: KeyState,
    /// Reports that it holds.
    pub held: Vec<u64>,
}

#[derive(Debug)]
struct Entry {
    kept: Kept,
    bytes: usize,
    /// Place in the order of keeping.
    turn: u64,
}

/// The states kept.
#[derive(Debug, Default)]
pub(super) struct Warm {
    entries: FxHashMap<Arc<str>, Entry>,
    order: BTreeMap<u64, Arc<str>>,
    next: u64,
    bytes: usize,
}

impl Warm {
    /// Takes a state out; its owner changes it, and gives it back with the next commit or never.
    pub(super) fn take(&mut self, key: &str) -> Option<Kept> {
        let entry = self.entries.remove(key)?;
        self.order.remove(&entry.turn);
        self.bytes -= entry.bytes;
        Some(entry.kept)
    }

    /// Keeps the committed state of a key, which was [taken](Self::take) out before, if it is large; `bytes`: how long it is encoded.
    pub(super) fn keep(&mut self, key: &Arc<str>, kept: Kept, bytes: usize) {
        if !(WORTHWHILE..=MAX_BYTES).contains(&bytes) {
            return;
        }
        self.take(key);
        while self.bytes + bytes > MAX_BYTES {
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
        let mut warm = Warm::default();
        let keys: Vec<Arc<str>> = (0..5).map(|n| format!("k{n}").into()).collect();
        let quarter = MAX_BYTES / 4;
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
        let mut warm = Warm::default();
        warm.keep(&"small".into(), kept(0), WORTHWHILE - 1);
        warm.keep(&"huge".into(), kept(1), MAX_BYTES + 1);
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
