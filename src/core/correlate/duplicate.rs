//! Near-duplicates within one incident.
//!
//! Invariant: at most `fingerprints_per_key` fingerprints are kept; a report beyond a forgotten one opens a new cluster.

use super::config::Limits;
use super::standing::MAX_CLUSTERS;
use super::state::{Incident, Print};
use crate::core::fingerprint::near;
use crate::core::model::{Detection, Fingerprint};

/// The cluster of the oldest kept near-duplicate of `fingerprint`.
pub(super) fn cluster_of(incident: &Incident, fingerprint: Fingerprint) -> Option<u32> {
    incident
        .prints
        .iter()
        .find(|(print, _)| near(Fingerprint::from(*print), fingerprint))
        .map(|(_, cluster)| *cluster)
}

/// Remembers the fingerprint of a founding member; true when the oldest had to be forgotten.
fn remember(incident: &mut Incident, fingerprint: Fingerprint, cluster: u32, limit: usize) -> bool {
    let full = incident.prints.len() >= limit.max(1);
    if full {
        incident.prints.remove(0);
    }
    incident.prints.push((Print::from(fingerprint), cluster));
    full
}

/// Forgets a cluster of which nothing is left but the member `leaving`.
pub(super) fn leave_cluster(incident: &mut Incident, cluster: u32, leaving: Option<usize>) {
    if is_empty_but_for(incident, cluster, leaving) {
        incident.prints.retain(|(_, of)| *of != cluster);
        incident.uncounted.retain(|(of, _)| *of != cluster);
    }
}

fn is_empty_but_for(incident: &Incident, cluster: u32, index: Option<usize>) -> bool {
    if let Some(amounts) = incident.index.amounts().filter(|_| cluster < MAX_CLUSTERS) {
        let of = |at: usize| incident.members.get(at).map(|member| member.cluster);
        return amounts.reports(cluster) == u32::from(index.and_then(of) == Some(cluster));
    }
    let mut members = incident.members.iter().enumerate();
    members.all(|(other, member)| Some(other) == index || member.cluster != cluster)
        && incident
            .entries()
            .iter()
            .all(|entry| entry.cluster != cluster)
}

/// The lowest cluster number that nothing but the member `index` has.
pub(super) fn free_cluster(incident: &Incident, index: Option<usize>) -> u32 {
    if let (Some(amounts), None) = (incident.index.amounts(), index) {
        return amounts.free;
    }
    let mut taken = vec![false; incident.members.len() + incident.entries().len() + 1];
    let members = incident.members.iter().enumerate();
    let members = members.filter(|(other, _)| Some(*other) != index);
    let entries = incident.entries().iter().map(|entry| entry.cluster);
    for cluster in members.map(|(_, member)| member.cluster).chain(entries) {
        if let Some(slot) = taken.get_mut(cluster as usize) {
            *slot = true;
        }
    }
    taken.iter().position(|taken| !taken).unwrap_or_default() as u32
}

/// Keeps the fingerprint of a member that opened a cluster.
pub(super) fn found_cluster(
    incident: &mut Incident,
    index: u32,
    detection: &Detection,
    limits: &Limits,
    hit: &mut Vec<&'static str>,
) {
    let cluster = incident.members[index as usize].cluster;
    let founds = is_empty_but_for(incident, cluster, Some(index as usize));
    let fingerprint = detection
        .report
        .fingerprint
        .filter(|_| detection.report.kind.is_reposted());
    if let (Some(fingerprint), true) = (fingerprint, founds)
        && remember(incident, fingerprint, cluster, limits.fingerprints_per_key)
    {
        hit.push("fingerprints_per_key");
    }
}
