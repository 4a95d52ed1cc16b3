//! A drill in the midst of real reports of the same hazard at the same place, on a real broker with a desk: alerts, state, baselines,
//! figures and the board of what is actual are those of a site without the drill.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tocsin::core::detect::DrillKey;
use tocsin::core::model::{Alert, Level, Millis, Status};

use super::desk_api::{self, DeskApi};
use super::drills::{Site, wall};
use super::tools::{counted, read_committed, read_ledger, until};

const EXERCISE: &str = "building-fire-night-1";

/// Another key than that of the drill.
const OTHER_KEY: &[u8] = b"another key of a test, no secret";
/// Labels of [`send_actual`] without a MAC, and with the wrong one: each.
const REJECTED: f64 = 4.0;

/// Real reports of a fire where the drill has one, some with labels that nobody signed, or somebody else.
fn send_actual(site: &Site, from: i64) -> u64 {
    let texts = [
        "温州市瓯海区一居民楼起火，浓烟很大",
        "瓯海区幸福路居民楼起火，有人被困",
        "瓯海区居民楼火灾造成1人死亡、3人受伤",
        "瓯海区人民街燃气泄漏",
    ];
    let key = DrillKey::new(OTHER_KEY).expect("a key");
    for nth in 0..12_usize {
        let id = format!("real-{nth}");
        let value = json!({"id": id, "text": texts[nth % 4], "lang": "zh"});
        let mac = key.mac(EXERCISE, "hotline-zh", &id, value.to_string().as_bytes());
        let label = [("ce_exerciseid", EXERCISE), ("ce_exercisemac", &*mac)];
        // Its id alone, the whole label, none.
        let labels = &label[..[1, 2, 0][nth % 3]];
        site.send("hotline-zh", from + nth as i64 * 20_000, &value, labels);
        std::thread::sleep(Duration::from_millis(250));
    }
    12
}

/// What is actual on the queue, as it lies there, by incident and revision.
fn actual(site: &Site) -> Vec<String> {
    let mut alerts = site.alerts();
    alerts.retain(|alert| alert.status == Status::Actual);
    alerts.sort_by_key(|alert| (alert.incident_id, alert.revision));
    alerts
        .iter()
        .map(|alert| serde_json::to_string(alert).expect("JSON"))
        .collect()
}

/// The last state of every actual key, and of every series and volume that growth is judged by.
fn state(site: &Site) -> BTreeMap<String, Vec<u8>> {
    let mut last = BTreeMap::new();
    for record in read_committed(&site.brokers, &site.names.incidents) {
        let key = String::from_utf8(record.key).expect("keys are text");
        match record.payload {
            Some(value) => last.insert(key, value),
            None => last.remove(&key),
        };
    }
    last.retain(|key, _| key.split('/').any(|part| part == "actual"));
    last
}

/// What is measured of what is actual, without what two processes measure differently: times, and which worker.
fn figures(metrics: &str) -> BTreeMap<String, f64> {
    let answer = get(metrics, "/metrics");
    let mut all = BTreeMap::new();
    for line in answer.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap_or((line, ""));
        let bare = name.split('{').next().unwrap_or_default();
        let of_actual = name.contains("status=\"actual\"")
            || bare.starts_with("tocsin_growth_")
            || bare.starts_with("tocsin_feed_");
        let is_time = ["_seconds", "_bucket", "_sum"]
            .iter()
            .any(|end| bare.ends_with(end))
            && bare != "tocsin_feed_last_record_timestamp_seconds";
        let Ok(value) = value.parse::<f64>() else {
            continue;
        };
        if !of_actual || is_time || name.contains("status=\"exercise\"") {
            continue;
        }
        let labels = name
            .split([',', '{', '}'])
            .filter(|it| !it.starts_with("worker="));
        let name: Vec<&str> = labels.collect();
        *all.entry(name.join(",")).or_default() += value;
    }
    // What there is nothing of may be told or not.
    all.retain(|_, value| *value != 0.0);
    all
}

/// Labels by what came of them, over all workers.
fn labels(metrics: &str) -> BTreeMap<String, f64> {
    let mut all = BTreeMap::new();
    for line in get(metrics, "/metrics").lines() {
        let Some(rest) = line.strip_prefix("tocsin_drill_labels_total{") else {
            continue;
        };
        let (names, value) = rest.rsplit_once(' ').expect("a value");
        let verdict = names.split("verdict=\"").nth(1).expect("a verdict");
        let verdict = verdict.split('"').next().unwrap_or_default();
        *all.entry(verdict.to_owned()).or_default() += value.parse::<f64>().expect("a number");
    }
    all.retain(|_, count| *count != 0.0);
    all
}

pub(super) fn get(address: &str, path: &str) -> String {
    use std::io::{Read as _, Write as _};
    let Ok(mut stream) = std::net::TcpStream::connect(address) else {
        return String::new();
    };
    let mut text = String::new();
    let asked = write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    if asked.is_ok() {
        // An answer that breaks off is compared again.
        let _ = stream.read_to_string(&mut text);
    }
    text
}

/// The board of what is actual as the API tells it. Deadlines count from when the desk read an alert, so that of them the time between the
/// two is compared.
fn board(desk: &DeskApi) -> Vec<Value> {
    let answer = desk.call("GET", "/api/v1/incidents?status=actual", None, None);
    let Some((200, board)) = answer else {
        return Vec::new();
    };
    let at = |it: &Value| it.as_str().and_then(Millis::parse).map_or(0, |at| at.0);
    let rows = board["incidents"].as_array().expect("a board").iter();
    let mut rows: Vec<Value> = rows
        .map(|row| {
            let obligations = row["obligations"].as_array().into_iter().flatten();
            let obligations = obligations.map(|it| {
                let between = at(&it["dispose_by"]) - at(&it["acknowledge_by"]);
                assert!(between > 0, "{it}");
                json!([
                    it["department"],
                    it["duty"],
                    it["required"],
                    it["state"],
                    it["acknowledge_missed"],
                    between
                ])
            });
            let obligations: Vec<Value> = obligations.collect();
            let mut kept = json!({"obligations": obligations});
            for name in [
                "incident",
                "revision",
                "state",
                "activity",
                "headline",
                "why",
                "hazard",
                "place",
                "level",
                "score",
                "rules",
                "certainty",
                "counts",
                "growth",
            ] {
                kept[name] = row[name].clone();
            }
            kept
        })
        .collect();
    rows.sort_by_key(|row| row["incident"].to_string());
    rows
}

fn named((verdict, count): (&str, f64)) -> (String, f64) {
    (verdict.to_owned(), count)
}

struct Watched {
    site: Site,
    desk: DeskApi,
    metrics: String,
}

fn watched(name: &str) -> Watched {
    let (address, metrics) = (desk_api::free(), desk_api::free());
    let more = format!(
        "[http]\nlisten = \"{metrics}\"\n{}",
        desk_api::settings(&address)
    );
    let site = Site::with(name, "wall", 3_600, &more, |_| {});
    let desk = DeskApi::new(&site, &address, "coordinator");
    Watched {
        site,
        desk,
        metrics,
    }
}

#[test]
fn a_drill_in_the_midst_of_real_reports_changes_nothing_of_them() {
    let from = wall() - 600_000;
    let (with, without) = (watched("drill-with"), watched("drill-without"));
    let _running = (with.site.run(), without.site.run());
    let (sent, simulated) = std::thread::scope(|scope| {
        let drill = scope.spawn(|| {
            with.site.drill(&[
                "building-fire-night",
                "--exercise",
                EXERCISE,
                "--speed",
                "1200",
            ])
        });
        let sent = send_actual(&with.site, from);
        send_actual(&without.site, from);
        let (code, shown) = drill.join().expect("the drill");
        // Nobody answers at this desk, and nobody had to within a drill so short.
        assert_eq!(
            (code, &shown["report"]["passed"]),
            (Some(0), &true.into()),
            "{shown:#}"
        );
        (sent, shown["report"]["sent"].as_f64().expect("a number"))
    });
    for Watched { site, .. } in [&with, &without] {
        until(Duration::from_secs(60), "everything read", || {
            let ledger = read_ledger(&site.brokers, &site.names.ledger);
            let detections = read_committed(&site.brokers, &site.names.detections).len() as u64;
            counted(&ledger, &format!("{}feed.hotline-zh", site.prefix)) >= sent
                && counted(&ledger, &site.names.detections) >= detections
        });
    }
    let (left, right) = (actual(&with.site), actual(&without.site));
    // The topic a report was read from is no part of an alert, so the two sites differ in nothing.
    assert!(left.len() >= 4, "{left:#?}");
    assert_eq!(left, right);
    let (left, right) = (state(&with.site), state(&without.site));
    for kind in ["actual/", "~series/actual/", "~volume/actual/"] {
        assert!(left.keys().any(|key| key.starts_with(kind)), "{kind}");
    }
    assert_eq!(left, right);
    // Gauges and the desk follow within seconds.
    let same = |what: &str, of: &dyn Fn(&Watched) -> Vec<String>, least: usize| {
        let began = std::time::Instant::now();
        loop {
            let (left, right) = (of(&with), of(&without));
            if left == right && left.len() >= least {
                break;
            }
            if began.elapsed() > Duration::from_secs(60) {
                assert_eq!(left, right, "{what}");
                panic!("{what}: {left:#?}");
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    };
    let lines = |all: BTreeMap<String, f64>| -> Vec<String> {
        all.iter().map(|it| format!("{it:?}")).collect()
    };
    same("figures", &|it| lines(figures(&it.metrics)), 20);
    // A label that is not signed, or wrongly, is counted, with the drill and without it; the drill's own are accepted, every one.
    let rejected = [("mac_missing", REJECTED), ("mac_wrong", REJECTED)].map(named);
    assert_eq!(labels(&without.metrics), rejected.clone().into());
    let mut all = BTreeMap::from(rejected);
    all.extend([named(("accepted", simulated))]);
    assert_eq!(labels(&with.metrics), all);
    let rows =
        |it: &Watched| -> Vec<String> { board(&it.desk).iter().map(Value::to_string).collect() };
    same("board", &rows, 2);
    let exercises = with.site.alerts().into_iter();
    let exercises: Vec<Alert> = exercises
        .filter(|it| it.status == Status::Exercise)
        .collect();
    assert!(exercises.iter().any(|it| it.level >= Level::Orange));
    let ids = exercises.iter().map(|it| it.exercise.as_deref());
    assert!(ids.into_iter().all(|id| id == Some(EXERCISE)));
}
