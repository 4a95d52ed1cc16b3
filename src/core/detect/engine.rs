//! One worker's engine: records in, detections out.

use std::collections::VecDeque;
use std::sync::Arc;

use super::build::{Builder, Subject};
use super::cost::{Clock, Sampler};
use super::drill::{self, DrillKey, Label};
use super::facts::{Derived, Facts};
use super::matcher::Matcher;
use crate::core::decode::Decoder;
use crate::core::model::{
    DetectOutcome, Detection, Feed, Millis, Position, RETRACTION_VERSION, RawRecord, Refusal,
    Report, Retraction, SHADOW_VERSION, ShadowHit, ShadowWatch, Status,
};
use crate::core::ruleset::RuleSet;

/// Of each hour of the stream a shadow rule gives one sign of life.
const WATCH_EVERY_MS: i64 = 3_600_000;
/// Hours of which it is known that one was given: partitions may be days apart, and a clock may be wrong. Of one that is forgotten
/// another is given, which counts once.
const MAX_WATCHED: usize = 64;

/// What one record led to; cleared by the caller.
#[derive(Debug, Default)]
pub struct DetectOutput {
    /// Sorted by rule id.
    pub detections: Vec<Detection>,
    /// Sorted by rule id.
    pub shadow: Vec<ShadowHit>,
    /// Signs of life of every shadow rule, once in a while.
    pub watched: Vec<ShadowWatch>,
    /// Why the record is a dead letter.
    pub refusal: Option<Refusal>,
    /// For every partition of the detections, after them.
    pub retraction: Option<Retraction>,
    /// What came of the record's label of a drill, if it has one.
    pub label: Option<&'static str>,
    /// Status of the report; actual when the record could not be read.
    pub status: Status,
    /// Of a report of the sample: rules whose condition was asked, and the nanoseconds that took.
    pub costs: Vec<(Arc<str>, u64)>,
}

impl DetectOutput {
    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.detections.clear();
        self.shadow.clear();
        self.watched.clear();
        self.refusal = None;
        self.retraction = None;
        self.label = None;
        self.status = Status::Actual;
        self.costs.clear();
    }
}

/// Decodes, matches, scores and places.
#[derive(Debug)]
pub struct DetectEngine {
    set: Arc<RuleSet>,
    matcher: Matcher,
    decoders: Vec<Decoder>,
    drills: Option<Arc<DrillKey>>,
    /// Hours of which shadow rules gave a sign of life, the latest last.
    watched: VecDeque<i64>,
}

impl DetectEngine {
    /// An engine for `feeds`, which records name by their place in the slice. The error says which setting of which feed is wrong.
    pub fn new(set: Arc<RuleSet>, feeds: &[Arc<Feed>]) -> Result<Self, String> {
        let decoders: Result<Vec<_>, _> = feeds
            .iter()
            .map(|feed| {
                // Its own copy: each record counts references to its feed, and workers are not to share that counter.
                let own = Arc::new(Feed::clone(feed));
                Decoder::new(own).map_err(|error| format!("feed `{}`: {error}", feed.id))
            })
            .collect();
        let matcher = Matcher::new(&set.program);
        Ok(Self {
            set,
            matcher,
            decoders: decoders?,
            drills: None,
            watched: VecDeque::new(),
        })
    }

    /// The same, believing the labels of drills under this key; without one every label is rejected.
    #[must_use]
    pub fn with_drill_key(mut self, key: Option<Arc<DrillKey>>) -> Self {
        self.drills = key;
        self
    }

    /// The same, measuring by this clock what conditions take, of one report in [`COST_SAMPLE`](super::COST_SAMPLE).
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.matcher.sampler = Sampler::new(Some(clock));
        self
    }

    /// The rule set in use.
    pub fn rule_set(&self) -> &Arc<RuleSet> {
        &self.set
    }

    /// Takes another rule set from the next record on.
    pub fn swap(&mut self, set: Arc<RuleSet>) {
        let sampler = self.matcher.sampler.anew();
        self.matcher = Matcher::new(&set.program);
        self.matcher.sampler = sampler;
        self.set = set;
        self.watched.clear();
    }

    /// Gives signs of life anew: the last ones were not written.
    pub fn forget_watched(&mut self) {
        self.watched.clear();
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
        let decoded = self.decoders[feed].decode(record);
        self.decoded(feed, decoded, record, position, output)
    }

    /// The same of a record that was decoded before, with the decoder of this feed.
    ///
    /// # Panics
    /// When `feed` is no index of the feeds the engine was made for.
    pub fn decoded(
        &mut self,
        feed: usize,
        decoded: Result<Report<'_>, Refusal>,
        record: &RawRecord<'_>,
        position: &Position,
        output: &mut DetectOutput,
    ) -> DetectOutcome {
        let mut report = match decoded {
            Ok(report) => report,
            Err(refusal) => {
                output.refusal = Some(refusal);
                return DetectOutcome::DeadLetter;
            }
        };
        let feed = self.decoders[feed].feed().clone();
        let label = drill::judge(self.drills.as_deref(), &feed.id, &report.id, record);
        output.label = label.verdict();
        let exercise: Option<Arc<str>> = match label {
            Label::Accepted {
                exercise,
                withdrawn,
            } => {
                report.status = Status::Exercise;
                report.withdrawn |= withdrawn;
                Some(exercise.into())
            }
            Label::None | Label::Rejected(_) => None,
        };
        output.status = report.status;
        if is_expired(&feed, &report, record) {
            return DetectOutcome::Expired;
        }
        let subject = Subject {
            feed: &feed,
            report: &report,
            exercise: exercise.clone(),
            received: record.received,
        };
        let before = output.detections.len();
        let outcome = self.report(&subject, position, output);
        if report.withdrawn || report.revised {
            let found = output.detections.get(before..).unwrap_or_default();
            output.retraction = Some(retraction(&subject, found));
        }
        outcome
    }

    /// The rules, by number in the program and in order, that fire on a record: [`Self::process`] without what follows a hit.
    pub fn matches(&mut self, feed: usize, record: &RawRecord<'_>) -> Result<&[u32], Refusal> {
        let decoder = &self.decoders[feed];
        let report = decoder.decode(record)?;
        let derived = Derived::default();
        let program = &self.set.program;
        Ok(self.matcher.run(program, decoder.feed(), &report, &derived))
    }

    fn report(
        &mut self,
        subject: &Subject<'_, '_>,
        position: &Position,
        output: &mut DetectOutput,
    ) -> DetectOutcome {
        let (set, feed, report) = (&*self.set, subject.feed, subject.report);
        let derived = Derived::default();
        self.matcher.run(&set.program, feed, report, &derived);
        if report.status == Status::Actual {
            watch(&mut self.watched, set, subject.received, output);
        }
        for (number, nanos) in &self.matcher.sampler.spent {
            let rule = &set.program.rules[*number as usize];
            output.costs.push((Arc::clone(&rule.id), *nanos));
        }
        if self.matcher.fired.is_empty() {
            return DetectOutcome::NoMatch;
        }
        let facts = Facts::new(&set.program, &self.matcher, feed, report, &derived);
        let builder = Builder::new(set, &self.matcher, &facts, subject);
        let before = output.detections.len();
        for number in &self.matcher.fired {
            let rule = &set.program.rules[*number as usize];
            if rule.shadow {
                output.shadow.push(builder.shadow(rule));
            } else {
                let detection = builder.detection(rule, position);
                let wider = builder.wider(rule, &detection);
                output.detections.push(detection);
                output.detections.extend(wider);
            }
        }
        if output.detections.len() > before {
            DetectOutcome::Detected
        } else {
            DetectOutcome::NoMatch
        }
    }
}

/// Says of every shadow rule that it was held against a report of this hour, where that was not said yet.
fn watch(said: &mut VecDeque<i64>, set: &RuleSet, now: Millis, output: &mut DetectOutput) {
    let hour = now.0.div_euclid(WATCH_EVERY_MS);
    if said.iter().rev().any(|known| *known == hour) {
        return;
    }
    if said.len() >= MAX_WATCHED {
        said.pop_front();
    }
    said.push_back(hour);
    let shadow = set.program.rules.iter().filter(|rule| rule.shadow);
    output.watched.extend(shadow.map(|rule| ShadowWatch {
        v: SHADOW_VERSION,
        rule_id: Arc::clone(&rule.id),
        replaces: rule.replaces.clone(),
        watched: now,
        rule_set: Arc::clone(&set.version),
        wording: Arc::clone(&rule.wording),
    }));
}

/// A report that is withdrawn counts nowhere from now on; a restated one only where it has detections now.
fn retraction(subject: &Subject<'_, '_>, found: &[Detection]) -> Retraction {
    let report = subject.report;
    let keys = found.iter().filter(|_| !report.withdrawn);
    let mut except: Vec<String> = keys.map(|detection| detection.key.clone()).collect();
    except.sort_unstable();
    except.dedup();
    Retraction {
        v: RETRACTION_VERSION,
        status: report.status,
        exercise: subject.exercise.clone(),
        feed: Arc::clone(&subject.feed.id),
        report_id: report.id.as_ref().to_owned(),
        received: subject.received,
        except,
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
