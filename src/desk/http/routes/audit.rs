//! The audit log.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::{incidents, shape, shown};
use crate::desk::http::api::{Api, problem_of};
use crate::desk::http::extract::Query;
use crate::desk::http::identity::Identity;
use crate::desk::http::permission::Permission;
use crate::desk::http::problem::Problem;

/// Which part of the log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// `next` of the page before.
    #[param(minimum = 0)]
    after: Option<i64>,
    /// Items per page; 100 when nothing is said.
    #[param(schema_with = shape::limit)]
    limit: Option<u32>,
}

/// The audit log, oldest first
///
/// Append-only and hash-chained: `tocsin desk audit verify` finds any edit.
#[utoipa::path(get, path = "/api/v1/audit", tag = "desk", operation_id = "audit", params(AuditQuery),
    responses((status = 200, description = "A page of events", body = ref("#/components/schemas/AuditEvents"))))]
pub async fn audit(
    State(api): State<Api>,
    identity: Identity,
    Query(query): Query<AuditQuery>,
) -> Result<Response, Problem> {
    identity.require(Permission::ReadAudit)?;
    let after = query.after.unwrap_or(0);
    if after < 0 {
        return Err(Problem::bad_value("after", "`next` of the page before"));
    }
    let limit = incidents::limit(query.limit)?;
    let events = api.desk().audit(after, limit).await.map_err(problem_of)?;
    let mut answer = json!({"events": events});
    if events.len() >= limit as usize
        && let Some(last) = events.last()
    {
        answer["next"] = json!(last.seq);
    }
    Ok(shown(&answer)?.into_response())
}
