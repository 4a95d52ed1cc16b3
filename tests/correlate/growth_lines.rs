//! Score lines of rules on growth: when they hold, and that crashes and order change nothing about them.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use tocsin::core::correlate::{CorrelateOutput, Correlator};
use tocsin::core::growth::HOUR_MS;
use tocsin::core::model::{
    Alert, Bound, CorrelateOutcome, Detection, GrowthField, GrowthLine, Millis, ScoreLine, Status,
    is_wide_key,
};

use super::calls::{call, learn};
use super::sample::{MINUTE, START, config};

fn line(bounds: &[(GrowthField, Bound, f64)], points: i32) -> Arc<GrowthLine> {
    Arc::new(GrowthLine {
        bounds: bounds.to_vec(),
        points,
        because: "rising".to_owned(),
        because_zh: Some("上升".to_owned()),
    })
}

/// A call whose rule asks for growth.
fn asking(id: &str, at: i64) -> Detection {
    let mut call = call(id, at);
    call.growth = vec![
        line(
            &[
                (GrowthField::W2, Bound::Gte, 5.0),
                (GrowthField::Observed, Bound::Gte, 10.0),
            ],
            40,
        ),
        line(&[(GrowthField::C2, Bound::Gte, 2.0)], 3),
    ];
    call
}

fn rising(alert: &Alert) -> Vec<&ScoreLine> {
    let lines = alert.reasons.iter();
    lines
        .filter(|line| line.because.starts_with("rising ("))
        .collect()
}

fn burst(correlator: &mut Correlator, from: i64, calls: i64, out: &mut CorrelateOutput) {
    for n in 0..calls {
        correlator.fold(&asking(&format!("burst {n}"), from + n * 31_000), out);
    }
}

#[test]
fn a_line_adds_its_points_while_the_numbers_hold() {
    let mut correlator = Correlator::new(config());
    let mut out = CorrelateOutput::default();
    let now = learn(&mut correlator, 30, asking, &mut out);
    burst(&mut correlator, now, 9, &mut out);
    correlator.advance(Millis(now + 5 * MINUTE), &mut out);
    let nine = out.alerts.last().unwrap();
    assert_eq!(
        rising(nine).iter().map(|l| l.points).collect::<Vec<_>>(),
        [3]
    );
    burst(&mut correlator, now, 12, &mut out);
    correlator.advance(Millis(now + 8 * MINUTE), &mut out);
    let all = out.alerts.last().unwrap();
    let growth = all.growth.as_ref().unwrap();
    let says = format!(
        "rising (W2 {:.1}, 12 reports)",
        growth.statistic.unwrap_or_default()
    );
    let lines = rising(all);
    assert_eq!(
        (lines[0].points, lines[0].because.as_str()),
        (40, says.as_str())
    );
    assert!(
        lines[0]
            .because_zh
            .as_deref()
            .unwrap()
            .ends_with("，12 条报告）")
    );
    let sum: i32 = all.reasons.iter().map(|line| line.points).sum();
    assert_eq!(sum, i32::from(all.score));
    // The next day nothing is rising; the incident, woken up, has no such line.
    correlator.fold(&asking("after", now + 30 * HOUR_MS), &mut out);
    let mut severe = asking("severe", now + 30 * HOUR_MS + MINUTE);
    severe.severity = 70;
    correlator.fold(&severe, &mut out);
    assert_eq!(rising(out.alerts.last().unwrap()).len(), 0);
}

#[test]
fn a_report_that_only_counts_takes_no_line_away() {
    let mut correlator = Correlator::new(config());
    let mut out = CorrelateOutput::default();
    let now = learn(&mut correlator, 30, asking, &mut out);
    burst(&mut correlator, now, 12, &mut out);
    // The same rule, of a district within the area: it asks for nothing.
    let mut wide = call("of a district", now + 7 * MINUTE);
    wide.wide_of = Some("cn-610113".into());
    assert_eq!(
        correlator.fold(&wide, &mut out),
        CorrelateOutcome::DeadLetter,
        "its key is no ordinary one"
    );
    wide.key = wide.key.replace("fire/", "fire/~");
    assert!(is_wide_key(&wide.key), "{}", wide.key);
    correlator.fold(&wide, &mut out);
    let mut ordinary = call("not of a district", now + 7 * MINUTE);
    ordinary.key = wide.key.clone();
    assert_eq!(
        correlator.fold(&ordinary, &mut out),
        CorrelateOutcome::DeadLetter
    );
    correlator.advance(Millis(now + 8 * MINUTE), &mut out);
    let points: Vec<i32> = rising(out.alerts.last().unwrap())
        .iter()
        .map(|line| line.points)
        .collect();
    assert_eq!(points, [40, 3]);
}

#[test]
fn what_is_being_learned_fulfils_nothing() {
    let mut correlator = Correlator::new(config());
    let mut out = CorrelateOutput::default();
    let asks = |id: &str, at| {
        let mut call = call(id, at);
        call.severity = 60;
        call.growth = vec![line(&[(GrowthField::Observed, Bound::Lt, 1e6)], 9)];
        call
    };
    let now = learn(&mut correlator, 12, asks, &mut out);
    correlator.fold(&asks("now", now), &mut out);
    assert!(!out.alerts.is_empty() && out.alerts.iter().all(|alert| rising(alert).is_empty()));
    // Nor does a drill, which has no baseline of its own.
    let mut drill = asks("drill", now + 1);
    (drill.status, drill.exercise) = (Status::Exercise, Some("drill-1".into()));
    drill.key = format!("{}/drill-1", drill.key.replacen("actual", "exercise", 1));
    out.clear();
    correlator.fold(&drill, &mut out);
    assert!(!out.alerts.is_empty() && out.alerts.iter().all(|alert| rising(alert).is_empty()));
}

#[test]
fn lines_of_a_rule_that_counts_no_more_are_gone() {
    let mut correlator = Correlator::new(config());
    let mut out = CorrelateOutput::default();
    let now = learn(&mut correlator, 30, call, &mut out);
    for n in 0..12 {
        correlator.fold(&call(&format!("burst {n}"), now + n), &mut out);
    }
    let mut other = asking("other", now + 20);
    other.rule_id = "rule-9".into();
    correlator.fold(&other, &mut out);
    correlator.advance(Millis(now + MINUTE), &mut out);
    assert_eq!(rising(out.alerts.last().unwrap()).len(), 2);
    (other.report.withdrawn, other.report.content_hash) = (true, 77);
    other.report.received = Millis(now + 2 * MINUTE);
    correlator.fold(&other, &mut out);
    correlator.advance(Millis(now + 3 * MINUTE), &mut out);
    assert_eq!(rising(out.alerts.last().unwrap()).len(), 0);
}

#[test]
fn a_hostile_line_is_not_kept_and_a_rule_too_many_is_a_named_limit() {
    let mut correlator = Correlator::new(config());
    let mut out = CorrelateOutput::default();
    for n in 0..65 {
        let mut call = asking(&format!("{n}"), START + n);
        call.rule_id = format!("rule-{n:02}").into();
        correlator.fold(&call, &mut out);
    }
    let hits: Vec<&str> = out.limits.keys().map(|hit| hit.limit).collect();
    assert_eq!(hits, ["growth_lines_per_key"]);
    out.clear();
    let mut hostile = asking("hostile", START + 100);
    hostile.rule_id = "rule-00".into();
    hostile.growth = vec![
        line(&[], 100),
        line(&[(GrowthField::W2, Bound::Gte, 0.0)], 1_000),
    ];
    correlator.fold(&hostile, &mut out);
    assert!(out.limits.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Wherever transactions are cut, lost or restored: the same alerts, their lines among them.
    #[test]
    fn crashes_change_no_line(
        gaps in prop::collection::vec(0..400_000_i64, 20..40),
        cuts in prop::collection::vec((1..9_usize, 0..4_u8), 60),
    ) {
        let mut one = Correlator::new(config());
        let mut out = CorrelateOutput::default();
        let mut at = learn(&mut one, 30, asking, &mut out);
        let mut changelog: BTreeMap<String, Option<Vec<u8>>> = BTreeMap::new();
        for change in one.take_changes() {
            changelog.insert(change.key, change.value);
        }
        one.commit();
        let restore = |changelog: &BTreeMap<String, Option<Vec<u8>>>| {
            let mut correlator = Correlator::new(config());
            for (key, value) in changelog {
                correlator.restore(key, value.as_deref()).unwrap();
            }
            correlator.finish_restore();
            correlator
        };
        let mut other = restore(&changelog);
        let calls: Vec<Detection> = gaps.iter().enumerate().map(|(n, gap)| {
            at += gap;
            asking(&format!("{n}"), at)
        }).collect();
        out.clear();
        for call in &calls {
            one.fold(call, &mut out);
        }
        let (mut begin, mut cuts) = (0, cuts.into_iter().cycle());
        let mut alerts = Vec::new();
        while begin < calls.len() {
            let (length, fate) = cuts.next().unwrap();
            let end = (begin + length).min(calls.len());
            let mut found = CorrelateOutput::default();
            for call in &calls[begin..end] {
                other.fold(call, &mut found);
            }
            match fate {
                0 => other.rollback(),
                1 => other = restore(&changelog),
                _ => {
                    for change in other.take_changes() {
                        changelog.insert(change.key, change.value);
                    }
                    other.commit();
                    alerts.append(&mut found.alerts);
                    begin = end;
                }
            }
        }
        prop_assert!(out.alerts.iter().any(|alert| !rising(alert).is_empty()));
        prop_assert_eq!(alerts, out.alerts);
    }
}
