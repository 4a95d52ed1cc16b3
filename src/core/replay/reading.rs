//! What a line says by itself: its feed, its time and its report; and detect on it.
//!
//! Invariant: stateless between lines but for the time of a line that states none, which the caller hands on; so lines can be
//! read and detected on any thread. The virtual clock is the lines' own: a record's `received`, else its `observed`, else the last
//! one seen.

use std::sync::{Arc, LazyLock};

use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::core::decode::Decoder;
use crate::core::detect::{DetectEngine, DetectOutput, DrillKey};
use crate::core::model::{
    DecoderKind, DetectOutcome, Feed, Millis, Position, RawRecord, Refusal, Report,
};
use crate::core::ruleset::RuleSet;

/// Reads lines as records of feeds.
#[derive(Debug)]
pub struct Reading {
    decoders: Vec<Decoder>,
    feeds: Vec<Arc<Feed>>,
}

/// A line as read.
#[derive(Clone, Debug)]
pub struct Line<'a> {
    feed: usize,
    stated: Option<Millis>,
    report: Result<Report<'a>, Refusal>,
}

impl Line<'_> {
    /// Id of the report, if it can be read.
    pub fn id(&self) -> Option<&str> {
        Some(&*self.report.as_ref().ok()?.id)
    }

    /// Time of the line, after one of the time `last`.
    pub fn received(&self, last: Millis) -> Millis {
        self.stated.unwrap_or(last).clamped()
    }
}

/// What a line says about itself beside its report.
#[derive(Default, Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    received: Option<&'a RawValue>,
    #[serde(borrow, default)]
    feed: Option<&'a RawValue>,
}

/// What a line with one of the keys of [`Envelope`] has in it; made once, since to make them takes as long as to search a line.
static ENVELOPE: LazyLock<[Finder<'static>; 3]> =
    LazyLock::new(|| ["\"received\"", "\"feed\"", "\\u00"].map(Finder::new));

impl<'a> Envelope<'a> {
    /// Most lines have neither key, and need not be parsed once more to know that. A key may be written with escapes.
    fn of(line: &'a [u8]) -> Self {
        if ENVELOPE.iter().any(|key| key.find(line).is_some()) {
            serde_json::from_slice(line).unwrap_or_default()
        } else {
            Self::default()
        }
    }
}

impl Reading {
    /// Lines are records of `base`; when that is Tocsin JSON, a line may name another of `feeds` by its `feed`, and is then
    /// a report of that feed's kind, reliability and home, still in Tocsin JSON. The error says which feed's settings are
    /// wrong.
    pub fn new(base: Feed, feeds: &[Feed]) -> Result<Self, String> {
        let mut all = vec![Arc::new(base)];
        if all[0].decoder == DecoderKind::Tocsin {
            let others = feeds.iter().filter(|feed| feed.id != all[0].id).cloned();
            let others: Vec<Arc<Feed>> = others
                .map(|feed| Feed {
                    decoder: DecoderKind::Tocsin,
                    mapping: None,
                    ..feed
                })
                .map(Arc::new)
                .collect();
            all.extend(others);
        }
        let decoders: Result<Vec<Decoder>, String> = all
            .iter()
            .map(|feed| {
                Decoder::new(Arc::clone(feed))
                    .map_err(|error| format!("feed `{}`: {error}", feed.id))
            })
            .collect();
        Ok(Self {
            decoders: decoders?,
            feeds: all,
        })
    }

    /// Reads a record of the feed that lines are of, with the headers and the time that it has.
    pub fn record<'a>(&self, record: &RawRecord<'a>) -> Line<'a> {
        Line {
            feed: 0,
            stated: Some(record.received),
            report: self.decoders[0].decode(record),
        }
    }

    /// Reads one line.
    pub fn read<'a>(&self, line: &'a [u8]) -> Line<'a> {
        let envelope = Envelope::of(line);
        let text = |value: Option<&RawValue>| -> Option<String> {
            serde_json::from_str(value?.get()).ok()
        };
        let feed = text(envelope.feed)
            .and_then(|id| self.feeds.iter().position(|feed| *feed.id == id))
            .unwrap_or(0);
        // No decoder looks at the time of the record.
        let report = self.decoders[feed].decode(&RawRecord::new(line, Millis::MIN));
        let received = text(envelope.received).and_then(|received| Millis::parse(&received));
        let observed = || report.as_ref().ok()?.observed;
        Line {
            feed,
            stated: received.or_else(observed),
            report,
        }
    }
}

/// Detect on lines.
#[derive(Debug)]
pub struct Detecting {
    engine: DetectEngine,
    topic: Arc<str>,
}

impl Detecting {
    /// Detects with these rules what `reading` read.
    pub fn new(set: Arc<RuleSet>, reading: &Reading) -> Result<Self, String> {
        Ok(Self {
            engine: DetectEngine::new(set, &reading.feeds)?,
            topic: reading.feeds[0].topic.as_str().into(),
        })
    }

    /// The same, believing the labels of drills under this key.
    #[must_use]
    pub fn with_drill_key(mut self, key: Option<Arc<DrillKey>>) -> Self {
        self.engine = self.engine.with_drill_key(key);
        self
    }

    /// What `line`, read as `read`, leads to as the `number`-th line, zero-based, received at `received`.
    pub fn detect(
        &mut self,
        line: &[u8],
        read: Line<'_>,
        received: Millis,
        number: i64,
        out: &mut DetectOutput,
    ) -> DetectOutcome {
        self.detect_record(&RawRecord::new(line, received), read, number, out)
    }

    /// What a record, read as `read`, leads to as the `number`-th one, zero-based.
    pub fn detect_record(
        &mut self,
        record: &RawRecord<'_>,
        read: Line<'_>,
        number: i64,
        out: &mut DetectOutput,
    ) -> DetectOutcome {
        let position = Position {
            topic: Arc::clone(&self.topic),
            partition: 0,
            offset: number,
        };
        self.engine
            .decoded(read.feed, read.report, record, &position, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::replay::default_feed;

    #[test]
    fn the_time_is_the_line_s_own_else_the_last_one() {
        let reading = Reading::new(default_feed(), &[]).unwrap();
        let last = Millis(1_000);
        let at = |line: &str| reading.read(line.as_bytes()).received(last).0;
        let second = 946_684_801_000;
        assert_eq!(at(r#"{"id":"a","text":"x"}"#), 1_000);
        assert_eq!(
            at(r#"{"id":"a","text":"x","received":"2000-01-01T00:00:01Z"}"#),
            second
        );
        assert_eq!(
            at(r#"{"id":"a","text":"x","rec\u0065ived":"2000-01-01T00:00:01Z"}"#),
            second
        );
        assert_eq!(
            at(r#"{"id":"a","text":"x","observed":"2000-01-01T00:00:01Z"}"#),
            second
        );
        assert_eq!(at("no report"), 1_000);
    }

    #[test]
    fn a_line_may_name_a_feed() {
        let other = Feed {
            id: "other".into(),
            ..default_feed()
        };
        let reading = Reading::new(default_feed(), &[other]).unwrap();
        let feed = |line: &str| reading.read(line.as_bytes()).feed;
        assert_eq!(feed(r#"{"id":"a","text":"x"}"#), 0);
        assert_eq!(feed(r#"{"id":"a","text":"x","feed":"other"}"#), 1);
        assert_eq!(feed(r#"{"id":"a","text":"x","feed":"unknown"}"#), 0);
    }
}
