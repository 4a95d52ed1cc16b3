//! The partitions of a worker, and what each is doing.

use std::sync::Arc;

use super::tally::Tally;

/// What a partition is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its state is being read; nothing of it may be processed.
    Restoring,
    /// It is read.
    Running,
}

/// One assigned partition.
#[derive(Clone, Debug)]
pub(super) struct Owned {
    pub(super) topic: Arc<str>,
    pub(super) partition: i32,
    pub(super) phase: Phase,
    /// Committed: the offset at which the next ledger entry starts.
    pub(super) next: i64,
    /// What the open transaction did with it.
    pub(super) tally: Option<Tally>,
    /// Read to its end, and nothing since.
    pub(super) at_end: bool,
    /// Whether its first record has come since it was sought.
    start: Start,
}

/// What is known of where the reading of a partition begins.
///
/// The client may answer a seek with success and still begin where an earlier, slower question about an offset leads to:
/// <https://github.com/confluentinc/librdkafka/issues/2256>. Records would be passed over without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// It was sought at this offset; no record has come.
    Sought(i64),
    /// The first record that came was this one, not the one sought, and it was sought again.
    Doubted { sought: i64, came: i64 },
    /// A record has come from where it was to.
    Sure,
}

impl Owned {
    /// It was sought at `offset`, and is to begin there.
    pub(super) fn sought(&mut self, offset: i64) {
        self.start = Start::Sought(offset);
    }

    /// A record has come from where it was to, and is counted.
    pub(super) fn begun(&mut self) {
        self.start = Start::Sure;
    }

    /// Where an abort has to go back to: the client has moved on from what was undone, and from what came and was not counted.
    pub(super) fn rewind_to(&self) -> Option<i64> {
        if self.tally.as_ref().is_some_and(Tally::has_records) {
            return Some(self.next);
        }
        match self.start {
            Start::Sought(sought) | Start::Doubted { sought, .. } => Some(sought),
            Start::Sure => None,
        }
    }

    /// Where to seek once more, when the first record since the last seek is another one than was sought. When it is the same
    /// one again, there is nothing before it: transaction markers, a compacted log, or records that are gone.
    pub(super) fn seek_again(&mut self, came: i64) -> Option<i64> {
        let (sought, before) = match self.start {
            Start::Sure => return None,
            Start::Sought(sought) => (sought, None),
            Start::Doubted { sought, came } => (sought, Some(came)),
        };
        if came == sought || before == Some(came) {
            self.start = Start::Sure;
            return None;
        }
        self.start = Start::Doubted { sought, came };
        Some(sought)
    }
}

/// The partitions of a worker. Few: found by looking through them, the last one first.
#[derive(Debug, Default)]
pub(super) struct Assignment {
    owned: Vec<Owned>,
    last: usize,
}

impl Assignment {
    /// Adds a partition whose state has to be restored.
    pub(super) fn add(&mut self, topic: &str, partition: i32) {
        self.remove(topic, partition);
        self.owned.push(Owned {
            topic: topic.into(),
            partition,
            phase: Phase::Restoring,
            next: 0,
            tally: None,
            at_end: false,
            start: Start::Sure,
        });
        self.owned
            .sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
    }

    /// Removes a partition; false when it was not there.
    pub(super) fn remove(&mut self, topic: &str, partition: i32) -> bool {
        let before = self.owned.len();
        self.owned
            .retain(|owned| !(&*owned.topic == topic && owned.partition == partition));
        self.last = 0;
        self.owned.len() != before
    }

    /// The partition, if assigned.
    pub(super) fn find(&mut self, topic: &str, partition: i32) -> Option<&mut Owned> {
        let is = |owned: &Owned| owned.partition == partition && &*owned.topic == topic;
        if !self.owned.get(self.last).is_some_and(is) {
            self.last = self.owned.iter().position(is)?;
        }
        self.owned.get_mut(self.last)
    }

    /// Every partition, sorted.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Owned> {
        self.owned.iter()
    }

    /// Every partition, sorted.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Owned> {
        self.owned.iter_mut()
    }

    /// Partitions being read.
    pub(super) fn running(&self) -> usize {
        self.owned
            .iter()
            .filter(|owned| owned.phase == Phase::Running)
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_found_by_topic_and_number() {
        let mut assignment = Assignment::default();
        assignment.add("b", 0);
        assignment.add("a", 1);
        assignment.add("a", 0);
        assignment.add("a", 0);
        let order: Vec<_> = assignment
            .iter()
            .map(|owned| (owned.topic.to_string(), owned.partition))
            .collect();
        assert_eq!(order, [("a".into(), 0), ("a".into(), 1), ("b".into(), 0)]);
        assert!(assignment.find("b", 1).is_none());
        assert_eq!(
            assignment.find("b", 0).map(|o| o.topic.to_string()),
            Some("b".into())
        );
        assert!(assignment.remove("a", 0) && !assignment.remove("a", 0));
        assert!(assignment.find("a", 0).is_none());
    }

    /// What is done with the offsets that come after a seek to 10: `None` is processed, else where is sought again.
    fn after_seek(came: &[i64]) -> Vec<Option<i64>> {
        let mut assignment = Assignment::default();
        assignment.add("feed", 0);
        let owned = assignment.find("feed", 0).unwrap();
        owned.sought(10);
        came.iter().map(|at| owned.seek_again(*at)).collect()
    }

    #[test]
    fn a_start_elsewhere_is_sought_again() {
        assert_eq!(after_seek(&[10, 11, 90]), [None, None, None]);
        // The client began at the end.
        assert_eq!(after_seek(&[70, 10, 11]), [Some(10), None, None]);
        // … or at the beginning, and twice.
        assert_eq!(after_seek(&[0, 1, 10]), [Some(10), Some(10), None]);
        // A marker lies at 10.
        assert_eq!(after_seek(&[11, 11, 12]), [Some(10), None, None]);
    }

    #[test]
    fn an_abort_goes_back_to_what_came_and_was_not_counted() {
        let mut assignment = Assignment::default();
        assignment.add("feed", 0);
        let owned = assignment.find("feed", 0).unwrap();
        owned.next = 10;
        assert_eq!(owned.rewind_to(), None);
        // Record 12 came (10 and 11 are markers), and the transaction broke before it was counted.
        owned.sought(12);
        owned.tally = Some(Tally::new(10));
        assert_eq!(owned.rewind_to(), Some(12));
        owned.tally.get_or_insert_default().count(12, "detected");
        owned.begun();
        assert_eq!(owned.rewind_to(), Some(10));
    }
}
