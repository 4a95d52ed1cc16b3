//! One incident's page, and what people do on it.
//!
//! Invariant: a change is made against the version that its maker saw; when that is not the present one nothing is changed, and
//! what was typed is shown again.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use uuid::Uuid;

use super::forms::{self, Fields};
use super::from_case;
use super::live;
use super::map::{MapView, Near};
use super::page::board::Filter;
use super::page::incident::{self, IncidentView, Notice};
use super::page::muted::MuteMark;
use super::routes::{Answer, Failed, fields};
use super::silences::mute_marks;
use super::state::{Console, Visit};
use super::text::harmless;
use super::view::{self, Viewer};
use super::words::Msg;
use crate::core::model::{Alert, Coordinates};
use crate::core::mute::By;
use crate::core::obligation::{Action, Case, Event};
use crate::core::place::distance_km;
use crate::desk::{BoardFilter, DeskError};

/// How far towns are shown around an incident, kilometres.
const TOWNS_KM: f64 = 250.0;
/// Towns on a map.
const TOWNS: usize = 80;
/// How far other open incidents count as near, kilometres.
const NEAR_KM: f64 = 200.0;
/// Open incidents looked at for a map.
const LOOKED_AT: u32 = 300;

/// The page, or, when htmx asks, the part of it that changes.
pub(super) async fn show(
    State(console): State<Console>,
    visit: Visit,
    Path(id): Path<Uuid>,
) -> Answer {
    let viewer = console.viewer(&visit);
    let case = console.desk.case(id).await?;
    let view = view_of(&console, &viewer, &case).await?;
    Ok(shown(&viewer, &view, visit.fragment, StatusCode::OK))
}

fn shown(viewer: &Viewer, view: &IncidentView, fragment: bool, status: StatusCode) -> Response {
    let page = if fragment {
        incident::fragment(viewer, view)
    } else {
        incident::page(viewer, view)
    };
    (status, page).into_response()
}

/// Everything that the page shows.
async fn view_of(
    console: &Console,
    viewer: &Viewer,
    case: &Case,
) -> Result<IncidentView, DeskError> {
    let id = case.incident;
    let revisions: Vec<Arc<Alert>> = console
        .desk
        .revisions(id)
        .await?
        .into_iter()
        .map(Arc::new)
        .collect();
    let history: Vec<Event> = console
        .desk
        .history(id)
        .await?
        .into_iter()
        .map(|it| it.event)
        .collect();
    let mut view = from_case::incident(viewer.lang, case, &revisions, &history, &console.depts());
    view.muted = muted(console, case).await?;
    let rules = console.process.rules();
    for (id, title) in &mut view.rules {
        if let Some(rule) = rules.program.rules.iter().find(|rule| rule.id == *id) {
            view::rule_title(viewer.lang, rule).clone_into(title);
        }
    }
    if let Some(center) = case.place().coordinates {
        view.map = Some(MapView {
            center,
            level: view.level(),
            label: view::place(viewer.lang, case.place()).to_owned(),
            also: case.alert.also_places.clone(),
            near: near(console, viewer, case, center).await?,
            towns: rules.gazetteer.around(center, TOWNS_KM, TOWNS),
        });
    }
    Ok(view)
}

/// What mutes its notifications, with the silences' reasons.
async fn muted(console: &Console, case: &Case) -> Result<Vec<MuteMark>, DeskError> {
    let all = console.desk.muted(&[case.row()]).await?;
    let marks = all.get(&case.incident).map_or(&[][..], Vec::as_slice);
    let mut marks = mute_marks(marks, &console.depts());
    for mark in marks.iter_mut().filter(|mark| mark.by == By::Silence) {
        mark.reason = console.desk.silence(mark.id).await?.reason;
    }
    Ok(marks)
}

/// Other open incidents of the same status near by, the gravest first.
async fn near(
    console: &Console,
    viewer: &Viewer,
    case: &Case,
    center: Coordinates,
) -> Result<Vec<Near>, DeskError> {
    let filter = BoardFilter {
        status: case.status(),
        ..BoardFilter::default()
    };
    let page = console.desk.board(&filter, None, LOOKED_AT).await?;
    let others = page
        .items
        .into_iter()
        .filter(|row| row.incident != case.incident);
    let found = others.filter_map(|row| {
        let at = row
            .place
            .coordinates
            .filter(|at| distance_km(center, *at) <= NEAR_KM)?;
        let hazard = view::hazard(viewer.lang, row.hazard);
        Some(Near {
            at,
            level: row.level,
            label: format!(
                "{hazard} · {}",
                harmless(view::place(viewer.lang, &row.place))
            ),
            href: format!("/incidents/{}", row.incident),
        })
    });
    Ok(found.take(TOWNS).collect())
}

/// Does what a form of the page asks for.
pub(super) async fn act(
    State(console): State<Console>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Answer {
    let fields = fields(form);
    let viewer = console.viewer(&visit);
    let done = perform(&console, &visit, id, &fields, &viewer).await?;
    let case = console.desk.case(id).await?;
    if done.is_none() && !visit.fragment {
        return Ok(Redirect::to(&format!("/incidents/{id}")).into_response());
    }
    let mut view = view_of(&console, &viewer, &case).await?;
    let (status, notice) = done.unwrap_or((StatusCode::OK, Notice::Done));
    if status != StatusCode::OK {
        view.draft = fields.draft();
    }
    let by = view.timeline.iter().find_map(incident::by_whom);
    view.notice = Some(match notice {
        Notice::Conflict { .. } => Notice::Conflict { by },
        other => other,
    });
    Ok(shown(&viewer, &view, visit.fragment, status))
}

/// None when it is done; else the status and what to say.
async fn perform(
    console: &Console,
    visit: &Visit,
    id: Uuid,
    fields: &Fields,
    viewer: &Viewer,
) -> Result<Option<(StatusCode, Notice)>, Failed> {
    let refused = |text: String| Some((StatusCode::UNPROCESSABLE_ENTITY, Notice::Refused(text)));
    let case = console.desk.case(id).await?;
    let Some(mut version) = fields.version() else {
        return Ok(refused(viewer.t(Msg::BadForm).to_owned()));
    };
    let actions = match fields.actions(&case, &console.process.rules().gazetteer) {
        Ok(actions) => actions,
        Err(msg) => return Ok(refused(viewer.t(msg).to_owned())),
    };
    for action in &actions {
        match console
            .desk
            .act(id, &visit.visitor.actor, Some(version), action)
            .await
        {
            Ok(case) => version = case.version,
            Err(DeskError::Conflict { .. }) => {
                return Ok(Some((StatusCode::CONFLICT, Notice::Conflict { by: None })));
            }
            Err(DeskError::Refused(why)) => {
                let text = forms::refused(viewer.lang, &why);
                let status = if why.is_forbidden() {
                    StatusCode::FORBIDDEN
                } else {
                    StatusCode::UNPROCESSABLE_ENTITY
                };
                return Ok(Some((status, Notice::Refused(text))));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// Acknowledges from the board, for the reader's department; answers with the row as it is now.
pub(super) async fn acknowledge(
    State(console): State<Console>,
    visit: Visit,
    Form(form): Form<BTreeMap<String, String>>,
) -> Answer {
    let fields = fields(form);
    let id: Uuid = fields
        .get("incident")
        .parse()
        .map_err(|_| Failed(StatusCode::BAD_REQUEST))?;
    let version = fields.version().ok_or(Failed(StatusCode::BAD_REQUEST))?;
    let action = Action::Acknowledge {
        department: visit.visitor.actor.department.clone(),
    };
    let done = console
        .desk
        .act(id, &visit.visitor.actor, Some(version), &action)
        .await;
    if let Err(
        error @ (DeskError::NotFound(_) | DeskError::Unavailable(_) | DeskError::Internal(_)),
    ) = done
    {
        return Err(error.into());
    }
    // Done, refused or overtaken: the row says how it stands.
    let drawn: Option<Vec<Arc<live::Drawn>>> = console.hub.draw(&[id]).await;
    let drawn = drawn.ok_or(Failed(StatusCode::SERVICE_UNAVAILABLE))?;
    let case = console.desk.case(id).await?;
    let filter = Filter {
        status: Some(case.status()),
        ..Filter::default()
    };
    let row = drawn
        .first()
        .and_then(|drawn| drawn.shown(&filter, visit.lang));
    Ok(maud::PreEscaped(row.unwrap_or_default().to_owned()).into_response())
}
