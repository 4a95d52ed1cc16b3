//! Forms that say what makes no sense: refused in words, with what was entered still there.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use tocsin::desk::console::drill_words::DrillMsg;
use tocsin::desk::console::lang::Lang;
use tower::ServiceExt as _;

use super::server::{Server, serve};

async fn post(server: &Server, path: &str, body: String) -> (StatusCode, String) {
    let request = Request::post(path)
        .header(header::COOKIE, "as=coordinator; tocsin-lang=en")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body));
    let answer = server.router.clone().oneshot(request.unwrap()).await;
    let (parts, body) = answer.unwrap().into_parts();
    let bytes = to_bytes(body, 1 << 20).await.unwrap();
    (parts.status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drill_takes_no_seed_or_speed_that_is_no_number() {
    let server = serve(0).await;
    let form = |seed: &str, speed: &str| {
        format!("scenario=gas-leak-school&exercise=forms-1&seed={seed}&speed={speed}")
    };
    let said = Lang::En.t(DrillMsg::BadSpeed);
    for (path, seed, speed) in [
        ("/drills/check", "seven", "1"),
        ("/drills/check", "7.5", "1"),
        ("/drills/check", "-7", "1"),
        ("/drills", "seven", "1"),
        ("/drills", "7", "fast"),
    ] {
        let (status, page) = post(&server, path, form(seed, speed)).await;
        assert_eq!(
            status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{path} {seed} {speed}"
        );
        assert!(page.contains(said), "{path} {seed} {speed}");
        assert!(
            page.contains(&format!("value=\"{seed}\"")),
            "what was entered stays"
        );
        assert!(!page.contains("id=\"checked\""), "nothing was rehearsed");
    }
    let (status, page) = post(&server, "/drills/check", form("7", "1")).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert!(page.contains("id=\"checked\"") && !page.contains(said));
}
