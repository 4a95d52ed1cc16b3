//! Metrics: names, text format, counts after a commit; health and readiness over HTTP.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tocsin::config::Settings;
use tocsin::core::correlate::OpenIncidents;
use tocsin::core::growth::Carried;
use tocsin::core::model::{
    Alert, CorrelateOutcome, DetectOutcome, Growth, GrowthPeriod, Hazard, IncidentState,
    LEDGER_VERSION, LedgerEntry, Level, Millis, RefusalCode, Status,
};
use tocsin::core::obligation::{Case, Policy};
use tocsin::desk::store::Saved;
use tocsin::desk::{DepartmentStats, DeskMetrics, Duties, Observer as _, Stats, Synthetic};
use tocsin::kafka::{Committed, Role, WorkerEvents as _};
use tocsin::telemetry::{FeedHour, MAX_OPEN_PLACES, ReloadOutcome, StageCounts, Telemetry};

/// An hour of a part of a feed in which ten are usual.
fn known(observed: u32) -> Carried {
    Carried::Known {
        observed,
        expected: 10.0,
        variance: 4.0,
    }
}

/// A fire on the queue where there are more reports than usual.
pub(crate) fn growing(key: &str, statistic: f64) -> Alert {
    let mut alert = Synthetic::new(1, 1, Arc::default()).alert(0, 1);
    (alert.key, alert.hazard) = (key.to_owned(), Hazard::Fire);
    alert.place.code = key.split('/').nth(2).unwrap_or_default().into();
    alert.growth = Some(Growth {
        period: GrowthPeriod::Hour,
        start: Millis(0),
        observed: 12,
        expected: Some(2.1),
        threshold: Some(6.5),
        statistic: Some(statistic),
        c2: None,
        alarm: true,
        learned: None,
        series: vec![2, 12],
    });
    alert
}

/// Open red fires at these places.
fn open(status: Status, places: &[String]) -> OpenIncidents {
    let mut open = OpenIncidents::default();
    for place in places {
        let level = (status, Hazard::Fire, Level::Red);
        *open.levels.entry(level).or_default() += 1;
        let place = (status, place.as_str().into());
        *open.places.entry(place).or_default() += 1;
    }
    open
}

/// Telemetry on which everything happened once.
fn telemetry() -> Arc<Telemetry> {
    let settings = Settings::bundled().unwrap();
    let feeds = settings.shared_feeds();
    let telemetry = Telemetry::new(&settings, &feeds[..1]).unwrap();
    let feed = feeds[0].id.clone();
    let mut counts = StageCounts::default();
    counts.record(0, Status::Actual, DetectOutcome::Detected, Millis(1_000));
    counts.record(0, Status::Actual, DetectOutcome::DeadLetter, Millis(2_000));
    // Neither counted with the others, nor a sign of life of the feed.
    counts.record(0, Status::Exercise, DetectOutcome::Detected, Millis(9_000));
    counts.dead_letter(&feed, RefusalCode::Syntax);
    counts.detection(&"rule-1".into(), Status::Actual, CorrelateOutcome::Opened);
    counts.detection(&"rule-1".into(), Status::Exercise, CorrelateOutcome::Opened);
    counts.unreadable_detection();
    counts.shadow(&"rule-2".into());
    counts.limit("keys", Status::Actual, 2);
    counts.duration("detect", 0.000_01);
    counts.drill_label("rejected");
    counts.alert(&growing("actual/fire/cn-310115", 6.3), None);
    counts.rule_cost(&"rule-1".into(), 1_500);
    counts.rule_cost(&"rule-1".into(), 500);
    telemetry.commit(&mut counts);
    telemetry.metrics.rule_set("abc", Millis(1_000));
    telemetry.metrics.reload(ReloadOutcome::Refused);
    telemetry.metrics.state(0, Status::Actual, 3, 4_096);
    telemetry.metrics.series(0, Status::Actual, 2, 300);
    let at = ["cn-310115".to_owned()];
    telemetry.metrics.open(0, open(Status::Actual, &at));
    let mut hour = FeedHour::default();
    hour.add(Carried::Learning(9), 14);
    hour.add(known(3), 14);
    telemetry.metrics.feed_hour(0, &feed, hour);
    let entry = &[LedgerEntry {
        v: LEDGER_VERSION,
        stage: "detect".to_owned(),
        topic: "feed.news-zh".to_owned(),
        partition: 0,
        from: 10,
        to: 15,
        read: 3,
        outcomes: BTreeMap::from([("detected".to_owned(), 3)]),
        advanced_to: None,
        clock: None,
        rule_set: None,
    }];
    let second = Duration::from_secs(1);
    telemetry.committed(&Committed {
        role: Role::Detect,
        entries: entry,
        took: second,
        commit: second,
        written: 1,
    });
    telemetry.aborted(Role::Detect, "test");
    telemetry.partitions(Role::Detect, 0, 2);
    telemetry.restored(Role::Correlate, 0, 10, second);
    telemetry.lag(Role::Detect, &feeds[0].topic, 0, 7);
    telemetry.lost(Role::Detect, &feeds[0].topic, 0, 1);
    telemetry.restarted(Role::Detect, 0, "test");
    desk(&telemetry);
    telemetry
}

/// A desk on which something happened.
fn desk(telemetry: &Telemetry) {
    let metrics = DeskMetrics::new(telemetry.metrics.registry(), ["fire".into()]).unwrap();
    let policy = Policy::default();
    let alert = Synthetic::new(1, 1, Arc::clone(&policy.routing)).alert(0, 1);
    let (case, events) = Case::open(Arc::new(alert), Millis(1_000), &policy);
    metrics.committed(&[Saved::new(case, events)]);
    let mut stats = Stats::default();
    let owed = |department: &str| ("actual".into(), department.into(), "open".into());
    stats.obligations.insert(owed("fire"), 3);
    stats.obligations.insert(owed("unheard_of"), 1);
    let fire = DepartmentStats {
        acknowledged_on_time: 3,
        acknowledgements: 4,
        disposals: 1,
        ..DepartmentStats::default()
    };
    metrics.stats(&stats, &BTreeMap::from([("fire".to_owned(), fire)]));
    let mut duties = Duties::default();
    duties.overdue.insert("fire".to_owned(), [2, 1]);
    duties.overdue.insert("unheard_of".to_owned(), [0, 1]);
    let found = ("fire".to_owned(), "false_alarm".to_owned());
    duties.found.insert(found, 5);
    metrics.duties(&duties);
    metrics.token_expiry(Some(Millis(1_500)));
    let text = String::from_utf8(telemetry.metrics.text().unwrap()).unwrap();
    for line in [
        "tocsin_desk_overdue_deadlines{deadline=\"acknowledge\",department=\"fire\"} 2",
        "tocsin_desk_overdue_deadlines{deadline=\"dispose\",department=\"other\"} 1",
        "tocsin_desk_dispositions{department=\"fire\",disposition=\"false_alarm\"} 5",
        "tocsin_desk_token_expiry_timestamp_seconds 1.5",
        "tocsin_desk_acknowledge_seconds_count{department=\"fire\",status=\"exercise\"} 0",
        "tocsin_desk_obligations{department=\"fire\",state=\"open\"} 3",
        "tocsin_desk_obligations{department=\"other\",state=\"open\"} 1",
        "tocsin_desk_obligations{department=\"fire\",state=\"in_progress\"} 0",
        "tocsin_desk_on_time_ratio{deadline=\"acknowledge\",department=\"fire\"} 0.75",
        "tocsin_desk_on_time_ratio{deadline=\"dispose\",department=\"fire\"} 0",
        "tocsin_desk_events_total{kind=\"opened\",status=\"actual\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}");
    }
}

/// Parts that are being learned are on neither side.
#[test]
fn the_hour_of_a_feed_is_the_sum_of_what_is_known() {
    let mut hour = FeedHour::default();
    hour.add(Carried::Learning(3), 14);
    assert_eq!((hour.known, hour.learned), (false, 3));
    for part in [known(3), Carried::Learning(5), known(0)] {
        hour.add(part, 14);
    }
    let expected = FeedHour {
        observed: 3.0,
        expected: 20.0,
        variance: 8.0,
        known: true,
        learned: 14,
    };
    assert_eq!(hour, expected);
}

/// Of a hazard, the place that deviates most; nothing of exercises, and nothing of what is over.
#[test]
fn growth_is_shown_by_hazard_until_it_is_over() {
    let settings = Settings::bundled().unwrap();
    let telemetry = Telemetry::new(&settings, &settings.shared_feeds()).unwrap();
    let shown = |alerts: &[Alert]| -> Vec<String> {
        let mut counts = StageCounts::default();
        for alert in alerts {
            counts.alert(alert, None);
        }
        telemetry.commit(&mut counts);
        let text = String::from_utf8(telemetry.metrics.text().unwrap()).unwrap();
        let by_hazard = |line: &&str| {
            line.starts_with("tocsin_growth_") && !line.starts_with("tocsin_growth_place")
        };
        let lines = text.lines().filter(by_hazard);
        lines.map(str::to_owned).collect()
    };
    let (one, other) = (growing("actual/fire/a", 6.3), growing("actual/fire/b", 4.0));
    let mut drill = growing("exercise/fire/a/drill-1", 99.0);
    drill.status = Status::Exercise;
    let all = shown(&[one.clone(), other, drill]);
    let of = |statistic: &str| {
        [
            "tocsin_growth_expected_reports{hazard=\"fire\"} 2.1".to_owned(),
            "tocsin_growth_observed_reports{hazard=\"fire\"} 12".to_owned(),
            format!("tocsin_growth_statistic{{hazard=\"fire\"}} {statistic}"),
        ]
    };
    assert_eq!(all, of("6.3"));
    let mut over = one;
    over.state = IncidentState::Resolved;
    assert_eq!(shown(&[over]), of("4"));
    telemetry.metrics.growth_moved();
    assert!(shown(&[]).is_empty());
}

/// By status the places with most, over all workers; what is over is zero by level and gone by place.
#[test]
fn open_incidents_are_shown_by_level_and_by_the_places_with_most() {
    let settings = Settings::bundled().unwrap();
    let telemetry = Telemetry::new(&settings, &settings.shared_feeds()).unwrap();
    let lines = || -> Vec<String> {
        let text = String::from_utf8(telemetry.metrics.text().unwrap()).unwrap();
        let open = text.lines().filter(|it| it.starts_with("tocsin_open_inc"));
        open.map(str::to_owned).collect()
    };
    let has = |line: &str| {
        assert!(
            lines().iter().any(|it| it == line),
            "{line}\n{:#?}",
            lines()
        );
    };
    let place = |n: usize| format!("p{n:03}");
    let drill: Vec<String> = (0..200).map(place).collect();
    telemetry.metrics.open(1, open(Status::Exercise, &drill));
    let mut most: Vec<String> = (0..MAX_OPEN_PLACES + 3).map(place).collect();
    most.push(place(MAX_OPEN_PLACES + 2));
    telemetry.metrics.open(0, open(Status::Actual, &most));
    let both = [place(MAX_OPEN_PLACES + 2), place(MAX_OPEN_PLACES + 1)];
    telemetry.metrics.open(2, open(Status::Actual, &both));
    let of = |n: usize| {
        format!(
            "tocsin_open_incidents_by_place{{place=\"{}\",status=\"actual\"}}",
            place(n)
        )
    };
    has(&format!("{} 3", of(MAX_OPEN_PLACES + 2)));
    has(&format!("{} 2", of(MAX_OPEN_PLACES + 1)));
    has(&format!("{} 1", of(MAX_OPEN_PLACES - 3)));
    let shown = |status: &str| {
        let ours = |it: &&String| it.contains("by_place") && it.contains(status);
        lines().iter().filter(ours).count()
    };
    assert_eq!(
        (shown("\"actual"), shown("\"exercise")),
        (MAX_OPEN_PLACES, MAX_OPEN_PLACES)
    );
    has("tocsin_open_incident_places_left_out{status=\"actual\"} 3");
    has("tocsin_open_incident_places_left_out{status=\"exercise\"} 150");
    telemetry.metrics.open(0, OpenIncidents::default());
    let level = |worker: u32, n: usize| {
        format!(
            "tocsin_open_incidents{{hazard=\"fire\",level=\"red\",status=\"actual\",worker=\"{worker}\"}} {n}"
        )
    };
    has(&level(0, 0));
    has(&level(2, 2));
    assert_eq!(shown("\"actual"), 2);
    has(&format!("{} 1", of(MAX_OPEN_PLACES + 2)));
}

/// A partition that went to another process must not be counted twice.
#[test]
fn the_lag_of_a_partition_given_back_is_gone() {
    let telemetry = telemetry();
    let topic = "feed.news-zh";
    let lines = || {
        let text = String::from_utf8(telemetry.metrics.text().unwrap()).unwrap();
        text.lines()
            .filter(|line| line.starts_with("tocsin_consumer_lag_records{"))
            .count()
    };
    telemetry.lag(Role::Detect, topic, 1, 3);
    assert_eq!(lines(), 2);
    telemetry.released(Role::Detect, topic, 0);
    telemetry.released(Role::Detect, topic, 0);
    assert_eq!(lines(), 1);
    telemetry.released(Role::Correlate, topic, 1);
    assert_eq!(lines(), 1);
}

#[test]
fn names_types_and_labels() {
    let text = String::from_utf8(telemetry().metrics.text().unwrap()).unwrap();
    let mut names: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(str::to_owned)
        .collect();
    names.sort();
    insta::assert_snapshot!(names.join("\n"));
    for line in [
        "tocsin_records_total{feed=\"news-zh\",outcome=\"detected\",status=\"actual\"} 1",
        "tocsin_records_total{feed=\"news-zh\",outcome=\"detected\",status=\"exercise\"} 1",
        "tocsin_records_total{feed=\"news-zh\",outcome=\"expired\",status=\"actual\"} 0",
        "tocsin_detections_total{outcome=\"opened\",rule=\"rule-1\",status=\"actual\"} 1",
        "tocsin_detections_total{outcome=\"opened\",rule=\"rule-1\",status=\"exercise\"} 1",
        "tocsin_dead_letters_total{code=\"D0004\",feed=\"news-zh\"} 1",
        "tocsin_limit_hits_total{limit=\"keys\",status=\"actual\"} 2",
        "tocsin_growth_statistic{hazard=\"fire\"} 6.3",
        "tocsin_growth_place_observed_reports{hazard=\"fire\",place=\"cn-310115\",status=\"actual\"} 12",
        "tocsin_growth_place_expected_reports{hazard=\"fire\",place=\"cn-310115\",status=\"actual\"} 2.1",
        "tocsin_growth_place_statistic{hazard=\"fire\",place=\"cn-310115\",status=\"actual\"} 6.3",
        "tocsin_growth_places_left_out{status=\"actual\"} 0",
        "tocsin_rule_set_info{version=\"abc\"} 1",
        "tocsin_rule_evaluation_seconds_total{rule=\"rule-1\"} 0.000002",
        "tocsin_rule_evaluations_total{rule=\"rule-1\"} 2",
        "tocsin_open_incidents{hazard=\"fire\",level=\"red\",status=\"actual\",worker=\"0\"} 1",
        "tocsin_open_incidents_by_place{place=\"cn-310115\",status=\"actual\"} 1",
        "tocsin_open_incident_places_left_out{status=\"actual\"} 0",
        "tocsin_ledger_records_total{stage=\"detect\"} 3",
        "tocsin_ledger_empty_offsets_total{topic=\"feed.news-zh\"} 2",
        "tocsin_consumer_lag_records{partition=\"0\",stage=\"detect\",topic=\"feed.news-zh\"} 7",
        "tocsin_feed_last_record_timestamp_seconds{feed=\"news-zh\"} 2",
        "tocsin_transaction_aborts_total{stage=\"detect\"} 1",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\n--\n{text}");
    }
}

#[test]
fn nothing_counts_before_the_commit_and_nothing_twice() {
    let settings = Settings::bundled().unwrap();
    let telemetry = Telemetry::new(&settings, &settings.shared_feeds()).unwrap();
    let sum = || -> u64 {
        let text = String::from_utf8(telemetry.metrics.text().unwrap()).unwrap();
        text.lines()
            .filter(|line| line.starts_with("tocsin_records_total"))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum()
    };
    let mut counts = StageCounts::default();
    counts.record(1, Status::Actual, DetectOutcome::NoMatch, Millis(0));
    assert_eq!(sum(), 0);
    counts.clear();
    telemetry.commit(&mut counts);
    assert_eq!(sum(), 0);
    counts.record(1, Status::Actual, DetectOutcome::NoMatch, Millis(0));
    telemetry.commit(&mut counts);
    telemetry.commit(&mut counts);
    assert_eq!(sum(), 1);
}

/// Prometheus' own linter, where it is installed.
#[test]
fn promtool_finds_nothing() {
    let child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        return;
    };
    let text = telemetry().metrics.text().unwrap();
    child.stdin.take().unwrap().write_all(&text).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
}

fn get(address: std::net::SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    (status, text)
}

#[test]
fn served_over_http() {
    let telemetry = telemetry();
    let server = telemetry.serve("127.0.0.1:0", None).unwrap();
    let (status, text) = get(server.address(), "/metrics");
    assert_eq!(status, 200);
    assert!(text.contains("text/plain; version=0.0.4"));
    assert!(text.contains("tocsin_records_total"));
    assert_eq!(get(server.address(), "/healthz").0, 200);
    let (status, text) = get(server.address(), "/readyz");
    assert_eq!(status, 503);
    assert!(text.contains("detect worker 0 is not assigned"), "{text}");
    telemetry.ready(Role::Detect, 0, true);
    assert_eq!(get(server.address(), "/readyz").0, 200);
    assert_eq!(get(server.address(), "/nothing").0, 404);
    assert_eq!(get(server.address(), "/api/rules/reload").0, 404);
}
