//! A drill that a running desk starts, on a real broker: departments answer at the desk, and the report has their times; a desk that is
//! killed, or told to stop, leaves no exercise behind.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tocsin::core::model::{MsgType, Status};
use tocsin::drill::Runs;

use super::desk_api::{self, DeskApi};
use super::drills::{Running, Site};
use super::tools::until;

const LONG: Duration = Duration::from_secs(120);

fn site(name: &str, address: &str) -> Site {
    site_on(name, address, "wall", 10)
}

fn site_on(name: &str, address: &str, clock: &str, idle_lag_s: u32) -> Site {
    let more = format!("[http]\nenabled = false\n{}", desk_api::settings(address));
    Site::with(name, clock, idle_lag_s, &more, |_| {})
}

fn begin(desk: &DeskApi, exercise: &str, speed: u32) {
    let wish = json!({"scenario": "building-fire-night", "exercise": exercise, "speed": speed});
    until(LONG, "the drill begins", || {
        desk.call("POST", "/api/v1/drills", None, Some(&wish))
            .is_some_and(|(status, said)| {
                // Nobody listens yet, or the desk is not the active one yet.
                assert!(matches!(status, 202 | 503), "{status} {said}");
                status == 202
            })
    });
}

fn standing(desk: &DeskApi, exercise: &str) -> Value {
    let path = format!("/api/v1/drills/{exercise}");
    let answer = desk.call("GET", &path, None, None);
    answer.map_or(Value::Null, |(_, it)| it["run"]["standing"].clone())
}

#[test]
fn departments_answer_a_drill_of_the_desk_and_its_report_has_their_times() {
    let address = desk_api::free();
    let site = site("desk-drill", &address);
    let desk = DeskApi::new(&site, &address, "coordinator");
    let _running = site.run();
    begin(&desk, "desk-1", 240);
    until(LONG, "it ends", || {
        desk.settle("exercise", "confirmed");
        standing(&desk, "desk-1") == "ended"
    });
    let (status, shown) = desk
        .call("GET", "/api/v1/drills/desk-1/report", None, None)
        .expect("an answer");
    assert_eq!(status, 200, "{shown}");
    let report = &shown["report"];
    let checks = report["outcomes"][0]["checks"].as_array().expect("targets");
    for what in ["detect", "alert", "acknowledge", "dispose"] {
        // Who joins as it grows may be told too late to answer within the drill; the fire department is told of the first call.
        let of_fire = |it: &&Value| it["department"].is_null() || it["department"] == "fire";
        let found: Vec<&Value> = checks
            .iter()
            .filter(|it| it["what"] == what)
            .filter(of_fire)
            .collect();
        assert!(!found.is_empty(), "{what}: {report:#}");
        for check in found {
            assert!(
                check["took_ms"].as_i64() >= Some(0),
                "{check}\n{}",
                site.log()
            );
            assert_eq!(check["verdict"], "met", "{check}\n{}", site.log());
        }
    }
    let departments = report["departments"].as_array().expect("departments");
    let fire = departments.iter().find(|it| it["id"] == "fire");
    let fire = fire.expect("the fire department");
    assert!(fire["acknowledged"]["count"].as_u64() >= Some(1), "{fire}");
    assert!(fire["disposed"]["count"].as_u64() >= Some(1), "{fire}");
    picture(&site, "desk-1");
    let audit = desk.call("GET", "/api/v1/audit?limit=500", None, None);
    let audit = audit.expect("an answer").1;
    let kinds: Vec<&str> = audit["events"]
        .as_array()
        .expect("events")
        .iter()
        .filter_map(|it| it["kind"].as_str())
        .filter(|kind| kind.starts_with("drill_"))
        .collect();
    assert_eq!(kinds, ["drill_started", "drill_ended"]);
}

/// The report as `tocsin drill report` writes it; `UPDATE_SCREENSHOTS=1` takes the README's picture of it, with Chromium.
fn picture(site: &Site, exercise: &str) {
    let page = site.dir.path().join("report.html");
    let file = page.display().to_string();
    let written = site
        .tocsin(&[
            "drill", "report", exercise, "--format", "html", "--out", &file,
        ])
        .output()
        .expect("run tocsin");
    let said = String::from_utf8_lossy(&written.stderr).into_owned();
    let text = std::fs::read_to_string(&page).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert!(
        text.contains("EXERCISE") && text.contains("acknowledged by"),
        "{text}"
    );
    if std::env::var_os("UPDATE_SCREENSHOTS").is_none() {
        return;
    }
    let picture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/drill-report.png");
    let done = std::process::Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--hide-scrollbars",
            "--window-size=1040,1500",
        ])
        .arg(format!("--screenshot={}", picture.display()))
        .arg(format!("file://{file}"))
        .output()
        .expect("chromium");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// The last message of each incident.
fn last(site: &Site) -> BTreeMap<uuid::Uuid, MsgType> {
    let mut last = BTreeMap::new();
    for alert in site.alerts() {
        assert_eq!(alert.status, Status::Exercise);
        let newest = last.entry(alert.incident_id).or_insert((0, alert.msg_type));
        if alert.revision > newest.0 {
            *newest = (alert.revision, alert.msg_type);
        }
    }
    last.into_iter().map(|(id, (_, it))| (id, it)).collect()
}

fn all_cancelled(site: &Site) {
    until(LONG, "every incident is cancelled", || {
        let last = last(site);
        !last.is_empty() && last.values().all(|it| *it == MsgType::Cancel)
    });
}

#[test]
fn a_desk_that_is_killed_or_told_to_stop_leaves_no_exercise_behind() {
    let address = desk_api::free();
    let site = site("desk-orphan", &address);
    let desk = DeskApi::new(&site, &address, "coordinator");
    let runs = Runs::new(site.runs());

    let mut killed = site.run();
    begin(&desk, "killed-1", 60);
    until(LONG, "an alert of the drill", || !last(&site).is_empty());
    killed.0.kill().expect("kill it");
    killed.0.wait().expect("it is gone");
    assert!(!runs.load("killed-1").expect("its file").withdrawn);

    let mut stopped = site.run();
    until(LONG, "the next desk withdraws what was sent", || {
        runs.load("killed-1").is_ok_and(|run| run.withdrawn)
    });
    all_cancelled(&site);
    until(LONG, "the desk answers", || {
        standing(&desk, "killed-1") == "stopped"
    });

    begin(&desk, "stopped-1", 60);
    until(LONG, "reports of the second drill", || {
        runs.load("stopped-1")
            .is_ok_and(|run| !run.sent().is_empty())
    });
    let pid = stopped.0.id().to_string();
    let told = std::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status();
    assert!(told.expect("kill runs").success());
    until(LONG, "it ends", || {
        stopped.0.try_wait().expect("its state").is_some()
    });
    let run = runs.load("stopped-1").expect("its file");
    assert!(run.withdrawn, "{}", site.log());

    let _again = site.run();
    all_cancelled(&site);
}

fn signal(name: &str, process: &Running) {
    let pid = process.0.id().to_string();
    let told = std::process::Command::new("kill")
        .args([name, &pid])
        .status();
    assert!(told.expect("kill runs").success());
}

/// The host of the active desk hangs in the midst of a drill; its standby, with folders of its own, takes over; the host comes back.
#[test]
fn a_standby_that_takes_over_leaves_no_exercise_of_the_other_desk_behind() {
    let (here, there) = (desk_api::free(), desk_api::free());
    let site = site("desk-failover", &here);
    let _workers = site.run_as(
        "workers",
        &["run"],
        &[
            ("TOCSIN__DESK__ENABLED", "false"),
            ("TOCSIN__KAFKA__INSTANCE", "workers"),
        ],
    );
    let runs = |name: &str| site.dir.path().join(format!("runs-{name}"));
    let desk = |name: &str, address: &str| {
        let folder = runs(name).display().to_string();
        let settings = [
            ("TOCSIN__KAFKA__INSTANCE", name),
            ("TOCSIN__DESK__HTTP__LISTEN", address),
            ("TOCSIN_DRILL_RUNS", folder.as_str()),
        ];
        site.run_as(name, &["desk"], &settings)
    };
    let (first, api) = (
        desk("first", &here),
        DeskApi::new(&site, &here, "coordinator"),
    );
    begin(&api, "hangs-1", 60);
    let _second = desk("second", &there);
    let api = api.at(&there);
    until(LONG, "an alert of the drill", || !last(&site).is_empty());
    signal("-STOP", &first);
    let (hung, next) = (Runs::new(runs("first")), Runs::new(runs("second")));
    let log = || format!("{}\n{}", site.log_of("first"), site.log_of("second"));
    until(LONG, "the standby withdraws it", || {
        next.load("hangs-1").is_ok_and(|run| run.withdrawn)
    });
    assert!(!hung.load("hangs-1").expect("its file").withdrawn);
    all_cancelled(&site);
    until(LONG, "it is told", || {
        let audit = api.call("GET", "/api/v1/audit?limit=500", None, None);
        let audit = audit.map_or(Value::Null, |it| it.1);
        let mut events = audit["events"].as_array().into_iter().flatten();
        events.any(|it| it["kind"] == "drill_ended" && it["after"]["outcome"] == "withdrawn")
    });
    assert_eq!(standing(&api, "hangs-1"), "stopped", "{}", log());

    signal("-CONT", &first);
    until(LONG, "the other one withdraws what it sent since", || {
        hung.load("hangs-1").is_ok_and(|run| run.withdrawn)
    });
    all_cancelled(&site);
}

/// The clock of records drives the desk, too: deadlines of two simulated days pass in seconds, and nobody is locked out meanwhile.
#[test]
fn two_days_pass_at_the_desk_in_seconds() {
    let address = desk_api::free();
    let site = site_on("desk-days", &address, "records", 300);
    let desk = DeskApi::new(&site, &address, "coordinator");
    let _running = site.run();
    let wish = json!({"scenario": "flood-two-days", "exercise": "days-1"});
    until(LONG, "the drill begins", || {
        let answer = desk.call("POST", "/api/v1/drills", None, Some(&wish));
        answer.is_some_and(|(status, _)| status == 202)
    });
    until(LONG, "it ends", || standing(&desk, "days-1") == "ended");
    let answer = desk.call("GET", "/api/v1/drills/days-1/report", None, None);
    let shown = answer.expect("an answer").1;
    let run = &shown["report"]["run"];
    let time = |value: &Value| {
        let text = value.as_str().expect("a time");
        tocsin::core::model::Millis::parse(text).expect("a time")
    };
    let (started, ended) = (time(&run["started"]), time(&run["ended"]));
    assert!(ended.since(started) > 40 * 3_600_000, "{run}");
    let escalated = |it: &Value| it["escalated"].as_u64() > Some(0);
    let departments = shown["report"]["departments"].as_array();
    assert!(
        departments.expect("departments").iter().any(escalated),
        "{shown:#}\n{}",
        site.log()
    );
    let audit = desk.call("GET", "/api/v1/audit?limit=500", None, None);
    let audit = audit.expect("an answer").1;
    let missed: Vec<_> = audit["events"]
        .as_array()
        .expect("events")
        .iter()
        .filter(|it| it["kind"] == "acknowledge_missed")
        .map(|it| time(&it["at"]))
        .collect();
    assert!(!missed.is_empty());
    let first = missed[0].since(started);
    assert!(
        first > 0 && first < 40 * 3_600_000,
        "{first} ms into the script"
    );
}
