//! Drills over the API: checked, started, watched, stopped, reported; and that nothing of them is left behind.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};
use tocsin::core::model::Millis;
use tocsin::core::obligation::Role;
use tocsin::desk::drills::Drills;
use tocsin::drill::{DrillWish, RESERVED_EXERCISES, RunFile, Runs};
use tocsin::telemetry::wall_clock;

use super::api_world::{Answer, World, rules};
use super::drill_room::{InMemory, room};

const GAS: &str = "gas-leak-school";

async fn post(world: &World, token: &str, path: &str, body: &Value) -> Answer {
    world.ask(Method::POST, path, token, &[], Some(body)).await
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn standing(world: &World, token: &str, exercise: &str) -> String {
    let answer = world
        .get(&format!("/api/v1/drills/{exercise}"), token)
        .await;
    let run = answer.json()["run"]["standing"].clone();
    run.as_str().unwrap_or_default().to_owned()
}

/// Kinds of the drills' events, with who did it and their outcome.
async fn events(world: &World, token: &str) -> Vec<(String, String, String)> {
    let all = world.get("/api/v1/audit?limit=100", token).await.json();
    let events = all["events"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut events: Vec<_> = events
        .filter(|it| text(&it["kind"]).starts_with("drill_"))
        .map(|it| {
            (
                text(&it["kind"]),
                text(&it["actor"]["role"]),
                text(&it["after"]["outcome"]),
            )
        })
        .collect();
    events.sort();
    events
}

#[tokio::test]
async fn a_scenario_is_checked_and_nothing_is_sent() {
    let world = World::new().await;
    let token = world.token(Role::Coordinator, None).await;
    let body = json!({"scenario": GAS, "seed": 1.0});
    let checked = post(&world, &token, "/api/v1/drills/check", &body).await;
    assert_eq!(checked.status, 200, "{}", checked.text);
    let checked = checked.json();
    assert_eq!(checked["ok"], true, "{checked}");
    assert_eq!(checked["report"]["passed"], true);
    assert!(!checked["records"].as_array().unwrap().is_empty());
    let list = world.get("/api/v1/drills", &token).await.json();
    assert_eq!(list["runs"], json!([]));
    assert_eq!(list["scenarios"].as_array().unwrap().len(), 6);
    assert_eq!(events(&world, &token).await, []);
    for seed in [json!(1.5), json!(-1), json!("1"), json!(1e17)] {
        let body = json!({"scenario": GAS, "seed": seed});
        let wrong = post(&world, &token, "/api/v1/drills/check", &body).await;
        assert_eq!(wrong.status, 422, "{seed}: {}", wrong.text);
    }
    let wrong = post(
        &world,
        &token,
        "/api/v1/drills/check",
        &json!({"scenario": "../x"}),
    )
    .await;
    assert_eq!(
        (wrong.status, wrong.json()["field"].as_str()),
        (404, Some("scenario"))
    );
}

#[tokio::test]
async fn a_drill_is_started_watched_and_reported_beside_the_one_before() {
    let world = World::new().await;
    let token = world.token(Role::Coordinator, None).await;
    world.carrier.hold.store(true, Ordering::SeqCst);
    let wish = json!({"scenario": GAS, "exercise": "first", "speed": 60.0});
    let begun = post(&world, &token, "/api/v1/drills", &wish).await;
    assert_eq!(begun.status, 202, "{}", begun.text);
    let run = &begun.json()["run"];
    assert_eq!(run["standing"], "running");
    assert_eq!(run["speed"], 60.0);
    let started = Millis::parse(run["started"].as_str().unwrap()).unwrap();
    assert!(wall_clock().since(started) < 600_000, "{run}");
    let second = json!({"scenario": GAS, "exercise": "second"});
    let busy = post(&world, &token, "/api/v1/drills", &second).await;
    assert_eq!(
        (busy.status, busy.json()["reason"].as_str()),
        (409, Some("busy"))
    );
    until("its progress is told", async || {
        let run = world.get("/api/v1/drills/first", &token).await.json();
        run["progress"]["alerts"] == 2 && run["progress"]["sent"].as_u64() > Some(0)
    })
    .await;
    world.carrier.hold.store(false, Ordering::SeqCst);
    until("it ends", async || {
        standing(&world, &token, "first").await == "ended"
    })
    .await;
    let again = post(&world, &token, "/api/v1/drills", &wish).await;
    assert_eq!((again.status, again.code().as_str()), (409, "taken"));
    let begun = post(&world, &token, "/api/v1/drills", &second).await;
    assert_eq!(begun.status, 202, "{}", begun.text);
    until("it ends", async || {
        standing(&world, &token, "second").await == "ended"
    })
    .await;
    let report = world
        .get("/api/v1/drills/second/report", &token)
        .await
        .json();
    let checks = report["report"]["outcomes"][0]["checks"]
        .as_array()
        .unwrap();
    let took = |what: &str| {
        let found = checks.iter().find(|it| it["what"] == what);
        found.unwrap_or_else(|| panic!("{what}: {checks:#?}"))["took_ms"].as_i64()
    };
    assert!(took("detect").is_some() && took("alert").is_some());
    assert_eq!(took("acknowledge"), Some(30_000), "{checks:#?}");
    assert_eq!(report["before"]["exercise"], "first");
    for (format, kind) in [("html", "text/html"), ("markdown", "text/markdown")] {
        let path = format!("/api/v1/drills/second/report?format={format}&lang=zh");
        let file = world.get(&path, &token).await;
        let found = file.headers["content-type"].to_str().unwrap();
        assert!(found.starts_with(kind), "{found}");
        assert!(file.text.contains("演练"), "{}", file.text);
    }
    let wrong = world
        .get("/api/v1/drills/second/report?format=pdf", &token)
        .await;
    assert_eq!(wrong.status, 422);
    until("both are in the audit trail", async || {
        events(&world, &token).await.len() == 4
    })
    .await;
    let entry = |kind: &str, role: &str, outcome: &str| {
        (kind.to_owned(), role.to_owned(), outcome.to_owned())
    };
    let ended = entry("drill_ended", "-", "finished");
    let started = entry("drill_started", "coordinator", "-");
    assert_eq!(
        events(&world, &token).await,
        [ended.clone(), ended, started.clone(), started]
    );
}

/// Before its first report a run has no file: what is told of it then is what its file will say.
#[test]
fn a_run_without_a_file_says_when_it_began_and_how_fast() {
    let folder = tempfile::tempdir().unwrap();
    let room = Arc::new(room(&rules(), folder.path(), &InMemory::new(rules())));
    let wish = DrillWish {
        scenario: GAS.to_owned(),
        exercise: Some("early".to_owned()),
        seed: 1,
        speed: 240.0,
    };
    let prepared = room.prepare(&wish).unwrap();
    let run = room.run("early").unwrap();
    assert_eq!(run.started, prepared.run().run.started);
    assert_eq!(run.speed.to_bits(), prepared.run().run.speed.to_bits());
    assert_eq!(run.speed.to_bits(), 240.0_f64.to_bits());
}

#[tokio::test]
async fn no_run_hides_behind_another_address() {
    let world = World::new().await;
    let token = world.token(Role::Coordinator, None).await;
    for id in RESERVED_EXERCISES {
        let wish = json!({"scenario": GAS, "exercise": id});
        let refused = post(&world, &token, "/api/v1/drills", &wish).await;
        let said = (refused.status, refused.json()["field"].clone());
        assert_eq!(said, (422, json!("exercise")), "{}", refused.text);
        assert!(
            refused.text.contains(&format!("`{id}`")),
            "{}",
            refused.text
        );
    }
    assert!(world.drills.running().is_none());
    // Whatever is a route beside a run's own is in the list.
    let document = tocsin::desk::http::api::document();
    for path in document["paths"].as_object().unwrap().keys() {
        let word = path.strip_prefix("/api/v1/drills/");
        let word = word.and_then(|rest| rest.split('/').next());
        if let Some(word) = word.filter(|word| !word.starts_with('{')) {
            assert!(RESERVED_EXERCISES.contains(&word), "{path}");
        }
    }
}

#[tokio::test]
async fn a_stop_withdraws_and_is_said_once() {
    let world = World::new().await;
    let token = world.token(Role::Coordinator, None).await;
    world.carrier.hold.store(true, Ordering::SeqCst);
    let wish = json!({"scenario": GAS, "exercise": "one"});
    assert_eq!(
        post(&world, &token, "/api/v1/drills", &wish).await.status,
        202
    );
    let stop = "/api/v1/drills/one/stop";
    let asked = world.ask(Method::POST, stop, &token, &[], None).await;
    assert_eq!(
        (asked.status, &asked.json()["stopping"]),
        (200, &json!("asked"))
    );
    until("it is stopped", async || {
        standing(&world, &token, "one").await == "stopped"
    })
    .await;
    until("the place is free", async || {
        world.get("/api/v1/drills", &token).await.json()["running"].is_null()
    })
    .await;
    let again = world.ask(Method::POST, stop, &token, &[], None).await;
    assert_eq!(again.json()["stopping"], "already");
    assert_eq!(world.carrier.withdrawn.load(Ordering::SeqCst), 1);
    until("its end is in the audit trail", async || {
        let all = events(&world, &token).await;
        let kinds: Vec<&str> = all.iter().map(|it| it.0.as_str()).collect();
        kinds == ["drill_ended", "drill_started", "drill_stopped"] && all[0].2 == "stopped"
    })
    .await;
}

#[tokio::test]
async fn what_fails_in_its_midst_is_withdrawn_until_it_is() {
    let world = World::new().await;
    let token = world.token(Role::Coordinator, None).await;
    world.carrier.breaks.store(true, Ordering::SeqCst);
    world.carrier.failures.store(1, Ordering::SeqCst);
    let wish = json!({"scenario": GAS, "exercise": "broken"});
    assert_eq!(
        post(&world, &token, "/api/v1/drills", &wish).await.status,
        202
    );
    until("it is withdrawn", async || {
        standing(&world, &token, "broken").await == "stopped"
    })
    .await;
    assert_eq!(world.carrier.withdrawn.load(Ordering::SeqCst), 1);
    assert_eq!(world.carrier.failures.load(Ordering::SeqCst), 0);
    until("its end is told, once", async || {
        let all = events(&world, &token).await;
        all.len() == 2 && all[0].0 == "drill_ended" && all[0].2 == "failed"
    })
    .await;
}

#[tokio::test]
async fn what_a_killed_desk_left_behind_is_withdrawn_by_the_next_one() {
    let world = World::new().await;
    let token = world.token(Role::Coordinator, None).await;
    world.carrier.hold.store(true, Ordering::SeqCst);
    let wish = json!({"scenario": GAS, "exercise": "left"});
    assert_eq!(
        post(&world, &token, "/api/v1/drills", &wish).await.status,
        202
    );
    let runs = Runs::new(world.folder.path());
    until("its file is there", async || runs.has("left")).await;
    // As a process that is killed leaves it; one of a command's, and one of another desk's, beside it.
    let left = runs.load("left").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let runs = Runs::new(folder.path());
    let copy = |id: &str, holder: Option<&str>| {
        let mut run: RunFile = left.clone();
        id.clone_into(&mut run.run.exercise);
        run.holder = holder.map(str::to_owned);
        runs.save(&run).unwrap();
    };
    copy("left", Some("desk-1"));
    copy("theirs", Some("desk-2"));
    copy("a-command", None);
    let carrier = InMemory::new(rules());
    let next = room(&rules(), folder.path(), &carrier);
    let drills = Drills::start(world.desk.clone(), next);
    until("it is withdrawn", async || {
        runs.load("left").is_ok_and(|run| run.withdrawn)
    })
    .await;
    assert_eq!(carrier.withdrawn.load(Ordering::SeqCst), 1);
    for other in ["theirs", "a-command"] {
        assert!(!runs.load(other).unwrap().withdrawn, "{other}");
    }
    until("the audit trail says so", async || {
        let all = events(&world, &token).await;
        all.iter().any(|it| it.2 == "withdrawn")
    })
    .await;
    drills.close().await;
    // And a desk that ends takes its drill with it.
    world.drills.close().await;
    assert_eq!(standing(&world, &token, "left").await, "stopped");
    // Both withdrew it, and it ended once.
    let all = events(&world, &token).await;
    let ends = all.iter().filter(|it| it.0 == "drill_ended");
    assert_eq!(ends.count(), 1, "{all:?}");
}
