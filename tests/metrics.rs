//! Metrics: names, text format, counts after a commit; health and readiness over HTTP.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tocsin::config::Settings;
use tocsin::core::model::{
    CorrelateOutcome, DetectOutcome, LedgerEntry, Millis, RefusalCode, Status,
};
use tocsin::core::obligation::{Case, Policy};
use tocsin::desk::store::Saved;
use tocsin::desk::{DepartmentStats, DeskMetrics, Observer as _, Stats, Synthetic};
use tocsin::kafka::{Committed, Role, WorkerEvents as _};
use tocsin::telemetry::{ReloadOutcome, StageCounts, Telemetry};

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
    telemetry.commit(&mut counts);
    telemetry.metrics.rule_set("abc", Millis(1_000));
    telemetry.metrics.reload(ReloadOutcome::Refused);
    telemetry.metrics.state(0, Status::Actual, 3, 4_096);
    let entry: &[LedgerEntry] = &[];
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
    let text = String::from_utf8(telemetry.metrics.text().unwrap()).unwrap();
    for line in [
        "tocsin_desk_obligations{department=\"fire\",state=\"open\"} 3",
        "tocsin_desk_obligations{department=\"other\",state=\"open\"} 1",
        "tocsin_desk_on_time_ratio{deadline=\"acknowledge\",department=\"fire\"} 0.75",
        "tocsin_desk_on_time_ratio{deadline=\"dispose\",department=\"fire\"} 0",
        "tocsin_desk_events_total{kind=\"opened\",status=\"actual\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}");
    }
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
        "tocsin_rule_set_info{version=\"abc\"} 1",
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
