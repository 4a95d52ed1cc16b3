//! Metrics: one struct that owns its registry.
//!
//! Invariants: counters rise only after a commit ([`Metrics::commit`]); labels are bounded (feeds, rules and departments come
//! from the configuration, everything else from closed lists) and never text of a report.

use std::sync::Arc;

use prometheus::core::Collector;
use prometheus::{
    Encoder as _, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, TextEncoder, exponential_buckets,
};

use super::{ReloadOutcome, SilenceWatch, StageCounts};
use crate::core::detect::LABEL_VERDICTS;
use crate::core::model::{DetectOutcome, Millis, MsgType, Status};

/// Stands for the feed of records of the retry topic that belong to none.
const RETRY: &str = "retry";

/// Everything that is measured. Shared by all workers of a process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    feeds: Vec<Arc<str>>,
    silence: Option<Arc<SilenceWatch>>,
    pub(super) records: IntCounterVec,
    detections: IntCounterVec,
    unreadable_detections: prometheus::IntCounter,
    pub(super) shadow: IntCounterVec,
    alerts: IntCounterVec,
    revisions: IntCounterVec,
    pub(crate) ledger: IntCounterVec,
    dead_letters: IntCounterVec,
    limits: IntCounterVec,
    retractions: IntCounterVec,
    drills: IntCounterVec,
    durations: HistogramVec,
    latency: HistogramVec,
    pub(super) feed_last: IntGaugeVec,
    state_keys: IntGaugeVec,
    state_bytes: IntGaugeVec,
    pub(super) rule_set: IntGaugeVec,
    pub(super) rule_set_loaded: IntGauge,
    pub(super) reloads: IntCounterVec,
    memory: IntGauge,
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

/// Registers what it makes.
struct Maker(Registry);

impl Maker {
    fn keep<C: Collector + Clone + 'static>(
        &self,
        made: prometheus::Result<C>,
    ) -> prometheus::Result<C> {
        let made = made?;
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }

    fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> prometheus::Result<IntCounterVec> {
        self.keep(IntCounterVec::new(Opts::new(name, help), labels))
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntGaugeVec> {
        self.keep(IntGaugeVec::new(Opts::new(name, help), labels))
    }

    fn histograms(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
        buckets: Vec<f64>,
    ) -> prometheus::Result<HistogramVec> {
        let options = HistogramOpts::new(name, help).buckets(buckets);
        self.keep(HistogramVec::new(options, labels))
    }
}

/// Seconds from 1 ms to 65 s.
fn seconds() -> Vec<f64> {
    exponential_buckets(0.001, 2.0, 17).unwrap_or_default()
}

impl Metrics {
    /// Metrics of a process that reads these feeds; [`StageCounts::record`] names them by index.
    #[expect(clippy::too_many_lines, reason = "one line or two per metric: a list")]
    pub fn new(feeds: &[Arc<str>]) -> prometheus::Result<Self> {
        let make = Maker(Registry::new());
        let micros = exponential_buckets(0.000_001, 2.0, 17)?;
        let latency = [
            0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0,
            300.0, 3600.0,
        ];
        let metrics = Self {
            records: make.counters(
                "tocsin_records_total",
                "Feed records, by status and their one outcome.",
                &["feed", "outcome", "status"],
            )?,
            detections: make.counters(
                "tocsin_detections_total",
                "Detections folded into incidents, by rule, status and their one outcome.",
                &["rule", "outcome", "status"],
            )?,
            unreadable_detections: make.keep(prometheus::IntCounter::new(
                "tocsin_unreadable_detections_total",
                "Records on the topic of detections that are none.",
            ))?,
            shadow: make.counters(
                "tocsin_shadow_hits_total",
                "Reports on which a shadow rule fired.",
                &["rule"],
            )?,
            alerts: make.counters(
                "tocsin_alerts_total",
                "Alerts on the joint-meeting queue, once per department that they go to.",
                &["level", "department", "status"],
            )?,
            revisions: make.counters(
                "tocsin_revisions_total",
                "Alerts on the joint-meeting queue, once each; material ones tell something new.",
                &["hazard", "level", "message", "material", "status"],
            )?,
            ledger: make.counters(
                "tocsin_ledger_records_total",
                "Records that the ledger says were read.",
                &["stage"],
            )?,
            dead_letters: make.counters(
                "tocsin_dead_letters_total",
                "Records written to dead letters, by feed and code.",
                &["feed", "code"],
            )?,
            limits: make.counters(
                "tocsin_limit_hits_total",
                "Times that a named limit refused or forgot something.",
                &["limit", "status"],
            )?,
            retractions: make.counters(
                "tocsin_retractions_total",
                "Retractions read, once per partition, by whether an incident there held the report.",
                &["result"],
            )?,
            drills: make.counters(
                "tocsin_drill_labels_total",
                "Exercise labels on records, by what came of them.",
                &["verdict"],
            )?,
            durations: make.histograms(
                "tocsin_stage_duration_seconds",
                "Time of one record in a stage, sampled.",
                &["stage"],
                micros,
            )?,
            latency: make.histograms(
                "tocsin_report_to_alert_seconds",
                "From the Kafka timestamp of a report to the commit of the alert it made.",
                &["status"],
                latency.to_vec(),
            )?,
            feed_last: make.gauges(
                "tocsin_feed_last_record_timestamp_seconds",
                "Kafka timestamp of the newest record of a feed that is no exercise.",
                &["feed"],
            )?,
            state_keys: make.gauges(
                "tocsin_incident_keys",
                "Incident keys held in memory.",
                &["worker", "status"],
            )?,
            state_bytes: make.gauges(
                "tocsin_incident_state_bytes",
                "Bytes of incident state held in memory, encoded.",
                &["worker", "status"],
            )?,
            rule_set: make.gauges(
                "tocsin_rule_set_info",
                "1 for the version of the rule set in use.",
                &["version"],
            )?,
            rule_set_loaded: make.keep(IntGauge::new(
                "tocsin_rule_set_loaded_timestamp_seconds",
                "When the rule set in use was put in use.",
            ))?,
            reloads: make.counters(
                "tocsin_rule_set_reloads_total",
                "Times that the files of the rule set were read again, by what came of it.",
                &["outcome"],
            )?,
            memory: make.keep(IntGauge::new(
                "process_resident_memory_bytes",
                "Resident memory of this process.",
            ))?,
            silent: make.gauges(
                "tocsin_feed_silent",
                "1 while a feed has sent nothing for much longer than it usually does.",
                &["feed"],
            )?,
            usual_gap: make.keep(GaugeVec::new(
                Opts::new(
                    "tocsin_feed_usual_gap_seconds",
                    "Usual gap between records of a feed, stated or learned.",
                ),
                &["feed"],
            ))?,
            transaction: make.histograms(
                "tocsin_transaction_duration_seconds",
                "From the first record of a transaction to its commit.",
                &["stage"],
                seconds(),
            )?,
            commit: make.histograms(
                "tocsin_commit_duration_seconds",
                "The part of a transaction after its last record: flush, offsets, commit.",
                &["stage"],
                seconds(),
            )?,
            aborts: make.counters(
                "tocsin_transaction_aborts_total",
                "Transactions aborted and read again.",
                &["stage"],
            )?,
            restarts: make.counters(
                "tocsin_worker_restarts_total",
                "Workers that began anew after a fence, a lost connection or an error.",
                &["stage"],
            )?,
            lag: make.gauges(
                "tocsin_consumer_lag_records",
                "Offsets between what is committed and the end of a partition.",
                &["stage", "topic", "partition"],
            )?,
            lost: make.counters(
                "tocsin_records_lost_total",
                "Offsets that the broker had deleted before they were read.",
                &["stage", "topic"],
            )?,
            partitions: make.gauges(
                "tocsin_assigned_partitions",
                "Partitions that a worker is reading.",
                &["stage", "worker"],
            )?,
            restore: make.histograms(
                "tocsin_restore_duration_seconds",
                "Time to restore the state of one partition.",
                &["stage"],
                seconds(),
            )?,
            restored_records: make.counters(
                "tocsin_restored_records_total",
                "Changelog records read to restore state.",
                &["stage"],
            )?,
            feeds: feeds.to_vec(),
            silence: None,
            registry: make.0,
        };
        metrics.start_at_zero();
        Ok(metrics)
    }

    /// Tells `watch` of every feed that is committed.
    #[must_use]
    pub fn with_silence(mut self, watch: Arc<SilenceWatch>) -> Self {
        self.silence = Some(watch);
        self
    }

    /// Series that rates are taken of exist before their first event.
    fn start_at_zero(&self) {
        for feed in &self.feeds {
            for outcome in DetectOutcome::ALL {
                let labels = [feed, outcome.id(), Status::Actual.id()];
                let _ = self.records.with_label_values(&labels);
            }
        }
        for outcome in ReloadOutcome::ALL {
            let _ = self.reloads.with_label_values(&[outcome.id()]);
        }
        let _ = self.latency.with_label_values(&[Status::Actual.id()]);
        for verdict in LABEL_VERDICTS {
            let _ = self.drills.with_label_values(&[verdict]);
        }
        for stage in ["detect", "correlate"] {
            let _ = self.aborts.with_label_values(&[stage]);
            let _ = self.restarts.with_label_values(&[stage]);
            let _ = self.ledger.with_label_values(&[stage]);
        }
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
        counts.clear();
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
