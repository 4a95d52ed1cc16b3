//! Detections, queue, ledger and, where a desk writes them, decisions; read from their ends when the follower was made.
//!
//! Invariant: only committed records are read, without a group; what names another exercise, or none, is not kept.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::inject::Ends;
use super::{DrillError, kafka};
use crate::core::drill::{Deed, Observed, SeenAlert, SeenDecision, SeenDetection};
use crate::core::model::{Alert, Detection, LedgerEntry, Millis, RETRACTION_KEY};
use crate::kafka::cluster::partition_counts;
use crate::kafka::{KafkaSettings, TopicNames, client};

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Nothing more comes after so long without a record.
const QUIET: Duration = Duration::from_millis(150);

/// A decision as the desk publishes it: what is needed of it.
#[derive(serde::Deserialize)]
struct Decision {
    incident_id: uuid::Uuid,
    #[serde(default)]
    exercise: Option<String>,
    event: DecisionEvent,
}

#[derive(serde::Deserialize)]
struct DecisionEvent {
    at: Millis,
    kind: String,
    #[serde(default)]
    department: Option<std::sync::Arc<str>>,
}

impl Decision {
    fn seen(self) -> Option<SeenDecision> {
        let deed = match self.event.kind.as_str() {
            "acknowledged" => Deed::Acknowledged,
            "disposed" => Deed::Disposed,
            "escalated" => Deed::Escalated,
            _ => return None,
        };
        Some(SeenDecision {
            incident: self.incident_id,
            department: self.event.department?,
            deed,
            at: self.event.at,
        })
    }
}

/// Reads what comes of an exercise.
pub struct Follower {
    consumer: BaseConsumer,
    names: TopicNames,
    decisions: String,
    exercise: String,
    records_clock: bool,
    /// What was seen.
    pub seen: Observed,
    /// By topic and partition: everything before this was worked on.
    worked: Ends,
    /// By partition of the detections: the end behind the last record seen.
    read: BTreeMap<i32, i64>,
    rule_set: String,
    newest: Instant,
}

impl Follower {
    /// Follows from the present ends on. `decisions`: the topic of the desk's, which need not be there. `records_clock`: alerts
    /// happen when they were due, not when they were written.
    pub fn new(
        settings: &KafkaSettings,
        names: &TopicNames,
        decisions: &str,
        exercise: &str,
        records_clock: bool,
    ) -> Result<Self, DrillError> {
        let counts = partition_counts(settings)?;
        let consumer: BaseConsumer = client::onlooker(settings)
            .set("auto.offset.reset", "latest")
            .set("fetch.wait.max.ms", "50")
            .create()
            .map_err(kafka("client configuration"))?;
        let mut list = TopicPartitionList::new();
        let mut topics = vec![names.detections.as_str(), &names.queue, &names.ledger];
        topics.extend(counts.contains_key(decisions).then_some(decisions));
        for topic in topics {
            let count = counts.get(topic).copied();
            let count = count.ok_or_else(|| DrillError::NoTopic(topic.to_owned()))?;
            for partition in 0..count {
                let (_, end) = consumer
                    .fetch_watermarks(topic, partition, TIMEOUT)
                    .map_err(kafka(format!("end of {topic}/{partition}")))?;
                list.add_partition_offset(topic, partition, Offset::Offset(end))
                    .map_err(kafka("assignment"))?;
            }
        }
        consumer.assign(&list).map_err(kafka("assignment"))?;
        Ok(Self {
            consumer,
            names: names.clone(),
            decisions: decisions.to_owned(),
            exercise: exercise.to_owned(),
            records_clock,
            seen: Observed::default(),
            worked: Ends::new(),
            read: BTreeMap::new(),
            rule_set: String::new(),
            newest: Instant::now(),
        })
    }

    /// Version of the rule set that the exercise's detections name; empty before the first.
    pub fn rule_set(&self) -> &str {
        &self.rule_set
    }

    /// Reads what is there, for at most `wait` when there is nothing.
    pub fn poll(&mut self, wait: Duration) {
        let mut wait = wait;
        while let Some(polled) = self.consumer.poll(wait) {
            wait = Duration::ZERO;
            match polled {
                Ok(message) => {
                    let at = Millis(message.timestamp().to_millis().unwrap_or(0));
                    let payload = message.payload().unwrap_or_default().to_vec();
                    let (topic, partition) = (message.topic().to_owned(), message.partition());
                    let (offset, control) = (
                        message.offset(),
                        message.key() == Some(RETRACTION_KEY.as_bytes()),
                    );
                    drop(message);
                    self.newest = Instant::now();
                    self.take(&topic, partition, offset, at, &payload, control);
                }
                Err(error) => tracing::debug!(%error, "following"),
            }
        }
    }

    fn take(
        &mut self,
        topic: &str,
        partition: i32,
        offset: i64,
        at: Millis,
        payload: &[u8],
        control: bool,
    ) {
        if topic == self.names.ledger {
            if let Ok(entry) = serde_json::from_slice::<LedgerEntry>(payload) {
                let key = (entry.topic.clone(), entry.partition);
                let worked = self.worked.entry(key).or_default();
                *worked = (*worked).max(entry.to);
            }
        } else if topic == self.names.detections {
            self.read.insert(partition, offset + 1);
            if control {
                return;
            }
            // What is none is correlate's to refuse.
            let Ok(detection) = serde_json::from_slice::<Detection>(payload) else {
                return;
            };
            if detection.exercise.as_deref() == Some(self.exercise.as_str()) {
                let at = if self.records_clock {
                    detection.report.received
                } else {
                    at
                };
                self.rule_set = detection.rule_set.to_string();
                self.seen.detection(SeenDetection::new(&detection, at));
            }
        } else if topic == self.decisions {
            if let Ok(decision) = serde_json::from_slice::<Decision>(payload)
                && decision.exercise.as_deref() == Some(self.exercise.as_str())
            {
                self.seen.has_desk = true;
                if let Some(seen) = decision.seen() {
                    self.seen.decision(seen);
                }
            }
        } else if let Ok(alert) = serde_json::from_slice::<Alert>(payload)
            && alert.exercise.as_deref() == Some(self.exercise.as_str())
        {
            let at = if self.records_clock { alert.sent } else { at };
            self.seen.alert(SeenAlert::new(&alert, at));
        }
    }

    /// Whether detect has worked on everything before `ends`, and correlate on every detection seen.
    pub fn has_worked_on(&self, ends: &Ends) -> bool {
        let done = |key: &(String, i32), end: i64| {
            self.worked.get(key).is_some_and(|worked| *worked >= end)
        };
        let mut detections = self.read.iter();
        ends.iter().all(|(key, end)| done(key, *end))
            && detections
                .all(|(partition, end)| done(&(self.names.detections.clone(), *partition), *end))
    }

    /// Reads until everything before `ends` was worked on and nothing more comes. False: not within `patience`.
    pub fn settle(&mut self, ends: &Ends, patience: Duration, stop: &dyn Fn() -> bool) -> bool {
        let began = Instant::now();
        loop {
            self.poll(Duration::from_millis(20));
            if self.has_worked_on(ends) && self.newest.elapsed() >= QUIET {
                return true;
            }
            if began.elapsed() > patience || stop() {
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_are_read_as_the_desk_writes_them() {
        let decision = |kind: &str| {
            let json = serde_json::json!({
                "v": 1, "id": uuid::Uuid::nil(), "seq": 7, "incident_id": uuid::Uuid::nil(), "status": "exercise",
                "exercise": "e-1", "version": 3,
                "event": {"at": "2026-01-02T03:04:05.678Z", "kind": kind, "department": "fire"},
            });
            serde_json::from_value::<Decision>(json).unwrap()
        };
        let seen = decision("acknowledged").seen().unwrap();
        assert_eq!((seen.deed, &*seen.department), (Deed::Acknowledged, "fire"));
        assert_eq!(seen.at, Millis(1_767_323_045_678));
        assert!(decision("opened").seen().is_none());
    }
}
