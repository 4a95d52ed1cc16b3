//! Correlations written a second time: every window of every group looked at by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tocsin::core::model::{Correlation, CorrelationType};

use super::oracle::Report;

/// A rule of a correlation on a report.
#[derive(Clone)]
struct Event {
    time: i64,
    received: i64,
    rule: usize,
    report: (String, String),
    cluster: usize,
    group: Vec<String>,
    value: Vec<String>,
}

/// Correlations that fired on these reports, by id, with their points.
pub(super) fn fired(reports: &[Report]) -> Vec<(String, i32)> {
    let live = reports.iter().filter(|r| !r.detection.report.withdrawn);
    let mut all: BTreeMap<String, (Arc<Correlation>, Vec<Event>)> = BTreeMap::new();
    for report in live {
        for (rule, correlations) in &report.correlations {
            for correlation in correlations {
                let slot = all.entry(correlation.id.to_string());
                let (_, events) = slot.or_insert_with(|| (correlation.clone(), Vec::new()));
                events.push(event(report, rule, correlation));
            }
        }
    }
    let fires = all
        .into_values()
        .filter(|(correlation, events)| fires(correlation, events));
    fires
        .map(|(correlation, _)| (correlation.id.to_string(), correlation.points))
        .collect()
}

fn event(report: &Report, rule: &str, correlation: &Correlation) -> Event {
    let of = &report.detection.report;
    let values = |names: &[Arc<str>]| -> Vec<String> {
        let value = |name: &Arc<str>| match &**name {
            "feed" => of.feed.to_string(),
            "kind" => of.kind.id().to_owned(),
            "source" => of.source.to_string(),
            number => report.detection.numbers[number].to_string(),
        };
        names.iter().map(value).collect()
    };
    Event {
        time: of.observed.unwrap_or(of.received).0,
        received: of.received.0,
        rule: correlation
            .rules
            .iter()
            .position(|known| **known == *rule)
            .unwrap(),
        report: (report.feed.clone(), of.id.clone()),
        cluster: report.cluster,
        group: values(&correlation.group_by),
        value: values(&correlation.fields),
    }
}

/// FNV-1a of feed and id: what decides between copies received in the same millisecond.
fn name(report: &(String, String)) -> u64 {
    format!("{}\n{}", report.0, report.1)
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}

fn fires(correlation: &Correlation, events: &[Event]) -> bool {
    let first = |event: &Event| {
        let of = events.iter().filter(|other| other.cluster == event.cluster);
        of.map(|other| (other.received, name(&other.report))).min()
    };
    let stands = |event: &&Event| first(event) == Some((event.received, name(&event.report)));
    let standing: Vec<Event> = events.iter().filter(stands).cloned().collect();
    let windows = standing.iter().map(|last| -> Vec<&Event> {
        let within = |event: &&Event| {
            event.group == last.group
                && event.time <= last.time
                && event.time >= last.time - correlation.span_ms
        };
        standing.iter().filter(within).collect()
    });
    windows.into_iter().any(|mut window| {
        window.sort_by_key(|event| (event.time, event.rule));
        let value = match correlation.kind {
            CorrelationType::EventCount => window
                .iter()
                .map(|e| &e.report)
                .collect::<BTreeSet<_>>()
                .len(),
            CorrelationType::ValueCount => window
                .iter()
                .map(|e| &e.value)
                .collect::<BTreeSet<_>>()
                .len(),
            CorrelationType::Temporal => {
                window.iter().map(|e| e.rule).collect::<BTreeSet<_>>().len()
            }
            CorrelationType::TemporalOrdered => window.iter().fold(0, |reached, event| {
                if event.rule == reached {
                    reached + 1
                } else {
                    reached
                }
            }),
        };
        correlation
            .bounds
            .iter()
            .all(|(bound, limit)| bound.holds(value as f64, *limit))
    })
}
