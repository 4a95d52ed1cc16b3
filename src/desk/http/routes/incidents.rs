//! The board, single incidents, closed ones, and what happened since.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;
use uuid::Uuid;

use super::{shape, shown};
use crate::core::model::{Hazard, Level, Millis, Status};
use crate::core::obligation::{BoardRow, Case, CaseState};
use crate::desk::http::api::{Api, problem_of};
use crate::desk::http::etag::etag;
use crate::desk::http::extract::{Path, Query};
use crate::desk::http::identity::Identity;
use crate::desk::http::permission::Permission;
use crate::desk::http::problem::Problem;
use crate::desk::{BoardFilter, Cursor, Page};

/// Most items of a page.
pub const MAX_LIMIT: u32 = 500;
/// Items of a page when nothing is said.
const LIMIT: u32 = 100;
/// Longest text to search for, in characters.
pub const MAX_WORDS: usize = 200;

/// Items per page, checked.
pub(super) fn limit(wished: Option<u32>) -> Result<u32, Problem> {
    match wished {
        None => Ok(LIMIT),
        Some(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
        Some(_) => Err(Problem::bad_value("limit", format!("1 to {MAX_LIMIT}"))),
    }
}

/// Filters of a board.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BoardQuery {
    /// `actual` (the default), `exercise` or `test`: never two of them together.
    #[param(schema_with = shape::status)]
    #[serde(default)]
    status: Status,
    /// Of this level or a higher one.
    #[param(schema_with = shape::level)]
    level: Option<Level>,
    /// Of this hazard.
    #[param(schema_with = shape::hazard)]
    hazard: Option<Hazard>,
    /// At this place or within it: its code.
    #[param(schema_with = shape::place)]
    place: Option<String>,
    /// With an obligation of this department.
    #[param(schema_with = shape::department)]
    department: Option<String>,
    /// With `department`: which it still owes.
    #[serde(default)]
    pending: bool,
    /// Where it stands.
    #[param(schema_with = shape::state)]
    state: Option<CaseState>,
    /// Words in title, hazard or place.
    #[param(schema_with = shape::words)]
    q: Option<String>,
    /// `next` of the page before.
    #[param(schema_with = shape::cursor)]
    after: Option<String>,
    /// Items per page; 100 when nothing is said.
    #[param(schema_with = shape::limit)]
    limit: Option<u32>,
}

/// Refuses what cannot be the id of a department.
pub(in crate::desk::http) fn department(id: Option<&str>) -> Result<(), Problem> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    match id {
        Some(id) if !(1..=64).contains(&id.len()) || !id.bytes().all(plain) => {
            let why = "1 to 64 lower-case letters, digits and `_`";
            Err(Problem::bad_value("department", why))
        }
        _ => Ok(()),
    }
}

fn bounded(field: &'static str, value: Option<&String>, most: usize) -> Result<(), Problem> {
    match value {
        Some(value) if value.is_empty() || value.chars().count() > most => {
            Err(Problem::bad_value(field, format!("1 to {most} characters")))
        }
        _ => Ok(()),
    }
}

impl BoardQuery {
    fn filter(&self) -> Result<BoardFilter, Problem> {
        bounded("place", self.place.as_ref(), 64)?;
        department(self.department.as_deref())?;
        bounded("q", self.q.as_ref(), MAX_WORDS)?;
        let levels = self.level.map_or_else(Vec::new, |least| {
            Level::ALL
                .into_iter()
                .filter(|level| *level >= least)
                .collect()
        });
        Ok(BoardFilter {
            status: self.status,
            levels,
            states: self.state.into_iter().collect(),
            hazards: self.hazard.into_iter().collect(),
            place: self.place.as_deref().map(Arc::from),
            department: self.department.as_deref().map(Arc::from),
            pending: self.pending,
            text: self.q.clone(),
            ..BoardFilter::default()
        })
    }

    fn after(&self) -> Result<Option<Cursor>, Problem> {
        cursor(self.after.as_deref())
    }
}

/// Where a page begins.
pub(super) fn cursor(after: Option<&str>) -> Result<Option<Cursor>, Problem> {
    let wrong = |()| Problem::bad_value("after", "`next` of the page before");
    after.map(|after| after.parse().map_err(wrong)).transpose()
}

/// Lines of a board, each with what mutes it now.
pub(super) async fn marked(api: &Api, rows: &[BoardRow]) -> Result<Value, Problem> {
    let muted = api.desk().muted(rows).await.map_err(problem_of)?;
    let lines = rows.iter().map(|row| {
        let mut line = serde_json::to_value(row).unwrap_or_default();
        if let Some(marks) = muted.get(&row.incident) {
            line["muted"] = json!(marks);
        }
        line
    });
    Ok(lines.collect())
}

async fn page(api: &Api, page: &Page<BoardRow>) -> Result<Response, Problem> {
    let mut answer = json!({"incidents": marked(api, &page.items).await?});
    if let Some(next) = &page.next {
        answer["next"] = json!(next.to_string());
    }
    Ok(shown(&answer)?.into_response())
}

/// Open incidents, the highest level first, then by score, then by age
///
/// An exercise is shown only where it is asked for.
#[utoipa::path(get, path = "/api/v1/incidents", tag = "incidents", operation_id = "board", params(BoardQuery),
    responses((status = 200, description = "A page of them", body = ref("#/components/schemas/IncidentPage"))))]
pub async fn board(
    State(api): State<Api>,
    identity: Identity,
    Query(query): Query<BoardQuery>,
) -> Result<Response, Problem> {
    identity.require(Permission::Read)?;
    let (filter, limit, after) = (query.filter()?, limit(query.limit)?, query.after()?);
    let found = api.desk().board(&filter, after.as_ref(), limit).await;
    page(&api, &found.map_err(problem_of)?).await
}

/// Closed incidents, the latest closed first
#[utoipa::path(get, path = "/api/v1/closed", tag = "incidents", operation_id = "closed", params(BoardQuery),
    responses((status = 200, description = "A page of them", body = ref("#/components/schemas/IncidentPage"))))]
pub async fn closed(
    State(api): State<Api>,
    identity: Identity,
    Query(query): Query<BoardQuery>,
) -> Result<Response, Problem> {
    identity.require(Permission::Read)?;
    let (mut filter, limit, after) = (query.filter()?, limit(query.limit)?, query.after()?);
    filter.closed = true;
    let found = api.desk().board(&filter, after.as_ref(), limit).await;
    page(&api, &found.map_err(problem_of)?).await
}

/// Since when.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SinceQuery {
    /// RFC 3339, such as the end of the last shift.
    #[param(value_type = String, format = DateTime)]
    at: String,
    /// `actual` (the default), `exercise` or `test`.
    #[param(schema_with = shape::status)]
    #[serde(default)]
    status: Status,
    /// Items of each kind; 100 when nothing is said.
    #[param(schema_with = shape::limit)]
    limit: Option<u32>,
}

/// What happened since then, for the change of shift
///
/// `incidents`: open ones in which something happened, as on the board. `closed`: those that closed, or were told of, since.
#[utoipa::path(get, path = "/api/v1/since", tag = "incidents", operation_id = "since", params(SinceQuery),
    responses((status = 200, description = "Open and closed incidents", body = ref("#/components/schemas/Since"))))]
pub async fn since(
    State(api): State<Api>,
    identity: Identity,
    Query(query): Query<SinceQuery>,
) -> Result<Response, Problem> {
    identity.require(Permission::Read)?;
    let at = Millis::parse(&query.at);
    let at =
        at.ok_or_else(|| Problem::bad_value("at", "RFC 3339, such as 2026-01-02T03:04:05Z"))?;
    let limit = limit(query.limit)?;
    let mut filter = BoardFilter {
        status: query.status,
        since: Some(at),
        ..BoardFilter::default()
    };
    let open = api
        .desk()
        .board(&filter, None, limit)
        .await
        .map_err(problem_of)?;
    filter.closed = true;
    let closed = api
        .desk()
        .board(&filter, None, limit)
        .await
        .map_err(problem_of)?;
    let more = open.next.is_some() || closed.next.is_some();
    let incidents = marked(&api, &open.items).await?;
    let answer = json!({"at": at, "incidents": incidents, "closed": closed.items, "more": more});
    Ok(shown(&answer)?.into_response())
}

/// An incident with its version.
pub(super) async fn answer(api: &Api, case: &Case) -> Result<Response, Problem> {
    let row = marked(api, &[case.row()]).await?;
    let body = json!({"incident": row[0], "case": case, "alert": *case.alert});
    Ok(([(header::ETAG, etag(case.version))], shown(&body)?).into_response())
}

/// One incident: as on the board, its case, and the machine's newest revision
#[utoipa::path(get, path = "/api/v1/incidents/{incident}", tag = "incidents", operation_id = "incident",
    params(("incident" = Uuid, Path, description = "Incident")),
    responses(
        (status = 200, description = "The incident", body = ref("#/components/schemas/Incident"),
            headers(("ETag" = String, description = "Its version: send it as If-Match with a change")))))]
pub async fn incident(
    State(api): State<Api>,
    identity: Identity,
    Path(incident): Path<Uuid>,
) -> Result<Response, Problem> {
    identity.require(Permission::Read)?;
    let case = api.desk().case(incident).await.map_err(problem_of)?;
    answer(&api, &case).await
}

/// The machine's revisions of an incident, oldest first
#[utoipa::path(get, path = "/api/v1/incidents/{incident}/revisions", tag = "incidents", operation_id = "revisions",
    params(("incident" = Uuid, Path, description = "Incident")),
    responses((status = 200, description = "Revisions", body = ref("#/components/schemas/Revisions"))))]
pub async fn revisions(
    State(api): State<Api>,
    identity: Identity,
    Path(incident): Path<Uuid>,
) -> Result<Response, Problem> {
    identity.require(Permission::Read)?;
    known(&api, incident).await?;
    let revisions = api.desk().revisions(incident).await.map_err(problem_of)?;
    Ok(shown(&json!({"revisions": revisions}))?.into_response())
}

/// What happened to an incident, oldest first
#[utoipa::path(get, path = "/api/v1/incidents/{incident}/history", tag = "incidents", operation_id = "history",
    params(("incident" = Uuid, Path, description = "Incident")),
    responses((status = 200, description = "Audit events", body = ref("#/components/schemas/AuditEvents"))))]
pub async fn history(
    State(api): State<Api>,
    identity: Identity,
    Path(incident): Path<Uuid>,
) -> Result<Response, Problem> {
    identity.require(Permission::Read)?;
    known(&api, incident).await?;
    let events = api.desk().history(incident).await.map_err(problem_of)?;
    Ok(shown(&json!({"events": events}))?.into_response())
}

/// Whether there is such an incident.
async fn known(api: &Api, incident: Uuid) -> Result<(), Problem> {
    api.desk()
        .case(incident)
        .await
        .map(|_| ())
        .map_err(problem_of)
}
