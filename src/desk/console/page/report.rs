//! A report from a telephone call: it goes the way of every other report, on the feed `tocsin.manual`.

use maud::{Markup, html};

use crate::core::model::Hazard;
use crate::desk::console::layout::{self, Tab};
use crate::desk::console::report_words::ReportMsg;
use crate::desk::console::text::shown;
use crate::desk::console::view::{self, Viewer};
use crate::desk::console::widgets;
use crate::desk::console::words::Msg;

/// The form, and what became of the last one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportView {
    /// Title as entered.
    pub title: String,
    /// Text as entered.
    pub text: String,
    /// Place as entered: a code or a name.
    pub place: String,
    /// What it is about.
    pub hazard: Option<Hazard>,
    /// Why it was not taken.
    pub error: Option<String>,
    /// Id under which it was taken.
    pub sent: Option<String>,
}

/// Longest title, characters.
pub const MAX_TITLE: usize = 200;
/// Longest text, characters.
pub const MAX_TEXT: usize = 4_000;

/// The page.
pub fn page(viewer: &Viewer, view: &ReportView) -> Markup {
    let body = html! {
        header.pagehead { h1 { (viewer.t(ReportMsg::Title)) } p.muted { (viewer.t(ReportMsg::Hint)) } }
        @if let Some(id) = &view.sent { p.banner.done role="status" { (viewer.lang.fill(ReportMsg::Sent, id)) " " a href="/" { (viewer.t(Msg::Board)) } } }
        @if let Some(error) = &view.error { p.banner.refused role="alert" { (shown(error)) } }
        form.card.entry method="post" action="/report" {
            (widgets::form_fields(viewer, None))
            label { (viewer.t(ReportMsg::Headline)) input name="title" required value=(view.title) maxlength=(MAX_TITLE) autofocus; }
            label { (viewer.t(ReportMsg::Text)) textarea name="text" rows="6" maxlength=(MAX_TEXT) { (view.text) } }
            label { (viewer.t(Msg::Hazard)) select name="hazard" required {
                option value="" {}
                @for hazard in Hazard::ALL { option value=(hazard.id()) selected[view.hazard == Some(*hazard)] { (view::hazard(viewer.lang, *hazard)) } }
            } }
            label { (viewer.t(ReportMsg::Place)) input name="place" required value=(view.place) maxlength="200" list="places" autocomplete="off"
                hx-get="/places" hx-trigger="input changed delay:250ms" hx-target="#places" hx-swap="innerHTML" hx-include="this"; }
            datalist #places {}
            p.muted { (viewer.t(ReportMsg::Persons)) }
            button.primary { (viewer.t(ReportMsg::Send)) }
        }
    };
    layout::page(viewer, Tab::Report, viewer.t(Msg::NewReport), &body)
}

/// Places to choose from, for the entry field.
pub fn places(viewer: &Viewer, found: &[crate::core::model::Place]) -> Markup {
    html! {
        @for place in found {
            option value=(place.code) { (view::place(viewer.lang, place)) }
        }
    }
}
