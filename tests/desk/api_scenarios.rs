//! Scenarios written over the API: from the template or another one, refused where they are wrong, kept, listed and run.

use axum::http::Method;
use serde_json::{Value, json};
use tocsin::core::obligation::Role;

use super::api_world::{Answer, World};

const PATH: &str = "/api/v1/scenarios";

async fn write(world: &World, token: &str, wish: &Value) -> Answer {
    world.ask(Method::POST, PATH, token, &[], Some(wish)).await
}

async fn offered(world: &World, token: &str) -> Vec<String> {
    let all = world.get("/api/v1/drills", token).await.json();
    let all = all["scenarios"].as_array().unwrap().iter();
    all.filter(|it| !it["title"].is_null())
        .map(|it| it["name"].as_str().unwrap().to_owned())
        .collect()
}

async fn created(world: &World, token: &str) -> Vec<Value> {
    let all = world.get("/api/v1/audit?limit=100", token).await.json();
    let all = all["events"].as_array().unwrap().iter();
    all.filter(|it| it["kind"] == "scenario_created")
        .cloned()
        .collect()
}

#[tokio::test]
async fn a_scenario_from_the_template_is_kept_listed_checked_and_run() {
    let world = World::new().await;
    let token = world.token(Role::Coordinator, None).await;
    let before = offered(&world, &token).await;
    // Looked at only: nothing is kept.
    let looked = json!({"id": "night-shift", "keep": false});
    let looked = write(&world, &token, &looked).await;
    assert_eq!(looked.status, 200, "{}", looked.text);
    let looked = looked.json();
    assert_eq!(
        (&looked["ready"], &looked["kept"]),
        (&json!(true), &json!(false))
    );
    let text = looked["text"].as_str().unwrap();
    assert!(
        text.contains("\nid: night-shift"),
        "it keeps its lines: {text}"
    );
    assert_eq!(offered(&world, &token).await, before);
    assert_eq!(created(&world, &token).await, [] as [Value; 0]);
    // Changed, and kept: the id is the one in the text.
    let text = text.replace("A fire in a block of flats", "Our own fire");
    let kept = write(&world, &token, &json!({"text": text})).await;
    assert_eq!(kept.status, 201, "{}", kept.text);
    assert_eq!(kept.json()["scenario"], "night-shift");
    let now = offered(&world, &token).await;
    assert_eq!(now.len(), before.len() + 1);
    assert!(now.contains(&"night-shift".to_owned()), "{now:?}");
    let events = created(&world, &token).await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["after"]["scenario"], "night-shift");
    assert_eq!(events[0]["actor"]["role"], "coordinator");
    let wish = json!({"scenario": "night-shift"});
    let checked = world
        .ask(
            Method::POST,
            "/api/v1/drills/check",
            &token,
            &[],
            Some(&wish),
        )
        .await
        .json();
    assert_eq!(checked["ok"], true, "{checked}");
    let begun = world
        .ask(Method::POST, "/api/v1/drills", &token, &[], Some(&wish))
        .await;
    assert_eq!(begun.status, 202, "{}", begun.text);
    let run = begun.json()["run"]["exercise"].as_str().unwrap().to_owned();
    assert!(run.starts_with("night-shift-"), "{run}");
}

#[tokio::test]
async fn what_is_wrong_or_taken_is_said_and_not_kept() {
    let world = World::new().await;
    let token = world.token(Role::Coordinator, None).await;
    let good = json!({"id": "ours", "from": "gas-leak-school"});
    assert_eq!(write(&world, &token, &good).await.status, 201);
    let text = write(&world, &token, &json!({"id": "ours", "keep": false})).await;
    let text = text.json()["text"].as_str().unwrap().to_owned();
    let before = offered(&world, &token).await;
    let long = "#".repeat((32 << 10) + 1);
    for (wish, status, field, said) in [
        (good.clone(), 409, "id", "`ours` already"),
        (json!({"id": "gas-leak-school"}), 409, "id", "already"),
        (json!({"id": "../outside"}), 422, "id", "a–z"),
        (json!({"id": "Ours"}), 422, "id", "a–z"),
        (json!({}), 422, "id", "a–z"),
        (json!({"id": "x", "from": "none"}), 404, "from", "scenario"),
        (
            json!({"id": "x", "text": text}),
            422,
            "text",
            "`ours`, not `x`",
        ),
        (
            json!({"text": text.replace("hotline-zh", "nowhere")}),
            422,
            "text",
            "T0308",
        ),
        (json!({"text": "[1, 2"}), 422, "text", "T0"),
        (json!({"text": "", "keep": false}), 422, "text", "1 to"),
        (
            json!({"text": text, "from": "", "keep": false}),
            422,
            "from",
            "1 to",
        ),
        (json!({"text": long}), 422, "text", "32768"),
    ] {
        let answer = write(&world, &token, &wish).await;
        let shown: String = wish.to_string().chars().take(200).collect();
        assert_eq!(answer.status, status, "{shown}: {}", answer.text);
        let problem = answer.json();
        assert_eq!(problem["field"], field, "{shown}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{shown}: {detail}");
    }
    // What cannot be kept can be looked at: every finding, with its line.
    let wish = json!({"text": text.replace("hotline-zh", "nowhere"), "keep": false});
    let looked = write(&world, &token, &wish).await;
    assert_eq!(looked.status, 200, "{}", looked.text);
    let looked = looked.json();
    assert_eq!(looked["ready"], false);
    let finding = &looked["findings"][0];
    assert_eq!(finding["code"], "T0308");
    assert!(finding["line"].as_u64().unwrap() > 1, "{finding}");
    assert_eq!(offered(&world, &token).await, before);
    assert_eq!(created(&world, &token).await.len(), 1);
    let folder = world.folder.path().join("scenarios");
    let files = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(files, 1, "nothing else was written");
}
