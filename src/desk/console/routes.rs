//! The pages' addresses.
//!
//! Invariant: nothing here lets anybody in: whoever mounts this router has put a [`super::state::Visitor`] into the request, has
//! checked the CSRF token of every change, and sets the security headers.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::Markup;

use super::forms::{self, Fields};
use super::page::{agenda, audit, board, department, feeds, report, rules, search, since};
use super::state::{Call, Console, LANG_COOKIE, THEME_COOKIE, Visit};
use super::words::Msg;
use super::{acts, assets, drills, from_case, query, scenarios, silences, streams, view};
use crate::core::model::{Hazard, Millis, Status};
use crate::desk::{Cursor, DeskError};

/// Events on one page of the audit log.
const AUDITED: u32 = 100;
/// Places offered while one types.
const OFFERED: usize = 12;
/// Life of the switches' cookies, seconds.
const PREFERENCES_S: u32 = 31_536_000;

/// Query of any page.
pub(super) type Asked = Query<BTreeMap<String, String>>;

/// An answer, or the status that says why there is none.
pub(super) type Answer = Result<Response, Failed>;

/// Why there is no page.
#[derive(Debug)]
pub(super) struct Failed(pub(super) StatusCode);

impl From<DeskError> for Failed {
    fn from(error: DeskError) -> Self {
        Self(match error {
            DeskError::NotFound(_) | DeskError::NoSilence(_) => StatusCode::NOT_FOUND,
            DeskError::Conflict { .. } => StatusCode::CONFLICT,
            DeskError::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            DeskError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            DeskError::Internal(why) => {
                tracing::error!(why, "a page could not be made");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        })
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let text = self.0.canonical_reason().unwrap_or("error");
        (self.0, text).into_response()
    }
}

/// Pages, fragments and live streams, for visitors.
pub fn router(console: Console) -> Router {
    Router::new()
        .route("/", get(show_board))
        .route("/board/more", get(more))
        .route("/board/acknowledge", post(acts::acknowledge))
        .route("/live/board", get(streams::board))
        .route("/incidents/{id}", get(acts::show))
        .route("/incidents/{id}/act", post(acts::act))
        .route("/live/incidents/{id}", get(streams::incident))
        .route("/agenda", get(show_agenda))
        .route("/departments", get(show_departments))
        .route("/departments/{id}", get(show_department))
        .route("/search", get(show_search))
        .route("/since", get(show_since))
        .route("/report", get(show_report).post(take_call))
        .route("/places", get(places))
        .route("/rules", get(show_rules))
        .route("/feeds", get(show_feeds))
        .route("/audit", get(show_audit))
        .route("/silences", get(silences::show).post(silences::create))
        .route("/silences/{id}/red", post(silences::confirm))
        .route("/silences/{id}/end", post(silences::end))
        .route("/drills", get(drills::show).post(drills::start))
        .route("/drills/check", post(drills::check))
        .route("/drills/{exercise}", get(drills::run))
        .route("/drills/{exercise}/progress", get(drills::run_progress))
        .route("/drills/{exercise}/stop", post(drills::stop))
        .merge(scenarios::routes())
        .route("/preferences", post(preferences))
        .with_state(console)
}

/// Style sheet, scripts, icons: for everybody, the login page needs them too.
pub fn public() -> Router {
    Router::new().route("/assets/{name}", get(asset))
}

async fn asset(Path(name): Path<String>) -> Response {
    let Some(asset) = assets::served(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kept = if asset.fixed {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, kept),
    ];
    (headers, asset.bytes.clone()).into_response()
}

pub(super) fn fields(asked: BTreeMap<String, String>) -> Fields {
    Fields(asked)
}

async fn show_board(State(console): State<Console>, visit: Visit, Query(asked): Asked) -> Answer {
    let viewer = console.viewer(&visit);
    // Changes from here on are told to the page when it listens.
    let seq = console
        .desk
        .store()
        .change_range()
        .await
        .map_err(DeskError::from)?
        .1;
    let filter = forms::filter(&fields(asked));
    let mut view = query::board(&console.desk, filter, &console.depts()).await?;
    view.seq = seq;
    Ok(board::page(&viewer, &view).into_response())
}

async fn more(State(console): State<Console>, visit: Visit, Query(asked): Asked) -> Answer {
    let fields = fields(asked);
    let filter = forms::filter(&fields);
    let after: Option<Cursor> = fields.get("after").parse().ok();
    let (Some(level), Some(after)) = (filter.level, after) else {
        return Err(Failed(StatusCode::BAD_REQUEST));
    };
    let group = query::group(
        &console.desk,
        &filter,
        level,
        Some(&after),
        &console.depts(),
    )
    .await?;
    let viewer = console.viewer(&visit);
    let rows: Markup = board::more_rows(&viewer, &forms::query(&filter), &group);
    Ok(rows.into_response())
}

fn status_of(asked: &BTreeMap<String, String>) -> Status {
    forms::filter(&Fields(asked.clone()))
        .status
        .unwrap_or(Status::Actual)
}

async fn show_agenda(State(console): State<Console>, visit: Visit, Query(asked): Asked) -> Answer {
    let viewer = console.viewer(&visit);
    let status = status_of(&asked);
    let mut view = query::agenda(&console.desk, status, &console.depts()).await?;
    let lang = viewer.lang.primary();
    let address =
        |ending: &str| format!("/api/v1/agenda.{ending}?lang={lang}&status={}", status.id());
    view.exports = [address("md"), address("csv")];
    Ok(agenda::page(&viewer, &view).into_response())
}

async fn show_departments(State(console): State<Console>, visit: Visit) -> Answer {
    let viewer = console.viewer(&visit);
    let readable: Vec<_> = viewer
        .departments
        .iter()
        .filter(|dept| viewer.reads(&dept.id))
        .cloned()
        .collect();
    let all = query::departments(&console.desk, &readable).await?;
    Ok(department::list(&viewer, &all, query::RATE_DAYS).into_response())
}

async fn show_department(
    State(console): State<Console>,
    visit: Visit,
    Path(id): Path<String>,
) -> Answer {
    let viewer = console.viewer(&visit);
    let dept = viewer
        .departments
        .iter()
        .find(|dept| *dept.id == *id)
        .cloned();
    let dept = dept.ok_or(Failed(StatusCode::NOT_FOUND))?;
    if !viewer.reads(&dept.id) {
        return Err(Failed(StatusCode::FORBIDDEN));
    }
    let view = query::department(&console.desk, dept, &console.depts()).await?;
    Ok(department::page(&viewer, &view).into_response())
}

async fn show_search(State(console): State<Console>, visit: Visit, Query(asked): Asked) -> Answer {
    let viewer = console.viewer(&visit);
    let fields = fields(asked);
    let text: String = fields.get("q").chars().take(200).collect();
    let hazard: Option<Hazard> = fields.get("hazard").parse().ok();
    let after: Option<Cursor> = fields.get("after").parse().ok();
    let (rows, next) = query::closed(
        &console.desk,
        &text,
        hazard,
        after.as_ref(),
        &console.depts(),
    )
    .await?;
    let more = next.map(|cursor| {
        let hazard = hazard.map_or("", Hazard::id);
        format!(
            "/search?q={}&hazard={hazard}&after={cursor}",
            forms::encoded(&text)
        )
    });
    let view = search::SearchView {
        text,
        hazard,
        rows,
        more,
    };
    Ok(search::page(&viewer, &view).into_response())
}

async fn show_since(State(console): State<Console>, visit: Visit, Query(asked): Asked) -> Answer {
    let viewer = console.viewer(&visit);
    let fields = fields(asked);
    let hours = fields
        .get("hours")
        .parse()
        .unwrap_or(8_u32)
        .clamp(1, 24 * 31);
    let from = match fields.get("from").parse::<i64>() {
        Ok(ms) => Millis(ms).clamped(),
        Err(_) => from_case::hours_ago(viewer.now, hours),
    };
    let view = query::since(&console.desk, from, &console.depts()).await?;
    Ok(since::page(&viewer, &view).into_response())
}

async fn show_report(State(console): State<Console>, visit: Visit) -> Answer {
    let viewer = console.viewer(&visit);
    if !viewer.reports() {
        return Err(Failed(StatusCode::FORBIDDEN));
    }
    Ok(report::page(&viewer, &report::ReportView::default()).into_response())
}

async fn take_call(
    State(console): State<Console>,
    visit: Visit,
    Form(form): Form<BTreeMap<String, String>>,
) -> Answer {
    let viewer = console.viewer(&visit);
    if !viewer.reports() {
        return Err(Failed(StatusCode::FORBIDDEN));
    }
    let fields = fields(form);
    let mut view = report::ReportView {
        title: fields.get("title").to_owned(),
        text: fields.get("text").to_owned(),
        place: fields.get("place").to_owned(),
        hazard: fields.get("hazard").parse().ok(),
        ..report::ReportView::default()
    };
    let place = console
        .process
        .rules()
        .gazetteer
        .named(&view.place, 1)
        .pop();
    let taken = match (view.hazard, place) {
        (Some(hazard), Some(place)) => {
            let call = Call {
                title: view.title.clone(),
                text: view.text.clone(),
                hazard,
                place: place.code.to_string(),
            };
            console.process.call(&call).await
        }
        (None, _) => Err(viewer.t(Msg::BadForm).to_owned()),
        (_, None) => Err(viewer.t(Msg::NoSuchPlace).to_owned()),
    };
    let status = match taken {
        Ok(id) => {
            view = report::ReportView {
                sent: Some(id),
                ..report::ReportView::default()
            };
            StatusCode::OK
        }
        Err(why) => {
            view.error = Some(why);
            StatusCode::UNPROCESSABLE_ENTITY
        }
    };
    Ok((status, report::page(&viewer, &view)).into_response())
}

async fn places(State(console): State<Console>, visit: Visit, Query(asked): Asked) -> Answer {
    let found = console
        .process
        .rules()
        .gazetteer
        .named(fields(asked).get("place"), OFFERED);
    Ok(report::places(&console.viewer(&visit), &found).into_response())
}

async fn show_rules(State(console): State<Console>, visit: Visit) -> Answer {
    let viewer = console.viewer(&visit);
    let tallies = console
        .tallies
        .tallies(console.desk.store(), viewer.now)
        .await?;
    let hits = |rule: &str| console.process.shadow_hits(rule);
    let view = rules::RulesView::of(&console.process.rules(), &tallies, hits);
    Ok(rules::page(&viewer, &view, console.process.shadows().as_deref()).into_response())
}

async fn show_feeds(State(console): State<Console>, visit: Visit) -> Answer {
    let viewer = console.viewer(&visit);
    if !viewer.feeds {
        return Err(Failed(StatusCode::NOT_FOUND));
    }
    Ok(feeds::page(&viewer, &console.process.feeds()).into_response())
}

async fn show_audit(State(console): State<Console>, visit: Visit, Query(asked): Asked) -> Answer {
    let viewer = console.viewer(&visit);
    if !viewer.audits() {
        return Err(Failed(StatusCode::FORBIDDEN));
    }
    let asked = fields(asked);
    let before: Option<i64> = asked.get("before").parse().ok();
    let people = !asked.get("people").is_empty();
    let store = console.desk.store();
    let found = store
        .audit_back(before, people, AUDITED)
        .await
        .map_err(DeskError::from)?;
    let older = found
        .last()
        .filter(|last| last.seq > 1 && found.len() as u32 == AUDITED);
    let only = if people { "people=1&" } else { "" };
    let older = older.map(|last| format!("/audit?{only}before={}", last.seq));
    let rows = found.iter().map(|it| audit::AuditRow {
        seq: it.seq,
        at: it.event.at,
        by: it.event.actor.as_ref().map(|actor| actor.name.clone()),
        role: it.event.actor.as_ref().map(|actor| view::role(actor.role)),
        what: from_case::told(viewer.lang, &it.event),
        incident: it.incident,
        department: it.event.department.as_deref().map(str::to_owned),
        why: it.event.reason.clone(),
        hash: it.hash.chars().take(8).collect(),
    });
    let view = audit::AuditView {
        rows: rows.collect(),
        people,
        older,
    };
    Ok(audit::page(&viewer, &view).into_response())
}

/// Keeps what the switches were set to, and goes back.
async fn preferences(Form(form): Form<BTreeMap<String, String>>) -> Answer {
    let fields = fields(form);
    let back = fields.get("back");
    let ours = back.starts_with('/')
        && !back.starts_with("//")
        && back.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let mut response = Redirect::to(if ours { back } else { "/" }).into_response();
    let known = [
        (LANG_COOKIE, fields.get("lang"), &["en", "zh-CN"][..]),
        (
            THEME_COOKIE,
            fields.get("theme"),
            &["auto", "dark", "light"][..],
        ),
    ];
    for (name, value, allowed) in known {
        if allowed.contains(&value) {
            let cookie = format!("{name}={value}; Path=/; Max-Age={PREFERENCES_S}; SameSite=Lax");
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
        }
    }
    Ok(response)
}
