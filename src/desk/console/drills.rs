//! The drills' pages, and what a coordinator does on them.
//!
//! Invariant: everything here is a coordinator's; whoever takes part sees no scenario beforehand.

use std::collections::BTreeMap;

use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Redirect};

use super::drill_words::DrillMsg;
use super::forms::Fields;
use super::page::drills::{DrillEntry, DrillsView, RunView, over, page, progress, run_page};
use super::routes::{Answer, Asked, Failed, fields};
use super::state::{Console, Visit};
use super::view::Viewer;
use crate::desk::drills::{Drills, DrillsError};
use crate::drill::{DrillError, DrillWish, MAX_DRAFT_BYTES, MAX_SCENARIOS, RoomError, RunStanding};

/// Tells htmx to go to another page. Not to load this one anew: it may be the answer to a form, which would be sent again.
const GO_TO: HeaderName = HeaderName::from_static("hx-redirect");

/// The drills, for who may run them.
pub(super) fn drills(console: &Console, viewer: &Viewer) -> Result<Drills, Failed> {
    if !viewer.runs_drills() {
        return Err(Failed(StatusCode::FORBIDDEN));
    }
    console
        .process
        .drills()
        .ok_or(Failed(StatusCode::NOT_FOUND))
}

/// Why nothing was done, in words; what is no answer for people is a status.
pub(super) fn refused(viewer: &Viewer, error: DrillsError) -> Result<(StatusCode, String), Failed> {
    let room = match error {
        DrillsError::Desk(error) => return Err(error.into()),
        DrillsError::Room(room) => room,
    };
    let said = match room {
        RoomError::NoScenario(_) => viewer.t(DrillMsg::NoScenario).to_owned(),
        RoomError::Scenario(errors) => {
            format!("{} {errors}", viewer.t(DrillMsg::BadScenario))
        }
        RoomError::BadExercise(_) => viewer.t(DrillMsg::BadExercise).to_owned(),
        RoomError::Reserved(id) => viewer.lang.fill(DrillMsg::Reserved, id),
        RoomError::BadSpeed => viewer.t(DrillMsg::BadSpeed).to_owned(),
        RoomError::BadScenarioId => viewer.t(DrillMsg::BadId).to_owned(),
        RoomError::OtherId { found, .. } => viewer.lang.fill(DrillMsg::OtherId, found),
        RoomError::Taken(id) => viewer.lang.fill(DrillMsg::Taken, id),
        RoomError::Full => viewer.lang.fill(DrillMsg::Full, MAX_SCENARIOS),
        RoomError::DraftTooLong => viewer.lang.fill(DrillMsg::TooLong, MAX_DRAFT_BYTES),
        RoomError::NotKept { path, error } => {
            tracing::error!(%error, path = %path.display(), "a scenario could not be kept");
            viewer.t(DrillMsg::NotKept).to_owned()
        }
        RoomError::Busy(other) => viewer.lang.fill(DrillMsg::Busy, other),
        RoomError::NotReady(_) => viewer.t(DrillMsg::NotReady).to_owned(),
        RoomError::Drill(DrillError::Again(id)) => viewer.lang.fill(DrillMsg::Again, id),
        RoomError::Drill(DrillError::NoRun { .. }) => return Err(Failed(StatusCode::NOT_FOUND)),
        RoomError::Drill(error) => {
            tracing::error!(%error, "a drill could not be worked on");
            return Err(Failed(StatusCode::SERVICE_UNAVAILABLE));
        }
    };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, said))
}

fn entered(fields: &Fields) -> DrillEntry {
    let or = |name: &str, default: &str| match fields.get(name) {
        "" => default.to_owned(),
        given => given.chars().take(200).collect(),
    };
    DrillEntry {
        scenario: or("scenario", ""),
        exercise: or("exercise", ""),
        seed: or("seed", "1"),
        speed: or("speed", "1"),
    }
}

async fn view_of(drills: &Drills, viewer: &Viewer) -> Result<DrillsView, Failed> {
    let failed = |error| match refused(viewer, error) {
        Ok((status, _)) => Failed(status),
        Err(failed) => failed,
    };
    Ok(DrillsView {
        scenarios: drills.scenarios().await.map_err(failed)?,
        runs: drills.runs().await.map_err(failed)?,
        running: drills.running(),
        ready: drills.not_ready().is_none(),
        entered: entered(&Fields::default()),
        kept: false,
        checked: None,
        refused: None,
    })
}

/// Scenarios and runs.
pub(super) async fn show(
    State(console): State<Console>,
    visit: Visit,
    Query(asked): Asked,
) -> Answer {
    let viewer = console.viewer(&visit);
    let drills = drills(&console, &viewer)?;
    let mut view = view_of(&drills, &viewer).await?;
    let asked = fields(asked);
    // One that was kept a moment ago, on the way here from its page.
    view.entered = entered(&asked);
    view.kept = !asked.get("kept").is_empty()
        && view
            .scenarios
            .iter()
            .any(|it| it.name == view.entered.scenario);
    Ok(page(&viewer, &view).into_response())
}

/// Checks and rehearses a scenario.
pub(super) async fn check(
    State(console): State<Console>,
    visit: Visit,
    Form(form): Form<BTreeMap<String, String>>,
) -> Answer {
    let viewer = console.viewer(&visit);
    let drills = drills(&console, &viewer)?;
    let entered = entered(&fields(form));
    let checked = match entered.seed.parse() {
        Ok(seed) => drills.check(&entered.scenario, seed).await,
        Err(_) => Err(RoomError::BadSpeed.into()),
    };
    let mut view = view_of(&drills, &viewer).await?;
    let status = match checked {
        Ok(checked) => {
            view.checked = Some(checked);
            StatusCode::OK
        }
        Err(error) => {
            let (status, said) = refused(&viewer, error)?;
            view.refused = Some(said);
            status
        }
    };
    view.entered = entered;
    Ok((status, page(&viewer, &view)).into_response())
}

fn wish(entered: &DrillEntry) -> Result<DrillWish, RoomError> {
    let exercise = Some(entered.exercise.clone()).filter(|it| !it.is_empty());
    Ok(DrillWish {
        scenario: entered.scenario.clone(),
        exercise,
        seed: entered.seed.parse().map_err(|_| RoomError::BadSpeed)?,
        speed: entered.speed.parse().map_err(|_| RoomError::BadSpeed)?,
    })
}

/// Starts a drill.
pub(super) async fn start(
    State(console): State<Console>,
    visit: Visit,
    Form(form): Form<BTreeMap<String, String>>,
) -> Answer {
    let viewer = console.viewer(&visit);
    let drills = drills(&console, &viewer)?;
    let entered = entered(&fields(form));
    let begun = match wish(&entered) {
        Ok(wish) => drills.begin(&visit.visitor.actor, wish).await,
        Err(error) => Err(error.into()),
    };
    let why = match begun {
        Ok(exercise) => return Ok(Redirect::to(&format!("/drills/{exercise}")).into_response()),
        Err(error) => refused(&viewer, error)?,
    };
    let mut view = view_of(&drills, &viewer).await?;
    (view.entered, view.refused) = (entered, Some(why.1));
    Ok((why.0, page(&viewer, &view)).into_response())
}

/// The page, saying why nothing was done.
pub(super) async fn refusing(
    drills: &Drills,
    viewer: &Viewer,
    status: StatusCode,
    why: String,
) -> Answer {
    let mut view = view_of(drills, viewer).await?;
    view.refused = Some(why);
    Ok((status, page(viewer, &view)).into_response())
}

async fn run_view(drills: &Drills, viewer: &Viewer, exercise: &str) -> Result<RunView, Failed> {
    let failed = |error| match refused(viewer, error) {
        Ok((status, _)) => Failed(status),
        Err(failed) => failed,
    };
    let run = drills.run(exercise).await.map_err(failed)?;
    let progress = drills.running().filter(|it| it.exercise == exercise);
    let judged = match run.standing {
        RunStanding::Running => None,
        // A scenario may have become unreadable here; the run is shown all the same.
        _ => drills.report(exercise).await.ok(),
    };
    Ok(RunView {
        run,
        progress,
        judged,
    })
}

/// A run: how far it is, or its report.
pub(super) async fn run(
    State(console): State<Console>,
    visit: Visit,
    Path(exercise): Path<String>,
) -> Answer {
    let viewer = console.viewer(&visit);
    let drills = drills(&console, &viewer)?;
    let view = run_view(&drills, &viewer, &exercise).await?;
    Ok(run_page(&viewer, &view).into_response())
}

/// How far it is; once it is over the run's own page is opened anew, with its report.
pub(super) async fn run_progress(
    State(console): State<Console>,
    visit: Visit,
    Path(exercise): Path<String>,
    Query(asked): Asked,
) -> Answer {
    let viewer = console.viewer(&visit);
    let drills = drills(&console, &viewer)?;
    let own = !fields(asked).get("own").is_empty();
    let running = drills.running().filter(|it| it.exercise == exercise);
    Ok(match running {
        Some(figures) => progress(&viewer, &figures, own).into_response(),
        None if own => anew(&drills, &exercise).await?,
        None => over(&viewer, &exercise).into_response(),
    })
}

async fn anew(drills: &Drills, exercise: &str) -> Answer {
    // Only a run that there is: nothing of an address goes into a header unseen.
    let run = drills.run(exercise).await;
    let run = run.map_err(|_| Failed(StatusCode::NOT_FOUND))?;
    let to = HeaderValue::try_from(format!("/drills/{}", run.exercise));
    let to = to.map_err(|_| Failed(StatusCode::NOT_FOUND))?;
    Ok(([(GO_TO, to)], "").into_response())
}

/// Stops it, and withdraws what it sent.
pub(super) async fn stop(
    State(console): State<Console>,
    visit: Visit,
    Path(exercise): Path<String>,
) -> Answer {
    let viewer = console.viewer(&visit);
    let drills = drills(&console, &viewer)?;
    match drills.stop(&visit.visitor.actor, &exercise).await {
        Ok(_) => Ok(Redirect::to(&format!("/drills/{exercise}")).into_response()),
        Err(error) => {
            let (status, why) = refused(&viewer, error)?;
            refusing(&drills, &viewer, status, why).await
        }
    }
}
