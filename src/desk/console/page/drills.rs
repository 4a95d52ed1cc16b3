//! Drills: scenarios to check and start, the run that is going on, reports.
//!
//! Invariant: every page says that what it shows is an exercise.

use maud::{Markup, html};

use crate::core::drill::{Lang as ReportLang, html_body};
use crate::core::tools::convert::duration_text;
use crate::desk::console::drill_words::DrillMsg;
use crate::desk::console::lang::Lang;
use crate::desk::console::layout::{self, Tab};
use crate::desk::console::text::{harmless, shown};
use crate::desk::console::time;
use crate::desk::console::view::Viewer;
use crate::desk::console::widgets;
use crate::desk::console::words::Msg;
use crate::drill::{
    Checked, Figures, Finding, Judged, MAX_SPEED, RunLine, RunStanding, ScenarioLine,
};

/// What was entered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DrillEntry {
    /// Name of a scenario.
    pub scenario: String,
    /// Exercise id; may be empty.
    pub exercise: String,
    /// Seed.
    pub seed: String,
    /// Speed.
    pub speed: String,
}

/// The page's values.
#[derive(Clone, Debug, PartialEq)]
pub struct DrillsView {
    /// Scenarios.
    pub scenarios: Vec<ScenarioLine>,
    /// The latest runs.
    pub runs: Vec<RunLine>,
    /// The drill that is running.
    pub running: Option<Figures>,
    /// Drills can be started here.
    pub ready: bool,
    /// What was entered.
    pub entered: DrillEntry,
    /// The scenario that was entered was kept a moment ago.
    pub kept: bool,
    /// What was checked.
    pub checked: Option<Checked>,
    /// Why nothing was done.
    pub refused: Option<String>,
}

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunView {
    /// The run.
    pub run: RunLine,
    /// How far it is, while it runs here.
    pub progress: Option<Figures>,
    /// What it came to, once it is over.
    pub judged: Option<Judged>,
}

fn report_lang(lang: Lang) -> ReportLang {
    match lang {
        Lang::En => ReportLang::En,
        Lang::Zh => ReportLang::Zh,
    }
}

fn standing(standing: RunStanding) -> DrillMsg {
    match standing {
        RunStanding::Running => DrillMsg::Running,
        RunStanding::Ended => DrillMsg::Over,
        RunStanding::Stopped => DrillMsg::Withdrawn,
        RunStanding::Abandoned => DrillMsg::Abandoned,
    }
}

/// Scenarios and runs.
pub fn page(viewer: &Viewer, view: &DrillsView) -> Markup {
    let body = html! {
        header.pagehead { h1 { (viewer.t(Msg::Drills)) } p.muted { (viewer.t(Msg::DrillsHint)) } }
        @if let Some(why) = &view.refused {
            p.banner.refused role="alert" { strong { (viewer.t(Msg::RefusedTitle)) } " " (shown(why)) }
        }
        @if view.kept { p.banner.done role="status" { (viewer.lang.fill(DrillMsg::Kept, harmless(&view.entered.scenario))) } }
        @if !view.ready { p.banner.quiet { (viewer.t(DrillMsg::NotReady)) } }
        @if let Some(figures) = &view.running {
            section.card { h2 { (viewer.t(DrillMsg::Running)) } (progress(viewer, figures, false)) }
        }
        @if let Some(checked) = &view.checked { (rehearsal(viewer, checked)) }
        section.card { h2 { (viewer.t(DrillMsg::Scenarios)) } (scenarios(viewer, view)) }
        section.card { h2 { (viewer.t(DrillMsg::NewScenario)) } (new_scenario(viewer, view)) }
        section.card { h2 { (viewer.t(DrillMsg::Runs)) } (runs(viewer, &view.runs)) }
    };
    layout::page(viewer, Tab::Drills, viewer.t(Msg::Drills), &body)
}

fn scenarios(viewer: &Viewer, view: &DrillsView) -> Markup {
    let entered = &view.entered;
    let chosen = |line: &ScenarioLine| line.name == entered.scenario;
    html! {
        form.entry.drill method="post" action="/drills" {
            (widgets::form_fields(viewer, None))
            fieldset {
                legend { (viewer.t(DrillMsg::Scenario)) }
                @for (index, line) in view.scenarios.iter().enumerate() {
                    label.check {
                        input type="radio" name="scenario" value=(harmless(&line.name)) required
                            checked[chosen(line) || (entered.scenario.is_empty() && index == 0)];
                        span {
                            @match &line.title {
                                Some(title) => (shown(viewer.lang.of(&title.en, Some(&title.zh)))),
                                None => span.bad { (viewer.t(DrillMsg::Unreadable)) },
                            }
                            " " span.muted { code { (shown(&line.name)) } " · " (duration_text(line.lasts_ms)) }
                        }
                    }
                }
            }
            div.fields {
                label { (viewer.t(DrillMsg::Speed)) input type="number" name="speed" value=(entered.speed) min="1" max=(MAX_SPEED) step="any" required; }
                label { (viewer.t(DrillMsg::Seed)) input type="number" name="seed" value=(entered.seed) min="0" max="9007199254740992" step="1" required; }
                label { (viewer.t(DrillMsg::Exercise)) input name="exercise" value=(harmless(&entered.exercise)) maxlength="64" pattern="[A-Za-z0-9._\\-]+" autocomplete="off"; }
            }
            p.muted { (viewer.t(DrillMsg::SpeedHint)) }
            div.buttons {
                button formaction="/drills/check" { (viewer.t(DrillMsg::Check)) }
                @if view.ready { button.primary disabled[view.running.is_some()] { (viewer.t(DrillMsg::Start)) } }
            }
        }
    }
}

/// What a new scenario is to be called, and what it starts from.
fn new_scenario(viewer: &Viewer, view: &DrillsView) -> Markup {
    html! {
        form.entry.newscenario method="get" action="/scenarios" {
            div.fields {
                label { (viewer.t(DrillMsg::NewId)) input name="id" required maxlength="40" pattern="[a-z0-9_\\-]+" autocomplete="off"; }
                label { (viewer.t(DrillMsg::StartFrom))
                    select name="from" {
                        option value="" { (viewer.t(DrillMsg::Template)) }
                        @for line in &view.scenarios {
                            @if let Some(title) = &line.title {
                                option value=(harmless(&line.name)) { (harmless(viewer.lang.of(&title.en, Some(&title.zh)))) }
                            }
                        }
                    }
                }
            }
            div.buttons { button { (viewer.t(DrillMsg::WriteIt)) } }
        }
    }
}

fn runs(viewer: &Viewer, runs: &[RunLine]) -> Markup {
    html! {
        @if runs.is_empty() { (widgets::nothing(viewer.t(DrillMsg::NoRuns))) } @else {
            table.list {
                thead { tr {
                    th scope="col" { (viewer.t(DrillMsg::Exercise)) } th scope="col" { (viewer.t(DrillMsg::Scenario)) }
                    th scope="col" { (viewer.t(DrillMsg::Began)) } th.n scope="col" { (viewer.t(DrillMsg::Speed)) }
                    th scope="col" { (viewer.t(DrillMsg::Standing)) }
                } }
                tbody { @for run in runs {
                    tr data-standing=(run.standing.id()) {
                        td { a href={"/drills/" (harmless(&run.exercise))} { (shown(&run.exercise)) } } td { (shown(&run.scenario)) }
                        td { (time::instant(run.started)) } td.n { "×" (run.speed) }
                        td { (viewer.t(standing(run.standing))) }
                    }
                } }
            }
        }
    }
}

pub(super) fn findings(viewer: &Viewer, all: &[Finding]) -> Markup {
    html! {
        @if !all.is_empty() {
            ul.findings { @for one in all {
                li class=[one.error.then_some("bad")] {
                    code { (one.code) } " "
                    @if one.line > 0 { (viewer.lang.fill(DrillMsg::Line, one.line)) " " }
                    (shown(&one.message))
                    @if let Some(help) = &one.help { " " span.muted { (shown(help)) } }
                }
            } }
        }
    }
}

/// What a rehearsal came to: nothing was sent.
pub(super) fn rehearsal(viewer: &Viewer, checked: &Checked) -> Markup {
    let verdict = if checked.ok {
        DrillMsg::Passes
    } else {
        DrillMsg::Fails
    };
    html! {
        section.card #checked data-ok=(checked.ok) {
            h2 { (viewer.t(DrillMsg::Checked)) ": " (shown(&checked.scenario)) }
            p class=(if checked.ok { "banner done" } else { "banner refused" }) role="status" { (viewer.t(verdict)) }
            (findings(viewer, &checked.findings))
            @if !checked.reports.is_empty() {
                p { (viewer.t(DrillMsg::WouldSend)) ": "
                    @for (index, (feed, count)) in checked.reports.iter().enumerate() {
                        @if index > 0 { ", " } (count) " " code { (shown(feed)) }
                    }
                    " · " (duration_text(checked.lasts_ms))
                }
                details { summary { (viewer.t(DrillMsg::Records)) }
                    ol.records { @for one in &checked.records {
                        li { span.muted { (duration_text(one.at_ms)) " " code { (one.feed) } } " " code { (shown(&one.value)) } }
                    } }
                }
            }
            @if let Some(judged) = checked.judged() {
                details { summary { (viewer.t(DrillMsg::Rehearsed)) } (report(viewer, &judged)) }
            }
        }
    }
}

fn report(viewer: &Viewer, judged: &Judged) -> Markup {
    html! {
        div.drill-report tabindex="0" role="region" aria-label=(viewer.t(DrillMsg::Report)) { (html_body(&judged.report, judged.before.as_ref(), report_lang(viewer.lang))) }
    }
}

/// How far a drill is; asks for itself until it is over. `own`: on the run's own page.
pub fn progress(viewer: &Viewer, figures: &Figures, own: bool) -> Markup {
    let id = harmless(&figures.exercise);
    html! {
        div #progress hx-get={"/drills/" (id) "/progress" (if own { "?own=1" } else { "" })} hx-trigger="every 2s" hx-swap="outerHTML" {
            p { a href={"/drills/" (id)} { (shown(&figures.exercise)) } " " span.unreal { (viewer.t(Msg::Exercise)) } }
            progress max=(figures.lasts_ms.max(1)) value=(figures.script_ms) aria-label=(viewer.t(DrillMsg::Progress)) {}
            p role="status" {
                (duration_text(figures.script_ms - figures.script_ms % 1_000)) " / " (duration_text(figures.lasts_ms)) " · "
                (viewer.t(DrillMsg::Sent)) " " (figures.sent) " / " (figures.total) " · "
                (viewer.t(DrillMsg::Detections)) " " (figures.detections) " · " (viewer.t(DrillMsg::Alerts)) " " (figures.alerts)
            }
            @if figures.stopping { p.banner.quiet { (viewer.t(DrillMsg::Stopping)) } } @else { (stop_form(viewer, &figures.exercise)) }
        }
    }
}

/// In place of the progress, once it is over: whoever fills in a form beside it goes on.
pub fn over(viewer: &Viewer, exercise: &str) -> Markup {
    html! {
        p #progress role="status" { a href={"/drills/" (harmless(exercise))} { (shown(exercise)) } ": " (viewer.t(DrillMsg::Over)) }
    }
}

fn stop_form(viewer: &Viewer, exercise: &str) -> Markup {
    html! {
        form.stop method="post" action={"/drills/" (harmless(exercise)) "/stop"} {
            (widgets::form_fields(viewer, None))
            button.danger { (viewer.t(DrillMsg::Stop)) }
        }
    }
}

/// A run: how far it is, or its report.
pub fn run_page(viewer: &Viewer, view: &RunView) -> Markup {
    let run = &view.run;
    let exports = |format: &str| {
        let lang = viewer.lang.primary();
        let id = harmless(&run.exercise);
        format!("/api/v1/drills/{id}/report?format={format}&lang={lang}")
    };
    let body = html! {
        p.banner.exercise { (viewer.t(DrillMsg::Banner)) }
        header.pagehead { h1 { (shown(&run.exercise)) } p.muted { (viewer.t(standing(run.standing))) " · " a href="/drills" { (viewer.t(Msg::Drills)) } } }
        @if let Some(figures) = &view.progress { section.card { (progress(viewer, figures, true)) } }
        @else if run.standing == RunStanding::Running { p.banner.quiet { (viewer.t(DrillMsg::Elsewhere)) } (stop_form(viewer, &run.exercise)) }
        @if run.standing == RunStanding::Abandoned { (stop_form(viewer, &run.exercise)) }
        @if let Some(judged) = &view.judged {
            p.buttons {
                a.button.small href=(exports("html")) { "HTML" } a.button.small href=(exports("markdown")) { "Markdown" }
                a.button.small href=(exports("json")) { "JSON" }
                a.button.small href="/?status=exercise" { (viewer.t(DrillMsg::Incidents)) }
            }
            section.card #report { (report(viewer, judged)) }
        }
    };
    layout::page(viewer, Tab::Drills, &run.exercise, &body)
}
