//! What is measured of the desk.
//!
//! Invariant: labels are closed lists and the departments of the routing table; counters rise after the commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use prometheus::{
    Gauge, GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

use super::absorb::Absorbed;
use super::duty_metrics::DutyMetrics;
use super::registered::{counter, counters, gauge, gauges};
use super::service::Observer;
use super::store::{DepartmentStats, Duties, Saved, Stats};
use crate::core::model::{Level, Millis, Status};
use crate::core::mute::{Silence, Standing};
use crate::core::obligation::{
    Case, CaseState, Disposition, Event, EventKind, ObligationState, Reopening,
};

/// Metrics of a desk.
#[derive(Debug)]
pub struct DeskMetrics {
    departments: BTreeSet<Arc<str>>,
    active: IntGauge,
    consuming: IntGauge,
    open: IntGaugeVec,
    obligations: IntGaugeVec,
    on_time: GaugeVec,
    settled: IntGaugeVec,
    escalations: IntCounterVec,
    reopenings: IntCounterVec,
    verdicts: IntCounterVec,
    events: IntCounterVec,
    absorbed: IntCounterVec,
    unreadable: IntCounter,
    lost: IntCounter,
    lag: IntGauge,
    backlog: IntGauge,
    backlog_age: Gauge,
    store_up: IntGauge,
    duty: DutyMetrics,
    silences: IntGaugeVec,
    limits: IntCounterVec,
}

impl DeskMetrics {
    /// Registers them; other departments than these are counted as `other`.
    #[expect(clippy::too_many_lines, reason = "one line or two per metric: a list")]
    pub fn new(
        registry: &Registry,
        departments: impl IntoIterator<Item = Arc<str>>,
    ) -> prometheus::Result<Arc<Self>> {
        let share = GaugeVec::new(
            Opts::new(
                "tocsin_desk_on_time_ratio",
                "Share of settled deadlines of actual incidents of the last 30 days that were met, by department and deadline.",
            ),
            &["department", "deadline"],
        )?;
        registry.register(Box::new(share.clone()))?;
        let age = Gauge::new(
            "tocsin_desk_outbox_age_seconds",
            "Age of the oldest record that waits to be published.",
        )?;
        registry.register(Box::new(age.clone()))?;
        let departments: BTreeSet<Arc<str>> = departments.into_iter().collect();
        let metrics = Self {
            duty: DutyMetrics::new(registry, &departments)?,
            departments,
            active: gauge(
                registry,
                "tocsin_desk_active",
                "1 while this desk is the active one.",
            )?,
            consuming: gauge(
                registry,
                "tocsin_desk_consuming",
                "1 while the queue is read.",
            )?,
            open: gauges(
                registry,
                "tocsin_desk_open_incidents",
                "Open incidents.",
                &["status", "level", "state"],
            )?,
            obligations: gauges(
                registry,
                "tocsin_desk_obligations",
                "Obligations that departments still owe, of actual incidents.",
                &["department", "state"],
            )?,
            on_time: share,
            settled: gauges(
                registry,
                "tocsin_desk_settled_deadlines",
                "Deadlines of actual incidents of the last 30 days that were met or missed.",
                &["department", "deadline"],
            )?,
            escalations: counters(
                registry,
                "tocsin_desk_escalations_total",
                "Missed deadlines that called the next office.",
                &["department", "deadline", "status"],
            )?,
            reopenings: counters(
                registry,
                "tocsin_desk_reopenings_total",
                "Closed incidents that were opened again, by why.",
                &["cause", "status"],
            )?,
            verdicts: counters(
                registry,
                "tocsin_desk_closed_incidents_total",
                "Incidents closed, by verdict (false alarms among them).",
                &["verdict", "status"],
            )?,
            events: counters(
                registry,
                "tocsin_desk_events_total",
                "Events of the audit trail.",
                &["kind", "status"],
            )?,
            absorbed: counters(
                registry,
                "tocsin_desk_alerts_total",
                "Alerts of the queue that were taken in.",
                &["status"],
            )?,
            unreadable: counter(
                registry,
                "tocsin_desk_unreadable_alerts_total",
                "Records of the queue that are no alerts.",
            )?,
            lost: counter(
                registry,
                "tocsin_desk_alerts_lost_total",
                "Offsets of the queue that the broker had deleted before they were read.",
            )?,
            lag: gauge(
                registry,
                "tocsin_desk_consumer_lag_records",
                "Offsets between what was taken in and the end of the queue.",
            )?,
            backlog: gauge(
                registry,
                "tocsin_desk_outbox_records",
                "Records that wait to be published.",
            )?,
            backlog_age: age,
            store_up: gauge(
                registry,
                "tocsin_desk_store_up",
                "1 while the database answers.",
            )?,
            silences: gauges(
                registry,
                "tocsin_desk_silences",
                "Silences that are not over.",
                &["status", "standing"],
            )?,
            limits: counters(
                registry,
                "tocsin_desk_limit_hits_total",
                "What people asked for and a named limit refused.",
                &["limit", "status"],
            )?,
        };
        metrics.start_at_zero();
        Ok(Arc::new(metrics))
    }

    fn start_at_zero(&self) {
        let actual = Status::Actual.id();
        let _ = self.limits.with_label_values(&["silences", actual]);
        let _ = self.absorbed.with_label_values(&[actual]);
        for verdict in Disposition::ALL {
            let labels = [verdict.id(), Status::Actual.id()];
            let _ = self.verdicts.with_label_values(&labels);
        }
        for cause in Reopening::ALL {
            let labels = [cause.id(), Status::Actual.id()];
            let _ = self.reopenings.with_label_values(&labels);
        }
        for department in &self.departments {
            for deadline in ["acknowledge", "dispose"] {
                let labels = [&**department, deadline, Status::Actual.id()];
                let _ = self.escalations.with_label_values(&labels);
            }
        }
    }

    fn department<'a>(&self, id: &'a str) -> &'a str {
        if self.departments.contains(id) {
            id
        } else {
            "other"
        }
    }

    /// Whether this desk is the active one.
    pub fn active(&self, is: bool) {
        self.active.set(i64::from(is));
    }

    /// Whether the queue is read.
    pub fn consuming(&self, is: bool) {
        self.consuming.set(i64::from(is));
    }

    /// Whether the database answers.
    pub fn store_up(&self, is: bool) {
        self.store_up.set(i64::from(is));
    }

    /// A batch was taken in.
    pub fn absorbed(&self, done: Absorbed) {
        for (status, count) in Status::ALL.iter().zip(done.by_status) {
            if count > 0 {
                let counted = self.absorbed.with_label_values(&[status.id()]);
                counted.inc_by(count as u64);
            }
        }
    }

    /// A record is no alert.
    pub fn unreadable(&self) {
        self.unreadable.inc();
    }

    /// Offsets that were gone.
    pub fn lost(&self, records: i64) {
        self.lost.inc_by(u64::try_from(records).unwrap_or_default());
    }

    /// Offsets between what was taken in and the end.
    pub fn lag(&self, records: i64) {
        self.lag.set(records);
    }

    /// The outbox: records, and the age of the oldest in milliseconds.
    pub fn backlog(&self, records: u64, age_ms: i64) {
        self.backlog.set(i64::try_from(records).unwrap_or(i64::MAX));
        self.backlog_age.set(age_ms.max(0) as f64 / 1_000.0);
    }

    /// Silences that are not over.
    pub fn silences(&self, all: &[Silence], now: Millis) {
        for status in Status::ALL {
            for standing in [Standing::Pending, Standing::Live] {
                let count = all
                    .iter()
                    .filter(|it| it.matchers.status == status && it.standing(now) == standing)
                    .count();
                let labels = [status.id(), standing.id()];
                self.silences.with_label_values(&labels).set(count as i64);
            }
        }
    }

    /// What is counted over the store.
    pub fn stats(&self, stats: &Stats, departments: &BTreeMap<String, DepartmentStats>) {
        self.open.reset();
        for status in Status::ALL {
            for level in Level::ALL {
                for state in CaseState::ALL.iter().filter(|it| **it != CaseState::Closed) {
                    let key = (status.id().to_owned(), level as i64, state.id().to_owned());
                    let count = stats.open.get(&key).copied().unwrap_or_default();
                    if count > 0 || status == Status::Actual {
                        let labels = [status.id(), level.id(), state.id()];
                        self.open.with_label_values(&labels).set(count as i64);
                    }
                }
            }
        }
        self.owed(stats);
        self.settled.reset();
        for (department, it) in departments {
            let department = self.department(department);
            for (deadline, met, all) in [
                ("acknowledge", it.acknowledged_on_time, it.acknowledgements),
                ("dispose", it.disposed_on_time, it.disposals),
            ] {
                let labels = [department, deadline];
                self.settled.with_label_values(&labels).add(all as i64);
                if all > 0 {
                    let share = met as f64 / all as f64;
                    self.on_time.with_label_values(&labels).set(share);
                }
            }
        }
    }

    /// Every department in every state that is still owed: a department without work shows 0 rather than nothing.
    fn owed(&self, stats: &Stats) {
        const OWED: [ObligationState; 3] = [
            ObligationState::Open,
            ObligationState::Acknowledged,
            ObligationState::InProgress,
        ];
        let mut counts: BTreeMap<[&str; 2], i64> = BTreeMap::new();
        for department in &self.departments {
            counts.extend(OWED.map(|state| ([&**department, state.id()], 0)));
        }
        for ((status, department, state), count) in &stats.obligations {
            let known = ObligationState::from_id(state).map(ObligationState::id);
            if let Some(state) = known.filter(|_| status == Status::Actual.id()) {
                *counts
                    .entry([self.department(department), state])
                    .or_default() += *count as i64;
            }
        }
        self.obligations.reset();
        for (labels, count) in counts {
            self.obligations.with_label_values(&labels).set(count);
        }
    }

    /// What is counted over obligations: what is overdue, what was found.
    pub fn duties(&self, duties: &Duties) {
        self.duty.duties(duties, |id| self.department(id));
    }

    /// When the next token ends.
    pub fn token_expiry(&self, at: Option<Millis>) {
        self.duty.token_expiry(at);
    }

    fn event(&self, case: &Case, event: &Event) {
        let status = case.status().id();
        let department = event.department.as_deref().unwrap_or_default();
        self.duty.event(case, event, self.department(department));
        let labels = [event.kind.id(), status];
        self.events.with_label_values(&labels).inc();
        let word = |key: &str| event.after.get(key).and_then(|value| value.as_str());
        match event.kind {
            EventKind::Escalated => {
                let deadline = match word("cause") {
                    Some("dispose_missed") => "dispose",
                    _ => "acknowledge",
                };
                let labels = [self.department(department), deadline, status];
                self.escalations.with_label_values(&labels).inc();
            }
            EventKind::Reopened => {
                let labels = [word("cause").unwrap_or("asked"), status];
                self.reopenings.with_label_values(&labels).inc();
            }
            EventKind::Closed => {
                let labels = [word("verdict").unwrap_or("withdrawn"), status];
                self.verdicts.with_label_values(&labels).inc();
            }
            _ => {}
        }
    }
}

impl Observer for DeskMetrics {
    fn committed(&self, all: &[Saved]) {
        for saved in all {
            for event in &saved.events {
                self.event(&saved.case, event);
            }
        }
    }

    fn told(&self, status: Status, event: &Event) {
        let labels = [event.kind.id(), status.id()];
        self.events.with_label_values(&labels).inc();
    }

    fn limit_hit(&self, status: Status, limit: &'static str) {
        self.limits.with_label_values(&[limit, status.id()]).inc();
    }
}
