//! The REST API under `/api/v1`: one file per group of routes.
//!
//! Invariant: a handler asks [`super::identity::Identity::require`] before it asks the desk; whether an action is allowed is the
//! case's own rule, which the desk applies in the transaction that makes it.

pub mod access;
pub mod actions;
pub mod agenda;
pub mod audit;
pub mod cap;
pub mod departments;
pub mod drills;
pub mod incidents;
pub mod notifications;
pub mod reports;
pub mod scenarios;
pub mod shape;
pub mod silences;
pub mod sources;

use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::api::Api;
use super::problem::{Code, Problem};
use super::text;

/// Every operation that needs a token.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(incidents::board))
        .routes(routes!(incidents::closed))
        .routes(routes!(incidents::since))
        .routes(routes!(incidents::incident))
        .routes(routes!(incidents::revisions))
        .routes(routes!(incidents::history))
        .routes(routes!(actions::act))
        .routes(routes!(agenda::agenda))
        .routes(routes!(agenda::agenda_markdown))
        .routes(routes!(agenda::agenda_csv))
        .routes(routes!(departments::departments))
        .routes(routes!(departments::department))
        .routes(routes!(audit::audit))
        .routes(routes!(notifications::notifications))
        .routes(routes!(notifications::retry))
        .routes(routes!(cap::index))
        .routes(routes!(cap::alert))
        .routes(routes!(cap::message))
        .routes(routes!(super::events::events))
        .routes(routes!(sources::rules))
        .routes(routes!(sources::feeds))
        .routes(routes!(reports::report))
        .routes(routes!(silences::list, silences::create))
        .routes(routes!(silences::show))
        .routes(routes!(silences::confirm))
        .routes(routes!(silences::end))
        .routes(routes!(drills::list, drills::start))
        .routes(routes!(drills::check))
        .routes(routes!(drills::show))
        .routes(routes!(drills::stop))
        .routes(routes!(drills::report))
        .routes(routes!(scenarios::create))
        .routes(routes!(access::me))
        .routes(routes!(access::list, access::create))
        .routes(routes!(access::revoke))
}

/// An answer as JSON, without control characters.
pub fn shown(value: &impl Serialize) -> Result<axum::Json<serde_json::Value>, Problem> {
    let mut value = serde_json::to_value(value).map_err(|error| {
        tracing::error!(%error, "an answer could not be written");
        Problem::new(Code::Internal, "the answer could not be written")
    })?;
    text::clean(&mut value);
    Ok(axum::Json(value))
}

/// A result as a response.
pub fn answered(result: Result<impl IntoResponse, Problem>) -> Response {
    match result {
        Ok(answer) => answer.into_response(),
        Err(problem) => problem.into_response(),
    }
}
