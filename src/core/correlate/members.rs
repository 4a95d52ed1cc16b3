//! The reports of an incident: one entry per report, as its feed last stated it.
//!
//! Invariant: the newest statement of a report counts, by its time and not by its arrival; a report for which there is no room
//! makes room (`evict`) and is never refused.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::aggregate::Entry;
use super::config::Limits;
use super::duplicate::{cluster_of, found_cluster, free_cluster, leave_cluster};
use super::evict::make_room;
use super::evidence::{add_rule, text_of};
use super::identity::report_hash;
use super::state::{Incident, Member, StLine, StPlace, kind_number, urgency_number};
use crate::core::model::{CorrelateOutcome, Detection, FeedKind, Millis};

/// Numbers kept of one report.
const MAX_NUMBERS: usize = 8;
/// Reasons for exposure kept of one incident.
const MAX_EXPOSURES: usize = 8;
/// Other places kept of one incident.
const MAX_ALSO_PLACES: usize = 8;
/// Longest report id kept, bytes; the model's bound, enforced again for whatever else writes detections.
const MAX_ID_BYTES: usize = 256;
/// Departments kept of one rule.
const MAX_REQUESTS: usize = 16;

/// How a detection changed the members.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Joined {
    pub outcome: CorrelateOutcome,
    /// Whether anything counts differently now.
    pub changed: bool,
    /// A report that the incident did not have.
    pub arrived: bool,
    /// A report that did not count before, and is no repost.
    pub fresh: bool,
    /// The report had other content before.
    pub replaced: bool,
    /// The narrower area in which it was before, where it only counts.
    pub area_before: Option<u16>,
    /// Named limits that were hit.
    pub limits: Vec<&'static str>,
}

impl Joined {
    fn new(outcome: CorrelateOutcome, changed: bool) -> Self {
        Self {
            outcome,
            changed,
            arrived: false,
            fresh: false,
            replaced: false,
            area_before: None,
            limits: Vec::new(),
        }
    }

    fn refused(limit: &'static str) -> Self {
        let mut refused = Self::new(CorrelateOutcome::Suppressed, false);
        refused.limits.push(limit);
        refused
    }
}

/// Adds a detection to the members.
pub(super) fn join(incident: &mut Incident, detection: &Detection, limits: &Limits) -> Joined {
    let report = &detection.report;
    if report.id.len() > MAX_ID_BYTES {
        return Joined::refused("report_id_bytes");
    }
    match incident.member_at(&report.feed, &report.id) {
        None => match aggregated(incident, detection) {
            Some(at) => entry_again(incident, at, detection, limits),
            None => new_report(incident, detection, limits),
        },
        Some(index) if incident.members[index].hash == report.content_hash => {
            second_rule(incident, index, detection, limits)
        }
        Some(index) => revised(incident, index, detection, limits),
    }
}

/// A report that the incident does not have, or no longer as it was.
fn new_report(incident: &mut Incident, detection: &Detection, limits: &Limits) -> Joined {
    let report = &detection.report;
    let mut hit = make_room(incident, limits);
    let known = report
        .fingerprint
        .filter(|_| report.kind.is_reposted())
        .and_then(|fingerprint| cluster_of(incident, fingerprint));
    let cluster = known.unwrap_or_else(|| free_cluster(incident, None));
    let source = if is_one_source_too_many(incident, detection, limits) {
        hit.push("sources_per_key");
        &report.feed
    } else {
        &report.source
    };
    let Some(member) = member_of(incident, detection, source, cluster) else {
        return Joined::refused("names_per_key");
    };
    let index = incident.members.len() as u32;
    incident.members.push(member);
    incident.report_arrived(index);
    let mut joined = match known {
        Some(_) => Joined::new(CorrelateOutcome::Copy, true),
        None => Joined::new(CorrelateOutcome::Merged, true),
    };
    joined.arrived = true;
    joined.fresh = is_fresh(detection, known.is_some());
    joined.limits = hit;
    found_cluster(incident, index, detection, limits, &mut joined.limits);
    note(incident, index, detection);
    joined
}

fn is_one_source_too_many(incident: &Incident, detection: &Detection, limits: &Limits) -> bool {
    if detection.report.source == detection.report.feed {
        return false;
    }
    let is_full = |sources: &BTreeSet<u16>| {
        sources.len() >= limits.sources_per_key
            && !sources
                .iter()
                .any(|source| incident.names[usize::from(*source)] == detection.report.source)
    };
    if let Some(amounts) = incident.index.amounts() {
        return is_full(&amounts.sources);
    }
    let members = incident.members.iter().map(|member| member.source);
    let entries = incident.entries().iter().map(|entry| entry.source);
    is_full(&members.chain(entries).collect())
}

/// The entry of a report that is no member.
fn aggregated(incident: &Incident, detection: &Detection) -> Option<usize> {
    if incident.entries().is_empty() {
        return None;
    }
    incident.entry_at(report_hash(&detection.report.feed, &detection.report.id))
}

/// An aggregated report again: a repeat, another rule, a withdrawal, or a revision, which makes it a member again.
fn entry_again(
    incident: &mut Incident,
    at: usize,
    detection: &Detection,
    limits: &Limits,
) -> Joined {
    let report = &detection.report;
    let received = report.received.clamped();
    let Some(rule) = incident.intern(&detection.rule_id) else {
        return Joined::refused("names_per_key");
    };
    incident.reports_changed();
    let aggregate = incident.aggregate_mut();
    let bit = aggregate.rule_bit(rule).unwrap_or(0);
    let entry = &mut aggregate.entries.0[at];
    if entry.content == report.content_hash {
        let earlier = received < entry.received;
        entry.stated = entry.stated.max(received);
        entry.received = entry.received.min(received);
        if entry.rules & bit == bit {
            return Joined::new(CorrelateOutcome::Repeat, earlier);
        }
        if entry.rules.count_ones() as usize >= limits.rules_per_report {
            return Joined::refused("rules_per_report");
        }
        entry.rules |= bit;
        entry.severity = entry.severity.max(detection.severity.min(100));
        note_rule(incident, rule, detection);
        return Joined::new(CorrelateOutcome::Merged, true);
    }
    if received < entry.stated {
        return Joined::new(CorrelateOutcome::Merged, false);
    }
    if report.withdrawn {
        (entry.content, entry.withdrawn) = (report.content_hash, true);
        (entry.received, entry.stated) = (received, received);
        entry.rules = bit;
        return Joined::new(CorrelateOutcome::Merged, true);
    }
    let Entry {
        cluster, withdrawn, ..
    } = aggregate.entries.0.remove(at);
    incident.reports_moved();
    leave_cluster(incident, cluster, None);
    let again = new_report(incident, detection, limits);
    let outcome = match again.outcome {
        CorrelateOutcome::Copy => CorrelateOutcome::Merged,
        other => other,
    };
    Joined {
        outcome,
        arrived: false,
        fresh: again.fresh && withdrawn,
        replaced: true,
        ..again
    }
}

/// The same content again: another rule on it, or nothing new.
fn second_rule(
    incident: &mut Incident,
    index: usize,
    detection: &Detection,
    limits: &Limits,
) -> Joined {
    let earlier = restate(
        &mut incident.members[index],
        detection.report.received.clamped(),
    );
    if earlier {
        incident.reports_changed();
    }
    let rules = &incident.members[index].rules;
    let known = rules
        .iter()
        .any(|(rule, _)| incident.names[usize::from(*rule)] == detection.rule_id);
    if known {
        return Joined::new(CorrelateOutcome::Repeat, earlier);
    }
    if rules.len() >= limits.rules_per_report {
        return Joined::refused("rules_per_report");
    }
    let Some(rule) = incident.intern(&detection.rule_id) else {
        return Joined::refused("names_per_key");
    };
    let severity = detection.severity.min(100);
    let more_severe = severity > incident.members[index].severity();
    incident.members[index].rules.push((rule, severity));
    incident.rule_fired(index as u32);
    let text = incident
        .texts
        .iter_mut()
        .find(|(owner, _)| *owner as usize == index);
    match text {
        Some((_, text)) => add_rule(text, detection, more_severe),
        None => incident.texts.push((index as u32, text_of(detection))),
    }
    note_rule(incident, rule, detection);
    Joined::new(CorrelateOutcome::Merged, true)
}

/// Notes when the same content was stated first and last; true when this was before what was known, which may make another
/// member stand for the cluster.
fn restate(member: &mut Member, received: Millis) -> bool {
    let last = member.restated.unwrap_or(member.received).max(received);
    let earlier = received < member.received;
    member.received = member.received.min(received);
    member.restated = (last > member.received).then_some(last);
    earlier
}

/// The same report with other content: the newer one counts.
fn revised(
    incident: &mut Incident,
    index: usize,
    detection: &Detection,
    limits: &Limits,
) -> Joined {
    let report = &detection.report;
    let member = &incident.members[index];
    let stated = member.restated.unwrap_or(member.received);
    if (report.received.clamped(), report.observed) < (stated, member.observed) {
        return Joined::new(CorrelateOutcome::Merged, false);
    }
    let mut joined = Joined::new(CorrelateOutcome::Merged, true);
    joined.replaced = true;
    joined.area_before = member.wide_of;
    let (old_cluster, counted) = (member.cluster, member.counted);
    let was_withdrawn = member.withdrawn;
    incident.reports_changed();
    if report.withdrawn {
        let Some(mut replacement) = member_of(incident, detection, &report.source, old_cluster)
        else {
            return Joined::refused("names_per_key");
        };
        replacement.counted = counted;
        incident.members[index] = replacement;
        incident.texts.retain(|(owner, _)| *owner as usize != index);
        return joined;
    }
    leave_cluster(incident, old_cluster, Some(index));
    let known = report
        .fingerprint
        .filter(|_| report.kind.is_reposted())
        .and_then(|fingerprint| cluster_of(incident, fingerprint));
    let cluster = known.unwrap_or_else(|| free_cluster(incident, Some(index)));
    joined.fresh = was_withdrawn && is_fresh(detection, known.is_some());
    let Some(mut replacement) = member_of(incident, detection, &report.source, cluster) else {
        return Joined::refused("names_per_key");
    };
    replacement.counted = counted;
    incident.members[index] = replacement;
    found_cluster(
        incident,
        index as u32,
        detection,
        limits,
        &mut joined.limits,
    );
    incident.texts.retain(|(owner, _)| *owner as usize != index);
    note(incident, index as u32, detection);
    joined
}

fn member_of(
    incident: &mut Incident,
    detection: &Detection,
    source: &Arc<str>,
    cluster: u32,
) -> Option<Member> {
    let report = &detection.report;
    let numbers: Option<Vec<(u16, f64)>> = detection
        .numbers
        .iter()
        .filter(|(_, number)| number.is_finite())
        .take(MAX_NUMBERS)
        .map(|(name, number)| Some((incident.intern(name)?, *number)))
        .collect();
    Some(Member {
        feed: incident.intern(&report.feed)?,
        source: incident.intern(source)?,
        id: report.id.as_str().into(),
        kind: kind_number(report.kind),
        reliability: report.reliability.min(100),
        urgency: urgency_number(detection.urgency),
        withdrawn: report.withdrawn,
        hash: report.content_hash,
        received: report.received.clamped(),
        observed: report.observed.map(Millis::clamped),
        restated: None,
        cluster,
        rules: vec![(
            incident.intern(&detection.rule_id)?,
            detection.severity.min(100),
        )],
        numbers: numbers?,
        exposure: exposure_of(incident, detection),
        counted: None,
        wide_of: match &detection.wide_of {
            Some(area) => Some(incident.intern(area)?),
            None => None,
        },
    })
}

/// Whether a report that now counts is one more in the series: a repost of news or of a post is not, twenty callers who say the same
/// are twenty.
fn is_fresh(detection: &Detection, is_copy: bool) -> bool {
    let report = &detection.report;
    let reposted = is_copy && report.kind != FeedKind::Hotline;
    !report.withdrawn && !reposted
}

fn exposure_of(incident: &mut Incident, detection: &Detection) -> Option<u8> {
    let line = StLine::from(detection.exposure.as_ref()?);
    let at = incident.exposures.iter().position(|known| *known == line);
    let at = at.or_else(|| {
        let free = incident.exposures.len();
        (free < MAX_EXPOSURES).then(|| incident.exposures.push(line))?;
        Some(free)
    });
    at.map(|at| at as u8)
}

/// Notes what a new or replaced member brings beside itself.
fn note(incident: &mut Incident, index: u32, detection: &Detection) {
    if detection.report.withdrawn {
        return;
    }
    incident.texts.push((index, text_of(detection)));
    let finer = std::iter::once(&detection.place).filter(|place| !place.is_none());
    for place in finer.chain(&detection.also_places) {
        let place = StPlace::from(place);
        let known = place.0 == incident.place.0
            || incident.also_places.iter().any(|other| other.0 == place.0);
        if !known && incident.also_places.len() < MAX_ALSO_PLACES {
            incident.also_places.push(place);
        }
    }
    if let Some((rule, _)) = incident.members[index as usize].rules.first().copied() {
        note_rule(incident, rule, detection);
    }
}

fn note_rule(incident: &mut Incident, rule: u16, detection: &Detection) {
    let asked: Vec<_> = detection
        .departments
        .iter()
        .take(MAX_REQUESTS)
        .map(|request| (request.id.clone(), request.required))
        .collect();
    incident.requests.retain(|(known, _)| *known != rule);
    if !asked.is_empty() {
        incident.requests.push((rule, asked));
    }
}
