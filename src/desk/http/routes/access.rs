//! Tokens over the API, and who one is.
//!
//! Invariant: the text of a token is in the answer that makes it, and in no other.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{shape, shown};
use crate::core::model::Millis;
use crate::core::obligation::Role;
use crate::desk::http::access::unavailable;
use crate::desk::http::api::Api;
use crate::desk::http::extract::{Json, Path, Query};
use crate::desk::http::identity::Identity;
use crate::desk::http::permission::Permission;
use crate::desk::http::problem::{Code, Problem};
use crate::desk::http::token::{DEFAULT_DAYS, NewToken, Token, TokenError};

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// Name of the account.
    name: String,
    /// Its role.
    #[schema(schema_with = shape::role)]
    role: Role,
    /// Its department.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    department: Option<std::sync::Arc<str>>,
    /// Id of the token.
    token: String,
    /// When the token ends.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Millis,
    /// The session's CSRF token; absent with a bearer token.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf: Option<String>,
}

/// Who the token is
#[utoipa::path(get, path = "/api/v1/me", tag = "access", operation_id = "me",
    responses((status = 200, description = "The token's account", body = Me)))]
pub async fn me(identity: Identity) -> Result<Response, Problem> {
    let me = Me {
        name: identity.token.name.clone(),
        role: identity.token.role,
        department: identity.token.department.clone(),
        token: identity.token.id.clone(),
        expires_at: identity.token.expires_at,
        csrf: identity
            .session
            .as_ref()
            .map(|session| session.csrf.clone()),
    };
    Ok(shown(&me)?.into_response())
}

/// Which tokens.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Those that have expired or were revoked too.
    #[serde(default)]
    all: bool,
}

/// A token, without its text.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenView {
    /// What is known of it.
    #[serde(flatten)]
    token: Token,
    /// `live`, `expired` or `revoked`.
    standing: &'static str,
}

/// Tokens.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenList {
    /// By name.
    tokens: Vec<TokenView>,
}

/// The tokens there are
#[utoipa::path(get, path = "/api/v1/tokens", tag = "access", operation_id = "tokens", params(Which),
    responses((status = 200, description = "Tokens, without their texts", body = TokenList)))]
pub async fn list(
    State(api): State<Api>,
    identity: Identity,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    identity.require(Permission::Tokens)?;
    let now = api.access().now();
    let tokens = api
        .access()
        .tokens()
        .list(which.all, now)
        .await
        .map_err(problem)?;
    let tokens = tokens
        .into_iter()
        .map(|token| TokenView {
            standing: token.standing(now),
            token,
        })
        .collect();
    Ok(shown(&TokenList { tokens })?.into_response())
}

/// A token to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenWish {
    /// Name of the account, as the audit log will call it: letters, digits, spaces and `-_.`.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = r"^[A-Za-z0-9]([A-Za-z0-9 ._-]{0,62}[A-Za-z0-9])?$"
    )]
    name: String,
    /// Role.
    #[schema(schema_with = shape::role)]
    role: Role,
    /// An officer's department; a read-only token may have one, others have none.
    #[serde(default)]
    #[schema(schema_with = shape::maybe_department)]
    department: Option<String>,
    /// Days until it ends; 90 when nothing is said.
    #[serde(default, deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 400)]
    days: Option<u32>,
}

/// A whole number, which in JSON may be written `90.0`.
fn whole<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let Some(number) = Option::<f64>::deserialize(deserializer)? else {
        return Ok(None);
    };
    if number.fract() != 0.0 || !(0.0..=f64::from(u32::MAX)).contains(&number) {
        return Err(serde::de::Error::custom("a whole number is expected"));
    }
    Ok(Some(number as u32))
}

/// A token that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewTokenView {
    /// What is known of it.
    #[serde(flatten)]
    known: TokenView,
    /// Its text: shown this once.
    token: String,
}

/// Make a token
///
/// The text of the token is in this answer and nowhere else. No `If-Match`: it makes something new, and a name is given once (409).
#[utoipa::path(post, path = "/api/v1/tokens", tag = "access", operation_id = "create_token",
    request_body = TokenWish,
    responses((status = 201, description = "The token, with its text", body = NewTokenView)))]
pub async fn create(
    State(api): State<Api>,
    identity: Identity,
    Json(wish): Json<TokenWish>,
) -> Result<Response, Problem> {
    identity.require(Permission::Tokens)?;
    let wish = NewToken {
        name: wish.name,
        role: wish.role,
        department: wish.department,
        days: wish.days.unwrap_or(DEFAULT_DAYS),
    };
    wish.check(|id| api.knows_department(id)).map_err(problem)?;
    let now = api.access().now();
    let made = api
        .access()
        .tokens()
        .create(&wish, &identity.actor(), now)
        .await;
    let (token, text) = made.map_err(problem)?;
    tracing::info!(token = %token.id, role = token.role.id(), by = %identity.token.id, "a token was made");
    let view = NewTokenView {
        known: TokenView {
            standing: token.standing(now),
            token,
        },
        token: text.expose().to_owned(),
    };
    Ok((StatusCode::CREATED, shown(&view)?).into_response())
}

/// Take a token back
///
/// Its sessions end, its event streams within seconds. No `If-Match`: it is final, and a second time changes nothing.
#[utoipa::path(delete, path = "/api/v1/tokens/{token}", tag = "access", operation_id = "revoke_token",
    params(("token" = String, Path, description = "Id of the token", pattern = "^[0-9a-f]{16}$")),
    responses((status = 200, description = "The token, revoked", body = TokenView)))]
pub async fn revoke(
    State(api): State<Api>,
    identity: Identity,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    identity.require(Permission::Tokens)?;
    let now = api.access().now();
    let known = api.access().tokens().get(&id).await.map_err(problem)?;
    let known = known.ok_or_else(|| Problem::not_found("token"))?;
    let token = api
        .access()
        .tokens()
        .revoke(&known.id, &identity.actor(), now)
        .await
        .map_err(problem)?;
    tracing::info!(token = %token.id, by = %identity.token.id, "a token was revoked");
    let view = TokenView {
        standing: token.standing(now),
        token,
    };
    Ok(shown(&view)?.into_response())
}

fn problem(error: TokenError) -> Problem {
    match error {
        TokenError::Field { field, why } => Problem::bad_value(field, why),
        TokenError::Taken(_) => Problem::new(Code::Taken, error.to_string()).of_field("name"),
        TokenError::TooMany => Problem::new(Code::Taken, error.to_string()),
        TokenError::NotFound => Problem::not_found("token"),
        TokenError::NoRandomness(_) | TokenError::Database(_) | TokenError::Store(_) => {
            unavailable(&error)
        }
    }
}
