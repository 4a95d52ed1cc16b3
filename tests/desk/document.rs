//! Schemathesis: thousands of requests made up from the document, against the real server, by two accounts.
//!
//! What a document cannot say is which names this desk knows and what time it is: the run gets the document with those written in
//! ([`of_this_desk`]), so that whatever is well-formed is also right. `/api/v1/events` has no end and is left out of the run; the
//! test below holds it to the document, `api_stream` tests what it says, its resumption and its limits.

use std::path::Path;

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};
use tocsin::core::model::Status;
use tocsin::core::obligation::Role;
use tocsin::desk::http::api::document;

use super::api_world::{Answer, World};

/// A scenario that can be run here, and its id.
async fn scenario(world: &World, token: &str) -> (&'static str, String) {
    let id = "made-up";
    let wish = json!({"id": id, "from": "gas-leak-school", "keep": false});
    let path = "/api/v1/scenarios";
    let made = world.ask(Method::POST, path, token, &[], Some(&wish)).await;
    assert_eq!(made.status, 200, "{}", made.text);
    (id, made.json()["text"].as_str().unwrap().to_owned())
}

/// The document, with the names that this desk knows and times that are right at [`super::api_world::NOW`].
fn of_this_desk((id, text): (&str, String)) -> Value {
    let mut document = document();
    let schemas = &mut document["components"]["schemas"];
    let place = json!({"type": "string", "enum": ["cn-310115", "cn-330304"]});
    let maybe =
        |known: [&str; 2]| json!({"type": ["string", "null"], "enum": [known[0], known[1], null]});
    // No `format`: what is against the pattern is then no time at all, and not another time that would be right, too.
    let time = |pattern: &str| json!({"type": ["string", "null"], "pattern": pattern});
    schemas["CallReport"]["properties"]["place"] = place.clone();
    schemas["CallReport"]["properties"]["observed"] = time("^2026-0[1-9]-1[0-9]T12:00:00Z$");
    for name in ["SilenceWish", "TokenWish"] {
        schemas[name]["properties"]["department"] = maybe(["fire", "health"]);
    }
    let silence = &mut schemas["SilenceWish"]["properties"];
    silence["place"] = maybe(["cn-310115", "cn-330304"]);
    silence["rule"] = maybe(["zh-fire", "en-fire"]);
    silence["starts"] = time("^2027-01-15T1[0-9]:00:00Z$");
    silence["ends"] = json!({"type": "string", "pattern": "^2027-01-16T1[0-9]:00:00Z$"});
    let texts = json!({"anyOf": [
        {"required": ["text"], "properties": {"text": {"const": text}, "id": {"enum": [id, null]}}},
        {"required": ["id"], "properties": {"text": {"type": "null"}, "id": {"type": "string"}}},
    ]});
    schemas["ScenarioNew"]["allOf"] = json!([texts]);
    let actions = schemas["Action"]["oneOf"].as_array_mut().unwrap();
    let mut places = 0;
    for action in actions {
        if let Some(known) = action["properties"].get_mut("place") {
            *known = place.clone();
            places += 1;
        }
    }
    assert_eq!(places, 1, "a correction");
    document
}

/// Runs Schemathesis as somebody; what it said, and whether it found nothing.
fn run(
    address: std::net::SocketAddr,
    file: &Path,
    token: &str,
    incident: &str,
    only: &[&str],
) -> (bool, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let command = root.join("tests/.cache/schemathesis/bin/schemathesis");
    assert!(
        command.exists(),
        "this test needs Schemathesis: run tests/run --prepare, which installs it under tests/.cache"
    );
    let output = std::process::Command::new(command)
        .arg("--config-file")
        .arg(root.join("tests/desk/schemathesis.toml"))
        .env("TOCSIN_INCIDENT", incident)
        .arg("run")
        .arg(file)
        .args(["--url", &format!("http://{address}")])
        .args(["-H", &format!("Authorization: Bearer {token}")])
        .args(only)
        .args(["--phases", "examples,coverage,fuzzing"])
        // One worker: two may have the parser of Python 3.11 fail, whose depth of recursion is not a thread's own.
        .args(["--max-examples", "25", "--seed", "1", "--workers", "1"])
        .args(["--request-timeout", "20", "--no-color"])
        .args(["--generation-database", "none"])
        .current_dir(std::env::temp_dir())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
    (output.status.success(), said.concat())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemathesis_finds_nothing() {
    let world = World::new().await;
    world.incidents(20, Status::Actual).await;
    let incident = world.fire().await.to_string();
    let coordinator = world.token(Role::Coordinator, None).await;
    let operator = world.token(Role::Operator, None).await;
    let document = of_this_desk(scenario(&world, &coordinator).await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, document.to_string()).unwrap();
    let bound = tocsin::desk::http::server::bind("127.0.0.1:0".parse().unwrap());
    let listener = bound.await.unwrap();
    let address = listener.local_addr().unwrap();
    let counted = world.access.counted().clone();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(tocsin::desk::http::server::serve(
        listener,
        world.router.clone(),
        256,
        counted,
        async {
            let _ = stopped.await;
        },
    ));
    let runs = tokio::task::spawn_blocking(move || {
        // Without end: see the module.
        let all = ["--exclude-path", "/api/v1/events"];
        // What a coordinator is refused.
        let tokens = ["--include-path-regex", "^/api/v1/tokens"];
        [
            run(address, &file, &coordinator, &incident, &all),
            run(address, &file, &operator, &incident, &tokens),
        ]
    });
    let runs = runs.await.unwrap();
    let _ = stop.send(());
    serving.await.unwrap();
    for (clean, said) in runs {
        assert!(clean, "{said}");
    }
}

/// Every answer of the stream of events is one that the document has, of the type that it says.
#[tokio::test]
async fn the_stream_of_events_answers_as_the_document_says() {
    let world = World::new().await;
    let token = world.token(Role::Analyst, None).await;
    let document = document();
    let responses = &document["paths"]["/api/v1/events"]["get"]["responses"];
    for (query, last, token, status) in [
        ("", None, &*token, 200),
        ("?status=exercise", Some("1"), &token, 200),
        ("", None, "", 401),
        ("", None, "rubbish", 401),
        ("", Some("x"), &token, 422),
        ("?status=real", None, &token, 422),
        ("?after=-1", None, &token, 422),
        ("?never=heard", None, &token, 422),
    ] {
        let mut request = Request::builder().uri(format!("/api/v1/events{query}"));
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let answer = world
            .send(request.body(Body::empty()).unwrap(), "127.0.0.1:5")
            .await;
        let case = format!("{query} {last:?}");
        assert_eq!(answer.status().as_u16(), status, "{case}");
        let mut told = &responses[status.to_string()];
        if let Some(to) = told["$ref"].as_str() {
            told = document.pointer(to.trim_start_matches('#')).unwrap();
        }
        let kind = answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        let kind = kind.split(';').next().unwrap();
        assert!(!told["content"][kind].is_null(), "{case}: {kind} {told}");
        if status != 200 {
            assert!(
                Answer::of(answer).await.json()["code"].is_string(),
                "{case}"
            );
        }
    }
}
