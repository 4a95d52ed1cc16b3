//! Departments, what each owes, and how often it was on time.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::{incidents, shape, shown};
use crate::core::model::Status;
use crate::desk::http::api::{Api, problem_of};
use crate::desk::http::extract::{Path, Query};
use crate::desk::http::identity::Identity;
use crate::desk::http::permission::Permission;
use crate::desk::http::problem::Problem;
use crate::desk::{BoardFilter, DepartmentStats};

/// Days that on-time rates look back when nothing is said.
const DAYS: u32 = 30;

/// Departments of the routing table
#[utoipa::path(get, path = "/api/v1/departments", tag = "departments", operation_id = "departments",
    responses((status = 200, description = "In the order of the table", body = ref("#/components/schemas/Departments"))))]
pub async fn departments(State(api): State<Api>, identity: Identity) -> Result<Response, Problem> {
    identity.require(Permission::Read)?;
    let rules = api.rules();
    let departments: Vec<_> = rules
        .routing
        .all()
        .iter()
        .map(|it| json!({"id": it.id, "names": it.names, "duty": it.duty, "leads": it.leads, "tiers": it.tiers}))
        .collect();
    Ok(shown(&json!({"departments": departments}))?.into_response())
}

/// Which obligations of a department.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DepartmentQuery {
    /// `actual` (the default), `exercise` or `test`.
    #[param(schema_with = shape::status)]
    #[serde(default)]
    status: Status,
    /// Days that the on-time rates look back; 30 when nothing is said.
    #[param(minimum = 1, maximum = 366)]
    days: Option<u32>,
    /// `next` of the page before.
    #[param(schema_with = shape::cursor)]
    after: Option<String>,
    /// Incidents per page; 100 when nothing is said.
    #[param(schema_with = shape::limit)]
    limit: Option<u32>,
}

/// A department: open incidents on which it owes something, and how often it was on time
#[utoipa::path(get, path = "/api/v1/departments/{department}", tag = "departments", operation_id = "department",
    params(("department" = String, Path, description = "Id of the department", pattern = "^[a-z0-9_]{1,64}$"), DepartmentQuery),
    responses((status = 200, description = "What it owes", body = ref("#/components/schemas/Department"))))]
pub async fn department(
    State(api): State<Api>,
    identity: Identity,
    Path(id): Path<String>,
    Query(query): Query<DepartmentQuery>,
) -> Result<Response, Problem> {
    identity.require(Permission::ReadDepartment(&id))?;
    if !api.knows_department(&id) {
        return Err(Problem::not_found("department"));
    }
    let days = match query.days {
        None => DAYS,
        Some(days) if (1..=366).contains(&days) => days,
        Some(_) => return Err(Problem::bad_value("days", "1 to 366")),
    };
    let filter = BoardFilter {
        status: query.status,
        department: Some(id.as_str().into()),
        pending: true,
        ..BoardFilter::default()
    };
    let after = incidents::cursor(query.after.as_deref())?;
    let limit = incidents::limit(query.limit)?;
    let page = api
        .desk()
        .board(&filter, after.as_ref(), limit)
        .await
        .map_err(problem_of)?;
    let since = api.access().now().plus(-i64::from(days) * 86_400_000);
    let mut all = api
        .desk()
        .department_stats(query.status, since)
        .await
        .map_err(problem_of)?;
    let stats: DepartmentStats = all.remove(&id).unwrap_or_default();
    let mut answer =
        json!({"department": id, "since": since, "stats": stats, "incidents": page.items});
    if let Some(next) = page.next {
        answer["next"] = json!(next.to_string());
    }
    Ok(shown(&answer)?.into_response())
}
