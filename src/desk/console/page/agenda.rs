//! The joint meeting's agenda: in the order in which it is worked through, printable.

use std::sync::Arc;

use maud::{Markup, html};

use super::row::{Holder, Row};
use crate::core::model::Bilingual;
use crate::desk::console::layout::{self, Tab};
use crate::desk::console::text::shown;
use crate::desk::console::time;
use crate::desk::console::view::{self, Viewer};
use crate::desk::console::widgets;
use crate::desk::console::words::Msg;

/// One item.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The incident.
    pub row: Arc<Row>,
    /// Why it is on the agenda, when somebody asked for it.
    pub asked: Option<String>,
    /// The score lines that count most.
    pub reasons: Vec<(i32, Bilingual)>,
}

/// The agenda.
#[derive(Clone, Debug, PartialEq)]
pub struct AgendaView {
    /// In order.
    pub items: Vec<Item>,
    /// Addresses of the same as Markdown and CSV.
    pub exports: [String; 2],
}

/// The page.
pub fn page(viewer: &Viewer, view: &AgendaView) -> Markup {
    let body = html! {
        header.pagehead {
            h1 { (viewer.t(Msg::AgendaTitle)) }
            p.muted { (time::instant(viewer.now)) " · " (viewer.lang.fill(Msg::Items, view.items.len())) }
            div.buttons.noprint {
                button #print type="button" { (viewer.t(Msg::Print)) }
                a.button href=(view.exports[0]) download { "Markdown" }
                a.button href=(view.exports[1]) download { "CSV" }
            }
        }
        @if view.items.is_empty() { (widgets::nothing(viewer.t(Msg::AgendaEmpty))) }
        ol.agenda {
            @for item in &view.items { (one(viewer, item)) }
        }
    };
    layout::page(viewer, Tab::Agenda, viewer.t(Msg::Agenda), &body)
}

fn one(viewer: &Viewer, item: &Item) -> Markup {
    let (lang, row) = (viewer.lang, &item.row);
    html! {
        li class={"card item lv-" (row.level.id())} {
            h2 {
                (widgets::level(lang, row.level)) " " span.score { (row.score) } " "
                a href={"/incidents/" (row.id)} { (view::hazard(lang, row.hazard)) " · " (shown(view::place(lang, &row.place))) }
                (widgets::status(lang, row.status, row.exercise.as_deref()))
            }
            p.muted { (viewer.t(Msg::FirstSeen)) " " (time::instant(row.first_seen)) " · " (lang.fill(Msg::ReportsCount, row.counts[0])) " · " (lang.fill(Msg::SourcesCount, row.counts[2])) }
            @if let Some(asked) = &item.asked { p { (viewer.t(Msg::AskedBecause)) " “" (shown(asked)) "”" } }
            ul.reasons { @for (points, because) in &item.reasons {
                li { span.points { (super::incident::signed(*points)) } " " (shown(lang.of(&because.en, Some(&because.zh)))) }
            } }
            ul.duties { @for holder in &row.holders { (duty(viewer, holder)) } }
            @if let Some(due) = row.due { p { (time::due(lang, due.kind, due.at, viewer.now)) } }
            p.decision aria-hidden="true" { (viewer.t(Msg::Decision)) span.line {} }
        }
    }
}

fn duty(viewer: &Viewer, holder: &Holder) -> Markup {
    html! {
        li class={"h-" (holder.step.id())} {
            span.sign aria-hidden="true" { (holder.step.sign()) } " "
            (holder.dept.name(viewer.lang)) @if holder.lead { " (" (viewer.t(Msg::Lead)) ")" }
            ": " (viewer.t(holder.step.name()))
            @if holder.late { " · " strong { (viewer.t(Msg::Missed)) } }
        }
    }
}
