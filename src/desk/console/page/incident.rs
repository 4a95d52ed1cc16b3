//! One incident: why it is here, what it rests on, who has to do what, what has been done.
//!
//! Invariant: the machine's value stands beside every correction, and the score lines shown add up to the score shown.

use std::sync::Arc;

use maud::{Markup, html};
use uuid::Uuid;

use super::board::Step;
use super::evidence;
use super::obligations::{self, ObligationView};
use super::timeline::{self, Entry};
use crate::core::model::{Alert, Hazard, IncidentState, Level, MsgType, Place};
use crate::core::obligation::{Field, MAX_TEXT, Note, Overlays};
use crate::desk::console::layout::{self, Tab};
use crate::desk::console::map::{self, MapView};
use crate::desk::console::text::{harmless, shown};
use crate::desk::console::time;
use crate::desk::console::view::{self, Viewer};
use crate::desk::console::widgets;
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
    layout::page(viewer, Tab::None, &title, &body)
}

/// The part that an action or a change replaces.
pub fn fragment(viewer: &Viewer, view: &IncidentView) -> Markup {
    let alert = &view.alert;
    html! {
        article #incident class={"incident" @if !view.open() { " closed" }} data-version=(view.version) data-id=(alert.incident_id) data-level=(view.level().id()) {
            (notice(viewer, view))
            (heading(viewer, view))
            div.columns {
                div.side {
                    (obligations::section(viewer, view))
                    (corrections(viewer, view))
                    (notes(viewer, view))
                }
                div.main {
                    (why(viewer, view))
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

fn heading(viewer: &Viewer, view: &IncidentView) -> Markup {
    let (lang, alert) = (viewer.lang, &view.alert);
    html! {
        header class={"heading lv-" (view.level().id())} {
            div.title {
                (widgets::level(lang, view.level()))
                span.score title=(viewer.t(Msg::Score)) { (alert.score) }
                h1 { (view::hazard(lang, view.hazard())) " · " (shown(view::place(lang, view.place())))
                    @if alert.place_assumed && view.overlays.place.is_none() { span.assumed title=(viewer.t(Msg::PlaceAssumed)) { "?" } }
                }
                (widgets::status(lang, alert.status, alert.exercise.as_deref()))
                span class={"tag h-" (view.step.id())} { (view.step.sign()) " " (viewer.t(view.step.name())) }
                @if let Some(verdict) = view.verdict { span.tag { (viewer.t(verdict)) } }
                @if alert.state == IncidentState::Resolved { span.tag title=(viewer.t(Msg::CalmTitle)) { (viewer.t(Msg::Calm)) } }
                @if alert.msg_type == MsgType::Cancel { span.tag { (viewer.t(Msg::Withdrawn)) } }
                @if view.on_agenda { span.tag.meeting title=[view.meeting.as_deref().map(harmless)] { (viewer.t(Msg::MeetingTag)) } }
            }
            (facts(viewer, alert))
            (machine_values(viewer, view))
            @if view.open() { (watch(viewer, view)) }
        }
    }
}

fn facts(viewer: &Viewer, alert: &Alert) -> Markup {
    let (lang, now) = (viewer.lang, viewer.now);
    let counts = &alert.counts;
    html! {
        dl.facts {
            div { dt { (viewer.t(Msg::FirstSeen)) } dd { (time::instant(alert.first_seen)) " (" (time::ago(lang, alert.first_seen, now)) ")" } }
            div { dt { (viewer.t(Msg::LastSeen)) } dd { (time::instant(alert.last_seen)) } }
            div { dt { (viewer.t(Msg::Certainty)) } dd { (format!("{:.2}", alert.certainty)) " · " (lang.fill(Msg::SourcesCount, counts.sources)) } }
            div { dt { (viewer.t(Msg::Reports)) } dd { (counts.reports) @if counts.copies > 0 { " + " (lang.fill(Msg::CopiesCount, counts.copies)) } } }
            div { dt { (viewer.t(Msg::LastHour)) } dd { (widgets::spark(lang, &counts.last_hour)) } }
            @for (name, value) in &alert.numbers {
                div { dt { (number_name(viewer, name)) } dd { (value) } }
            }
        }
    }
}

fn number_name(viewer: &Viewer, name: &str) -> String {
    let msg = match name {
        "casualties.dead" => Msg::NumberDead,
        "casualties.injured" => Msg::NumberInjured,
        "casualties.missing" => Msg::NumberMissing,
        "casualties.trapped" => Msg::NumberTrapped,
        "magnitude" => Msg::NumberMagnitude,
        "depth_km" => Msg::NumberDepth,
        "evacuated" => Msg::NumberEvacuated,
        "area_ha" => Msg::NumberArea,
        _ => return harmless(name),
    };
    viewer.t(msg).to_owned()
}

/// Each corrected value with the machine's beside it.
fn machine_values(viewer: &Viewer, view: &IncidentView) -> Markup {
    let (lang, alert, overlays) = (viewer.lang, &view.alert, &view.overlays);
    let lines = [
        overlays.hazard.as_ref().map(|it| {
            (
                Field::Hazard,
                Msg::Hazard,
                view::hazard(lang, alert.hazard).to_owned(),
                &it.mark,
            )
        }),
        overlays.place.as_ref().map(|it| {
            (
                Field::Place,
                Msg::Place,
                view::place(lang, &alert.place).to_owned(),
                &it.mark,
            )
        }),
        overlays.level.as_ref().map(|it| {
            (
                Field::Level,
                Msg::Level,
                lang.t(view::level(alert.level)).to_owned(),
                &it.mark,
            )
        }),
    ];
    html! {
        @for (field, what, machine, mark) in lines.iter().flatten() {
            div.overlay {
                span.tag { (viewer.t(Msg::Corrected)) } " " (viewer.t(*what)) ": "
                (viewer.t(Msg::MachineSays)) " " s { (shown(machine)) } " · " (shown(&mark.by)) ", " (time::instant(mark.at)) ": “" (shown(&mark.reason)) "”"
                @if viewer.judges() && view.open() { (take_back(viewer, view, *field)) }
            }
        }
        @if let Some(of) = &overlays.duplicate_of {
            div.overlay {
                span.tag { (viewer.t(Msg::DuplicateTag)) } " "
                a href={"/incidents/" (of.value)} { (viewer.t(Msg::DuplicateOf)) " " (short(of.value)) }
                " · " (shown(&of.mark.by)) ", " (time::instant(of.mark.at)) ": “" (shown(&of.mark.reason)) "”"
                @if viewer.judges() && view.open() { (take_back(viewer, view, Field::DuplicateOf)) }
            }
        }
        @if let Some(previous) = alert.previous {
            p.overlay { (viewer.t(Msg::Follows)) " " a href={"/incidents/" (previous)} { (short(previous)) } }
        }
    }
}

fn take_back(viewer: &Viewer, view: &IncidentView, field: Field) -> Markup {
    html! {
        details.inline { summary { (viewer.t(Msg::TakeBack)) }
            (obligations::form(viewer, view, "uncorrect", html! {
                input type="hidden" name="field" value=(field.id());
                (reason(viewer, ""))
                button.small { (viewer.t(Msg::TakeBack)) }
            }))
        }
    }
}

/// The first part of an id, for people.
pub fn short(id: Uuid) -> String {
    id.to_string()[..8].to_owned()
}

fn watch(viewer: &Viewer, view: &IncidentView) -> Markup {
    let mine = view.watching.contains(&viewer.name);
    let action = if mine { "unwatch" } else { "watch" };
    html! {
        div.watch {
            @if !view.watching.is_empty() { span.watching { "👁 " (shown(&view.watching.join(", "))) } }
            @if viewer.notes() {
                (obligations::form(viewer, view, action, html! {
                    button.small { (viewer.t(if mine { Msg::Unwatch } else { Msg::Watch })) }
                }))
            }
        }
    }
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

fn corrections(viewer: &Viewer, view: &IncidentView) -> Markup {
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
