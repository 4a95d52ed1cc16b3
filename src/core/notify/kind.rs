//! What a notice says.
//!
//! Invariant: ids, levels, times, titles and masked excerpts; nobody's name, neither of a reporter nor of an account. Its id is a
//! function of the event that caused it: planned twice, it is the same notice.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::clean::line;
use super::plan::Wanted;
use crate::core::correlate::ALERT_NAMESPACE;
use crate::core::model::{Bilingual, Duty, Hazard, Level, Millis, Place, Status};
use crate::core::obligation::{Case, CaseState, Office, closed_list};

/// Excerpts in one notice.
const EXCERPTS: usize = 2;
/// Characters of an excerpt, as evidence has them.
const MAX_EXCERPT: usize = 400;
/// Characters of a title.
const MAX_TITLE: usize = 200;

closed_list! {
    /// Why somebody is told.
    NoticeKind {
        /// The department owes something that it did not owe before.
        NewObligation "new_obligation",
        /// The level rose.
        LevelRaised "level_raised",
        /// The department let a deadline pass.
        DeadlineMissed "deadline_missed",
        /// A higher office is called for a missed deadline.
        Escalated "escalated",
        /// A closed incident is open again.
        Reopened "reopened",
        /// Every report was withdrawn.
        Cancelled "cancelled",
        /// Another department offers its obligation.
        TransferOffered "transfer_offered",
        /// Reminder of what is still owed: after a long stop, or when a silence ends.
        StillOpen "still_open",
    }
}

impl NoticeKind {
    /// Whether it is about a deadline that was missed: never held back by a digest or an inhibition.
    pub fn is_urgent(self) -> bool {
        matches!(self, Self::DeadlineMissed | Self::Escalated)
    }
}

closed_list! {
    /// Which deadline.
    Deadline {
        /// Of the acknowledgement.
        Acknowledge "acknowledge",
        /// Of the disposal.
        Dispose "dispose",
    }
}

/// One thing that one department is told about one incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// UUIDv5 of the audit event, the department, its office and the kind.
    pub id: Uuid,
    /// Why.
    pub kind: NoticeKind,
    /// Number of the audit event.
    pub seq: i64,
    /// When it happened.
    pub at: Millis,
    /// Incident.
    pub incident: Uuid,
    /// The machine's revision when the notice was made.
    pub revision: u32,
    /// Actual, exercise or test.
    pub status: Status,
    /// Exercise id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exercise: Option<Arc<str>>,
    /// Who is told.
    pub department: Arc<str>,
    /// Which of its offices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<Office>,
    /// Its part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duty: Option<Duty>,
    /// The level that counts.
    pub level: Level,
    /// The level before it rose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level_before: Option<Level>,
    /// 0–100.
    pub score: u8,
    /// The hazard that counts.
    pub hazard: Hazard,
    /// The place that counts.
    pub place: Place,
    /// Title.
    pub headline: Bilingual,
    /// The score lines that count most.
    pub why: Bilingual,
    /// Where the case stands.
    pub state: CaseState,
    /// Which deadline was missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Deadline>,
    /// Until when the department has to acknowledge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledge_by: Option<Millis>,
    /// Until when it has to dispose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispose_by: Option<Millis>,
    /// Reports that count.
    pub reports: u32,
    /// Independent sources.
    pub sources: u32,
    /// Masked excerpts of the most telling reports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excerpts: Vec<String>,
}

fn clean(text: &str, most: usize) -> String {
    line(text).trim().chars().take(most).collect()
}

fn both(text: &Bilingual) -> Bilingual {
    Bilingual {
        en: clean(&text.en, MAX_TITLE),
        zh: clean(&text.zh, MAX_TITLE),
    }
}

impl Notice {
    /// The notice that is wanted, about the case as it is now.
    pub fn of(case: &Case, wanted: &Wanted, excerpts: bool) -> Self {
        let row = case.row();
        let own = case.obligations.iter().rev().find(|it| {
            *it.department == *wanted.department
                && wanted.office.is_none_or(|office| it.office == office)
        });
        let own = own.or_else(|| case.own(&wanted.department));
        let pending = own.filter(|it| it.state.is_pending());
        let told = case.alert.evidence.iter().filter(|_| excerpts);
        let mut place = case.place().clone();
        place.name = clean(&place.name, MAX_TITLE).into();
        place.name_zh = place.name_zh.map(|name| clean(&name, MAX_TITLE).into());
        Self {
            id: wanted.id(),
            kind: wanted.kind,
            seq: wanted.seq,
            at: wanted.at,
            incident: case.incident,
            revision: case.alert.revision,
            status: case.status(),
            exercise: case.alert.exercise.clone(),
            department: Arc::clone(&wanted.department),
            office: wanted.office.or(own.map(|it| it.office)),
            duty: own.map(|it| it.duty),
            level: case.level(),
            level_before: wanted.level_before,
            score: row.score,
            hazard: case.hazard(),
            place,
            headline: both(&row.headline),
            why: both(&row.why),
            state: case.state,
            deadline: wanted.deadline,
            acknowledge_by: pending
                .filter(|it| it.acknowledged.is_none())
                .map(|it| it.acknowledge_by),
            dispose_by: pending.map(|it| it.dispose_by),
            reports: row.counts.reports,
            sources: row.counts.sources,
            excerpts: told
                .map(|it| clean(&it.excerpt, MAX_EXCERPT))
                .filter(|text| !text.is_empty())
                .take(EXCERPTS)
                .collect(),
        }
    }
}

/// UUIDv5 in the namespace of alerts.
pub(super) fn named(text: &str) -> Uuid {
    Uuid::new_v5(&ALERT_NAMESPACE, text.as_bytes())
}
