//! Feeds: what comes in, how fast, how late, what could not be read, and who has fallen silent.

use std::sync::Arc;

use maud::{Markup, html};

use super::evidence;
use crate::core::model::{FeedKind, Millis};
use crate::desk::console::lang::Lang;
use crate::desk::console::layout::{self, Tab};
use crate::desk::console::text::harmless;
use crate::desk::console::time;
use crate::desk::console::view::Viewer;
use crate::desk::console::words::Msg;

/// Minutes for which the page shows what came.
pub const MINUTES: usize = 60;

/// One feed.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedRow {
    /// Id.
    pub id: Arc<str>,
    /// Kind.
    pub kind: FeedKind,
    /// Topic.
    pub topic: String,
    /// Reliability, 0–100.
    pub reliability: u8,
    /// Records since the process started.
    pub records: u64,
    /// Of these: detected, without a match, expired.
    pub outcomes: [u64; 3],
    /// Dead letters.
    pub dead_letters: u64,
    /// Records a minute over the last minutes; none before two looks.
    pub per_minute: Option<f64>,
    /// Records in each of the last minutes, oldest first.
    pub minutes: Vec<u64>,
    /// Records that wait; none when not known.
    pub lag: Option<u64>,
    /// Last record.
    pub last: Option<Millis>,
    /// Silent for so long, milliseconds, when that is an alarm.
    pub silent_for: Option<i64>,
}

/// The page.
pub fn page(viewer: &Viewer, feeds: &[FeedRow]) -> Markup {
    let silent = feeds
        .iter()
        .filter(|feed| feed.silent_for.is_some())
        .count();
    let body = html! {
        header.pagehead {
            h1 { (viewer.t(Msg::Feeds)) }
            p.muted { (viewer.t(Msg::FeedsHint)) }
        }
        @if silent > 0 { p.banner.refused role="alert" { "! " (viewer.lang.fill(Msg::SilentFeeds, silent)) } }
        table.list {
            thead { tr {
                th scope="col" { (viewer.t(Msg::Feed)) } th scope="col" { (viewer.t(Msg::Kind)) } th.n scope="col" { (viewer.t(Msg::Reliability)) }
                th.n scope="col" { (viewer.t(Msg::PerMinute)) } th.n scope="col" { (viewer.t(Msg::Records)) } th.n scope="col" { (viewer.t(Msg::Detected)) }
                th.n scope="col" { (viewer.t(Msg::DeadLetters)) } th.n scope="col" { (viewer.t(Msg::Expired)) } th.n scope="col" { (viewer.t(Msg::Lag)) } th scope="col" { (viewer.t(Msg::LastRecord)) }
            } }
            tbody { @for feed in feeds { (one(viewer, feed)) } }
        }
    };
    layout::page(viewer, Tab::Feeds, viewer.t(Msg::Feeds), &body)
}

/// The last minutes, each a bar; nothing before there are two.
fn minutes(lang: Lang, counts: &[u64]) -> Markup {
    let top = counts.iter().copied().max().unwrap_or(0).max(1);
    let first = MINUTES.saturating_sub(counts.len());
    let label = lang.fill(Msg::MinutesLabel, counts.iter().sum::<u64>());
    html! {
        @if counts.len() > 1 {
            svg.spark viewBox=(format!("0 0 {} 18", MINUTES * 2)) width=(MINUTES * 2) height="18" role="img" aria-label=(label) {
                title { (label) }
                @for (count, nth) in counts.iter().zip(first..) {
                    @let height = (u128::from(*count) * 16).div_ceil(u128::from(top)).max(1);
                    rect x=(nth * 2) y=(18 - height) width="1.5" height=(height) class=[(*count == 0).then_some("none")] {}
                }
            }
        }
    }
}

fn one(viewer: &Viewer, feed: &FeedRow) -> Markup {
    let lang = viewer.lang;
    html! {
        tr class=[feed.silent_for.map(|_| "silent")] {
            td { strong { (harmless(&feed.id)) } br; code.muted { (harmless(&feed.topic)) } }
            td { (viewer.t(evidence::kind(feed.kind))) } td.n { (feed.reliability) }
            td.n { @match feed.per_minute { Some(rate) => (format!("{rate:.1}")), None => "–" } (minutes(lang, &feed.minutes)) }
            td.n { (feed.records) } td.n { (feed.outcomes[0]) }
            td.n { @if feed.dead_letters > 0 { strong.bad { (feed.dead_letters) } } @else { "0" } }
            td.n { (feed.outcomes[2]) }
            td.n { @match feed.lag { Some(lag) => (lag), None => "–" } }
            td {
                @if let Some(silent) = feed.silent_for { strong.bad { "! " (lang.fill(Msg::SilentFor, time::length(lang, silent))) } }
                @else if let Some(last) = feed.last { (time::ago(lang, last, viewer.now)) } @else { "–" }
            }
        }
    }
}
