//! What workers report, turned into metrics, readiness and log lines: one event, logged and counted in one place.

use std::time::Duration;

use super::{Committed, Role, WorkerEvents};
use crate::telemetry::{Telemetry, wall_clock};

impl WorkerEvents for Telemetry {
    fn committed(&self, committed: &Committed<'_>) {
        let stage = committed.role.id();
        let read: u64 = committed.entries.iter().map(|entry| entry.read).sum();
        self.metrics
            .transaction
            .with_label_values(&[stage])
            .observe(committed.took.as_secs_f64());
        self.metrics
            .commit
            .with_label_values(&[stage])
            .observe(committed.commit.as_secs_f64());
        self.metrics.ledger.with_label_values(&[stage]).inc_by(read);
        // What correlate reads is written in transactions, whose markers are offsets too: there it would say nothing.
        if committed.role == Role::Detect {
            for entry in committed.entries {
                self.metrics
                    .empty_offsets
                    .with_label_values(&[&entry.topic])
                    .inc_by(entry.empty_offsets());
            }
        }
        tracing::debug!(
            stage,
            read,
            written = committed.written,
            ms = committed.took.as_millis() as u64,
            "committed"
        );
    }

    fn aborted(&self, role: Role, why: &str) {
        self.metrics.aborts.with_label_values(&[role.id()]).inc();
        tracing::warn!(stage = role.id(), why, "transaction aborted");
    }

    fn partitions(&self, role: Role, worker: u32, running: usize) {
        let worker = worker.to_string();
        self.metrics
            .partitions
            .with_label_values(&[role.id(), &worker])
            .set(i64::try_from(running).unwrap_or(i64::MAX));
        tracing::info!(stage = role.id(), worker, running, "partitions assigned");
    }

    fn restored(&self, role: Role, partition: i32, records: u64, took: Duration) {
        let stage = role.id();
        self.metrics
            .restore
            .with_label_values(&[stage])
            .observe(took.as_secs_f64());
        self.metrics
            .restored_records
            .with_label_values(&[stage])
            .inc_by(records);
        let ms = took.as_millis() as u64;
        tracing::info!(stage, partition, records, ms, "state restored");
    }

    fn lag(&self, role: Role, topic: &str, partition: i32, records: i64) {
        if let Some(feed) = self.feed_of_topic.get(topic) {
            self.silence.reads(feed, wall_clock());
        }
        let partition = partition.to_string();
        self.metrics
            .lag
            .with_label_values(&[role.id(), topic, &partition])
            .set(records);
    }

    fn released(&self, role: Role, topic: &str, partition: i32) {
        // Another process may report this partition now; a stale series would be added to its.
        let partition = partition.to_string();
        let labels = [role.id(), topic, &partition];
        let _never_reported = self.metrics.lag.remove_label_values(&labels);
    }

    fn lost(&self, role: Role, topic: &str, partition: i32, records: i64) {
        let stage = role.id();
        self.metrics
            .lost
            .with_label_values(&[stage, topic])
            .inc_by(u64::try_from(records).unwrap_or(0));
        tracing::error!(
            stage,
            topic,
            partition,
            records,
            "the broker deleted records before they were read"
        );
    }

    fn restarted(&self, role: Role, worker: u32, _why: &str) {
        // The pool logs why.
        self.metrics.restarts.with_label_values(&[role.id()]).inc();
        self.health.ready(role.id(), worker, false);
    }

    fn ready(&self, role: Role, worker: u32, ready: bool) {
        self.health.ready(role.id(), worker, ready);
    }
}
