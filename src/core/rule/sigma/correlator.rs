//! Correlations over a stream of events.
//!
//! Invariant: what fires is a function of the events and their order alone. State is bounded: groups, events of a group, and
//! the time that is looked back.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::compile::Called;
use super::correlation::Planned;
use super::event::Event;
use super::fields::NO_SLOT;
use super::plan::Sigma;
use super::scan::Scratch;
use super::test::Leaf;
use super::window::{Entry, Window};

/// Groups kept over all correlations; those that were quiet the longest go first.
const MAX_GROUPS: usize = 1_000_000;
/// Groups that one event belongs to, when its fields are lists.
const MAX_OWN: usize = 64;

/// A correlation that fired.
#[derive(Clone, Debug, PartialEq)]
pub struct Firing {
    /// Of the correlation.
    pub rule_id: String,
    /// Values by the names of `group-by`.
    pub group: BTreeMap<String, String>,
    /// What the condition is about: a count, a sum …
    pub value: f64,
    /// Time of the first and the last event of the window, milliseconds since 1970.
    pub from: i64,
    /// As `from`.
    pub to: i64,
    /// Events in the window.
    pub events: usize,
    shown: bool,
}

/// The state of all correlations of a rule set.
#[derive(Debug)]
pub struct Correlator {
    groups: FxHashMap<(u32, Vec<String>), Window>,
    /// How long after the latest event an earlier one still counts, milliseconds.
    lateness: i64,
    latest: i64,
    /// Time of the event before, for one without any.
    last: i64,
    /// A field that tells the time, before all others.
    time_slot: Option<u32>,
    /// Groups and events forgotten for want of room.
    pub forgotten: u64,
    /// Events without a time that could be read.
    pub timeless: u64,
    /// Events that a correlation no longer took: later ones than the lateness allows had come before.
    pub too_late: u64,
}

impl Correlator {
    /// For a rule set. `time_field` must have been given to [`super::Options`] as well.
    pub fn new(sigma: &Sigma, lateness: i64, time_field: Option<&str>) -> Self {
        Self {
            groups: FxHashMap::default(),
            lateness,
            latest: i64::MIN,
            last: 0,
            time_slot: time_field
                .map(|name| sigma.fields.known(name))
                .filter(|s| *s != NO_SLOT),
            forgotten: 0,
            timeless: 0,
            too_late: 0,
        }
    }

    /// Takes up the event just evaluated; what fires, in the order of the correlations.
    pub fn fold(
        &mut self,
        sigma: &Sigma,
        matched: &[u32],
        line: &str,
        scratch: &Scratch,
    ) -> Vec<Firing> {
        let event = Event {
            line,
            values: scratch.values(),
        };
        let slots = self.time_slot.iter().chain(&sigma.correlations.times);
        let found = slots.flat_map(|slot| event.of(*slot)).find_map(time);
        if matched.is_empty() {
            self.last = found.unwrap_or(self.last);
            self.latest = self.latest.max(self.last);
            return Vec::new();
        }
        self.timeless += u64::from(found.is_none());
        let now = found.unwrap_or(self.last);
        self.last = now;
        self.latest = self.latest.max(now);
        let mut occurred: Vec<(Called, i64)> = matched
            .iter()
            .map(|rule| (Called::Rule(*rule), now))
            .collect();
        let mut firings = Vec::new();
        for (number, plan) in sigma.correlations.list.iter().enumerate() {
            let before = firings.len();
            for (source, called) in plan.sources.iter().enumerate() {
                let times: Vec<i64> = occurred
                    .iter()
                    .filter(|(c, _)| c == called)
                    .map(|(_, t)| *t)
                    .collect();
                for time in times {
                    self.take(number as u32, plan, source, time, event, &mut firings);
                }
            }
            // Later correlations may call this one.
            let own = firings[before..]
                .iter()
                .map(|f| (Called::Correlation(number as u32), f.to));
            occurred.extend(own);
        }
        firings.retain(|firing| firing.shown);
        firings
    }

    fn take(
        &mut self,
        number: u32,
        plan: &Planned,
        source: usize,
        time: i64,
        event: Event<'_>,
        out: &mut Vec<Firing>,
    ) {
        let horizon = self
            .latest
            .saturating_sub(plan.span.saturating_add(self.lateness));
        if time < horizon {
            self.too_late += 1;
            return;
        }
        let first = |slot: &u32| event.of(*slot).find_map(Leaf::text).map(str::to_owned);
        let values: Vec<Option<String>> = plan.fields[source].iter().map(first).collect();
        for key in groups(event, &plan.groups[source]) {
            self.make_room(number, &key);
            let window = self.groups.entry((number, key.clone())).or_default();
            self.forgotten += window.forget(horizon) as u64;
            let entry = Entry {
                time,
                source: source as u16,
                values: values.clone(),
                fired: false,
            };
            if let Some(fired) = window.add(entry, plan) {
                out.push(Firing {
                    rule_id: plan.id.clone(),
                    group: plan.group_by.iter().cloned().zip(key).collect(),
                    value: fired.value,
                    from: fired.from,
                    to: fired.to,
                    events: fired.events,
                    shown: plan.shown,
                });
            }
        }
    }

    /// Makes room for a new group: all that are over go, and if that is not enough, all.
    fn make_room(&mut self, number: u32, key: &[String]) {
        if self.groups.len() < MAX_GROUPS || self.groups.contains_key(&(number, key.to_vec())) {
            return;
        }
        // The longest span may be a year: what is a lateness behind is over for most.
        let horizon = self.latest.saturating_sub(self.lateness);
        let before = self.groups.len();
        self.groups.retain(|_, window| !window.is_empty(horizon));
        if self.groups.len() * 10 > MAX_GROUPS * 9 {
            self.groups.clear();
        }
        self.forgotten += (before - self.groups.len()) as u64;
    }
}

/// The groups of an event: one, or several where fields are lists; none where a field is not there.
fn groups(event: Event<'_>, slots: &[u32]) -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    for slot in slots {
        let mut values: Vec<&str> = event.of(*slot).filter_map(Leaf::text).collect();
        values.sort_unstable();
        values.dedup();
        let grown = all.iter().flat_map(|key: &Vec<String>| {
            values.iter().map(move |value| {
                let mut key = key.clone();
                key.push((*value).to_owned());
                key
            })
        });
        all = grown.take(MAX_OWN).collect();
    }
    all
}

/// Milliseconds since 1970: ISO 8601, in UTC where it says no offset, or a number of seconds, milli-, micro- or nanoseconds.
fn time(leaf: Leaf<'_>) -> Option<i64> {
    match leaf {
        Leaf::Text(text) => {
            let text = text.trim();
            if let Ok(time) = text.parse::<jiff::Timestamp>() {
                return Some(time.as_millisecond());
            }
            let time: jiff::civil::DateTime = text.parse().ok()?;
            let time = jiff::tz::Offset::UTC.to_timestamp(time).ok()?;
            Some(time.as_millisecond())
        }
        Leaf::Number(text) => {
            let number = super::test::number(text)?;
            let size = number.abs();
            let factor = match size {
                // Seconds reach 10^11 in the year 5138.
                s if s < 1e11 => 1e3,
                s if s < 1e14 => 1.0,
                s if s < 1e17 => 1e-3,
                _ => 1e-6,
            };
            Some((number * factor).round() as i64)
        }
        _ => None,
    }
}
