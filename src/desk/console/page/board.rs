//! The board: open incidents by level, the most urgent first.
//!
//! Invariant: what a row shows is [`super::row`]'s; here is what stands around the rows.

use std::sync::Arc;

use maud::{Markup, html};

use super::row::{self, Row, Step};
use crate::core::model::{Hazard, Level, Status};
use crate::core::obligation::CaseState;
use crate::desk::console::layout::{self, Tab};
use crate::desk::console::text::harmless;
use crate::desk::console::view::{self, Viewer};
use crate::desk::console::widgets;
use crate::desk::console::words::Msg;

/// What the board is narrowed down to; each field is a parameter of its address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// `actual` (default), `exercise`, `test`.
    pub status: Option<Status>,
    /// One level.
    pub level: Option<Level>,
    /// One hazard.
    pub hazard: Option<Hazard>,
    /// A place by code, with what lies in it.
    pub place: Option<String>,
    /// One department.
    pub department: Option<String>,
    /// State of the case.
    pub state: Option<CaseState>,
    /// Words in headline or place.
    pub text: Option<String>,
}

/// One level's part of the board.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Level.
    pub level: Level,
    /// Open incidents at this level that the filter lets through.
    pub total: u64,
    /// The first of them.
    pub rows: Vec<Arc<Row>>,
    /// Where the next ones begin.
    pub next: Option<String>,
}

/// The board.
#[derive(Clone, Debug, PartialEq)]
pub struct BoardView {
    /// From red to blue.
    pub groups: Vec<Group>,
    /// What it is narrowed down to.
    pub filter: Filter,
    /// The same as a query string, `status=…&level=…`, without `?`.
    pub query: String,
    /// Hazards to choose from.
    pub hazards: Vec<Hazard>,
    /// Number of the last change that this board shows.
    pub seq: i64,
    /// Exercises that run now, which this board does not show.
    pub exercises: u64,
}

/// The page.
pub fn page(viewer: &Viewer, view: &BoardView) -> Markup {
    let live = format!("/live/board?seq={}&{}", view.seq, view.query);
    let body = html! {
        h1.hidden { (viewer.t(Msg::Board)) }
        (filters(viewer, view))
        @if view.filter.status == Some(Status::Exercise) {
            p.banner.exercise { (viewer.t(Msg::ExerciseBanner)) }
        } @else if view.exercises > 0 {
            p.banner.quiet { (viewer.lang.fill(Msg::ExercisesHidden, view.exercises)) " "
                a href="/?status=exercise" { (viewer.t(Msg::ShowExercises)) } }
        }
        div #board data-live=(live) hx-ext="sse" sse-connect=(live) {
            div.sink hidden sse-swap="rows" hx-swap="none" {}
            table.board role="table" {
                caption.hidden { (viewer.t(Msg::OpenIncidents)) }
                (columns(viewer))
                @for group in &view.groups { (group_rows(viewer, view, group)) }
            }
            p #board-empty .nothing hidden[view.groups.iter().any(|group| group.total > 0)] {
                (viewer.t(Msg::BoardEmpty))
            }
            button #fresh .fresh type="button" hidden {}
        }
    };
    layout::page(viewer, Tab::Board, viewer.t(Msg::Board), &body)
}

fn columns(viewer: &Viewer) -> Markup {
    let names = [
        ("c-score", Msg::Score),
        ("c-what", Msg::Incident),
        ("c-spark", Msg::LastHour),
        ("c-src", Msg::SourcesReports),
        ("c-age", Msg::AgeLast),
        ("c-due", Msg::Deadline),
        ("c-held", Msg::HeldBy),
    ];
    html! {
        // The rows are grids to the eye; what they are is said to readers that go by the layout.
        thead role="rowgroup" { tr role="row" {
            @for (class, name) in names { th.{(class)} scope="col" role="columnheader" { (viewer.t(name)) } }
        } }
    }
}

fn group_rows(viewer: &Viewer, view: &BoardView, group: &Group) -> Markup {
    let id = group.level.id();
    html! {
        tbody id={"g-" (id)} data-level=(id) role="rowgroup" {
            tr.group role="row" hidden[group.total == 0] {
                th colspan="7" scope="rowgroup" role="rowheader" {
                    (widgets::level(viewer.lang, group.level)) " "
                    span.total id={"n-" (id)} { (group.total) }
                }
            }
            @for row in &group.rows { (row::draw(viewer.lang, row, viewer.now)) }
            (more(viewer, &view.query, group))
        }
    }
}

fn more(viewer: &Viewer, query: &str, group: &Group) -> Markup {
    html! {
        @if let Some(next) = &group.next {
            tr.more role="row" { td colspan="7" role="cell" {
                button type="button" hx-get={"/board/more?level=" (group.level.id()) "&after=" (next) "&" (query)}
                    hx-target="closest tr" hx-swap="outerHTML" {
                    (viewer.t(Msg::More))
                }
            } }
        }
    }
}

/// Further rows of one level, in place of its "more" button.
pub fn more_rows(viewer: &Viewer, query: &str, group: &Group) -> Markup {
    html! {
        @for row in &group.rows { (row::draw(viewer.lang, row, viewer.now)) }
        (more(viewer, query, group))
    }
}

fn filters(viewer: &Viewer, view: &BoardView) -> Markup {
    let filter = &view.filter;
    html! {
        form #filters .filters method="get" action="/" role="search" {
            div.levels role="group" aria-label=(viewer.t(Msg::Level)) {
                @for group in &view.groups {
                    @let id = group.level.id();
                    label class={"count lv-" (id)} {
                        input.hidden type="checkbox" name="level" value=(id) checked[filter.level == Some(group.level)];
                        (widgets::level(viewer.lang, group.level))
                        strong id={"c-" (id)} { (group.total) }
                    }
                }
            }
            input #search type="search" name="q" value=[filter.text.as_deref()] placeholder=(viewer.t(Msg::FilterText)) aria-label=(viewer.t(Msg::FilterText));
            select name="hazard" aria-label=(viewer.t(Msg::Hazard)) {
                option value="" { (viewer.t(Msg::AllHazards)) }
                @for hazard in &view.hazards {
                    option value=(hazard.id()) selected[filter.hazard == Some(*hazard)] { (view::hazard(viewer.lang, *hazard)) }
                }
            }
            select name="department" aria-label=(viewer.t(Msg::Department)) {
                option value="" { (viewer.t(Msg::AllDepartments)) }
                @for dept in viewer.departments.iter() {
                    option value=(dept.id) selected[filter.department.as_deref() == Some(&*dept.id)] { (dept.name(viewer.lang)) }
                }
            }
            select name="state" aria-label=(viewer.t(Msg::State)) {
                option value="" { (viewer.t(Msg::AllStates)) }
                @for state in [CaseState::New, CaseState::Acknowledged, CaseState::InProgress, CaseState::Disposed] {
                    option value=(state.id()) selected[filter.state == Some(state)] { (viewer.t(Step::from(state).name())) }
                }
            }
            select name="status" aria-label=(viewer.t(Msg::Status)) {
                @for (status, name) in [(Status::Actual, Msg::Actual), (Status::Exercise, Msg::Exercise), (Status::Test, Msg::Test)] {
                    option value=(status.id()) selected[filter.status.unwrap_or(Status::Actual) == status] { (viewer.t(name)) }
                }
            }
            @if let Some(place) = &filter.place {
                input type="hidden" name="place" value=(place);
                span.tag { (viewer.t(Msg::Place)) " " (harmless(place)) }
            }
            button.small.apply { (viewer.t(Msg::Apply)) }
            @if !view.query.is_empty() { a.clear href="/" { (viewer.t(Msg::ClearFilters)) } }
        }
    }
}
