//! Logging in and out.
//!
//! Invariant: a token's text is in a form's body once, and in no address, cookie or log; the only address that logs somebody in is
//! the demo's, which exists on loopback while the demo runs.

use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::{Extension, Router, middleware, routing};
use serde::Deserialize;

use super::access::{Access, unavailable};
use super::auth::{Asker, authenticate};
use super::cookie;
use super::identity::Identity;
use super::page::{self, Language};
use super::problem::{Code, Problem};
use super::token::Token;

/// Path of the logout, a form's target.
pub const LOGOUT: &str = "/logout";

/// Routes of login and logout.
pub fn router(access: &Access) -> Router {
    let gate = middleware::from_fn_with_state(access.clone(), authenticate);
    let logout = Router::new()
        .route(LOGOUT, routing::post(log_out))
        .route_layer(gate);
    Router::new()
        .route(page::LOGIN, routing::get(show).post(log_in))
        .route("/login/demo/{code}", routing::get(demo))
        .merge(logout)
        .with_state(access.clone())
}

#[derive(Debug, Default, Deserialize)]
struct Back {
    #[serde(default)]
    next: String,
}

async fn show(
    headers: HeaderMap,
    back: Result<Query<Back>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let next = back.map(|Query(back)| back.next).unwrap_or_default();
    page::login(Language::of(&headers), &next, None).into_response()
}

#[derive(Deserialize)]
struct Credentials {
    token: String,
    #[serde(default)]
    next: String,
}

async fn log_in(
    State(access): State<Access>,
    Extension(Asker(asker)): Extension<Asker>,
    method: axum::http::Method,
    headers: HeaderMap,
    form: Result<Form<Credentials>, axum::extract::rejection::FormRejection>,
) -> Response {
    let Ok(Form(credentials)) = form else {
        return Problem::new(
            Code::BadRequest,
            "a form with the field `token` is expected",
        )
        .into_response();
    };
    // Otherwise another site could log a person in as somebody else.
    if let Err(problem) = access.reach().check_origin(&method, &headers) {
        return problem.into_response();
    }
    let known = access.bearer(credentials.token.trim(), asker).await;
    match known {
        Ok(identity) => begin(&access, &identity.token, page::safe_next(&credentials.next)).await,
        Err(problem) => {
            let shown = page::login(Language::of(&headers), &credentials.next, Some(&problem));
            (problem.code.status(), shown).into_response()
        }
    }
}

async fn begin(access: &Access, token: &Token, next: &str) -> Response {
    match access.sessions().begin(token, access.now()).await {
        Ok(secret) => {
            let life = access.sessions().life();
            let cookie = cookie::set(&secret, access.reach().secure(), life);
            tracing::info!(token = %token.id, role = token.role.id(), "a session begins");
            ([(header::SET_COOKIE, cookie)], Redirect::to(next)).into_response()
        }
        Err(error) => unavailable(&error).into_response(),
    }
}

async fn demo(State(access): State<Access>, Path(code): Path<String>) -> Response {
    let Some(id) = access.demo(&code) else {
        return Problem::not_found("page").into_response();
    };
    match access.tokens().get(id).await {
        Ok(Some(token)) if token.heard(access.now()).is_ok() => begin(&access, &token, "/").await,
        Ok(_) => Problem::not_found("page").into_response(),
        Err(error) => unavailable(&error).into_response(),
    }
}

async fn log_out(State(access): State<Access>, identity: Identity) -> Response {
    let Some(session) = &identity.session else {
        return StatusCode::NO_CONTENT.into_response();
    };
    match access.sessions().end(session.secret.expose()).await {
        Ok(()) => {
            let cookie = cookie::clear(access.reach().secure());
            let headers = [
                (header::SET_COOKIE, cookie),
                (
                    header::HeaderName::from_static("clear-site-data"),
                    header::HeaderValue::from_static("\"cache\", \"storage\""),
                ),
            ];
            (headers, Redirect::to(page::LOGIN)).into_response()
        }
        Err(error) => unavailable(&error).into_response(),
    }
}
