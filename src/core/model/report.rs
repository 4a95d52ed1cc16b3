//! A report: one decoded record.
//!
//! Invariant: there is no author here. Decoders drop names, handles and user ids, and every string of a `Report` is masked.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::{FeedKind, Millis};

/// Whether a report is about the world or about an exercise, as in CAP.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Status {
    #[default]
    Actual,
    Exercise,
    Test,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Actual, Self::Exercise, Self::Test];

    /// Identifier as keys, metrics and JSON write it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Actual => "actual",
            Self::Exercise => "exercise",
            Self::Test => "test",
        }
    }
}

/// WGS 84 degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Coordinates {
    pub lat: f64,
    pub lon: f64,
}

impl Coordinates {
    /// Both finite and within ±90 and ±180, and not the 0/0 that broken sources send for "unknown".
    pub fn new(lat: f64, lon: f64) -> Option<Self> {
        let valid = lat.abs() <= 90.0 && lon.abs() <= 180.0 && (lat != 0.0 || lon != 0.0);
        valid.then_some(Self { lat, lon })
    }
}

/// A field's value for rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[allow(missing_docs)]
pub enum Value<'a> {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
}

impl Value<'_> {
    /// The value as a number, when it is one or its text is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Bool(_) => None,
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
        }
    }
}

/// Further fields of a report, in the order of the record; ≤ [`MAX_FIELDS`].
pub type Fields<'a> = SmallVec<[(Cow<'a, str>, Value<'a>); 2]>;

/// Fields kept of one report; a decoder drops the rest.
pub const MAX_FIELDS: usize = 64;

/// One decoded, masked record. Borrows from the record where it can.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report<'a> {
    /// The feed's identifier of the report; a revised report keeps it. Never empty, ≤ 256 bytes.
    pub id: Cow<'a, str>,
    /// The source's time.
    pub observed: Option<Millis>,
    /// Headline; empty when there is none.
    pub title: Cow<'a, str>,
    /// Body; may be empty when there is a title.
    pub text: Cow<'a, str>,
    /// BCP 47 tag, when stated.
    pub lang: Option<Cow<'a, str>>,
    /// Kind, where the record says another than its feed.
    pub kind: Option<FeedKind>,
    /// Already decided by trust: an untrusted label never gets here.
    pub status: Status,
    /// The feed takes the report back (CAP Cancel, USGS deleted).
    pub withdrawn: bool,
    /// The record says that it restates a report (CAP Update, a USGS event updated since): what was said before no longer counts.
    pub revised: bool,
    /// Gazetteer code.
    pub place_code: Option<Cow<'a, str>>,
    /// Place in words, as the source states it outside the text.
    pub place_name: Option<Cow<'a, str>>,
    /// Where, in degrees.
    pub coordinates: Option<Coordinates>,
    /// Where to read the original; none for posts.
    pub link: Option<Cow<'a, str>>,
    /// Publisher of a news item: an organisation, never a person.
    pub publisher: Option<Cow<'a, str>>,
    /// Further fields for rules, such as `magnitude` or `category`.
    pub fields: Fields<'a>,
}

impl<'a> Report<'a> {
    /// The field `name`, if the report has it.
    pub fn field(&self, name: &str) -> Option<&Value<'a>> {
        self.fields
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }
}

impl Report<'_> {
    /// The same report, independent of the record it was read from.
    pub fn into_owned<'r>(self) -> Report<'r> {
        fn own<'r>(text: Cow<'_, str>) -> Cow<'r, str> {
            Cow::Owned(text.into_owned())
        }
        let field = |(name, value): (Cow<'_, str>, Value<'_>)| {
            let value = match value {
                Value::Bool(flag) => Value::Bool(flag),
                Value::Int(number) => Value::Int(number),
                Value::Float(number) => Value::Float(number),
                Value::Text(text) => Value::Text(own(text)),
            };
            (own(name), value)
        };
        Report {
            id: own(self.id),
            observed: self.observed,
            title: own(self.title),
            text: own(self.text),
            lang: self.lang.map(own),
            kind: self.kind,
            status: self.status,
            withdrawn: self.withdrawn,
            revised: self.revised,
            place_code: self.place_code.map(own),
            place_name: self.place_name.map(own),
            coordinates: self.coordinates,
            link: self.link.map(own),
            publisher: self.publisher.map(own),
            fields: self.fields.into_iter().map(field).collect(),
        }
    }
}

/// What a transport hands to a decoder.
#[derive(Clone, Debug)]
pub struct RawRecord<'a> {
    /// The bytes as they were sent.
    pub payload: &'a [u8],
    /// Kafka key.
    pub key: Option<&'a [u8]>,
    /// Kafka headers, in order.
    pub headers: SmallVec<[(&'a str, &'a [u8]); 4]>,
    /// The feed record's timestamp, capped at the wall clock by the shell.
    pub received: Millis,
}

impl<'a> RawRecord<'a> {
    /// A record without key and headers.
    pub fn new(payload: &'a [u8], received: Millis) -> Self {
        Self {
            payload,
            key: None,
            headers: SmallVec::new(),
            received,
        }
    }

    /// The last header of that name.
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers
            .iter()
            .rev()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| *value)
    }
}
