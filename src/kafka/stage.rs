//! The border between a worker and what it runs.
//!
//! Invariant: a stage never touches a client. What it writes goes to an [`Outbox`], and everything it changed between two
//! calls of [`Stage::commit`] is undone by [`Stage::rollback`].

use std::sync::Arc;

use smallvec::SmallVec;

use crate::core::model::Millis;

/// What a worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Role {
    Detect,
    Correlate,
}

impl Role {
    /// Identifier in group names, transactional ids, the ledger and metrics.
    pub fn id(self) -> &'static str {
        match self {
            Self::Detect => "detect",
            Self::Correlate => "correlate",
        }
    }
}

/// Headers of a record, in their order.
pub type Headers<'a> = SmallVec<[(&'a str, &'a [u8]); 4]>;

/// One record read.
#[derive(Clone, Debug)]
pub struct Input<'a> {
    /// Topic.
    pub topic: &'a str,
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// Kafka's timestamp, capped at the wall clock; the wall clock where there is none.
    pub received: Millis,
    /// Key.
    pub key: Option<&'a [u8]>,
    /// Value; none for a tombstone.
    pub payload: Option<&'a [u8]>,
    /// Headers in order.
    pub headers: Headers<'a>,
}

/// Topics that stages write to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Target {
    Detections,
    Incidents,
    Queue,
    Shadow,
    DeadLetters,
}

/// One record to write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// The key, within the outbox's bytes.
    key: std::ops::Range<usize>,
    payload: Option<std::ops::Range<usize>>,
    headers: Vec<(String, Vec<u8>)>,
    partition: Option<i32>,
    everywhere: bool,
    target: Option<Target>,
}

/// Records to write, in order. Reused from record to record.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    records: Vec<Output>,
}

/// A record of an [`Outbox`].
#[derive(Clone, Copy, Debug)]
pub struct OutputRef<'a> {
    /// Where to.
    pub target: Target,
    /// Partition, where it does not follow from the key.
    pub partition: Option<i32>,
    /// One copy goes to every partition of the topic.
    pub everywhere: bool,
    /// Key.
    pub key: &'a [u8],
    /// Value; none: a tombstone.
    pub payload: Option<&'a [u8]>,
    /// Headers.
    pub headers: &'a [(String, Vec<u8>)],
}

impl Outbox {
    /// A record whose partition follows from its key.
    pub fn push(&mut self, target: Target, key: &[u8], payload: &[u8]) {
        self.add(target, None, key, Some(payload), Vec::new());
    }

    /// A record whose value is written as JSON. Returns false, writing nothing, when it cannot be written.
    #[must_use]
    pub fn push_json<T: serde::Serialize>(
        &mut self,
        target: Target,
        key: &[u8],
        value: &T,
    ) -> bool {
        self.push_written(target, key, |bytes| serde_json::to_writer(bytes, value))
    }

    /// The same with a value that `write` appends to what it is given.
    #[must_use]
    pub fn push_written(
        &mut self,
        target: Target,
        key: &[u8],
        write: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>,
    ) -> bool {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        let split = self.bytes.len();
        if write(&mut self.bytes).is_err() {
            self.bytes.truncate(start);
            return false;
        }
        let end = self.bytes.len();
        self.records.push(Output {
            key: start..split,
            payload: Some(split..end),
            target: Some(target),
            ..Output::default()
        });
        true
    }

    /// A control record for every partition of a topic. Returns false, writing nothing, when it cannot be written.
    #[must_use]
    pub fn broadcast_json<T: serde::Serialize>(
        &mut self,
        target: Target,
        key: &[u8],
        value: &T,
    ) -> bool {
        let written = self.push_json(target, key, value);
        if let (true, Some(record)) = (written, self.records.last_mut()) {
            record.everywhere = true;
        }
        written
    }

    /// A record with everything stated.
    pub fn add(
        &mut self,
        target: Target,
        partition: Option<i32>,
        key: &[u8],
        payload: Option<&[u8]>,
        headers: Vec<(String, Vec<u8>)>,
    ) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        let split = self.bytes.len();
        if let Some(payload) = payload {
            self.bytes.extend_from_slice(payload);
        }
        let end = self.bytes.len();
        self.records.push(Output {
            key: start..split,
            payload: payload.map(|_| split..end),
            headers,
            partition,
            everywhere: false,
            target: Some(target),
        });
    }

    /// What was added since the last [`Outbox::clear`], in order.
    pub fn records(&self) -> impl Iterator<Item = OutputRef<'_>> {
        self.records.iter().filter_map(|record| {
            Some(OutputRef {
                target: record.target?,
                partition: record.partition,
                everywhere: record.everywhere,
                key: self.bytes.get(record.key.clone())?,
                payload: match &record.payload {
                    Some(range) => Some(self.bytes.get(range.clone())?),
                    None => None,
                },
                headers: &record.headers,
            })
        })
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Forgets everything, keeps the memory up to a bound.
    pub fn clear(&mut self) {
        self.records.clear();
        self.bytes.clear();
        if self.bytes.capacity() > KEPT_BYTES {
            self.bytes.shrink_to(KEPT_BYTES);
        }
    }
}

/// Memory that an outbox keeps between records.
const KEPT_BYTES: usize = 1 << 20;

/// What a dead letter says of a record on which the stage panicked.
pub(super) const PANICKED: &str = "inner error: the stage panicked on this record";

/// What a worker runs. One value belongs to one worker; nothing is shared.
///
/// Order of calls: `open` → `restore`* → `restored` for an assigned partition; `process` and `advance` only for restored
/// ones; `finish` for every partition touched since the last `commit` or `rollback`, then one of these two; `close` when
/// a partition goes, which never happens between `finish` and `commit`.
pub trait Stage {
    /// What the worker does.
    fn role(&self) -> Role;

    /// Topics to read.
    fn topics(&self) -> Vec<String>;

    /// Whether there is state in the changelog, partitioned as the input.
    fn is_stateful(&self) -> bool {
        false
    }

    /// A partition begins, with empty state.
    fn open(&mut self, _topic: &str, _partition: i32) {}

    /// One changelog record of an opened partition, in order. An error stops the worker: state is never guessed.
    fn restore(
        &mut self,
        _partition: i32,
        _key: &[u8],
        _value: Option<&[u8]>,
    ) -> Result<(), String> {
        Ok(())
    }

    /// The changelog was read to its end.
    fn restored(&mut self, _partition: i32) {}

    /// A partition ends; its state is dropped.
    fn close(&mut self, _topic: &str, _partition: i32) {}

    /// Reads one record and returns its one outcome. None: what was due before it fills a transaction; the record is read
    /// again after the next commit, before anything else of its partition.
    fn process(&mut self, input: &Input<'_>, out: &mut Outbox) -> Option<&'static str>;

    /// Writes a record on which `process` panicked to dead letters, and returns its outcome. What the panic left of the
    /// state is gone: the partition was closed and restored.
    fn refuse_panicked(&mut self, input: &Input<'_>, out: &mut Outbox) -> &'static str;

    /// After a panic: makes anew what outlives partitions.
    fn recover(&mut self) {}

    /// When the partition's earliest timer is due; none: no timer.
    fn due(&self, _partition: i32) -> Option<Millis> {
        None
    }

    /// Advances the clock of a partition that was read to its end; returns the time reached, which is earlier than `_to`
    /// where more is due than one transaction should do.
    fn advance(&mut self, _partition: i32, to: Millis, _out: &mut Outbox) -> Millis {
        to
    }

    /// The partition's clock, for the ledger.
    fn clock(&self, _partition: i32) -> Option<Millis> {
        None
    }

    /// Adds the changelog records of everything changed in the partition since the last commit.
    fn finish(&mut self, _partition: i32, _out: &mut Outbox) {}

    /// Version of the rule set, for the ledger.
    fn rule_set(&self) -> Option<Arc<str>> {
        None
    }

    /// Everything since the last commit is durable: counters may rise.
    fn commit(&mut self) {}

    /// Everything since the last commit is undone.
    fn rollback(&mut self) {}

    /// Called between transactions: the moment to swap a rule set.
    fn between(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outbox_gives_back_what_was_put_in() {
        let mut out = Outbox::default();
        out.push(Target::Detections, b"key", b"value");
        assert!(out.push_json(Target::Queue, b"k2", &vec![1, 2]));
        out.add(
            Target::Incidents,
            Some(3),
            b"gone",
            None,
            vec![("v".to_owned(), b"1".to_vec())],
        );
        let seen: Vec<_> = out
            .records()
            .map(|r| {
                (
                    r.target,
                    r.partition,
                    r.key.to_vec(),
                    r.payload.map(<[u8]>::to_vec),
                    r.headers.len(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                (
                    Target::Detections,
                    None,
                    b"key".to_vec(),
                    Some(b"value".to_vec()),
                    0
                ),
                (
                    Target::Queue,
                    None,
                    b"k2".to_vec(),
                    Some(b"[1,2]".to_vec()),
                    0
                ),
                (Target::Incidents, Some(3), b"gone".to_vec(), None, 1),
            ]
        );
        out.clear();
        assert!(out.is_empty() && out.records().next().is_none());
    }

    #[test]
    fn what_cannot_be_written_leaves_no_trace() {
        let mut out = Outbox::default();
        let unwritable = std::collections::BTreeMap::from([(vec![1], 2)]);
        assert!(!out.push_json(Target::Queue, b"k", &unwritable));
        out.push(Target::Queue, b"a", b"b");
        assert_eq!(out.records().count(), 1);
        assert_eq!(
            out.records().next().map(|r| r.key.to_vec()),
            Some(b"a".to_vec())
        );
    }
}
