//! Doing something to an incident.
//!
//! Invariant: an action is done to the version that its author saw, or not at all.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use uuid::Uuid;

use super::incidents::answer;
use crate::desk::http::api::{Api, problem_of};
use crate::desk::http::etag::if_match;
use crate::desk::http::extract::{Json, Path};
use crate::desk::http::identity::Identity;
use crate::desk::http::problem::Problem;

/// Do one thing to an incident
///
/// Needs `If-Match` with the ETag of the incident that was seen. After somebody else's change the answer is 412 with the current
/// `version`; 409 when the state of the incident does not allow it, with the `reason`; 403 when the role or the department does not.
#[utoipa::path(post, path = "/api/v1/incidents/{incident}/actions", tag = "incidents", operation_id = "act",
    params(
        ("incident" = Uuid, Path, description = "Incident"),
        ("If-Match" = String, Header, description = "ETag of the incident that was seen", pattern = r#"^"[0-9]{1,19}"$"#),
    ),
    request_body(content = ref("#/components/schemas/Action"), content_type = "application/json"),
    responses(
        (status = 200, description = "Done: the incident as it is now", body = ref("#/components/schemas/Incident"),
            headers(("ETag" = String, description = "Its version")))
    ))]
pub async fn act(
    State(api): State<Api>,
    identity: Identity,
    Path(incident): Path<Uuid>,
    headers: HeaderMap,
    Json(body): Json<serde_json::Value>,
) -> Result<Response, Problem> {
    let version = if_match(&headers)?;
    let action = api.action(body)?;
    let case = api
        .desk()
        .act(incident, &identity.actor(), Some(version), &action)
        .await
        .map_err(problem_of)?;
    answer(&api, &case).await
}
