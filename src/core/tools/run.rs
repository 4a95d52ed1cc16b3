//! Runs cases: production's engine on a virtual clock that begins at 2026-01-01T00:00:00Z.
//!
//! Invariant: counts and scores on the queue are refreshed at once here, so that what is compared is the state at that time
//! and not the last refresh of the board.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use uuid::Uuid;

use super::case::{Case, Wanted, WantedDetection, WantedIncident};
use super::convert::duration_text;
use super::meeting::compare_meeting;
use crate::core::correlate::CorrelateConfig;
use crate::core::model::{Alert, Detection, IncidentState, Level, Millis, MsgType, ShadowHit};
use crate::core::obligation::Policy;
use crate::core::replay::{ReplayOutput, Replayer};
use crate::core::ruleset::RuleSet;

/// The virtual clock begins here.
pub const START: Millis = Millis(1_767_225_600_000);

/// What a case came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct CaseResult {
    pub file: String,
    pub line: usize,
    pub name: String,
    /// Empty: it holds.
    pub failures: Vec<Failure>,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Line of the expectation, else of the case.
    pub line: usize,
    /// What is compared.
    pub what: String,
    /// As the file has it; none: nothing was expected.
    pub expected: Option<String>,
    /// As it came; none: nothing came.
    pub got: Option<String>,
}

/// Everything that came of the reports of a case.
struct Happened {
    detections: Vec<Detection>,
    shadow: Vec<ShadowHit>,
    alerts: Vec<Alert>,
    refused: Vec<String>,
}

/// Runs one case. The error says which setting of its feeds is wrong.
pub fn run(
    case: &Case,
    set: &Arc<RuleSet>,
    config: &CorrelateConfig,
) -> Result<CaseResult, String> {
    let mut config = config.clone();
    config.incident.refresh_ms = 0;
    let base = case.feeds.first().cloned().ok_or("a case has a feed")?;
    let mut replayer = Replayer::new(
        Arc::clone(set),
        Arc::new(config),
        base,
        &case.feeds[1..],
        START,
    )?;
    let mut happened = Happened {
        detections: Vec::new(),
        shadow: Vec::new(),
        alerts: Vec::new(),
        refused: Vec::new(),
    };
    let mut last = 0;
    for input in &case.inputs {
        let mut record = input.record.clone();
        if let Some(members) = record.as_object_mut() {
            let received = START.plus(input.at).to_string();
            members.insert("received".to_owned(), received.into());
        }
        let mut out = ReplayOutput::default();
        replayer.line(record.to_string().as_bytes(), &mut out);
        last = input.at;
        happened.keep(out);
    }
    let ends = end(case, last);
    let mut out = ReplayOutput::default();
    replayer.advance(START.plus(ends), &mut out);
    happened.keep(out);
    let mut failures = Vec::new();
    for refusal in &happened.refused {
        failures.push(Failure {
            line: case.line,
            what: "report".to_owned(),
            expected: Some("can be read".to_owned()),
            got: Some(refusal.clone()),
        });
    }
    compare(case, &happened, last, &mut failures);
    if let Wanted::Story { meeting, .. } = &case.wanted {
        let policy = Policy::new(Arc::clone(&set.routing));
        compare_meeting(
            case,
            meeting,
            &happened.alerts,
            &policy,
            ends,
            &mut failures,
        );
    }
    Ok(CaseResult {
        file: case.file.clone(),
        line: case.line,
        name: case.name.clone(),
        failures,
    })
}

impl Happened {
    fn keep(&mut self, out: ReplayOutput) {
        self.detections.extend(
            out.detections
                .into_iter()
                .map(|it| it.0)
                .filter(|it| it.wide_of.is_none()),
        );
        self.shadow.extend(out.shadow);
        self.alerts.extend(out.alerts);
        self.refused
            .extend(out.refusal.map(|refusal| refusal.to_string()));
    }
}

/// The latest time that matters to a case.
fn end(case: &Case, last: i64) -> i64 {
    let Wanted::Story {
        incidents, meeting, ..
    } = &case.wanted
    else {
        return last;
    };
    let incidents = incidents.iter().flatten().filter_map(|one| one.at);
    incidents.chain(meeting.times()).fold(last, i64::max)
}

fn compare(case: &Case, happened: &Happened, last: i64, failures: &mut Vec<Failure>) {
    match &case.wanted {
        Wanted::Fires { rule, fires } => {
            // A shadow rule is tested before it goes live.
            let live = happened.detections.iter().map(|d| &*d.rule_id);
            let shadow = happened.shadow.iter().map(|hit| &*hit.rule_id);
            let fired: Vec<&str> = live.chain(shadow).collect();
            if fired.contains(&&**rule) != *fires {
                let fired = if fired.is_empty() {
                    "no rule fired".to_owned()
                } else {
                    format!("fired: {}", fired.join(", "))
                };
                failures.push(Failure {
                    line: case.line,
                    what: format!("rule {rule}"),
                    expected: Some(if *fires { "fires" } else { "is silent" }.to_owned()),
                    got: Some(fired),
                });
            }
        }
        Wanted::Story {
            rules,
            detections,
            incidents,
            ..
        } => {
            if let Some(wanted) = detections {
                compare_detections(case, wanted, rules, &happened.detections, failures);
            }
            if let Some(wanted) = incidents {
                compare_incidents(case, wanted, &happened.alerts, last, failures);
            }
        }
    }
}

fn compare_detections(
    case: &Case,
    wanted: &[WantedDetection],
    rules: &[String],
    got: &[Detection],
    failures: &mut Vec<Failure>,
) {
    let counts = |d: &&Detection| rules.is_empty() || rules.iter().any(|rule| **rule == *d.rule_id);
    let mut left: Vec<&Detection> = got.iter().filter(counts).collect();
    for one in wanted {
        let name = format!("detection {} of {}", one.rule, one.report);
        let found = left
            .iter()
            .position(|d| d.report.id == one.report && *d.rule_id == *one.rule);
        let Some(found) = found.map(|at| left.remove(at)) else {
            failures.push(Failure {
                line: one.line,
                what: name,
                expected: Some("fires".to_owned()),
                got: None,
            });
            continue;
        };
        let mut check = Checker {
            line: one.line,
            name: &name,
            failures,
        };
        check.same("severity", one.severity, i64::from(found.severity));
        check.same("hazard", one.hazard.as_deref(), found.hazard.id());
        check.same("place", one.place.as_deref(), &*found.key_place.code);
    }
    for extra in left {
        failures.push(Failure {
            line: case.line,
            what: format!("detection {} of {}", extra.rule_id, extra.report.id),
            expected: None,
            got: Some(format!(
                "severity {} at {}",
                extra.severity, extra.key_place.code
            )),
        });
    }
}

/// Compares values that the file states.
pub(super) struct Checker<'a> {
    pub(super) line: usize,
    pub(super) name: &'a str,
    pub(super) failures: &'a mut Vec<Failure>,
}

impl Checker<'_> {
    pub(super) fn same<T: PartialEq + std::fmt::Display>(
        &mut self,
        what: &str,
        wanted: Option<T>,
        got: T,
    ) {
        let Some(wanted) = wanted.filter(|wanted| *wanted != got) else {
            return;
        };
        self.failures.push(Failure {
            line: self.line,
            what: format!("{} {what}", self.name),
            expected: Some(wanted.to_string()),
            got: Some(got.to_string()),
        });
    }
}

/// The last revision of every incident by `at`, by key.
fn queue_at(alerts: &[Alert], at: Millis) -> Vec<&Alert> {
    let mut last: BTreeMap<Uuid, &Alert> = BTreeMap::new();
    for alert in alerts.iter().filter(|alert| alert.sent <= at) {
        last.insert(alert.incident_id, alert);
    }
    let mut all: Vec<&Alert> = last.into_values().collect();
    all.sort_by(|a, b| (&a.key, a.first_seen).cmp(&(&b.key, b.first_seen)));
    all
}

fn compare_incidents(
    case: &Case,
    wanted: &[WantedIncident],
    alerts: &[Alert],
    last: i64,
    failures: &mut Vec<Failure>,
) {
    let mut times: BTreeSet<i64> = wanted.iter().map(|one| one.at.unwrap_or(last)).collect();
    if wanted.is_empty() {
        times.insert(last);
    }
    for at in times {
        let mut left = queue_at(alerts, START.plus(at));
        for one in wanted.iter().filter(|one| one.at.unwrap_or(last) == at) {
            let place = one.place.as_deref();
            let name = format!(
                "incident {} {} at {}",
                one.hazard,
                place.unwrap_or("anywhere"),
                duration_text(at)
            );
            let fits = |a: &&Alert| {
                a.hazard.id() == one.hazard && place.is_none_or(|place| *a.place.code == *place)
            };
            let Some(alert) = left.iter().position(fits).map(|at| left.remove(at)) else {
                failures.push(Failure {
                    line: one.line,
                    what: name,
                    expected: Some("is on the queue".to_owned()),
                    got: None,
                });
                continue;
            };
            compare_incident(one, alert, alerts, at, &name, failures);
        }
        for extra in left {
            failures.push(Failure {
                line: case.line,
                what: format!(
                    "incident {} {} at {}",
                    extra.hazard.id(),
                    extra.place.code,
                    duration_text(at)
                ),
                expected: None,
                got: Some(format!("{} with {} points", extra.level.id(), extra.score)),
            });
        }
    }
}

fn compare_incident(
    one: &WantedIncident,
    alert: &Alert,
    alerts: &[Alert],
    at: i64,
    name: &str,
    failures: &mut Vec<Failure>,
) {
    let mut check = Checker {
        line: one.line,
        name,
        failures,
    };
    check.same("level", one.level.as_deref(), alert.level.id());
    check.same("score", one.score, i64::from(alert.score));
    let state = match (alert.msg_type, alert.state) {
        (MsgType::Cancel, _) => "cancelled",
        (_, IncidentState::Active) => "active",
        (_, IncidentState::Resolved) => "resolved",
    };
    check.same("state", one.state.as_deref(), state);
    check.same("reports", one.reports, i64::from(alert.counts.reports));
    check.same("copies", one.copies, i64::from(alert.counts.copies));
    let departments: Vec<&str> = alert.departments.iter().map(|d| &*d.id).collect();
    let wanted = one.departments.as_ref().map(|wanted| wanted.join(", "));
    check.same("departments", wanted, departments.join(", "));
    let wanted = one.rules.as_ref().map(|wanted| {
        let mut wanted = wanted.clone();
        wanted.sort_unstable();
        wanted.join(", ")
    });
    check.same("rules", wanted, alert.rules.join(", "));
    let mut changes: Vec<(i64, Level)> = Vec::new();
    for revision in alerts.iter().filter(|a| a.incident_id == alert.incident_id) {
        let after = revision.sent.since(START);
        if after <= at
            && changes
                .last()
                .is_none_or(|(_, level)| *level != revision.level)
        {
            changes.push((after, revision.level));
        }
    }
    let text = |at: i64, level: &str| format!("{level} at {}", duration_text(at));
    let got: Vec<String> = changes
        .iter()
        .map(|(at, level)| text(*at, level.id()))
        .collect();
    let wanted = one.levels.as_ref().map(|levels| {
        let levels = levels.iter().map(|(at, level)| text(*at, level));
        levels.collect::<Vec<_>>().join(", ")
    });
    check.same("levels", wanted, got.join(", "));
}
