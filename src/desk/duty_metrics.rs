//! What is measured of departments' duties: how long they take, what is overdue, what they found, and when a token ends.
//!
//! Invariant: labels are closed lists and the departments of the routing table; a time is counted once, after the commit.

use std::collections::BTreeSet;
use std::sync::Arc;

use prometheus::{GaugeVec, HistogramOpts, HistogramVec, IntGaugeVec, Opts, Registry};

use super::registered::gauges;
use super::store::Duties;
use crate::core::model::{Millis, Status};
use crate::core::obligation::{Case, Disposition, Event, EventKind};

/// Upper bounds of times to acknowledge and to dispose, seconds: from half a minute to a week.
const BUCKETS: [f64; 15] = [
    30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 28_800.0,
    86_400.0, 172_800.0, 345_600.0, 604_800.0,
];
/// Deadlines, as labels call them.
const DEADLINES: [&str; 2] = ["acknowledge", "dispose"];

/// The metrics.
#[derive(Debug)]
pub(super) struct DutyMetrics {
    departments: Vec<Arc<str>>,
    acknowledge: HistogramVec,
    dispose: HistogramVec,
    overdue: IntGaugeVec,
    found: IntGaugeVec,
    token_expiry: GaugeVec,
}

fn times(registry: &Registry, name: &str, help: &str) -> prometheus::Result<HistogramVec> {
    let options = HistogramOpts::new(name, help).buckets(BUCKETS.to_vec());
    let made = HistogramVec::new(options, &["department", "status"])?;
    registry.register(Box::new(made.clone()))?;
    Ok(made)
}

impl DutyMetrics {
    pub(super) fn new(
        registry: &Registry,
        departments: &BTreeSet<Arc<str>>,
    ) -> prometheus::Result<Self> {
        let expiry = Opts::new(
            "tocsin_desk_token_expiry_timestamp_seconds",
            "When the next token of the desk ends; in the past: one ended within a week and was neither replaced nor revoked.",
        );
        let token_expiry = GaugeVec::new(expiry, &[])?;
        registry.register(Box::new(token_expiry.clone()))?;
        let metrics = Self {
            departments: departments.iter().cloned().collect(),
            acknowledge: times(
                registry,
                "tocsin_desk_acknowledge_seconds",
                "From the beginning of an obligation to its acknowledgement.",
            )?,
            dispose: times(
                registry,
                "tocsin_desk_dispose_seconds",
                "From the beginning of an obligation to its disposal.",
            )?,
            overdue: gauges(
                registry,
                "tocsin_desk_overdue_deadlines",
                "Deadlines of actual incidents that have passed and are still owed.",
                &["department", "deadline"],
            )?,
            found: gauges(
                registry,
                "tocsin_desk_dispositions",
                "Disposals of obligations of actual incidents of the last 30 days, by what was found.",
                &["department", "disposition"],
            )?,
            token_expiry,
        };
        for department in departments {
            for status in [Status::Actual, Status::Exercise] {
                let labels = [&**department, status.id()];
                let _ = metrics.acknowledge.with_label_values(&labels);
                let _ = metrics.dispose.with_label_values(&labels);
            }
        }
        Ok(metrics)
    }

    /// An acknowledgement or a disposal, of the obligation that it is about. `name` is the department as labels call it.
    pub(super) fn event(&self, case: &Case, event: &Event, name: &str) {
        let histogram = match event.kind {
            EventKind::Acknowledged => &self.acknowledge,
            EventKind::Disposed => &self.dispose,
            _ => return,
        };
        // An analyst's acknowledgement is of the incident as such.
        let of = case.obligations.iter().rev().find(|it| {
            event.department.as_ref() == Some(&it.department) && event.office == Some(it.office)
        });
        if let Some(obligation) = of {
            let seconds = event.at.since(obligation.opened_at).max(0) as f64 / 1_000.0;
            let labels = [name, case.status().id()];
            histogram.with_label_values(&labels).observe(seconds);
        }
    }

    /// What is counted over the store; `name` gives a department as labels call it.
    pub(super) fn duties<'a>(&self, duties: &'a Duties, name: impl Fn(&'a str) -> &'a str) {
        self.overdue.reset();
        self.found.reset();
        // What is not so is told too: a rate of nothing is no data.
        for department in &self.departments {
            for deadline in DEADLINES {
                let _ = self.overdue.with_label_values(&[&**department, deadline]);
            }
            for it in Disposition::ALL {
                let _ = self.found.with_label_values(&[&**department, it.id()]);
            }
        }
        for (department, counts) in &duties.overdue {
            for (deadline, count) in DEADLINES.iter().zip(counts) {
                let labels = [name(department), *deadline];
                self.overdue.with_label_values(&labels).add(*count as i64);
            }
        }
        for ((department, disposition), count) in &duties.found {
            if let Some(known) = Disposition::from_id(disposition) {
                let labels = [name(department), known.id()];
                self.found.with_label_values(&labels).add(*count as i64);
            }
        }
    }

    /// When the next token ends; none without tokens.
    pub(super) fn token_expiry(&self, at: Option<Millis>) {
        self.token_expiry.reset();
        if let Some(at) = at {
            let labels: [&str; 0] = [];
            let gauge = self.token_expiry.with_label_values(&labels);
            gauge.set(at.0 as f64 / 1_000.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::obligation::{Action, Actor, Policy, Role};
    use crate::desk::Synthetic;

    #[test]
    fn the_time_to_acknowledge_is_that_of_the_obligation() {
        let registry = Registry::new();
        let metrics = DutyMetrics::new(&registry, &BTreeSet::from(["fire".into()])).unwrap();
        let paths = crate::config::Settings::bundled().unwrap().paths;
        let routing = crate::config::load_routing(&paths).unwrap();
        let policy = Policy::new(Arc::new(routing));
        let alert = Synthetic::new(1, 1, Arc::clone(&policy.routing)).alert(0, 1);
        let department = Arc::clone(&alert.departments[0].id);
        let (mut case, _) = Case::open(Arc::new(alert), Millis(1_000), &policy);
        let actor = Actor::new("c", Role::Coordinator);
        let by = |department| Action::Acknowledge { department };
        let all = [by(Some(department)), by(None)];
        for action in all {
            let events = case.act(&actor, &action, Millis(91_000), &policy).unwrap();
            for event in &events {
                metrics.event(&case, event, "fire");
            }
        }
        let labels = ["fire", "actual"];
        let acknowledge = metrics.acknowledge.with_label_values(&labels);
        let seconds = acknowledge.get_sample_sum() as i64;
        assert_eq!((acknowledge.get_sample_count(), seconds), (1, 90));
        let dispose = metrics.dispose.with_label_values(&labels);
        assert_eq!(dispose.get_sample_count(), 0);
    }

    #[test]
    fn an_expiry_is_absent_without_tokens() {
        let registry = Registry::new();
        let metrics = DutyMetrics::new(&registry, &BTreeSet::new()).unwrap();
        let shown = || {
            let families = registry.gather();
            let named = families
                .iter()
                .find(|it| it.name().ends_with("token_expiry_timestamp_seconds"));
            named.map(|it| (it.get_metric()[0].get_gauge().get_value() * 10.0) as i64)
        };
        metrics.token_expiry(Some(Millis(5_500)));
        assert_eq!(shown(), Some(55));
        metrics.token_expiry(None);
        assert_eq!(shown(), None);
    }
}
