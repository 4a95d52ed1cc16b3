//! The pages that stand before the console: login, and problems for people.
//!
//! Invariant: nothing of a request is repeated on them but the path to go back to, and that only when it is one of ours.

use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse as _, Response};
use maud::{DOCTYPE, Markup, html};

use super::problem::{Code, Problem};

/// Style sheet of the pages, served with the console's files.
pub const STYLES: &str = "/assets/console.css";
/// Where a person logs in.
pub const LOGIN: &str = "/login";

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Language {
    En,
    Zh,
}

impl Language {
    /// What the browser asks for: the first of both that it names, by order.
    pub fn of(headers: &HeaderMap) -> Self {
        let wished = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let wished = wished.split(',').find_map(|tag| {
            let tag = tag.trim().get(..2)?.to_ascii_lowercase();
            match tag.as_str() {
                "zh" => Some(Self::Zh),
                "en" => Some(Self::En),
                _ => None,
            }
        });
        wished.unwrap_or(Self::En)
    }

    fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-CN",
        }
    }

    fn of_two(self, en: &'static str, zh: &'static str) -> &'static str {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }
}

/// Whether a person waits for a page: not for the API, and not for a fragment that htmx fetches.
pub fn wanted(path: &str, headers: &HeaderMap) -> bool {
    let html = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("text/html"));
    html && !path.starts_with("/api/") && !headers.contains_key("hx-request")
}

/// The login that leads back to a page.
pub fn login_for(uri: &Uri) -> String {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if path == "/" {
        return LOGIN.to_owned();
    }
    let mut out = format!("{LOGIN}?next=");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A path of ours to go to after the login, or the board.
pub fn safe_next(next: &str) -> &str {
    let plain = next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let ours = next.starts_with('/') && !next.starts_with("//") && !next.starts_with(LOGIN);
    if plain && ours && next.len() <= 2_048 {
        next
    } else {
        "/"
    }
}

fn frame(language: Language, title: &str, inner: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                meta name="color-scheme" content="light dark";
                title { (title) " · Tocsin" }
                link rel="stylesheet" href=(STYLES);
            }
            body.gate { main.gate { h1 { (title) } (inner) } }
        }
    }
}

/// The login page; `wrong`: what was wrong with the last try.
pub fn login(language: Language, next: &str, wrong: Option<&Problem>) -> Markup {
    let say = |en, zh| language.of_two(en, zh);
    let inner = html! {
        @if let Some(problem) = wrong {
            p.wrong role="alert" { (explained(language, problem)) }
        }
        form method="post" action=(LOGIN) {
            input type="hidden" name="next" value=(safe_next(next));
            label for="token" { (say("Access token", "访问令牌")) }
            input #token type="password" name="token" required autofocus autocomplete="current-password"
                spellcheck="false" maxlength="128";
            button type="submit" { (say("Log in", "登录")) }
        }
        p.hint {
            (say("Operators make tokens with ", "令牌由运维人员创建："))
            code { "tocsin token create" }
        }
    };
    frame(language, say("Log in", "登录"), &inner)
}

/// A problem in words for people.
pub fn explained(language: Language, problem: &Problem) -> String {
    let say = |en: &str, zh: &str| match language {
        Language::En => en.to_owned(),
        Language::Zh => zh.to_owned(),
    };
    match problem.code {
        Code::TokenUnknown | Code::TokenMissing => say(
            "This token is not known. Check that it was copied whole.",
            "令牌无效，请检查是否完整复制。",
        ),
        Code::TokenExpired => say(
            "This token has expired. Ask an operator for another one.",
            "令牌已过期，请向运维人员申请新令牌。",
        ),
        Code::TokenRevoked => say(
            "This token was revoked. Ask an operator.",
            "令牌已被撤销，请联系运维人员。",
        ),
        Code::RateLimited => say(
            "Too many requests. Wait a moment and try again.",
            "请求过于频繁，请稍后再试。",
        ),
        Code::Forbidden => say("Your role does not allow this.", "您的角色无权执行此操作。"),
        Code::BadRequest => say(
            "The address, or what was sent, cannot be read. Go back, load the page again, then try once more.",
            "无法识别该地址或提交的内容，请返回、刷新页面后重试。",
        ),
        Code::MethodNotAllowed => say("This cannot be opened as a page.", "无法以页面形式打开。"),
        Code::BodyTooLarge => say("What was sent is too large.", "提交的内容过大。"),
        Code::Internal => say(
            "This is a defect of Tocsin; its log says more.",
            "Tocsin 出现内部错误，详情见日志。",
        ),
        Code::NotFound => say("There is no such page.", "页面不存在。"),
        Code::Unavailable | Code::Timeout => say(
            "The service does not answer at the moment. Try again.",
            "服务暂时无响应，请重试。",
        ),
        _ => problem.detail.clone(),
    }
}

/// An answer of the console: a status without a page of its own becomes a problem, which whoever waits for a page sees as one.
pub fn with_problem(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let bare = kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if bare && (status.is_client_error() || status.is_server_error()) {
        return Problem::of_status(status).into_response();
    }
    response
}

/// A problem as a page, where the answer is one and a person waits for it.
pub fn of_problem(language: Language, mut response: Response) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    let say = |en, zh| language.of_two(en, zh);
    let inner = html! {
        p.wrong role="alert" { (explained(language, &problem)) }
        p { code { (problem.status().as_u16()) " " (problem.title()) } }
        p { a href="/" { (say("To the board", "返回看板")) } " · " a href=(LOGIN) { (say("Log in", "登录")) } }
    };
    let title = say("That did not work", "操作未成功");
    let mut page = frame(language, title, &inner).into_response();
    *page.status_mut() = response.status();
    for (name, value) in response.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            page.headers_mut().insert(name, value.clone());
        }
    }
    page.headers_mut().insert(
        header::CONTENT_LANGUAGE,
        HeaderValue::from_static(language.tag()),
    );
    page
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[test]
    fn a_bare_status_is_a_page_in_either_language_and_a_page_stays_one() {
        for (status, en, zh) in [
            (404, "There is no such page.", "页面不存在。"),
            (400, "cannot be read", "无法识别"),
            (500, "defect", "内部错误"),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            for (language, words) in [(Language::En, en), (Language::Zh, zh)] {
                let bare = (status, "Invalid URL: UUID parsing failed").into_response();
                let shown = of_problem(language, with_problem(bare));
                assert_eq!(shown.status(), status);
                let body = axum::body::to_bytes(shown.into_body(), 100_000);
                let body = futures_util::FutureExt::now_or_never(body)
                    .unwrap()
                    .unwrap();
                let body = String::from_utf8(body.to_vec()).unwrap();
                assert!(body.contains(words) && !body.contains("UUID"), "{body}");
            }
            let page = (status, maud::html! { p { "words" } }).into_response();
            let kept = with_problem(page);
            assert!(kept.extensions().get::<Problem>().is_none());
            assert_eq!(kept.status(), status);
        }
        let fine = with_problem("text".into_response());
        assert_eq!(fine.status(), StatusCode::OK);
    }

    #[test]
    fn nobody_is_sent_elsewhere() {
        for next in ["/", "/incidents/1?x=1&y=2", "/agenda"] {
            assert_eq!(safe_next(next), next);
        }
        for next in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\nb",
            "javascript:x",
            "/login?next=/",
        ] {
            assert_eq!(safe_next(next), "/", "{next:?}");
        }
        let uri = Uri::from_static("/board?level=red&x=%22");
        assert_eq!(
            login_for(&uri),
            "/login?next=/board%3Flevel%3Dred%26x%3D%2522"
        );
        assert_eq!(login_for(&Uri::from_static("/")), "/login");
    }

    #[test]
    fn the_browsers_language() {
        let of = |value: &'static str| {
            let value = HeaderValue::from_static(value);
            Language::of(&HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, value)]))
        };
        assert_eq!(of("zh-CN,zh;q=0.9,en;q=0.8"), Language::Zh);
        assert_eq!(of("fr,en-GB"), Language::En);
        assert_eq!(of("fr"), Language::En);
        assert_eq!(Language::of(&HeaderMap::new()), Language::En);
    }

    #[test]
    fn a_path_back_is_escaped() {
        let page = login(Language::En, "/\"><script>", None).into_string();
        assert!(!page.contains("<script"), "{page}");
        assert!(!page.contains(" style="), "{page}");
    }
}
