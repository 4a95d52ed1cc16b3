//! A detection: one rule firing on one report. It carries all that correlate needs, which looks up no rule.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Correlation, FeedKind, GrowthLine, Hazard, Millis, Place, ScoreLine, Status, Tier, Urgency,
};

/// Format version of detections; readers accept this and the one before.
pub const DETECTION_VERSION: u8 = 1;

/// Matched spans kept of one detection; the first ones in the text.
pub const MAX_MATCHES: usize = 32;

/// Longest excerpt of a report, characters.
pub const MAX_EXCERPT_CHARS: usize = 400;

/// Longest value kept of a field that a rule decided by, characters.
pub const MAX_VALUE_CHARS: usize = 100;

/// A term found in a report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Match {
    /// Field in which it was found: `title`, `text` or another field of the report.
    pub field: Arc<str>,
    /// Half-open range of Unicode code points in the masked original of that field.
    pub span: [u32; 2],
    /// The term or pattern, as the rule or lexicon writes it; a comparison as `gte 5`.
    pub term: Arc<str>,
    /// The masked value in which it was found, ≤ [`MAX_VALUE_CHARS`] characters; none for title and text, which are shown whole or as
    /// an excerpt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Arc<str>>,
}

/// Record position in a feed, for whoever traces a report back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Position {
    pub topic: Arc<str>,
    pub partition: i32,
    pub offset: i64,
}

/// The part of a report that lives on after detect: masked, bounded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportRef {
    /// The feed's identifier of the report.
    pub id: String,
    /// Feed.
    pub feed: Arc<str>,
    /// Kind of the report.
    pub kind: FeedKind,
    /// Independent source: the feed, or `feed/publisher` for news feeds so configured.
    pub source: Arc<str>,
    /// 0–100.
    pub reliability: u8,
    /// The source's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<Millis>,
    /// When the record reached Kafka; drives the partition clock.
    pub received: Millis,
    /// Masked title, ≤ [`MAX_EXCERPT_CHARS`] characters; empty when there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Masked text around the matches, ≤ [`MAX_EXCERPT_CHARS`] characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub excerpt: String,
    /// Code point at which the excerpt starts in the masked text.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub excerpt_start: u32,
    /// Where to read the original.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Hash of everything a revision may change; equal for an identical resend.
    pub content_hash: u64,
    /// Fingerprint of reposted free text; none for other kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// The feed takes the report back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// What near-duplicates are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fingerprint {
    /// 64-bit SimHash over character 3-grams of the normalised text; near when ≤ 3 bits differ.
    Simhash(u64),
    /// Hash of a text under 20 characters; near when equal.
    Exact(u64),
}

/// A department that a rule asks for beside the routing table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DepartmentRequest {
    /// Department id.
    pub id: Arc<str>,
    /// Whether the incident cannot close without it.
    #[serde(default)]
    pub required: bool,
}

/// What stands before the place code in the key of a detection that only counts in a wider area; no place code begins so.
pub const WIDE: char = '~';

/// Whether a key is one under which reports only count.
pub fn is_wide_key(key: &str) -> bool {
    key.split('/')
        .nth(2)
        .is_some_and(|place| place.starts_with(WIDE))
}

/// One rule firing on one report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Format version.
    pub v: u8,
    /// `status/hazard/place code`, for exercises with an id `status/hazard/place code/exercise id`: the unit of correlation and
    /// the Kafka key. Of a detection that only counts in a wider area, [`WIDE`] stands before the place code: it never meets an ordinary one.
    pub key: String,
    /// Status of the report.
    pub status: Status,
    /// Exercise id, for exercises.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exercise: Option<Arc<str>>,
    /// Hazard of the rule.
    pub hazard: Hazard,
    /// Rule id.
    pub rule_id: Arc<str>,
    /// Rule title.
    pub rule_title: Arc<str>,
    /// Version of the rule set.
    pub rule_set: Arc<str>,
    /// clamp(Σ points, 0, 100).
    pub severity: u8,
    /// The base first, then every addition.
    pub score: Vec<ScoreLine>,
    /// What was found where, sorted by field and span; ≤ [`MAX_MATCHES`].
    pub matches: Vec<Match>,
    /// Extracted numbers, such as `casualties.dead`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub numbers: BTreeMap<Arc<str>, f64>,
    /// The report.
    pub report: ReportRef,
    /// The one place of the report.
    pub place: Place,
    /// That place's ancestor at the rule's tier, or the place itself if coarser: the place of the key.
    pub key_place: Place,
    /// The place is the feed's home area, taken because the report names none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub place_assumed: bool,
    /// Other places mentioned, ≤ 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_places: Vec<Place>,
    /// Codes of all ancestors of `key_place`, nearest first: relates coarser and finer incidents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ancestors: Vec<Arc<str>>,
    /// Exposure of the place, 0…10, with its reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<ScoreLine>,
    /// The rule's tier.
    pub tier: Tier,
    /// The rule's quiet time, milliseconds.
    pub quiet_ms: i64,
    /// CAP urgency by the rule or the source.
    #[serde(default)]
    pub urgency: Urgency,
    /// Departments that the rule asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub departments: Vec<DepartmentRequest>,
    /// Correlations that call the rule, by their ids; ≤ [`MAX_CORRELATED`](super::MAX_CORRELATED).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub correlations: Vec<Arc<Correlation>>,
    /// Score lines of the rule that depend on growth, for correlate to add; ≤ [`MAX_GROWTH_LINES`](super::MAX_GROWTH_LINES).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub growth: Vec<Arc<GrowthLine>>,
    /// A detection that only counts in a wider area than the rule's tier, under a key of its own ([`is_wide_key`]): the area of the next
    /// narrower tier in which it lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wide_of: Option<Arc<str>>,
    /// Where the report was read.
    pub position: Position,
}

/// Format version of shadow records.
pub const SHADOW_VERSION: u8 = 1;

/// A shadow rule's hit: counted and compared, never alerting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShadowHit {
    /// Format version.
    pub v: u8,
    /// Rule id.
    pub rule_id: Arc<str>,
    /// Rule that this one would replace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Arc<str>>,
    /// Whether the replaced rule fired on the same report.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replaced_fired: bool,
    /// Live rules that fired on the same report, sorted; ≤ [`MAX_MATCHES`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fired: Vec<Arc<str>>,
    /// One of them has the same hazard: the report counts without this rule too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub covered: bool,
    /// Name of the place of the key.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// Masked title, or the masked text around the matches; ≤ [`MAX_EXCERPT_CHARS`] characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub excerpt: String,
    /// Key of the incident it would have opened or joined.
    pub key: String,
    /// Severity it would have given.
    pub severity: u8,
    /// Feed and report.
    pub feed: Arc<str>,
    /// Report id.
    pub report_id: String,
    /// When the report was received.
    pub received: Millis,
    /// Version of the rule set.
    pub rule_set: Arc<str>,
    /// What the rule said then, in short: an edited rule is watched anew. Empty in records from before it was told.
    #[serde(default)]
    pub wording: Arc<str>,
}

/// A sign of life of a shadow rule, on the same topic: a report was held against it, whether it fired or not. Now and then, so that a rule
/// that never fires is known to have been watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShadowWatch {
    /// Format version.
    pub v: u8,
    /// Rule id.
    pub rule_id: Arc<str>,
    /// Rule that this one would replace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Arc<str>>,
    /// When the report was received.
    pub watched: Millis,
    /// Version of the rule set.
    pub rule_set: Arc<str>,
    /// What the rule said then, in short: an edited rule is watched anew. Empty in records from before it was told.
    #[serde(default)]
    pub wording: Arc<str>,
}
