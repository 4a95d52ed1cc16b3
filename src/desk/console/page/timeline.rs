//! Revisions and decisions of one incident in one line of time, newest first.

use maud::{Markup, html};

use crate::core::model::{Alert, IncidentState, Level, Millis, MsgType};
use crate::desk::console::text::shown;
use crate::desk::console::time;
use crate::desk::console::view::Viewer;
use crate::desk::console::widgets;
use crate::desk::console::words::Msg;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When.
    pub at: Millis,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The machine revised the incident.
    Revision {
        /// Number.
        revision: u32,
        /// Level.
        level: Level,
        /// Score.
        score: u8,
        /// Reports and sources.
        counts: [u32; 2],
        /// Whether somebody has to know.
        material: bool,
        /// What kind of revision.
        step: Msg,
    },
    /// Somebody decided, or a deadline passed.
    Decision {
        /// The desk account, none when the desk itself did it.
        by: Option<String>,
        /// What, as the audit log names it, in words.
        what: String,
        /// Department.
        department: Option<String>,
        /// Reason.
        why: String,
    },
}

impl Entry {
    /// Of a revision on the queue.
    pub fn revision(alert: &Alert) -> Self {
        let step = match (alert.msg_type, alert.state) {
            (MsgType::Cancel, _) => Msg::Withdrawn,
            (_, IncidentState::Resolved) => Msg::Calm,
            (MsgType::Alert, _) => Msg::Opened,
            (MsgType::Update, _) if alert.material => Msg::Updated,
            (MsgType::Update, _) => Msg::Refreshed,
        };
        Self {
            at: alert.sent,
            what: What::Revision {
                revision: alert.revision,
                level: alert.level,
                score: alert.score,
                counts: [alert.counts.reports, alert.counts.sources],
                material: alert.material,
                step,
            },
        }
    }

    fn minor(&self) -> bool {
        matches!(
            self.what,
            What::Revision {
                material: false,
                ..
            }
        )
    }
}

/// The section; refreshes of counts are folded.
pub fn section(viewer: &Viewer, entries: &[Entry]) -> Markup {
    let minor = entries.iter().filter(|entry| entry.minor()).count();
    html! {
        section.card.timeline {
            h2 { (viewer.t(Msg::Timeline)) }
            ol { @for entry in entries.iter().filter(|entry| !entry.minor()) { (one(viewer, entry)) } }
            @if minor > 0 {
                details { summary { (viewer.lang.fill(Msg::Refreshes, minor)) }
                    ol { @for entry in entries.iter().filter(|entry| entry.minor()) { (one(viewer, entry)) } }
                }
            }
        }
    }
}

fn by_hand(entry: &Entry) -> bool {
    matches!(&entry.what, What::Decision { by: Some(_), .. })
}

fn one(viewer: &Viewer, entry: &Entry) -> Markup {
    html! {
        li class=(if by_hand(entry) { "human" } else { "machine" }) {
            span.when { (time::instant(entry.at)) }
            @match &entry.what {
                What::Revision { revision, level, score, counts, step, .. } => span {
                    (viewer.t(*step)) " · " (widgets::level(viewer.lang, *level)) " " (score) " · "
                    span.muted { (viewer.lang.fill(Msg::RevisionNumber, revision)) ", "
                        (viewer.lang.fill(Msg::ReportsCount, counts[0])) ", " (viewer.lang.fill(Msg::SourcesCount, counts[1])) }
                },
                What::Decision { by, what, department, why } => span {
                    strong { (shown(what)) }
                    @if let Some(department) = department { " · " (viewer.dept(department)) }
                    " · " span.muted { @match by { Some(by) => (shown(by)), None => (viewer.t(Msg::TheDesk)) } }
                    @if !why.is_empty() { ": “" (shown(why)) "”" }
                },
            }
        }
    }
}
