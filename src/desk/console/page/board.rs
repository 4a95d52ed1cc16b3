//! The board: open incidents by level, the most urgent first.
//!
//! Invariant: a row is the same for every reader of a language, so that it is rendered once and shared; what depends on the
//! reader (own department, selection) is added in the browser from `data-` attributes.

use std::sync::Arc;

use maud::{Markup, html};
use uuid::Uuid;

use crate::core::model::{Hazard, Level, Millis, Place, RATE_BINS, Status};
use crate::core::obligation::{CaseState, ObligationState};
use crate::desk::console::lang::Lang;
use crate::desk::console::layout::{self, Tab};
use crate::desk::console::text::{harmless, shown};
use crate::desk::console::time::{self, DueKind};
use crate::desk::console::view::{self, Dept, Viewer};
use crate::desk::console::widgets;
use crate::desk::console::words::Msg;

/// How far a department has come, as a row shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Step {
    New,
    Acknowledged,
    InProgress,
    Disposed,
    Waived,
    Transferred,
    Released,
    Closed,
}

impl Step {
    /// For classes and filters.
    pub fn id(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Acknowledged => "acknowledged",
            Self::InProgress => "in_progress",
            Self::Disposed => "disposed",
            Self::Waived => "waived",
            Self::Transferred => "transferred",
            Self::Released => "released",
            Self::Closed => "closed",
        }
    }

    /// Its name.
    pub fn name(self) -> Msg {
        match self {
            Self::New => Msg::StateNew,
            Self::Acknowledged => Msg::StateAcknowledged,
            Self::InProgress => Msg::StateInProgress,
            Self::Disposed => Msg::StateDisposed,
            Self::Waived => Msg::StateWaived,
            Self::Transferred => Msg::StateTransferred,
            Self::Released => Msg::StateReleased,
            Self::Closed => Msg::StateClosed,
        }
    }

    /// A sign, so that it can be told without colour.
    pub fn sign(self) -> &'static str {
        match self {
            Self::New => "○",
            Self::Acknowledged => "◔",
            Self::InProgress => "◑",
            Self::Disposed => "●",
            Self::Waived | Self::Transferred | Self::Released => "–",
            Self::Closed => "✓",
        }
    }
}

impl From<CaseState> for Step {
    fn from(state: CaseState) -> Self {
        match state {
            CaseState::New => Self::New,
            CaseState::Acknowledged => Self::Acknowledged,
            CaseState::InProgress => Self::InProgress,
            CaseState::Disposed => Self::Disposed,
            CaseState::Closed => Self::Closed,
        }
    }
}

impl From<ObligationState> for Step {
    fn from(state: ObligationState) -> Self {
        match state {
            ObligationState::Open => Self::New,
            ObligationState::Acknowledged => Self::Acknowledged,
            ObligationState::InProgress => Self::InProgress,
            ObligationState::Disposed => Self::Disposed,
            ObligationState::Waived => Self::Waived,
            ObligationState::Transferred => Self::Transferred,
            ObligationState::Released => Self::Released,
        }
    }
}

/// One department on a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Department.
    pub dept: Dept,
    /// It leads.
    pub lead: bool,
    /// State.
    pub step: Step,
    /// Missed a deadline.
    pub late: bool,
}

/// The next deadline of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Of what.
    pub kind: DueKind,
    /// When.
    pub at: Millis,
}

/// One incident on the board.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Incident.
    pub id: Uuid,
    /// Version of the case.
    pub version: u64,
    /// Actual, exercise or test.
    pub status: Status,
    /// Exercise id.
    pub exercise: Option<Arc<str>>,
    /// Level that counts: the corrected one, else the machine's.
    pub level: Level,
    /// Score.
    pub score: u8,
    /// Hazard that counts.
    pub hazard: Hazard,
    /// Place that counts.
    pub place: Place,
    /// The place is the feed's home area.
    pub place_assumed: bool,
    /// Somebody corrected hazard, place or level.
    pub corrected: bool,
    /// Marked a duplicate of another one.
    pub duplicate: bool,
    /// On the joint meeting's agenda.
    pub meeting: bool,
    /// The most telling reason in both languages.
    pub why: crate::core::model::Bilingual,
    /// First report.
    pub first_seen: Millis,
    /// Last report.
    pub last_seen: Millis,
    /// Reports, copies, independent sources.
    pub counts: [u32; 3],
    /// Last hour.
    pub last_hour: [u32; RATE_BINS],
    /// Quiet by now.
    pub resolved: bool,
    /// State of the case.
    pub step: Step,
    /// Next deadline.
    pub due: Option<Due>,
    /// Departments, the lead first.
    pub holders: Vec<Holder>,
    /// Who is looking at it.
    pub watching: Vec<String>,
}

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
            table.board {
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
        ("c-age", Msg::Age),
        ("c-due", Msg::Deadline),
        ("c-held", Msg::HeldBy),
    ];
    html! {
        thead { tr {
            @for (class, name) in names { th.{(class)} scope="col" { (viewer.t(name)) } }
        } }
    }
}

fn group_rows(viewer: &Viewer, view: &BoardView, group: &Group) -> Markup {
    let id = group.level.id();
    html! {
        tbody id={"g-" (id)} data-level=(id) {
            tr.group hidden[group.total == 0] {
                th colspan="7" scope="rowgroup" {
                    (widgets::level(viewer.lang, group.level)) " "
                    span.total id={"n-" (id)} { (group.total) }
                }
            }
            @for row in &group.rows { (self::row(viewer.lang, row, viewer.now)) }
            (more(viewer, &view.query, group))
        }
    }
}

fn more(viewer: &Viewer, query: &str, group: &Group) -> Markup {
    html! {
        @if let Some(next) = &group.next {
            tr.more { td colspan="7" {
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
        @for row in &group.rows { (self::row(viewer.lang, row, viewer.now)) }
        (more(viewer, query, group))
    }
}

/// One row; the same for every reader of this language.
pub fn row(lang: Lang, row: &Row, now: Millis) -> Markup {
    let departments: Vec<&str> = row.holders.iter().map(|it| &*it.dept.id).collect();
    let class = match (row.status, row.resolved) {
        (Status::Actual, false) => "row",
        (Status::Actual, true) => "row calm",
        _ => "row drill",
    };
    html! {
        tr id={"i-" (row.id)} class=(class) data-id=(row.id) data-version=(row.version) data-level=(row.level.id())
            data-score=(row.score) data-first=(row.first_seen.0) data-status=(row.status.id()) data-step=(row.step.id())
            data-depts=(departments.join(" ")) {
            td.c-score { (widgets::level(lang, row.level)) span.score { (row.score) } }
            td.c-what { (what(lang, row)) }
            td.c-spark { (widgets::spark(lang, &row.last_hour)) }
            td.c-src title=(lang.fill(Msg::ReportsAndCopies, format!("{} + {}", row.counts[0], row.counts[1]))) {
                (row.counts[2]) span.muted { "/" (row.counts[0]) @if row.counts[1] > 0 { "+" (row.counts[1]) } }
            }
            td.c-age { (time::ago(lang, row.first_seen, now)) span.muted.last { (time::ago(lang, row.last_seen, now)) } }
            td.c-due { (due(lang, row, now)) }
            td.c-held { (holders(lang, row)) }
        }
    }
}

fn what(lang: Lang, row: &Row) -> Markup {
    html! {
        a.open href={"/incidents/" (row.id)} {
            span.hazard { (view::hazard(lang, row.hazard)) } " "
            span.place { (shown(view::place(lang, &row.place))) @if row.place_assumed { span.assumed title=(lang.t(Msg::PlaceAssumed)) { "?" } } }
        }
        (widgets::status(lang, row.status, row.exercise.as_deref()))
        @if row.corrected { span.tag title=(lang.t(Msg::CorrectedTitle)) { (lang.t(Msg::Corrected)) } }
        @if row.duplicate { span.tag { (lang.t(Msg::DuplicateTag)) } }
        @if row.meeting { span.tag.meeting title=(lang.t(Msg::OnAgenda)) { (lang.t(Msg::MeetingTag)) } }
        @if row.resolved { span.tag title=(lang.t(Msg::CalmTitle)) { (lang.t(Msg::Calm)) } }
        span.why { (shown(lang.of(&row.why.en, Some(&row.why.zh)))) }
    }
}

fn due(lang: Lang, row: &Row, now: Millis) -> Markup {
    html! {
        @match row.due {
            Some(due) => (time::due(lang, due.kind, due.at, now)),
            None => span.muted { (lang.t(row.step.name())) },
        }
    }
}

fn holders(lang: Lang, row: &Row) -> Markup {
    html! {
        ul.holders {
            @for holder in &row.holders {
                @let title = format!("{} · {}", holder.dept.name(lang), lang.t(holder.step.name()));
                li class={"h-" (holder.step.id()) @if holder.lead { " lead" } @if holder.late { " late" }} data-dept=(holder.dept.id) title=(title) {
                    span.sign aria-hidden="true" { (holder.step.sign()) }
                    span.name { (holder.dept.name(lang)) }
                    span.hidden { ", " (lang.t(holder.step.name())) @if holder.late { ", " (lang.t(Msg::Missed)) } }
                    @if holder.late { span.bang aria-hidden="true" { "!" } }
                }
            }
        }
        @if !row.watching.is_empty() {
            span.watching title=(lang.t(Msg::WatchingTitle)) { "👁 " (harmless(&row.watching.join(", "))) }
        }
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
