//! The events of the correlations that call the rules of an incident.
//!
//! Invariant: a report is one event of each rule of a correlation, as its feed last stated it; what was withdrawn or revised is
//! no event any more. Events beyond `correlation_events_per_key` are forgotten, the oldest first; what they fired stays.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::config::Limits;
use super::identity::{FNV_START, fnv, report_hash};
use super::state::Incident;
use super::window::firing;
use crate::core::model::{
    Correlation, CorrelationType, Detection, MAX_CORRELATED, MAX_CORRELATION_BECAUSE,
    MAX_CORRELATION_FIELDS, Millis,
};

/// Correlations kept of one incident.
const MAX_TRACKED: usize = 64;
/// Longest id of a correlation or rule and longest name or value of a field, bytes.
const MAX_TEXT: usize = 256;
/// Longest timespan: a year.
const MAX_SPAN_MS: i64 = 366 * 86_400_000;
/// One in so many events is forgotten when there is no room.
const SHARE: usize = 8;
/// Of an event that is no near-duplicate of another one that is known.
pub(super) const NO_CLUSTER: u32 = u32::MAX;

/// A correlation and its events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Tracked {
    pub correlation: Arc<Correlation>,
    /// By their values; none is empty.
    pub groups: Vec<Group>,
    /// It fired by events that are forgotten.
    pub settled: Option<Firing>,
}

/// Events with the same values of `group-by`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Group {
    pub values: Vec<Box<str>>,
    /// By time, rule and report.
    pub events: Vec<Event>,
}

/// A rule of the correlation matched a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Event {
    /// When the source observed it, else `received`.
    pub time: Millis,
    /// Which of the correlation's rules.
    pub rule: u16,
    /// [`report_hash`].
    pub report: u64,
    /// When it was received first.
    pub received: Millis,
    /// `time` is the source's.
    pub own_time: bool,
    /// The member's cluster of near-duplicates.
    pub cluster: u32,
    /// Of `value_count`: hash of its values.
    pub value: u64,
}

/// A window in which the condition holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Firing {
    /// Time of its first event.
    pub from: Millis,
    /// Time of its last event.
    pub to: Millis,
    /// What was counted.
    pub value: u32,
    /// Values of `group-by`.
    pub group: Vec<Box<str>>,
}

impl Event {
    fn order(&self) -> (Millis, u16, u64) {
        (self.time, self.rule, self.report)
    }
}

impl Tracked {
    /// Takes out the events that `gone` names.
    fn drop_events(&mut self, gone: impl Fn(&Event) -> bool) {
        for group in &mut self.groups {
            group.events.retain(|event| !gone(event));
        }
        self.groups.retain(|group| !group.events.is_empty());
    }

    fn insert(&mut self, values: Vec<Box<str>>, mut event: Event) {
        let same = |known: &Event| known.report == event.report && known.rule == event.rule;
        let mut all = self.groups.iter().flat_map(|group| &group.events);
        if let Some(known) = all.find(|known| same(known)) {
            event.received = event.received.min(known.received);
            event.time = event.time.min(known.time);
            self.drop_events(|known| same(known));
        }
        let at = self.groups.binary_search_by(|g| g.values.cmp(&values));
        let at = at.unwrap_or_else(|at| {
            let events = Vec::new();
            self.groups.insert(at, Group { values, events });
            at
        });
        let events = &mut self.groups[at].events;
        let place = events.partition_point(|known| known.order() < event.order());
        events.insert(place, event);
    }
}

/// Notes what a detection that changed the members means to its correlations; `replaced`: the report had other content before.
/// Returns the named limits that were hit.
pub(super) fn note(
    incident: &mut Incident,
    detection: &Detection,
    replaced: bool,
    limits: &Limits,
) -> Vec<&'static str> {
    let mut hit = Vec::new();
    if incident.correlations.is_empty() && detection.correlations.is_empty() {
        return hit;
    }
    let report = report_hash(&detection.report.feed, &detection.report.id);
    if replaced || detection.report.withdrawn {
        drop_report(incident, report);
    } else {
        restate(incident, report, detection.report.received.clamped());
    }
    if detection.report.withdrawn || detection.correlations.is_empty() {
        return hit;
    }
    let Some((cluster, received)) = known(incident, detection, report) else {
        return hit;
    };
    for correlation in detection.correlations.iter().take(MAX_CORRELATED) {
        let rule = correlation
            .rules
            .iter()
            .position(|rule| *rule == detection.rule_id);
        let (Some(rule), true) = (rule, is_sound(correlation)) else {
            continue;
        };
        let (Some(values), Some(value)) = (
            group_of(correlation, detection),
            value_of(correlation, detection),
        ) else {
            continue;
        };
        let Some(tracked) = track(&mut incident.correlations, correlation) else {
            hit.push("correlations_per_key");
            continue;
        };
        let observed = detection.report.observed.map(Millis::clamped);
        let event = Event {
            time: observed.unwrap_or(received),
            rule: rule as u16,
            report,
            received,
            own_time: observed.is_some(),
            cluster,
            value,
        };
        tracked.insert(values, event);
    }
    if make_room(incident, limits.correlation_events_per_key) {
        hit.push("correlation_events_per_key");
    }
    hit
}

/// Whatever writes detections: what is kept of a correlation is bounded.
fn is_sound(correlation: &Correlation) -> bool {
    let short = |text: &Arc<str>| text.len() <= MAX_TEXT;
    let because = [Some(&correlation.because), correlation.because_zh.as_ref()];
    let mut because = because.into_iter().flatten();
    because.all(|text| text.chars().nth(MAX_CORRELATION_BECAUSE).is_none())
        && (1..=MAX_CORRELATED).contains(&correlation.rules.len())
        && correlation.group_by.len() <= MAX_CORRELATION_FIELDS
        && correlation.fields.len() <= MAX_CORRELATION_FIELDS
        && correlation.bounds.len() <= MAX_CORRELATION_FIELDS
        && (1..=MAX_SPAN_MS).contains(&correlation.span_ms)
        && (-100..=100).contains(&correlation.points)
        && short(&correlation.id)
        && correlation.rules.iter().all(short)
        && correlation.group_by.iter().all(short)
        && correlation.fields.iter().all(short)
}

/// The report's cluster and when it was received first, member or entry; none when it is neither.
fn known(incident: &Incident, detection: &Detection, report: u64) -> Option<(u32, Millis)> {
    let of = &detection.report;
    let member = incident.member_at(&of.feed, &of.id);
    let member = member.map(|at| &incident.members[at]);
    let entry = || Some(&incident.entries()[incident.entry_at(report)?]);
    member
        .map(|member| (member.cluster, member.received))
        .or_else(|| entry().map(|entry| (entry.cluster, entry.received)))
}

/// The correlation among those of the incident. One that has changed takes its events along where they mean the same.
fn track<'t>(all: &'t mut Vec<Tracked>, correlation: &Arc<Correlation>) -> Option<&'t mut Tracked> {
    let at = match all.binary_search_by(|known| known.correlation.id.cmp(&correlation.id)) {
        Ok(at) => at,
        Err(_) if all.len() >= MAX_TRACKED => return None,
        Err(at) => {
            let fresh = Tracked {
                correlation: Arc::clone(correlation),
                groups: Vec::new(),
                settled: None,
            };
            all.insert(at, fresh);
            at
        }
    };
    let tracked = &mut all[at];
    if tracked.correlation != *correlation {
        let before = std::mem::replace(&mut tracked.correlation, Arc::clone(correlation));
        let same = before.kind == correlation.kind
            && before.rules == correlation.rules
            && before.group_by == correlation.group_by
            && before.fields == correlation.fields;
        if !same {
            (tracked.groups, tracked.settled) = (Vec::new(), None);
        }
    }
    Some(tracked)
}

/// Values of `group-by`; none: in no group.
fn group_of(correlation: &Correlation, detection: &Detection) -> Option<Vec<Box<str>>> {
    let names = correlation.group_by.iter();
    names
        .map(|name| field(detection, name).map(String::into_boxed_str))
        .collect()
}

/// Hash of what `value_count` counts; none where a field is not there.
fn value_of(correlation: &Correlation, detection: &Detection) -> Option<u64> {
    if correlation.kind != CorrelationType::ValueCount {
        return Some(0);
    }
    let mut hash = FNV_START;
    for name in &correlation.fields {
        fnv(&mut hash, field(detection, name)?.as_bytes());
        fnv(&mut hash, b"\n");
    }
    Some(hash)
}

fn field(detection: &Detection, name: &str) -> Option<String> {
    let text = match name {
        "feed" => detection.report.feed.to_string(),
        "kind" => detection.report.kind.id().to_owned(),
        "source" => detection.report.source.to_string(),
        "place" => detection.place.code.to_string(),
        number => detection.numbers.get(number)?.to_string(),
    };
    (text.len() <= MAX_TEXT).then_some(text)
}

/// The report leaves every correlation.
pub(super) fn drop_report(incident: &mut Incident, report: u64) {
    for tracked in &mut incident.correlations {
        tracked.drop_events(|event| event.report == report);
    }
}

/// The same content was received at this time too.
fn restate(incident: &mut Incident, report: u64, received: Millis) {
    for tracked in &mut incident.correlations {
        for group in &mut tracked.groups {
            let mut moved = false;
            for event in group.events.iter_mut().filter(|e| e.report == report) {
                event.received = event.received.min(received);
                if !event.own_time && event.received < event.time {
                    (event.time, moved) = (event.received, true);
                }
            }
            if moved {
                group.events.sort_unstable_by_key(Event::order);
            }
        }
    }
}

/// Nothing else is left of a cluster: its number may be given to another one, so that only the report that stood for it stays.
pub(super) fn release(incident: &mut Incident, cluster: u32) {
    for tracked in &mut incident.correlations {
        let all = tracked.groups.iter().flat_map(|group| &group.events);
        let of = all.filter(|event| event.cluster == cluster);
        let Some(first) = of.min_by_key(|e| (e.received, e.report)).map(|e| e.report) else {
            continue;
        };
        tracked.drop_events(|event| event.cluster == cluster && event.report != first);
        let all = tracked
            .groups
            .iter_mut()
            .flat_map(|group| &mut group.events);
        all.filter(|event| event.cluster == cluster)
            .for_each(|event| event.cluster = NO_CLUSTER);
    }
}

/// Forgets the oldest events where there are more than `limit`; whether there were.
fn make_room(incident: &mut Incident, limit: usize) -> bool {
    let all = &mut incident.correlations;
    let events = |tracked: &Tracked| tracked.groups.iter().map(|g| g.events.len()).sum::<usize>();
    let count: usize = all.iter().map(events).sum();
    if count <= limit {
        return false;
    }
    let mut times: Vec<Millis> = all
        .iter()
        .flat_map(|tracked| &tracked.groups)
        .flat_map(|group| &group.events)
        .map(|event| event.time)
        .collect();
    let leaving = (count - limit).max(limit / SHARE).clamp(1, count);
    let (_, last, _) = times.select_nth_unstable(leaving - 1);
    let last = *last;
    for tracked in all {
        let fired = firing(tracked);
        tracked.settled = fired.filter(|fired| tracked.settled.is_some() || fired.from <= last);
        tracked.drop_events(|event| event.time <= last);
    }
    true
}
