//! correlate on Kafka: one [`Correlator`] per partition of `detections`, its state in the same partition of `incidents`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::dead_letter::{Origin, letter};
use super::live::Follower;
use super::stage::PANICKED;
use super::{Input, LiveRules, Outbox, Role, Stage, Target, TopicNames};
use crate::core::correlate::{CorrelateConfig, CorrelateOutput, Correlator, OpenIncidents};
use crate::core::model::Stage as Refuser;
use crate::core::model::{
    CorrelateOutcome, DETECTION_VERSION, Detection, Millis, RETRACTION_KEY, RETRACTION_VERSION,
    Refusal, RefusalCode, Retraction, Status,
};
use crate::telemetry::{FeedHour, StageCounts, Telemetry};

/// Stands for the feed in dead letters of correlate.
pub const DETECTIONS_FEED: &str = "detections";
/// How often the size of the state is measured at most.
const SIZE_EVERY: Duration = Duration::from_secs(5);
/// Measuring means looking at every key: the part of the time that it may take, as one in this many.
const SIZE_SHARE: u32 = 50;
/// Version of the changelog records, in header `v`.
const CHANGELOG_VERSION: &[u8] = b"1";

/// Folds detections.
pub struct CorrelateStage {
    topic: String,
    config: Arc<CorrelateConfig>,
    partitions: BTreeMap<i32, Correlator>,
    folded: CorrelateOutput,
    counts: StageCounts,
    telemetry: Arc<Telemetry>,
    worker: u32,
    /// When the state was measured last, and how long that took.
    sized: Option<(Instant, Duration)>,
    /// Something changed since.
    is_unmeasured: bool,
    follower: Option<Follower>,
    /// Version of the rule set whose routing `config` has.
    rule_set: Option<Arc<str>>,
}

impl CorrelateStage {
    /// A stage without partitions.
    pub fn new(
        names: &TopicNames,
        config: Arc<CorrelateConfig>,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        Self {
            topic: names.detections.clone(),
            config,
            partitions: BTreeMap::new(),
            folded: CorrelateOutput::default(),
            counts: StageCounts::default(),
            telemetry,
            worker: 0,
            sized: None,
            is_unmeasured: false,
            follower: None,
            rule_set: None,
        }
    }

    /// The same, as the worker with this number: a label of metrics.
    #[must_use]
    pub fn with_worker(mut self, worker: u32) -> Self {
        self.worker = worker;
        self
    }

    /// The same, taking over the routing that `live` publishes, between two transactions.
    #[must_use]
    pub fn following(mut self, live: Arc<LiveRules>) -> Self {
        self.follower = Some(Follower::new(live));
        // From the first transaction on the ledger names what is in use.
        self.between();
        self
    }

    /// Measures what was committed since the last time. Asked between all transactions, so that what was committed last before the stream
    /// fell silent is seen, too.
    fn report_size(&mut self) {
        let is_early = |(at, took): (Instant, Duration)| {
            at.elapsed() < SIZE_EVERY.max(took.saturating_mul(SIZE_SHARE))
        };
        if !self.is_unmeasured || self.sized.is_some_and(is_early) {
            return;
        }
        let began = Instant::now();
        self.measure();
        self.sized = Some((began, began.elapsed()));
        self.is_unmeasured = false;
    }

    fn measure(&self) {
        let mut sizes: BTreeMap<Status, (u64, u64)> = BTreeMap::new();
        for (status, keys, bytes) in self.partitions.values().flat_map(Correlator::sizes) {
            let size = sizes.entry(status).or_default();
            size.0 += keys as u64;
            size.1 += bytes as u64;
        }
        for (status, (keys, bytes)) in sizes {
            self.telemetry
                .metrics
                .state(self.worker, status, keys, bytes);
        }
        let mut open = OpenIncidents::default();
        for correlator in self.partitions.values() {
            open.add(correlator.open());
        }
        self.telemetry.metrics.open(self.worker, open);
        let mut series: BTreeMap<Status, (u64, u64)> = BTreeMap::new();
        let all = self.partitions.values().flat_map(Correlator::series_sizes);
        for (status, count, bytes) in all {
            let size = series.entry(status).or_default();
            size.0 += count as u64;
            size.1 += bytes as u64;
        }
        for (status, (count, bytes)) in series {
            let metrics = &self.telemetry.metrics;
            metrics.series(self.worker, status, count, bytes);
        }
        self.report_hours();
    }

    /// What each feed carried in its last whole hour.
    fn report_hours(&self) {
        let needed = u8::try_from(self.config.growth.w2.fewest).unwrap_or(u8::MAX);
        let mut hours: BTreeMap<Arc<str>, FeedHour> = BTreeMap::new();
        for (feed, part) in self.partitions.values().flat_map(Correlator::carried) {
            hours.entry(feed).or_default().add(part, needed);
        }
        for (feed, hour) in hours {
            self.telemetry.metrics.feed_hour(self.worker, &feed, hour);
        }
    }

    /// Writes the alerts of one step and counts them with the limits that were hit.
    fn emit(&mut self, received: Option<Millis>, out: &mut Outbox) {
        for alert in self.folded.alerts.drain(..) {
            let key = alert.incident_id.to_string();
            if !out.push_json(Target::Queue, key.as_bytes(), &alert) {
                // Maps with string keys and finite numbers can always be written.
                tracing::error!(incident = key, "an alert cannot be written as JSON");
            }
            self.counts.alert(&alert, received);
        }
        for (hit, times) in std::mem::take(&mut self.folded.limits) {
            self.counts.limit(hit.limit, hit.status, times);
        }
    }

    fn refuse(&mut self, input: &Input<'_>, why: &str, out: &mut Outbox) -> &'static str {
        self.refuse_as(input, RefusalCode::BadDetection, why, out)
    }

    fn refuse_as(
        &mut self,
        input: &Input<'_>,
        code: RefusalCode,
        why: &str,
        out: &mut Outbox,
    ) -> &'static str {
        let refusal = Refusal {
            stage: Refuser::Correlate,
            code,
            message: why.chars().take(300).collect(),
            at: None,
        };
        let origin = Origin {
            feed: DETECTIONS_FEED.to_owned(),
            topic: input.topic.to_owned(),
            partition: input.partition,
            offset: input.offset,
            received: input.received,
        };
        let payload = input.payload.unwrap_or_default();
        let (headers, head) = letter(&origin, &refusal, input.key, payload, &input.headers);
        let key = DETECTIONS_FEED.as_bytes();
        out.add(Target::DeadLetters, None, key, Some(head), headers);
        self.counts.unreadable_detection();
        self.counts
            .dead_letter(&DETECTIONS_FEED.into(), refusal.code);
        CorrelateOutcome::DeadLetter.id()
    }
}

impl CorrelateStage {
    /// A control record: counted in the ledger as such, whether an incident held the report or not.
    fn retract(&mut self, input: &Input<'_>, out: &mut Outbox) -> Option<&'static str> {
        let retraction = match read_retraction(input.payload.unwrap_or_default()) {
            Ok(retraction) => retraction,
            Err(why) => return Some(self.refuse(input, &why, out)),
        };
        let Some(correlator) = self.partitions.get_mut(&input.partition) else {
            return Some(self.refuse(input, "inner error: the partition is not open", out));
        };
        if !correlator.prepare_retraction(&retraction, &mut self.folded) {
            self.emit(None, out);
            return None;
        }
        let taken = correlator.retract(&retraction, &mut self.folded);
        self.counts.retraction(taken);
        self.emit(Some(retraction.received), out);
        Some(CorrelateOutcome::Retraction.id())
    }
}

impl Stage for CorrelateStage {
    fn role(&self) -> Role {
        Role::Correlate
    }

    fn topics(&self) -> Vec<String> {
        vec![self.topic.clone()]
    }

    fn is_stateful(&self) -> bool {
        true
    }

    fn open(&mut self, _topic: &str, partition: i32) {
        self.partitions
            .insert(partition, Correlator::new(Arc::clone(&self.config)));
    }

    fn restore(&mut self, partition: i32, key: &[u8], value: Option<&[u8]>) -> Result<(), String> {
        let key = std::str::from_utf8(key).map_err(|_| "the key is not UTF-8".to_owned())?;
        let correlator = self
            .partitions
            .get_mut(&partition)
            .ok_or_else(|| "the partition is not open".to_owned())?;
        correlator
            .restore(key, value)
            .map_err(|error| error.to_string())
    }

    fn restored(&mut self, partition: i32) {
        if let Some(correlator) = self.partitions.get_mut(&partition) {
            correlator.finish_restore();
        }
        self.is_unmeasured = true;
    }

    fn close(&mut self, _topic: &str, partition: i32) {
        self.partitions.remove(&partition);
        self.telemetry.metrics.growth_moved();
        self.is_unmeasured = true;
    }

    fn process(&mut self, input: &Input<'_>, out: &mut Outbox) -> Option<&'static str> {
        if input.key == Some(RETRACTION_KEY.as_bytes()) {
            return self.retract(input, out);
        }
        let detection = match read_detection(input.payload.unwrap_or_default()) {
            Ok(detection) => detection,
            Err(why) => return Some(self.refuse(input, &why, out)),
        };
        let Some(correlator) = self.partitions.get_mut(&input.partition) else {
            return Some(self.refuse(input, "inner error: the partition is not open", out));
        };
        if !correlator.prepare(&detection, &mut self.folded) {
            self.emit(None, out);
            return None;
        }
        let outcome = correlator.fold(&detection, &mut self.folded);
        if outcome == CorrelateOutcome::DeadLetter {
            self.folded.clear();
            return Some(self.refuse(input, "the key does not fit status and hazard", out));
        }
        let (rule, status) = (&detection.rule_id, detection.status);
        self.counts.detection(rule, status, outcome);
        self.emit(Some(detection.report.received), out);
        Some(outcome.id())
    }

    fn refuse_panicked(&mut self, input: &Input<'_>, out: &mut Outbox) -> &'static str {
        self.refuse_as(input, RefusalCode::Internal, PANICKED, out)
    }

    fn due(&self, partition: i32) -> Option<Millis> {
        self.partitions.get(&partition)?.due()
    }

    fn advance(&mut self, partition: i32, to: Millis, out: &mut Outbox) -> Millis {
        if let Some(correlator) = self.partitions.get_mut(&partition) {
            let to = correlator.reach(to);
            correlator.advance(to, &mut self.folded);
            self.emit(None, out);
            return to;
        }
        to
    }

    fn clock(&self, partition: i32) -> Option<Millis> {
        let clock = self.partitions.get(&partition)?.clock();
        (clock > Millis::MIN).then_some(clock)
    }

    fn finish(&mut self, partition: i32, out: &mut Outbox) {
        let Some(correlator) = self.partitions.get_mut(&partition) else {
            return;
        };
        for change in correlator.take_changes() {
            let headers = vec![("v".to_owned(), CHANGELOG_VERSION.to_vec())];
            let (key, value) = (change.key.as_bytes(), change.value.as_deref());
            out.add(Target::Incidents, Some(partition), key, value, headers);
        }
    }

    fn rule_set(&self) -> Option<Arc<str>> {
        self.rule_set.clone()
    }

    fn between(&mut self) {
        self.report_size();
        let Some(news) = self.follower.as_mut().and_then(Follower::news) else {
            return;
        };
        self.config = news.correlate;
        self.rule_set = Some(Arc::clone(&news.rules.version));
        for correlator in self.partitions.values_mut() {
            correlator.swap(Arc::clone(&self.config));
        }
    }

    fn commit(&mut self) {
        for correlator in self.partitions.values_mut() {
            correlator.commit();
        }
        self.telemetry.commit(&mut self.counts);
        self.is_unmeasured = true;
    }

    fn rollback(&mut self) {
        for correlator in self.partitions.values_mut() {
            correlator.rollback();
        }
        self.folded.clear();
        self.counts.clear();
    }
}

/// A detection of this version or the one before.
pub(super) fn read_detection(payload: &[u8]) -> Result<Detection, String> {
    let text = simdutf8::basic::from_utf8(payload).map_err(|_| "not UTF-8".to_owned())?;
    let detection: Detection = serde_json::from_str(text).map_err(|error| describe(&error))?;
    if detection.v > DETECTION_VERSION || detection.v + 1 < DETECTION_VERSION {
        return Err(format!("version {} is not known", detection.v));
    }
    Ok(detection)
}

/// A retraction of this version or the one before.
fn read_retraction(payload: &[u8]) -> Result<Retraction, String> {
    let retraction: Retraction = serde_json::from_slice(payload).map_err(|e| describe(&e))?;
    if retraction.v > RETRACTION_VERSION || retraction.v + 1 < RETRACTION_VERSION {
        return Err(format!("version {} is not known", retraction.v));
    }
    Ok(retraction)
}

/// The error without the values it may quote.
fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what: Cow<'_, str> = match text.split_once('"') {
        Some((head, _)) => Cow::Owned(format!("{head}…")),
        None => Cow::Borrowed(&text),
    };
    format!(
        "not a detection: {what} (line {}, column {})",
        error.line(),
        error.column()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_detection_is_refused_without_quoting_it() {
        for (payload, expected) in [
            (&b"\xff"[..], "not UTF-8"),
            (b"", "not a detection"),
            (b"{\"v\":1}", "not a detection: missing field"),
            (
                b"{\"v\":\"call 13800138000\"}",
                "not a detection: invalid type: string",
            ),
        ] {
            let why = read_detection(payload).expect_err("refused");
            assert!(why.starts_with(expected), "{why}");
            assert!(!why.contains("138"), "{why}");
        }
    }
}
