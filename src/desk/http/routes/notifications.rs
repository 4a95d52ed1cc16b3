//! The log of notifications.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{incidents, shape, shown};
use crate::desk::DeskError;
use crate::desk::http::api::{Api, problem_of};
use crate::desk::http::extract::{Json, Query};
use crate::desk::http::identity::Identity;
use crate::desk::http::permission::Permission;
use crate::desk::http::problem::Problem;
use crate::desk::store::{NOTIFICATION_STATES, NotificationFilter};

/// Which part of the log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NotificationQuery {
    /// What became of them.
    #[param(schema_with = shape::notification_state)]
    state: Option<String>,
    /// Receiver: `webhook:NAME` or `email:NAME`.
    #[param(schema_with = shape::channel)]
    channel: Option<String>,
    /// Who was told.
    #[param(schema_with = shape::department)]
    department: Option<String>,
    /// About which incident.
    incident: Option<Uuid>,
    /// `next` of the page before.
    #[param(schema_with = shape::notification_cursor)]
    after: Option<String>,
    /// Items per page; 100 when nothing is said.
    #[param(schema_with = shape::limit)]
    limit: Option<u32>,
}

/// Which dead messages are tried again; all, when nothing is said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryWish {
    /// Receiver: `webhook:NAME` or `email:NAME`.
    #[serde(default, deserialize_with = "given")]
    #[schema(schema_with = shape::channel)]
    channel: Option<String>,
    /// Message: its Idempotency-Key.
    #[serde(default)]
    message: Option<Uuid>,
}

/// A text where one is given: `null` is none.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// What is tried again.
#[derive(Debug, Serialize, ToSchema)]
pub struct Retried {
    /// Notices that are due again.
    notices: u64,
}

fn channel(given: Option<&str>) -> Result<(), Problem> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_:-".contains(&b);
    match given {
        Some(name) if !(1..=64).contains(&name.len()) || !name.bytes().all(plain) => {
            Err(Problem::bad_value("channel", "webhook:NAME or email:NAME"))
        }
        _ => Ok(()),
    }
}

/// What somebody outside the console was, is to be or was not told, newest first
#[utoipa::path(get, path = "/api/v1/notifications", tag = "desk", operation_id = "notifications", params(NotificationQuery),
    responses((status = 200, description = "A page of them", body = ref("#/components/schemas/Notifications"))))]
pub async fn notifications(
    State(api): State<Api>,
    identity: Identity,
    Query(query): Query<NotificationQuery>,
) -> Result<Response, Problem> {
    identity.require(Permission::ReadAudit)?;
    if let Some(state) = &query.state
        && !NOTIFICATION_STATES.contains(&state.as_str())
    {
        let why = format!("one of {}", NOTIFICATION_STATES.join(", "));
        return Err(Problem::bad_value("state", why));
    }
    incidents::department(query.department.as_deref())?;
    channel(query.channel.as_deref())?;
    let wrong = |()| Problem::bad_value("after", "`next` of the page before");
    let after = query.after.as_deref().map(str::parse);
    let after = after.transpose().map_err(wrong)?;
    let limit = incidents::limit(query.limit)?;
    let filter = NotificationFilter {
        state: query.state,
        channel: query.channel,
        department: query.department,
        incident: query.incident,
        after,
    };
    let rows = api.desk().store().notifications(&filter, limit).await;
    let rows = rows.map_err(|error| problem_of(DeskError::from(error)))?;
    let mut answer = json!({"notifications": rows});
    if rows.len() >= limit as usize
        && let Some(last) = rows.last()
    {
        answer["next"] = json!(last.cursor().to_string());
    }
    Ok(shown(&answer)?.into_response())
}

/// Try dead notifications again
///
/// With the same `Idempotency-Key` and body, at once and then as often as a new one. Who asked for it is in the audit trail.
/// No `If-Match`: only dead ones are taken, so that a second time finds none.
#[utoipa::path(post, path = "/api/v1/notifications/retry", tag = "desk", operation_id = "retry_notifications",
    request_body = RetryWish,
    responses((status = 200, description = "How many are due again", body = Retried)))]
pub async fn retry(
    State(api): State<Api>,
    identity: Identity,
    Json(wish): Json<RetryWish>,
) -> Result<Response, Problem> {
    identity.require(Permission::RetryNotifications)?;
    channel(wish.channel.as_deref())?;
    let which = (wish.channel.as_deref(), wish.message);
    let done = api
        .desk()
        .retry_notifications(&identity.actor(), which)
        .await;
    let notices = done.map_err(problem_of)?;
    Ok(shown(&Retried { notices })?.into_response())
}
