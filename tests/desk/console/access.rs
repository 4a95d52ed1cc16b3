//! Every address of the console × role × own and other department. An address without an entry fails.

use std::collections::BTreeSet;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use tocsin::desk::BoardFilter;
use tower::ServiceExt as _;
use uuid::Uuid;

use super::server::{Server, serve};

/// Who: read-only, analyst, officer of fire, coordinator, operator.
const WHO: [&str; 5] = [
    "read_only",
    "analyst",
    "officer.fire",
    "coordinator",
    "operator",
];

/// Method, address as it is declared, what is asked, the form, and for each of [`WHO`] whether it is let in.
type Entry = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

/// `{incident}` and `{version}` are those of an open one, `{silence}` one that waits for its second word.
const TABLE: &[Entry] = &[
    ("GET", "/", "/", "", "yyyyy"),
    ("GET", "/board/more", "/board/more?level=red", "", "yyyyy"),
    ("GET", "/live/board", "/live/board", "", "yyyyy"),
    (
        "GET",
        "/incidents/{id}",
        "/incidents/{incident}",
        "",
        "yyyyy",
    ),
    (
        "POST",
        "/incidents/{id}/act",
        "/incidents/{incident}/act",
        "action=note&text=x&version={version}",
        "-yyy-",
    ),
    (
        "POST",
        "/incidents/{id}/act",
        "/incidents/{incident}/act",
        "action=meeting&reason=x&version={version}",
        "-yyy-",
    ),
    (
        "POST",
        "/incidents/{id}/act",
        "/incidents/{incident}/act",
        "action=uncorrect&field=level&reason=x&version={version}",
        "-y-y-",
    ),
    (
        "POST",
        "/incidents/{id}/act",
        "/incidents/{incident}/act",
        "action=assess&disposition=confirmed&reason=x&version={version}",
        "-y-y-",
    ),
    (
        "POST",
        "/incidents/{id}/act",
        "/incidents/{incident}/act",
        "action=acknowledge&department=fire&version={version}",
        "--yy-",
    ),
    (
        "POST",
        "/incidents/{id}/act",
        "/incidents/{incident}/act",
        "action=acknowledge&department=health&version={version}",
        "---y-",
    ),
    (
        "POST",
        "/incidents/{id}/act",
        "/incidents/{incident}/act",
        "action=waive&department=health&reason=x&version={version}",
        "---y-",
    ),
    (
        "GET",
        "/live/incidents/{id}",
        "/live/incidents/{incident}",
        "",
        "yyyyy",
    ),
    ("GET", "/agenda", "/agenda", "", "yyyyy"),
    ("GET", "/departments", "/departments", "", "yyyyy"),
    ("GET", "/departments/{id}", "/departments/fire", "", "yyyyy"),
    (
        "GET",
        "/departments/{id}",
        "/departments/health",
        "",
        "yy-yy",
    ),
    ("GET", "/search", "/search?q=x", "", "yyyyy"),
    ("GET", "/since", "/since?hours=8", "", "yyyyy"),
    ("GET", "/report", "/report", "", "-y-y-"),
    (
        "POST",
        "/report",
        "/report",
        "title=smoke&hazard=fire&place=cn-610113",
        "-y-y-",
    ),
    ("GET", "/places", "/places?place=x", "", "yyyyy"),
    ("GET", "/rules", "/rules", "", "yyyyy"),
    ("GET", "/feeds", "/feeds", "", "yyyyy"),
    ("GET", "/audit", "/audit", "", "-y-yy"),
    ("GET", "/silences", "/silences", "", "yyyyy"),
    (
        "POST",
        "/silences",
        "/silences",
        "level=orange&hours=3&reason=x",
        "-y-yy",
    ),
    (
        "POST",
        "/silences",
        "/silences",
        "department=fire&hours=3&reason=x",
        "-yyyy",
    ),
    (
        "POST",
        "/silences",
        "/silences",
        "department=health&hours=3&reason=x",
        "-y-yy",
    ),
    (
        "POST",
        "/silences",
        "/silences",
        "hazard=fire&hours=3&reason=x&covers_red=1",
        "-y-y-",
    ),
    (
        "POST",
        "/silences/{id}/red",
        "/silences/{silence}/red",
        "understood=1&version={silent}",
        "-y-y-",
    ),
    (
        "POST",
        "/silences/{id}/end",
        "/silences/{silence}/end",
        "reason=x&version={silent}",
        "-y-yy",
    ),
    ("GET", "/drills", "/drills", "", "---y-"),
    ("POST", "/drills", "/drills", "scenario=none", "---y-"),
    (
        "POST",
        "/drills/check",
        "/drills/check",
        "scenario=none",
        "---y-",
    ),
    ("GET", "/drills/{exercise}", "/drills/none", "", "---y-"),
    (
        "GET",
        "/drills/{exercise}/progress",
        "/drills/none/progress",
        "",
        "---y-",
    ),
    (
        "POST",
        "/drills/{exercise}/stop",
        "/drills/none/stop",
        "",
        "---y-",
    ),
    ("GET", "/scenarios", "/scenarios?id=x", "", "---y-"),
    ("POST", "/scenarios", "/scenarios", "text=x", "---y-"),
    (
        "POST",
        "/scenarios/check",
        "/scenarios/check",
        "text=x",
        "---y-",
    ),
    (
        "POST",
        "/scenarios/download",
        "/scenarios/download",
        "text=x",
        "---y-",
    ),
    ("POST", "/preferences", "/preferences", "lang=en", "yyyyy"),
];

/// Decided by what it does, below: it answers with the row as it stands.
const BY_EFFECT: &str = "/board/acknowledge";

#[test]
fn every_address_has_an_entry() {
    let sources = [
        include_str!("../../../src/desk/console/routes.rs"),
        include_str!("../../../src/desk/console/scenarios.rs"),
    ];
    let mut declared = BTreeSet::new();
    for line in sources.iter().flat_map(|text| text.lines()) {
        let Some(rest) = line.trim().strip_prefix(".route(\"") else {
            continue;
        };
        let (path, how) = rest.split_once('"').unwrap();
        for (method, by) in [("GET", "get("), ("POST", "post(")] {
            if how.contains(by) {
                declared.insert((method, path));
            }
        }
    }
    let mut listed: BTreeSet<_> = TABLE.iter().map(|it| (it.0, it.1)).collect();
    listed.insert(("POST", BY_EFFECT));
    assert_eq!(
        listed, declared,
        "the table of this test and the routes differ"
    );
}

async fn ask(
    server: &Server,
    who: &str,
    method: &str,
    path: &str,
    form: &str,
) -> (StatusCode, String) {
    let request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(path)
        .header(header::COOKIE, format!("as={who}; tocsin-lang=en"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()));
    let answer = server
        .router
        .clone()
        .oneshot(request.unwrap())
        .await
        .unwrap();
    let (parts, body) = answer.into_parts();
    if path.starts_with("/live/") {
        // Without end.
        return (parts.status, String::new());
    }
    let to = parts.headers.get(header::LOCATION);
    let to = to.map(|it| it.to_str().unwrap().to_owned());
    let bytes = to_bytes(body, 8 << 20).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    (parts.status, to.unwrap_or(text))
}

/// A silence that asks for red, by an account that is not `who`.
async fn asked_for(server: &Server, who: &str) -> (Uuid, u64) {
    let other = if who == "coordinator" {
        "analyst"
    } else {
        "coordinator"
    };
    let form = "hazard=flood&hours=3&reason=x&covers_red=1";
    let (status, to) = ask(server, other, "POST", "/silences", form).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{to}");
    let id = to.rsplit_once("#s-").unwrap().1.parse().unwrap();
    (id, server.desk.silence(id).await.unwrap().version)
}

/// One that fire and health have something to do with.
async fn shared(server: &Server) -> Uuid {
    let page = server.desk.board(&BoardFilter::default(), None, 500).await;
    let owes = |id: &'static str| {
        move |it: &tocsin::core::obligation::RowObligation| &*it.department == id
    };
    let found = page.unwrap().items.into_iter().find(|row| {
        row.obligations.iter().any(owes("fire")) && row.obligations.iter().any(owes("health"))
    });
    found.expect("an incident of both").incident
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_may_what_the_table_says_and_nothing_else() {
    let server = serve(0).await;
    let incident = shared(&server).await;
    for (method, declared, path, form, letters) in TABLE {
        for (who, letter) in WHO.into_iter().zip(letters.chars()) {
            let version = server.desk.case(incident).await.unwrap().version;
            let (silence, silent) = if declared.starts_with("/silences/") {
                asked_for(&server, who).await
            } else {
                (Uuid::nil(), 0)
            };
            let filled = |text: &str| {
                text.replace("{incident}", &incident.to_string())
                    .replace("{version}", &version.to_string())
                    .replace("{silence}", &silence.to_string())
                    .replace("{silent}", &silent.to_string())
            };
            let (status, text) = ask(&server, who, method, &filled(path), &filled(form)).await;
            let case = format!("{who} {method} {path} {form}: {status}");
            if letter == '-' {
                assert_eq!(status, StatusCode::FORBIDDEN, "{case}");
                let now = server.desk.case(incident).await.unwrap().version;
                assert_eq!(now, version, "{case}: nothing happened");
                continue;
            }
            assert_ne!(status, StatusCode::FORBIDDEN, "{case}: {text}");
            assert!(!status.is_server_error(), "{case}: {text}");
            let absent = path.contains("none");
            assert!(absent || status != StatusCode::NOT_FOUND, "{case}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_is_acknowledged_by_those_who_may() {
    for (who, may) in WHO.into_iter().zip([false, true, true, true, false]) {
        let server = serve(0).await;
        let incident = shared(&server).await;
        let version = server.desk.case(incident).await.unwrap().version;
        let form = format!("incident={incident}&version={version}");
        let (status, row) = ask(&server, who, "POST", BY_EFFECT, &form).await;
        assert_eq!(status, StatusCode::OK, "{who}: {row}");
        let now = server.desk.case(incident).await.unwrap().version;
        assert_eq!(now > version, may, "{who}");
    }
}

/// Forms that change what is there, each with what it would do.
const VERSIONED: [(&str, &str); 4] = [
    ("/board/acknowledge", "incident={incident}"),
    ("/incidents/{id}/act", "action=note&text=x"),
    ("/silences/{id}/red", "understood=1"),
    ("/silences/{id}/end", "reason=x"),
];
/// Forms that make something new, or hold whatever somebody else has done since.
const FREE: [&str; 9] = [
    "/report",
    "/silences",
    "/drills",
    "/drills/check",
    "/drills/{exercise}/stop",
    "/scenarios",
    "/scenarios/check",
    "/scenarios/download",
    "/preferences",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_without_the_version_that_was_seen_changes_nothing() {
    let listed: BTreeSet<&str> = VERSIONED.iter().map(|it| it.0).chain(FREE).collect();
    assert_eq!(listed.len(), VERSIONED.len() + FREE.len());
    let posts = TABLE.iter().filter(|it| it.0 == "POST").map(|it| it.1);
    let posts: BTreeSet<&str> = posts.chain([BY_EFFECT]).collect();
    assert_eq!(listed, posts, "a form is in neither list");
    let server = serve(0).await;
    let incident = shared(&server).await;
    let (silence, silent) = asked_for(&server, "analyst").await;
    for (path, form) in VERSIONED {
        let id = if path.starts_with("/silences") {
            silence
        } else {
            incident
        };
        let path = path.replace("{id}", &id.to_string());
        let form = form.replace("{incident}", &incident.to_string());
        let before = server.desk.case(incident).await.unwrap().version;
        for broken in [form.clone(), format!("{form}&version=x")] {
            let (status, text) = ask(&server, "analyst", "POST", &path, &broken).await;
            let refused = [StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY];
            assert!(
                refused.contains(&status),
                "{path} {broken}: {status} {text}"
            );
        }
        assert_eq!(server.desk.case(incident).await.unwrap().version, before);
        let now = server.desk.silence(silence).await.unwrap().version;
        assert_eq!(now, silent, "{path}");
    }
}
