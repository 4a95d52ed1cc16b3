//! Drills over the API.
//!
//! Invariant: everything here is a coordinator's: whoever takes part would otherwise see beforehand what is practised.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::{shape, shown};
use crate::core::drill::Lang;
use crate::desk::drills::{Drills, DrillsError};
use crate::desk::http::api::{Api, problem_of};
use crate::desk::http::extract::{Json, Path, Query};
use crate::desk::http::identity::Identity;
use crate::desk::http::permission::Permission;
use crate::desk::http::problem::{Code, Problem};
use crate::drill::{DrillError, DrillWish, RoomError, RunLine};

/// Largest seed: what every reader of JSON can hold.
const MAX_SEED: u64 = 1 << 53;

/// A drill to start.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DrillStart {
    /// Name of a scenario.
    #[schema(min_length = 1, max_length = 200)]
    scenario: String,
    /// Exercise id, used once; the scenario's id and the time when nothing is said.
    #[serde(default)]
    #[schema(pattern = r"^[A-Za-z0-9._-]{1,64}$")]
    exercise: Option<String>,
    /// Seed of the wording: the same seed, the same words.
    #[serde(default = "first_seed", deserialize_with = "whole")]
    #[schema(minimum = 0, maximum = 9_007_199_254_740_992_u64)]
    seed: u64,
    /// How many times faster than written the script runs. Targets stay as they are.
    #[serde(default = "as_written")]
    #[schema(minimum = 1, maximum = 100_000)]
    speed: f64,
}

/// A scenario to check.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DrillCheckWish {
    /// Name of a scenario.
    #[schema(min_length = 1, max_length = 200)]
    scenario: String,
    /// Seed of the wording.
    #[serde(default = "first_seed", deserialize_with = "whole")]
    #[schema(minimum = 0, maximum = 9_007_199_254_740_992_u64)]
    seed: u64,
}

/// How a report is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReportQuery {
    /// `json` (the default), `html` or `markdown`.
    #[param(schema_with = shape::report_format)]
    format: Option<String>,
    /// Language of the files: `en` (the default) or `zh`.
    #[param(schema_with = shape::language)]
    lang: Option<String>,
}

fn first_seed() -> u64 {
    1
}

/// A whole number, which JSON may write as `1` or `1.0`. One that is too large to be a seed is told so by its bound.
fn whole<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let number = serde_json::Number::deserialize(from)?;
    if let Some(whole) = number.as_u64() {
        return Ok(whole);
    }
    let whole = number.as_f64().filter(|it| it.fract() == 0.0 && *it >= 0.0);
    let whole = whole.ok_or_else(|| serde::de::Error::custom("a whole number, not negative"))?;
    Ok(whole as u64)
}

fn as_written() -> f64 {
    1.0
}

/// What the room said, as a problem.
pub fn problem(error: DrillsError) -> Problem {
    let room = match error {
        DrillsError::Desk(error) => return problem_of(error),
        DrillsError::Room(room) => room,
    };
    let detail = room.to_string();
    match room {
        RoomError::NoScenario(_) => Problem::not_found("scenario").of_field("scenario"),
        RoomError::Scenario(_) => Problem::bad_value("scenario", detail),
        RoomError::BadExercise(_) | RoomError::Reserved(_) => {
            Problem::bad_value("exercise", detail)
        }
        RoomError::BadSpeed => Problem::bad_value("speed", detail),
        RoomError::BadScenarioId => Problem::bad_value("id", detail),
        RoomError::OtherId { .. } | RoomError::DraftTooLong => Problem::bad_value("text", detail),
        RoomError::Taken(_) => Problem::new(Code::Taken, detail).of_field("id"),
        RoomError::Full => Problem::new(Code::Refused, detail),
        RoomError::NotKept { .. } => {
            tracing::error!(error = detail, "a scenario could not be kept");
            let detail =
                "the folder of scenarios cannot be written: its operator finds why in the log";
            Problem::new(Code::Unavailable, detail)
        }
        RoomError::Busy(_) => {
            let mut problem = Problem::new(Code::Refused, detail);
            problem.reason = Some("busy");
            problem
        }
        RoomError::NotReady(_) => Problem::new(Code::Unavailable, detail),
        RoomError::Drill(DrillError::NoRun { .. }) => Problem::not_found("run"),
        RoomError::Drill(DrillError::Again(_)) => {
            Problem::new(Code::Taken, "an exercise id is used once: give another one")
                .of_field("exercise")
        }
        RoomError::Drill(error) => {
            tracing::error!(%error, "a drill could not be worked on");
            let detail = "Kafka, or a file of the run, does not answer: try again";
            Problem::new(Code::Unavailable, detail).retry_after(2)
        }
    }
}

pub(super) fn drills<'a>(api: &'a Api, identity: &Identity) -> Result<&'a Drills, Problem> {
    identity.require(Permission::Drill)?;
    let none = "no drills are run here";
    api.drills()
        .ok_or_else(|| Problem::new(Code::Unavailable, none))
}

fn seed(seed: u64) -> Result<u64, Problem> {
    if seed <= MAX_SEED {
        return Ok(seed);
    }
    Err(Problem::bad_value("seed", format!("at most {MAX_SEED}")))
}

fn view(drills: &Drills, run: &RunLine) -> serde_json::Value {
    let progress = drills.running();
    let progress = progress.filter(|it| it.exercise == run.exercise);
    json!({"run": run, "progress": progress})
}

/// Scenarios, the drill that is running, and the latest runs
#[utoipa::path(get, path = "/api/v1/drills", tag = "drills", operation_id = "drills",
    responses((status = 200, description = "Scenarios and runs", body = ref("#/components/schemas/Drills"))))]
pub async fn list(State(api): State<Api>, identity: Identity) -> Result<Response, Problem> {
    let drills = drills(&api, &identity)?;
    let scenarios = drills.scenarios().await.map_err(problem)?;
    let runs = drills.runs().await.map_err(problem)?;
    let all = json!({
        "scenarios": scenarios, "running": drills.running(), "runs": runs, "not_ready": drills.not_ready(),
    });
    Ok(shown(&all)?.into_response())
}

/// Check a scenario, and rehearse it in memory
///
/// A dry run: nothing is sent. Says what is wrong with it here, what it would send, and what would come of it against its own
/// expectations; departments are not part of a rehearsal. No `If-Match`: it changes nothing.
#[utoipa::path(post, path = "/api/v1/drills/check", tag = "drills", operation_id = "check_drill", request_body = DrillCheckWish,
    responses((status = 200, description = "What was found", body = ref("#/components/schemas/DrillChecked"))))]
pub async fn check(
    State(api): State<Api>,
    identity: Identity,
    Json(wish): Json<DrillCheckWish>,
) -> Result<Response, Problem> {
    let drills = drills(&api, &identity)?;
    let checked = drills.check(&wish.scenario, seed(wish.seed)?).await;
    Ok(shown(&checked.map_err(problem)?)?.into_response())
}

/// Start a drill
///
/// Its reports go through the real feeds, labelled and signed as an exercise. One at a time: 409 with `reason` `busy` while one runs.
/// No `If-Match`: it makes something new, and an exercise id is used once (409).
#[utoipa::path(post, path = "/api/v1/drills", tag = "drills", operation_id = "start_drill", request_body = DrillStart,
    responses((status = 202, description = "It has begun", body = ref("#/components/schemas/DrillRun"))))]
pub async fn start(
    State(api): State<Api>,
    identity: Identity,
    Json(wish): Json<DrillStart>,
) -> Result<Response, Problem> {
    let drills = drills(&api, &identity)?;
    let wish = DrillWish {
        scenario: wish.scenario,
        exercise: wish.exercise,
        seed: seed(wish.seed)?,
        speed: wish.speed,
    };
    let exercise = drills
        .begin(&identity.actor(), wish)
        .await
        .map_err(problem)?;
    let run = drills.run(&exercise).await.map_err(problem)?;
    Ok((StatusCode::ACCEPTED, shown(&view(drills, &run))?).into_response())
}

/// How far a run is
#[utoipa::path(get, path = "/api/v1/drills/{exercise}", tag = "drills", operation_id = "drill",
    params(("exercise" = String, Path, description = "Exercise id")),
    responses((status = 200, description = "The run", body = ref("#/components/schemas/DrillRun"))))]
pub async fn show(
    State(api): State<Api>,
    identity: Identity,
    Path(exercise): Path<String>,
) -> Result<Response, Problem> {
    let drills = drills(&api, &identity)?;
    let run = drills.run(&exercise).await.map_err(problem)?;
    Ok(shown(&view(drills, &run))?.into_response())
}

/// Stop a run, and withdraw every report that it sent
///
/// Its incidents are cancelled. One that is over is withdrawn too; `stopping` is `asked` while it still withdraws.
/// No `If-Match`: a stop holds whatever the run has sent since, it is final, and a second time changes nothing.
#[utoipa::path(post, path = "/api/v1/drills/{exercise}/stop", tag = "drills", operation_id = "stop_drill",
    params(("exercise" = String, Path, description = "Exercise id")),
    responses((status = 200, description = "What was done", body = ref("#/components/schemas/DrillStopping"))))]
pub async fn stop(
    State(api): State<Api>,
    identity: Identity,
    Path(exercise): Path<String>,
) -> Result<Response, Problem> {
    let drills = drills(&api, &identity)?;
    let stopping = drills.stop(&identity.actor(), &exercise).await;
    let stopping = json!({"exercise": exercise, "stopping": stopping.map_err(problem)?});
    Ok(shown(&stopping)?.into_response())
}

/// The report of a run
///
/// Per expectation and department: time to detect, alert, acknowledge and dispose against target; what was missed; what came
/// unexpectedly; a timeline; and the last run of the same scenario beside it. As JSON, as a page that needs nothing else, or as
/// Markdown.
#[utoipa::path(get, path = "/api/v1/drills/{exercise}/report", tag = "drills", operation_id = "drill_report",
    params(("exercise" = String, Path, description = "Exercise id"), ReportQuery),
    responses((status = 200, description = "The report", content(
        (ref("#/components/schemas/DrillReport") = "application/json"), (String = "text/html"), (String = "text/markdown")))))]
pub async fn report(
    State(api): State<Api>,
    identity: Identity,
    Path(exercise): Path<String>,
    Query(query): Query<ReportQuery>,
) -> Result<Response, Problem> {
    let drills = drills(&api, &identity)?;
    let lang = match query.lang.as_deref() {
        None | Some("en") => Lang::En,
        Some("zh") => Lang::Zh,
        Some(_) => return Err(Problem::bad_value("lang", "en or zh")),
    };
    let format = query.format.as_deref().unwrap_or("json");
    if !["json", "html", "markdown"].contains(&format) {
        return Err(Problem::bad_value("format", "json, html or markdown"));
    }
    let judged = drills.report(&exercise).await.map_err(problem)?;
    let file = |kind: &'static str, ending: &str, text: String| {
        // An exercise id holds nothing that a header could not.
        let name = format!("attachment; filename=\"{exercise}.{ending}\"");
        let headers = [
            (header::CONTENT_TYPE, kind.to_owned()),
            (header::CONTENT_DISPOSITION, name),
        ];
        (headers, text).into_response()
    };
    Ok(match format {
        "html" => file("text/html; charset=utf-8", "html", judged.html(lang)),
        "markdown" => file("text/markdown; charset=utf-8", "md", judged.markdown(lang)),
        _ => shown(&judged)?.into_response(),
    })
}
