//! One incident: why it is here, what it rests on, who has to do what, what has been done.
//!
//! Invariant: the machine's value stands beside every correction, and the score lines shown add up to the score shown.

use std::sync::Arc;

use maud::{Markup, html};
use uuid::Uuid;

use super::muted::MuteMark;
use super::obligations::{self, ObligationView};
use super::row::Step;
use super::timeline::{self, Entry};
use super::{evidence, growth, heading, judge};
use crate::core::model::{Alert, Hazard, Level, Place};
use crate::core::obligation::{MAX_TEXT, Note, Overlays};
use crate::desk::console::layout::{self, Tab};
use crate::desk::console::map::{self, MapView};
use crate::desk::console::text::{harmless, shown};
use crate::desk::console::time;
use crate::desk::console::view::{self, Viewer};
use crate::desk::console::words::Msg;

/// An answer to something the reader did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Done.
    Done,
    /// Somebody changed the incident meanwhile; nothing was changed.
    Conflict {
        /// Who changed it last, when known.
        by: Option<String>,
    },
    /// Not allowed, or not possible as things stand.
    Refused(String),
}

/// What somebody tried to enter when it was refused or in conflict: kept, so that it need not be typed again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The action, as the form names it.
    pub action: String,
    /// The department.
    pub department: String,
    /// Reason or text.
    pub text: String,
}

/// One incident.
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentView {
    /// Version of the case: what a change is made against.
    pub version: u64,
    /// The newest revision: the machine's view.
    pub alert: Arc<Alert>,
    /// State of the case.
    pub step: Step,
    /// Corrections.
    pub overlays: Overlays,
    /// Obligations, the lead first.
    pub obligations: Vec<ObligationView>,
    /// Notes, oldest first.
    pub notes: Vec<Note>,
    /// Who is looking at it.
    pub watching: Vec<String>,
    /// Why somebody asked for the joint meeting.
    pub meeting: Option<String>,
    /// On the joint meeting's agenda.
    pub on_agenda: bool,
    /// An analyst's judgement: what, why, who.
    pub assessment: Option<(Msg, String, String)>,
    /// The lead's disposition, once closed.
    pub verdict: Option<Msg>,
    /// What mutes its notifications.
    pub muted: Vec<MuteMark>,
    /// Revisions and decisions, newest first.
    pub timeline: Vec<Entry>,
    /// Where it is, when it has coordinates.
    pub map: Option<MapView>,
    /// Titles of rules by id, where known.
    pub rules: Vec<(Arc<str>, String)>,
    /// Answer to what was done last.
    pub notice: Option<Notice>,
    /// What was entered when it was refused.
    pub draft: Draft,
}

impl IncidentView {
    /// Level that counts.
    pub fn level(&self) -> Level {
        let overlay = self.overlays.level.as_ref();
        overlay.map_or(self.alert.level, |overlay| overlay.value)
    }

    /// Hazard that counts.
    pub fn hazard(&self) -> Hazard {
        let overlay = self.overlays.hazard.as_ref();
        overlay.map_or(self.alert.hazard, |overlay| overlay.value)
    }

    /// Place that counts.
    pub fn place(&self) -> &Place {
        let overlay = self.overlays.place.as_ref();
        overlay.map_or(&self.alert.place, |overlay| &overlay.value)
    }

    /// Whether decisions can be made.
    pub fn open(&self) -> bool {
        self.step != Step::Closed
    }
}

/// Whom an entry of the timeline is by.
pub fn by_whom(entry: &Entry) -> Option<String> {
    match &entry.what {
        timeline::What::Decision { by, .. } => by.clone(),
        timeline::What::Revision { .. } => None,
    }
}

/// The page.
pub fn page(viewer: &Viewer, view: &IncidentView) -> Markup {
    let title = format!(
        "{} · {}",
        view::hazard(viewer.lang, view.hazard()),
        harmless(view::place(viewer.lang, view.place()))
    );
    let address = format!("/incidents/{}", view.alert.incident_id);
    let body = html! {
        div hx-ext="sse" sse-connect=(format!("/live{address}")) {
            div #stale .banner hidden hx-get=(address) hx-trigger="sse:changed" hx-target="#incident" hx-swap="outerHTML" hx-sync="this:replace" {
                (viewer.t(Msg::ChangedMeanwhile)) " "
                button type="button" hx-get=(address) hx-target="#incident" hx-swap="outerHTML" { (viewer.t(Msg::ShowNow)) }
            }
            (fragment(viewer, view))
        }
    };
    layout::page_with_charts(viewer, Tab::None, &title, &body)
}

/// The part that an action or a change replaces.
pub fn fragment(viewer: &Viewer, view: &IncidentView) -> Markup {
    let alert = &view.alert;
    html! {
        article #incident class={"incident" @if !view.open() { " closed" }} data-version=(view.version) data-id=(alert.incident_id) data-level=(view.level().id()) {
            (notice(viewer, view))
            (heading::heading(viewer, view))
            div.columns {
                div.side {
                    (obligations::section(viewer, view))
                    (judge::corrections(viewer, view))
                    (notes(viewer, view))
                }
                div.main {
                    (why(viewer, view))
                    @if let Some(growth) = &alert.growth { (growth::section(viewer.lang, growth)) }
                    (evidence::section(viewer, view))
                    @if let Some(map) = &view.map {
                        section.card { h2 { (viewer.t(Msg::Map)) } (map::map(viewer.lang, map)) (also(viewer, alert)) }
                    }
                    (timeline::section(viewer, &view.timeline))
                }
            }
        }
    }
}

fn notice(viewer: &Viewer, view: &IncidentView) -> Markup {
    html! {
        @match &view.notice {
            None => {}
            Some(Notice::Done) => p.banner.done role="status" data-fades { (viewer.t(Msg::Done)) },
            Some(Notice::Conflict { by }) => div.banner.conflict role="alert" {
                strong { (viewer.t(Msg::ConflictTitle)) } " "
                @if let Some(by) = by { (viewer.lang.fill(Msg::ConflictBy, harmless(by))) " " }
                (viewer.t(Msg::ConflictWhat))
            },
            Some(Notice::Refused(why)) => div.banner.refused role="alert" {
                strong { (viewer.t(Msg::RefusedTitle)) } " " (shown(why))
            },
        }
    }
}

/// The first part of an id, for people.
pub fn short(id: Uuid) -> String {
    id.to_string()[..8].to_owned()
}

/// Score lines, and their sum.
fn why(viewer: &Viewer, view: &IncidentView) -> Markup {
    let alert = &view.alert;
    let sum: i32 = alert.reasons.iter().map(|line| line.points).sum();
    html! {
        section.card.why {
            h2 { (viewer.t(Msg::WhyTitle)) }
            table.lines {
                caption.hidden { (viewer.t(Msg::WhyTitle)) }
                tbody {
                    @for line in &alert.reasons {
                        tr class=[(line.points == 0).then_some("zero")] {
                            td.points { (signed(line.points)) }
                            td { (shown(viewer.lang.of(&line.because, line.because_zh.as_deref()))) }
                        }
                    }
                }
                tfoot { tr {
                    td.points { (sum) }
                    td { (viewer.t(Msg::Score))
                        @if sum != i32::from(alert.score) { " " span.tag { (viewer.lang.fill(Msg::ScoreDiffers, alert.score)) } }
                    }
                } }
            }
            p.muted { (viewer.t(Msg::RulesFired)) ": "
                @for (index, (id, title)) in view.rules.iter().enumerate() {
                    @if index > 0 { ", " }
                    a href={"/rules#" (harmless(id))} title=(harmless(id)) { (shown(if title.is_empty() { id } else { title })) }
                }
                " · " (viewer.t(Msg::RuleSet)) " " code { (shown(&alert.rule_set)) }
            }
        }
    }
}

/// Points with their sign.
pub fn signed(points: i32) -> String {
    match points {
        0 => "0".to_owned(),
        points if points > 0 => format!("+{points}"),
        points => format!("−{}", points.unsigned_abs()),
    }
}

fn also(viewer: &Viewer, alert: &Alert) -> Markup {
    html! {
        @if !alert.also_places.is_empty() {
            p.muted { (viewer.t(Msg::AlsoMentioned)) ": "
                @for (index, place) in alert.also_places.iter().enumerate() {
                    @if index > 0 { ", " }
                    (shown(view::place(viewer.lang, place)))
                }
            }
        }
    }
}

fn notes(viewer: &Viewer, view: &IncidentView) -> Markup {
    let draft = if view.draft.action == "note" {
        view.draft.text.as_str()
    } else {
        ""
    };
    html! {
        section.card.notes {
            h2 { (viewer.t(Msg::Notes)) }
            @for note in &view.notes {
                div.note {
                    p.muted { (shown(&note.by)) " · " (time::instant(note.at)) }
                    p.body { (shown(&note.text)) }
                }
            }
            @if viewer.notes() {
                (obligations::form(viewer, view, "note", html! {
                    label.hidden for="note-text" { (viewer.t(Msg::Note)) }
                    textarea #note-text name="text" rows="2" required maxlength=(MAX_TEXT) placeholder=(viewer.t(Msg::NoteHint)) { (harmless(draft)) }
                    button.small { (viewer.t(Msg::AddNote)) }
                }))
            } @else if view.notes.is_empty() { p.muted { "–" } }
        }
    }
}
