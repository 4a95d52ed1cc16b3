//! The reports of an incident: one entry per report, as its feed last stated it.
//!
//! Invariant: an entry is never removed, so that indices stay; cluster numbers are below the number of entries; the newest
//! statement of a report counts, by its time and not by its arrival.

use super::config::Limits;
use super::duplicate::{cluster_of, remember};
use super::evidence::{add_rule, text_of};
use super::identity::report_hash;
use super::state::{Incident, Member, StLine, StPlace, kind_number, urgency_number};
use crate::core::model::{CorrelateOutcome, Detection, Millis};

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
    /// Named limits that were hit.
    pub limits: Vec<&'static str>,
}

impl Joined {
    fn new(outcome: CorrelateOutcome, changed: bool) -> Self {
        Self {
            outcome,
            changed,
            limits: Vec::new(),
        }
    }

    fn refused(limit: &'static str) -> Self {
        Self {
            outcome: CorrelateOutcome::Suppressed,
            changed: false,
            limits: vec![limit],
        }
    }
}

/// Adds a detection to the members.
pub(super) fn join(incident: &mut Incident, detection: &Detection, limits: &Limits) -> Joined {
    let report = &detection.report;
    if report.id.len() > MAX_ID_BYTES {
        return Joined::refused("report_id_bytes");
    }
    let known = incident.members.iter().position(|member| {
        *member.id == *report.id && incident.names[usize::from(member.feed)] == report.feed
    });
    match known {
        None => new_report(incident, detection, limits),
        Some(index) if incident.members[index].hash == report.content_hash => {
            second_rule(incident, index, detection, limits)
        }
        Some(index) => revised(incident, index, detection, limits),
    }
}

/// A report that the incident does not have.
fn new_report(incident: &mut Incident, detection: &Detection, limits: &Limits) -> Joined {
    let report = &detection.report;
    let cluster = report
        .fingerprint
        .filter(|_| report.kind.is_reposted())
        .and_then(|fingerprint| cluster_of(incident, fingerprint));
    if incident.members.len() >= limits.reports_per_key {
        return match cluster {
            Some(cluster) if !report.withdrawn => uncounted_copy(incident, cluster, detection),
            _ => Joined::refused("reports_per_key"),
        };
    }
    if cluster.is_none() && is_one_source_too_many(incident, detection, limits) {
        return Joined::refused("sources_per_key");
    }
    let index = incident.members.len() as u32;
    let Some(member) = member_of(incident, detection, cluster.unwrap_or(index)) else {
        return Joined::refused("names_per_key");
    };
    incident.members.push(member);
    let mut joined = match cluster {
        Some(_) => Joined::new(CorrelateOutcome::Copy, true),
        None => Joined::new(CorrelateOutcome::Merged, true),
    };
    found_cluster(incident, index, detection, limits, &mut joined);
    note(incident, index, detection);
    joined
}

fn is_one_source_too_many(incident: &Incident, detection: &Detection, limits: &Limits) -> bool {
    let mut sources: Vec<u16> = incident
        .members
        .iter()
        .map(|member| member.source)
        .collect();
    sources.sort_unstable();
    sources.dedup();
    sources.len() >= limits.sources_per_key
        && !sources
            .iter()
            .any(|source| incident.name(*source) == detection.report.source)
}

/// A copy for which there is no room: counted, not remembered.
fn uncounted_copy(incident: &mut Incident, cluster: u32, detection: &Detection) -> Joined {
    let hash = report_hash(&detection.report.feed, &detection.report.id);
    if incident.last_uncounted == hash {
        return Joined::new(CorrelateOutcome::Merged, false);
    }
    incident.last_uncounted = hash;
    match incident
        .uncounted
        .iter_mut()
        .find(|(known, _)| *known == cluster)
    {
        Some((_, count)) => *count = count.saturating_add(1),
        None => incident.uncounted.push((cluster, 1)),
    }
    let mut joined = Joined::new(CorrelateOutcome::Copy, true);
    joined.limits.push("reports_per_key");
    joined
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
    let old_cluster = member.cluster;
    if report.withdrawn {
        let Some(replacement) = member_of(incident, detection, old_cluster) else {
            return Joined::refused("names_per_key");
        };
        incident.members[index] = replacement;
        incident.texts.retain(|(owner, _)| *owner as usize != index);
        return joined;
    }
    leave_cluster(incident, index);
    let cluster = report
        .fingerprint
        .filter(|_| report.kind.is_reposted())
        .and_then(|fingerprint| cluster_of(incident, fingerprint))
        .unwrap_or_else(|| free_cluster(incident, index));
    let Some(replacement) = member_of(incident, detection, cluster) else {
        return Joined::refused("names_per_key");
    };
    incident.members[index] = replacement;
    found_cluster(incident, index as u32, detection, limits, &mut joined);
    incident.texts.retain(|(owner, _)| *owner as usize != index);
    note(incident, index as u32, detection);
    joined
}

/// Forgets the cluster of a member that stood alone in it.
fn leave_cluster(incident: &mut Incident, index: usize) {
    let cluster = incident.members[index].cluster;
    let alone = incident
        .members
        .iter()
        .enumerate()
        .all(|(other, member)| other == index || member.cluster != cluster);
    if alone {
        incident.prints.retain(|(_, of)| *of != cluster);
        incident.uncounted.retain(|(of, _)| *of != cluster);
    }
}

/// A cluster number that no other member has: with n members, the n − 1 others leave one below n.
fn free_cluster(incident: &Incident, index: usize) -> u32 {
    let mut taken = vec![false; incident.members.len()];
    for (other, member) in incident.members.iter().enumerate() {
        if let (true, Some(slot)) = (other != index, taken.get_mut(member.cluster as usize)) {
            *slot = true;
        }
    }
    taken.iter().position(|taken| !taken).unwrap_or(index) as u32
}

/// Keeps the fingerprint of a member that opened a cluster.
fn found_cluster(
    incident: &mut Incident,
    index: u32,
    detection: &Detection,
    limits: &Limits,
    joined: &mut Joined,
) {
    let cluster = incident.members[index as usize].cluster;
    let founds = incident
        .members
        .iter()
        .enumerate()
        .all(|(other, member)| other == index as usize || member.cluster != cluster);
    let fingerprint = detection
        .report
        .fingerprint
        .filter(|_| detection.report.kind.is_reposted());
    if let (Some(fingerprint), true) = (fingerprint, founds)
        && remember(incident, fingerprint, cluster, limits.fingerprints_per_key)
    {
        joined.limits.push("fingerprints_per_key");
    }
}

fn member_of(incident: &mut Incident, detection: &Detection, cluster: u32) -> Option<Member> {
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
        source: incident.intern(&report.source)?,
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
    })
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
