//! What workers report. Counts are of committed work only.

use std::time::Duration;

use super::Role;
use crate::core::model::LedgerEntry;

/// A committed transaction.
#[derive(Debug)]
pub struct Committed<'a> {
    /// Role of the worker.
    pub role: Role,
    /// One entry per input partition.
    pub entries: &'a [LedgerEntry],
    /// From the first record to the answer of the commit.
    pub took: Duration,
    /// The part of it after the last record: flush, offsets, commit.
    pub commit: Duration,
    /// Records written, changelog and ledger apart.
    pub written: u64,
}

/// Receives what workers report; every method may be called from every worker's thread.
pub trait WorkerEvents: Send + Sync {
    /// A transaction was committed.
    fn committed(&self, _committed: &Committed<'_>) {}
    /// A transaction was aborted and will be read again.
    fn aborted(&self, _role: Role, _why: &str) {}
    /// Partitions now running.
    fn partitions(&self, _role: Role, _worker: u32, _running: usize) {}
    /// A partition's state was restored.
    fn restored(&self, _role: Role, _partition: i32, _records: u64, _took: Duration) {}
    /// Records between what was committed and the end of a partition.
    fn lag(&self, _role: Role, _topic: &str, _partition: i32, _records: i64) {}
    /// A partition is no longer this worker's: what was said of its lag no longer holds.
    fn released(&self, _role: Role, _topic: &str, _partition: i32) {}
    /// Records that the broker had deleted before they were read.
    fn lost(&self, _role: Role, _topic: &str, _partition: i32, _records: i64) {}
    /// A worker begins anew, after a fence, a lost connection or an inner error.
    fn restarted(&self, _role: Role, _worker: u32, _why: &str) {}
    /// Whether a worker is a working member of its group.
    fn ready(&self, _role: Role, _worker: u32, _ready: bool) {}
}

/// Reports nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl WorkerEvents for Silent {}
