//! Every route × role × own or other department × token state. A route without an entry fails.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};
use tocsin::core::model::Millis;
use tocsin::core::obligation::{Action, Actor, Role};
use tocsin::desk::http::api::document;
use tocsin::desk::http::permission::{Permission, allowed};

use super::api_world::{DAY, NOW, World};

/// What a route asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Asks {
    Read,
    ReadDepartment,
    ReadAudit,
    Report,
    RetryNotifications,
    Tokens,
    Silence,
    SilenceRed,
    EndSilence,
    Drill,
    /// The action in the body.
    Act,
}

/// A route as the document names it, what it asks for, and a request for a department.
struct Entry {
    method: Method,
    path: &'static str,
    asks: Asks,
}

const fn entry(method: Method, path: &'static str, asks: Asks) -> Entry {
    Entry { method, path, asks }
}

const TABLE: [Entry; 38] = [
    entry(Method::GET, "/api/v1/incidents", Asks::Read),
    entry(Method::GET, "/api/v1/closed", Asks::Read),
    entry(Method::GET, "/api/v1/since", Asks::Read),
    entry(Method::GET, "/api/v1/incidents/{incident}", Asks::Read),
    entry(
        Method::GET,
        "/api/v1/incidents/{incident}/revisions",
        Asks::Read,
    ),
    entry(
        Method::GET,
        "/api/v1/incidents/{incident}/history",
        Asks::Read,
    ),
    entry(
        Method::POST,
        "/api/v1/incidents/{incident}/actions",
        Asks::Act,
    ),
    entry(Method::GET, "/api/v1/agenda", Asks::Read),
    entry(Method::GET, "/api/v1/agenda.md", Asks::Read),
    entry(Method::GET, "/api/v1/agenda.csv", Asks::Read),
    entry(Method::GET, "/api/v1/departments", Asks::Read),
    entry(
        Method::GET,
        "/api/v1/departments/{department}",
        Asks::ReadDepartment,
    ),
    entry(Method::GET, "/api/v1/audit", Asks::ReadAudit),
    entry(Method::GET, "/api/v1/notifications", Asks::ReadAudit),
    entry(
        Method::POST,
        "/api/v1/notifications/retry",
        Asks::RetryNotifications,
    ),
    entry(Method::GET, "/cap", Asks::Read),
    entry(Method::GET, "/cap/{incident}", Asks::Read),
    entry(Method::GET, "/cap/{incident}/{message}", Asks::Read),
    entry(Method::GET, "/api/v1/events", Asks::Read),
    entry(Method::GET, "/api/v1/rules", Asks::Read),
    entry(Method::GET, "/api/v1/feeds", Asks::Read),
    entry(Method::POST, "/api/v1/reports", Asks::Report),
    entry(Method::GET, "/api/v1/silences", Asks::Read),
    entry(Method::POST, "/api/v1/silences", Asks::Silence),
    entry(Method::GET, "/api/v1/silences/{silence}", Asks::Read),
    entry(
        Method::POST,
        "/api/v1/silences/{silence}/red",
        Asks::SilenceRed,
    ),
    entry(
        Method::POST,
        "/api/v1/silences/{silence}/end",
        Asks::EndSilence,
    ),
    entry(Method::GET, "/api/v1/me", Asks::Read),
    entry(Method::GET, "/api/v1/tokens", Asks::Tokens),
    entry(Method::POST, "/api/v1/tokens", Asks::Tokens),
    entry(Method::DELETE, "/api/v1/tokens/{token}", Asks::Tokens),
    entry(Method::GET, "/api/v1/drills", Asks::Drill),
    entry(Method::POST, "/api/v1/drills", Asks::Drill),
    entry(Method::POST, "/api/v1/drills/check", Asks::Drill),
    entry(Method::GET, "/api/v1/drills/{exercise}", Asks::Drill),
    entry(Method::POST, "/api/v1/drills/{exercise}/stop", Asks::Drill),
    entry(Method::GET, "/api/v1/drills/{exercise}/report", Asks::Drill),
    entry(Method::POST, "/api/v1/scenarios", Asks::Drill),
];

/// Every action for a department.
fn actions(department: &str) -> Vec<Value> {
    let why = "because";
    vec![
        json!({"action": "acknowledge"}),
        json!({"action": "acknowledge", "department": department}),
        json!({"action": "start", "department": department}),
        json!({"action": "dispose", "department": department, "disposition": "confirmed"}),
        json!({"action": "transfer", "department": department, "to": "transport", "reason": why}),
        json!({"action": "accept", "department": department}),
        json!({"action": "decline", "department": department, "reason": why}),
        json!({"action": "waive", "department": department, "reason": why}),
        json!({"action": "note", "text": why}),
        json!({"action": "watch"}),
        json!({"action": "unwatch"}),
        json!({"action": "assess", "disposition": "confirmed"}),
        json!({"action": "correct", "level": "red", "reason": why}),
        json!({"action": "uncorrect", "field": "level", "reason": why}),
        json!({"action": "duplicate", "of": uuid::Uuid::nil(), "reason": why}),
        json!({"action": "meeting", "reason": why}),
        json!({"action": "reopen", "reason": why}),
    ]
}

#[test]
fn every_route_and_every_action_has_an_entry() {
    let document = document();
    let mut declared = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            declared.insert((method.to_uppercase(), path.clone()));
        }
    }
    let listed: BTreeSet<_> = TABLE
        .iter()
        .map(|entry| (entry.method.to_string(), entry.path.to_owned()))
        .collect();
    assert_eq!(
        listed, declared,
        "the table of this test and the routes differ"
    );
    let declared: BTreeSet<&str> = document["components"]["schemas"]["Action"]["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["properties"]["action"]["const"].as_str().unwrap())
        .collect();
    let listed = actions("fire");
    let listed: BTreeSet<&str> = listed
        .iter()
        .map(|one| one["action"].as_str().unwrap())
        .collect();
    assert_eq!(listed, declared);
}

/// Requests of an entry about a department: path and body.
fn requests(entry: &Entry, incident: uuid::Uuid, department: &str) -> Vec<(String, Option<Value>)> {
    let path = entry
        .path
        .replace("{incident}", &incident.to_string())
        .replace("{department}", department)
        .replace("{message}", "none.xml")
        .replace("{token}", "0123456789abcdef")
        .replace("{silence}", &uuid::Uuid::nil().to_string())
        .replace("{exercise}", "no-such-run");
    let path = match entry.path {
        "/api/v1/since" => format!("{path}?at=2026-01-01T00:00:00Z"),
        _ => path,
    };
    match entry.path {
        "/api/v1/reports" => {
            let body = json!({"title": "smoke", "hazard": "fire", "place": "cn-310115"});
            vec![(path, Some(body))]
        }
        // Refused for its end: nothing is made.
        "/api/v1/silences" if entry.method == Method::POST => {
            let body = json!({"department": department, "ends": "2020-01-01T00:00:00Z", "reason": "because"});
            let mut for_all = body.clone();
            for_all["department"] = Value::Null;
            let mut red = body.clone();
            red["covers_red"] = json!(true);
            [body, for_all, red]
                .into_iter()
                .map(|body| (path.clone(), Some(body)))
                .collect()
        }
        "/api/v1/silences/{silence}/end" => vec![(path, Some(json!({})))],
        // There is no such scenario: nothing is sent.
        "/api/v1/drills" | "/api/v1/drills/check" if entry.method == Method::POST => {
            vec![(path, Some(json!({"scenario": "no-such-scenario"})))]
        }
        // Nor one to start from: nothing is kept.
        "/api/v1/scenarios" => {
            vec![(path, Some(json!({"id": "x", "from": "no-such-scenario"})))]
        }
        "/api/v1/notifications/retry" => vec![(path, Some(json!({"channel": "webhook:x"})))],
        // Refused for its days: nothing is made.
        "/api/v1/tokens" if entry.method == Method::POST => {
            vec![(
                path,
                Some(json!({"name": "x", "role": "analyst", "days": 0})),
            )]
        }
        _ if entry.asks == Asks::Act => {
            let all = actions(department).into_iter();
            all.map(|action| (path.clone(), Some(action))).collect()
        }
        _ => vec![(path, None)],
    }
}

fn may(entry: &Entry, actor: &Actor, department: &str, body: Option<&Value>) -> bool {
    match entry.asks {
        Asks::Read => allowed(actor, Permission::Read),
        Asks::ReadDepartment => allowed(actor, Permission::ReadDepartment(department)),
        Asks::ReadAudit => allowed(actor, Permission::ReadAudit),
        Asks::Report => allowed(actor, Permission::Report),
        Asks::RetryNotifications => allowed(actor, Permission::RetryNotifications),
        Asks::Tokens => allowed(actor, Permission::Tokens),
        Asks::Silence => {
            let body = body.unwrap();
            let red = body["covers_red"] == true;
            allowed(actor, Permission::Silence(body["department"].as_str()))
                && (!red || allowed(actor, Permission::SilenceRed))
        }
        Asks::SilenceRed => allowed(actor, Permission::SilenceRed),
        Asks::EndSilence => allowed(actor, Permission::EndSilence),
        Asks::Drill => allowed(actor, Permission::Drill),
        Asks::Act => {
            let action: Action = serde_json::from_value(body.cloned().unwrap()).unwrap();
            allowed(actor, Permission::Act(&action))
        }
    }
}

#[tokio::test]
async fn a_live_token_may_what_the_table_says_and_nothing_else() {
    let world = World::new().await;
    let incident = world.fire().await;
    let (mut heard, mut refused) = (0, 0);
    for role in Role::ALL {
        for scoped in [false, true] {
            // An officer always has a department, only a read-only token else may.
            if scoped != (*role == Role::Officer) && *role != Role::ReadOnly {
                continue;
            }
            let own = scoped.then_some("fire");
            let token = world.token(*role, own).await;
            let actor = Actor {
                name: "x".to_owned(),
                role: *role,
                department: own.map(Into::into),
            };
            for entry in &TABLE {
                for department in ["fire", "health"] {
                    for (path, body) in requests(entry, incident, department) {
                        // A version that never was: who may is told of the conflict, and nothing changes.
                        let headers = [("if-match", "\"0\"")];
                        let expected = may(entry, &actor, department, body.as_ref());
                        if entry.path == "/api/v1/events" {
                            // Without end; allowed for all, and tested apart.
                            assert!(expected);
                            continue;
                        }
                        let answer = world
                            .ask(entry.method.clone(), &path, &token, &headers, body.as_ref())
                            .await;
                        let case = format!(
                            "{} {scoped} {} {path} {body:?}: {}",
                            role.id(),
                            entry.method,
                            answer.text
                        );
                        if expected {
                            heard += 1;
                            let fine = match (entry.asks, &entry.method) {
                                (Asks::Act, _) => 412,
                                (Asks::Report, _) => 202,
                                (Asks::RetryNotifications, _) => 200,
                                (Asks::SilenceRed | Asks::EndSilence, _) => 404,
                                (Asks::Drill, _) if path.contains("no-such-run") => 404,
                                (Asks::Read, _)
                                    if path.contains("/silences/")
                                        || path.ends_with("/none.xml") =>
                                {
                                    404
                                }
                                (Asks::Drill, &Method::POST) => 404,
                                (_, &Method::POST) => 422,
                                (_, &Method::DELETE) => 404,
                                _ => 200,
                            };
                            assert_eq!(answer.status, fine, "{case}");
                        } else {
                            refused += 1;
                            assert_eq!(answer.status, 403, "{case}");
                            assert_eq!(answer.code(), "forbidden", "{case}");
                        }
                    }
                }
            }
        }
    }
    assert!(heard > 200 && refused > 100, "{heard} {refused}");
}

#[tokio::test]
async fn without_a_live_token_nothing_is_answered() {
    let world = World::new().await;
    let incident = world.fire().await;
    let later = Millis(NOW.0 - 2 * DAY);
    let expired = world.token_at(Role::Coordinator, None, later, None).await;
    let revoked = world
        .token_at(Role::Coordinator, None, NOW, Some(NOW))
        .await;
    let valid = world.token(Role::Coordinator, None).await;
    let mut wrong = valid.clone();
    wrong.truncate(wrong.len() - 4);
    wrong.push_str("AAAA");
    let unknown = format!("tocsin_0123456789abcdef_{}", "A".repeat(43));
    let states = [
        ("", "token_missing"),
        ("rubbish", "token_unknown"),
        (wrong.as_str(), "token_unknown"),
        (unknown.as_str(), "token_unknown"),
        (expired.as_str(), "token_expired"),
        (revoked.as_str(), "token_revoked"),
    ];
    for entry in &TABLE {
        for (path, body) in requests(entry, incident, "fire") {
            for (token, code) in states {
                let headers = [("if-match", "\"1\"")];
                let answer = world
                    .ask(entry.method.clone(), &path, token, &headers, body.as_ref())
                    .await;
                let case = format!("{} {path} {code}", entry.method);
                assert_eq!(answer.status, 401, "{case}: {}", answer.text);
                assert_eq!(answer.code(), code, "{case}");
                assert!(answer.headers.contains_key("www-authenticate"), "{case}");
            }
        }
    }
    // And the same world answers who holds a live one.
    assert_eq!(world.get("/api/v1/me", &valid).await.status, 200);
    assert!(world.reports.0.lock().unwrap().is_empty());
}
