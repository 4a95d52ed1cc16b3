//! Silences: who is not told, why and until when; made, confirmed and ended here.
//!
//! Invariant: red is covered by a form of its own, after the silence is there, with what it would mute beside it.

use maud::{Markup, html};

use super::incident::{Notice, short};
use super::row::Row;
use crate::core::model::{Hazard, Level, Status};
use crate::core::mute::{Red, Silence, Standing};
use crate::core::obligation::MAX_TEXT;
use crate::desk::console::layout::{self, Tab};
use crate::desk::console::text::{harmless, shown};
use crate::desk::console::time;
use crate::desk::console::view::{self, Viewer};
use crate::desk::console::widgets;
use crate::desk::console::words::Msg;

/// Incidents named in a line.
const NAMED: usize = 5;

/// A silence with what it covers.
#[derive(Clone, Debug, PartialEq)]
pub struct SilenceRow {
    /// The silence.
    pub silence: Silence,
    /// Where it stands.
    pub standing: Standing,
    /// Title of its rule, where it names one of the rule set.
    pub rule: Option<String>,
    /// Name of its place, where it has one.
    pub place: Option<String>,
    /// Open incidents that it covers.
    pub open: usize,
    /// There may be more of them.
    pub more: bool,
    /// The gravest of them.
    pub rows: Vec<Row>,
    /// Red ones that it would cover, once that is confirmed.
    pub red: usize,
}

/// What was entered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entered {
    /// Status.
    pub status: Status,
    /// Id of a rule.
    pub rule: String,
    /// Hazard.
    pub hazard: Option<Hazard>,
    /// Place: a code or a name.
    pub place: String,
    /// Id of a department.
    pub department: String,
    /// Up to this level.
    pub level: Option<Level>,
    /// For so many hours.
    pub hours: String,
    /// Why.
    pub reason: String,
    /// Red too.
    pub covers_red: bool,
}

/// The page's values.
#[derive(Clone, Debug, PartialEq)]
pub struct SilencesView {
    /// Silences, the first to end first; then those that are over.
    pub rows: Vec<SilenceRow>,
    /// Whether those that are over are among them.
    pub past: bool,
    /// Rules to choose from: id and title.
    pub rules: Vec<(String, String)>,
    /// Longest silence, hours.
    pub longest: i64,
    /// What was entered.
    pub entered: Entered,
    /// The form is open.
    pub writing: bool,
    /// Answer to what was done last.
    pub notice: Option<Notice>,
}

/// The page.
pub fn page(viewer: &Viewer, view: &SilencesView) -> Markup {
    let body = html! {
        header.pagehead { h1 { (viewer.t(Msg::Silences)) } p.muted { (viewer.t(Msg::SilencesHint)) } }
        (answer(viewer, view))
        @if viewer.silences() {
            details.card #new-silence open[view.writing] { summary { (viewer.t(Msg::SilenceNew)) } (form(viewer, view)) }
        }
        @if view.rows.is_empty() { (widgets::nothing(viewer.t(Msg::NoSilences))) }
        @for row in &view.rows { (one(viewer, row)) }
        @if !view.past { p { a.button href="/silences?all=1" { (viewer.t(Msg::ShowPast)) } } }
    };
    layout::page(viewer, Tab::Silences, viewer.t(Msg::Silences), &body)
}

fn answer(viewer: &Viewer, view: &SilencesView) -> Markup {
    html! {
        @match &view.notice {
            None => {}
            Some(Notice::Done) => p.banner.done role="status" { (viewer.t(Msg::Done)) },
            Some(Notice::Conflict { .. }) => p.banner.conflict role="alert" { (viewer.t(Msg::SilenceChanged)) },
            Some(Notice::Refused(why)) => p.banner.refused role="alert" { strong { (viewer.t(Msg::RefusedTitle)) } " " (shown(why)) },
        }
    }
}

fn form(viewer: &Viewer, view: &SilencesView) -> Markup {
    let entered = &view.entered;
    html! {
        form.entry method="post" action="/silences" {
            (widgets::form_fields(viewer, None))
            p.muted { (viewer.t(Msg::SilenceWhat)) }
            label { (viewer.t(Msg::Rule)) input name="rule" value=(entered.rule) list="rules" maxlength="128" autocomplete="off"; }
            datalist #rules { @for (id, title) in &view.rules { option value=(harmless(id)) { (harmless(title)) } } }
            label { (viewer.t(Msg::Hazard)) select name="hazard" {
                option value="" { (viewer.t(Msg::AllHazards)) }
                @for hazard in Hazard::ALL { option value=(hazard.id()) selected[entered.hazard == Some(*hazard)] { (view::hazard(viewer.lang, *hazard)) } }
            } }
            label { (viewer.t(Msg::SilencePlace)) input name="place" value=(entered.place) maxlength="200" list="places" autocomplete="off"
                hx-get="/places" hx-trigger="input changed delay:250ms" hx-target="#places" hx-swap="innerHTML" hx-include="this"; }
            datalist #places {}
            label { (viewer.t(Msg::SilenceDepartment)) select name="department" {
                @if viewer.department.is_none() { option value="" { (viewer.t(Msg::AllDepartments)) } }
                @for dept in viewer.departments.iter().filter(|dept| viewer.reads(&dept.id)) {
                    option value=(dept.id) selected[*entered.department == *dept.id] { (dept.name(viewer.lang)) }
                }
            } }
            label { (viewer.t(Msg::UpToLevel)) select name="level" {
                option value="" { (viewer.t(Msg::UpToOrange)) }
                @for level in [Level::Blue, Level::Yellow, Level::Orange] {
                    option value=(level.id()) selected[entered.level == Some(level)] { (viewer.t(view::level(level))) }
                }
            } }
            label { (viewer.t(Msg::Status)) select name="status" {
                @for (status, name) in [(Status::Actual, Msg::Actual), (Status::Exercise, Msg::Exercise), (Status::Test, Msg::Test)] {
                    option value=(status.id()) selected[entered.status == status] { (viewer.t(name)) }
                }
            } }
            label { (viewer.t(Msg::ForHours)) input type="number" name="hours" value=(entered.hours) min="1" max=(view.longest) step="1" required; }
            label { (viewer.t(Msg::Reason)) textarea name="reason" rows="2" required maxlength=(MAX_TEXT) { (harmless(&entered.reason)) } }
            @if viewer.judges() {
                label.check { input type="checkbox" name="covers_red" value="1" checked[entered.covers_red]; " " (viewer.t(Msg::CoversRed)) }
            }
            button.primary { (viewer.t(Msg::SilenceCreate)) }
        }
    }
}

fn one(viewer: &Viewer, row: &SilenceRow) -> Markup {
    let silence = &row.silence;
    let standing = match row.standing {
        Standing::Pending => Msg::StandingPending,
        Standing::Live => Msg::StandingLive,
        Standing::Over => Msg::StandingOver,
    };
    html! {
        section class={"card silence s-" (row.standing.id())} id={"s-" (silence.id)} data-standing=(row.standing.id()) {
            h2 { (matchers(viewer, row)) " " span.tag { (viewer.t(standing)) }
                (widgets::status(viewer.lang, silence.matchers.status, None)) }
            p { "“" (shown(&silence.reason)) "” " span.muted { "· " (shown(&silence.by.name)) " (" (viewer.t(view::role(silence.by.role))) ") · " code { (short(silence.id)) } } }
            p { (time::instant(silence.starts)) " – " (time::instant(silence.ends))
                @if let Some(ended) = &silence.ended {
                    " · " (viewer.lang.fill(Msg::SilenceEndedBy, harmless(&ended.by))) " " (time::instant(ended.at))
                    @if !ended.reason.is_empty() { ": “" (shown(&ended.reason)) "”" }
                }
            }
            (red(viewer, row))
            @if row.standing != Standing::Over { (covered(viewer, row)) }
            @if row.standing != Standing::Over && viewer.ends_silence(silence.matchers.department.as_deref()) { (end(viewer, silence)) }
        }
    }
}

/// What it is for, in words.
fn matchers(viewer: &Viewer, row: &SilenceRow) -> Markup {
    let it = &row.silence.matchers;
    let mut parts: Vec<String> = Vec::new();
    if let Some(rule) = &it.rule {
        let title = row.rule.as_deref().unwrap_or(rule);
        parts.push(format!("{} {}", viewer.t(Msg::Rule), harmless(title)));
    }
    if let Some(hazard) = it.hazard {
        parts.push(view::hazard(viewer.lang, hazard).to_owned());
    }
    if let Some(code) = &it.place {
        let name = row.place.as_deref().unwrap_or(code);
        parts.push(viewer.lang.fill(Msg::WithinPlace, harmless(name)));
    }
    if let Some(id) = &it.department {
        let name = viewer.dept(id);
        parts.push(viewer.lang.fill(Msg::OnlyFor, harmless(name)));
    }
    if let Some(level) = it.level {
        let name = viewer.t(view::level(level));
        parts.push(viewer.lang.fill(Msg::UpTo, name));
    }
    html! { (parts.join(" · ")) }
}

fn covered(viewer: &Viewer, row: &SilenceRow) -> Markup {
    let count = format!("{}{}", row.open, if row.more { "+" } else { "" });
    html! {
        p.covers { strong { (viewer.lang.fill(Msg::SilenceCovers, count)) }
            @for (index, line) in row.rows.iter().take(NAMED).enumerate() {
                (if index == 0 { ": " } else { ", " })
                a href={"/incidents/" (line.id)} { (widgets::level(viewer.lang, line.level)) " " (view::hazard(viewer.lang, line.hazard)) " " (shown(view::place(viewer.lang, &line.place))) }
            }
            @if row.open > NAMED { " " (viewer.lang.fill(Msg::AndMore, row.open - NAMED)) }
        }
    }
}

fn red(viewer: &Viewer, row: &SilenceRow) -> Markup {
    let silence = &row.silence;
    html! {
        @match &silence.red {
            Red::Heard => {}
            Red::Silenced { confirmed } => p.red {
                strong { (viewer.t(Msg::RedSilenced)) } " · " (shown(&confirmed.by)) ", " (time::instant(confirmed.at))
            },
            Red::Asked => {
                p.red { (viewer.t(Msg::RedAsked)) }
                @if row.standing != Standing::Over && viewer.judges() && viewer.name == silence.by.name {
                    p.muted { (viewer.t(Msg::RedSecondAccount)) }
                } @else if row.standing != Standing::Over && viewer.judges() {
                    form.confirm method="post" action={"/silences/" (silence.id) "/red"} {
                        (widgets::form_fields(viewer, Some(silence.version)))
                        p { (viewer.t(Msg::RedMeans)) " " (time::instant(silence.ends)) ". " (viewer.lang.fill(Msg::RedNow, row.red)) }
                        label.check { input type="checkbox" name="understood" value="1" required; " " (viewer.t(Msg::RedUnderstood)) }
                        button.danger { (viewer.t(Msg::ConfirmRed)) }
                    }
                }
            },
        }
    }
}

fn end(viewer: &Viewer, silence: &Silence) -> Markup {
    html! {
        details.inline { summary { (viewer.t(Msg::EndNow)) }
            form method="post" action={"/silences/" (silence.id) "/end"} {
                (widgets::form_fields(viewer, Some(silence.version)))
                label { (viewer.t(Msg::Reason)) input name="reason" maxlength=(MAX_TEXT); }
                button.small { (viewer.t(Msg::EndNow)) }
            }
        }
    }
}
