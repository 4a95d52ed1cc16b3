//! Scenarios of drills that a coordinator writes: from the template or another one, looked at, kept.
//!
//! Invariant: as with drills, everything here is a coordinator's.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::ToSchema;

use super::drills::{drills, problem};
use super::shown;
use crate::desk::drills::DrillsError;
use crate::desk::http::api::Api;
use crate::desk::http::extract::Json;
use crate::desk::http::identity::Identity;
use crate::desk::http::problem::Problem;
use crate::desk::http::text;
use crate::drill::{MAX_DRAFT_BYTES, RoomError, ScenarioWish};

/// Longest list of errors in a problem, characters.
const MAX_SAID: usize = 4_000;

/// Longest name of a scenario to start from, in characters.
const MAX_FROM: usize = 200;

/// A scenario to write.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioNew {
    /// Its id, the beginning of exercise ids. Needed where there is no text, and else the one in the text.
    #[serde(default)]
    #[schema(pattern = r"^[a-z0-9_-]{1,40}$")]
    id: Option<String>,
    /// Name of the scenario to start from; a template with every key explained when nothing is said.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    from: Option<String>,
    /// The scenario as YAML, in place of what it starts from: at most 32,768 bytes, that can be run here, and of the same id.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 32_768)]
    text: Option<String>,
    /// It is to be offered from now on. Otherwise it is only written and looked at.
    #[serde(default = "kept")]
    keep: bool,
}

fn kept() -> bool {
    true
}

/// Write a scenario
///
/// What `tocsin drill new` and `tocsin drill check` do for files: without `text` a scenario to start from is written; then it is read
/// against what is here, and kept in the desk's folder, from where drills can be started. What has errors is not kept: 422 names
/// them. With `keep` false nothing is kept, and the findings are answered whatever they are. No `If-Match`: it makes something
/// new, and never writes over a scenario that is there (409).
#[utoipa::path(post, path = "/api/v1/scenarios", tag = "drills", operation_id = "create_scenario", request_body = ScenarioNew,
    responses(
        (status = 201, description = "It is kept", body = ref("#/components/schemas/ScenarioDraft")),
        (status = 200, description = "It was looked at, and is not kept", body = ref("#/components/schemas/ScenarioDraft"))))]
pub async fn create(
    State(api): State<Api>,
    identity: Identity,
    Json(wish): Json<ScenarioNew>,
) -> Result<Response, Problem> {
    let drills = drills(&api, &identity)?;
    let within = |length: Option<usize>, most: usize| {
        length.is_none_or(|length| (1..=most).contains(&length))
    };
    if !within(wish.text.as_ref().map(String::len), MAX_DRAFT_BYTES) {
        let detail = format!("1 to {MAX_DRAFT_BYTES} bytes");
        return Err(Problem::bad_value("text", detail));
    }
    if !within(wish.from.as_ref().map(|it| it.chars().count()), MAX_FROM) {
        let detail = format!("1 to {MAX_FROM} characters");
        return Err(Problem::bad_value("from", detail));
    }
    let wish = ScenarioWish {
        id: wish.id,
        from: wish.from,
        text: wish.text,
        keep: wish.keep,
    };
    let draft = drills.draft(&identity.actor(), wish).await;
    let draft = draft.map_err(|error| match error {
        DrillsError::Room(RoomError::NoScenario(_)) => {
            Problem::not_found("scenario").of_field("from")
        }
        DrillsError::Room(RoomError::Scenario(errors)) => {
            let said = errors.to_string();
            let said: String = text::line(&said).chars().take(MAX_SAID).collect();
            Problem::bad_value("text", said)
        }
        other => problem(other),
    })?;
    let status = if draft.kept {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let mut answer = shown(&draft)?;
    // Its lines are what it is made of.
    let lines = draft.text.lines().map(text::line);
    answer.0["text"] = lines.map(|line| line + "\n").collect::<String>().into();
    Ok((status, answer).into_response())
}
