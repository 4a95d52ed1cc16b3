//! Metrics: one struct that owns its registry.
//!
//! Invariants: counters rise only after a commit ([`Metrics::commit`]); labels are bounded (feeds, rules and departments come
//! from the configuration, everything else from closed lists) and never text of a report.

use std::sync::Arc;

use prometheus::{
    CounterVec, Encoder as _, GaugeVec, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec,
    Registry, TextEncoder,
};

use super::growth::{FeedHour, GrowthGauges};
use super::open::OpenGauges;
use super::{SilenceWatch, StageCounts};
use crate::core::correlate::OpenIncidents;
use crate::core::model::{DetectOutcome, Millis, MsgType, Status};

/// Stands for the feed of records of the retry topic that belong to none.
const RETRY: &str = "retry";

/// Everything that is measured. Shared by all workers of a process.
#[derive(Debug)]
pub struct Metrics {
    pub(super) registry: Registry,
    pub(super) feeds: Vec<Arc<str>>,
    pub(super) silence: Option<Arc<SilenceWatch>>,
    pub(super) records: IntCounterVec,
    pub(super) detections: IntCounterVec,
    pub(super) unreadable_detections: prometheus::IntCounter,
    pub(super) shadow: IntCounterVec,
    pub(super) alerts: IntCounterVec,
    pub(super) revisions: IntCounterVec,
    pub(crate) ledger: IntCounterVec,
    pub(crate) empty_offsets: IntCounterVec,
    pub(super) dead_letters: IntCounterVec,
    pub(super) limits: IntCounterVec,
    pub(super) retractions: IntCounterVec,
    pub(super) drills: IntCounterVec,
    pub(super) durations: HistogramVec,
    pub(super) latency: HistogramVec,
    pub(super) feed_last: IntGaugeVec,
    pub(super) state_keys: IntGaugeVec,
    pub(super) state_bytes: IntGaugeVec,
    pub(super) growth: GrowthGauges,
    pub(super) open: OpenGauges,
    pub(super) rule_seconds: CounterVec,
    pub(super) rule_evaluations: IntCounterVec,
    pub(super) rule_set: IntGaugeVec,
    pub(super) rule_set_loaded: IntGauge,
    pub(super) reloads: IntCounterVec,
    pub(super) memory: IntGauge,
    pub(super) silent: IntGaugeVec,
    pub(super) usual_gap: GaugeVec,
    pub(crate) transaction: HistogramVec,
    pub(crate) commit: HistogramVec,
    pub(crate) aborts: IntCounterVec,
    pub(crate) restarts: IntCounterVec,
    pub(crate) lag: IntGaugeVec,
    pub(crate) lost: IntCounterVec,
    pub(crate) partitions: IntGaugeVec,
    pub(crate) restore: HistogramVec,
    pub(crate) restored_records: IntCounterVec,
}

impl Metrics {
    /// Tells `watch` of every feed that is committed.
    #[must_use]
    pub fn with_silence(mut self, watch: Arc<SilenceWatch>) -> Self {
        self.silence = Some(watch);
        self
    }

    /// Adds what a stage counted in the transaction that was just committed, at `now`, and empties `counts`.
    pub fn commit(&self, counts: &mut StageCounts, now: Millis) {
        for (feed, counted) in self.feeds.iter().zip(&counts.feeds) {
            for (status, outcomes) in Status::ALL.iter().zip(counted.outcomes) {
                for (outcome, times) in DetectOutcome::ALL.iter().zip(outcomes) {
                    if times > 0 {
                        self.records
                            .with_label_values(&[feed, outcome.id(), status.id()])
                            .inc_by(times);
                    }
                }
            }
            if let Some(newest) = counted.newest {
                let gauge = self.feed_last.with_label_values(&[feed]);
                gauge.set(gauge.get().max(newest.0 / 1_000));
                if let Some(silence) = &self.silence {
                    silence.seen(feed, newest, now);
                }
            }
        }
        for (outcome, times) in &counts.retries {
            self.records
                .with_label_values(&[RETRY, outcome.id(), Status::Actual.id()])
                .inc_by(*times);
        }
        for ((rule, status, outcome), times) in &counts.detections {
            self.detections
                .with_label_values(&[rule, outcome.id(), status.id()])
                .inc_by(*times);
        }
        self.unreadable_detections
            .inc_by(counts.unreadable_detections);
        for (rule, times) in &counts.shadow {
            self.shadow.with_label_values(&[rule]).inc_by(*times);
        }
        for ((feed, code), times) in &counts.dead_letters {
            self.dead_letters
                .with_label_values(&[feed, code.id()])
                .inc_by(*times);
        }
        for ((level, department, status), times) in &counts.alerts {
            self.alerts
                .with_label_values(&[*level, department, status.id()])
                .inc_by(*times);
        }
        for ((hazard, level, message, material, status), times) in &counts.revisions {
            let message = match message {
                MsgType::Alert => "alert",
                MsgType::Update => "update",
                MsgType::Cancel => "cancel",
            };
            let material = if *material { "true" } else { "false" };
            let labels = [hazard.id(), level.id(), message, material, status.id()];
            self.revisions.with_label_values(&labels).inc_by(*times);
        }
        for ((limit, status), times) in &counts.limits {
            self.limits
                .with_label_values(&[*limit, status.id()])
                .inc_by(*times);
        }
        for (result, times) in &counts.retractions {
            self.retractions
                .with_label_values(&[*result])
                .inc_by(*times);
        }
        for (verdict, times) in &counts.drills {
            self.drills.with_label_values(&[*verdict]).inc_by(*times);
        }
        for (status, received) in &counts.latencies {
            self.latency
                .with_label_values(&[status.id()])
                .observe(now.since(*received).max(0) as f64 / 1_000.0);
        }
        for (stage, seconds) in &counts.durations {
            self.durations
                .with_label_values(&[*stage])
                .observe(*seconds);
        }
        for (rule, (times, nanos)) in &counts.rule_costs {
            let seconds = *nanos as f64 / 1e9;
            self.rule_seconds.with_label_values(&[rule]).inc_by(seconds);
            self.rule_evaluations
                .with_label_values(&[rule])
                .inc_by(*times);
        }
        for status in self.growth.commit(&mut counts.growth) {
            self.limits
                .with_label_values(&["growth_readings", status.id()])
                .inc();
        }
        counts.clear();
    }

    /// Series of growth held by one worker, by status.
    pub fn series(&self, worker: u32, status: Status, series: u64, bytes: u64) {
        let clamp = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let worker = worker.to_string();
        let labels = [worker.as_str(), status.id()];
        let gauges = [(&self.growth.series, series), (&self.growth.bytes, bytes)];
        for (gauge, value) in gauges {
            gauge.with_label_values(&labels).set(clamp(value));
        }
    }

    /// What a feed told a worker in its last whole hour.
    pub fn feed_hour(&self, worker: u32, feed: &str, hour: FeedHour) {
        self.growth.hour(worker, feed, hour);
    }

    /// Takes out of the metrics of growth what is over at `now`, the wall clock.
    pub fn growth_over(&self, now: Millis) {
        self.growth.sweep(now);
    }

    /// A partition was taken away: what its incidents said is somebody else's.
    pub fn growth_moved(&self) {
        self.growth.forget();
    }

    /// Open incidents that a worker holds.
    pub fn open(&self, worker: u32, open: OpenIncidents) {
        self.open.set(worker, open);
    }

    /// Incident state held by one worker, by status.
    pub fn state(&self, worker: u32, status: Status, keys: u64, bytes: u64) {
        let clamp = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let worker = worker.to_string();
        let labels = [worker.as_str(), status.id()];
        self.state_keys.with_label_values(&labels).set(clamp(keys));
        self.state_bytes
            .with_label_values(&labels)
            .set(clamp(bytes));
    }

    /// Where other parts of a process register what they measure.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Feeds, in the order of [`StageCounts::record`].
    pub fn feeds(&self) -> &[Arc<str>] {
        &self.feeds
    }

    /// Everything in Prometheus' text format, version 0.0.4.
    pub fn text(&self) -> prometheus::Result<Vec<u8>> {
        if let Some(bytes) = resident_bytes() {
            self.memory.set(bytes);
        }
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

/// Resident memory as Linux tells it.
fn resident_bytes() -> Option<i64> {
    /// Page size of x86-64 and of aarch64 Linux as usually built.
    const PAGE: i64 = 4_096;
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: i64 = text.split_whitespace().nth(1)?.parse().ok()?;
    pages.checked_mul(PAGE)
}
