//! The events of one group of one correlation, and what is true of the time up to each of them.
//!
//! Windows slide with the events: the one of an event holds whatever happened at most the timespan before it, to its own
//! time. An event that comes late takes its place by its time, and the windows behind it are looked at again.

use std::collections::{BTreeMap, BTreeSet};

use super::correlation::Planned;
use super::syntax::CorrelationKind as Kind;

/// Events kept of one group; the oldest are forgotten.
pub(super) const MAX_ENTRIES: usize = 200_000;

/// One event in a group.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Milliseconds since 1970.
    pub(super) time: i64,
    /// Which of the correlation's rules matched.
    pub(super) source: u16,
    /// Its values of `field`, as text.
    pub(super) values: Vec<Option<String>>,
    /// Its window has fired.
    pub(super) fired: bool,
}

/// The events of a group, by time and then by arrival.
#[derive(Debug, Default)]
pub(super) struct Window {
    entries: Vec<Entry>,
}

/// A window that fires.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fired {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) value: f64,
    pub(super) events: usize,
}

impl Window {
    /// Forgets what ended before `horizon`; how much was forgotten for want of room.
    pub(super) fn forget(&mut self, horizon: i64) -> usize {
        let old = self.entries.partition_point(|e| e.time < horizon);
        // Moving what stays is worth it when half goes.
        if old * 2 > self.entries.len() {
            self.entries.drain(..old);
        }
        let excess = self.entries.len().saturating_sub(MAX_ENTRIES);
        if excess > 0 {
            self.entries.drain(..excess + MAX_ENTRIES / 8);
        }
        excess
    }

    /// Nothing left.
    pub(super) fn is_empty(&self, horizon: i64) -> bool {
        self.entries.last().is_none_or(|e| e.time < horizon)
    }

    /// Takes up an event; the first window with it that fires now and did not before.
    pub(super) fn add(&mut self, entry: Entry, plan: &Planned) -> Option<Fired> {
        let time = entry.time;
        let at = self.entries.partition_point(|e| e.time <= time);
        self.entries.insert(at, entry);
        let mut first = None;
        for end in at..self.entries.len() {
            if self.entries[end].time > time.saturating_add(plan.span) {
                break;
            }
            if self.entries[end].fired {
                continue;
            }
            if let Some(fired) = self.look(end, plan) {
                self.entries[end].fired = true;
                first = first.or(Some(fired));
            }
        }
        first
    }

    /// The window that ends with the entry `end`.
    fn look(&self, end: usize, plan: &Planned) -> Option<Fired> {
        let last = &self.entries[end];
        let begin = last.time - plan.span;
        let from = self.entries.partition_point(|e| e.time < begin);
        let window = &self.entries[from..=end];
        let value = value(window, plan)?;
        let holds = plan
            .bounds
            .iter()
            .all(|(bound, limit)| bound.holds(value, *limit));
        holds.then_some(Fired {
            from: window.first().map_or(last.time, |e| e.time),
            to: last.time,
            value,
            events: window.len(),
        })
    }
}

/// What the bounds are about; none when the window has nothing to say.
fn value(window: &[Entry], plan: &Planned) -> Option<f64> {
    let last = window.last()?;
    match plan.kind {
        Kind::EventCount => Some(window.len() as f64),
        Kind::ValueCount => {
            let complete = window
                .iter()
                .filter(|e| e.values.iter().all(Option::is_some));
            let distinct: BTreeSet<&[Option<String>]> =
                complete.map(|e| e.values.as_slice()).collect();
            Some(distinct.len() as f64)
        }
        Kind::Temporal => {
            let sources: BTreeSet<u16> = window.iter().map(|e| e.source).collect();
            Some(sources.len() as f64)
        }
        Kind::TemporalOrdered => Some(ordered(window, plan.sources.len()) as f64),
        Kind::ValueSum | Kind::ValueAvg => {
            let numbers = numbers(window);
            let sum: f64 = numbers.iter().sum();
            match (plan.kind, numbers.len()) {
                (_, 0) => None,
                (Kind::ValueSum, _) => Some(sum),
                (_, count) => Some(sum / count as f64),
            }
        }
        Kind::ValuePercentile => {
            let mut numbers = numbers(window);
            if numbers.is_empty() {
                return share(window, last);
            }
            numbers.sort_by(f64::total_cmp);
            Some(percentile(&numbers, plan.percentile))
        }
    }
}

/// How many rules, from the first on, matched one after the other, ending with the last event.
fn ordered(window: &[Entry], rules: usize) -> usize {
    // By rule: whether the chain up to it stands. An event that matches two rules is two entries.
    let mut reached = 0;
    for entry in window {
        if usize::from(entry.source) == reached {
            reached += 1;
        }
    }
    let last = window.last().map_or(0, |e| usize::from(e.source));
    // A chain that was complete before the last event is not this window's.
    if reached == rules && last + 1 != rules {
        rules - 1
    } else {
        reached
    }
}

fn numbers(window: &[Entry]) -> Vec<f64> {
    let first = |e: &Entry| e.values.first().cloned().flatten();
    window
        .iter()
        .filter_map(first)
        .filter_map(|text| super::test::number(&text))
        .collect()
}

/// Percent of the window's values that are the last event's: how usual it is.
fn share(window: &[Entry], last: &Entry) -> Option<f64> {
    let of = |e: &Entry| e.values.first().cloned().flatten();
    let own = of(last)?;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    window
        .iter()
        .filter_map(of)
        .for_each(|value| *counts.entry(value).or_default() += 1);
    let all: usize = counts.values().sum();
    Some(100.0 * *counts.get(&own)? as f64 / all as f64)
}

/// The value at a rank of 0 to 100, between two neighbours in proportion. `sorted` is not empty.
fn percentile(sorted: &[f64], rank: f64) -> f64 {
    let place = rank / 100.0 * (sorted.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * (place - place.floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        for (rank, expected) in [(0.0, 1.0), (50.0, 3.0), (100.0, 8.0), (75.0, 5.0)] {
            assert!((percentile(&sorted, rank) - expected).abs() < 1e-9);
        }
        assert!((percentile(&[7.0], 10.0) - 7.0).abs() < 1e-9);
    }

    #[test]
    fn order() {
        let window = |sources: &[u16]| -> Vec<Entry> {
            let entry = |source: &u16| Entry {
                time: 0,
                source: *source,
                values: vec![],
                fired: false,
            };
            sources.iter().map(entry).collect()
        };
        assert_eq!(ordered(&window(&[0, 1, 2]), 3), 3);
        assert_eq!(ordered(&window(&[1, 0, 2]), 3), 1);
        assert_eq!(ordered(&window(&[0, 0, 2, 1, 2]), 3), 3);
        assert_eq!(ordered(&window(&[0, 1, 2, 0]), 3), 2);
    }
}
