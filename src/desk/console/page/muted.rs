//! Marks on a line of the board, and on an incident's page: its notifications are muted, by what, for whom, until when.

use maud::{Markup, html};
use uuid::Uuid;

use super::incident::short;
use crate::core::model::Millis;
use crate::core::mute::By;
use crate::desk::console::lang::Lang;
use crate::desk::console::text::{harmless, shown};
use crate::desk::console::time;
use crate::desk::console::view::{Dept, Viewer};
use crate::desk::console::words::Msg;

/// One thing that mutes an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MuteMark {
    /// Silence or inhibition.
    pub by: By,
    /// The silence, or the wider incident.
    pub id: Uuid,
    /// For these departments; empty: for all.
    pub depts: Vec<Dept>,
    /// Of a silence: until then.
    pub until: Option<Millis>,
    /// Of a silence, where it was looked up: why.
    pub reason: String,
}

impl MuteMark {
    /// Where it is explained.
    fn href(&self) -> String {
        match self.by {
            By::Silence => format!("/silences#s-{}", self.id),
            By::Inhibition => format!("/incidents/{}", self.id),
        }
    }

    /// In words, on one line.
    fn said(&self, lang: Lang) -> String {
        let what = match (self.by, self.until) {
            (By::Silence, Some(until)) => lang.fill(Msg::MutedUntil, time::exact(until)),
            (By::Silence, None) => lang.t(Msg::MutedBySilence).to_owned(),
            (By::Inhibition, _) => lang.t(Msg::MutedByWider).to_owned(),
        };
        let names: Vec<&str> = self.depts.iter().map(|dept| dept.name(lang)).collect();
        if names.is_empty() {
            return what;
        }
        let only = lang.fill(Msg::OnlyFor, harmless(&names.join(", ")));
        format!("{what} · {only}")
    }
}

/// On a line of the board.
pub fn tag(lang: Lang, marks: &[MuteMark]) -> Markup {
    let said: Vec<String> = marks.iter().map(|mark| mark.said(lang)).collect();
    html! {
        @if let Some(first) = marks.first() {
            a.tag.mute href=(first.href()) title=(said.join("\n")) { (lang.t(Msg::MutedTag)) }
        }
    }
}

/// On an incident's page.
pub fn lines(viewer: &Viewer, marks: &[MuteMark]) -> Markup {
    html! {
        @for mark in marks {
            p.overlay.mute {
                span.tag.mute { (viewer.t(Msg::MutedTag)) } " " (mark.said(viewer.lang)) " · "
                a href=(mark.href()) {
                    (viewer.t(match mark.by { By::Silence => Msg::Silence, By::Inhibition => Msg::WiderIncident })) " " (short(mark.id))
                }
                @if !mark.reason.is_empty() { ": “" (shown(&mark.reason)) "”" }
            }
        }
    }
}
