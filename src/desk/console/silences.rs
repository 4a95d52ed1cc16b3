//! The silences' page, and what people do on it.
//!
//! Invariant: a silence is changed as its reader saw it, or not at all; what was entered is shown again when it is refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use uuid::Uuid;

use super::forms::{self, Fields};
use super::from_case::{self, Depts};
use super::page::incident::Notice;
use super::page::muted::MuteMark;
use super::page::silences::{Entered, SilenceRow, SilencesView, page};
use super::routes::{Answer, Asked, Failed, fields};
use super::state::{Console, Visit};
use super::view::{self, Viewer};
use super::words::Msg;
use crate::core::model::{Level, Millis, Status};
use crate::core::mute::{Matchers, Muted, Red, Silence, Wish};
use crate::core::obligation::Mark;
use crate::desk::silences::known_names;
use crate::desk::{Desk, DeskError};

const HOUR: i64 = 3_600_000;
/// Hours that are offered.
const HOURS: &str = "3";

/// Marks as pages show them, without the silences' reasons.
pub(super) fn mute_marks(muted: &[Muted], depts: &Depts) -> Vec<MuteMark> {
    let mark = |it: &Muted| MuteMark {
        by: it.by,
        id: it.id,
        depts: it.departments.iter().map(|id| depts.get(id)).collect(),
        until: it.until,
        reason: String::new(),
    };
    muted.iter().map(mark).collect()
}

/// What an address or a form says.
fn entered(fields: &Fields) -> Entered {
    let hours = match fields.get("hours") {
        "" => HOURS,
        hours => hours,
    };
    Entered {
        status: forms::filter(fields).status.unwrap_or(Status::Actual),
        rule: fields.get("rule").to_owned(),
        hazard: fields.get("hazard").parse().ok(),
        place: fields.get("place").to_owned(),
        department: fields.get("department").to_owned(),
        level: forms::level(fields.get("level")),
        hours: hours.to_owned(),
        reason: fields.get("reason").to_owned(),
        covers_red: !fields.get("covers_red").is_empty(),
    }
}

/// The wish of a form, or what is wrong with it.
fn wish(console: &Console, viewer: &Viewer, entered: &Entered) -> Result<Wish, String> {
    let rules = console.process.rules();
    let some = |text: &str| Some(text).filter(|text| !text.is_empty()).map(Arc::from);
    let place = match entered.place.as_str() {
        "" => None,
        text => {
            let found = rules.gazetteer.named(text, 1).pop();
            Some(found.ok_or_else(|| viewer.t(Msg::NoSuchPlace).to_owned())?)
        }
    };
    let matchers = Matchers {
        status: entered.status,
        rule: some(&entered.rule),
        hazard: entered.hazard,
        place: place.map(|place| place.code),
        department: some(&entered.department),
        level: entered.level,
    };
    if let Err((field, _)) = known_names(&rules, &matchers) {
        let msg = match field {
            "rule" => Msg::NoSuchRule,
            "department" => Msg::RefusedUnknownDepartment,
            _ => Msg::NoSuchPlace,
        };
        return Err(viewer.t(msg).to_owned());
    }
    let hours: i64 = entered
        .hours
        .parse()
        .ok()
        .filter(|hours| (1..=100_000).contains(hours))
        .ok_or_else(|| viewer.t(Msg::BadHours).to_owned())?;
    Ok(Wish {
        matchers,
        starts: None,
        ends: viewer.now.plus(hours * HOUR),
        reason: entered.reason.clone(),
        covers_red: entered.covers_red,
    })
}

async fn row(
    console: &Console,
    viewer: &Viewer,
    silence: Silence,
) -> Result<SilenceRow, DeskError> {
    let covered = console.desk.covered(&silence).await?;
    let depts = console.depts();
    let red = if silence.red == Red::Asked {
        would_be_red(&console.desk, &silence, viewer.now).await?
    } else {
        0
    };
    let place = silence.matchers.place.as_ref().and_then(|code| {
        let rules = console.process.rules();
        let place = rules.gazetteer.get(code)?;
        Some(view::place(viewer.lang, &place).to_owned())
    });
    let rule = silence.matchers.rule.as_ref().and_then(|id| {
        let rules = console.process.rules();
        let rule = rules.program.rules.iter().find(|rule| rule.id == *id)?;
        Some(view::rule_title(viewer.lang, rule).to_owned())
    });
    Ok(SilenceRow {
        standing: silence.standing(viewer.now),
        rule,
        place,
        open: covered.open,
        more: covered.more,
        rows: covered
            .rows
            .iter()
            .map(|row| from_case::row(row, &depts))
            .collect(),
        red,
        silence,
    })
}

/// Open red incidents that a silence would cover once that is confirmed.
async fn would_be_red(desk: &Desk, silence: &Silence, now: Millis) -> Result<usize, DeskError> {
    let mut confirmed = silence.clone();
    confirmed.red = Red::Silenced {
        confirmed: Mark {
            by: String::new(),
            at: now,
            reason: String::new(),
        },
    };
    let covered = desk.covered(&confirmed).await?;
    let red = covered.rows.iter().filter(|row| row.level == Level::Red);
    Ok(red.count())
}

async fn view_of(
    console: &Console,
    viewer: &Viewer,
    past: bool,
) -> Result<SilencesView, DeskError> {
    let mut rows = Vec::new();
    for silence in console.desk.silences(past).await? {
        rows.push(row(console, viewer, silence).await?);
    }
    let rules = console.process.rules();
    let named = rules.program.rules.iter().map(|rule| {
        let title = view::rule_title(viewer.lang, rule).to_owned();
        (rule.id.to_string(), title)
    });
    let mut named: Vec<(String, String)> = named.collect();
    named.sort_unstable();
    Ok(SilencesView {
        rows,
        past,
        rules: named,
        longest: console.desk.silence_limits().longest_ms / HOUR,
        entered: Entered::default(),
        writing: false,
        notice: None,
    })
}

/// The page. An address may say what a new silence would be for.
pub(super) async fn show(
    State(console): State<Console>,
    visit: Visit,
    Query(asked): Asked,
) -> Answer {
    let viewer = console.viewer(&visit);
    let fields = fields(asked);
    let mut view = view_of(&console, &viewer, !fields.get("all").is_empty()).await?;
    view.entered = entered(&fields);
    let names = ["rule", "hazard", "place", "department", "level"];
    view.writing = names.into_iter().any(|name| !fields.get(name).is_empty());
    Ok(page(&viewer, &view).into_response())
}

/// Makes a silence.
pub(super) async fn create(
    State(console): State<Console>,
    visit: Visit,
    Form(form): Form<BTreeMap<String, String>>,
) -> Answer {
    let viewer = console.viewer(&visit);
    let entered = entered(&fields(form));
    let why = match wish(&console, &viewer, &entered) {
        Err(why) => (StatusCode::UNPROCESSABLE_ENTITY, Notice::Refused(why)),
        Ok(wish) => match console
            .desk
            .create_silence(&visit.visitor.actor, &wish)
            .await
        {
            Ok(made) => return Ok(back_to(made.id)),
            Err(error) => not_done(&viewer, error)?,
        },
    };
    let mut view = view_of(&console, &viewer, false).await?;
    (view.entered, view.writing, view.notice) = (entered, true, Some(why.1));
    Ok((why.0, page(&viewer, &view)).into_response())
}

/// The second word about red.
pub(super) async fn confirm(
    State(console): State<Console>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Answer {
    let fields = fields(form);
    if fields.get("understood").is_empty() {
        let viewer = console.viewer(&visit);
        let why = Notice::Refused(viewer.t(Msg::RedUnderstood).to_owned());
        return again(&console, &viewer, (StatusCode::UNPROCESSABLE_ENTITY, why)).await;
    }
    let actor = &visit.visitor.actor;
    let version = fields.version().ok_or(Failed(StatusCode::BAD_REQUEST))?;
    let done = console.desk.confirm_silence(id, actor, Some(version)).await;
    answered(&console, &visit, done).await
}

/// Ends a silence before its time.
pub(super) async fn end(
    State(console): State<Console>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Answer {
    let fields = fields(form);
    let actor = &visit.visitor.actor;
    let version = fields.version().ok_or(Failed(StatusCode::BAD_REQUEST))?;
    let reason = fields.get("reason");
    let done = console
        .desk
        .end_silence(id, actor, Some(version), reason)
        .await;
    answered(&console, &visit, done).await
}

async fn answered(console: &Console, visit: &Visit, done: Result<Silence, DeskError>) -> Answer {
    match done {
        Ok(silence) => Ok(back_to(silence.id)),
        Err(error) => {
            let viewer = console.viewer(visit);
            let why = not_done(&viewer, error)?;
            again(console, &viewer, why).await
        }
    }
}

/// The page as it stands now, and why nothing was done.
async fn again(console: &Console, viewer: &Viewer, why: (StatusCode, Notice)) -> Answer {
    let mut view = view_of(console, viewer, false).await?;
    view.entered = entered(&Fields::default());
    view.notice = Some(why.1);
    Ok((why.0, page(viewer, &view)).into_response())
}

/// One that is over is shown among the others of its kind.
fn back_to(id: Uuid) -> Response {
    Redirect::to(&format!("/silences?all=1#s-{id}")).into_response()
}

fn not_done(viewer: &Viewer, error: DeskError) -> Result<(StatusCode, Notice), Failed> {
    match error {
        DeskError::Conflict { .. } => Ok((StatusCode::CONFLICT, Notice::Conflict { by: None })),
        DeskError::Refused(why) => {
            let status = if why.is_forbidden() {
                StatusCode::FORBIDDEN
            } else {
                StatusCode::UNPROCESSABLE_ENTITY
            };
            let text = forms::refused(viewer.lang, &why);
            Ok((status, Notice::Refused(text)))
        }
        error => Err(error.into()),
    }
}
