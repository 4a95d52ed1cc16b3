//! Every change over the API: made to what its author saw, or of a kind that cannot undo another's. A route in neither list fails.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};
use tocsin::core::obligation::Role;
use tocsin::desk::http::api::document;

use super::api_world::{Answer, World};

/// Changes what is there: path, and where what is changed is read with its ETag.
const VERSIONED: [(&str, &str); 3] = [
    (
        "/api/v1/incidents/{incident}/actions",
        "/api/v1/incidents/{incident}",
    ),
    (
        "/api/v1/silences/{silence}/red",
        "/api/v1/silences/{silence}",
    ),
    (
        "/api/v1/silences/{silence}/end",
        "/api/v1/silences/{silence}",
    ),
];

/// Needs no version; the tests below hold the reason that its description gives.
const FREE: [(&str, &str); 9] = [
    ("post", "/api/v1/notifications/retry"),
    ("post", "/api/v1/reports"),
    ("post", "/api/v1/silences"),
    ("post", "/api/v1/tokens"),
    ("delete", "/api/v1/tokens/{token}"),
    ("post", "/api/v1/drills"),
    ("post", "/api/v1/drills/check"),
    ("post", "/api/v1/drills/{exercise}/stop"),
    ("post", "/api/v1/scenarios"),
];

#[test]
fn every_change_is_in_one_of_the_two_lists() {
    let document = document();
    let mut declared = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|it| *it != "get") {
            declared.insert((method.as_str(), path.as_str()));
        }
    }
    let versioned = VERSIONED.iter().map(|(path, _)| ("post", *path));
    let listed: Vec<_> = versioned.chain(FREE).collect();
    let unique: BTreeSet<_> = listed.iter().copied().collect();
    assert_eq!(unique.len(), listed.len(), "one is in both lists");
    assert_eq!(unique, declared);
}

#[test]
fn the_document_says_which_version_or_why_none() {
    let document = document();
    let paths = &document["paths"];
    let sends = |operation: &Value| {
        let parameters = operation["parameters"].as_array();
        parameters.is_some_and(|all| {
            all.iter()
                .any(|it| it["name"] == "If-Match" && it["required"] == true)
        })
    };
    for (path, read) in VERSIONED {
        let operation = &paths[path]["post"];
        assert!(sends(operation), "{path}");
        for code in ["412", "428"] {
            assert!(!operation["responses"][code].is_null(), "{path}: {code}");
        }
        for told in [
            &operation["responses"]["200"],
            &paths[read]["get"]["responses"]["200"],
        ] {
            assert!(!told["headers"]["ETag"].is_null(), "{path}: {told}");
        }
    }
    for (method, path) in FREE {
        let operation = &paths[path][method];
        assert!(!sends(operation), "{path}");
        let said = operation["description"].as_str().unwrap_or_default();
        assert!(said.contains("No `If-Match`:"), "{path}: {said}");
    }
}

async fn post(world: &World, token: &str, path: &str, tag: Option<&str>, body: &Value) -> Answer {
    let headers: Vec<(&str, &str)> = tag.map(|tag| ("if-match", tag)).into_iter().collect();
    world
        .ask(Method::POST, path, token, &headers, Some(body))
        .await
}

fn tag(answer: &Answer) -> String {
    answer.headers["etag"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn of_two_who_saw_the_same_the_second_is_told() {
    let world = World::new().await;
    let incident = world.fire().await;
    let one = world.token(Role::Coordinator, None).await;
    let other = world.token(Role::Analyst, None).await;
    let wish = json!({"hazard": "flood", "ends": "2027-01-15T12:00:00Z", "reason": "x", "covers_red": true});
    let silence = post(&world, &one, "/api/v1/silences", None, &wish).await;
    let silence = silence.json()["id"].as_str().unwrap().to_owned();
    for (path, read) in VERSIONED {
        let filled = |path: &str| {
            path.replace("{incident}", &incident.to_string())
                .replace("{silence}", &silence)
        };
        let body = match path.rsplit('/').next().unwrap() {
            "actions" => json!({"action": "note", "text": "x"}),
            _ => json!({}),
        };
        let path = filled(path);
        let seen = tag(&world.get(&filled(read), &one).await);
        let blind = post(&world, &other, &path, None, &body).await;
        assert_eq!(blind.status, 428, "{path}: {}", blind.text);
        assert_eq!(blind.code(), "precondition_required");
        let first = post(&world, &other, &path, Some(&seen), &body).await;
        assert_eq!(first.status, 200, "{path}: {}", first.text);
        let second = post(&world, &one, &path, Some(&seen), &body).await;
        assert_eq!(second.status, 412, "{path}: {}", second.text);
        assert_eq!(second.code(), "version_conflict");
        assert_eq!(tag(&second), tag(&first), "{path}: the version to read");
        let now = tag(&world.get(&filled(read), &one).await);
        assert_eq!(now, tag(&first), "{path}: changed once");
    }
}

#[tokio::test]
async fn what_is_made_is_new_each_time_or_taken() {
    let world = World::new().await;
    let token = world.token(Role::Coordinator, None).await;
    let operator = world.token(Role::Operator, None).await;
    let call = json!({"title": "smoke", "hazard": "fire", "place": "cn-310115"});
    let silence = json!({"hazard": "flood", "ends": "2027-01-15T12:00:00Z", "reason": "x"});
    for (path, body) in [("/api/v1/reports", call), ("/api/v1/silences", silence)] {
        let [one, two] = [
            post(&world, &token, path, None, &body).await.json(),
            post(&world, &token, path, None, &body).await.json(),
        ];
        assert!(one["id"].is_string() && one["id"] != two["id"], "{path}");
    }
    let first = json!({"id": "mine", "from": "gas-leak-school"});
    let made = post(&world, &token, "/api/v1/scenarios", None, &first).await;
    assert_eq!(made.status, 201, "{}", made.text);
    for (token, path, body) in [
        (&token, "/api/v1/scenarios", json!({"id": "mine"})),
        (
            &token,
            "/api/v1/drills",
            json!({"scenario": "mine", "exercise": "once"}),
        ),
        (
            &operator,
            "/api/v1/tokens",
            json!({"name": "x", "role": "analyst"}),
        ),
    ] {
        if path != "/api/v1/scenarios" {
            let made = post(&world, token, path, None, &body).await;
            assert!([201, 202].contains(&made.status), "{path}: {}", made.text);
        }
        while world.drills.running().is_some() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let again = post(&world, token, path, None, &body).await;
        assert_eq!(
            (again.status, again.code().as_str()),
            (409, "taken"),
            "{path}"
        );
    }
    let look = json!({"id": "mine", "from": "mine", "keep": false});
    let kept = post(&world, &token, "/api/v1/scenarios", None, &look).await;
    assert_eq!(kept.json()["text"], made.json()["text"], "as it was made");
}

#[tokio::test]
async fn what_is_final_changes_nothing_a_second_time() {
    let world = World::new().await;
    let token = world.token(Role::Coordinator, None).await;
    let operator = world.token(Role::Operator, None).await;
    let wish = json!({"name": "x", "role": "analyst"});
    let made = post(&world, &operator, "/api/v1/tokens", None, &wish).await;
    let path = format!("/api/v1/tokens/{}", made.json()["id"].as_str().unwrap());
    let mut revoked = Vec::new();
    for _ in 0..2 {
        let done = world.ask(Method::DELETE, &path, &operator, &[], None).await;
        assert_eq!(done.status, 200, "{}", done.text);
        revoked.push(done.json());
        world.clock.advance(60_000);
    }
    assert_eq!(revoked[0], revoked[1], "when it was revoked, too");
    for _ in 0..2 {
        let retried = post(
            &world,
            &operator,
            "/api/v1/notifications/retry",
            None,
            &json!({}),
        )
        .await;
        assert_eq!(retried.json(), json!({"notices": 0}));
    }
    // `stop` twice: `a_stop_withdraws_and_is_said_once`; dead notices tried again once: the tests of notifications.
    let audited = || async {
        let events = world.get("/api/v1/audit?limit=500", &token).await.json();
        events["events"].as_array().unwrap().len()
    };
    let before = audited().await;
    let wish = json!({"scenario": "gas-leak-school"});
    let checked = post(&world, &token, "/api/v1/drills/check", None, &wish).await;
    assert_eq!(checked.status, 200, "{}", checked.text);
    assert_eq!(audited().await, before, "a check leaves nothing");
    assert_eq!(
        world.get("/api/v1/drills", &token).await.json()["runs"],
        json!([])
    );
}
