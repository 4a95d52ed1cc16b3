//! The driver: one line in, detections and alerts out.
//!
//! Invariant: the virtual clock is the lines' own: a record's `received`, else its `observed`, else the last one seen.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::summary::Summary;
use crate::core::correlate::{CorrelateConfig, CorrelateOutput, Correlator};
use crate::core::decode::Decoder;
use crate::core::detect::{DetectEngine, DetectOutput};
use crate::core::model::{
    Alert, CorrelateOutcome, DecoderKind, DetectOutcome, Detection, Feed, FeedKind, Millis,
    Position, RawRecord, Refusal, ShadowHit,
};
use crate::core::ruleset::RuleSet;

/// Id of the feed of records that name none.
pub const DEFAULT_FEED: &str = "replay";

/// The feed of records that name none: Tocsin JSON, believed as far as an average news item.
pub fn default_feed() -> Feed {
    Feed {
        id: DEFAULT_FEED.into(),
        topic: DEFAULT_FEED.into(),
        decoder: DecoderKind::Tocsin,
        kind: FeedKind::News,
        reliability: 60,
        home: None,
        trust_status: false,
        publisher: true,
        max_age_s: None,
        usual_gap_s: None,
        lang: None,
        time_zone: None,
        mapping: None,
    }
}

/// What one line, or the end of input, led to; the caller clears it.
#[derive(Debug, Default)]
pub struct ReplayOutput {
    /// Detections with their ends, in the order in which they were folded.
    pub detections: Vec<(Detection, CorrelateOutcome)>,
    /// Revisions.
    pub alerts: Vec<Alert>,
    /// Hits of shadow rules.
    pub shadow: Vec<ShadowHit>,
    /// Why the line is a dead letter.
    pub refusal: Option<Refusal>,
}

impl ReplayOutput {
    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.detections.clear();
        self.alerts.clear();
        self.shadow.clear();
        self.refusal = None;
    }
}

/// Lines between two commits of the fold, which bound its memory.
const COMMIT_EVERY: u64 = 1_024;

/// Runs lines through detect and correlate.
#[derive(Debug)]
pub struct Replayer {
    engine: DetectEngine,
    decoders: Vec<Decoder>,
    feeds: Vec<Arc<Feed>>,
    correlator: Correlator,
    last: Millis,
    topic: Arc<str>,
    lines: i64,
    summary: Summary,
    refresh_ms: i64,
    detected: DetectOutput,
    folded: CorrelateOutput,
}

/// What a line says about itself beside its report.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    received: Option<&'a RawValue>,
    #[serde(borrow, default)]
    feed: Option<&'a RawValue>,
}

impl Replayer {
    /// Lines are records of `base`; when that is Tocsin JSON, a line may name another of `feeds` by its `feed`, and is then
    /// a report of that feed's kind, reliability and home, still in Tocsin JSON. The error says which feed's settings are
    /// wrong.
    pub fn new(
        set: Arc<RuleSet>,
        config: Arc<CorrelateConfig>,
        base: Feed,
        feeds: &[Feed],
        start: Millis,
    ) -> Result<Self, String> {
        let topic: Arc<str> = base.topic.as_str().into();
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
            engine: DetectEngine::new(set, &all)?,
            decoders: decoders?,
            feeds: all,
            refresh_ms: config.incident.refresh_ms,
            correlator: Correlator::new(config),
            last: start,
            topic,
            lines: 0,
            summary: Summary::default(),
            detected: DetectOutput::default(),
            folded: CorrelateOutput::default(),
        })
    }

    /// Runs one line; what it led to is appended to `out`.
    pub fn line(&mut self, line: &[u8], out: &mut ReplayOutput) -> DetectOutcome {
        let (feed, received) = self.envelope(line);
        self.last = received;
        let position = Position {
            topic: Arc::clone(&self.topic),
            partition: 0,
            offset: self.lines,
        };
        self.lines += 1;
        self.detected.clear();
        let record = RawRecord::new(line, received);
        let outcome = self
            .engine
            .process(feed, &record, &position, &mut self.detected);
        self.summary.record(outcome);
        out.refusal = self.detected.refusal.take();
        out.shadow.append(&mut self.detected.shadow);
        self.folded.clear();
        for detection in self.detected.detections.drain(..) {
            let end = self.correlator.fold(&detection, &mut self.folded);
            self.summary.detection(end);
            out.detections.push((detection, end));
        }
        if let Some(retraction) = self.detected.retraction.take() {
            self.correlator.retract(&retraction, &mut self.folded);
        }
        self.keep_alerts(out);
        if self.summary.records.is_multiple_of(COMMIT_EVERY) {
            self.correlator.commit();
        }
        outcome
    }

    /// Lets the clock run on without a line; an earlier time changes nothing.
    pub fn advance(&mut self, to: Millis, out: &mut ReplayOutput) {
        self.folded.clear();
        self.correlator.advance(to, &mut self.folded);
        self.keep_alerts(out);
    }

    /// Ends the input. The clock runs on for the refresh interval, so that no counted report is missing from the queue; with
    /// `settle` it runs on until every incident is quiet.
    pub fn finish(&mut self, settle: bool, out: &mut ReplayOutput) {
        self.folded.clear();
        let clock = self.correlator.clock();
        let to = if settle {
            Millis::MAX
        } else {
            clock.plus(self.refresh_ms)
        };
        if clock > Millis::MIN {
            self.correlator.advance(to, &mut self.folded);
        }
        self.correlator.commit();
        self.keep_alerts(out);
    }

    /// What was counted; the caller sets the time taken.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    fn keep_alerts(&mut self, out: &mut ReplayOutput) {
        self.summary.alerts += self.folded.alerts.len() as u64;
        out.alerts.append(&mut self.folded.alerts);
    }

    fn envelope(&self, line: &[u8]) -> (usize, Millis) {
        let envelope: Option<Envelope<'_>> = serde_json::from_slice(line).ok();
        let text = |value: Option<&RawValue>| -> Option<String> {
            serde_json::from_str(value?.get()).ok()
        };
        let feed = envelope
            .as_ref()
            .and_then(|envelope| text(envelope.feed))
            .and_then(|id| self.feeds.iter().position(|feed| *feed.id == id))
            .unwrap_or(0);
        let received = envelope
            .as_ref()
            .and_then(|envelope| text(envelope.received))
            .and_then(|received| Millis::parse(&received))
            .or_else(|| self.observed(feed, line))
            .unwrap_or(self.last);
        (feed, received.clamped())
    }

    fn observed(&self, feed: usize, line: &[u8]) -> Option<Millis> {
        self.decoders[feed]
            .decode(&RawRecord::new(line, self.last))
            .ok()?
            .observed
    }
}
