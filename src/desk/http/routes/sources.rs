//! What incidents are made from: rules and feeds.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::shown;
use crate::desk::http::api::Api;
use crate::desk::http::identity::Identity;
use crate::desk::http::permission::Permission;
use crate::desk::http::problem::Problem;

/// The rule set in use
#[utoipa::path(get, path = "/api/v1/rules", tag = "desk", operation_id = "rules",
    responses((status = 200, description = "Version and rules", body = ref("#/components/schemas/Rules"))))]
pub async fn rules(State(api): State<Api>, identity: Identity) -> Result<Response, Problem> {
    identity.require(Permission::Read)?;
    let set = api.rules();
    let rules: Vec<_> = set.program.rules.iter().map(|rule| json!({"id": rule.id, "title": rule.title, "hazard": rule.hazard, "shadow": rule.shadow})).collect();
    Ok(shown(&json!({"version": set.version, "rules": rules}))?.into_response())
}

/// The feeds
#[utoipa::path(get, path = "/api/v1/feeds", tag = "desk", operation_id = "feeds",
    responses((status = 200, description = "As they are configured", body = ref("#/components/schemas/Feeds"))))]
pub async fn feeds(State(api): State<Api>, identity: Identity) -> Result<Response, Problem> {
    identity.require(Permission::Read)?;
    let feeds: Vec<_> = api
        .feeds()
        .iter()
        .map(|feed| json!({"id": feed.id, "topic": feed.topic, "kind": feed.kind, "reliability": feed.reliability}))
        .collect();
    Ok(shown(&json!({"feeds": feeds}))?.into_response())
}
