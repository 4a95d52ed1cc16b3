//! What analysts make of an incident: assessment, corrections, duplicates, the joint meeting.

use maud::{Markup, html};

use super::incident::IncidentView;
use super::obligations;
use super::row::Step;
use crate::core::model::{Hazard, Level};
use crate::core::obligation::MAX_TEXT;
use crate::desk::console::text::{harmless, shown};
use crate::desk::console::view::{self, Viewer};
use crate::desk::console::words::Msg;

/// Forms of who judges: assessment, corrections, duplicates, the meeting.
pub fn corrections(viewer: &Viewer, view: &IncidentView) -> Markup {
    if !viewer.notes() || !view.open() {
        return html! {};
    }
    let draft = |action: &str| {
        if view.draft.action == action {
            view.draft.text.as_str()
        } else {
            ""
        }
    };
    html! {
        section.card.actions {
            h2 { (viewer.t(Msg::Judge)) }
            @if viewer.judges() { (judgement(viewer, view, &draft)) }
            @if view.meeting.is_none() {
                details #meeting open[view.draft.action == "meeting"] {
                    summary { (viewer.t(Msg::AskMeeting)) }
                    (obligations::form(viewer, view, "meeting", html! {
                        (reason(viewer, draft("meeting")))
                        button { (viewer.t(Msg::Save)) }
                    }))
                }
            }
        }
    }
}

fn judgement<'a>(
    viewer: &Viewer,
    view: &'a IncidentView,
    draft: &impl Fn(&str) -> &'a str,
) -> Markup {
    html! {
            @if view.step == Step::New && viewer.judges() && view.assessment.is_none() {
                (obligations::form(viewer, view, "acknowledge", html! {
                    button.small data-key=[viewer.department.is_none().then_some("a")] { (viewer.t(Msg::AcknowledgeCase)) " " kbd { "a" } }
                }))
            }
            @if let Some((what, why, by)) = &view.assessment {
                p { (viewer.t(Msg::Assessment)) ": " strong { (viewer.t(*what)) } @if !why.is_empty() { " “" (shown(why)) "”" } span.muted { " · " (shown(by)) } }
            }
            details #assess open[view.draft.action == "assess"] data-key="d" {
                summary { (viewer.t(Msg::Assess)) " " kbd { "d" } }
                (obligations::form(viewer, view, "assess", html! {
                    (obligations::findings(viewer))
                    (reason(viewer, draft("assess")))
                    button { (viewer.t(Msg::Save)) }
                }))
            }
            details #correct open[view.draft.action == "correct"] {
                summary { (viewer.t(Msg::CorrectTitle)) " " kbd { "e" } }
                (obligations::form(viewer, view, "correct", html! {
                    label { (viewer.t(Msg::Hazard))
                        select name="hazard" {
                            option value="" { (viewer.t(Msg::AsMachine)) " (" (view::hazard(viewer.lang, view.alert.hazard)) ")" }
                            @for hazard in Hazard::ALL {
                                option value=(hazard.id()) selected[view.overlays.hazard.as_ref().is_some_and(|it| it.value == *hazard)] { (view::hazard(viewer.lang, *hazard)) }
                            }
                        }
                    }
                    label { (viewer.t(Msg::Level))
                        select name="level" {
                            option value="" { (viewer.t(Msg::AsMachine)) " (" (viewer.t(view::level(view.alert.level))) ")" }
                            @for level in Level::ALL {
                                option value=(level.id()) selected[view.overlays.level.as_ref().is_some_and(|it| it.value == level)] { (viewer.t(view::level(level))) }
                            }
                        }
                    }
                    label { (viewer.t(Msg::PlaceCode))
                        input name="place" value=[view.overlays.place.as_ref().map(|it| &*it.value.code)] placeholder=(harmless(&view.alert.place.code)) maxlength="64" list="places" autocomplete="off"
                            hx-get="/places" hx-trigger="input changed delay:250ms" hx-target="#places" hx-swap="innerHTML" hx-include="this";
                    }
                    datalist #places {}
                    (reason(viewer, draft("correct")))
                    button { (viewer.t(Msg::Save)) }
                }))
            }
            details #duplicate open[view.draft.action == "duplicate"] {
                summary { (viewer.t(Msg::MarkDuplicate)) }
                (obligations::form(viewer, view, "duplicate", html! {
                    label { (viewer.t(Msg::DuplicateOf)) input name="of" required placeholder="xxxxxxxx-xxxx-…" pattern=".*[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}.*" maxlength="300"; }
                    (reason(viewer, draft("duplicate")))
                    button { (viewer.t(Msg::Save)) }
                }))
            }
    }
}

/// The field for a reason.
pub fn reason(viewer: &Viewer, draft: &str) -> Markup {
    html! {
        label { (viewer.t(Msg::Reason))
            textarea name="reason" rows="2" required maxlength=(MAX_TEXT) { (harmless(draft)) }
        }
    }
}
