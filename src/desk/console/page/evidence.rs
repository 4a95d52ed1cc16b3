//! What an incident rests on: the most telling reports, with what matched marked, copies folded.

use maud::{Markup, html};

use super::incident::IncidentView;
use crate::core::model::{Evidence, FeedKind, Match};
use crate::desk::console::text::{harmless, highlighted, link, shown};
use crate::desk::console::time;
use crate::desk::console::view::Viewer;
use crate::desk::console::words::Msg;

/// Reports that are shown unfolded.
const UNFOLDED: usize = 4;

/// The section.
pub fn section(viewer: &Viewer, view: &IncidentView) -> Markup {
    let evidence = &view.alert.evidence;
    let (first, rest) = evidence.split_at(evidence.len().min(UNFOLDED));
    html! {
        section.card.evidence {
            h2 { (viewer.t(Msg::Evidence)) " " span.muted { (viewer.lang.fill(Msg::EvidenceOf, format!("{}/{}", evidence.len(), view.alert.counts.reports))) } }
            @for item in first { (one(viewer, item)) }
            @if !rest.is_empty() {
                details { summary { (viewer.lang.fill(Msg::FurtherReports, rest.len())) }
                    @for item in rest { (one(viewer, item)) }
                }
            }
        }
    }
}

/// Name of a kind of feed.
pub fn kind(kind: FeedKind) -> Msg {
    match kind {
        FeedKind::News => Msg::KindNews,
        FeedKind::Post => Msg::KindPost,
        FeedKind::Hotline => Msg::KindHotline,
        FeedKind::Dispatch => Msg::KindDispatch,
        FeedKind::Sensor => Msg::KindSensor,
        FeedKind::Official => Msg::KindOfficial,
    }
}

fn one(viewer: &Viewer, item: &Evidence) -> Markup {
    let spans = |field: &str| -> Vec<[u32; 2]> {
        let found = item.matches.iter().filter(|found| &*found.field == field);
        found
            .filter(|found| found.value.is_none())
            .map(|found| found.span)
            .collect()
    };
    html! {
        div.report {
            p.meta {
                span.kind { (viewer.t(kind(item.kind))) } " " strong { (shown(&item.source)) } " · "
                (time::instant(item.observed.unwrap_or(item.received))) " · "
                span title=(viewer.t(Msg::SeverityTitle)) { (viewer.t(Msg::Severity)) " " (item.severity) }
                @if let Some(address) = item.link.as_deref().and_then(link) {
                    " · " a href=(address) rel="noopener noreferrer nofollow" target="_blank" referrerpolicy="no-referrer" { (viewer.t(Msg::Original)) }
                }
            }
            @if !item.title.is_empty() { p.headline { (highlighted(&item.title, &spans("title"))) } }
            @if !item.excerpt.is_empty() { p.excerpt { (highlighted(&item.excerpt, &spans("text"))) } }
            (values(item.matches.iter().filter(|found| found.value.is_some())))
            @if item.copies > 0 {
                details.copies { summary { "+ " (viewer.lang.fill(Msg::CopiesCount, item.copies)) }
                    p.muted { (viewer.t(Msg::CopiesWhy)) }
                }
            }
        }
    }
}

/// What decided in another field than title and text, with the value it was found in.
fn values<'a>(found: impl Iterator<Item = &'a Match>) -> Markup {
    let found: Vec<&Match> = found.collect();
    html! {
        @if !found.is_empty() {
            ul.values { @for it in found {
                li { code { (harmless(&it.field)) } " = " mark { (shown(it.value.as_deref().unwrap_or_default())) } span.muted { " (" (harmless(&it.term)) ")" } }
            } }
        }
    }
}
