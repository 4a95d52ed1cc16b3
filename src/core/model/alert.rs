//! An alert: an immutable revision of what is known about an incident, as it lies on the joint-meeting queue.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Category, CertaintyClass, FeedKind, Hazard, Level, Match, Millis, Place, ScoreLine, Status,
    Urgency,
};

/// Format version of alerts; readers accept this and the one before.
pub const ALERT_VERSION: u8 = 1;

/// Reports shown as evidence.
pub const MAX_EVIDENCE: usize = 10;
/// Report ids listed; the total is in [`Counts::reports`].
pub const MAX_REPORT_IDS: usize = 50;
/// Bins of [`Counts::last_hour`].
pub const RATE_BINS: usize = 12;

/// CAP 1.2 `msgType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MsgType {
    /// First revision.
    Alert,
    /// A later one.
    Update,
    /// Every report was withdrawn by its feed.
    Cancel,
}

/// What correlate knows of an incident; only the desk knows new … closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    /// Reports keep coming, or came less than the quiet time ago.
    Active,
    /// Quiet. Ends no obligation.
    Resolved,
}

/// Duty of a department.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Duty {
    Lead,
    Support,
}

/// A department that the alert goes to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RoutedDepartment {
    /// Department id.
    pub id: Arc<str>,
    /// Lead first in every list; exactly one leads.
    pub duty: Duty,
    /// The incident does not close without its disposition.
    pub required: bool,
}

/// How much is known, and how fast it comes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Reports that count, copies apart.
    pub reports: u32,
    /// Near-duplicates.
    pub copies: u32,
    /// Independent sources.
    pub sources: u32,
    /// Reports and copies received in the last hour, 5-minute bins, oldest first.
    pub last_hour: [u32; RATE_BINS],
}

/// Periods of [`Growth::series`], at most.
pub const MAX_GROWTH_PERIODS: usize = 28;

/// Length of a period in which reports are counted, in local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum GrowthPeriod {
    Hour,
    Day,
}

/// Reports of this hazard at this place against what is usual there. Numbers have three decimals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    /// The hour or the day, whichever deviates more.
    pub period: GrowthPeriod,
    /// When the period that is judged began.
    pub start: Millis,
    /// Reports in it so far.
    pub observed: u32,
    /// What is usual; none while it is being learned, as for the next three.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<f64>,
    /// The count from which the period is an alarm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// W2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistic: Option<f64>,
    /// EARS C2 of the day, with a standard deviation of at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub c2: Option<f64>,
    /// More than the threshold, and no few.
    pub alarm: bool,
    /// Days learned of those that a baseline needs; none once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned: Option<u8>,
    /// Counts of the last periods, oldest first, the judged one last; ≤ [`MAX_GROWTH_PERIODS`].
    pub series: Vec<u32>,
}

/// One of the most telling reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The feed's identifier of the report.
    pub report_id: String,
    /// Feed.
    pub feed: Arc<str>,
    /// Kind.
    pub kind: FeedKind,
    /// Independent source.
    pub source: Arc<str>,
    /// The source's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<Millis>,
    /// When the record reached Kafka.
    pub received: Millis,
    /// Masked title.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Masked excerpt, ≤ 400 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub excerpt: String,
    /// Spans within `title` and `excerpt` (field `text` means the excerpt here), in code points.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<Match>,
    /// Rules that fired on it, sorted.
    pub rules: Vec<Arc<str>>,
    /// Its highest severity.
    pub severity: u8,
    /// Near-duplicates of it.
    #[serde(default)]
    pub copies: u32,
    /// Where to read the original; none for posts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// Names in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Bilingual {
    pub en: String,
    pub zh: String,
}

/// One revision of an incident on the joint-meeting queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Format version.
    pub v: u8,
    /// UUIDv5(incident_id, revision).
    pub alert_id: Uuid,
    /// UUIDv5(status, hazard, place, opening feed, report id, partition time at opening).
    pub incident_id: Uuid,
    /// 1…n without gap.
    pub revision: u32,
    /// CAP message type.
    pub msg_type: MsgType,
    /// Actual, exercise or test.
    pub status: Status,
    /// Exercise id, for exercises.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exercise: Option<Arc<str>>,
    /// The incident that this one follows at the same key, when it was not reopened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Uuid>,
    /// Key of the incident.
    pub key: String,
    /// Title for people; says Exercise or Test where it is one.
    pub headline: Bilingual,
    /// Hazard.
    pub hazard: Hazard,
    /// CAP category of the hazard.
    pub category: Category,
    /// Place of the incident.
    pub place: Place,
    /// The place is assumed from the feed's home area.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub place_assumed: bool,
    /// Other places mentioned by its reports, ≤ 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_places: Vec<Place>,
    /// Codes of the ancestors of the place, nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ancestors: Vec<Arc<str>>,
    /// Active or resolved.
    pub state: IncidentState,
    /// Level.
    pub level: Level,
    /// 0–100.
    pub score: u8,
    /// Lines that add up to the score.
    pub reasons: Vec<ScoreLine>,
    /// 1 − Π(1 − reliability) over independent sources, 0…1, three decimals.
    pub certainty: f64,
    /// Its class; in CAP the `certainty`.
    pub certainty_class: CertaintyClass,
    /// CAP urgency.
    pub urgency: Urgency,
    /// The highest extracted numbers of its reports.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub numbers: BTreeMap<Arc<str>, f64>,
    /// Who has a duty; the lead first, then by id.
    pub departments: Vec<RoutedDepartment>,
    /// Whether level, departments, certainty class or state of affairs changed; others only refresh the board.
    pub material: bool,
    /// Counts.
    pub counts: Counts,
    /// Growth; none where it is not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub growth: Option<Growth>,
    /// The most telling reports, most telling first.
    pub evidence: Vec<Evidence>,
    /// `feed/id` of reports in order of arrival, the newest [`MAX_REPORT_IDS`].
    pub report_ids: Vec<String>,
    /// Rules and correlations that fired, sorted.
    pub rules: Vec<Arc<str>>,
    /// Version of the rule set of the newest detection.
    pub rule_set: Arc<str>,
    /// Earliest `observed`, else `received`, of its reports.
    pub first_seen: Millis,
    /// Latest `received` of its reports.
    pub last_seen: Millis,
    /// Partition time at which the revision was due.
    pub sent: Millis,
}
