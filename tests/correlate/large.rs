//! Incidents larger than what is remembered of them in full.

use std::sync::Arc;

use proptest::prelude::*;
use tocsin::core::correlate::{CorrelateConfig, CorrelateOutput, Correlator};
use tocsin::core::model::{Alert, CorrelateOutcome, Millis, Status};

use super::sample::{MINUTE, Pick, SECOND, START, apply, config, detection, history};

fn limited(reports: usize, aggregated: usize) -> Arc<CorrelateConfig> {
    let mut config = (*config()).clone();
    config.limits.reports_per_key = reports;
    config.limits.aggregated_per_key = aggregated;
    Arc::new(config)
}

fn report(id: u8, severity: u8) -> Pick {
    Pick {
        exercise: false,
        place: 0,
        feed: 1,
        id,
        content: 0,
        rule: 0,
        severity,
        print: None,
        withdrawn: false,
    }
}

/// Plays reports one second apart, and looks at the last word on the queue.
fn play(config: Arc<CorrelateConfig>, picks: &[Pick]) -> (Vec<CorrelateOutcome>, CorrelateOutput) {
    let mut correlator = Correlator::new(config);
    let mut out = CorrelateOutput::default();
    let outcomes = picks
        .iter()
        .zip(0..)
        .map(|(pick, n)| correlator.fold(&detection(*pick, START + n * SECOND), &mut out))
        .collect();
    let end = START + picks.len() as i64 * SECOND + MINUTE;
    correlator.advance(Millis(end), &mut out);
    (outcomes, out)
}

fn suppressed(outcomes: &[CorrelateOutcome]) -> usize {
    let of = outcomes.iter();
    of.filter(|outcome| **outcome == CorrelateOutcome::Suppressed)
        .count()
}

#[test]
fn a_large_disaster_loses_no_count() {
    let picks: Vec<Pick> = (0..200).map(|id| report(id, 30 + id % 50)).collect();
    let (outcomes, out) = play(limited(16, 1_000), &picks);
    assert_eq!(suppressed(&outcomes), 0);
    let last = out.alerts.last().unwrap();
    assert_eq!(last.counts.reports, 200);
    assert_eq!(last.evidence[0].severity, 79, "the most telling ones stay");
    assert!(out.limits.keys().any(|hit| hit.limit == "reports_per_key"));
    assert!(
        out.limits
            .keys()
            .all(|hit| hit.limit != "aggregated_per_key")
    );
}

#[test]
fn an_aggregated_report_repeated_is_a_repeat_and_a_withdrawn_one_counts_no_more() {
    let mut picks: Vec<Pick> = (0..40).map(|id| report(id, 50)).collect();
    picks.extend((0..40).map(|id| report(id, 50)));
    picks.extend((0..10).map(|id| Pick {
        withdrawn: true,
        ..report(id, 50)
    }));
    let (outcomes, out) = play(limited(16, 1_000), &picks);
    assert!(
        outcomes[40..80]
            .iter()
            .all(|o| *o == CorrelateOutcome::Repeat)
    );
    assert!(
        outcomes[80..]
            .iter()
            .all(|o| *o == CorrelateOutcome::Merged)
    );
    assert_eq!(out.alerts.last().unwrap().counts.reports, 30);
}

#[test]
fn what_is_no_longer_told_apart_still_counts() {
    let picks: Vec<Pick> = (0..200)
        .map(|id| report(id, if id == 7 { 85 } else { 50 }))
        .collect();
    let (outcomes, out) = play(limited(4, 8), &picks);
    assert_eq!(suppressed(&outcomes), 0);
    let last = out.alerts.last().unwrap();
    assert_eq!(last.counts.reports, 200);
    assert!(
        out.limits
            .keys()
            .any(|hit| hit.limit == "aggregated_per_key")
    );
    let points: i32 = last.reasons.iter().map(|line| line.points).sum();
    assert_eq!(points, i32::from(last.score));
}

#[test]
fn copies_of_an_aggregated_report_are_copies() {
    let mut picks: Vec<Pick> = (0..30).map(|id| report(id, 60)).collect();
    picks[0].print = Some(1);
    picks.extend((30..60).map(|id| Pick {
        print: Some(1),
        ..report(id, 60)
    }));
    let (outcomes, out) = play(limited(4, 1_000), &picks);
    assert!(outcomes[30..].iter().all(|o| *o == CorrelateOutcome::Copy));
    let counts = &out.alerts.last().unwrap().counts;
    assert_eq!((counts.reports, counts.copies), (30, 30));
}

#[test]
fn publishers_beyond_the_limit_count_as_their_feed() {
    let mut small = (*config()).clone();
    small.limits.sources_per_key = 2;
    let picks: Vec<Pick> = (0..9)
        .map(|id| Pick {
            feed: 0,
            ..report(id, 50)
        })
        .collect();
    let (outcomes, out) = play(Arc::new(small), &picks);
    assert_eq!(suppressed(&outcomes), 0);
    let last = out.alerts.last().unwrap();
    assert_eq!((last.counts.reports, last.counts.sources), (9, 3));
    assert!(
        out.limits
            .keys()
            .any(|hit| hit.limit == "sources_per_key" && hit.status == Status::Actual)
    );
}

#[test]
fn what_forgotten_events_fired_stays_and_what_they_did_not_is_gone() {
    let limited = |events| {
        let mut small = (*config()).clone();
        small.limits.correlation_events_per_key = events;
        Arc::new(small)
    };
    let rule = |id, rule| Pick {
        rule,
        ..report(id, 50)
    };
    // “count” fires on two of rule 0 within ten minutes; “order” wants rule 1 after rule 0.
    let mut picks: Vec<Pick> = (0..20).map(|id| rule(id, 0)).collect();
    picks.push(rule(20, 1));
    let rules = |events| {
        let (_, out) = play(limited(events), &picks);
        let hit = out
            .limits
            .keys()
            .any(|hit| hit.limit == "correlation_events_per_key");
        let last = out.alerts.last().unwrap().clone();
        let points: i32 = last.reasons.iter().map(|line| line.points).sum();
        assert_eq!(points, i32::from(last.score));
        let names: Vec<String> = last.rules.iter().map(ToString::to_string).collect();
        (names.join(" "), hit)
    };
    assert_eq!(
        rules(1_000),
        ("count order rule-0 rule-1".to_owned(), false)
    );
    assert_eq!(rules(8), ("count order rule-0 rule-1".to_owned(), true));
    // Of one event nothing of two can be seen.
    assert_eq!(rules(1), ("rule-0 rule-1".to_owned(), true));
}

/// What of an alert must not depend on how much is remembered.
fn essence(alerts: &[Alert]) -> Vec<String> {
    let line = |a: &Alert| {
        format!(
            "{} {} {:?} {:?} {} {} {} {:?} {:?} {:?} {}",
            a.key,
            a.revision,
            a.msg_type,
            a.level,
            a.score,
            a.certainty,
            a.counts.reports,
            a.counts,
            a.urgency,
            (&a.departments, &a.rules),
            a.sent
        )
    };
    alerts.iter().map(line).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Three members or fifteen hundred: the same revisions, levels, scores and counts.
    #[test]
    fn what_is_aggregated_counts_as_before(events in history(80), reports in 1..4_usize) {
        let run = |config: Arc<CorrelateConfig>| {
            let mut correlator = Correlator::new(config);
            let mut out = CorrelateOutput::default();
            let ends: Vec<_> = events.iter().filter_map(|e| apply(&mut correlator, e, &mut out)).collect();
            (ends, out.alerts)
        };
        let (all, expected) = run(config());
        let (ends, alerts) = run(limited(reports, 1_000));
        prop_assert_eq!(ends, all);
        for (one, other) in essence(&alerts).iter().zip(&essence(&expected)) {
            prop_assert_eq!(one, other);
        }
        prop_assert_eq!(alerts.len(), expected.len());
    }
}
