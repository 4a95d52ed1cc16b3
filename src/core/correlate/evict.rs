//! Making room: members become entries, entries become sums.
//!
//! Invariant: members leave in an order that the history alone decides (copies and withdrawn ones, then the least severe,
//! then the oldest), the most telling ones last; whatever leaves, the incident's score does not change by it.

use super::aggregate::{Aggregate, Entry};
use super::config::Limits;
use super::correlations::release;
use super::identity::report_hash;
use super::standing::standing;
use super::state::{Incident, Member, kind_of};
use crate::core::model::MAX_EVIDENCE;

/// One in so many members, or entries, leaves when there is no room: the work of choosing is shared by as many arrivals.
const SHARE: usize = 8;

/// Makes room for one more member. Returns the named limits that were hit.
pub(super) fn make_room(incident: &mut Incident, limits: &Limits) -> Vec<&'static str> {
    let mut hit = Vec::new();
    if incident.members.len() < limits.reports_per_key {
        return hit;
    }
    hit.push("reports_per_key");
    let count = (limits.reports_per_key / SHARE).max(1);
    let leaving = choose(incident, count);
    let entries: Vec<Entry> = leaving
        .iter()
        .map(|index| entry_of(incident, *index as usize))
        .collect();
    incident.aggregate_mut().entries.0.extend(entries);
    remove(incident, &leaving);
    incident.reports_moved();
    let most = limits.aggregated_per_key;
    let over = incident.entries().len().saturating_sub(most);
    if over > 0 {
        hit.push("aggregated_per_key");
        forget(incident, over.max(most / SHARE));
    }
    hit
}

/// The members that leave first, by index.
fn choose(incident: &Incident, count: usize) -> Vec<u32> {
    let standing = standing(incident).members;
    let last = MAX_EVIDENCE.min(incident.members.len() / 2);
    let mut class = vec![0_u8; incident.members.len()];
    for (rank, member) in standing.iter().enumerate() {
        class[*member as usize] = if rank < last { 2 } else { 1 };
    }
    let mut order: Vec<u32> = (0..incident.members.len() as u32).collect();
    order.sort_by_cached_key(|index| {
        let member = &incident.members[*index as usize];
        let severity = member.severity();
        (class[*index as usize], severity, member.received, *index)
    });
    order.truncate(count);
    order.sort_unstable();
    order
}

/// What counts of a member; what it brings beside itself is noted in the aggregate.
fn entry_of(incident: &mut Incident, index: usize) -> Entry {
    let member: Member = incident.members[index].clone();
    let report = report_hash(&incident.names[usize::from(member.feed)], &member.id);
    let severity = member.severity();
    let aggregate = incident.aggregate_mut();
    let rules = member.rules.iter();
    let rules = rules
        .filter_map(|(rule, _)| aggregate.rule_bit(*rule))
        .fold(0, |bits, bit| bits | bit);
    if !member.withdrawn {
        let seen = member.observed.unwrap_or(member.received);
        aggregate.first = Some(aggregate.first.map_or(seen, |first| first.min(seen)));
        for (name, number) in &member.numbers {
            match aggregate
                .numbers
                .iter_mut()
                .find(|(known, _)| known == name)
            {
                Some((_, highest)) => *highest = highest.max(*number),
                None => aggregate.numbers.push((*name, *number)),
            }
        }
    }
    Entry {
        report,
        content: member.hash,
        received: member.received,
        stated: member.restated.unwrap_or(member.received),
        rules,
        source: member.source,
        feed: member.feed,
        cluster: member.cluster,
        severity,
        reliability: member.reliability,
        urgency: member.urgency,
        kind: member.kind,
        exposure: member.exposure,
        withdrawn: member.withdrawn,
    }
}

/// Takes members out; what points to the others by index follows them.
fn remove(incident: &mut Incident, leaving: &[u32]) {
    let mut next = 0;
    let moved: Vec<Option<u32>> = (0..incident.members.len() as u32)
        .map(|index| {
            leaving.binary_search(&index).is_err().then(|| {
                next += 1;
                next - 1
            })
        })
        .collect();
    let mut at = 0;
    incident.members.retain(|_| {
        at += 1;
        moved[at - 1].is_some()
    });
    incident.texts.retain_mut(|(owner, _)| {
        let to = moved.get(*owner as usize).copied().flatten();
        *owner = to.unwrap_or(*owner);
        to.is_some()
    });
}

/// Turns the oldest entries into sums. An entry that stands for its cluster takes the entries of the cluster with it, so that
/// none of its copies is taken for a report.
fn forget(incident: &mut Incident, count: usize) {
    let Some(mut aggregate) = incident.aggregate.take() else {
        return;
    };
    let mut gone = vec![false; aggregate.entries.0.len()];
    for at in 0..count.min(gone.len()) {
        if gone[at] {
            continue;
        }
        let cluster = aggregate.entries.0[at].cluster;
        let mates = incident
            .members
            .iter()
            .filter(|member| member.cluster == cluster);
        let (mut any, mut live) = (false, false);
        for mate in mates {
            any = true;
            live |= !mate.withdrawn;
        }
        if live {
            gone[at] = true;
            if !aggregate.entries.0[at].withdrawn {
                count_copy(incident, cluster);
            }
            continue;
        }
        forget_cluster(incident, &mut aggregate, cluster, &mut gone);
        if !any {
            drop_cluster(incident, &mut aggregate, cluster);
        }
    }
    let mut at = 0;
    aggregate.entries.0.retain(|_| {
        at += 1;
        !gone[at - 1]
    });
    incident.aggregate = Some(aggregate);
}

/// One more copy of a report that is still known.
fn count_copy(incident: &mut Incident, cluster: u32) {
    let known = incident.uncounted.iter_mut().find(|(c, _)| *c == cluster);
    match known {
        Some((_, count)) => *count = count.saturating_add(1),
        None => incident.uncounted.push((cluster, 1)),
    }
}

/// Sums up a cluster that has entries only: its earliest live one is the report, the others are copies.
fn forget_cluster(incident: &Incident, aggregate: &mut Aggregate, cluster: u32, gone: &mut [bool]) {
    let Aggregate {
        entries, forgotten, ..
    } = aggregate;
    let mut of: Vec<&Entry> = Vec::new();
    for (entry, gone) in entries.0.iter().zip(gone) {
        if entry.cluster == cluster && !*gone {
            *gone = true;
            of.extend((!entry.withdrawn).then_some(entry));
        }
    }
    let Some(first) = of.iter().min_by_key(|entry| (entry.received, entry.report)) else {
        return;
    };
    forgotten.reports = forgotten.reports.saturating_add(1);
    forgotten.copies = forgotten.copies.saturating_add(of.len() as u32 - 1);
    forgotten.severity = forgotten.severity.max(first.severity);
    forgotten.urgency = forgotten.urgency.max(first.urgency);
    forgotten.authoritative |= kind_of(first.kind).is_authoritative();
    forgotten.rules |= first.rules;
    let points = |at: Option<u8>| {
        at.and_then(|at| incident.exposures.get(usize::from(at)))
            .map(|line| line.0)
    };
    if points(first.exposure) > points(forgotten.exposure) {
        forgotten.exposure = first.exposure;
    }
    let known = forgotten
        .sources
        .iter_mut()
        .find(|(source, _)| *source == first.source);
    match known {
        Some((_, reliability)) => *reliability = (*reliability).max(first.reliability),
        None => forgotten.sources.push((first.source, first.reliability)),
    }
}

/// Nothing is left of a cluster: its copies so far become sums, and the next report like it founds another one.
fn drop_cluster(incident: &mut Incident, aggregate: &mut Aggregate, cluster: u32) {
    release(incident, cluster);
    incident.prints.retain(|(_, of)| *of != cluster);
    incident.uncounted.retain(|(of, count)| {
        if *of == cluster {
            aggregate.forgotten.copies = aggregate.forgotten.copies.saturating_add(*count);
        }
        *of != cluster
    });
}
