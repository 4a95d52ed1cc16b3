//! The life of an incident of a wider area, in which reports only count.
//!
//! Invariant: it is on the queue because of an alarm of its counts, and ends a quiet time after the last one, however long its areas go
//! on as they always do. What it counted stays, and a later alarm is an incident of its own.

use super::config::{CorrelateConfig, IncidentConfig};
use super::growing::Growing;
use super::grown;
use super::identity::incident_id;
use super::state::{Incident, Phase, Published};
use crate::core::model::{Detection, Millis};

/// Whether a report that counts prolongs its incident, or wakes it: in a wider area that is on the queue, only while there is an alarm.
pub(super) fn is_sign_of_life(
    incident: &Incident,
    growing: &mut Growing<'_>,
    config: &CorrelateConfig,
) -> bool {
    if !incident.wide || !incident.is_queued() {
        return true;
    }
    let verdict = growing.verdict(false, &config.growth);
    grown::alarm(incident, verdict, growing.now, &config.growth).alarm
}

/// Makes another incident of one that could not be woken any more, of the same reports.
pub(super) fn begin_anew(
    incident: &mut Incident,
    detection: &Detection,
    now: Millis,
    config: &IncidentConfig,
) {
    let Phase::Resolved(resolved) = incident.phase else {
        return;
    };
    if !incident.wide || !incident.is_queued() || resolved.plus(config.reopen_for_ms) > now {
        return;
    }
    incident.previous = Some(incident.id);
    incident.id = incident_id(detection, now);
    (incident.phase, incident.last_activity) = (Phase::Active, now);
    (incident.level, incident.peak) = (None, None);
    (incident.level_since, incident.fall_due) = (now, None);
    incident.published = Published::default();
}
