//! One worker's engine: records in, detections out.

use std::sync::Arc;

use super::build::Builder;
use super::facts::Facts;
use super::matcher::Matcher;
use crate::core::decode::Decoder;
use crate::core::model::{
    DetectOutcome, Detection, Feed, Position, RawRecord, Refusal, Report, ShadowHit,
};
use crate::core::ruleset::RuleSet;

/// What one record led to; cleared by the caller.
#[derive(Debug, Default)]
pub struct DetectOutput {
    /// Sorted by rule id.
    pub detections: Vec<Detection>,
    /// Sorted by rule id.
    pub shadow: Vec<ShadowHit>,
    /// Why the record is a dead letter.
    pub refusal: Option<Refusal>,
}

impl DetectOutput {
    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.detections.clear();
        self.shadow.clear();
        self.refusal = None;
    }
}

/// Decodes, matches, scores and places.
#[derive(Debug)]
pub struct DetectEngine {
    set: Arc<RuleSet>,
    matcher: Matcher,
    decoders: Vec<Decoder>,
}

impl DetectEngine {
    /// An engine for `feeds`, which records name by their place in the slice. The error says which setting of which feed is wrong.
    pub fn new(set: Arc<RuleSet>, feeds: &[Arc<Feed>]) -> Result<Self, String> {
        let decoders: Result<Vec<_>, _> = feeds
            .iter()
            .map(|feed| {
                Decoder::new(feed.clone()).map_err(|error| format!("feed `{}`: {error}", feed.id))
            })
            .collect();
        let matcher = Matcher::new(&set.program);
        Ok(Self {
            set,
            matcher,
            decoders: decoders?,
        })
    }

    /// The rule set in use.
    pub fn rule_set(&self) -> &Arc<RuleSet> {
        &self.set
    }

    /// Takes another rule set from the next record on.
    pub fn swap(&mut self, set: Arc<RuleSet>) {
        self.matcher = Matcher::new(&set.program);
        self.set = set;
    }

    /// Processes one record of the feed `feed`; what it led to is appended to `output`.
    ///
    /// # Panics
    /// When `feed` is no index of the feeds the engine was made for.
    pub fn process(
        &mut self,
        feed: usize,
        record: &RawRecord<'_>,
        position: &Position,
        output: &mut DetectOutput,
    ) -> DetectOutcome {
        let decoder = &self.decoders[feed];
        let report = match decoder.decode(record) {
            Ok(report) => report,
            Err(refusal) => {
                output.refusal = Some(refusal);
                return DetectOutcome::DeadLetter;
            }
        };
        let feed = decoder.feed().clone();
        if is_expired(&feed, &report, record) {
            return DetectOutcome::Expired;
        }
        self.report(&feed, &report, record, position, output)
    }

    /// The rules, by number in the program and in order, that fire on a record: [`Self::process`] without what follows a hit.
    pub fn matches(&mut self, feed: usize, record: &RawRecord<'_>) -> Result<&[u32], Refusal> {
        let decoder = &self.decoders[feed];
        let report = decoder.decode(record)?;
        Ok(self.matcher.run(&self.set.program, decoder.feed(), &report))
    }

    fn report(
        &mut self,
        feed: &Arc<Feed>,
        report: &Report<'_>,
        record: &RawRecord<'_>,
        position: &Position,
        output: &mut DetectOutput,
    ) -> DetectOutcome {
        let set = &*self.set;
        if self.matcher.run(&set.program, feed, report).is_empty() {
            return DetectOutcome::NoMatch;
        }
        let facts = Facts::new(&set.program, &self.matcher, feed, report);
        let builder = Builder::new(set, &self.matcher, &facts, feed, report, record.received);
        let before = output.detections.len();
        for number in &self.matcher.fired {
            let rule = &set.program.rules[*number as usize];
            if rule.shadow {
                output.shadow.push(builder.shadow(rule));
            } else {
                output.detections.push(builder.detection(rule, position));
            }
        }
        if output.detections.len() > before {
            DetectOutcome::Detected
        } else {
            DetectOutcome::NoMatch
        }
    }
}

/// Whether the report was older than the feed allows when it was received.
fn is_expired(feed: &Feed, report: &Report<'_>, record: &RawRecord<'_>) -> bool {
    match (feed.max_age_s, report.observed) {
        (Some(limit), Some(observed)) => {
            let limit = i64::try_from(limit)
                .unwrap_or(i64::MAX)
                .saturating_mul(1_000);
            record.received.since(observed) > limit
        }
        _ => false,
    }
}
