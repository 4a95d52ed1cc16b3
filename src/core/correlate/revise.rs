//! When an incident's change becomes a revision on the queue.
//!
//! Invariant: revisions count 1…n without gap; a change of level, departments or certainty class and a reactivation are
//! material; anything else is shown at most every `refresh_ms`.

use super::alert::{Revision, build, requests};
use super::config::CorrelateConfig;
use super::correlator::CorrelateOutput;
use super::evidence::keep_telling;
use super::growing::Growing;
use super::grown;
use super::level::decide;
use super::score::{Summary, summarise};
use super::state::{Incident, Phase};
use crate::core::model::{CertaintyClass, MsgType, RoutedDepartment};

/// Why an incident is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// A report changed it.
    Report,
    /// A report woke it up after it had been resolved.
    Reopened,
    /// The dwell of its level is over.
    Fall,
    /// Changed counts are due.
    Refresh,
    /// The quiet time is over.
    Quiet,
}

/// Recomputes an incident at `now` and writes the revision that is due, if any.
pub(super) fn revise(
    incident: &mut Incident,
    cause: Cause,
    growing: &mut Growing<'_>,
    config: &CorrelateConfig,
    out: &mut CorrelateOutput,
) {
    let now = growing.now;
    incident.keep_index();
    let verdict = growing.verdict(!incident.growth_lines.is_empty(), &config.growth);
    let mut summary = summarise(incident, &config.score);
    summary.grow(incident, verdict, &config.growth);
    keep_telling(incident, &summary);
    if summary.is_empty() {
        return cancel(incident, &summary, growing, config, out);
    }
    if incident.wide && cause == Cause::Report && incident.phase != Phase::Active {
        // What is counted after its end changes nothing that was said of it.
        return;
    }
    let alarm = grown::alarm(incident, verdict, now, &config.growth);
    let decision = decide(incident, &summary, alarm, config, now);
    let rose_or_fell = cause != Cause::Quiet && decision.level != incident.level;
    if rose_or_fell {
        incident.level = decision.level;
        incident.level_since = now;
        incident.peak = incident.peak.max(decision.level);
    }
    incident.fall_due = decision.fall_due;
    if cause == Cause::Quiet {
        incident.phase = Phase::Resolved(now);
        incident.fall_due = None;
    }
    let Some(level) = incident.level else {
        return;
    };
    let departments = config.routing.departments(
        incident.hazard,
        incident.peak.unwrap_or(level),
        &requests(incident, &summary),
    );
    let first = incident.published.revision == 0;
    let material = cause != Cause::Quiet
        && (first
            || rose_or_fell
            || cause == Cause::Reopened
            || incident.published.departments != fold_departments(&departments)
            || incident.published.class != class_number(summary.class()));
    let refresh_due = incident.published.at.plus(config.incident.refresh_ms) <= now;
    let due = material || refresh_due || matches!(cause, Cause::Quiet | Cause::Refresh);
    if !due {
        incident.published.stale = true;
        return;
    }
    let revision = Revision {
        msg_type: if first {
            MsgType::Alert
        } else {
            MsgType::Update
        },
        material,
        level,
        departments,
        notes: decision.notes,
        sent: now,
    };
    publish(incident, &summary, revision, growing, config, out);
}

/// Every report was withdrawn: the incident ends, and the queue hears of it if it ever heard of the incident.
fn cancel(
    incident: &mut Incident,
    summary: &Summary,
    growing: &mut Growing<'_>,
    config: &CorrelateConfig,
    out: &mut CorrelateOutput,
) {
    let now = growing.now;
    incident.phase = Phase::Resolved(now);
    incident.fall_due = None;
    let (Some(level), true) = (incident.level, incident.is_queued()) else {
        return;
    };
    let departments =
        config
            .routing
            .departments(incident.hazard, incident.peak.unwrap_or(level), &[]);
    let revision = Revision {
        msg_type: MsgType::Cancel,
        material: true,
        level,
        departments,
        notes: Vec::new(),
        sent: now,
    };
    publish(incident, summary, revision, growing, config, out);
}

fn publish(
    incident: &mut Incident,
    summary: &Summary,
    revision: Revision,
    growing: &mut Growing<'_>,
    config: &CorrelateConfig,
    out: &mut CorrelateOutput,
) {
    let departments = fold_departments(&revision.departments);
    let sent = revision.sent;
    let growth = growing.read(&config.growth);
    out.alerts.push(build(
        incident,
        summary,
        revision,
        growing.key,
        growth,
        config,
    ));
    let published = &mut incident.published;
    published.revision += 1;
    published.at = sent;
    published.departments = departments;
    published.class = class_number(summary.class());
    published.stale = false;
}

/// FNV-1a over the list: enough to tell whether it changed.
fn fold_departments(departments: &[RoutedDepartment]) -> u64 {
    let mut hash = super::identity::FNV_START;
    for department in departments {
        super::identity::fnv(&mut hash, department.id.as_bytes());
        super::identity::fnv(
            &mut hash,
            &[0, department.duty as u8, u8::from(department.required)],
        );
    }
    hash
}

fn class_number(class: CertaintyClass) -> u8 {
    class as u8
}
