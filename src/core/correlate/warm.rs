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
    use super::*;
    use crate::core::model::Millis;

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
}
