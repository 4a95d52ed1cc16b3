//! Counts of one transaction, per input partition: what becomes the ledger.
//!
//! Invariant: entries of a partition join without gap or overlap, because `from` is where the entry before ended.

use smallvec::SmallVec;

use super::Stage;
use crate::core::model::{LEDGER_VERSION, LedgerEntry, Millis};

/// What a transaction read of one partition.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Offset after the last record processed.
    pub(super) to: i64,
    read: u64,
    /// Few, found by looking through them; once for every record.
    outcomes: SmallVec<[(&'static str, u64); 6]>,
    pub(super) advanced_to: Option<Millis>,
}

impl Tally {
    /// Nothing read yet, from `next` on.
    pub(super) fn new(next: i64) -> Self {
        Self {
            to: next,
            ..Self::default()
        }
    }

    /// Counts the record at `offset`.
    pub(super) fn count(&mut self, offset: i64, outcome: &'static str) {
        self.to = offset + 1;
        self.read += 1;
        // Identifiers are constants: nearly always the very same ones.
        let is = |known: &str| std::ptr::eq(known, outcome) || known == outcome;
        match self.outcomes.iter_mut().find(|(known, _)| is(known)) {
            Some((_, count)) => *count += 1,
            None => self.outcomes.push((outcome, 1)),
        }
    }

    /// Whether a record was read.
    pub(super) fn has_records(&self) -> bool {
        self.read > 0
    }

    /// The entry, starting at `from`.
    pub(super) fn entry<S: Stage>(
        &self,
        stage: &S,
        topic: &str,
        partition: i32,
        from: i64,
    ) -> LedgerEntry {
        LedgerEntry {
            v: LEDGER_VERSION,
            stage: stage.role().id().to_owned(),
            topic: topic.to_owned(),
            partition,
            from,
            to: self.to,
            read: self.read,
            outcomes: self
                .outcomes
                .iter()
                .map(|(outcome, count)| ((*outcome).to_owned(), *count))
                .collect(),
            advanced_to: self.advanced_to,
            clock: stage.clock(partition),
            rule_set: stage.rule_set().map(|version| version.to_string()),
        }
    }
}

/// Key of a partition's ledger entries.
pub(super) fn ledger_key(topic: &str, partition: i32) -> String {
    format!("{topic}/{partition}")
}
