//! Whether a correlation has fired: what is true of the windows of its events.
//!
//! Invariant: an answer depends on the set of events and not on the order of their arrival. Windows slide with the events: the
//! one of an event holds what happened at most the timespan before it, to its own time, whatever arrived when.

use std::collections::BTreeMap;
use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::correlations::{Event, Firing, Group, NO_CLUSTER, Tracked};
use crate::core::model::{Correlation, CorrelationType, Millis, ScoreLine};

/// The earliest window in which the correlation's condition holds; of several groups at the same time the first by its values.
pub(super) fn firing(tracked: &Tracked) -> Option<Firing> {
    if let Some(settled) = &tracked.settled {
        return Some(settled.clone());
    }
    let standing = standing(&tracked.groups);
    let stands = |event: &&Event| {
        event.cluster == NO_CLUSTER || standing.get(&event.cluster) == Some(&event.report)
    };
    let of = |group: &Group| {
        let events: Vec<&Event> = group.events.iter().filter(stands).collect();
        let (from, to, value) = first_window(&events, &tracked.correlation)?;
        Some(Firing {
            from,
            to,
            value,
            group: group.values.clone(),
        })
    };
    let firings = tracked.groups.iter().filter_map(of);
    firings.min_by(|a, b| (a.to, &a.group).cmp(&(b.to, &b.group)))
}

/// By cluster of near-duplicates the report that stands for it, the one received first: a copy adds nothing.
fn standing(groups: &[Group]) -> FxHashMap<u32, u64> {
    let mut first: FxHashMap<u32, (Millis, u64)> = FxHashMap::default();
    for event in groups.iter().flat_map(|group| &group.events) {
        let order = (event.received, event.report);
        let slot = first.entry(event.cluster).or_insert(order);
        *slot = order.min(*slot);
    }
    first
        .into_iter()
        .map(|(cluster, (_, report))| (cluster, report))
        .collect()
}

type Window = (Millis, Millis, u32);

/// `events` by time.
fn first_window(events: &[&Event], correlation: &Correlation) -> Option<Window> {
    match correlation.kind {
        CorrelationType::EventCount => distinct(events, correlation, |event| event.report),
        CorrelationType::ValueCount => distinct(events, correlation, |event| event.value),
        CorrelationType::Temporal => distinct(events, correlation, |event| event.rule),
        CorrelationType::TemporalOrdered => ordered(events, correlation),
    }
}

fn holds(correlation: &Correlation, value: u32) -> bool {
    let mut bounds = correlation.bounds.iter();
    bounds.all(|(bound, limit)| bound.holds(f64::from(value), *limit))
}

/// The end of the run of events of one time that begins at `at`.
fn run(events: &[&Event], at: usize) -> usize {
    let time = events[at].time;
    at + events[at..].partition_point(|event| event.time == time)
}

/// The first window whose number of distinct keys is within the bounds.
fn distinct<K: Hash + Eq>(
    events: &[&Event],
    correlation: &Correlation,
    key: impl Fn(&Event) -> K,
) -> Option<Window> {
    let mut counts: FxHashMap<K, u32> = FxHashMap::default();
    let (mut begin, mut at) = (0, 0);
    while at < events.len() {
        let end = run(events, at);
        for event in &events[at..end] {
            *counts.entry(key(event)).or_default() += 1;
        }
        let to = events[at].time;
        let from = to.plus(-correlation.span_ms);
        while events[begin].time < from {
            let left = key(events[begin]);
            if let Some(count) = counts.get_mut(&left) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(&left);
                }
            }
            begin += 1;
        }
        let value = u32::try_from(counts.len()).unwrap_or(u32::MAX);
        if holds(correlation, value) {
            return Some((events[begin].time, to, value));
        }
        at = end;
    }
    None
}

/// The first window in which as many of the rules, from the first on, followed one another as the bounds ask. Rules that match
/// at one time follow in the order of the correlation.
fn ordered(events: &[&Event], correlation: &Correlation) -> Option<Window> {
    // By rule: the latest start of a chain that reaches it.
    let mut starts: BTreeMap<u16, Millis> = BTreeMap::new();
    let mut at = 0;
    while at < events.len() {
        let end = run(events, at);
        let to = events[at].time;
        for event in &events[at..end] {
            let start = match event.rule.checked_sub(1) {
                None => Some(to),
                Some(before) => starts.get(&before).copied(),
            };
            if let Some(start) = start {
                starts.insert(event.rule, start);
            }
        }
        let within = |start: &Millis| *start >= to.plus(-correlation.span_ms);
        let reached = starts.values().take_while(|start| within(start)).count();
        let value = u32::try_from(reached).unwrap_or(u32::MAX);
        if holds(correlation, value) {
            let last = reached.checked_sub(1).and_then(|n| u16::try_from(n).ok());
            let from = last.and_then(|last| starts.get(&last).copied());
            return Some((from.unwrap_or(to), to, value));
        }
        at = end;
    }
    None
}

/// The score line of a correlation that fired: its reason, and what was counted.
pub(super) fn line(correlation: &Correlation, firing: &Firing) -> ScoreLine {
    let (value, span) = (firing.value, span(correlation.span_ms));
    let fields = correlation.fields.join(", ");
    let (en, zh) = match correlation.kind {
        CorrelationType::EventCount => {
            let plural = if value == 1 { "" } else { "s" };
            (format!("{value} report{plural}"), format!("{value} 条报告"))
        }
        CorrelationType::ValueCount => (
            format!("{value} different {fields}"),
            format!("{value} 个不同的 {fields}"),
        ),
        CorrelationType::Temporal => (format!("{value} rules"), format!("{value} 条规则")),
        CorrelationType::TemporalOrdered => (
            format!("{value} rules in order"),
            format!("{value} 条规则依次"),
        ),
    };
    let names = correlation.group_by.iter().zip(&firing.group);
    let group: String = names
        .map(|(name, value)| format!(", {name} {value}"))
        .collect();
    ScoreLine {
        points: correlation.points,
        because: format!("{} ({en} within {span}{group})", correlation.because),
        because_zh: correlation
            .because_zh
            .as_ref()
            .map(|because| format!("{because}（{span} 内 {zh}{group}）")),
    }
}

/// Milliseconds as a rule writes them.
fn span(ms: i64) -> String {
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000)];
    let whole = units.iter().find(|(_, unit)| ms % unit == 0);
    match whole {
        Some((name, unit)) => format!("{}{name}", ms / unit),
        None => format!("{}s", ms / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::core::model::Bound;

    fn correlation(kind: CorrelationType, span_ms: i64, bounds: Vec<(Bound, f64)>) -> Correlation {
        Correlation {
            id: "c".into(),
            kind,
            rules: vec!["a".into(), "b".into(), "c".into()],
            group_by: vec!["kind".into()],
            fields: vec!["source".into()],
            span_ms,
            bounds,
            points: 10,
            because: "many".to_owned(),
            because_zh: Some("多".to_owned()),
        }
    }

    /// Every window looked at by itself.
    fn naive(events: &[&Event], correlation: &Correlation) -> Option<(Millis, u32)> {
        events.iter().find_map(|last| {
            let within = |event: &&&Event| {
                event.time <= last.time && last.time.0 - event.time.0 <= correlation.span_ms
            };
            let window: Vec<&&Event> = events.iter().filter(within).collect();
            let keys = |key: fn(&Event) -> u64| {
                let mut keys: Vec<u64> = window.iter().map(|event| key(event)).collect();
                keys.sort_unstable();
                keys.dedup();
                keys.len() as u32
            };
            let value = match correlation.kind {
                CorrelationType::EventCount => keys(|event| event.report),
                CorrelationType::ValueCount => keys(|event| event.value),
                CorrelationType::Temporal => keys(|event| u64::from(event.rule)),
                CorrelationType::TemporalOrdered => window.iter().fold(0, |reached, event| {
                    reached + u32::from(u32::from(event.rule) == reached)
                }),
            };
            holds(correlation, value).then_some((last.time, value))
        })
    }

    proptest! {
        /// Against every window looked at by itself, for all kinds and bounds.
        #[test]
        fn the_first_window_is_found(
            mut picks in prop::collection::vec((0_i64..40, 0_u16..3, 0_u64..6, 0_u64..3), 0..24),
            kind in 0_usize..4,
            span in 1_i64..20,
            bound in 0_usize..6,
            limit in 0_u8..6,
        ) {
            picks.sort_unstable();
            picks.dedup_by_key(|(_, rule, report, _)| (*rule, *report));
            let kind = [
                CorrelationType::EventCount,
                CorrelationType::ValueCount,
                CorrelationType::Temporal,
                CorrelationType::TemporalOrdered,
            ][kind];
            let correlation = correlation(kind, span, vec![(Bound::ALL[bound], f64::from(limit))]);
            let events: Vec<Event> = picks
                .into_iter()
                .map(|(time, rule, report, value)| Event {
                    time: Millis(time),
                    rule,
                    report,
                    received: Millis(time),
                    own_time: true,
                    cluster: NO_CLUSTER,
                    value,
                })
                .collect();
            let events: Vec<&Event> = events.iter().collect();
            let found = first_window(&events, &correlation);
            prop_assert_eq!(found.map(|(_, to, value)| (to, value)), naive(&events, &correlation));
            if let Some((from, to, _)) = found {
                prop_assert!(from <= to && to.0 - from.0 <= span);
            }
        }
    }

    #[test]
    fn the_line_says_what_was_counted() {
        let bounds = vec![(Bound::Gte, 2.0)];
        let firing = Firing {
            from: Millis(0),
            to: Millis(1),
            value: 2,
            group: vec!["news".into()],
        };
        let said = |kind, span| line(&correlation(kind, span, bounds.clone()), &firing);
        let counted = said(CorrelationType::EventCount, 1_800_000);
        assert_eq!(counted.because, "many (2 reports within 30m, kind news)");
        assert_eq!(
            counted.because_zh.as_deref(),
            Some("多（30m 内 2 条报告, kind news）")
        );
        let values = said(CorrelationType::ValueCount, 7_200_000);
        assert_eq!(
            values.because,
            "many (2 different source within 2h, kind news)"
        );
        let rules = said(CorrelationType::TemporalOrdered, 90_000);
        assert_eq!(
            rules.because,
            "many (2 rules in order within 90s, kind news)"
        );
    }
}
