//! What is remembered of one incident key, and how it is written: the very bytes of the changelog.
//!
//! Invariant: a value is a header (version, kind, next timer) and a MessagePack body of positional arrays. Shared model types
//! are mirrored here, because they leave out empty fields, which positional arrays cannot. A change of any struct below is a
//! change of [`STATE_VERSION`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::aggregate::Aggregate;
use super::areas::Areas;
use super::correlations::Tracked;
use super::index::Index;
use super::rate::Rate;
use crate::core::model::{
    Coordinates, FeedKind, Fingerprint, GrowthLine, Hazard, Level, Millis, Place, ScoreLine,
    Status, Tier, Urgency,
};

/// Version of the encoding; first byte of every value.
pub(super) const STATE_VERSION: u8 = 6;
/// Versions that can be read. Version 4 had no score lines on growth and no wider areas, version 5 no areas of a wider one.
pub(super) const READABLE: std::ops::RangeInclusive<u8> = 4..=STATE_VERSION;

/// A value that is not a state of a known version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Written by another version.
    #[error(
        "state of `{key}` has version {version}; this program reads versions {} to {STATE_VERSION}: start the version that wrote it, or go back \
         as docs/operations.md says (Upgrade and rollback)",
        READABLE.start()
    )]
    #[allow(missing_docs)]
    Version { key: String, version: u8 },
    /// Damaged.
    #[error("state of `{key}` cannot be read: {reason}")]
    #[allow(missing_docs)]
    Damaged { key: String, reason: String },
}

/// Everything about one key.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum KeyState {
    /// Active, or resolved within `reopen_for`.
    Incident(Box<Incident>),
    /// Only the name of the last incident is left.
    Previous(Previous),
}

/// What outlives an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Previous {
    pub id: Uuid,
    pub until: Millis,
}

/// Where an incident is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Phase {
    Active,
    /// Quiet since, or every report withdrawn at.
    Resolved(Millis),
}

/// The last revision, as far as the next one is compared with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Published {
    pub revision: u32,
    pub at: Millis,
    pub departments: u64,
    pub class: u8,
    /// Counts or evidence have changed since.
    pub stale: bool,
}

/// A department that a rule asks for, and whether it is required.
pub(super) type Request = (Arc<str>, bool);

/// One incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Incident {
    pub id: Uuid,
    pub previous: Option<Uuid>,
    pub status: Status,
    pub hazard: Hazard,
    pub exercise: Option<Arc<str>>,
    pub place: StPlace,
    pub place_assumed: bool,
    pub ancestors: Vec<Arc<str>>,
    pub quiet_ms: i64,
    pub last_activity: Millis,
    pub phase: Phase,
    /// None while it has never reached the queue.
    pub level: Option<Level>,
    pub level_since: Millis,
    /// Highest level so far: a department once involved stays involved.
    pub peak: Option<Level>,
    /// When the level falls, unless something happens before.
    pub fall_due: Option<Millis>,
    pub published: Published,
    /// Feeds, sources, rules and number names, each once; members point into it.
    pub names: Vec<Arc<str>>,
    /// Departments that a rule asks for.
    pub requests: Vec<(u16, Vec<Request>)>,
    pub members: Vec<Member>,
    /// Fingerprints of the founding members of clusters, oldest first.
    pub prints: Vec<(Print, u32)>,
    /// Copies that were counted but are not remembered, per cluster.
    pub uncounted: Vec<(u32, u32)>,
    /// Not used since version 2; keeps the place of a field of version 1.
    pub unused: u64,
    /// Texts of the most telling members.
    pub texts: Vec<(u32, Text)>,
    pub also_places: Vec<StPlace>,
    pub exposures: Vec<StLine>,
    pub rate: Rate,
    pub rule_set: Arc<str>,
    /// `received` of the newest report, copies among them.
    pub last_seen: Millis,
    /// Reports for which there was no room among the members.
    #[serde(default)]
    pub aggregate: Option<Box<Aggregate>>,
    /// Correlations that call its rules, by their ids.
    #[serde(default)]
    pub correlations: Vec<Tracked>,
    /// Score lines that depend on growth, by the rule whose they are.
    #[serde(default)]
    pub growth_lines: Vec<(u16, Vec<Arc<GrowthLine>>)>,
    /// All of its reports only count here: nothing but growth puts it on the queue. Follows from the key ([`is_wide_key`]), whatever
    /// was written.
    ///
    /// [`is_wide_key`]: crate::core::model::is_wide_key
    #[serde(default)]
    pub wide: bool,
    /// Of a wider area: in which of its areas its reports lie.
    #[serde(default)]
    pub areas: Areas,
    /// Follows from the reports; no part of the state.
    #[serde(skip)]
    pub index: Index,
}

/// A report of the incident, as its feed last stated it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Member {
    pub feed: u16,
    pub source: u16,
    pub id: Box<str>,
    pub kind: u8,
    pub reliability: u8,
    pub urgency: u8,
    pub withdrawn: bool,
    pub hash: u64,
    pub received: Millis,
    pub observed: Option<Millis>,
    /// When the feed last said the same again: an older statement that comes later must not replace it.
    pub restated: Option<Millis>,
    /// Number of its cluster of near-duplicates: the lowest that was free when the cluster was founded.
    pub cluster: u32,
    /// Rules that fired on this content, with their severities, in order of arrival.
    pub rules: Vec<(u16, u8)>,
    pub numbers: Vec<(u16, f64)>,
    /// Index into [`Incident::exposures`].
    pub exposure: Option<u8>,
    /// Local hour in which the series of the key counts it.
    #[serde(default)]
    pub counted: Option<i32>,
    /// Of a report that only counts here: the narrower area in which it lies.
    #[serde(default)]
    pub wide_of: Option<u16>,
}

/// Text of a member: shown as evidence, dropped at its retention time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Text {
    pub title: String,
    pub excerpt: String,
    pub excerpt_start: u32,
    pub link: Option<String>,
    /// Spans within title (`false`) and excerpt (`true`).
    pub matches: Vec<(bool, u32, u32, Arc<str>)>,
    /// Score lines of the rule with the highest severity.
    pub lines: Vec<StLine>,
    /// What was found in other fields of the record.
    #[serde(default)]
    pub values: Vec<StValue>,
}

/// A [`Match`](crate::core::model::Match) in a field that is neither title nor text, without field names: field, span, term, value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct StValue(pub Arc<str>, pub [u32; 2], pub Arc<str>, pub Arc<str>);

/// A [`Fingerprint`] without field names.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Print(bool, u64);

/// A [`ScoreLine`] without field names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct StLine(pub i32, pub String, pub Option<String>);

/// A [`Place`] without field names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct StPlace(
    pub Arc<str>,
    Arc<str>,
    Option<Arc<str>>,
    Tier,
    Option<(f64, f64)>,
);

impl Incident {
    /// Index of `name`, which is added when it is new; none when there are too many.
    pub(super) fn intern(&mut self, name: &Arc<str>) -> Option<u16> {
        if let Some(at) = self.names.iter().position(|known| known == name) {
            return u16::try_from(at).ok();
        }
        let at = u16::try_from(self.names.len()).ok()?;
        self.names.push(Arc::clone(name));
        Some(at)
    }

    /// The name at `index`.
    pub(super) fn name(&self, index: u16) -> Arc<str> {
        self.names
            .get(usize::from(index))
            .cloned()
            .unwrap_or_default()
    }

    /// Whether it is on the queue.
    pub(super) fn is_queued(&self) -> bool {
        self.published.revision > 0
    }
}

impl Member {
    /// Highest severity of its rules.
    pub(super) fn severity(&self) -> u8 {
        self.rules
            .iter()
            .map(|(_, severity)| *severity)
            .max()
            .unwrap_or(0)
    }
}

impl From<Fingerprint> for Print {
    fn from(fingerprint: Fingerprint) -> Self {
        match fingerprint {
            Fingerprint::Exact(hash) => Self(false, hash),
            Fingerprint::Simhash(hash) => Self(true, hash),
        }
    }
}

impl From<Print> for Fingerprint {
    fn from(Print(simhash, hash): Print) -> Self {
        if simhash {
            Self::Simhash(hash)
        } else {
            Self::Exact(hash)
        }
    }
}

/// Longest reason kept of a score line, characters.
const MAX_BECAUSE_CHARS: usize = 300;

impl From<&ScoreLine> for StLine {
    fn from(line: &ScoreLine) -> Self {
        let cut = |text: &str| first_chars(text, MAX_BECAUSE_CHARS).to_owned();
        Self(
            line.points,
            cut(&line.because),
            line.because_zh.as_deref().map(cut),
        )
    }
}

impl From<&StLine> for ScoreLine {
    fn from(StLine(points, because, because_zh): &StLine) -> Self {
        Self {
            points: *points,
            because: because.clone(),
            because_zh: because_zh.clone(),
        }
    }
}

/// Longest code or name kept of a place, characters.
const MAX_NAME_CHARS: usize = 120;

impl From<&Place> for StPlace {
    fn from(place: &Place) -> Self {
        let cut = |text: &Arc<str>| match first_chars(text, MAX_NAME_CHARS) {
            short if short.len() == text.len() => Arc::clone(text),
            short => short.into(),
        };
        Self(
            cut(&place.code),
            cut(&place.name),
            place.name_zh.as_ref().map(cut),
            place.tier,
            place.coordinates.map(|c| (c.lat, c.lon)),
        )
    }
}

impl From<&StPlace> for Place {
    fn from(StPlace(code, name, name_zh, tier, coordinates): &StPlace) -> Self {
        Self {
            code: Arc::clone(code),
            name: Arc::clone(name),
            name_zh: name_zh.clone(),
            tier: *tier,
            coordinates: coordinates.map(|(lat, lon)| Coordinates { lat, lon }),
        }
    }
}

/// The first `count` characters of `text`.
pub(super) fn first_chars(text: &str, count: usize) -> &str {
    match text.char_indices().nth(count) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

const KINDS: [FeedKind; 6] = [
    FeedKind::News,
    FeedKind::Post,
    FeedKind::Hotline,
    FeedKind::Dispatch,
    FeedKind::Sensor,
    FeedKind::Official,
];

const URGENCIES: [Urgency; 5] = [
    Urgency::Past,
    Urgency::Unknown,
    Urgency::Future,
    Urgency::Expected,
    Urgency::Immediate,
];

/// Number of a kind in the state.
pub(super) fn kind_number(kind: FeedKind) -> u8 {
    KINDS.iter().position(|k| *k == kind).unwrap_or(0) as u8
}

/// Kind of that number.
pub(super) fn kind_of(number: u8) -> FeedKind {
    KINDS
        .get(usize::from(number))
        .copied()
        .unwrap_or(FeedKind::News)
}

/// Number of an urgency in the state; rises with it.
pub(super) fn urgency_number(urgency: Urgency) -> u8 {
    URGENCIES.iter().position(|u| *u == urgency).unwrap_or(1) as u8
}

/// Urgency of that number.
pub(super) fn urgency_of(number: u8) -> Urgency {
    URGENCIES
        .get(usize::from(number))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guides_name_the_versions_that_are_read() {
        let (first, last) = (READABLE.start(), READABLE.end());
        for guide in [
            include_str!("../../../docs/operating.md"),
            include_str!("../../../docs/operations.md"),
        ] {
            assert!(guide.contains(&format!("versions {first} to {last}")));
        }
    }
}
