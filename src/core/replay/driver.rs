//! The driver: one line in, detections and alerts out.
//!
//! Invariant: nothing of its own: a line is read, detected and folded by the parts that other drivers run on several threads.

use std::sync::Arc;

use super::folding::Folding;
use super::reading::{Detecting, Reading};
use super::summary::Summary;
use crate::core::correlate::CorrelateConfig;
use crate::core::detect::{DetectOutput, DrillKey};
use crate::core::model::{
    Alert, CorrelateOutcome, DecoderKind, DetectOutcome, Detection, Feed, FeedKind, Millis,
    RawRecord, Refusal, ShadowHit,
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

/// Runs lines through detect and correlate, one after the other.
#[derive(Debug)]
pub struct Replayer {
    reading: Reading,
    detecting: Detecting,
    folding: Folding,
    last: Millis,
    lines: i64,
    detected: DetectOutput,
}

impl Replayer {
    /// Lines are records of `base`; of other `feeds` as [`Reading::new`] says. The error says which feed's settings are wrong.
    pub fn new(
        set: Arc<RuleSet>,
        config: Arc<CorrelateConfig>,
        base: Feed,
        feeds: &[Feed],
        start: Millis,
    ) -> Result<Self, String> {
        let reading = Reading::new(base, feeds)?;
        Ok(Self {
            detecting: Detecting::new(set, &reading)?,
            folding: Folding::new(config),
            reading,
            last: start,
            lines: 0,
            detected: DetectOutput::default(),
        })
    }

    /// The same, believing the labels of drills under this key.
    #[must_use]
    pub fn with_drill_key(mut self, key: Option<Arc<DrillKey>>) -> Self {
        self.detecting = self.detecting.with_drill_key(key);
        self
    }

    /// Runs one line; what it led to is appended to `out`.
    pub fn line(&mut self, line: &[u8], out: &mut ReplayOutput) -> DetectOutcome {
        let read = self.reading.read(line);
        self.last = read.received(self.last);
        self.detected.clear();
        let outcome = self
            .detecting
            .detect(line, read, self.last, self.lines, &mut self.detected);
        self.lines += 1;
        self.folding.line(outcome, Some(&mut self.detected), out);
        outcome
    }

    /// Runs one record of the feed that lines are of, with its headers and its time; what it led to is appended to `out`.
    pub fn record(&mut self, record: &RawRecord<'_>, out: &mut ReplayOutput) -> DetectOutcome {
        let read = self.reading.record(record);
        self.last = read.received(self.last);
        self.detected.clear();
        let detected = &mut self.detected;
        let outcome = self
            .detecting
            .detect_record(record, read, self.lines, detected);
        self.lines += 1;
        self.folding.line(outcome, Some(&mut self.detected), out);
        outcome
    }

    /// Lets the clock run on without a line; an earlier time changes nothing.
    pub fn advance(&mut self, to: Millis, out: &mut ReplayOutput) {
        self.folding.advance(to, out);
    }

    /// Ends the input, as [`Folding::finish`] says.
    pub fn finish(&mut self, settle: bool, out: &mut ReplayOutput) {
        self.folding.finish(settle, out);
    }

    /// What was counted; the caller sets the time taken.
    pub fn summary(&self) -> &Summary {
        self.folding.summary()
    }
}
