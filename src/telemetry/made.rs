//! The list of metrics: names, what they say, labels; made and registered.

use std::sync::{Arc, Mutex};

use prometheus::core::Collector;
use prometheus::{
    CounterVec, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, exponential_buckets,
};

use super::growth::{GrowthGauges, Three};
use super::open::OpenGauges;
use super::{Metrics, ReloadOutcome};
use crate::core::detect::LABEL_VERDICTS;
use crate::core::model::{DetectOutcome, Status};

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

    fn growth(&self) -> prometheus::Result<GrowthGauges> {
        let by_hazard =
            |name: &str, help: &str| self.keep(GaugeVec::new(Opts::new(name, help), &["hazard"]));
        let by_place = |name: &str, help: &str| {
            let labels = ["status", "hazard", "place"];
            self.keep(GaugeVec::new(Opts::new(name, help), &labels))
        };
        let of_feed = |name: &str, help: &str| {
            self.keep(GaugeVec::new(Opts::new(name, help), &["worker", "feed"]))
        };
        Ok(GrowthGauges {
            hazards: Three {
                observed: by_hazard(
                    "tocsin_growth_observed_reports",
                    "Reports in the period where a hazard deviates most from what is usual, of the places on the queue.",
                )?,
                expected: by_hazard("tocsin_growth_expected_reports", "What is usual there.")?,
                statistic: by_hazard(
                    "tocsin_growth_statistic",
                    "W2 there: standard deviations above what is usual.",
                )?,
            },
            places: Three {
                observed: by_place(
                    "tocsin_growth_place_observed_reports",
                    "Reports of a hazard at a place, in the hour or the day: of those on the queue the places in alarm, then the highest.",
                )?,
                expected: by_place(
                    "tocsin_growth_place_expected_reports",
                    "What is usual at the place.",
                )?,
                statistic: by_place(
                    "tocsin_growth_place_statistic",
                    "W2 at the place: standard deviations above what is usual.",
                )?,
            },
            left_out: self.gauges(
                "tocsin_growth_places_left_out",
                "Hazards at places on the queue that are not shown: 50 of a status are.",
                &["status"],
            )?,
            series: self.gauges(
                "tocsin_growth_series",
                "Series of growth held in memory; growth.series bounds them per partition.",
                &["worker", "status"],
            )?,
            bytes: self.gauges(
                "tocsin_growth_series_bytes",
                "Bytes of them, encoded.",
                &["worker", "status"],
            )?,
            hour_observed: of_feed(
                "tocsin_feed_hour_reports",
                "Reports of hazards of a feed in its last whole hour, where it is known how many are usual.",
            )?,
            hour_expected: of_feed(
                "tocsin_feed_hour_usual_reports",
                "What is usual in that hour of the week.",
            )?,
            hour_variance: of_feed(
                "tocsin_feed_hour_usual_variance",
                "Variance of it: the sum over workers is that of the sum.",
            )?,
            learned: self.gauges(
                "tocsin_feed_learned",
                "Days learned of a feed's hour of the week; 14 are needed.",
                &["worker", "feed"],
            )?,
            held: Mutex::default(),
        })
    }

    fn open(&self) -> prometheus::Result<OpenGauges> {
        Ok(OpenGauges {
            levels: self.gauges(
                "tocsin_open_incidents",
                "Incidents that are active and on the queue, by status, level and hazard.",
                &["worker", "status", "level", "hazard"],
            )?,
            places: self.gauges(
                "tocsin_open_incidents_by_place",
                "Incidents that are active and on the queue, by status and place: the places with most of those that this process holds.",
                &["status", "place"],
            )?,
            left_out: self.gauges(
                "tocsin_open_incident_places_left_out",
                "Places with open incidents that are not shown: 50 of a status are.",
                &["status"],
            )?,
            held: Mutex::default(),
        })
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
            empty_offsets: make.counters(
                "tocsin_ledger_empty_offsets_total",
                "Offsets within the ledger's ranges of detect that held no record: markers of a producer's transactions, or compaction.",
                &["topic"],
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
            growth: make.growth()?,
            open: make.open()?,
            rule_seconds: make.keep(CounterVec::new(
                Opts::new(
                    "tocsin_rule_evaluation_seconds_total",
                    "Time that the condition of a rule took, of one report in 256 among those that touch any rule.",
                ),
                &["rule"],
            ))?,
            rule_evaluations: make.counters(
                "tocsin_rule_evaluations_total",
                "How often the condition of a rule was evaluated, of one report in 256 among those that touch any rule.",
                &["rule"],
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
}
