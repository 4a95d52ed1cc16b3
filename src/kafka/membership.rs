//! Rebalances, and the group generation that a transaction is fenced by.
//!
//! KIP-447 fences offsets by the group's generation. Which generation matters: a client that was thrown out of its group
//! for a pause, and joined anew in the background, would present a valid generation for partitions that somebody else
//! has worked on since. So the generation is taken *with the rebalance event* — between the group's answer and this
//! worker's reply the client cannot join again — and a transaction presents the generation of the last event that the
//! worker has applied. After every event the worker compares the committed offsets of the partitions that it keeps with
//! its own before it commits again (`Session::verify`).
//!
//! Invariant: no event is applied inside a client callback; the worker applies them between records.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;

/// A topic's partition.
pub(super) type TopicPartition = (String, i32);

/// What the group decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Assigned(Vec<TopicPartition>),
    Revoked(Vec<TopicPartition>),
}

/// One event, with the generation it came with.
pub(super) struct Rebalance {
    pub(super) change: Change,
    pub(super) generation: Option<ConsumerGroupMetadata>,
}

/// End of a partition, as statistics tell it.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) offset: i64,
}

/// Context of a worker's consumer: collects what happens.
#[derive(Default)]
pub(super) struct Membership {
    pending: Mutex<VecDeque<Rebalance>>,
    closing: AtomicBool,
    ends: Mutex<Vec<End>>,
}

impl Membership {
    /// The oldest event that was not applied.
    pub(super) fn next(&self) -> Option<Rebalance> {
        self.pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    }

    /// Whether an event waits to be applied.
    pub(super) fn has_pending(&self) -> bool {
        !self
            .pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }

    /// From now on partitions are given back at once: the worker has settled everything.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    /// Ends of partitions since the last call.
    pub(super) fn take_ends(&self) -> Vec<End> {
        std::mem::take(&mut *self.ends.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ClientContext for Membership {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn stats(&self, statistics: Statistics) {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.clear();
        for topic in statistics.topics.values() {
            for partition in topic.partitions.values() {
                let offset = if partition.ls_offset >= 0 {
                    partition.ls_offset
                } else {
                    partition.hi_offset
                };
                if partition.desired && offset >= 0 {
                    ends.push(End {
                        topic: topic.topic.clone(),
                        partition: partition.partition,
                        offset,
                    });
                }
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        warn(&error, reason);
    }
}

impl ConsumerContext for Membership {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        code: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let partitions = pairs(list);
        if self.closing.load(Ordering::SeqCst) {
            if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS {
                unassign(consumer, list);
            } else if let Err(error) = consumer.incremental_assign(&TopicPartitionList::new()) {
                tracing::debug!(%error, "answer to an assignment while closing");
            }
            return;
        }
        let change = if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            Change::Assigned(partitions)
        } else {
            Change::Revoked(partitions)
        };
        let generation = consumer.group_metadata();
        self.pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(Rebalance { change, generation });
    }
}

/// Gives partitions back; without them the client would never leave.
pub(super) fn unassign<C: ConsumerContext>(consumer: &BaseConsumer<C>, list: &TopicPartitionList) {
    if let Err(error) = consumer.incremental_unassign(list) {
        tracing::debug!(%error, "incremental unassign");
        if let Err(error) = consumer.unassign() {
            tracing::warn!(%error, "unassign");
        }
    }
}

/// The partitions of a list.
pub(super) fn pairs(list: &TopicPartitionList) -> Vec<TopicPartition> {
    list.elements()
        .iter()
        .map(|element| (element.topic().to_owned(), element.partition()))
        .collect()
}

/// Says what a consumer of ours reports of itself.
pub(super) fn warn(error: &KafkaError, reason: &str) {
    // The end of a partition is asked for (it advances clocks and ends a restore), and no fault.
    if error.rdkafka_error_code() != Some(RDKafkaErrorCode::PartitionEOF) {
        tracing::warn!(%error, reason, "kafka consumer");
    }
}

/// librdkafka's log lines, as ours.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error => {
            tracing::error!(target: "librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Warning => tracing::warn!(target: "librdkafka", facility, "{message}"),
        _ => tracing::debug!(target: "librdkafka", facility, "{message}"),
    }
}
