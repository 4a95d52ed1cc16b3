//! Search over closed incidents.

use std::sync::Arc;

use maud::{Markup, html};

use super::row::Row;
use crate::core::model::{Hazard, Millis};
use crate::desk::console::layout::{self, Tab};
use crate::desk::console::text::shown;
use crate::desk::console::time;
use crate::desk::console::view::{self, Viewer};
use crate::desk::console::widgets;
use crate::desk::console::words::Msg;

/// A closed incident.
#[derive(Clone, Debug, PartialEq)]
pub struct ClosedRow {
    /// As it was.
    pub row: Arc<Row>,
    /// When it was closed.
    pub closed_at: Option<Millis>,
    /// The lead's disposition.
    pub verdict: Option<Msg>,
}

/// What was asked for and found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchView {
    /// Words.
    pub text: String,
    /// Hazard.
    pub hazard: Option<Hazard>,
    /// Found, the newest first.
    pub rows: Vec<ClosedRow>,
    /// Address of further ones.
    pub more: Option<String>,
}

/// The page.
pub fn page(viewer: &Viewer, view: &SearchView) -> Markup {
    let body = html! {
        header.pagehead { h1 { (viewer.t(Msg::ClosedTitle)) } }
        form.filters method="get" action="/search" role="search" {
            input #search type="search" name="q" value=(view.text) placeholder=(viewer.t(Msg::FilterText)) aria-label=(viewer.t(Msg::FilterText)) maxlength="200";
            select name="hazard" aria-label=(viewer.t(Msg::Hazard)) {
                option value="" { (viewer.t(Msg::AllHazards)) }
                @for hazard in Hazard::ALL { option value=(hazard.id()) selected[view.hazard == Some(*hazard)] { (view::hazard(viewer.lang, *hazard)) } }
            }
            button { (viewer.t(Msg::Search)) }
        }
        @if view.rows.is_empty() { (widgets::nothing(viewer.t(Msg::NothingFound))) } @else {
            table.list.rows {
                thead { tr { th scope="col" { (viewer.t(Msg::ClosedAt)) } th scope="col" { (viewer.t(Msg::Level)) } th scope="col" { (viewer.t(Msg::Incident)) } th scope="col" { (viewer.t(Msg::Verdict)) } th scope="col" { (viewer.t(Msg::Reports)) } } }
                tbody { @for it in &view.rows { (one(viewer, it)) } }
            }
            @if let Some(more) = &view.more { p { a.button href=(more) { (viewer.t(Msg::Older)) } } }
        }
    };
    layout::page(viewer, Tab::Search, viewer.t(Msg::ClosedTitle), &body)
}

fn one(viewer: &Viewer, it: &ClosedRow) -> Markup {
    let (lang, row) = (viewer.lang, &it.row);
    html! {
        tr.row data-id=(row.id) {
            td { @match it.closed_at { Some(at) => (time::instant(at)), None => "–" } }
            td { (widgets::level(lang, row.level)) " " (row.score) }
            td { a.open href={"/incidents/" (row.id)} { (view::hazard(lang, row.hazard)) " · " (shown(view::place(lang, &row.place))) }
                (widgets::status(lang, row.status, row.exercise.as_deref()))
                span.why { (shown(lang.of(&row.why.en, Some(&row.why.zh)))) } }
            td { @match it.verdict { Some(verdict) => (viewer.t(verdict)), None => "–" } }
            td { (lang.fill(Msg::ReportsCount, row.counts[0])) }
        }
    }
}
