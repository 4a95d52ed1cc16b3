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

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scenario_is_refused_with_its_findings_and_stays_as_it_was_entered() {
    let server = serve(0).await;
    let text = "id: <b>\r\ntitle: 1 < 2 & \"3\"\r\n";
    let body = format!("text={}", encoded(text));
    let (status, page) = post(&server, "/scenarios", body.clone()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    assert!(page.contains(Lang::En.t(DrillMsg::HasErrors)), "{page}");
    for code in ["T0303", "T0304"] {
        assert!(page.contains(code), "{code}: {page}");
    }
    let kept = "id: &lt;b&gt;\ntitle: 1 &lt; 2 &amp; &quot;3&quot;\n</textarea>";
    assert!(page.contains(kept), "{page}");
    let (status, page) = post(&server, "/scenarios/check", body).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("T0304") && !page.contains("id=\"checked\""));
    let long = format!("text={}", "a".repeat((32 << 10) + 1));
    let (status, page) = post(&server, "/scenarios", long.clone()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("at most 32768 bytes"), "{page}");
    let (status, _) = post(&server, "/scenarios/download", long).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let (status, file) = post(
        &server,
        "/scenarios/download",
        format!("text={}", encoded(text)),
    )
    .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(file, text.replace('\r', ""), "as it was entered");
}
