//! Top of an incident's page: how urgent, what, where, the machine's values beside corrected ones, what mutes it, who looks at it.

use maud::{Markup, html};

use super::incident::{IncidentView, short};
use super::judge::reason;
use super::{muted, obligations};
use crate::core::model::{Alert, GrowthPeriod, IncidentState, MsgType};
use crate::core::obligation::Field;
use crate::desk::console::text::{harmless, shown};
use crate::desk::console::time;
use crate::desk::console::view::{self, Viewer};
use crate::desk::console::widgets;
use crate::desk::console::words::Msg;

/// Top of the page.
pub fn heading(viewer: &Viewer, view: &IncidentView) -> Markup {
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
            (muted::lines(viewer, &view.muted))
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
            @if let Some(growth) = &alert.growth {
                @let name = match growth.period { GrowthPeriod::Hour => Msg::GrowthHours, GrowthPeriod::Day => Msg::GrowthDays };
                div { dt { (viewer.t(name)) } dd { (widgets::growth(lang, growth)) } }
            }
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
