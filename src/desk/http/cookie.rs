//! The session's cookie.
//!
//! Invariant: no script reads it, no other site sends it, and over TLS no other host of the domain can set it.

use axum::http::{HeaderMap, HeaderValue};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};

use super::sessions::SessionLife;
use crate::config::Secret;

/// Name over TLS: the prefix makes browsers insist on `Secure`, `Path=/` and no `Domain` (RFC 6265bis, 4.1.3.2).
const SECURE_NAME: &str = "__Host-tocsin";
/// Name on loopback without TLS.
const PLAIN_NAME: &str = "tocsin_session";

fn name(secure: bool) -> &'static str {
    if secure { SECURE_NAME } else { PLAIN_NAME }
}

/// The session's secret in a request.
pub fn session_of(headers: &HeaderMap, secure: bool) -> Option<String> {
    let jar = CookieJar::from_headers(headers);
    let value = jar.get(name(secure))?.value().to_owned();
    (!value.is_empty() && value.len() <= 128).then_some(value)
}

fn written(value: String, secure: bool, seconds: i64) -> HeaderValue {
    // `Max-Age` and not `Expires`: the browser's clock does not matter.
    let mut cookie = Cookie::build((name(secure), value))
        .path("/")
        .http_only(true)
        .secure(secure)
        .same_site(SameSite::Strict)
        .build()
        .to_string();
    cookie.push_str(&format!("; Max-Age={seconds}"));
    // base64url and attributes of ours: always a header value.
    HeaderValue::from_str(&cookie).unwrap_or(HeaderValue::from_static(""))
}

/// `Set-Cookie` of a session that begins.
pub fn set(secret: &Secret, secure: bool, life: SessionLife) -> HeaderValue {
    written(secret.expose().to_owned(), secure, life.absolute / 1_000)
}

/// `Set-Cookie` of a session that is over.
pub fn clear(secure: bool) -> HeaderValue {
    written(String::new(), secure, 0)
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;

    const LIFE: SessionLife = SessionLife {
        idle: 1_000,
        absolute: 3_600_000,
    };

    #[test]
    fn attributes() {
        let set = set(&Secret::new("abc"), true, LIFE);
        assert_eq!(
            set,
            "__Host-tocsin=abc; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=3600"
        );
        let set = super::set(&Secret::new("abc"), false, LIFE);
        assert_eq!(
            set,
            "tocsin_session=abc; HttpOnly; SameSite=Strict; Path=/; Max-Age=3600"
        );
        assert_eq!(
            clear(false),
            "tocsin_session=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0"
        );
    }

    #[test]
    fn only_the_name_of_the_way_it_came() {
        let headers = HeaderMap::from_iter([(
            header::COOKIE,
            HeaderValue::from_static("a=1; tocsin_session=plain; __Host-tocsin=secure"),
        )]);
        assert_eq!(session_of(&headers, true).as_deref(), Some("secure"));
        assert_eq!(session_of(&headers, false).as_deref(), Some("plain"));
        assert_eq!(session_of(&HeaderMap::new(), true), None);
    }
}
