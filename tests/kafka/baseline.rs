//! `tocsin baseline build`: into what `run` restores, twice without counting twice, and never beside a running group.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rdkafka::consumer::{BaseConsumer, Consumer};
use tocsin::core::growth::{DAY_MS, HOUR_MS, Series};
use tocsin::core::model::Millis;
use tocsin::kafka::baseline::{Archived, BaselineError, fill};
use tocsin::kafka::{Role, client};

use super::broker::Broker;
use super::plant::{Plant, Sent};
use super::tools::{read_committed, until};
use super::world::settings;

const DAYS: i64 = 20;

fn now() -> i64 {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH);
    wall.expect("a clock").as_millis() as i64
}

/// Reports in the changelog by series key.
fn counts(plant: &Plant) -> Vec<(String, u32)> {
    let mut last = std::collections::BTreeMap::new();
    for seen in read_committed(&plant.brokers, &plant.names.incidents) {
        let key = String::from_utf8(seen.key).expect("UTF-8");
        if let (true, Some(bytes)) = (key.starts_with("~series/"), seen.payload) {
            let series = Series::decode(&bytes).expect("a series");
            last.insert(key, series.sum(i32::MIN, i32::MAX));
        }
    }
    last.into_iter().collect()
}

/// Runs the command; status and what it says of itself.
fn build(plant: &Plant, archive: &str) -> serde_json::Value {
    let args = [
        "baseline", "build", "--feed", "dispatch", "--json", "--input", archive,
    ];
    let (status, text) = plant.command(&args);
    assert!(status.success(), "{text}");
    let line = text.lines().find(|line| line.starts_with('{'));
    serde_json::from_str(line.unwrap_or_else(|| panic!("{text}"))).expect("JSON")
}

#[test]
fn a_baseline_is_built_once_before_the_first_run_and_never_beside_one() {
    let broker = Broker::start();
    let mut plant = Plant::new(&broker.address(), "baseline", "session_timeout_ms = 6000");
    let end = now() - DAY_MS;
    let mut lines = String::new();
    for n in 0..DAYS * 3 {
        let at = Millis(end - (DAYS * 3 - n) * (DAY_MS / 3));
        let _ = writeln!(
            lines,
            r#"{{"id":"{n}","text":"Warehouse on fire","observed":"{at}","received":"{at}","lat":-20.1,"lon":{}}}"#,
            -100.2 - (n % 3) as f64
        );
    }
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), lines).expect("write the archive");
    let archive = file.path().to_str().expect("UTF-8");
    let first = build(&plant, archive);
    assert_eq!(first["archive_series"], 3, "{first}");
    assert_eq!(first["filled"]["series"], 3, "{first}");
    assert_eq!(first["filled"]["reports"], DAYS * 3, "{first}");
    let built = counts(&plant);
    assert_eq!(built.len(), 3);
    assert!(
        built.iter().all(|(_, reports)| i64::from(*reports) == DAYS),
        "{built:?}"
    );
    let second = build(&plant, archive);
    assert_eq!(second["filled"]["reports"], 0, "{second}");
    assert_eq!(second["filled"]["records"], 0, "{second}");

    let mut running = plant.run("a", 1);
    let payload = r#"{"id":"now","text":"Warehouse on fire","lat":-20.1,"lon":-100.2}"#;
    plant.send(vec![Sent {
        feed: 1,
        partition: 0,
        at: now(),
        payload: payload.into(),
    }]);
    until(Duration::from_secs(120), "the report is counted", || {
        running.assert_alive();
        plant.is_done() && counts(&plant) != built
    });
    let args = ["baseline", "build", "--input", archive];
    let (status, text) = plant.command(&args);
    assert!(
        !status.success() && text.contains("stop every `tocsin run`"),
        "{text}"
    );
    running.stop();
    let after = counts(&plant);
    let sum = |of: &[(String, u32)]| of.iter().map(|(_, reports)| reports).sum::<u32>();
    assert_eq!(
        (after.len(), sum(&after)),
        (3, sum(&built) + 1),
        "{after:?}"
    );
}

#[test]
fn a_run_that_joins_while_a_baseline_is_written_is_found() {
    let broker = Broker::start();
    let plant = Plant::new(&broker.address(), "joined", "session_timeout_ms = 6000");
    let settings = settings(&plant.brokers, "joined", "a");
    let end = (now() / HOUR_MS) as i32;
    let mut series = Series::default();
    series.count("calls", end - 100, 3, 0);
    let archive = [Archived {
        key: "actual/fire/cn-310115".into(),
        series,
    }];
    let mut joined = None;
    let config = plant.correlate_config();
    let topic = &plant.names.incidents;
    let filled = fill(
        &settings,
        topic,
        &config,
        &archive,
        Millis(now()),
        |_, _| {
            let consumer: BaseConsumer = client::base(&settings)
                .set("group.id", client::group(&settings, Role::Correlate))
                .create()
                .expect("a consumer");
            consumer
                .subscribe(&[&plant.names.detections])
                .expect("subscribe");
            until(Duration::from_secs(60), "it is a member", || {
                let _ = consumer.poll(Duration::from_millis(100));
                consumer.assignment().is_ok_and(|list| list.count() > 0)
            });
            joined = Some(consumer);
        },
    );
    assert!(
        matches!(filled, Err(BaselineError::Joined { members: 1, .. })),
        "{filled:?}"
    );
    drop(joined);
    // What was written stays, and building again counts nothing twice.
    until(Duration::from_secs(60), "the group is empty", || {
        let again = fill(
            &settings,
            topic,
            &config,
            &archive,
            Millis(now()),
            |_, _| {},
        );
        again.is_ok_and(|filled| filled.reports == 0 && filled.records == 0)
    });
}
