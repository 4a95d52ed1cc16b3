//! Expectations against what was seen.
//!
//! Times are those of the clock of the run: an alert's `sent` when records drive the clock, else when it lay on the queue. Targets of
//! detections, alerts and deeds hold for real time whatever the speed of the script; a level is reached when the script has told
//! enough, so its target is script time, and in real time it may take [`SLACK_MS`] more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::figures::arrivals;
use super::observed::{Deed, Observed, SeenAlert};
use super::report::{
    Check, Heard, MAX_HEARD, Names, Outcome, REPORT_VERSION, Report, RunInfo, Unexpected, Verdict,
    What,
};
use super::scenario::{Expected, Scenario};
use crate::core::model::{Bilingual, Hazard, Level, Millis, Place};
use crate::core::place::Gazetteer;

/// Real time that a sped-up script allows a level beyond its target, milliseconds: what stages need takes no less time.
pub const SLACK_MS: i64 = 10_000;

/// What a drill came to.
pub fn evaluate(
    scenario: &Scenario,
    gazetteer: &Gazetteer,
    run: RunInfo,
    seen: &Observed,
) -> Report {
    let incidents = incidents(seen);
    let judge = Judge {
        scenario,
        gazetteer,
        run: &run,
        seen,
        incidents: &incidents,
    };
    let outcomes: Vec<Outcome> = scenario
        .incidents
        .iter()
        .filter_map(|one| judge.outcome(one))
        .collect();
    let unexpected = judge.unexpected();
    let noise: BTreeSet<(&str, &str)> = seen
        .sent
        .iter()
        .filter(|sent| sent.noise)
        .map(|sent| (&*sent.feed, sent.report.as_str()))
        .collect();
    let mut heard: Vec<Heard> = Vec::new();
    let mut detected = BTreeSet::new();
    for one in &seen.detections {
        let report = (&*one.feed, one.report.as_str());
        if noise.contains(&report) && heard.len() < MAX_HEARD {
            heard.push(Heard {
                report: one.report.clone(),
                rule: Arc::clone(&one.rule),
            });
        }
        detected.insert(report);
    }
    let bad = |check: &Check| matches!(check.verdict, Verdict::Late | Verdict::Missed);
    let failed = outcomes.iter().flat_map(|one| &one.checks).any(bad);
    Report {
        v: REPORT_VERSION,
        scenario: scenario.id.clone(),
        title: scenario.title.clone(),
        passed: !failed && unexpected.is_empty() && heard.is_empty() && !run.stopped,
        sent: seen.sent.len() as u64,
        noise: noise.len() as u64,
        detected: detected.len() as u64,
        departments: judge.departments(),
        timeline: judge.timeline(),
        arrivals: arrivals(&run, seen),
        outcomes,
        unexpected,
        heard,
        run,
        names: Names::new(),
    }
}

/// Revisions by incident, in order.
pub(super) type Incidents<'a> = BTreeMap<Uuid, Vec<&'a SeenAlert>>;

fn incidents(seen: &Observed) -> Incidents<'_> {
    let mut all: Incidents<'_> = BTreeMap::new();
    for alert in &seen.alerts {
        all.entry(alert.incident).or_default().push(alert);
    }
    for revisions in all.values_mut() {
        revisions.sort_by_key(|alert| alert.revision);
    }
    all
}

pub(super) struct Judge<'a> {
    scenario: &'a Scenario,
    gazetteer: &'a Gazetteer,
    pub(super) run: &'a RunInfo,
    pub(super) seen: &'a Observed,
    pub(super) incidents: &'a Incidents<'a>,
}

impl Judge<'_> {
    fn code(&self, expected: &Expected) -> Option<&str> {
        let name = expected.place.as_ref()?;
        self.scenario
            .places
            .get(name)
            .map(|place| place.code.as_str())
    }

    fn is_there(&self, expected: &Expected, place: &str, ancestors: &[Arc<str>]) -> bool {
        self.code(expected)
            .is_none_or(|code| place == code || ancestors.iter().any(|above| **above == *code))
    }

    fn is(&self, expected: &Expected, alert: &SeenAlert) -> bool {
        expected.hazard == Some(alert.hazard)
            && self.is_there(expected, &alert.place.code, &alert.ancestors)
    }

    /// The revisions of the earliest incident that is the expected one.
    fn found(&self, expected: &Expected) -> Option<(Uuid, &Vec<&SeenAlert>)> {
        let fits = self.incidents.iter().filter_map(|(id, revisions)| {
            let first = revisions.first()?;
            self.is(expected, first)
                .then_some((first.at, *id, revisions))
        });
        let first = fits.min_by_key(|(at, id, _)| (*at, *id));
        first.map(|(_, id, revisions)| (id, revisions))
    }

    fn outcome(&self, expected: &Expected) -> Option<Outcome> {
        let hazard = expected.hazard?;
        let found = self.found(expected);
        let revisions = found.map_or(&[][..], |(_, revisions)| revisions.as_slice());
        let place = self
            .code(expected)
            .and_then(|code| self.gazetteer.get(code));
        Some(Outcome {
            name: expected.name.clone(),
            hazard,
            place: place.as_ref().map(names),
            incident: found.map(|(id, _)| id),
            level: revisions.iter().map(|alert| alert.level).max(),
            reports: revisions
                .iter()
                .map(|alert| alert.reports)
                .max()
                .unwrap_or(0),
            checks: self.checks(expected, hazard, found.map(|(id, _)| id), revisions),
        })
    }

    fn checks(
        &self,
        expected: &Expected,
        hazard: Hazard,
        incident: Option<Uuid>,
        revisions: &[&SeenAlert],
    ) -> Vec<Check> {
        let step = self
            .scenario
            .start_of(expected)
            .map(|step| step.name.as_str());
        let sent = self
            .seen
            .sent
            .iter()
            .filter(|sent| Some(&*sent.step) == step);
        let from = sent.map(|sent| sent.at).min();
        let after = |at: Option<Millis>| at.zip(from).map(|(at, from)| at.since(from).max(0));
        let first = revisions.first().map(|alert| alert.at);
        let mut checks = Vec::new();
        if let Some(target) = expected.detect {
            let fits = self.seen.detections.iter().filter(|one| {
                one.hazard == hazard && self.is_there(expected, &one.place, &one.ancestors)
            });
            let took = after(fits.map(|one| one.at).min());
            checks.push(check(What::Detect, Some(target), took));
        }
        if let Some(target) = expected.alert {
            checks.push(check(What::Alert, Some(target), after(first)));
        }
        for (level, target) in &expected.levels {
            let reached = revisions.iter().find(|alert| alert.level >= *level);
            let took = after(reached.map(|alert| alert.at));
            checks.push(self.level_check(*level, *target, took));
        }
        for (department, _) in &expected.departments {
            let department: Arc<str> = department.as_str().into();
            let routed = revisions
                .iter()
                .find(|alert| alert.departments.contains(&department));
            let what = What::Routed {
                department: Arc::clone(&department),
            };
            checks.push(check(what, None, after(routed.map(|alert| alert.at))));
            let since = routed.map(|alert| alert.at);
            checks.extend(self.deeds(expected, &department, incident, since));
        }
        checks
    }

    fn level_check(&self, level: Level, target: i64, took: Option<i64>) -> Check {
        let mut check = check(What::Level { level }, Some(target), took);
        if let Some(took) = took
            && !self.run.records_clock
            && took <= (target as f64 / self.run.speed) as i64 + SLACK_MS
        {
            check.verdict = Verdict::Met;
        } else if took.is_some_and(|took| took as f64 * self.run.speed > target as f64) {
            check.verdict = Verdict::Late;
        }
        check
    }

    /// Targets of what the department does, counted from when it got its duty.
    fn deeds(
        &self,
        expected: &Expected,
        department: &Arc<str>,
        incident: Option<Uuid>,
        since: Option<Millis>,
    ) -> Vec<Check> {
        let target = |deed, target: Option<i64>, what: What| {
            let target = target?;
            // Whoever was not told, or of nothing, has not answered: that is missed, not left out.
            let told = incident.zip(since);
            let took = told.and_then(|(id, since)| self.deed(id, department, deed, since));
            let allowed_until = since.map(|since| since.plus(target));
            Some(self.if_measured(check(what, Some(target), took), allowed_until))
        };
        let acknowledge = What::Acknowledge {
            department: Arc::clone(department),
        };
        let dispose = What::Dispose {
            department: Arc::clone(department),
        };
        [
            target(Deed::Acknowledged, expected.acknowledge, acknowledge),
            target(Deed::Disposed, expected.dispose, dispose),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// What nobody can have seen is not missed: without a desk, or because the drill ended while there still was time.
    fn if_measured(&self, mut check: Check, allowed_until: Option<Millis>) -> Check {
        let ended_before = allowed_until.is_some_and(|until| until > self.run.ended);
        if check.took_ms.is_none() && (!self.seen.has_desk || ended_before) {
            check.verdict = Verdict::Unmeasured;
        }
        check
    }

    pub(super) fn deed(
        &self,
        incident: Uuid,
        department: &str,
        deed: Deed,
        since: Millis,
    ) -> Option<i64> {
        let fits = self.seen.decisions.iter().filter(|one| {
            one.incident == incident && *one.department == *department && one.deed == deed
        });
        let first = fits.map(|one| one.at).min()?;
        Some(first.since(since).max(0))
    }

    /// Incidents that fit no expectation. One whose every report was noise is among them.
    fn unexpected(&self) -> Vec<Unexpected> {
        let mut all = Vec::new();
        for (id, revisions) in self.incidents {
            let (Some(first), Some(level)) = (
                revisions.first(),
                revisions.iter().map(|alert| alert.level).max(),
            ) else {
                continue;
            };
            let allowed = self.scenario.may_also.contains(&first.hazard);
            if allowed
                || self
                    .scenario
                    .incidents
                    .iter()
                    .any(|one| self.is(one, first))
            {
                continue;
            }
            all.push(Unexpected {
                incident: *id,
                headline: first.headline.clone(),
                hazard: first.hazard,
                place: names(&first.place),
                level,
                after_ms: first.at.since(self.run.started),
            });
        }
        all.sort_by_key(|one| (one.after_ms, one.incident));
        all
    }
}

fn check(what: What, target_ms: Option<i64>, took_ms: Option<i64>) -> Check {
    let verdict = match (took_ms, target_ms) {
        (None, _) => Verdict::Missed,
        (Some(took), Some(target)) if took > target => Verdict::Late,
        _ => Verdict::Met,
    };
    Check {
        what,
        target_ms,
        took_ms,
        verdict,
    }
}

fn names(place: &Place) -> Bilingual {
    Bilingual {
        en: place.name.to_string(),
        zh: place.name_zh.as_deref().unwrap_or(&place.name).to_owned(),
    }
}
