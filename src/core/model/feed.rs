//! Feeds: the named sources of records.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What a feed carries; decides how much a report can prove and whether near-duplicates are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum FeedKind {
    News,
    Post,
    Hotline,
    Dispatch,
    Sensor,
    Official,
}

impl FeedKind {
    /// Identifier as configuration, rules and JSON write it.
    pub fn id(self) -> &'static str {
        match self {
            Self::News => "news",
            Self::Post => "post",
            Self::Hotline => "hotline",
            Self::Dispatch => "dispatch",
            Self::Sensor => "sensor",
            Self::Official => "official",
        }
    }

    /// The kind that `id` names.
    pub fn parse(id: &str) -> Option<Self> {
        [
            Self::News,
            Self::Post,
            Self::Hotline,
            Self::Dispatch,
            Self::Sensor,
            Self::Official,
        ]
        .into_iter()
        .find(|kind| kind.id() == id)
    }

    /// Kinds whose free text is reposted, so that near-duplicates are copies and not confirmation.
    pub fn is_reposted(self) -> bool {
        matches!(self, Self::News | Self::Post | Self::Hotline)
    }

    /// Kinds that can make an incident red on their own word.
    pub fn is_authoritative(self) -> bool {
        matches!(self, Self::Dispatch | Self::Sensor | Self::Official)
    }
}

/// Format of a feed's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum DecoderKind {
    Tocsin,
    Mapped,
    #[serde(rename = "cloudevents")]
    CloudEvents,
    Cap,
    #[serde(rename = "open311")]
    Open311,
    #[serde(rename = "geojson")]
    GeoJson,
    Rss,
}

/// JSON pointers (RFC 6901) that say where a mapped feed keeps what a report needs.
///
/// `title` and `text` may be templates: text with `{/pointer}` slots, each replaced by the value found there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// Pointer to the identifier; required.
    pub id: String,
    /// Pointer to the observation time.
    pub time: Option<String>,
    /// Pointer or template.
    pub title: Option<String>,
    /// Pointer or template; required.
    pub text: String,
    /// Pointer to a gazetteer code.
    pub place_code: Option<String>,
    /// Pointer or template for a place name, resolved like a mention in the text but preferred over it.
    pub place: Option<String>,
    /// Pointer to the latitude, degrees.
    pub latitude: Option<String>,
    /// Pointer to the longitude, degrees.
    pub longitude: Option<String>,
    /// Pointer to the feed kind, where one topic carries several.
    pub kind: Option<String>,
    /// Pointer to the language tag.
    pub lang: Option<String>,
    /// Pointer to a link.
    pub link: Option<String>,
    /// Further fields for rules: name → pointer.
    pub fields: std::collections::BTreeMap<String, String>,
}

/// A feed as the configuration states it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// Name: key of metrics, dead letters and sources. `[a-z0-9._-]{1,64}`.
    pub id: Arc<str>,
    /// Kafka topic; one feed each.
    pub topic: String,
    /// Format of the records.
    pub decoder: DecoderKind,
    /// What the feed carries.
    pub kind: FeedKind,
    /// How far a report of this feed alone is believed, 0–100.
    pub reliability: u8,
    /// Gazetteer code of the area the feed speaks of: resolves ambiguous names, and stands in for a missing place.
    #[serde(default)]
    pub home: Option<String>,
    /// Believe CAP `status` Exercise and Test from this feed.
    #[serde(default)]
    pub trust_status: bool,
    /// Records name their publisher: reports of different publishers of a news feed are independent sources.
    #[serde(default)]
    pub publisher: bool,
    /// Reports observed longer than this before they were received are `expired`. Seconds; none: never.
    #[serde(default)]
    pub max_age_s: Option<u64>,
    /// Usual gap between two records, seconds; silence of five times as long is an alarm. None: learned from the stream.
    #[serde(default)]
    pub usual_gap_s: Option<u64>,
    /// Language when a record names none.
    #[serde(default)]
    pub lang: Option<String>,
    /// IANA time zone for source times that state none, such as `Asia/Shanghai`. None: UTC.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// For [`DecoderKind::Mapped`].
    #[serde(default)]
    pub mapping: Option<Mapping>,
}
