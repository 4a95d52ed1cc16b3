//! Silences over the API.
//!
//! Invariant: a silence is changed as its author saw it (`If-Match`), or not at all; red is covered only after a request of its own
//! that says so.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{shape, shown};
use crate::core::model::{Hazard, Level, Millis, Status};
use crate::core::mute::{MAX_LISTED, Matchers, Silence, Wish};
use crate::desk::http::api::{Api, problem_of};
use crate::desk::http::etag::{etag, if_match};
use crate::desk::http::extract::{Json, Path, Query};
use crate::desk::http::identity::Identity;
use crate::desk::http::permission::Permission;
use crate::desk::http::problem::Problem;
use crate::desk::silences::known_names;

/// Which silences.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Those that are over too, the latest 200.
    #[serde(default)]
    all: bool,
}

/// A silence to make: all that is given has to hold, and something has to be given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SilenceWish {
    /// `actual` when nothing is said: an exercise's silence never touches what is real.
    #[serde(default)]
    #[schema(schema_with = shape::status)]
    status: Status,
    /// Incidents that this rule of the rule set, and no other, has found.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 128)]
    rule: Option<String>,
    /// Of this hazard.
    #[serde(default)]
    #[schema(schema_with = shape::maybe_hazard)]
    hazard: Option<Hazard>,
    /// At this place or within it: its code.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 64)]
    place: Option<String>,
    /// What this department would be told; an officer's own.
    #[serde(default)]
    #[schema(schema_with = shape::maybe_department)]
    department: Option<String>,
    /// At this level or a lower one: what rises above is heard.
    #[serde(default)]
    #[schema(schema_with = shape::maybe_level)]
    level: Option<Level>,
    /// From when, at the latest as long from now as the longest silence; at once when nothing is said.
    #[serde(default)]
    #[schema(schema_with = shape::maybe_instant)]
    starts: Option<String>,
    /// Until when: ahead, after `starts`, and within the longest silence (`desk.silence_max_hours`).
    #[schema(schema_with = shape::instant)]
    ends: String,
    /// Why.
    #[schema(min_length = 1, max_length = 2000, pattern = r"[^\s]")]
    reason: String,
    /// Red too. Until another account confirms that at `…/red`, red is heard.
    #[serde(default)]
    covers_red: bool,
}

/// Why it is ended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SilenceEnd {
    /// May be empty.
    #[serde(default)]
    #[schema(max_length = 2000)]
    reason: String,
}

fn instant(field: &'static str, text: &str) -> Result<Millis, Problem> {
    let wrong = || Problem::bad_value(field, "RFC 3339, such as 2026-01-02T03:04:05Z");
    Millis::parse(text).ok_or_else(wrong)
}

impl SilenceWish {
    fn read(self, api: &Api) -> Result<Wish, Problem> {
        let matchers = Matchers {
            status: self.status,
            rule: self.rule.map(Arc::from),
            hazard: self.hazard,
            place: self.place.map(Arc::from),
            department: self.department.map(Arc::from),
            level: self.level,
        };
        known_names(&api.rules(), &matchers)
            .map_err(|(field, why)| Problem::bad_value(field, why))?;
        let starts = self.starts.as_deref();
        Ok(Wish {
            matchers,
            starts: starts.map(|text| instant("starts", text)).transpose()?,
            ends: instant("ends", &self.ends)?,
            reason: self.reason,
            covers_red: self.covers_red,
        })
    }
}

/// A silence as it is shown: with where it stands, and what it covers.
async fn view(api: &Api, silence: &Silence) -> Result<Value, Problem> {
    let covered = api.desk().covered(silence).await.map_err(problem_of)?;
    let standing = silence.standing(api.desk().now());
    let incidents: Vec<Uuid> = covered.rows.iter().map(|row| row.incident).collect();
    debug_assert!(incidents.len() <= MAX_LISTED);
    let mut view = serde_json::to_value(silence).unwrap_or_default();
    view["standing"] = json!(standing);
    view["open"] = json!(covered.open);
    view["more"] = json!(covered.more);
    view["incidents"] = json!(incidents);
    Ok(view)
}

async fn answer(api: &Api, silence: &Silence, status: StatusCode) -> Result<Response, Problem> {
    let body = shown(&view(api, silence).await?)?;
    Ok((status, [(header::ETAG, etag(silence.version))], body).into_response())
}

/// Silences, the first to end first
#[utoipa::path(get, path = "/api/v1/silences", tag = "silences", operation_id = "silences", params(Which),
    responses((status = 200, description = "Silences", body = ref("#/components/schemas/Silences"))))]
pub async fn list(
    State(api): State<Api>,
    identity: Identity,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    identity.require(Permission::Read)?;
    let mut all = Vec::new();
    for silence in api.desk().silences(which.all).await.map_err(problem_of)? {
        all.push(view(&api, &silence).await?);
    }
    Ok(shown(&json!({"silences": all}))?.into_response())
}

/// One silence, and the open incidents that it covers
#[utoipa::path(get, path = "/api/v1/silences/{silence}", tag = "silences", operation_id = "silence",
    params(("silence" = Uuid, Path, description = "Silence")),
    responses((status = 200, description = "The silence", body = ref("#/components/schemas/Silence"),
        headers(("ETag" = String, description = "Its version: send it as If-Match with a change")))))]
pub async fn show(
    State(api): State<Api>,
    identity: Identity,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    identity.require(Permission::Read)?;
    let silence = api.desk().silence(id).await.map_err(problem_of)?;
    answer(&api, &silence, StatusCode::OK).await
}

/// Silence notifications
///
/// Notifications only: the board shows every incident, deadlines pass and escalate. Red is heard, even with `covers_red`, until that
/// is confirmed. No `If-Match`: it makes something new.
#[utoipa::path(post, path = "/api/v1/silences", tag = "silences", operation_id = "create_silence",
    request_body = SilenceWish,
    responses((status = 201, description = "The silence", body = ref("#/components/schemas/Silence"),
        headers(("ETag" = String, description = "Its version")))))]
pub async fn create(
    State(api): State<Api>,
    identity: Identity,
    Json(wish): Json<SilenceWish>,
) -> Result<Response, Problem> {
    identity.require(Permission::Silence(wish.department.as_deref()))?;
    if wish.covers_red {
        identity.require(Permission::SilenceRed)?;
    }
    let wish = wish.read(&api)?;
    let made = api.desk().create_silence(&identity.actor(), &wish).await;
    answer(&api, &made.map_err(problem_of)?, StatusCode::CREATED).await
}

/// Confirm that a silence covers red
///
/// The second of two words: the silence was made with `covers_red`, by another account. 409 when it was not, or when it is confirmed already. Needs `If-Match` with the ETag of the silence that was seen.
#[utoipa::path(post, path = "/api/v1/silences/{silence}/red", tag = "silences", operation_id = "confirm_silence",
    params(
        ("silence" = Uuid, Path, description = "Silence"),
        ("If-Match" = String, Header, description = "ETag of the silence that was seen", pattern = r#"^"[0-9]{1,19}"$"#),
    ),
    responses((status = 200, description = "The silence as it is now", body = ref("#/components/schemas/Silence"),
        headers(("ETag" = String, description = "Its version")))))]
pub async fn confirm(
    State(api): State<Api>,
    identity: Identity,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    identity.require(Permission::SilenceRed)?;
    let version = if_match(&headers)?;
    let done = api
        .desk()
        .confirm_silence(id, &identity.actor(), Some(version))
        .await;
    answer(&api, &done.map_err(problem_of)?, StatusCode::OK).await
}

/// End a silence before its time
///
/// What it leaves open is said once, in one event. Needs `If-Match` with the ETag of the silence that was seen.
#[utoipa::path(post, path = "/api/v1/silences/{silence}/end", tag = "silences", operation_id = "end_silence",
    params(
        ("silence" = Uuid, Path, description = "Silence"),
        ("If-Match" = String, Header, description = "ETag of the silence that was seen", pattern = r#"^"[0-9]{1,19}"$"#),
    ),
    request_body = SilenceEnd,
    responses((status = 200, description = "The silence, over", body = ref("#/components/schemas/Silence"),
        headers(("ETag" = String, description = "Its version")))))]
pub async fn end(
    State(api): State<Api>,
    identity: Identity,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    Json(end): Json<SilenceEnd>,
) -> Result<Response, Problem> {
    identity.require(Permission::EndSilence)?;
    let version = if_match(&headers)?;
    let done = api
        .desk()
        .end_silence(id, &identity.actor(), Some(version), &end.reason)
        .await;
    answer(&api, &done.map_err(problem_of)?, StatusCode::OK).await
}
