//! The audit log: who did what, when and why; appended, never edited.

use maud::{Markup, html};
use uuid::Uuid;

use super::incident::short;
use crate::core::model::Millis;
use crate::desk::console::layout::{self, Tab};
use crate::desk::console::text::shown;
use crate::desk::console::time;
use crate::desk::console::view::Viewer;
use crate::desk::console::widgets;
use crate::desk::console::words::Msg;

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRow {
    /// Number in the chain.
    pub seq: i64,
    /// When.
    pub at: Millis,
    /// The desk account; none when the desk itself did it.
    pub by: Option<String>,
    /// Its role.
    pub role: Option<Msg>,
    /// What.
    pub what: String,
    /// Incident.
    pub incident: Option<Uuid>,
    /// Department.
    pub department: Option<String>,
    /// Reason.
    pub why: String,
    /// First characters of its link in the hash chain.
    pub hash: String,
}

/// A page of the log, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditView {
    /// Events.
    pub rows: Vec<AuditRow>,
    /// Only what an account did.
    pub people: bool,
    /// Address of older ones.
    pub older: Option<String>,
}

/// The page.
pub fn page(viewer: &Viewer, view: &AuditView) -> Markup {
    let body = html! {
        header.pagehead { h1 { (viewer.t(Msg::Audit)) } p.muted { (viewer.t(Msg::AuditHint)) }
            p.noprint { @if view.people { a.button href="/audit" { (viewer.t(Msg::AllEvents)) } } @else { a.button href="/audit?people=1" { (viewer.t(Msg::PeopleOnly)) } } } }
        @if view.rows.is_empty() { (widgets::nothing(viewer.t(Msg::AuditEmpty))) } @else {
            table.list {
                thead { tr {
                    th.n scope="col" { (viewer.t(Msg::Number)) } th scope="col" { (viewer.t(Msg::When)) } th scope="col" { (viewer.t(Msg::Who)) } th scope="col" { (viewer.t(Msg::What)) }
                    th scope="col" { (viewer.t(Msg::Incident)) } th scope="col" { (viewer.t(Msg::Reason)) } th scope="col" { (viewer.t(Msg::Chain)) }
                } }
                tbody { @for row in &view.rows { (one(viewer, row)) } }
            }
            @if let Some(older) = &view.older { p { a.button href=(older) { (viewer.t(Msg::Older)) } } }
        }
    };
    layout::page(viewer, Tab::Audit, viewer.t(Msg::Audit), &body)
}

fn one(viewer: &Viewer, row: &AuditRow) -> Markup {
    html! {
        tr {
            td.n { (row.seq) } td { (time::instant(row.at)) }
            td { @match &row.by { Some(by) => (shown(by)), None => (viewer.t(Msg::TheDesk)) } @if let Some(role) = row.role { br; span.muted { (viewer.t(role)) } } }
            td { (shown(&row.what)) @if let Some(department) = &row.department { br; span.muted { (viewer.dept(department)) } } }
            td { @if let Some(incident) = row.incident { a href={"/incidents/" (incident)} { code { (short(incident)) } } } }
            td { (shown(&row.why)) } td { code.muted { (row.hash) } }
        }
    }
}
