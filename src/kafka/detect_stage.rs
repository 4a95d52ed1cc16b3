//! detect on Kafka: feed records in; detections, shadow hits and dead letters out. Stateless.
//!
//! Records of the retry topic say in their headers which feed they belong to, where they were first read and when; they are
//! processed as if they had been read there, but for the ledger, where they count on the retry topic.

use std::collections::HashMap;
use std::sync::Arc;

use super::correlate_stage::read_detection;
use super::dead_letter::{KEY, Origin, STAGE, letter, original_headers};
use super::live::Follower;
use super::stage::PANICKED;
use super::{Input, LiveRules, Outbox, Role, Stage, Target, TopicNames};
use crate::core::detect::{DetectEngine, DetectOutput, DrillKey, write_detection};
use crate::core::model::Stage as Refuser;
use crate::core::model::{
    DetectOutcome, Feed, Position, RETRACTION_KEY, RawRecord, Refusal, RefusalCode, Status,
};
use crate::core::ruleset::RuleSet;
use crate::telemetry::{StageCounts, Telemetry, nanos_since_start};

/// One record in so many is timed.
const TIMED: u64 = 64;

/// Decodes, matches, scores and places.
pub struct DetectStage {
    engine: DetectEngine,
    feeds: Vec<Arc<Feed>>,
    /// Feed topics, and the index of the feed of each.
    topics: HashMap<String, (Arc<str>, usize)>,
    retry: String,
    found: DetectOutput,
    counts: StageCounts,
    telemetry: Arc<Telemetry>,
    processed: u64,
    follower: Option<Follower>,
    /// An engine that is made anew believes the same labels.
    drills: Option<Arc<DrillKey>>,
    /// Where the last record of a feed was: mostly the next one is of the same topic.
    here: Option<Here>,
}

/// A record's position, and the index of its feed.
struct Here {
    position: Position,
    feed: usize,
}

impl DetectStage {
    /// A stage for these feeds. The error says which setting of which feed is wrong.
    pub fn new(
        names: &TopicNames,
        rules: Arc<RuleSet>,
        feeds: &[Arc<Feed>],
        telemetry: Arc<Telemetry>,
    ) -> Result<Self, String> {
        let topics = feeds
            .iter()
            .enumerate()
            .map(|(index, feed)| (feed.topic.clone(), (feed.topic.as_str().into(), index)))
            .collect();
        Ok(Self {
            engine: DetectEngine::new(rules, feeds)?.with_clock(nanos_since_start),
            feeds: feeds.to_vec(),
            topics,
            retry: names.retry.clone(),
            found: DetectOutput::default(),
            counts: StageCounts::default(),
            telemetry,
            processed: 0,
            follower: None,
            drills: None,
            here: None,
        })
    }

    /// The same, believing the labels of drills under this key.
    #[must_use]
    pub fn with_drill_key(mut self, key: Option<Arc<DrillKey>>) -> Self {
        self.drills.clone_from(&key);
        self.engine = self.engine.with_drill_key(key);
        self
    }

    /// The same, taking over what `live` publishes, between two transactions.
    #[must_use]
    pub fn following(mut self, live: Arc<LiveRules>) -> Self {
        self.follower = Some(Follower::new(live));
        self
    }

    /// Where a record is, and of which feed; none for topics that are no feed's.
    fn here(&mut self, input: &Input<'_>) -> Option<Here> {
        let same = |here: &Here| *here.position.topic == *input.topic;
        let mut here = self.here.take().filter(same).or_else(|| {
            let (topic, feed) = self.topics.get(input.topic)?;
            let position = Position {
                topic: Arc::clone(topic),
                ..Position::default()
            };
            Some(Here {
                position,
                feed: *feed,
            })
        })?;
        (here.position.partition, here.position.offset) = (input.partition, input.offset);
        Some(here)
    }

    fn detect(
        &mut self,
        feed: usize,
        record: &RawRecord<'_>,
        origin: &Position,
        out: &mut Outbox,
    ) -> DetectOutcome {
        self.found.clear();
        let timed = self
            .processed
            .is_multiple_of(TIMED)
            .then(std::time::Instant::now);
        self.processed += 1;
        let mut outcome = self.engine.process(feed, record, origin, &mut self.found);
        for detection in &self.found.detections {
            let key = detection.key.as_bytes();
            let write = |bytes: &mut Vec<u8>| write_detection(detection, bytes);
            if !out.push_written(Target::Detections, key, write) {
                let why = "inner error: a detection cannot be written as JSON";
                self.found.refusal = Some(Refusal::decode(RefusalCode::Internal, why));
            }
        }
        if let Some(retraction) = &self.found.retraction {
            let key = RETRACTION_KEY.as_bytes();
            if !out.broadcast_json(Target::Detections, key, retraction) {
                let why = "inner error: a retraction cannot be written as JSON";
                self.found.refusal = Some(Refusal::decode(RefusalCode::Internal, why));
            }
        }
        for watch in &self.found.watched {
            // Never too large for a record.
            let _ = out.push_json(Target::Shadow, watch.rule_id.as_bytes(), watch);
        }
        for hit in &self.found.shadow {
            if out.push_json(Target::Shadow, hit.rule_id.as_bytes(), hit) {
                self.counts.shadow(&hit.rule_id);
            }
        }
        if self.found.refusal.is_some() {
            outcome = DetectOutcome::DeadLetter;
        }
        if let Some(verdict) = self.found.label {
            self.counts.drill_label(verdict);
        }
        for (rule, nanos) in &self.found.costs {
            self.counts.rule_cost(rule, *nanos);
        }
        if let Some(since) = timed {
            self.counts
                .duration("detect", since.elapsed().as_secs_f64());
        }
        let status = self.found.status;
        self.counts.record(feed, status, outcome, record.received);
        outcome
    }

    /// A record of the retry topic.
    fn retry(&mut self, input: &Input<'_>, out: &mut Outbox) -> DetectOutcome {
        let Some(origin) = Origin::of(&input.headers) else {
            let why = "the record is no replayed dead letter: only `tocsin dead-letters replay` writes here";
            let origin = origin_here(input, "retry");
            return self.refuse(input, &origin, RefusalCode::WrongFormat, why, out);
        };
        let stage = input.headers.iter().rev().find(|(name, _)| *name == STAGE);
        if stage.is_some_and(|(_, id)| *id == Refuser::Correlate.id().as_bytes()) {
            return self.forward(input, &origin, out);
        }
        let feed = self.feeds.iter().position(|feed| *feed.id == *origin.feed);
        let Some(feed) = feed else {
            let why = "no feed of this name is configured any more";
            return self.refuse(input, &origin, RefusalCode::BadMapping, why, out);
        };
        let record = RawRecord {
            payload: input.payload.unwrap_or_default(),
            key: input
                .headers
                .iter()
                .rev()
                .find(|(name, _)| *name == KEY)
                .map(|(_, key)| *key),
            headers: original_headers(&input.headers).collect(),
            received: origin.received.min(input.received),
        };
        let position = Position {
            topic: origin.topic.as_str().into(),
            partition: origin.partition,
            offset: origin.offset,
        };
        let outcome = self.detect(feed, &record, &position, out);
        self.write_refusal(&origin, &record, out);
        outcome
    }

    /// A record that correlate could not read goes back to where it was, if it can be read now.
    fn forward(&mut self, input: &Input<'_>, origin: &Origin, out: &mut Outbox) -> DetectOutcome {
        match read_detection(input.payload.unwrap_or_default()) {
            Ok(detection) => {
                let payload = input.payload.unwrap_or_default();
                out.push(Target::Detections, detection.key.as_bytes(), payload);
                self.counts.retry(DetectOutcome::Detected);
                DetectOutcome::Detected
            }
            Err(why) => {
                let refusal = Refusal {
                    stage: Refuser::Correlate,
                    code: RefusalCode::BadDetection,
                    message: why,
                    at: None,
                };
                self.found.refusal = Some(refusal);
                let record = raw(input);
                self.write_refusal(origin, &record, out);
                self.counts.retry(DetectOutcome::DeadLetter);
                DetectOutcome::DeadLetter
            }
        }
    }

    fn refuse(
        &mut self,
        input: &Input<'_>,
        origin: &Origin,
        code: RefusalCode,
        why: &str,
        out: &mut Outbox,
    ) -> DetectOutcome {
        self.found.refusal = Some(Refusal::decode(code, why));
        let record = raw(input);
        self.write_refusal(origin, &record, out);
        // Counted by the feed where it is one's, as its other records are.
        match self.topics.get(input.topic) {
            Some((_, feed)) => {
                let (status, outcome) = (Status::Actual, DetectOutcome::DeadLetter);
                self.counts.record(*feed, status, outcome, input.received);
            }
            None => self.counts.retry(DetectOutcome::DeadLetter),
        }
        DetectOutcome::DeadLetter
    }

    /// Writes the refusal of the last record, if there is one, to dead letters.
    fn write_refusal(&mut self, origin: &Origin, record: &RawRecord<'_>, out: &mut Outbox) {
        let Some(refusal) = self.found.refusal.take() else {
            return;
        };
        let (headers, head) = letter(
            origin,
            &refusal,
            record.key,
            record.payload,
            &record.headers,
        );
        out.add(
            Target::DeadLetters,
            None,
            origin.feed.as_bytes(),
            Some(head),
            headers,
        );
        // Labels come from the configuration: a name that a header states does not become one.
        let known = self.feeds.iter().find(|feed| *feed.id == *origin.feed);
        let label = known.map_or_else(|| "unknown".into(), |feed| Arc::clone(&feed.id));
        self.counts.dead_letter(&label, refusal.code);
    }
}

fn raw<'a>(input: &Input<'a>) -> RawRecord<'a> {
    RawRecord {
        payload: input.payload.unwrap_or_default(),
        key: input.key,
        headers: input.headers.clone(),
        received: input.received,
    }
}

fn origin_here(input: &Input<'_>, feed: &str) -> Origin {
    Origin {
        feed: feed.to_owned(),
        topic: input.topic.to_owned(),
        partition: input.partition,
        offset: input.offset,
        received: input.received,
    }
}

impl Stage for DetectStage {
    fn role(&self) -> Role {
        Role::Detect
    }

    fn topics(&self) -> Vec<String> {
        let mut topics: Vec<String> = self.topics.keys().cloned().collect();
        topics.push(self.retry.clone());
        topics.sort();
        topics
    }

    fn process(&mut self, input: &Input<'_>, out: &mut Outbox) -> Option<&'static str> {
        let Some(here) = self.here(input) else {
            return Some(self.retry(input, out).id());
        };
        let (record, feed) = (raw(input), here.feed);
        let outcome = self.detect(feed, &record, &here.position, out);
        self.here = Some(here);
        if outcome == DetectOutcome::DeadLetter {
            let id = self
                .feeds
                .get(feed)
                .map_or("unknown", |feed| &*feed.id)
                .to_owned();
            self.write_refusal(&origin_here(input, &id), &record, out);
        }
        Some(outcome.id())
    }

    fn refuse_panicked(&mut self, input: &Input<'_>, out: &mut Outbox) -> &'static str {
        let feed = self.topics.get(input.topic).map(|(_, feed)| *feed);
        let origin = match feed.and_then(|feed| self.feeds.get(feed)) {
            Some(feed) => origin_here(input, &feed.id),
            None => Origin::of(&input.headers).unwrap_or_else(|| origin_here(input, "retry")),
        };
        self.refuse(input, &origin, RefusalCode::Internal, PANICKED, out)
            .id()
    }

    fn recover(&mut self) {
        let rules = Arc::clone(self.engine.rule_set());
        match DetectEngine::new(rules, &self.feeds) {
            Ok(engine) => {
                let engine = engine.with_drill_key(self.drills.clone());
                self.engine = engine.with_clock(nanos_since_start);
            }
            Err(why) => tracing::error!(why, "the engine cannot be made anew"),
        }
        self.found.clear();
    }

    fn rule_set(&self) -> Option<Arc<str>> {
        Some(Arc::clone(&self.engine.rule_set().version))
    }

    fn between(&mut self) {
        let Some(news) = self.follower.as_mut().and_then(Follower::news) else {
            return;
        };
        if news.rules.version != self.engine.rule_set().version {
            self.engine.swap(news.rules);
        }
    }

    fn commit(&mut self) {
        self.telemetry.commit(&mut self.counts);
    }

    fn rollback(&mut self) {
        self.engine.forget_watched();
        self.counts.clear();
    }
}
