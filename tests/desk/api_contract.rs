//! The OpenAPI document: its snapshot, and that answers are what it says.

use std::collections::BTreeMap;

use axum::http::Method;
use serde_json::{Value, json};
use tocsin::core::model::Status;
use tocsin::core::obligation::Role;
use tocsin::desk::http::api::document;

use super::api_world::World;

#[test]
fn the_document_is_as_it_was() {
    insta::with_settings!({snapshot_path => "snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_json_snapshot!("openapi", document());
    });
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_has_its_problems() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut references = Vec::new();
    gather(&document, &mut references);
    assert!(references.len() > 100);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let mut ids = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert_eq!(ids.insert(id.to_owned(), path), None, "{id} twice");
            for field in ["summary", "tags"] {
                assert!(!operation[field].is_null(), "{method} {path}: {field}");
            }
            for code in ["401", "403", "429", "503", "default"] {
                assert!(
                    !operation["responses"][code].is_null(),
                    "{method} {path}: {code}"
                );
            }
        }
    }
}

fn gather(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            references.extend(
                fields
                    .get("$ref")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
            fields.values().for_each(|value| gather(value, references));
        }
        Value::Array(values) => values.iter().for_each(|value| gather(value, references)),
        _ => {}
    }
}

/// A validator of a shape of the document.
fn shape(document: &Value, name: &str) -> jsonschema::Validator {
    let schema = json!({"$ref": format!("#/components/schemas/{name}"), "components": document["components"]});
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

fn check(document: &Value, name: &str, answer: &Value) {
    let validator = shape(document, name);
    let wrong: Vec<String> = validator
        .iter_errors(answer)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{name}: {wrong:#?}");
}

#[tokio::test]
async fn answers_are_what_the_document_says() {
    let world = World::new().await;
    let document = document();
    world.incidents(30, Status::Actual).await;
    let incident = world.fire().await;
    let token = world.token(Role::Coordinator, None).await;
    let operator = world.token(Role::Operator, None).await;
    // A case with everything in it.
    for action in [
        json!({"action": "acknowledge", "department": "fire"}),
        json!({"action": "start", "department": "fire"}),
        json!({"action": "transfer", "department": "fire", "to": "transport", "reason": "theirs"}),
        json!({"action": "note", "text": "a remark"}),
        json!({"action": "watch"}),
        json!({"action": "assess", "disposition": "confirmed", "reason": "seen"}),
        json!({"action": "correct", "level": "red", "place": "cn-310115", "reason": "by telephone"}),
        json!({"action": "meeting", "reason": "everybody"}),
        json!({"action": "waive", "department": "health", "reason": "not needed"}),
        json!({"action": "dispose", "department": "fire", "disposition": "confirmed", "reason": "out"}),
    ] {
        check(&document, "Action", &action);
        let answer = world
            .act(incident, &token, world.version(incident).await, &action)
            .await;
        assert_eq!(answer.status, 200, "{action}: {}", answer.text);
        check(&document, "Incident", &answer.json());
    }
    let one = format!("/api/v1/incidents/{incident}");
    for (path, name) in [
        ("/api/v1/incidents?limit=5", "IncidentPage"),
        ("/api/v1/closed", "IncidentPage"),
        ("/api/v1/since?at=2020-01-01T00:00:00Z", "Since"),
        (one.as_str(), "Incident"),
        (&format!("{one}/revisions"), "Revisions"),
        (&format!("{one}/history"), "AuditEvents"),
        ("/api/v1/audit?limit=5", "AuditEvents"),
        ("/api/v1/notifications", "Notifications"),
        ("/api/v1/agenda", "IncidentPage"),
        ("/api/v1/departments", "Departments"),
        ("/api/v1/departments/fire", "Department"),
        ("/api/v1/rules", "Rules"),
        ("/api/v1/feeds", "Feeds"),
        ("/api/v1/me", "Me"),
        ("/api/v1/drills", "Drills"),
    ] {
        let answer = world.get(path, &token).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        check(&document, name, &answer.json());
    }
    let wish =
        json!({"level": "orange", "ends": "2027-01-15T12:00:00Z", "reason": "a noisy detector"});
    check(&document, "SilenceWish", &wish);
    let made = world
        .ask(Method::POST, "/api/v1/silences", &token, &[], Some(&wish))
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    check(&document, "Silence", &made.json());
    let silences = world.get("/api/v1/silences", &token).await.json();
    check(&document, "Silences", &silences);
    let board = world.get("/api/v1/incidents", &token).await;
    check(&document, "IncidentPage", &board.json());
    assert!(
        board.text.contains(r#""muted":[{"by":"silence""#),
        "{}",
        board.text
    );
    drills_are_what_the_document_says(&world, &document, &token).await;
    let wish = json!({"name": "x", "role": "analyst"});
    check(&document, "TokenWish", &wish);
    let made = world
        .ask(Method::POST, "/api/v1/tokens", &operator, &[], Some(&wish))
        .await;
    check(&document, "NewTokenView", &made.json());
    check(
        &document,
        "TokenList",
        &world.get("/api/v1/tokens?all=true", &operator).await.json(),
    );
    check(
        &document,
        "Problem",
        &world.get("/api/v1/nothing", &token).await.json(),
    );
    check(
        &document,
        "Problem",
        &world
            .act(incident, &token, 0, &json!({"action": "watch"}))
            .await
            .json(),
    );
}

async fn drills_are_what_the_document_says(world: &World, document: &Value, token: &str) {
    let wish = json!({"scenario": "gas-leak-school", "seed": 2});
    check(document, "DrillCheckWish", &wish);
    let checked = world
        .ask(
            Method::POST,
            "/api/v1/drills/check",
            token,
            &[],
            Some(&wish),
        )
        .await;
    check(document, "DrillChecked", &checked.json());
    for (keep, status) in [(false, 200), (true, 201)] {
        let wish = json!({"id": "contract", "from": "gas-leak-school", "keep": keep});
        check(document, "ScenarioNew", &wish);
        let made = world
            .ask(Method::POST, "/api/v1/scenarios", token, &[], Some(&wish))
            .await;
        assert_eq!(made.status, status, "{}", made.text);
        check(document, "ScenarioDraft", &made.json());
    }
    for exercise in ["e-1", "e-2"] {
        let wish = json!({"scenario": "gas-leak-school", "exercise": exercise});
        check(document, "DrillStart", &wish);
        let begun = world
            .ask(Method::POST, "/api/v1/drills", token, &[], Some(&wish))
            .await;
        assert_eq!(begun.status, 202, "{}", begun.text);
        check(document, "DrillRun", &begun.json());
        while world.drills.running().is_some() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
    let report = world.get("/api/v1/drills/e-2/report", token).await.json();
    assert_eq!(report["before"]["exercise"], "e-1");
    check(document, "DrillReport", &report);
    let stopped = world
        .ask(Method::POST, "/api/v1/drills/e-2/stop", token, &[], None)
        .await;
    assert_eq!(stopped.json()["stopping"], "withdrawn");
    check(document, "DrillStopping", &stopped.json());
    let drills = world.get("/api/v1/drills", token).await.json();
    check(document, "Drills", &drills);
}
