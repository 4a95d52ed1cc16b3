//! Names of incidents and alerts: UUIDv5, so that a replay gives the same ones.
//!
//! Invariant: an incident's name holds the partition time of its opening, and a key opens one incident at a time, so that
//! no two incidents of a key share a name.

use uuid::Uuid;

use crate::core::model::{Detection, Millis, WIDE};

/// Namespace of incident ids. Fixed for good.
pub const ALERT_NAMESPACE: Uuid = Uuid::from_u128(0x7c1d_5e0a_94b3_4f7e_8a26_d0c3_51b9_e64f);

/// UUIDv5 in [`ALERT_NAMESPACE`] of `status/hazard/place`, opening feed, report id and opening time in milliseconds, each
/// ended by a line feed; of an exercise with an id, this too; of what only counts in a wider area, [`WIDE`] stands before the place. The opening time is the partition clock, which is the report's `received` unless it came late: a
/// late resend must not give a second incident the name of the first.
pub fn incident_id(detection: &Detection, opened: Millis) -> Uuid {
    let wide = detection.wide_of.as_ref().map(|_| WIDE);
    let mut name = format!(
        "{}/{}/{}{}\n{}\n{}\n{}\n",
        detection.status.id(),
        detection.hazard.id(),
        wide.map(String::from).unwrap_or_default(),
        detection.key_place.code,
        detection.report.feed,
        detection.report.id,
        opened.0,
    );
    if let Some(exercise) = &detection.exercise {
        name.push_str(exercise);
        name.push('\n');
    }
    Uuid::new_v5(&ALERT_NAMESPACE, name.as_bytes())
}

/// UUIDv5 in the incident's id of the revision as a decimal number.
pub fn alert_id(incident: Uuid, revision: u32) -> Uuid {
    Uuid::new_v5(&incident, revision.to_string().as_bytes())
}

/// Start of an FNV-1a hash (Fowler, Noll, Vo; 64 bits).
pub(super) const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

/// Adds bytes to an FNV-1a hash.
pub(super) fn fnv(hash: &mut u64, bytes: &[u8]) {
    for byte in bytes {
        *hash = (*hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
}

/// Tells reports of a key apart where a rare mistake costs one count.
pub(super) fn report_hash(feed: &str, id: &str) -> u64 {
    let mut hash = FNV_START;
    fnv(&mut hash, feed.as_bytes());
    fnv(&mut hash, b"\n");
    fnv(&mut hash, id.as_bytes());
    hash
}
