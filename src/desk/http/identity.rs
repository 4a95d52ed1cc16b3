//! Who asks: what a handler is given once the request was let in.
//!
//! Invariant: an [`Identity`] exists only behind [`super::auth::authenticate`], with a token that was live when the request came.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;

use super::permission::{Permission, allowed};
use super::problem::{Code, Problem};
use super::token::Token;
use crate::config::Secret;
use crate::core::obligation::Actor;

/// A session that speaks for a token.
#[derive(Clone, Debug)]
pub struct Session {
    /// The cookie's secret.
    pub secret: Secret,
    /// What every form of its pages has to send as `csrf`, or as the header `X-CSRF-Token`.
    pub csrf: String,
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The live token.
    pub token: Token,
    /// The session, when it came by cookie.
    pub session: Option<Session>,
}

impl Identity {
    /// The account as audit events call it.
    pub fn actor(&self) -> Actor {
        Actor {
            name: self.token.name.clone(),
            role: self.token.role,
            department: self.token.department.clone(),
        }
    }

    /// Whether this is allowed.
    pub fn may(&self, permission: Permission<'_>) -> bool {
        allowed(&self.actor(), permission)
    }

    /// Refuses what is not allowed.
    pub fn require(&self, permission: Permission<'_>) -> Result<(), Problem> {
        if self.may(permission) {
            return Ok(());
        }
        let detail = match permission {
            Permission::ReadDepartment(_) => "this token reads its own department only".to_owned(),
            _ => format!(
                "the role {} may not `{}`",
                self.token.role.id(),
                permission.id()
            ),
        };
        Err(Problem::new(Code::Forbidden, detail))
    }

    /// The CSRF token of its pages; empty for bearers, who have none.
    pub fn csrf(&self) -> &str {
        self.session.as_ref().map_or("", |session| &session.csrf)
    }
}

impl<S: Sync> FromRequestParts<S> for Identity {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(|| {
            Problem::new(
                Code::TokenMissing,
                "a bearer token or a session is required",
            )
        })
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Identity {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}
