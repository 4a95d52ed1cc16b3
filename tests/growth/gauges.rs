//! Growth by hazard and place as metrics: bounded, by status, until it is over.

use std::collections::BTreeMap;
use std::sync::Arc;

use tocsin::config::Settings;
use tocsin::core::growth::HOUR_MS;
use tocsin::core::model::{Alert, IncidentState, Millis, Status};
use tocsin::telemetry::{MAX_GROWTH_PLACES, StageCounts, Telemetry};

use crate::metrics::growing;

fn telemetry() -> Arc<Telemetry> {
    let settings = Settings::bundled().unwrap();
    Telemetry::new(&settings, &settings.shared_feeds()).unwrap()
}

fn commit(telemetry: &Telemetry, alerts: &[Alert]) {
    let mut counts = StageCounts::default();
    for alert in alerts {
        counts.alert(alert, None);
    }
    telemetry.commit(&mut counts);
}

/// Samples of a metric: labels as they are written, and the value.
fn samples(telemetry: &Telemetry, name: &str) -> BTreeMap<String, f64> {
    let text = String::from_utf8(telemetry.metrics.text().unwrap()).unwrap();
    let of = text.lines().filter_map(|line| {
        let (labels, value) = line
            .strip_prefix(name)?
            .strip_prefix('{')?
            .split_once("} ")?;
        Some((labels.to_owned(), value.parse().unwrap()))
    });
    of.collect()
}

fn statistics(telemetry: &Telemetry) -> BTreeMap<String, f64> {
    samples(telemetry, "tocsin_growth_place_statistic")
}

fn labels(status: &str, place: &str) -> String {
    format!("hazard=\"fire\",place=\"{place}\",status=\"{status}\"")
}

#[test]
fn the_places_that_deviate_most_are_shown_and_the_others_counted() {
    let telemetry = telemetry();
    let more = 7;
    let all: Vec<Alert> = (0..MAX_GROWTH_PLACES + more)
        .map(|n| growing(&format!("actual/fire/p{n:03}"), n as f64))
        .collect();
    commit(&telemetry, &all);
    let left_out = || samples(&telemetry, "tocsin_growth_places_left_out");
    let shown = statistics(&telemetry);
    assert_eq!(shown.len(), MAX_GROWTH_PLACES);
    assert!(!shown.contains_key(&labels("actual", "p006")), "{shown:?}");
    assert!((shown[&labels("actual", "p007")] - 7.0).abs() < 1e-9);
    assert!((left_out()["status=\"actual\""] - more as f64).abs() < 1e-9);
    // An alarm comes before what deviates more and is none: there are too few reports.
    let mut few = growing("actual/fire/few", 1_000.0);
    few.growth.as_mut().unwrap().alarm = false;
    commit(&telemetry, &[few]);
    assert!(!statistics(&telemetry).contains_key(&labels("actual", "few")));
    // What is over makes room for the next one.
    let mut over = all[MAX_GROWTH_PLACES].clone();
    over.state = IncidentState::Resolved;
    commit(&telemetry, &[over]);
    let shown = statistics(&telemetry);
    assert_eq!(shown.len(), MAX_GROWTH_PLACES);
    assert!(shown.contains_key(&labels("actual", "p006")), "{shown:?}");
    assert!(!shown.contains_key(&labels("actual", "p050")), "{shown:?}");
    assert!((left_out()["status=\"actual\""] - more as f64).abs() < 1e-9);
}

#[test]
fn an_exercise_takes_no_place_from_what_is_actual() {
    let telemetry = telemetry();
    commit(&telemetry, &[growing("actual/fire/p", 3.5)]);
    let drill = |n: usize| {
        let mut alert = growing(&format!("exercise/fire/d{n}/drill-1"), 900.0);
        alert.status = Status::Exercise;
        alert
    };
    let drills: Vec<Alert> = (0..=MAX_GROWTH_PLACES).map(drill).collect();
    commit(&telemetry, &drills);
    let shown = statistics(&telemetry);
    assert_eq!(shown.len(), MAX_GROWTH_PLACES + 1);
    assert!((shown[&labels("actual", "p")] - 3.5).abs() < 1e-9);
    let left_out = samples(&telemetry, "tocsin_growth_places_left_out");
    assert!((left_out["status=\"actual\""]).abs() < 1e-9);
    assert!((left_out["status=\"exercise\""] - 1.0).abs() < 1e-9);
}

/// Two incidents at one place (of two exercises) are one series: the higher one.
#[test]
fn a_place_is_shown_once() {
    let telemetry = telemetry();
    let drill = |id: &str, statistic: f64| {
        let mut alert = growing(&format!("exercise/fire/p/{id}"), statistic);
        alert.status = Status::Exercise;
        alert
    };
    let (one, other) = (drill("a", 9.0), drill("b", 5.0));
    commit(&telemetry, &[one.clone(), other]);
    assert_eq!(
        statistics(&telemetry),
        BTreeMap::from([(labels("exercise", "p"), 9.0)])
    );
    let mut over = one;
    over.state = IncidentState::Resolved;
    commit(&telemetry, &[over]);
    assert_eq!(
        statistics(&telemetry),
        BTreeMap::from([(labels("exercise", "p"), 5.0)])
    );
}

/// An incident may be open for long after its last report: what was in the night is no growth in the morning.
#[test]
fn a_reading_is_over_an_hour_after_its_period() {
    let telemetry = telemetry();
    commit(&telemetry, &[growing("actual/fire/p", 6.0)]);
    telemetry.metrics.growth_over(Millis(2 * HOUR_MS - 1));
    assert_eq!(statistics(&telemetry).len(), 1);
    telemetry.metrics.growth_over(Millis(2 * HOUR_MS));
    assert!(statistics(&telemetry).is_empty());
    assert!(samples(&telemetry, "tocsin_growth_statistic").is_empty());
    telemetry.metrics.growth_moved();
    assert!(samples(&telemetry, "tocsin_growth_places_left_out").is_empty());
}

/// More incidents than are held: those that deviate least are left out, and a limit says so.
#[test]
fn what_deviates_least_is_left_out_beyond_the_limit() {
    let telemetry = telemetry();
    let all: Vec<Alert> = (0..10_003)
        .map(|n| growing(&format!("actual/fire/p{n:05}"), f64::from(20_000 - n)))
        .collect();
    commit(&telemetry, &all);
    let shown = statistics(&telemetry);
    assert!((shown[&labels("actual", "p00000")] - 20_000.0).abs() < 1e-9);
    let hits = samples(&telemetry, "tocsin_limit_hits_total");
    let hits = hits["limit=\"growth_readings\",status=\"actual\""];
    assert!((hits - 3.0).abs() < 1e-9, "{hits}");
    let left_out = samples(&telemetry, "tocsin_growth_places_left_out");
    let expected = (10_000 - MAX_GROWTH_PLACES) as f64;
    assert!((left_out["status=\"actual\""] - expected).abs() < 1e-9);
}
