//! A report that somebody took by telephone: it goes onto a feed of its own and through the same pipeline as every other.
//!
//! Invariant: nothing about the caller is asked for or kept; what looks like a number or address is masked before it leaves.

use std::borrow::Cow;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{shape, shown};
use crate::core::mask::mask;
use crate::core::model::{Hazard, Millis};
use crate::desk::http::api::Api;
use crate::desk::http::extract::Json;
use crate::desk::http::identity::Identity;
use crate::desk::http::permission::Permission;
use crate::desk::http::problem::{Code, Problem};
use crate::desk::http::{secret, text};

/// Longest title, in characters.
const MAX_TITLE: usize = 200;
/// Longest text, in characters.
const MAX_TEXT: usize = 4_000;

/// What was said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallReport {
    /// In a few words.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"[^\s\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff]"
    )]
    title: String,
    /// What was said about the event; nothing about the caller.
    #[serde(default)]
    #[schema(max_length = 4000)]
    text: String,
    /// What it is about.
    #[schema(schema_with = shape::hazard)]
    hazard: Hazard,
    /// Code of a place in the gazetteer.
    #[schema(min_length = 1, max_length = 64)]
    place: String,
    /// When it was seen, not in the future; now when nothing is said.
    #[serde(default)]
    #[schema(schema_with = shape::maybe_instant)]
    observed: Option<String>,
}

/// Where it went.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallReportView {
    /// Its feed.
    feed: &'static str,
    /// Its id: incidents name it among their reports as `feed/id`.
    id: String,
}

/// Name of the feed.
pub const FEED: &str = "tocsin.manual";

/// Report an event from a telephone call
///
/// The report takes the way of every report. The shipped rules open an incident of the stated hazard at its place, whatever the words
/// are, and it appears on the board within seconds; what the words say counts as in every other report. No `If-Match`: it makes
/// something new.
#[utoipa::path(post, path = "/api/v1/reports", tag = "incidents", operation_id = "report",
    request_body = CallReport,
    responses((status = 202, description = "Kafka has it", body = CallReportView)))]
pub async fn report(
    State(api): State<Api>,
    identity: Identity,
    Json(call): Json<CallReport>,
) -> Result<Response, Problem> {
    identity.require(Permission::Report)?;
    let id = take(&api, &call).await?;
    let view = CallReportView { feed: FEED, id };
    Ok((StatusCode::ACCEPTED, shown(&view)?).into_response())
}

impl CallReport {
    /// One seen now.
    pub fn new(title: &str, text: &str, hazard: Hazard, place: &str) -> Self {
        Self {
            title: title.to_owned(),
            text: text.to_owned(),
            hazard,
            place: place.to_owned(),
            observed: None,
        }
    }
}

/// Sends it on, for whoever was allowed to; its id.
pub async fn take(api: &Api, call: &CallReport) -> Result<String, Problem> {
    let now = api.access().now();
    let record = record(api, call, now)?;
    let id = record["id"].as_str().unwrap_or_default().to_owned();
    let Some(reports) = api.reports() else {
        let detail = "no feed `tocsin.manual` is configured here: add it, as docs/api.md says";
        return Err(Problem::new(Code::Unavailable, detail));
    };
    let body = record.to_string().into_bytes();
    reports.send(&id, body).await.map_err(|error| {
        tracing::error!(error, "a report could not be sent");
        Problem::new(
            Code::Unavailable,
            "Kafka did not take the report: try again",
        )
        .retry_after(2)
    })?;
    Ok(id)
}

fn record(api: &Api, call: &CallReport, now: Millis) -> Result<serde_json::Value, Problem> {
    let title = harmless("title", &call.title, MAX_TITLE)?;
    if title.is_empty() {
        return Err(Problem::bad_value("title", "say in a few words what it is"));
    }
    let body = harmless("text", &call.text, MAX_TEXT)?;
    if api.rules().gazetteer.get(&call.place).is_none() {
        return Err(Problem::bad_value(
            "place",
            "there is no such place in the gazetteer",
        ));
    }
    let observed = match call.observed.as_deref() {
        None => now,
        Some(at) => Millis::parse(at)
            .filter(|at| *at <= now)
            .ok_or_else(|| Problem::bad_value("observed", "RFC 3339, and not in the future"))?,
    };
    let id = secret::new_id().map_err(|error| {
        tracing::error!(%error, "no random numbers");
        Problem::new(Code::Internal, "the system gives no random numbers")
    })?;
    Ok(json!({
        "v": 1, "id": id, "title": title, "text": body, "observed": observed, "place": {"code": call.place},
        "kind": "hotline", "fields": {"hazard": call.hazard},
    }))
}

/// One line, bounded and masked.
fn harmless(field: &'static str, given: &str, most: usize) -> Result<String, Problem> {
    let line = text::line(given);
    let line = line.trim();
    if line.chars().count() > most {
        return Err(Problem::bad_value(
            field,
            format!("at most {most} characters"),
        ));
    }
    Ok(mask(Cow::Borrowed(line)).into_owned())
}
