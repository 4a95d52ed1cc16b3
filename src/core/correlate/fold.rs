//! One detection, one timer: what they do to the state of a key.
//!
//! Invariant: a key has at most one incident; a late report is never dropped; a detection that changes nothing (a repeat, an
//! overtaken revision) is no activity.

use std::sync::Arc;

use super::config::{CorrelateConfig, QUIET_MS};
use super::correlations::note;
use super::correlator::CorrelateOutput;
use super::growing::Growing;
use super::grown;
use super::identity::incident_id;
use super::members::join;
use super::revise::{Cause, revise};
use super::state::{Incident, KeyState, Phase, Previous, Published, StPlace};
use super::timers::{fall_due, forget_due, refresh_due, resolve_due, text_due};
use super::wide;
use super::withdraw::take_out;
use crate::core::model::{CorrelateOutcome, Detection, Millis, Retraction};

/// The incident that `detection` opens at `now`.
pub(super) fn open(detection: &Detection, previous: Option<&Previous>, now: Millis) -> Incident {
    Incident {
        id: incident_id(detection, now),
        previous: previous.map(|previous| previous.id),
        status: detection.status,
        hazard: detection.hazard,
        exercise: detection.exercise.clone(),
        place: StPlace::from(&detection.key_place),
        place_assumed: detection.place_assumed,
        ancestors: detection
            .ancestors
            .iter()
            .take(MAX_ANCESTORS)
            .cloned()
            .collect(),
        quiet_ms: detection.quiet_ms.clamp(*QUIET_MS.start(), *QUIET_MS.end()),
        last_activity: now,
        phase: Phase::Active,
        level: None,
        level_since: now,
        peak: None,
        fall_due: None,
        published: Published::default(),
        names: Vec::new(),
        requests: Vec::new(),
        members: Vec::new(),
        prints: Vec::new(),
        uncounted: Vec::new(),
        unused: 0,
        texts: Vec::new(),
        also_places: Vec::new(),
        exposures: Vec::new(),
        rate: super::rate::Rate::default(),
        rule_set: Arc::clone(&detection.rule_set),
        last_seen: detection.report.received.clamped(),
        aggregate: None,
        correlations: Vec::new(),
        growth_lines: Vec::new(),
        wide: detection.wide_of.is_some(),
        areas: super::areas::Areas::default(),
        index: super::index::Index::default(),
    }
}

/// Codes of ancestors kept.
const MAX_ANCESTORS: usize = 8;

/// Folds a detection into the incident of its key.
pub(super) fn apply(
    incident: &mut Incident,
    detection: &Detection,
    growing: &mut Growing<'_>,
    config: &CorrelateConfig,
    out: &mut CorrelateOutput,
) -> CorrelateOutcome {
    let now = growing.now;
    let joined = join(incident, detection, &config.limits);
    for limit in &joined.limits {
        out.hit(limit, detection.status);
    }
    if !joined.changed {
        return joined.outcome;
    }
    wide::begin_anew(incident, detection, now, &config.incident);
    growing.joined(incident, &detection.report, &joined, config, out);
    for limit in note(incident, detection, joined.replaced, &config.limits) {
        out.hit(limit, detection.status);
    }
    if let Some(limit) = grown::note(incident, detection) {
        out.hit(limit, detection.status);
    }
    let report = &detection.report;
    if joined.arrived && !report.withdrawn {
        incident.rate.count(report.received.clamped(), now);
    }
    incident.last_seen = incident.last_seen.max(report.received.clamped());
    incident.rule_set = Arc::clone(&detection.rule_set);
    let mut cause = Cause::Report;
    if !report.withdrawn
        && joined.outcome != CorrelateOutcome::Repeat
        && wide::is_sign_of_life(incident, growing, config)
    {
        // A withdrawal is no sign of life: it neither prolongs an incident nor wakes one.
        incident.last_activity = now;
        if incident.phase != Phase::Active {
            incident.phase = Phase::Active;
            cause = Cause::Reopened;
        }
    }
    drop_old_texts(incident, now, config);
    revise(incident, cause, growing, config, out);
    joined.outcome
}

/// Takes a report out of the incident of its key; true when it counted there.
pub(super) fn take_back(
    incident: &mut Incident,
    retraction: &Retraction,
    growing: &mut Growing<'_>,
    config: &CorrelateConfig,
    out: &mut CorrelateOutput,
) -> bool {
    if incident.status != retraction.status || incident.exercise != retraction.exercise {
        return false;
    }
    let (feed, id) = (&retraction.feed, &retraction.report_id);
    if !take_out(incident, feed, id, retraction.received) {
        return false;
    }
    growing.taken(incident, feed, id);
    drop_old_texts(incident, growing.now, config);
    revise(incident, Cause::Report, growing, config, out);
    true
}

/// Does what is due for a key at `at`. None: nothing is left of it.
pub(super) fn fire(
    state: KeyState,
    growing: &mut Growing<'_>,
    config: &CorrelateConfig,
    out: &mut CorrelateOutput,
) -> Option<KeyState> {
    let at = growing.now;
    let mut incident = match state {
        KeyState::Previous(previous) => {
            return (previous.until > at).then_some(KeyState::Previous(previous));
        }
        KeyState::Incident(incident) => incident,
    };
    if forget_due(&incident, &config.incident).is_some_and(|due| due <= at) {
        let until = at.plus(config.incident.previous_for_ms);
        return (until > at && incident.is_queued()).then_some(KeyState::Previous(Previous {
            id: incident.id,
            until,
        }));
    }
    drop_old_texts(&mut incident, at, config);
    let cause = if incident.phase == Phase::Active && resolve_due(&incident) <= at {
        Some(Cause::Quiet)
    } else if fall_due(&incident).is_some_and(|due| due <= at) {
        Some(Cause::Fall)
    } else if refresh_due(&incident, &config.incident).is_some_and(|due| due <= at) {
        Some(Cause::Refresh)
    } else {
        None
    };
    if let Some(cause) = cause {
        revise(&mut incident, cause, growing, config, out);
    }
    Some(KeyState::Incident(incident))
}

fn drop_old_texts(incident: &mut Incident, now: Millis, config: &CorrelateConfig) {
    while text_due(incident, &config.incident).is_some_and(|due| due <= now) {
        let members = &incident.members;
        incident.texts.retain(|(owner, _)| {
            members
                .get(*owner as usize)
                .is_some_and(|member| member.received.plus(config.incident.text_retention_ms) > now)
        });
    }
}
