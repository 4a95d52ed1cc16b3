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
}
