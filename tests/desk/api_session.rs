//! Who is at the other end: sessions, forms from elsewhere, headers, proxies, too many questions.

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::json;
use tocsin::core::obligation::{Actor, Role};
use tocsin::desk::http::access::HttpLimits;
use tocsin::desk::http::counted::Limit;
use tocsin::desk::http::headers::{CSP, HSTS};
use tocsin::desk::http::peer::Reach;
use tocsin::desk::http::rate::Rate;

use super::api_world::{Answer, NOW, WIDE, World};

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
    world
        .access
        .tokens()
        .revoke(&name, &Actor::new("-", Role::Operator), NOW)
        .await
        .unwrap();
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
