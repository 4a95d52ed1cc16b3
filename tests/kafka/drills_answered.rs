//! The shipped drills with a desk at which departments answer: every target is measured, and met.
//!
//! Records drive the clock, and the drill goes on when everybody has answered what there was to answer: nobody answers late because
//! a machine is slow.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tocsin::config::{LoadOptions, Settings};
use tocsin::core::drill::{Deed, Deployment, Observed, RunInfo, Scenario};
use tocsin::core::model::{Millis, Status};
use tocsin::drill::{Drill, Ended, Follower, Progress, RUN_VERSION, RunFile, Runs};
use uuid::Uuid;

use super::desk_api::{self, DeskApi, is_pending};
use super::drills::{Site, wall};
use super::tools::until;

const LONG: Duration = Duration::from_secs(60);
/// Lag of idle partitions, and so the longest batch of a drill on the clock of records.
const LAG_S: u32 = 300;
const EXERCISE: &str = "exercise-1";
/// Drills that go on at once.
const AT_ONCE: usize = 3;

/// Departments that answer whatever the drill has brought, before it goes on.
struct Answering<'a> {
    desk: &'a DeskApi,
    follower: Follower,
    /// Newest revisions that were answered, by incident.
    answered: BTreeMap<Uuid, u32>,
}

impl Answering<'_> {
    fn incident(&self, id: Uuid) -> Option<Value> {
        let path = format!("/api/v1/incidents/{id}");
        let (status, case) = self.desk.call("GET", &path, None, None)?;
        (status == 200).then(|| case["incident"].clone())
    }

    /// Incidents with a revision that nobody has seen yet.
    fn news(&self) -> BTreeMap<Uuid, u32> {
        let mut newest: BTreeMap<Uuid, u32> = BTreeMap::new();
        for alert in &self.follower.seen.alerts {
            let revision = newest.entry(alert.incident).or_default();
            *revision = (*revision).max(alert.revision);
        }
        newest.retain(|id, revision| self.answered.get(id) != Some(revision));
        newest
    }

    fn told(&self, incident: Uuid, department: &Value) -> bool {
        let all = &self.follower.seen.decisions;
        [Deed::Acknowledged, Deed::Disposed].iter().all(|deed| {
            all.iter().any(|it| {
                it.incident == incident && it.deed == *deed && *department == *it.department
            })
        })
    }
}

impl Progress for Answering<'_> {
    fn at(&mut self, _sent: usize, _script_ms: i64, _detections: usize, alerts: usize) {
        until(LONG, "the queue is read", || {
            self.follower.poll(Duration::from_millis(5));
            self.follower.seen.alerts.len() >= alerts
        });
        let news = self.news();
        if news.is_empty() {
            return;
        }
        let mut rows: BTreeMap<Uuid, Value> = BTreeMap::new();
        until(LONG, "the desk has read it, and everybody answered", || {
            let all_there = news.iter().all(|(id, revision)| {
                let row = self.incident(*id).unwrap_or(Value::Null);
                let is_there = row["revision"].as_u64() >= Some(u64::from(*revision));
                rows.insert(*id, row);
                is_there
            });
            let owed = |row: &Value| row["obligations"].as_array().cloned().unwrap_or_default();
            let mut open = rows.values().flat_map(owed);
            if !all_there || !open.any(|it| is_pending(&it)) {
                return all_there;
            }
            self.desk.settle("exercise", "confirmed");
            false
        });
        // The drill's own follower finds what is on the topic when it looks next.
        until(LONG, "decisions are published", || {
            self.follower.poll(Duration::from_millis(5));
            rows.iter().all(|(id, row)| {
                let owed = row["obligations"].as_array().into_iter().flatten();
                let mut done = owed.filter(|it| it["state"] == "disposed");
                done.all(|it| self.told(*id, &it["department"]))
            })
        });
        self.answered.extend(news);
    }

    fn stopped(&self) -> bool {
        false
    }
}

/// Runs a shipped drill to its end.
fn answered(site: &Site, desk: &DeskApi, (file, text): (&str, &str)) -> Scenario {
    let options = LoadOptions::new(Some(site.dir.path().join("tocsin.toml")));
    let settings = Settings::load(&options).unwrap_or_else(|errors| panic!("{errors}"));
    let bundle = crate::drill::support::bundle();
    let scenario = bundle.scenario(file, text);
    let (kafka, names) = (settings.kafka_settings(), settings.topic_names());
    let (decisions, feeds) = (settings.topics.decisions(), settings.shared_feeds());
    let (runs, renamed) = (Runs::new(site.runs()), BTreeMap::new());
    let drill = Drill {
        kafka: &kafka,
        names: &names,
        decisions: &decisions,
        key: Arc::new(settings.drills.drill_key().expect("a key")),
        runs: &runs,
        here: Deployment {
            feeds: &feeds,
            renamed: &renamed,
            gazetteer: &bundle.set.gazetteer,
            routing: &bundle.set.routing,
        },
        scenario: &scenario,
        idle_lag_ms: i64::from(LAG_S) * 1_000,
    };
    let started = Millis(wall() - scenario.lasts - drill.idle_lag_ms - 1_000);
    let mut run = RunFile {
        v: RUN_VERSION,
        file: file.to_owned(),
        scenario: text.to_owned(),
        renamed: renamed.clone(),
        holder: None,
        run: RunInfo {
            exercise: EXERCISE.to_owned(),
            seed: 1,
            started,
            ended: started,
            speed: 1.0,
            records_clock: true,
            ..RunInfo::default()
        },
        finished: false,
        withdrawn: false,
        seen: Observed::default(),
    };
    let follower = Follower::new(&kafka, &names, &decisions, EXERCISE, true);
    let mut answering = Answering {
        desk,
        follower: follower.expect("a follower"),
        answered: BTreeMap::new(),
    };
    let ended = drill.run(&mut run, &mut answering).expect("it goes on");
    assert_eq!(ended, Ended::Finished, "{file}\n{}", site.log());
    scenario
}

/// Whatever the scenario promises was measured and met, for every department that it names.
fn all_met(scenario: &Scenario, report: &Value, log: &str) {
    let outcomes = report["outcomes"].as_array().expect("outcomes");
    assert_eq!(outcomes.len(), scenario.incidents.len());
    for expected in &scenario.incidents {
        let outcome = outcomes.iter().find(|it| it["name"] == *expected.name);
        let outcome = outcome.expect("an outcome of every expectation");
        let checks = outcome["checks"].as_array().expect("checks");
        for check in checks {
            assert_eq!(
                check["verdict"], "met",
                "{} of {}: {check}\n{report:#}\n{log}",
                expected.name, scenario.id
            );
        }
        let targets = [
            ("acknowledge", expected.acknowledge),
            ("dispose", expected.dispose),
        ];
        for (what, target) in targets {
            for (department, _) in &expected.departments {
                let of = |it: &&Value| it["what"] == what && it["department"] == **department;
                let count = checks.iter().filter(of).count();
                assert_eq!(
                    count,
                    usize::from(target.is_some()),
                    "{what} by {department}"
                );
            }
        }
    }
}

/// A drill at a site of its own, from its first report to its report.
fn passes(file: &str, text: &str) {
    let address = desk_api::free();
    let more = format!("[http]\nenabled = false\n{}", desk_api::settings(&address));
    let site = Site::with("drill", "records", LAG_S, &more, |_| {});
    let desk = DeskApi::new(&site, &address, "coordinator");
    let _running = site.run();
    let scenario = answered(&site, &desk, (file, text));
    let done = site
        .tocsin(&["drill", "report", EXERCISE, "--format", "json"])
        .output()
        .expect("run tocsin");
    let shown: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    let (report, log) = (&shown["report"], site.log());
    all_met(&scenario, report, &log);
    assert_eq!(report["passed"], true, "{file}: {shown:#}\n{log}");
    assert_eq!(done.status.code(), Some(0), "{file}");
    assert!(report["detected"].as_u64() > Some(10), "{file}");
    let alerts = site.alerts();
    assert!(!alerts.is_empty());
    for alert in alerts {
        assert_eq!(alert.status, Status::Exercise);
        assert!(alert.headline.en.contains("Exercise"));
    }
    assert_eq!(shown["before"], Value::Null);
}

/// Two simulated days, too, in seconds. Most of a drill is waiting for others: some go on at once.
#[test]
fn shipped_drills_pass_on_kafka_with_departments_that_answer() {
    let began = Instant::now();
    let all = crate::drill::shipped::shipped();
    std::thread::scope(|scope| {
        for nth in 0..AT_ONCE {
            let mine = all.iter().skip(nth).step_by(AT_ONCE);
            scope.spawn(move || mine.for_each(|(file, text)| passes(file, text)));
        }
    });
    assert!(
        began.elapsed() < Duration::from_secs(300),
        "{:?}",
        began.elapsed()
    );
}
