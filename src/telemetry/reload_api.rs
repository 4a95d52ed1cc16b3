//! `POST /api/rules/reload`: asking for the rule set's files to be read again, and hearing what came of it.
//!
//! Invariant: safe by default. Without a token only a process of this machine is heard, and neither a browser nor a proxy that
//! speaks for others; with one, whoever holds it. The token itself is nowhere, only its SHA-256.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use super::ReloadOutcome;
use crate::core::diagnostic::{Diagnostic, Gravity};

/// Path of the request.
pub const RELOAD_PATH: &str = "/api/rules/reload";
/// Requests that wait at a time; further ones are refused.
const MAX_WAITING: usize = 8;
/// Longest wait for a rule set to be read and compiled.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);
/// Findings in an answer.
const MAX_FINDINGS: usize = 100;

/// What came of a reading.
#[derive(Clone, Debug, Serialize)]
pub struct ReloadReply {
    /// `applied`, `unchanged`, `refused`, or `busy`: the files were being written, and the set in use stays.
    pub outcome: &'static str,
    /// Version in use now.
    pub rule_set: Arc<str>,
    /// Version in use before, where another one was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Arc<str>>,
    /// Findings in all.
    pub findings: usize,
    /// The first of them.
    pub diagnostics: Vec<Finding>,
}

/// A finding, as JSON.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Finding {
    pub code: &'static str,
    pub gravity: &'static str,
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl From<&Diagnostic> for Finding {
    fn from(found: &Diagnostic) -> Self {
        Self {
            code: found.code,
            gravity: match found.gravity {
                Gravity::Error => "error",
                Gravity::Warning => "warning",
            },
            file: found.file.clone(),
            line: found.line,
            column: found.column,
            message: found.message.clone(),
            help: found.help.clone(),
        }
    }
}

impl ReloadReply {
    /// An answer; without an outcome the files were being written.
    pub fn new(outcome: Option<ReloadOutcome>, rule_set: Arc<str>, found: &[Diagnostic]) -> Self {
        // Errors first: they are why.
        let of = |gravity| found.iter().filter(move |d| d.gravity == gravity);
        let shown = of(Gravity::Error).chain(of(Gravity::Warning));
        Self {
            outcome: outcome.map_or("busy", ReloadOutcome::id),
            rule_set,
            before: None,
            findings: found.len(),
            diagnostics: shown.take(MAX_FINDINGS).map(Finding::from).collect(),
        }
    }

    /// Whether the files were being written.
    pub fn is_busy(&self) -> bool {
        self.outcome == "busy"
    }

    fn status(&self) -> StatusCode {
        match self.outcome {
            "refused" => StatusCode::UNPROCESSABLE_ENTITY,
            "busy" => StatusCode::CONFLICT,
            _ => StatusCode::OK,
        }
    }
}

/// The side that is asked over HTTP.
#[derive(Clone, Debug)]
pub struct ReloadApi {
    asks: SyncSender<oneshot::Sender<ReloadReply>>,
    token: Option<[u8; 32]>,
}

/// The side that answers.
#[derive(Debug)]
pub struct ReloadAsks(Receiver<oneshot::Sender<ReloadReply>>);

impl ReloadAsks {
    /// Those who have asked since the last time.
    pub fn take(&self) -> Vec<oneshot::Sender<ReloadReply>> {
        self.0.try_iter().collect()
    }
}

impl ReloadApi {
    /// Both sides. `token`: the SHA-256 of the bearer token that is required; none: only this machine is heard.
    pub fn new(token: Option<[u8; 32]>) -> (Self, ReloadAsks) {
        let (asks, asked) = sync_channel(MAX_WAITING);
        (Self { asks, token }, ReloadAsks(asked))
    }

    /// Answers one request.
    pub(super) async fn answer(&self, peer: SocketAddr, headers: &HeaderMap) -> Response {
        if let Err((status, why)) = allowed(self.token.as_ref(), peer.ip(), headers) {
            tracing::warn!(%peer, why, "a reload over HTTP is refused");
            let mut response = (status, error(why)).into_response();
            if status == StatusCode::UNAUTHORIZED {
                let challenge = header::HeaderValue::from_static("Bearer");
                let headers = response.headers_mut();
                headers.insert(header::WWW_AUTHENTICATE, challenge);
            }
            return response;
        }
        let (asker, answer) = oneshot::channel();
        if self.asks.try_send(asker).is_err() {
            let why = "too many requests wait, or the process is ending";
            return (StatusCode::TOO_MANY_REQUESTS, error(why)).into_response();
        }
        tracing::info!(%peer, "a reload was asked for over HTTP");
        match tokio::time::timeout(ANSWER_WITHIN, answer).await {
            Ok(Ok(reply)) => (reply.status(), Json(reply)).into_response(),
            Ok(Err(_)) => (
                StatusCode::SERVICE_UNAVAILABLE,
                error("the process is ending"),
            )
                .into_response(),
            Err(_) => {
                let why = "no answer within a minute: see /readyz and the log";
                (StatusCode::GATEWAY_TIMEOUT, error(why)).into_response()
            }
        }
    }
}

fn error(why: &str) -> Json<serde_json::Value> {
    Json(serde_json::json!({ "error": why }))
}

type Refused = (StatusCode, &'static str);

/// Whether the request is heard.
fn allowed(token: Option<&[u8; 32]>, peer: IpAddr, headers: &HeaderMap) -> Result<(), Refused> {
    if let Some(token) = token {
        let bearer = headers.get(header::AUTHORIZATION).and_then(bearer);
        return match bearer {
            Some(bearer) if same(&Sha256::digest(bearer).into(), token) => Ok(()),
            _ => Err((StatusCode::UNAUTHORIZED, "a bearer token is required")),
        };
    }
    let refused = |why| Err((StatusCode::FORBIDDEN, why));
    if !peer.to_canonical().is_loopback() {
        return refused("only this machine may ask, or set http.reload_token_sha256");
    }
    // A page in a browser of this machine could ask without its user's knowledge, by any name that leads here.
    if ["origin", "sec-fetch-site", "referer"]
        .iter()
        .any(|name| headers.contains_key(*name))
    {
        return refused("browsers are not heard without a token");
    }
    if ["forwarded", "x-forwarded-for", "x-real-ip", "via"]
        .iter()
        .any(|name| headers.contains_key(*name))
    {
        return refused("proxies are not heard without a token");
    }
    match headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
    {
        Some(host) if is_here(host) => Ok(()),
        _ => refused("ask at 127.0.0.1, [::1] or localhost, or set http.reload_token_sha256"),
    }
}

fn bearer(value: &header::HeaderValue) -> Option<&[u8]> {
    let (scheme, token) = value.as_bytes().split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| token.trim_ascii())
}

/// In a time that does not depend on where they differ.
fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.iter()
        .zip(b)
        .fold(0, |difference, (a, b)| difference | (a ^ b))
        == 0
}

/// Whether a `Host` is a name of this machine's loopback.
pub(crate) fn is_here(host: &str) -> bool {
    if let Ok(address) = host.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return address.is_loopback();
    }
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(token: Option<&str>, peer: &str, headers: &[(&'static str, &str)]) -> u16 {
        let token = token.map(|token| Sha256::digest(token).into());
        let of = headers.iter().map(|(name, value)| {
            let name = header::HeaderName::from_static(name);
            (name, value.parse().unwrap())
        });
        let headers: HeaderMap = of.collect();
        match allowed(token.as_ref(), peer.parse().unwrap(), &headers) {
            Ok(()) => 200,
            Err((status, _)) => status.as_u16(),
        }
    }

    #[test]
    fn without_a_token_only_this_machine_itself_is_heard() {
        for (host, status) in [
            ("127.0.0.1:9464", 200),
            ("localhost", 200),
            ("LocalHost:1", 200),
            ("[::1]:9464", 200),
            ("[::1]", 200),
            ("::1", 200),
            ("rebound.example:9464", 403),
            ("localhost.example", 403),
            ("10.0.0.1:9464", 403),
            ("", 403),
        ] {
            assert_eq!(ask(None, "127.0.0.1", &[("host", host)]), status, "{host}");
        }
        let here = ("host", "127.0.0.1:9464");
        assert_eq!(ask(None, "::ffff:127.0.0.1", &[here]), 200);
        assert_eq!(ask(None, "10.0.0.2", &[here]), 403);
        assert_eq!(ask(None, "127.0.0.1", &[]), 403);
        for name in [
            "origin",
            "sec-fetch-site",
            "x-forwarded-for",
            "forwarded",
            "via",
        ] {
            assert_eq!(ask(None, "127.0.0.1", &[here, (name, "x")]), 403, "{name}");
        }
    }

    #[test]
    fn with_a_token_whoever_holds_it_is_heard_and_nobody_else() {
        let token = Some("a token of many letters");
        let with = |value: &str| ask(token, "10.0.0.2", &[("authorization", value)]);
        assert_eq!(with("Bearer a token of many letters"), 200);
        assert_eq!(with("bearer a token of many letters "), 200);
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer another",
            "Basic a token of many letters",
            "a token of many letters",
        ] {
            assert_eq!(with(wrong), 401, "{wrong}");
        }
        assert_eq!(ask(token, "127.0.0.1", &[("host", "127.0.0.1")]), 401);
    }
}
