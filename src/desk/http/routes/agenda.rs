//! The joint meeting's agenda: JSON, Markdown, CSV.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::{incidents, shape, shown};
use crate::core::model::Status;
use crate::core::obligation::BoardRow;
use crate::desk::http::api::{Api, problem_of};
use crate::desk::http::extract::Query;
use crate::desk::http::identity::Identity;
use crate::desk::http::page::Language;
use crate::desk::http::permission::Permission;
use crate::desk::http::problem::{Code, Problem};
use crate::desk::http::sheet;

/// Which agenda.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AgendaQuery {
    /// `actual` (the default), `exercise` or `test`.
    #[param(schema_with = shape::status)]
    #[serde(default)]
    status: Status,
    /// Language of the files: `en` (the default) or `zh`.
    #[param(schema_with = shape::language)]
    lang: Option<String>,
}

impl AgendaQuery {
    fn language(&self) -> Result<Language, Problem> {
        match self.lang.as_deref() {
            None | Some("en") => Ok(Language::En),
            Some("zh") => Ok(Language::Zh),
            Some(_) => Err(Problem::bad_value("lang", "en or zh")),
        }
    }

    async fn rows(&self, api: &Api, identity: &Identity) -> Result<Vec<BoardRow>, Problem> {
        identity.require(Permission::Read)?;
        api.desk().agenda(self.status).await.map_err(problem_of)
    }
}

/// What the joint meeting talks about, in order
#[utoipa::path(get, path = "/api/v1/agenda", tag = "meeting", operation_id = "agenda", params(AgendaQuery),
    responses((status = 200, description = "Incidents in the order of the agenda", body = ref("#/components/schemas/IncidentPage"))))]
pub async fn agenda(
    State(api): State<Api>,
    identity: Identity,
    Query(query): Query<AgendaQuery>,
) -> Result<Response, Problem> {
    query.language()?;
    let rows = query.rows(&api, &identity).await?;
    let rows = incidents::marked(&api, &rows).await?;
    Ok(shown(&json!({"incidents": rows}))?.into_response())
}

/// The agenda as Markdown
#[utoipa::path(get, path = "/api/v1/agenda.md", tag = "meeting", operation_id = "agenda_markdown", params(AgendaQuery),
    responses((status = 200, description = "CommonMark", body = String, content_type = "text/markdown")))]
pub async fn agenda_markdown(
    State(api): State<Api>,
    identity: Identity,
    Query(query): Query<AgendaQuery>,
) -> Result<Response, Problem> {
    let language = query.language()?;
    let rows = query.rows(&api, &identity).await?;
    let text = sheet::markdown(&rows, language, api.access().now(), &api.rules().routing);
    Ok(file("text/markdown; charset=utf-8", "agenda.md", text))
}

/// The agenda as CSV
#[utoipa::path(get, path = "/api/v1/agenda.csv", tag = "meeting", operation_id = "agenda_csv", params(AgendaQuery),
    responses((status = 200, description = "RFC 4180 with a header and a byte order mark; no cell is a formula", body = String,
            content_type = "text/csv")))]
pub async fn agenda_csv(
    State(api): State<Api>,
    identity: Identity,
    Query(query): Query<AgendaQuery>,
) -> Result<Response, Problem> {
    let language = query.language()?;
    let rows = query.rows(&api, &identity).await?;
    let text = sheet::csv(&rows, language).map_err(|error| {
        tracing::error!(%error, "the agenda could not be written");
        Problem::new(Code::Internal, "the agenda could not be written")
    })?;
    Ok(file("text/csv; charset=utf-8", "agenda.csv", text))
}

fn file(kind: &'static str, name: &str, text: String) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (headers, text).into_response()
}
