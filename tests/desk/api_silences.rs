//! Silences over the API.

use axum::http::Method;
use serde_json::{Value, json};
use tocsin::core::model::Status;
use tocsin::core::obligation::Role;

use super::api_world::{Answer, World};

const ENDS: &str = "2027-01-15T12:00:00Z";

async fn post(
    world: &World,
    token: &str,
    path: &str,
    tag: Option<&str>,
    body: Option<&Value>,
) -> Answer {
    let headers: Vec<(&str, &str)> = tag.map(|tag| ("if-match", tag)).into_iter().collect();
    world.ask(Method::POST, path, token, &headers, body).await
}

#[tokio::test]
async fn a_silence_is_made_confirmed_and_ended_as_it_was_seen() {
    let world = World::new().await;
    world.incidents(20, Status::Actual).await;
    let token = world.token(Role::Coordinator, None).await;
    let wish = json!({"level": "yellow", "ends": ENDS, "reason": "call 13812345678"});
    let made = post(&world, &token, "/api/v1/silences", None, Some(&wish)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.headers["etag"], "\"1\"");
    let made = made.json();
    assert_eq!(made["standing"], "live");
    assert!(made["open"].as_u64().unwrap() > 0, "{made}");
    assert!(!made.to_string().contains("13812345678"));
    let path = format!("/api/v1/silences/{}", made["id"].as_str().unwrap());
    let shown = world.get(&path, &token).await;
    assert_eq!(shown.json(), made);

    let first = made["incidents"][0].as_str().unwrap();
    let incident = world
        .get(&format!("/api/v1/incidents/{first}"), &token)
        .await;
    assert_eq!(incident.json()["incident"]["muted"][0]["id"], made["id"]);

    let red = format!("{path}/red");
    let refused = post(&world, &token, &red, Some("\"1\""), None).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "refused"));

    let end = format!("{path}/end");
    let body = json!({"reason": "repaired"});
    assert_eq!(
        post(&world, &token, &end, None, Some(&body)).await.status,
        428
    );
    let stale = post(&world, &token, &end, Some("\"9\""), Some(&body)).await;
    assert_eq!(
        (stale.status, stale.code().as_str()),
        (412, "version_conflict")
    );
    let ended = post(&world, &token, &end, Some("\"1\""), Some(&body)).await;
    assert_eq!(ended.status, 200, "{}", ended.text);
    assert_eq!(ended.json()["standing"], "over");
    assert_eq!(ended.json()["ended"]["reason"], "repaired");
    let list = world.get("/api/v1/silences", &token).await.json();
    assert_eq!(list["silences"], json!([]));
    let list = world.get("/api/v1/silences?all=true", &token).await.json();
    assert_eq!(list["silences"][0]["id"], made["id"]);
    let board = world.get("/api/v1/incidents", &token).await.text;
    assert!(!board.contains("\"muted\""), "nobody is muted any more");
}

#[tokio::test]
async fn red_takes_two_words_of_those_who_judge() {
    let world = World::new().await;
    let operator = world.token(Role::Operator, None).await;
    let analyst = world.token(Role::Analyst, None).await;
    let wish = json!({"hazard": "fire", "ends": ENDS, "reason": "blasting", "covers_red": true});
    let refused = post(&world, &operator, "/api/v1/silences", None, Some(&wish)).await;
    assert_eq!(refused.status, 403);
    let made = post(&world, &analyst, "/api/v1/silences", None, Some(&wish)).await;
    assert_eq!(made.json()["red"], json!({"state": "asked"}));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/silences/{id}/red");
    assert_eq!(
        post(&world, &operator, &path, Some("\"1\""), None)
            .await
            .status,
        403
    );
    let own = post(&world, &analyst, &path, Some("\"1\""), None).await;
    assert_eq!((own.status, own.code().as_str()), (409, "refused"));
    assert_eq!(own.json()["reason"], "second_account");
    let coordinator = world.token(Role::Coordinator, None).await;
    let done = post(&world, &coordinator, &path, Some("\"1\""), None).await;
    assert_eq!(done.json()["red"]["state"], "silenced");
    assert_eq!(done.headers["etag"], "\"2\"");
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_field() {
    let world = World::new().await;
    let token = world.token(Role::Analyst, None).await;
    for (field, value, status) in [
        ("rule", json!("no-such-rule"), 422),
        ("place", json!("xx-1"), 422),
        ("department", json!("nobody"), 422),
        ("hazard", json!("riot"), 422),
        ("ends", json!("tomorrow"), 422),
        ("ends", json!("2020-01-01T00:00:00Z"), 422),
        ("ends", json!("2028-01-01T00:00:00Z"), 422),
        ("reason", json!("  "), 422),
        ("person", json!("x"), 422),
    ] {
        let mut wish = json!({"hazard": "fire", "ends": ENDS, "reason": "x"});
        wish[field] = value.clone();
        let answer = post(&world, &token, "/api/v1/silences", None, Some(&wish)).await;
        assert_eq!(answer.status, status, "{field} {value}: {}", answer.text);
        assert!(!answer.code().is_empty());
    }
    let list = world.get("/api/v1/silences?all=true", &token).await.json();
    assert_eq!(list["silences"], json!([]), "nothing was made");
    let fire = world.token(Role::Officer, Some("fire")).await;
    let all = json!({"hazard": "fire", "ends": ENDS, "reason": "x"});
    let made = post(&world, &token, "/api/v1/silences", None, Some(&all)).await;
    let end = format!(
        "/api/v1/silences/{}/end",
        made.json()["id"].as_str().unwrap()
    );
    let refused = post(&world, &fire, &end, Some("\"1\""), Some(&json!({}))).await;
    assert_eq!(refused.status, 403, "not its own: {}", refused.text);
}
