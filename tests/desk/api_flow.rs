//! What people run into: conflicts, sessions, forms, limits, hostile text.

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};
use tocsin::core::model::Status;
use tocsin::core::obligation::Role;
use tocsin::desk::Synthetic;
use tocsin::desk::http::access::HttpLimits;
use tocsin::desk::http::counted::Limit;
use tocsin::desk::http::headers::{CSP, HSTS};
use tocsin::desk::http::peer::Reach;
use tocsin::desk::http::rate::Rate;

use super::api_world::{Answer, NOW, WIDE, World, rules};

#[tokio::test]
async fn of_two_officers_the_slower_one_is_told_and_overwrites_nothing() {
    let world = World::new().await;
    let incident = world.fire().await;
    let fire = world.token(Role::Officer, Some("fire")).await;
    let other = world.token(Role::Officer, Some("fire")).await;
    let path = format!("/api/v1/incidents/{incident}");
    let seen = world.get(&path, &fire).await;
    let version = seen.json()["case"]["version"].as_u64().unwrap();
    assert_eq!(seen.headers["etag"], format!("\"{version}\""));

    let take = json!({"action": "acknowledge", "department": "fire"});
    let done = world.act(incident, &fire, version, &take).await;
    assert_eq!(done.status, 200, "{}", done.text);
    let now = done.json()["case"]["version"].as_u64().unwrap();
    assert_ne!(now, version);
    assert_eq!(done.headers["etag"], format!("\"{now}\""));

    let dispose = json!({"action": "dispose", "department": "fire", "disposition": "false_alarm"});
    let late = world.act(incident, &other, version, &dispose).await;
    assert_eq!(
        (late.status, late.code().as_str()),
        (412, "version_conflict")
    );
    assert_eq!(late.json()["version"].as_u64(), Some(now));
    assert_eq!(late.headers["etag"], format!("\"{now}\""));
    let kept = world.get(&path, &other).await.json();
    assert_eq!(kept["case"]["version"].as_u64(), Some(now));
    assert_eq!(kept["incident"]["verdict"], Value::Null);

    // Having looked again, it is done.
    let done = world.act(incident, &other, now, &dispose).await;
    assert_eq!(done.status, 200, "{}", done.text);
    let again = done.json()["case"]["version"].as_u64().unwrap();
    let twice = world.act(incident, &other, again, &dispose).await;
    assert_eq!((twice.status, twice.code().as_str()), (409, "refused"));
    assert_eq!(twice.json()["reason"], "not_pending");

    let actions = format!("{path}/actions");
    let without = world
        .ask(Method::POST, &actions, &fire, &[], Some(&take))
        .await;
    assert_eq!(
        (without.status, without.code().as_str()),
        (428, "precondition_required")
    );
    let any = world
        .ask(
            Method::POST,
            &actions,
            &fire,
            &[("if-match", "*")],
            Some(&take),
        )
        .await;
    assert_eq!(any.status, 400);
    let history = world.get(&format!("{path}/history"), &fire).await.json();
    let kinds: Vec<&str> = history["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds.iter().filter(|kind| **kind == "disposed").count(),
        1,
        "{kinds:?}"
    );
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let world = World::new().await;
    world.incidents(25, Status::Actual).await;
    world.incidents(3, Status::Exercise).await;
    let token = world.token(Role::ReadOnly, None).await;
    let (mut seen, mut path) = (Vec::new(), "/api/v1/incidents?limit=7".to_owned());
    loop {
        let page = world.get(&path, &token).await.json();
        let rows = page["incidents"].as_array().unwrap().clone();
        assert!(rows.len() <= 7);
        seen.extend(rows);
        match page["next"].as_str() {
            Some(next) => path = format!("/api/v1/incidents?limit=7&after={next}"),
            None => break,
        }
    }
    let mut ids: Vec<&str> = seen
        .iter()
        .map(|row| row["incident"].as_str().unwrap())
        .collect();
    assert!(
        seen.iter().all(|row| row["status"] == "actual"),
        "an exercise is not on the board"
    );
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), seen.len()), (25, 25));
    let exercises = world
        .get("/api/v1/incidents?status=exercise", &token)
        .await
        .json();
    assert_eq!(exercises["incidents"].as_array().unwrap().len(), 3);
    for wrong in [
        "limit=0",
        "limit=501",
        "after=x",
        "q=",
        "status=all",
        "nonsense=1",
        "level=pink",
        "hazard=people",
    ] {
        let answer = world
            .get(&format!("/api/v1/incidents?{wrong}"), &token)
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "bad_value"),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn what_changed_while_somebody_was_away() {
    let world = World::new().await;
    let before = world.incidents(4, Status::Actual).await;
    let token = world.token(Role::Analyst, None).await;
    world.clock.advance(3_600_000);
    let away = world.clock_text();
    world.clock.advance(1_000);
    let note = json!({"action": "note", "text": "looked at it"});
    assert_eq!(
        world
            .act(before[2], &token, world.version(before[2]).await, &note)
            .await
            .status,
        200
    );
    let since = world
        .get(&format!("/api/v1/since?at={away}"), &token)
        .await
        .json();
    let ids: Vec<&str> = since["incidents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["incident"].as_str().unwrap())
        .collect();
    assert_eq!(ids, [before[2].to_string()]);
    assert_eq!(since["closed"], json!([]));
}

#[tokio::test]
async fn a_call_goes_the_way_of_every_report_and_names_nobody() {
    let world = World::new().await;
    let analyst = world.token(Role::Analyst, None).await;
    let call = json!({"title": "冒烟 call 13812345678", "text": "smoke\u{202e} from a roof\nmail a.b@example.org", "hazard": "fire",
        "place": "cn-310115"});
    let answer = world
        .ask(Method::POST, "/api/v1/reports", &analyst, &[], Some(&call))
        .await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let kept = world.reports.0.lock().unwrap().clone();
    let (key, record) = &kept[0];
    assert_eq!(answer.json(), json!({"feed": "tocsin.manual", "id": key}));
    let text = record.to_string();
    assert!(
        !text.contains("13812345678")
            && !text.contains("example.org")
            && !text.contains('\u{202e}'),
        "{text}"
    );
    assert_eq!(record["place"]["code"], "cn-310115");
    for (field, value) in [
        ("place", json!("nowhere")),
        ("hazard", json!("people")),
        ("title", json!(" ")),
        ("caller", json!("x")),
    ] {
        let mut wrong = call.clone();
        wrong[field] = value;
        let answer = world
            .ask(Method::POST, "/api/v1/reports", &analyst, &[], Some(&wrong))
            .await;
        assert_eq!(answer.status, 422, "{field}: {}", answer.text);
    }
    assert_eq!(world.reports.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn tokens_are_made_and_taken_back_over_the_api() {
    let world = World::new().await;
    let operator = world.token(Role::Operator, None).await;
    let wish = json!({"name": "fire desk", "role": "officer", "department": "fire", "days": 7});
    let made = world
        .ask(Method::POST, "/api/v1/tokens", &operator, &[], Some(&wish))
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (made, text) = (made.json(), made.text.clone());
    let token = made["token"].as_str().unwrap();
    assert_eq!(text.matches(token).count(), 1);
    let me = world.get("/api/v1/me", token).await.json();
    assert_eq!(
        (me["name"].as_str(), me["department"].as_str()),
        (Some("fire desk"), Some("fire"))
    );
    assert!(
        !world
            .get("/api/v1/tokens?all=true", &operator)
            .await
            .text
            .contains(token)
    );
    let twice = world
        .ask(Method::POST, "/api/v1/tokens", &operator, &[], Some(&wish))
        .await;
    assert_eq!((twice.status, twice.code().as_str()), (409, "taken"));
    let path = format!("/api/v1/tokens/{}", made["id"].as_str().unwrap());
    let gone = world
        .ask(Method::DELETE, &path, &operator, &[], None)
        .await
        .json();
    assert_eq!(gone["standing"], "revoked");
    assert_eq!(world.get("/api/v1/me", token).await.code(), "token_revoked");
}

/// Sends a form, with a cookie or without.
async fn form(
    world: &World,
    path: &str,
    cookie: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "text/html");
    if !cookie.is_empty() {
        request = request.header(header::COOKIE, cookie);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(
        world
            .send(
                request.body(Body::from(body.to_owned())).unwrap(),
                "127.0.0.1:5",
            )
            .await,
    )
    .await
}

async fn page(world: &World, path: &str, cookie: &str) -> Answer {
    let request = Request::builder()
        .uri(path)
        .header(header::ACCEPT, "text/html")
        .header(header::COOKIE, cookie);
    Answer::of(
        world
            .send(request.body(Body::empty()).unwrap(), "127.0.0.1:5")
            .await,
    )
    .await
}

/// The cookie of a session of this token.
async fn log_in(world: &World, token: &str) -> String {
    let answer = form(
        world,
        "/login",
        "",
        &[],
        &format!("token={token}&next=%2Fagenda"),
    )
    .await;
    assert_eq!(
        (answer.status, &answer.headers["location"]),
        (303, &header::HeaderValue::from_static("/agenda"))
    );
    let set = answer.headers["set-cookie"].to_str().unwrap();
    assert!(
        set.contains("HttpOnly") && set.contains("SameSite=Strict") && set.contains("Path=/"),
        "{set}"
    );
    assert!(!set.contains(token));
    set.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_session_is_begun_by_a_token_and_ended_by_logout_or_revocation() {
    let world = World::new().await;
    let token = world.token(Role::Analyst, None).await;
    let wrong = form(&world, "/login", "", &[], "token=tocsin_x&next=/").await;
    assert_eq!(wrong.status, 401);
    assert!(!wrong.headers.contains_key("set-cookie"));
    let elsewhere = form(
        &world,
        "/login",
        "",
        &[("origin", "https://evil.example")],
        &format!("token={token}"),
    )
    .await;
    assert_eq!(elsewhere.status, 403);

    let cookie = log_in(&world, &token).await;
    let me = page(&world, "/api/v1/me", &cookie).await;
    assert_eq!(me.status, 200, "{}", me.text);
    let csrf = me.json()["csrf"].as_str().unwrap().to_owned();
    assert_eq!(form(&world, "/logout", &cookie, &[], "").await.status, 403);
    let out = form(&world, "/logout", &cookie, &[], &format!("csrf={csrf}")).await;
    assert_eq!(out.status, 303);
    assert!(
        out.headers["set-cookie"]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    assert_eq!(
        page(&world, "/api/v1/me", &cookie).await.code(),
        "token_missing"
    );

    let cookie = log_in(&world, &token).await;
    let name = world.get("/api/v1/me", &token).await.json()["name"]
        .as_str()
        .unwrap()
        .to_owned();
    world.access.tokens().revoke(&name, NOW).await.unwrap();
    assert_eq!(page(&world, "/api/v1/me", &cookie).await.status, 401);
}

#[tokio::test]
async fn a_change_by_cookie_needs_the_csrf_token_of_its_own_session() {
    let world = World::new().await;
    let incident = world.fire().await;
    let token = world.token(Role::Analyst, None).await;
    let cookie = log_in(&world, &token).await;
    let other = log_in(&world, &token).await;
    let csrf = async |cookie: &str| {
        page(&world, "/api/v1/me", cookie).await.json()["csrf"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (own, others) = (csrf(&cookie).await, csrf(&other).await);
    assert_ne!(own, others);
    let version = world.version(incident).await;
    let tag = format!("\"{version}\"");
    let act = async |headers: &[(&str, &str)]| {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("/api/v1/incidents/{incident}/actions"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::IF_MATCH, &tag)
            .header(header::COOKIE, &cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Body::from(json!({"action": "note", "text": "x"}).to_string());
        Answer::of(world.send(request.body(body).unwrap(), "127.0.0.1:5").await).await
    };
    for wrong in [
        &[][..],
        &[("x-csrf-token", "")],
        &[("x-csrf-token", others.as_str())],
        &[
            ("x-csrf-token", own.as_str()),
            ("origin", "http://evil.example"),
        ],
        &[
            ("x-csrf-token", own.as_str()),
            ("sec-fetch-site", "cross-site"),
        ],
    ] {
        let answer = act(wrong).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (403, "cross_site"),
            "{wrong:?}"
        );
    }
    assert_eq!(world.version(incident).await, version);
    let done = act(&[("x-csrf-token", &own), ("origin", "http://127.0.0.1:8480")]).await;
    assert_eq!(done.status, 200, "{}", done.text);
}

#[tokio::test]
async fn every_answer_has_the_headers_that_keep_it_safe() {
    let world = World::new().await;
    let token = world.token(Role::Analyst, None).await;
    for (path, token) in [
        ("/api/v1/me", token.as_str()),
        ("/api/v1/me", ""),
        ("/login", ""),
        ("/nowhere", ""),
        ("/api/v1/openapi.json", ""),
    ] {
        let answer = world.get(path, token).await;
        assert_eq!(answer.headers["content-security-policy"], CSP, "{path}");
        assert_eq!(
            answer.headers["x-content-type-options"], "nosniff",
            "{path}"
        );
        assert_eq!(answer.headers["x-frame-options"], "DENY", "{path}");
        assert_eq!(answer.headers["referrer-policy"], "same-origin", "{path}");
        assert_eq!(answer.headers["cache-control"], "no-store", "{path}");
        assert!(
            !answer.headers.contains_key("strict-transport-security"),
            "{path}"
        );
    }
    assert!(!CSP.contains("unsafe") && CSP.starts_with("default-src 'none'"));
    let put = world
        .ask(Method::PUT, "/api/v1/me", &token, &[], None)
        .await;
    assert_eq!(
        (put.status, put.code().as_str()),
        (405, "method_not_allowed")
    );
    assert!(
        put.headers["allow"].to_str().unwrap().contains("GET"),
        "{put:?}"
    );
    assert_eq!(world.get("/nowhere", &token).await.code(), "not_found");
}

#[tokio::test]
async fn behind_a_proxy_cookies_are_secure_and_only_the_proxy_is_heard() {
    let reach = Reach {
        external_url: Some("https://desk.example".parse().unwrap()),
        proxies: vec!["10.0.0.5".parse().unwrap()],
    };
    let world = World::with(WIDE, reach).await;
    let token = world.token(Role::Analyst, None).await;
    let ask = async |peer: &str, host: &str| {
        let request = Request::builder()
            .uri("/api/v1/me")
            .header(header::HOST, host)
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        Answer::of(world.send(request.body(Body::empty()).unwrap(), peer).await).await
    };
    let heard = ask("10.0.0.5:1", "desk.example").await;
    assert_eq!(
        (heard.status, &heard.headers["strict-transport-security"]),
        (200, &header::HeaderValue::from_static(HSTS))
    );
    assert_eq!(ask("10.0.0.6:1", "desk.example").await.status, 403);
    assert_eq!(
        ask("10.0.0.5:1", "rebound.example").await.code(),
        "wrong_host"
    );
    let request = Request::builder()
        .method(Method::POST)
        .uri("/login")
        .header(header::HOST, "desk.example")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = world
        .send(
            request.body(Body::from(format!("token={token}"))).unwrap(),
            "10.0.0.5:1",
        )
        .await;
    let set = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(
        set.starts_with("__Host-tocsin=") && set.contains("; Secure"),
        "{set}"
    );
}

#[tokio::test]
async fn who_asks_too_often_or_guesses_is_held_off_and_counted() {
    let limits = HttpLimits {
        token_rate: Rate {
            per_minute: 60,
            burst: 5,
        },
        wrong_rate: Rate {
            per_minute: 6,
            burst: 3,
        },
        body: 1_000,
        ..WIDE
    };
    let world = World::with(limits, Reach::default()).await;
    let (one, other) = (
        world.token(Role::Analyst, None).await,
        world.token(Role::Analyst, None).await,
    );
    for _ in 0..5 {
        assert_eq!(world.get("/api/v1/me", &one).await.status, 200);
    }
    let held = world.get("/api/v1/me", &one).await;
    assert_eq!((held.status, held.code().as_str()), (429, "rate_limited"));
    assert_eq!(held.headers["retry-after"], "1");
    assert_eq!(
        world.get("/api/v1/me", &other).await.status,
        200,
        "another token is not held off"
    );
    world.clock.advance(1_000);
    assert_eq!(world.get("/api/v1/me", &one).await.status, 200);
    assert_eq!(world.access.counted().hits(Limit::TokenRate), 1);

    for _ in 0..3 {
        assert_eq!(
            world
                .get("/api/v1/me", "tocsin_0123456789abcdef_x")
                .await
                .status,
            401
        );
    }
    // Even a right one: otherwise a guess would be told apart.
    assert_eq!(world.get("/api/v1/me", &other).await.status, 429);
    assert_eq!(world.access.counted().hits(Limit::WrongTokens), 1);
    world.clock.advance(60_000);
    assert_eq!(world.get("/api/v1/me", &other).await.status, 200);

    let analyst = world.token(Role::Analyst, None).await;
    let long = json!({"title": "x".repeat(2_000), "hazard": "fire", "place": "cn-310115"});
    let answer = world
        .ask(Method::POST, "/api/v1/reports", &analyst, &[], Some(&long))
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (413, "body_too_large")
    );
    assert_eq!(world.access.counted().hits(Limit::Body), 1);
}

/// Text that would do something in a page, a spreadsheet, a Markdown reader, a terminal.
const HOSTILE: &str = "=HYPERLINK(\"http://evil.example\") <script>alert(1)</script> [x](javascript:alert(1)) \u{1b}[31m\u{202e}|`\r\n# h";

#[tokio::test]
async fn hostile_text_is_text_everywhere() {
    let world = World::new().await;
    let made = Synthetic::new(400, 1, rules().routing.clone());
    let mut alert = made
        .alerts()
        .find(|alert| alert.level.id() == "red")
        .unwrap();
    alert.headline.en = HOSTILE.to_owned();
    alert.headline.zh = HOSTILE.to_owned();
    alert.evidence[0].title = HOSTILE.to_owned();
    alert.evidence[0].excerpt = HOSTILE.to_owned();
    alert.place.name = HOSTILE.into();
    let incident = alert.incident_id;
    world.desk.absorb_alerts([alert]).await.unwrap();
    let analyst = world.token(Role::Analyst, None).await;
    let note = json!({"action": "note", "text": HOSTILE});
    let noted = world
        .act(incident, &analyst, world.version(incident).await, &note)
        .await;
    assert_eq!(noted.status, 200, "{}", noted.text);

    let unsafe_char = |c: char| (c.is_control() && c != '\n' && c != '\r') || c == '\u{202e}';
    for path in [
        "/api/v1/incidents".to_owned(),
        format!("/api/v1/incidents/{incident}"),
        format!("/api/v1/incidents/{incident}/revisions"),
        format!("/api/v1/incidents/{incident}/history"),
        "/api/v1/agenda".to_owned(),
        "/api/v1/audit".to_owned(),
        "/api/v1/since?at=2020-01-01T00:00:00Z".to_owned(),
    ] {
        let answer = world.get(&path, &analyst).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.headers["content-type"], "application/json", "{path}");
        // Neither as such nor escaped.
        let lower = answer.text.to_lowercase();
        assert!(!answer.text.chars().any(unsafe_char), "{path}");
        for escaped in ["\\u001b", "\\u202e", "\\r", "\\n"] {
            assert!(!lower.contains(escaped), "{path} {escaped}");
        }
    }
    let csv = world.get("/api/v1/agenda.csv", &analyst).await;
    let text = csv.text.trim_start_matches('\u{feff}');
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1);
    assert!(
        rows[0]
            .iter()
            .all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])),
        "{rows:?}"
    );
    assert!(!text.chars().any(unsafe_char));
    assert!(
        csv.headers["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("attachment")
    );

    let markdown = world.get("/api/v1/agenda.md?lang=zh", &analyst).await.text;
    assert!(
        !markdown.contains("<script")
            && !markdown.contains("](javascript")
            && !markdown.contains("http://"),
        "{markdown}"
    );
    assert!(!markdown.chars().any(unsafe_char), "{markdown}");
    assert_eq!(
        markdown
            .lines()
            .filter(|line| line.starts_with('#'))
            .count(),
        2,
        "{markdown}"
    );
}
