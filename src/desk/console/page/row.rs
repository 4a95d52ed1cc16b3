//! One line of a board: an incident, how urgent it is, why, who holds it, what is due next.
//!
//! Invariant: a row is the same for every reader of a language, so that it is rendered once and shared; what depends on the
//! reader (own department, selection) is added in the browser from `data-` attributes.

use std::sync::Arc;

use maud::{Markup, html};
use uuid::Uuid;

use super::muted::{self, MuteMark};
use crate::core::model::{Growth, Hazard, Level, Millis, Place, RATE_BINS, Status};
use crate::core::obligation::{CaseState, ObligationState};
use crate::desk::console::lang::Lang;
use crate::desk::console::text::{harmless, shown};
use crate::desk::console::time::{self, DueKind};
use crate::desk::console::view::{self, Dept};
use crate::desk::console::widgets;
use crate::desk::console::words::Msg;

/// How far a department has come, as a row shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Step {
    New,
    Acknowledged,
    InProgress,
    Disposed,
    Waived,
    Transferred,
    Released,
    Closed,
}

impl Step {
    /// For classes and filters.
    pub fn id(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Acknowledged => "acknowledged",
            Self::InProgress => "in_progress",
            Self::Disposed => "disposed",
            Self::Waived => "waived",
            Self::Transferred => "transferred",
            Self::Released => "released",
            Self::Closed => "closed",
        }
    }

    /// Its name.
    pub fn name(self) -> Msg {
        match self {
            Self::New => Msg::StateNew,
            Self::Acknowledged => Msg::StateAcknowledged,
            Self::InProgress => Msg::StateInProgress,
            Self::Disposed => Msg::StateDisposed,
            Self::Waived => Msg::StateWaived,
            Self::Transferred => Msg::StateTransferred,
            Self::Released => Msg::StateReleased,
            Self::Closed => Msg::StateClosed,
        }
    }

    /// A sign, so that it can be told without colour.
    pub fn sign(self) -> &'static str {
        match self {
            Self::New => "○",
            Self::Acknowledged => "◔",
            Self::InProgress => "◑",
            Self::Disposed => "●",
            Self::Waived | Self::Transferred | Self::Released => "–",
            Self::Closed => "✓",
        }
    }
}

impl From<CaseState> for Step {
    fn from(state: CaseState) -> Self {
        match state {
            CaseState::New => Self::New,
            CaseState::Acknowledged => Self::Acknowledged,
            CaseState::InProgress => Self::InProgress,
            CaseState::Disposed => Self::Disposed,
            CaseState::Closed => Self::Closed,
        }
    }
}

impl From<ObligationState> for Step {
    fn from(state: ObligationState) -> Self {
        match state {
            ObligationState::Open => Self::New,
            ObligationState::Acknowledged => Self::Acknowledged,
            ObligationState::InProgress => Self::InProgress,
            ObligationState::Disposed => Self::Disposed,
            ObligationState::Waived => Self::Waived,
            ObligationState::Transferred => Self::Transferred,
            ObligationState::Released => Self::Released,
        }
    }
}

/// One department on a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Department.
    pub dept: Dept,
    /// It leads.
    pub lead: bool,
    /// State.
    pub step: Step,
    /// Missed a deadline.
    pub late: bool,
}

/// The next deadline of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Of what.
    pub kind: DueKind,
    /// When.
    pub at: Millis,
}

/// One incident on the board.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Incident.
    pub id: Uuid,
    /// Version of the case.
    pub version: u64,
    /// Actual, exercise or test.
    pub status: Status,
    /// Exercise id.
    pub exercise: Option<Arc<str>>,
    /// Level that counts: the corrected one, else the machine's.
    pub level: Level,
    /// Score.
    pub score: u8,
    /// Hazard that counts.
    pub hazard: Hazard,
    /// Place that counts.
    pub place: Place,
    /// The place is the feed's home area.
    pub place_assumed: bool,
    /// Somebody corrected hazard, place or level.
    pub corrected: bool,
    /// Marked a duplicate of another one.
    pub duplicate: bool,
    /// On the joint meeting's agenda.
    pub meeting: bool,
    /// The most telling reason in both languages.
    pub why: crate::core::model::Bilingual,
    /// First report.
    pub first_seen: Millis,
    /// Last report.
    pub last_seen: Millis,
    /// Reports, copies, independent sources.
    pub counts: [u32; 3],
    /// Last hour.
    pub last_hour: [u32; RATE_BINS],
    /// Against what is usual there, where it is known.
    pub growth: Option<Growth>,
    /// Quiet by now.
    pub resolved: bool,
    /// State of the case.
    pub step: Step,
    /// Next deadline.
    pub due: Option<Due>,
    /// Departments, the lead first.
    pub holders: Vec<Holder>,
    /// Who is looking at it.
    pub watching: Vec<String>,
    /// What mutes its notifications.
    pub muted: Vec<MuteMark>,
}

/// One row; the same for every reader of this language.
pub fn draw(lang: Lang, row: &Row, now: Millis) -> Markup {
    let departments: Vec<&str> = row.holders.iter().map(|it| &*it.dept.id).collect();
    let class = match (row.status, row.resolved) {
        (Status::Actual, false) => "row",
        (Status::Actual, true) => "row calm",
        _ => "row drill",
    };
    html! {
        tr id={"i-" (row.id)} class=(class) role="row" data-id=(row.id) data-version=(row.version) data-level=(row.level.id())
            data-score=(row.score) data-first=(row.first_seen.0) data-status=(row.status.id()) data-step=(row.step.id())
            data-depts=(departments.join(" ")) {
            td.c-score role="cell" { (widgets::level(lang, row.level)) span.score { (row.score) } }
            td.c-what role="cell" { (what(lang, row)) }
            td.c-spark role="cell" {
                (widgets::spark(lang, &row.last_hour))
                @if let Some(growth) = &row.growth { (widgets::growth_spark(lang, growth)) }
            }
            td.c-src role="cell" title=(lang.fill(Msg::ReportsAndCopies, format!("{} + {}", row.counts[0], row.counts[1]))) {
                (row.counts[2]) span.muted { "/" (row.counts[0]) @if row.counts[1] > 0 { "+" (row.counts[1]) } }
            }
            td.c-age role="cell" { (time::ago(lang, row.first_seen, now)) span.muted.last { (time::ago(lang, row.last_seen, now)) } }
            td.c-due role="cell" { (due(lang, row, now)) }
            td.c-held role="cell" { (holders(lang, row)) }
        }
    }
}

fn what(lang: Lang, row: &Row) -> Markup {
    html! {
        a.open href={"/incidents/" (row.id)} {
            span.hazard { (view::hazard(lang, row.hazard)) } " "
            span.place { (shown(view::place(lang, &row.place))) @if row.place_assumed { span.assumed title=(lang.t(Msg::PlaceAssumed)) { "?" } } }
        }
        (widgets::status(lang, row.status, row.exercise.as_deref()))
        @if row.corrected { span.tag title=(lang.t(Msg::CorrectedTitle)) { (lang.t(Msg::Corrected)) } }
        @if row.duplicate { span.tag { (lang.t(Msg::DuplicateTag)) } }
        @if row.meeting { span.tag.meeting title=(lang.t(Msg::OnAgenda)) { (lang.t(Msg::MeetingTag)) } }
        @if row.resolved { span.tag title=(lang.t(Msg::CalmTitle)) { (lang.t(Msg::Calm)) } }
        (muted::tag(lang, &row.muted))
        span.why { (shown(lang.of(&row.why.en, Some(&row.why.zh)))) }
    }
}

fn due(lang: Lang, row: &Row, now: Millis) -> Markup {
    html! {
        @match row.due {
            Some(due) => (time::due(lang, due.kind, due.at, now)),
            None => span.muted { (lang.t(row.step.name())) },
        }
    }
}

fn holders(lang: Lang, row: &Row) -> Markup {
    html! {
        ul.holders {
            @for holder in &row.holders {
                @let title = format!("{} · {}", holder.dept.name(lang), lang.t(holder.step.name()));
                li class={"h-" (holder.step.id()) @if holder.lead { " lead" } @if holder.late { " late" }} data-dept=(holder.dept.id) title=(title) {
                    span.sign aria-hidden="true" { (holder.step.sign()) }
                    span.name { (holder.dept.name(lang)) }
                    span.hidden { ", " (lang.t(holder.step.name())) @if holder.late { ", " (lang.t(Msg::Missed)) } }
                    @if holder.late { span.bang aria-hidden="true" { "!" } }
                }
            }
        }
        @if !row.watching.is_empty() {
            span.watching title=(lang.t(Msg::WatchingTitle)) { "👁 " (harmless(&row.watching.join(", "))) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::model::GrowthPeriod;
    use crate::core::obligation::{Case, Policy};
    use crate::desk::Synthetic;
    use crate::desk::console::from_case::{self, Depts};

    #[test]
    fn growth_is_drawn_with_its_threshold_where_it_is_known() {
        let policy = Policy::default();
        let mut alert = Synthetic::new(1, 1, Arc::clone(&policy.routing)).alert(0, 1);
        let draw_it = |alert: &crate::core::model::Alert| {
            let (case, _) = Case::open(Arc::new(alert.clone()), Millis(1_000), &policy);
            let row = from_case::row(&case.row(), &Depts(Arc::default()));
            draw(Lang::En, &row, Millis(2_000)).into_string()
        };
        assert_eq!(
            draw_it(&alert)
                .matches("<svg class=\"spark growth\"")
                .count(),
            0
        );
        let mut growth = Growth {
            period: GrowthPeriod::Day,
            start: Millis(0),
            observed: 9,
            expected: Some(2.0),
            threshold: Some(5.0),
            statistic: Some(7.0),
            c2: None,
            alarm: true,
            learned: None,
            series: vec![2, 9],
        };
        alert.growth = Some(growth.clone());
        let html = draw_it(&alert);
        assert_eq!(
            html.matches("<svg class=\"spark growth\"").count(),
            1,
            "{html}"
        );
        assert!(
            html.contains("9 reports now, 2.0 are usual, an alarm from 5.0"),
            "{html}"
        );
        // What is being learned has no threshold to compare with.
        (growth.threshold, growth.learned) = (None, Some(3));
        alert.growth = Some(growth);
        assert_eq!(
            draw_it(&alert)
                .matches("<svg class=\"spark growth\"")
                .count(),
            0
        );
    }
}
