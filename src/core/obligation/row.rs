//! A case as one line of a board.
//!
//! Invariant: everything a board shows, filters and orders by is here, so that it reads neither cases nor revisions.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::agenda::AgendaReason;
use super::case::Case;
use super::types::{CaseState, Cause, Disposition, Field, Obligation, ObligationState, Office};
use crate::core::model::{
    Bilingual, CertaintyClass, Counts, Duty, Growth, Hazard, IncidentState, Level, Millis, MsgType,
    Place, ScoreLine, Status,
};

/// Score lines that a board tells.
const WHY_LINES: usize = 3;

/// An obligation on the board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct RowObligation {
    pub department: Arc<str>,
    pub office: Office,
    pub duty: Duty,
    pub required: bool,
    pub cause: Cause,
    pub state: ObligationState,
    pub acknowledge_by: Millis,
    pub dispose_by: Millis,
    pub acknowledge_missed: bool,
    pub dispose_missed: bool,
    /// Offered to this department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered_to: Option<Arc<str>>,
    /// Who holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<String>,
}

/// One line of a board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoardRow {
    /// Incident.
    pub incident: Uuid,
    /// Version of the case.
    pub version: u64,
    /// The machine's newest revision.
    pub revision: u32,
    /// Actual, exercise or test.
    pub status: Status,
    /// Exercise id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exercise: Option<Arc<str>>,
    /// Where it stands.
    pub state: CaseState,
    /// Whether reports still come.
    pub activity: IncidentState,
    /// `cancel`: every report was withdrawn.
    pub msg_type: MsgType,
    /// Title.
    pub headline: Bilingual,
    /// The score lines that count most, in one line.
    #[serde(default)]
    pub why: Bilingual,
    /// The hazard that counts.
    pub hazard: Hazard,
    /// The place that counts.
    pub place: Place,
    /// The place is assumed from the feed's home area.
    pub place_assumed: bool,
    /// Codes of the places that it lies in, nearest first; none of a corrected place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<Arc<str>>,
    /// Rules that found it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Arc<str>>,
    /// The level that counts.
    pub level: Level,
    /// The machine's level.
    pub machine_level: Level,
    /// What somebody corrected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub corrected: Vec<Field>,
    /// The incident that covers this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<Uuid>,
    /// 0–100.
    pub score: u8,
    /// 0…1.
    pub certainty: f64,
    /// Its class.
    pub certainty_class: CertaintyClass,
    /// Reports, copies, sources, and the last hour in bins.
    pub counts: Counts,
    /// Against what is usual at the machine's place, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub growth: Option<Growth>,
    /// When the desk learned of it.
    pub opened_at: Millis,
    /// When something happened last.
    pub updated_at: Millis,
    /// Earliest and latest report.
    pub first_seen: Millis,
    /// Latest report.
    pub last_seen: Millis,
    /// When it closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Millis>,
    /// When it opened, reopened or its level rose last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raised_at: Option<Millis>,
    /// The lead's disposition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Disposition>,
    /// What departments owe.
    pub obligations: Vec<RowObligation>,
    /// The next deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Millis>,
    /// Who is looking at it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub watching: Vec<String>,
    /// On the agenda since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agenda_since: Option<Millis>,
    /// Why it is on the agenda.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agenda: Vec<AgendaReason>,
    /// Remarks.
    pub notes: usize,
}

/// Position on the board: level, then score, highest first; a lower number stands higher.
pub fn rank(level: Level, score: u8) -> i64 {
    (Level::Red as i64 - level as i64) * 1_000 + i64::from(100 - score.min(100))
}

impl Case {
    /// Its line on the board.
    pub fn row(&self) -> BoardRow {
        let alert = &self.alert;
        let overlays = &self.overlays;
        let corrected = [
            (Field::Hazard, overlays.hazard.is_some()),
            (Field::Place, overlays.place.is_some()),
            (Field::Level, overlays.level.is_some()),
            (Field::DuplicateOf, overlays.duplicate_of.is_some()),
        ];
        BoardRow {
            incident: self.incident,
            version: self.version,
            revision: alert.revision,
            status: alert.status,
            exercise: alert.exercise.clone(),
            state: self.state,
            activity: alert.state,
            msg_type: alert.msg_type,
            headline: alert.headline.clone(),
            why: why(&alert.reasons),
            hazard: self.hazard(),
            place: self.place().clone(),
            place_assumed: alert.place_assumed && overlays.place.is_none(),
            within: if overlays.place.is_none() {
                alert.ancestors.clone()
            } else {
                Vec::new()
            },
            rules: alert.rules.clone(),
            level: self.level(),
            machine_level: alert.level,
            corrected: corrected
                .into_iter()
                .filter_map(|(field, is)| is.then_some(field))
                .collect(),
            duplicate_of: overlays.duplicate_of.as_ref().map(|overlay| overlay.value),
            score: alert.score,
            certainty: alert.certainty,
            certainty_class: alert.certainty_class,
            counts: alert.counts.clone(),
            growth: alert.growth.clone().filter(|it| it.threshold.is_some()),
            opened_at: self.opened_at,
            updated_at: self.updated_at,
            first_seen: alert.first_seen,
            last_seen: alert.last_seen,
            closed_at: self.closed_at,
            raised_at: self.raised.map(|it| it.at),
            verdict: self.verdict,
            obligations: self.obligations.iter().map(row_of).collect(),
            due: self.due(),
            watching: self.watching.iter().map(|mark| mark.by.clone()).collect(),
            agenda_since: self.agenda_since,
            agenda: self.agenda_reasons(),
            notes: self.notes.len(),
        }
    }
}

/// The lines that add most, the heaviest first: `+30 gas leak · +15 people dead`.
fn why(reasons: &[ScoreLine]) -> Bilingual {
    let mut lines: Vec<&ScoreLine> = reasons.iter().filter(|line| line.points > 0).collect();
    // A stable sort: lines of equal weight stay in the order of the score.
    lines.sort_by_key(|line| std::cmp::Reverse(line.points));
    lines.truncate(WHY_LINES);
    let told = |words: fn(&ScoreLine) -> &str| {
        let parts = lines
            .iter()
            .map(|line| format!("{:+} {}", line.points, words(line)));
        parts.collect::<Vec<_>>().join(" · ")
    };
    Bilingual {
        en: told(|line| &line.because),
        zh: told(|line| line.because_zh.as_deref().unwrap_or(&line.because)),
    }
}

fn row_of(it: &Obligation) -> RowObligation {
    let held = it.started.as_ref().or(it.acknowledged.as_ref());
    RowObligation {
        department: Arc::clone(&it.department),
        office: it.office,
        duty: it.duty,
        required: it.required,
        cause: it.cause,
        state: it.state,
        acknowledge_by: it.acknowledge_by,
        dispose_by: it.dispose_by,
        acknowledge_missed: it.acknowledge_missed.is_some(),
        dispose_missed: it.dispose_missed.is_some(),
        offered_to: it
            .offer
            .as_ref()
            .filter(|_| it.state.is_pending())
            .map(|offer| Arc::clone(&offer.to)),
        held_by: held.map(|mark| mark.by.clone()),
    }
}
