//! A department: what it has to do, by when, and how it has kept its deadlines.

use std::sync::Arc;

use maud::{Markup, html};

use super::kept;
use super::row::{Due, Row, Step};
use crate::desk::console::layout::{self, Tab};
use crate::desk::console::text::shown;
use crate::desk::console::time;
use crate::desk::console::view::{self, Dept, Viewer};
use crate::desk::console::widgets;
use crate::desk::console::words::Msg;
use crate::desk::store::KeptDeadlines;

/// One open obligation of the department.
#[derive(Clone, Debug, PartialEq)]
pub struct Owed {
    /// Incident.
    pub row: Arc<Row>,
    /// It leads.
    pub lead: bool,
    /// State.
    pub step: Step,
    /// What is due next.
    pub due: Option<Due>,
    /// Offered to this department by another one.
    pub offered_by: Option<Dept>,
}

/// Deadlines kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnTime {
    /// Acknowledged on time, of all.
    pub acknowledged: [u64; 2],
    /// Disposed on time, of all.
    pub disposed: [u64; 2],
}

/// One department.
#[derive(Clone, Debug, PartialEq)]
pub struct DepartmentView {
    /// Which.
    pub dept: Dept,
    /// Open obligations by deadline.
    pub owed: Vec<Owed>,
    /// More of them than shown.
    pub more: u64,
    /// On-time rates over all levels.
    pub on_time: OnTime,
    /// Over how many days they are counted.
    pub days: u32,
    /// The same week by week, oldest first.
    pub weeks: Vec<KeptDeadlines>,
}

/// One line of the list of departments.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Which.
    pub dept: Dept,
    /// Open obligations.
    pub open: u64,
    /// On-time rates over all levels.
    pub on_time: OnTime,
}

/// All departments.
pub fn list(viewer: &Viewer, all: &[Summary], days: u32) -> Markup {
    let body = html! {
        header.pagehead { h1 { (viewer.t(Msg::Departments)) } p.muted { (viewer.lang.fill(Msg::RatesOver, days)) } }
        table.list {
            thead { tr {
                th scope="col" { (viewer.t(Msg::Department)) } th.n scope="col" { (viewer.t(Msg::OpenDuties)) }
                th scope="col" { (viewer.t(Msg::AcknowledgedOnTime)) } th scope="col" { (viewer.t(Msg::DisposedOnTime)) }
            } }
            tbody { @for it in all {
                tr class=[(viewer.department.as_deref() == Some(&*it.dept.id)).then_some("mine")] {
                    td { a href={"/departments/" (it.dept.id)} { (it.dept.name(viewer.lang)) } }
                    td.n { (it.open) }
                    td { (widgets::rate(viewer.lang, it.on_time.acknowledged[0], it.on_time.acknowledged[1])) }
                    td { (widgets::rate(viewer.lang, it.on_time.disposed[0], it.on_time.disposed[1])) }
                }
            } }
        }
    };
    layout::page(viewer, Tab::Department, viewer.t(Msg::Departments), &body)
}

/// One department's page.
pub fn page(viewer: &Viewer, view: &DepartmentView) -> Markup {
    let body = html! {
        header.pagehead {
            h1 { (view.dept.name(viewer.lang)) }
            p.muted { a href="/departments" { (viewer.t(Msg::AllDepartments)) } " · " a href={"/?department=" (view.dept.id)} { (viewer.t(Msg::OnBoard)) } }
        }
        section.card {
            h2 { (viewer.t(Msg::OnTimeTitle)) " " span.muted { (viewer.lang.fill(Msg::RatesOver, view.days)) } }
            p { (viewer.t(Msg::AcknowledgedOnTime)) ": " (widgets::rate(viewer.lang, view.on_time.acknowledged[0], view.on_time.acknowledged[1])) }
            p { (viewer.t(Msg::DisposedOnTime)) ": " (widgets::rate(viewer.lang, view.on_time.disposed[0], view.on_time.disposed[1])) }
            (kept::weeks(viewer.lang, &view.weeks))
        }
        section.card {
            h2 { (viewer.t(Msg::OpenDuties)) " " span.muted { (view.owed.len() as u64 + view.more) } }
            @if view.owed.is_empty() { (widgets::nothing(viewer.t(Msg::NothingOwed))) } @else { (owed(viewer, view)) }
            @if view.more > 0 { p.muted { (viewer.lang.fill(Msg::AndMore, view.more)) } }
        }
    };
    layout::page(viewer, Tab::Department, view.dept.name(viewer.lang), &body)
}

fn owed(viewer: &Viewer, view: &DepartmentView) -> Markup {
    let lang = viewer.lang;
    html! {
        table.list.rows {
            thead { tr {
                th scope="col" { (viewer.t(Msg::Deadline)) } th scope="col" { (viewer.t(Msg::Level)) } th scope="col" { (viewer.t(Msg::Incident)) }
                th scope="col" { (viewer.t(Msg::State)) } th scope="col" { (viewer.t(Msg::Age)) }
            } }
            tbody { @for it in &view.owed {
                tr.row data-id=(it.row.id) data-version=(it.row.version) {
                    td { @if let Some(due) = it.due { (time::due(lang, due.kind, due.at, viewer.now)) } @else { "–" } }
                    td { (widgets::level(lang, it.row.level)) " " (it.row.score) }
                    td { a.open href={"/incidents/" (it.row.id)} { (view::hazard(lang, it.row.hazard)) " · " (shown(view::place(lang, &it.row.place))) }
                        (widgets::status(lang, it.row.status, it.row.exercise.as_deref()))
                        @if let Some(from) = &it.offered_by { span.tag { (lang.fill(Msg::OfferedBy, from.name(lang))) } } }
                    td { (it.step.sign()) " " (viewer.t(it.step.name())) " · " span.muted { (viewer.t(if it.lead { Msg::Lead } else { Msg::Support })) } }
                    td { (time::ago(lang, it.row.first_seen, viewer.now)) }
                }
            } }
        }
    }
}
