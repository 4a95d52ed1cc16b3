//! Growth in the fold: what is counted, whatever the order and the crashes, and what an alarm of the counts does.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use tocsin::core::correlate::{CorrelateConfig, CorrelateOutput, Correlator};
use tocsin::core::growth::{DAY_MS, HOUR_MS, Series};
use tocsin::core::model::{
    Detection, GrowthPeriod, Level, Millis, RETRACTION_VERSION, Retraction, Status,
};

use super::calls::{call, learn};
use super::sample::{MINUTE, START, config};

/// Series by incident key, as the changelog has them.
fn series(correlator: &mut Correlator) -> BTreeMap<String, Series> {
    let changes = correlator.take_changes().into_iter();
    let series = changes.filter_map(|change| {
        let key = change.key.strip_prefix("~series/")?.to_owned();
        Some((key, Series::decode(&change.value?).unwrap()))
    });
    series.collect()
}

#[test]
fn twelve_calls_none_of_them_severe_are_an_incident() {
    let mut correlator = Correlator::new(config());
    let mut out = CorrelateOutput::default();
    let now = learn(&mut correlator, 30, call, &mut out);
    assert_eq!(out.alerts, [], "one call a day is nothing");
    for n in 0..12 {
        correlator.fold(&call(&format!("burst {n}"), now + n * 31_000), &mut out);
    }
    let first = out.alerts.first().unwrap();
    assert_eq!((first.level, first.material), (Level::Blue, true));
    let last = out.alerts.last().unwrap().clone();
    assert_eq!(last.level, Level::Yellow);
    let growth = last.growth.as_ref().unwrap();
    assert!(growth.alarm && growth.observed >= 11, "{growth:?}");
    assert!(growth.series.len() == 28 && growth.series.iter().sum::<u32>() >= 12);
    let says = format!("{} reports in a", growth.observed);
    let line = last
        .reasons
        .iter()
        .find(|line| line.because.starts_with(&says));
    let line = line.unwrap_or_else(|| panic!("{:?}", last.reasons));
    assert_eq!(line.points, 10);
    assert!(line.because.contains("are usual (W2 "), "{}", line.because);
    assert!(line.because_zh.as_deref().unwrap().contains("通常为"));
    let sum: i32 = last.reasons.iter().map(|line| line.points).sum();
    assert_eq!(sum, i32::from(last.score));
    // A severe report of the same makes it an ordinary one: the same incident, its level by its score.
    let mut severe = call("severe", now + 20 * MINUTE);
    severe.severity = 85;
    correlator.fold(&severe, &mut out);
    let merged = out.alerts.last().unwrap();
    assert_eq!(merged.incident_id, last.incident_id);
    assert_eq!(merged.level, Level::Orange);
}

#[test]
fn before_there_is_a_baseline_nothing_is_an_alarm() {
    let mut correlator = Correlator::new(config());
    let mut out = CorrelateOutput::default();
    let now = learn(&mut correlator, 12, call, &mut out);
    for n in 0..50 {
        correlator.fold(&call(&format!("burst {n}"), now + n * 1_000), &mut out);
    }
    assert_eq!(out.alerts, []);
    let mut severe = call("severe", now + 60_000);
    severe.severity = 60;
    correlator.fold(&severe, &mut out);
    let alert = out.alerts.last().unwrap();
    let growth = alert.growth.as_ref().unwrap();
    assert_eq!((growth.learned, growth.alarm), (Some(10), false));
    assert_eq!((growth.period, growth.observed), (GrowthPeriod::Day, 51));
    let says = "growth: learning, 10 of 14 days";
    assert!(
        alert
            .reasons
            .iter()
            .any(|line| line.because == says && line.points == 0)
    );
}

#[test]
fn a_drill_neither_teaches_nor_alarms_the_world() {
    let (mut with, mut without) = (Correlator::new(config()), Correlator::new(config()));
    let mut out = CorrelateOutput::default();
    let now = learn(&mut with, 30, call, &mut out);
    learn(&mut without, 30, call, &mut out);
    for n in 0..500 {
        let mut drill = call(&format!("drill {n}"), now + n);
        drill.status = Status::Exercise;
        drill.exercise = Some("drill-1".into());
        drill.key = format!("{}/drill-1", drill.key.replacen("actual", "exercise", 1));
        with.fold(&drill, &mut out);
    }
    let (with, without) = (series(&mut with), series(&mut without));
    let actual = |(key, _): &(&String, &Series)| key.starts_with("actual/");
    assert!(with.iter().filter(actual).eq(without.iter().filter(actual)));
    assert_eq!((with.len(), without.len()), (2, 1));
}

#[test]
fn what_is_withdrawn_is_not_counted() {
    let mut correlator = Correlator::new(config());
    let mut out = CorrelateOutput::default();
    for n in 0..3 {
        correlator.fold(&call(&format!("{n}"), START + n), &mut out);
    }
    let taken = correlator.retract(
        &Retraction {
            v: RETRACTION_VERSION,
            feed: "calls".into(),
            report_id: "1".into(),
            status: Status::Actual,
            exercise: None,
            received: Millis(START + 10),
            except: Vec::new(),
        },
        &mut out,
    );
    assert_eq!(taken, 1);
    let mut withdrawn = call("2", START + 20);
    (withdrawn.report.withdrawn, withdrawn.report.content_hash) = (true, 99);
    correlator.fold(&withdrawn, &mut out);
    correlator.fold(&call("0", START + 30), &mut out);
    let series = series(&mut correlator).into_values().next().unwrap();
    assert_eq!(series.sum(i32::MIN, i32::MAX), 1);
}

#[test]
fn series_are_bounded_and_the_oldest_makes_room_once_it_says_nothing() {
    let mut small = CorrelateConfig::clone(&config());
    small.growth.series = 1;
    let mut correlator = Correlator::new(Arc::new(small));
    let mut out = CorrelateOutput::default();
    let elsewhere = |id: &str, at: i64| {
        let mut call = call(id, at);
        call.key = call.key.replace("310115", "310104");
        call
    };
    correlator.fold(&call("a", START), &mut out);
    correlator.fold(&elsewhere("b", START + HOUR_MS), &mut out);
    assert_eq!(out.limits.values().sum::<u64>(), 1);
    assert_eq!(out.limits.keys().next().unwrap().limit, "growth_series");
    correlator.fold(&elsewhere("c", START + 40 * DAY_MS), &mut out);
    assert_eq!(out.limits.values().sum::<u64>(), 1);
    let series = series(&mut correlator);
    assert_eq!(series.keys().collect::<Vec<_>>(), ["actual/fire/cn-310104"]);
    let mut late = call("d", START + 41 * DAY_MS);
    late.report.observed = Some(Millis(START));
    correlator.fold(&late, &mut out);
    let late = out.limits.keys().any(|hit| hit.limit == "growth_late");
    assert!(late, "{:?}", out.limits);
}

/// A report: key, hours before the end of the window at which it was observed, and when it came.
fn reports() -> impl Strategy<Value = Vec<(u8, i64, u32)>> {
    prop::collection::vec((0..2_u8, 0..48_i64, any::<u32>()), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Whatever the order within the lateness, and wherever transactions are cut, lost, or restored: the same series.
    #[test]
    fn order_and_crashes_change_no_series(
        reports in reports(),
        cuts in prop::collection::vec((1..9_usize, 0..4_u8), 60),
    ) {
        let end = START + 60 * DAY_MS;
        let made: Vec<Detection> = reports.iter().enumerate().map(|(n, (place, ago, _))| {
            let mut call = call(&format!("{n}"), end + 1_000);
            if *place == 1 {
                call.key = call.key.replace("310115", "310104");
            }
            call.report.observed = Some(Millis(end - ago * HOUR_MS));
            call
        }).collect();
        let mut one = Correlator::new(config());
        let mut out = CorrelateOutput::default();
        for detection in &made {
            one.fold(detection, &mut out);
        }
        let mut order: Vec<usize> = (0..made.len()).collect();
        order.sort_by_key(|n| reports[*n].2);
        let mut other = Correlator::new(config());
        let mut changelog: BTreeMap<String, Option<Vec<u8>>> = BTreeMap::new();
        let (mut at, mut cuts) = (0, cuts.into_iter().cycle());
        while at < order.len() {
            let (length, fate) = cuts.next().unwrap();
            let to = (at + length).min(order.len());
            for n in &order[at..to] {
                other.fold(&made[*n], &mut out);
            }
            match fate {
                0 => other.rollback(),
                1 => {
                    other = Correlator::new(config());
                    for (key, value) in &changelog {
                        other.restore(key, value.as_deref()).unwrap();
                    }
                    other.finish_restore();
                }
                _ => {
                    for change in other.take_changes() {
                        changelog.insert(change.key, change.value);
                    }
                    other.commit();
                    at = to;
                }
            }
        }
        let of = |changes: BTreeMap<String, Option<Vec<u8>>>| -> BTreeMap<_, _> {
            changes.into_iter().filter(|(key, _)| key.starts_with("~series/")).collect()
        };
        let whole = one.take_changes().into_iter().map(|c| (c.key, c.value)).collect();
        let expected = of(whole);
        prop_assert!(!expected.is_empty());
        prop_assert_eq!(of(changelog), expected);
    }
}
