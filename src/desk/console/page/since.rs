//! What happened since the reader left: for the change of shift.

use std::sync::Arc;

use maud::{Markup, html};

use super::row::Row;
use super::search::ClosedRow;
use crate::core::model::Millis;
use crate::desk::console::layout::{self, Tab};
use crate::desk::console::text::shown;
use crate::desk::console::time;
use crate::desk::console::view::{self, Viewer};
use crate::desk::console::widgets;
use crate::desk::console::words::Msg;

/// What happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SinceView {
    /// From when on.
    pub from: Millis,
    /// Opened and still open.
    pub opened: Vec<Arc<Row>>,
    /// Open before, and changed since.
    pub changed: Vec<Arc<Row>>,
    /// With a deadline missed since.
    pub missed: Vec<Arc<Row>>,
    /// Closed.
    pub closed: Vec<ClosedRow>,
    /// Some lists were cut.
    pub cut: bool,
}

/// Spans to choose from, hours.
pub const HOURS: [u32; 4] = [1, 8, 12, 24];

/// The page.
pub fn page(viewer: &Viewer, view: &SinceView) -> Markup {
    let body = html! {
        header.pagehead {
            h1 { (viewer.t(Msg::SinceTitle)) }
            p.muted { (viewer.t(Msg::From)) " " (time::instant(view.from)) " (" (time::ago(viewer.lang, view.from, viewer.now)) ")" }
            div.buttons {
                a #since-left .button href="/since" hidden { (viewer.t(Msg::SinceLeft)) }
                @for hours in HOURS { a.button href={"/since?hours=" (hours)} { (viewer.lang.fill(Msg::LastHours, hours)) } }
            }
        }
        @if view.cut { p.banner.quiet { (viewer.t(Msg::ListsCut)) } }
        (rows(viewer, Msg::SinceMissed, &view.missed))
        (rows(viewer, Msg::SinceOpened, &view.opened))
        (rows(viewer, Msg::SinceChanged, &view.changed))
        section.card {
            h2 { (viewer.t(Msg::SinceClosed)) " " span.muted { (view.closed.len()) } }
            ul.plain { @for it in &view.closed { li { (line(viewer, &it.row)) @if let Some(verdict) = it.verdict { " · " (viewer.t(verdict)) } } } }
            @if view.closed.is_empty() { p.muted { "–" } }
        }
    };
    layout::page(viewer, Tab::Since, viewer.t(Msg::Since), &body)
}

fn rows(viewer: &Viewer, title: Msg, rows: &[Arc<Row>]) -> Markup {
    html! {
        section.card {
            h2 { (viewer.t(title)) " " span.muted { (rows.len()) } }
            ul.plain { @for row in rows { li { (line(viewer, row)) " · " span.muted.whole { (time::ago(viewer.lang, row.first_seen, viewer.now)) } } } }
            @if rows.is_empty() { p.muted { "–" } }
        }
    }
}

fn line(viewer: &Viewer, row: &Row) -> Markup {
    let lang = viewer.lang;
    html! {
        (widgets::level(lang, row.level)) " " (row.score) " "
        a href={"/incidents/" (row.id)} { (view::hazard(lang, row.hazard)) " · " (shown(view::place(lang, &row.place))) }
        (widgets::status(lang, row.status, row.exercise.as_deref()))
    }
}
