//! A scenario that is being written.
//!
//! Invariant: its text is shown as it was entered; what is wrong with it stands beside, by line.

use maud::{Markup, html};

use super::drills::{findings, rehearsal};
use crate::desk::console::drill_words::DrillMsg;
use crate::desk::console::layout::{self, Tab};
use crate::desk::console::text::{harmless, shown};
use crate::desk::console::view::Viewer;
use crate::desk::console::widgets;
use crate::desk::console::words::Msg;
use crate::drill::{Checked, Finding, MAX_DRAFT_BYTES};

/// The page's values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DraftView {
    /// Id in the text.
    pub id: String,
    /// Text.
    pub text: String,
    /// What is to be said about it.
    pub findings: Vec<Finding>,
    /// It can be run.
    pub ready: bool,
    /// What its rehearsal came to.
    pub checked: Option<Checked>,
    /// Why it was not kept.
    pub refused: Option<String>,
}

/// The page.
pub fn page(viewer: &Viewer, view: &DraftView) -> Markup {
    let body = html! {
        header.pagehead {
            h1 { (viewer.t(DrillMsg::NewScenario)) @if !view.id.is_empty() { ": " (shown(&view.id)) } }
            p.muted { (viewer.t(DrillMsg::DraftHint)) " · " a href="/drills" { (viewer.t(Msg::Drills)) } }
        }
        @if let Some(why) = &view.refused {
            p.banner.refused role="alert" { strong { (viewer.t(Msg::RefusedTitle)) } " " (shown(why)) }
        }
        @if !view.findings.is_empty() {
            section.card #findings { h2 { (viewer.t(DrillMsg::Findings)) } (findings(viewer, &view.findings)) }
        }
        @if let Some(checked) = &view.checked { (rehearsal(viewer, checked)) }
        form.card.draft method="post" action="/scenarios" {
            (widgets::form_fields(viewer, None))
            label { (viewer.t(DrillMsg::DraftText))
                // A browser takes the first line end away.
                textarea name="text" rows="32" required maxlength=(MAX_DRAFT_BYTES) spellcheck="false" wrap="off" { "\n" (harmless(&view.text)) }
            }
            div.buttons {
                button formaction="/scenarios/check" { (viewer.t(DrillMsg::Check)) }
                button.primary { (viewer.t(DrillMsg::Keep)) }
                button formaction="/scenarios/download" { (viewer.t(DrillMsg::Download)) }
            }
        }
    };
    layout::page(viewer, Tab::Drills, viewer.t(DrillMsg::NewScenario), &body)
}
