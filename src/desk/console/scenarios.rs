//! The page on which a coordinator writes a scenario, and what is done there.
//!
//! Invariant: what was entered stays until it is kept.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Redirect};
use axum::routing::{get, post};

use super::drill_words::DrillMsg;
use super::drills::{drills, refused};
use super::forms::{Fields, encoded};
use super::page::scenario::{DraftView, page};
use super::routes::{Answer, Asked, Failed, fields};
use super::state::{Console, Visit};
use super::view::Viewer;
use crate::core::drill::is_scenario_id;
use crate::desk::drills::{Drills, DrillsError};
use crate::drill::{MAX_DRAFT_BYTES, RoomError, ScenarioWish};

/// Seed of its rehearsals.
const SEED: u64 = 1;

/// Addresses.
pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/scenarios", get(show).post(keep))
        .route("/scenarios/check", post(check))
        .route("/scenarios/download", post(download))
}

/// The text as it was entered: browsers end its lines as the network does.
fn entered(fields: &Fields) -> String {
    fields.get("text").replace("\r\n", "\n") + "\n"
}

fn of_text(text: &str) -> ScenarioWish {
    ScenarioWish {
        text: Some(text.to_owned()),
        ..ScenarioWish::default()
    }
}

/// What is said about a text; a text that cannot be looked at says why.
async fn looked_at(
    drills: &Drills,
    visit: &Visit,
    viewer: &Viewer,
    text: String,
) -> Result<(StatusCode, DraftView), Failed> {
    let mut view = DraftView::default();
    let draft = drills.draft(&visit.visitor.actor, of_text(&text)).await;
    let status = match draft {
        Ok(draft) => {
            view.findings = draft.findings;
            view.ready = draft.ready;
            view.id = draft.scenario;
            StatusCode::OK
        }
        Err(error) => {
            let (status, why) = refused(viewer, error)?;
            view.refused = Some(why);
            status
        }
    };
    view.text = text;
    Ok((status, view))
}

/// A scenario to start from, to be changed.
pub(super) async fn show(
    State(console): State<Console>,
    visit: Visit,
    Query(asked): Asked,
) -> Answer {
    let viewer = console.viewer(&visit);
    let drills = drills(&console, &viewer)?;
    let asked = fields(asked);
    let from = Some(asked.get("from").to_owned()).filter(|it| !it.is_empty());
    let wish = ScenarioWish {
        id: Some(asked.get("id").to_owned()),
        from,
        ..ScenarioWish::default()
    };
    let draft = match drills.draft(&visit.visitor.actor, wish).await {
        Ok(draft) => draft,
        Err(error) => {
            let (status, why) = refused(&viewer, error)?;
            return super::drills::refusing(&drills, &viewer, status, why).await;
        }
    };
    let view = DraftView {
        id: draft.scenario,
        text: draft.text,
        findings: draft.findings,
        ready: draft.ready,
        ..DraftView::default()
    };
    Ok(page(&viewer, &view).into_response())
}

/// Rehearses it as it stands.
pub(super) async fn check(
    State(console): State<Console>,
    visit: Visit,
    Form(form): Form<BTreeMap<String, String>>,
) -> Answer {
    let viewer = console.viewer(&visit);
    let drills = drills(&console, &viewer)?;
    let text = entered(&fields(form));
    let (status, mut view) = looked_at(&drills, &visit, &viewer, text).await?;
    if view.ready {
        let checked = drills.check_draft(of_text(&view.text), SEED).await;
        view.checked = checked.ok();
        // The rehearsal says them too.
        view.findings.clear();
    }
    Ok((status, page(&viewer, &view)).into_response())
}

/// Keeps it: from then on it can be chosen.
pub(super) async fn keep(
    State(console): State<Console>,
    visit: Visit,
    Form(form): Form<BTreeMap<String, String>>,
) -> Answer {
    let viewer = console.viewer(&visit);
    let drills = drills(&console, &viewer)?;
    let text = entered(&fields(form));
    let wish = ScenarioWish {
        keep: true,
        ..of_text(&text)
    };
    let error = match drills.draft(&visit.visitor.actor, wish).await {
        Ok(draft) => {
            let to = format!("/drills?kept=1&scenario={}", encoded(&draft.scenario));
            return Ok(Redirect::to(&to).into_response());
        }
        Err(error) => error,
    };
    let (_, mut view) = looked_at(&drills, &visit, &viewer, text).await?;
    let (status, why) = match error {
        // Its findings say which, line by line.
        DrillsError::Room(RoomError::Scenario(_)) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            viewer.t(DrillMsg::HasErrors).to_owned(),
        ),
        other => refused(&viewer, other)?,
    };
    view.refused = Some(why);
    Ok((status, page(&viewer, &view)).into_response())
}

/// The text as a file.
pub(super) async fn download(
    State(console): State<Console>,
    visit: Visit,
    Form(form): Form<BTreeMap<String, String>>,
) -> Answer {
    let viewer = console.viewer(&visit);
    let drills = drills(&console, &viewer)?;
    let text = entered(&fields(form));
    if text.len() > MAX_DRAFT_BYTES {
        return Err(Failed(StatusCode::PAYLOAD_TOO_LARGE));
    }
    let read = drills.draft(&visit.visitor.actor, of_text(&text)).await;
    let id = read.ok().map(|draft| draft.scenario);
    // Nothing of a text goes into a header that could not be an id.
    let id = id.filter(|id| is_scenario_id(id));
    let name = id.as_deref().unwrap_or("scenario");
    let headers = [
        (header::CONTENT_TYPE, "application/yaml".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}.yml\""),
        ),
    ];
    Ok((headers, text).into_response())
}
