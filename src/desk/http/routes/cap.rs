//! CAP 1.2 over HTTP: an Atom index, the newest message about each incident in it, and every earlier one at its own address.
//!
//! Invariant: no text of a report; exercises only where they are asked for; incidents that are not in the index are not served. What is
//! handed out was kept before: it never changes, and what refers to it finds it.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use utoipa::IntoParams;
use uuid::Uuid;

use super::shape;
use crate::config::Settings;
use crate::core::model::{Millis, Status};
use crate::core::notify::{CapHead, CapOptions, cap_head, cap_index, cap_xml};
use crate::core::obligation::Case;
use crate::desk::http::api::{Api, problem_of};
use crate::desk::http::extract::{Path, Query};
use crate::desk::http::identity::Identity;
use crate::desk::http::permission::Permission;
use crate::desk::http::problem::Problem;
use crate::desk::store::CapMessage;
use crate::desk::{DeskError, StoreError};

/// Messages in the index; older ones are left out.
const MAX_ENTRIES: u32 = 500;

/// The feed, as it is configured.
#[derive(Clone, Debug)]
pub struct Cap {
    /// What stands in every message.
    pub options: CapOptions,
    /// How long a closed incident stays, milliseconds.
    pub recent_ms: i64,
}

impl Cap {
    /// By the settings; none where there is no feed.
    pub fn of(settings: &Settings) -> Option<Self> {
        let cap = &settings.notify.cap;
        let link = settings.desk.http.external_url.as_deref();
        let hours = |hours: u32| i64::from(hours) * 3_600_000;
        cap.enabled.then(|| Self {
            options: CapOptions {
                sender: cap.sender.clone(),
                sender_name: cap.sender_name.clone(),
                expires_ms: hours(cap.expires_hours),
                public: cap.public,
                link: link.unwrap_or_default().trim_end_matches('/').to_owned(),
            },
            recent_ms: hours(cap.recent_hours),
        })
    }
}

/// Actual or not.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CapQuery {
    /// Actual when nothing is said.
    #[serde(default)]
    #[param(schema_with = shape::status, required = false)]
    status: Status,
}

/// The feed, if there is one that this asker may read.
fn feed(api: &Api, identity: Option<&Identity>) -> Result<Cap, Problem> {
    let cap = api.cap().cloned();
    match (cap, identity) {
        (Some(cap), Some(identity)) => {
            identity.require(Permission::Read)?;
            Ok(cap)
        }
        (Some(cap), None) if cap.options.public => Ok(cap),
        _ => Err(Problem::not_found("CAP feed: notify.cap.enabled is false")),
    }
}

/// Index of CAP alerts
///
/// Open incidents and lately closed ones, latest first, as an Atom feed. Exercises only with `status=exercise`.
#[utoipa::path(get, path = "/cap", tag = "cap", operation_id = "cap_index", params(CapQuery),
    responses((status = 200, description = "Atom (RFC 4287)", body = String, content_type = "application/atom+xml"),
        (status = 304, description = "As If-None-Match or If-Modified-Since has it"),
        (status = 404, description = "There is no such feed", body = ref("#/components/schemas/Problem"), content_type = "application/problem+json")))]
pub async fn index(
    State(api): State<Api>,
    identity: Option<Identity>,
    Query(query): Query<CapQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let cap = feed(&api, identity.as_ref())?;
    let since = api.desk().now().plus(-cap.recent_ms);
    let store = api.desk().store();
    let cases = store.cap_cases(query.status, since, MAX_ENTRIES).await;
    let cases = cases.map_err(store_problem)?;
    let cases = published(&api, &cap, cases).await?;
    let newest = cases.iter().map(|(_, head)| head.sent).max();
    let text = cap_index(&cases, query.status, &cap.options);
    let kind = "application/atom+xml; charset=utf-8";
    Ok(answer(kind, text, newest.unwrap_or(Millis(0)), &headers))
}

/// The newest CAP alert of an incident
///
/// `{incident}.xml`, CAP 1.2.
#[utoipa::path(get, path = "/cap/{incident}", tag = "cap", operation_id = "cap_alert", params(("incident" = String, Path,
    description = "Its id and `.xml`"), CapQuery),
    responses((status = 200, description = "CAP 1.2", body = String, content_type = "application/cap+xml"),
        (status = 304, description = "As If-None-Match or If-Modified-Since has it")))]
pub async fn alert(
    State(api): State<Api>,
    identity: Option<Identity>,
    Path(file): Path<String>,
    Query(query): Query<CapQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let cap = feed(&api, identity.as_ref())?;
    let nothing = || Problem::not_found("alert");
    let id = file.strip_suffix(".xml").unwrap_or(&file);
    let incident: Uuid = id.parse().map_err(|_| nothing())?;
    let case = listed(&api, &cap, incident, query.status).await?;
    let all = published(&api, &cap, vec![case]).await?;
    let (_, head) = all.into_iter().next().ok_or_else(nothing)?;
    kept(&api, incident, &head.identifier, &headers).await
}

/// One CAP alert of an incident
///
/// `{message}.xml`: what the index or `references` name. It never changes, and is there as long as its incident is in the index.
#[utoipa::path(get, path = "/cap/{incident}/{message}", tag = "cap", operation_id = "cap_message", params(
    ("incident" = Uuid, Path, description = "Incident"),
    ("message" = String, Path, description = "Its `identifier` and `.xml`"), CapQuery),
    responses((status = 200, description = "CAP 1.2", body = String, content_type = "application/cap+xml"),
        (status = 304, description = "As If-None-Match or If-Modified-Since has it")))]
pub async fn message(
    State(api): State<Api>,
    identity: Option<Identity>,
    Path((incident, file)): Path<(Uuid, String)>,
    Query(query): Query<CapQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let cap = feed(&api, identity.as_ref())?;
    listed(&api, &cap, incident, query.status).await?;
    let identifier = file.strip_suffix(".xml").unwrap_or(&file);
    kept(&api, incident, identifier, &headers).await
}

fn store_problem(error: StoreError) -> Problem {
    problem_of(DeskError::from(error))
}

/// The case, if the index of that status has it.
async fn listed(api: &Api, cap: &Cap, incident: Uuid, status: Status) -> Result<Case, Problem> {
    let found = api.desk().store().cap_case(incident).await;
    let since = api.desk().now().plus(-cap.recent_ms);
    let listed = |case: &Case| {
        case.status() == status && case.closed_at.is_none_or(|closed| closed >= since)
    };
    let found = found.map_err(store_problem)?.filter(listed);
    found.ok_or_else(|| Problem::not_found("alert"))
}

/// The head of the newest message about each case, which is kept from now on.
async fn published(
    api: &Api,
    cap: &Cap,
    cases: Vec<Case>,
) -> Result<Vec<(Case, CapHead)>, Problem> {
    let store = api.desk().store();
    let incidents: Vec<Uuid> = cases.iter().map(|case| case.incident).collect();
    let known = store.cap_published(&incidents).await;
    let known = known.map_err(store_problem)?;
    let (mut all, mut fresh) = (Vec::with_capacity(cases.len()), Vec::new());
    for case in cases {
        let earlier = known.get(&case.incident).map_or(&[][..], Vec::as_slice);
        let head = cap_head(&case, earlier);
        let there = earlier.iter().find(|it| it.identifier == head.identifier);
        let head = match there {
            Some(there) => there.clone(),
            None => {
                fresh.push(CapMessage {
                    incident: case.incident,
                    status: case.status(),
                    xml: cap_xml(&case, earlier, &cap.options),
                    head: head.clone(),
                });
                head
            }
        };
        all.push((case, head));
    }
    if !fresh.is_empty() {
        store.publish_cap(fresh).await.map_err(store_problem)?;
    }
    Ok(all)
}

/// A message as it was kept.
async fn kept(
    api: &Api,
    incident: Uuid,
    identifier: &str,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let found = api.desk().store().cap_message(incident, identifier).await;
    let found = found.map_err(store_problem)?;
    let message = found.ok_or_else(|| Problem::not_found("alert"))?;
    let kind = "application/cap+xml; charset=utf-8";
    Ok(answer(kind, message.xml, message.head.sent, headers))
}

/// The text, or that the reader has it already (RFC 9110, 13.1).
fn answer(kind: &'static str, text: String, modified: Millis, asked: &HeaderMap) -> Response {
    let hash = Sha256::digest(text.as_bytes());
    let hex: String = hash.iter().take(16).map(|b| format!("{b:02x}")).collect();
    let tag = format!("\"{hex}\"");
    let modified = http_date(modified);
    let given = |name| asked.get(name).and_then(|value| value.to_str().ok());
    let known = match given(header::IF_NONE_MATCH) {
        Some(tags) => tags
            .split(',')
            .any(|it| it.trim().trim_start_matches("W/") == tag || it.trim() == "*"),
        None => given(header::IF_MODIFIED_SINCE) == Some(modified.as_str()),
    };
    let headers = [
        (header::ETAG, tag),
        (header::LAST_MODIFIED, modified),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    if known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, [(header::CONTENT_TYPE, kind)], text).into_response()
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at.clamped().0).map_or_else(
        |_| "Thu, 01 Jan 1970 00:00:00 GMT".to_owned(),
        |stamp| {
            let utc = jiff::tz::TimeZone::UTC.to_datetime(stamp);
            utc.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
        },
    )
}
