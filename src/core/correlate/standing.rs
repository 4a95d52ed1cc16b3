//! Which member, or else which entry, stands for each cluster of near-duplicates, and which of them tell most.
//!
//! Invariant: depends on the set of members and not on the order of their arrival.

use super::state::Incident;
use crate::core::model::MAX_EVIDENCE;

/// What stands for the clusters.
pub(super) struct Standing {
    /// Members: the [`MAX_EVIDENCE`] most telling ones in that order, then the others in none.
    pub members: Vec<u32>,
    /// Entries that stand for their clusters.
    pub entries: Vec<u32>,
    /// By cluster: its other live members and entries.
    pub copies: Vec<u32>,
}

/// Clusters are numbered below this: whatever state is read, memory is bounded.
pub(super) const MAX_CLUSTERS: u32 = 1 << 16;

/// The member, or else the entry, that stands for each cluster.
///
/// The earliest received stands for its cluster, so that copies that arrive in another order give the same incident.
pub(super) fn standing(incident: &Incident) -> Standing {
    let (members, entries) = (&incident.members, incident.entries());
    let numbers = members
        .iter()
        .map(|m| m.cluster)
        .chain(entries.iter().map(|e| e.cluster));
    let count = numbers
        .filter(|cluster| *cluster < MAX_CLUSTERS)
        .max()
        .map_or(0, |n| n as usize + 1);
    let mut first: Vec<Option<u32>> = vec![None; count];
    let mut copies = vec![0_u32; count];
    for (index, member) in members.iter().enumerate() {
        let (Some(slot), false) = (first.get_mut(member.cluster as usize), member.withdrawn) else {
            continue;
        };
        let index = index as u32;
        match *slot {
            None => *slot = Some(index),
            Some(other) => {
                copies[member.cluster as usize] += 1;
                if earlier(incident, index, other) {
                    *slot = Some(index);
                }
            }
        }
    }
    let mut of_entries: Vec<Option<u32>> = vec![None; count];
    for (index, entry) in entries.iter().enumerate() {
        let cluster = entry.cluster as usize;
        let (Some(slot), false) = (of_entries.get_mut(cluster), entry.withdrawn) else {
            continue;
        };
        let order = |at: u32| (entries[at as usize].received, entries[at as usize].report);
        if first[cluster].is_some() || slot.is_some() {
            copies[cluster] += 1;
        }
        if slot.is_none_or(|other| order(index as u32) < order(other)) {
            *slot = Some(index as u32);
        }
    }
    let mut standing = Vec::new();
    for (member, entry) in first.iter_mut().zip(of_entries) {
        let received = member.map(|index| members[index as usize].received);
        let is_first =
            |at: &u32| received.is_none_or(|member| entries[*at as usize].received < member);
        if let Some(at) = entry.filter(is_first) {
            standing.push(at);
            *member = None;
        }
    }
    let mut members: Vec<u32> = first.into_iter().flatten().collect();
    most_telling_first(incident, &mut members);
    Standing {
        members,
        entries: standing,
        copies,
    }
}

/// Only as many are put in order as are shown: all of a large incident, at every report of it, would be most of the work.
fn most_telling_first(incident: &Incident, members: &mut [u32]) {
    let order = |a: &u32, b: &u32| telling_order(incident, *a, *b);
    if members.len() > MAX_EVIDENCE {
        members.select_nth_unstable_by(MAX_EVIDENCE - 1, order);
    }
    let shown = members.len().min(MAX_EVIDENCE);
    members[..shown].sort_unstable_by(order);
}

pub(super) fn earlier(incident: &Incident, a: u32, b: u32) -> bool {
    let order = |index: u32| {
        let member = &incident.members[index as usize];
        (
            member.received,
            &incident.names[usize::from(member.feed)],
            &member.id,
        )
    };
    order(a) < order(b)
}

/// Most telling first: severity, then reliability, then the earliest.
pub(super) fn telling_order(incident: &Incident, a: u32, b: u32) -> std::cmp::Ordering {
    let weight = |index: u32| {
        let member = &incident.members[index as usize];
        (member.severity(), member.reliability)
    };
    weight(b).cmp(&weight(a)).then_with(|| {
        if earlier(incident, a, b) {
            std::cmp::Ordering::Less
        } else {
            std::cmp::Ordering::Greater
        }
    })
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use proptest::prelude::*;

    use super::super::sample::{config, detection};
    use super::super::{CorrelateOutput, Correlator};
    use super::*;
    use crate::core::model::Millis;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Against all reports in their whole order.
        #[test]
        fn the_evidence_is_the_most_telling(reports in prop::collection::vec((0_i64..20, 20_u8..60), 1..80)) {
            let mut correlator = Correlator::new(config());
            let mut out = CorrelateOutput::default();
            let mut all = Vec::new();
            for (index, (second, severity)) in reports.into_iter().enumerate() {
                let (id, received) = (format!("r{index:02}"), 1_000_000 + second * 1_000);
                correlator.fold(&detection(&id, received, severity), &mut out);
                all.push((Reverse(severity), received, id));
            }
            correlator.advance(Millis(1_100_000), &mut out);
            all.sort();
            let expected: Vec<&str> = all.iter().take(MAX_EVIDENCE).map(|(_, _, id)| &**id).collect();
            let last = out.alerts.last().unwrap();
            let shown: Vec<&str> = last.evidence.iter().map(|one| &*one.report_id).collect();
            prop_assert_eq!(shown, expected);
        }
    }
}
