//! The two gates before every handler: [`gate`] before all, [`authenticate`] before everything but login and static files.
//!
//! Invariants: nothing behind the second gate runs without a live token; no change that a cookie speaks for is made without its
//! page's CSRF token, whatever route it is.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Form, FromRequest as _, MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::access::Access;
use super::counted::Limit;
use super::identity::Identity;
use super::problem::{Code, Problem};
use super::{cookie, page, secret};

/// Header of a CSRF token, for requests that are no forms.
pub const CSRF_HEADER: &str = "x-csrf-token";
/// Field of a CSRF token in forms.
pub const CSRF_FIELD: &str = "csrf";

/// Where a request came from, after the proxies.
#[derive(Clone, Copy, Debug)]
pub struct Asker(pub IpAddr);

/// Host, address, rate, time: before everything.
pub async fn gate(State(access): State<Access>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let language = page::wanted(request.uri().path(), request.headers())
        .then(|| page::Language::of(request.headers()));
    let response = match admit(&access, &mut request) {
        Ok(()) => run(&access, request, next).await,
        Err(problem) => problem.into_response(),
    };
    let response = match language {
        Some(language) => page::of_problem(language, response),
        None => response,
    };
    let route = route.as_ref().map_or("-", MatchedPath::as_str);
    access.counted().request(
        route,
        known(&method),
        response.status().as_u16(),
        began.elapsed(),
    );
    response
}

/// A method as a label: whatever else somebody sends is one.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn admit(access: &Access, request: &mut Request) -> Result<(), Problem> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let Some(ConnectInfo(peer)) = peer.copied() else {
        return Err(Problem::new(
            Code::Internal,
            "the connection has no address",
        ));
    };
    let reach = access.reach();
    let asker = reach.asker(peer.ip(), request.headers())?;
    reach.check_host(request.headers(), request.uri())?;
    access.address(asker)?;
    request.extensions_mut().insert(Asker(asker));
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length: Option<usize> = length.and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length| length > access.limits().body) {
        return Err(too_large(access));
    }
    Ok(())
}

fn too_large(access: &Access) -> Problem {
    access.counted().hit(Limit::Body);
    let detail = format!("a body has at most {} bytes", access.limits().body);
    Problem::new(Code::BodyTooLarge, detail)
}

/// Reads the body within its limit and in time, then lets the handlers work.
async fn run(access: &Access, request: Request, next: Next) -> Response {
    let limits = *access.limits();
    let answered = tokio::time::timeout(limits.timeout, async {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, limits.body).await;
        let body: Bytes = match body {
            Ok(body) => body,
            Err(_) => return too_large(access).into_response(),
        };
        next.run(Request::from_parts(parts, Body::from(body))).await
    });
    answered.await.unwrap_or_else(|_| {
        access.counted().hit(Limit::Timeout);
        let detail = format!("no answer within {} s", limits.timeout.as_secs());
        Problem::new(Code::Timeout, detail)
            .retry_after(5)
            .into_response()
    })
}

/// Who asks; without an answer nothing goes on.
pub async fn authenticate(State(access): State<Access>, request: Request, next: Next) -> Response {
    let wants_page = page::wanted(request.uri().path(), request.headers());
    let back = page::login_for(request.uri());
    match identify(&access, request).await {
        Ok(request) => next.run(request).await,
        // A person is led to the login; whatever fetches in the background is told.
        Err(problem) if wants_page && problem.code == Code::TokenMissing => {
            Redirect::to(&back).into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

/// As [`authenticate`], except that the CAP feed may be everybody's; its handlers ask for an identity again where it is not.
pub async fn authenticate_unless_public(
    State((access, public)): State<(Access, bool)>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let cap = path == "/cap" || path.starts_with("/cap/");
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let named = request.headers().contains_key(header::AUTHORIZATION);
    if public && cap && reads && !named {
        return next.run(request).await;
    }
    authenticate(State(access), request, next).await
}

async fn identify(access: &Access, request: Request) -> Result<Request, Problem> {
    let asker = request.extensions().get::<Asker>().copied();
    let Some(Asker(asker)) = asker else {
        return Err(Problem::new(Code::Internal, "the request was not admitted"));
    };
    let (identity, mut request) = match bearer_of(request.headers())? {
        Some(token) => (access.bearer(&token, asker).await?, request),
        None => by_cookie(access, request).await?,
    };
    request.extensions_mut().insert(identity);
    Ok(request)
}

/// The bearer token, if one is stated (RFC 6750, 2.1).
fn bearer_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok(Some(token.trim().to_owned()))
        }
        _ => {
            let detail = "Authorization is `Bearer` and a token";
            Err(Problem::new(Code::TokenUnknown, detail))
        }
    }
}

async fn by_cookie(access: &Access, request: Request) -> Result<(Identity, Request), Problem> {
    let missing = || {
        Problem::new(
            Code::TokenMissing,
            "a bearer token or a session is required",
        )
    };
    let secure = access.reach().secure();
    let session = cookie::session_of(request.headers(), secure).ok_or_else(missing)?;
    let identity = access.session(&session, true).await?.ok_or_else(missing)?;
    access
        .reach()
        .check_origin(request.method(), request.headers())?;
    if matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    ) {
        return Ok((identity, request));
    }
    let (given, request) = csrf_given(request).await;
    if given.is_some_and(|given| secret::same_csrf(&given, identity.csrf())) {
        return Ok((identity, request));
    }
    let detail = "the page's CSRF token is missing or of another session: load the page again";
    Err(Problem::new(Code::CrossSite, detail).of_field(CSRF_FIELD))
}

/// The CSRF token in the header or in the form, and the request as it was. The body is in memory already: [`gate`] read it.
async fn csrf_given(request: Request) -> (Option<String>, Request) {
    if let Some(value) = request.headers().get(CSRF_HEADER) {
        let given = value.to_str().ok().map(str::to_owned);
        return (given, request);
    }
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let copy = Request::from_parts(parts.clone(), Body::from(bytes.clone()));
    let fields = Form::<Vec<(String, String)>>::from_request(copy, &()).await;
    let given = fields.ok().and_then(|Form(fields)| {
        let mut all = fields.into_iter().filter(|(name, _)| name == CSRF_FIELD);
        match (all.next(), all.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    });
    (given, Request::from_parts(parts, Body::from(bytes)))
}
