//! Every expectation of every shipped scenario can fail: whatever is left out or comes late, its own check says so, and the drill has not
//! passed.

use std::sync::Arc;

use tocsin::core::drill::{
    Check, Deed, Observed, Outcome, Report, RunInfo, Scenario, SeenDecision, Verdict, What,
    evaluate,
};
use tocsin::core::model::{Hazard, Level, Millis};

use super::shipped::shipped;
use super::support::bundle;

const DAY_MS: i64 = 86_400_000;

/// A drill at which everybody answers at once.
fn perfect(scenario: &Scenario) -> (RunInfo, Observed) {
    let (report, mut seen) = bundle().rehearse(scenario, 1);
    seen.has_desk = true;
    for alert in seen.alerts.clone() {
        for department in alert.departments {
            for (deed, after) in [(Deed::Acknowledged, 1), (Deed::Disposed, 2)] {
                let known = |it: &SeenDecision| {
                    (it.incident, &it.department, it.deed) == (alert.incident, &department, deed)
                };
                if !seen.decisions.iter().any(known) {
                    seen.decision(SeenDecision {
                        incident: alert.incident,
                        department: Arc::clone(&department),
                        deed,
                        at: alert.at.plus(after),
                    });
                }
            }
        }
    }
    (report.run, seen)
}

fn later(at: &mut Millis) {
    *at = at.plus(2 * DAY_MS);
}

fn below(level: Level) -> Level {
    match level {
        Level::Red => Level::Orange,
        Level::Orange => Level::Yellow,
        Level::Blue | Level::Yellow => Level::Blue,
    }
}

/// What the check is about does not happen.
fn left_out(seen: &mut Observed, outcome: &Outcome, check: &Check) {
    let id = outcome.incident.expect("it was found");
    match &check.what {
        What::Detect => seen.detections.retain(|it| it.hazard != outcome.hazard),
        What::Alert => seen.alerts.retain(|it| it.hazard != outcome.hazard),
        What::Level { level: Level::Blue } => {
            seen.alerts.retain(|it| it.hazard != outcome.hazard);
        }
        What::Level { level } => {
            for alert in &mut seen.alerts {
                if alert.level >= *level {
                    alert.level = below(*level);
                }
            }
        }
        What::Routed { department } => {
            for alert in &mut seen.alerts {
                alert.departments.retain(|it| it != department);
            }
        }
        What::Acknowledge { department } => seen.decisions.retain(|it| {
            it.incident != id || it.department != *department || it.deed != Deed::Acknowledged
        }),
        What::Dispose { department } => seen.decisions.retain(|it| {
            it.incident != id || it.department != *department || it.deed != Deed::Disposed
        }),
    }
}

/// It happens two days later.
fn late(seen: &mut Observed, check: &Check) {
    match &check.what {
        What::Detect => seen.detections.iter_mut().for_each(|it| later(&mut it.at)),
        What::Alert => seen.alerts.iter_mut().for_each(|it| later(&mut it.at)),
        What::Level { level } => {
            let risen = seen.alerts.iter_mut().filter(|it| it.level >= *level);
            risen.for_each(|it| later(&mut it.at));
        }
        What::Routed { .. } => {}
        What::Acknowledge { .. } | What::Dispose { .. } => {
            seen.decisions.iter_mut().for_each(|it| later(&mut it.at));
        }
    }
}

fn verdict_of(report: &Report, outcome: &Outcome, check: &Check) -> Verdict {
    let found = report.outcomes.iter().find(|it| it.name == outcome.name);
    let mut checks = found.expect("the same expectations").checks.iter();
    let found = checks.find(|it| it.what == check.what);
    found.expect("no expectation is left out").verdict
}

#[test]
fn every_expectation_of_the_shipped_scenarios_can_fail() {
    let mut tried = 0;
    for (name, text) in shipped() {
        let scenario = bundle().scenario(&name, &text);
        let (run, seen) = perfect(&scenario);
        let judge = |change: &dyn Fn(&mut Observed)| {
            let mut changed = seen.clone();
            change(&mut changed);
            evaluate(&scenario, &bundle().set.gazetteer, run.clone(), &changed)
        };
        let good = judge(&|_| {});
        assert!(good.passed, "{name}");
        for outcome in &good.outcomes {
            for check in &outcome.checks {
                let shown = format!("{name}: {}: {check:?}", outcome.name);
                assert_eq!(check.verdict, Verdict::Met, "{shown}");
                let report = judge(&|seen| left_out(seen, outcome, check));
                assert!(!report.passed, "{shown} left out");
                assert_eq!(
                    verdict_of(&report, outcome, check),
                    Verdict::Missed,
                    "{shown}"
                );
                if check.target_ms.is_some() {
                    let report = judge(&|seen| late(seen, check));
                    assert!(!report.passed, "{shown} late");
                    assert_eq!(
                        verdict_of(&report, outcome, check),
                        Verdict::Late,
                        "{shown}"
                    );
                }
                tried += 1;
            }
        }
        let odd = judge(&|seen| {
            let mut other = seen.alerts[0].clone();
            (other.incident, other.hazard) = (uuid::Uuid::nil(), Hazard::Tsunami);
            seen.alert(other);
        });
        assert!(!odd.passed && odd.unexpected.len() == 1, "{name}");
        let heard = judge(&|seen| {
            let report = seen.detections[0].report.clone();
            let mut sent = seen.sent.iter_mut();
            sent.find(|it| it.report == report)
                .expect("it was sent")
                .noise = true;
        });
        assert!(!heard.passed && !heard.heard.is_empty(), "{name}");
        let noise = seen.sent.iter().filter(|it| it.noise).count();
        assert!(noise > 0, "{name}: nothing that no rule should fire on");
        let mut stopped = run.clone();
        stopped.stopped = true;
        let report = evaluate(&scenario, &bundle().set.gazetteer, stopped, &seen);
        assert!(!report.passed, "{name} stopped");
    }
    assert!(tried > 60, "{tried} expectations");
}
