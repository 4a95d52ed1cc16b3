//! Near-duplicates within one incident.
//!
//! Invariant: at most `fingerprints_per_key` fingerprints are kept; a report beyond a forgotten one opens a new cluster.

use super::state::{Incident, Print};
use crate::core::fingerprint::near;
use crate::core::model::Fingerprint;

/// The cluster of the oldest kept near-duplicate of `fingerprint`.
pub(super) fn cluster_of(incident: &Incident, fingerprint: Fingerprint) -> Option<u32> {
    incident
        .prints
        .iter()
        .find(|(print, _)| near(Fingerprint::from(*print), fingerprint))
        .map(|(_, cluster)| *cluster)
}

/// Remembers the fingerprint of a founding member; true when the oldest had to be forgotten.
pub(super) fn remember(
    incident: &mut Incident,
    fingerprint: Fingerprint,
    cluster: u32,
    limit: usize,
) -> bool {
    let full = incident.prints.len() >= limit.max(1);
    if full {
        incident.prints.remove(0);
    }
    incident.prints.push((Print::from(fingerprint), cluster));
    full
}
