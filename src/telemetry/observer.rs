//! What workers report, turned into metrics, readiness and log lines: one event, logged and counted in one place.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Health, HttpServer, Metrics, ReloadApi, SilenceWatch, StageCounts, Watcher};
use crate::config::Settings;
use crate::core::model::{Feed, Millis};
use crate::kafka::{Committed, Role, WorkerEvents};

/// Metrics, readiness and silence of one process.
#[derive(Debug)]
pub struct Telemetry {
    /// Counters and gauges.
    pub metrics: Arc<Metrics>,
    /// Readiness.
    pub health: Arc<Health>,
    silence: Arc<SilenceWatch>,
    feed_of_topic: BTreeMap<String, Arc<str>>,
}

impl Telemetry {
    /// Telemetry of a process that reads these feeds, in this order.
    pub fn new(settings: &Settings, feeds: &[Arc<Feed>]) -> prometheus::Result<Arc<Self>> {
        let ids: Vec<Arc<str>> = feeds.iter().map(|feed| feed.id.clone()).collect();
        let silence = Arc::new(SilenceWatch::new(&settings.silence, feeds));
        Ok(Arc::new(Self {
            metrics: Arc::new(Metrics::new(&ids)?.with_silence(silence.clone())),
            health: Arc::default(),
            silence,
            feed_of_topic: feeds
                .iter()
                .map(|feed| (feed.topic.clone(), feed.id.clone()))
                .collect(),
        }))
    }

    /// Serves `/metrics`, `/healthz` and `/readyz`, and with `reload` that the rule set is read again.
    pub fn serve(&self, listen: &str, reload: Option<ReloadApi>) -> io::Result<HttpServer> {
        HttpServer::start(listen, self.metrics.clone(), self.health.clone(), reload)
    }

    /// Starts to look for silent feeds.
    pub fn watch(&self) -> io::Result<Watcher> {
        let (metrics, health) = (self.metrics.clone(), self.health.clone());
        Watcher::start(self.silence.clone(), metrics, health, wall_clock)
    }

    /// A stage's counts of the transaction that was just committed; empties them.
    pub fn commit(&self, counts: &mut StageCounts) {
        self.metrics.commit(counts, wall_clock());
    }
}

/// The wall clock: for latency and silence, for capping `received`, and for how far an idle partition may advance; never for a
/// decision of the core.
pub fn wall_clock() -> Millis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)).clamped()
}

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
