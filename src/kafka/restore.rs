//! State of newly assigned partitions, in the one order that loses nothing:
//!
//! 1. the committed input offsets, waiting for transactions that are still to be decided;
//! 2. the changelog's end, asked *read uncommitted*: a `read_committed` client is told the last stable offset, and what a
//!    pending transaction wrote would silently be missing;
//! 3. the changelog, read committed, from when its last stable offset has reached that end, until the partition's EOF
//!    comes off the queue. The EOF lies in the queue behind the records before it, which nothing else does: statistics
//!    overtake records, an empty poll may mean that something else was handled, and the last record's offset never
//!    reaches the end, because transaction markers and aborted records occupy offsets;
//! 4. seek and start, by the worker.
//!
//! The work is done in slices, so that a worker's other partitions keep running.

use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::Message;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::membership::TopicPartition;
use super::transaction::Fault;
use super::{KafkaSettings, Role, Stage, client};
use crate::core::correlate::is_baseline;

/// Longest wait for offsets, or twice the transaction timeout where that is more: no transaction stays undecided so long.
const PATIENCE: Duration = Duration::from_mins(2);
/// Longest wait for one answer within a slice.
const SLICE: Duration = Duration::from_millis(500);

/// Context of the readers: their log lines are ours.
struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        super::membership::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        super::membership::warn(&error, reason);
    }
}

impl ConsumerContext for Quiet {}

/// One partition on its way.
#[derive(Clone, Debug)]
pub(super) struct Restoring {
    pub(super) topic: String,
    pub(super) partition: i32,
    /// Committed offset: where the ledger goes on.
    pub(super) next: i64,
    /// Where reading starts: later than `next` only when the broker has deleted records.
    pub(super) seek: i64,
    /// Changelog records read.
    pub(super) records: u64,
    /// Something was processed: there is more than baselines that were built beforehand.
    processed: bool,
    /// An offset was committed.
    pub(super) committed: bool,
    /// Its EOF came off the queue, or there is nothing to read.
    complete: bool,
}

enum Step {
    Offsets,
    Ends,
    Read,
    Done,
}

/// Restores the partitions of one assignment.
pub(super) struct Restore {
    pub(super) partitions: Vec<Restoring>,
    changelog: Option<String>,
    committed: BaseConsumer<Quiet>,
    uncommitted: BaseConsumer<Quiet>,
    step: Step,
    patience: Duration,
    group: String,
    accept_missing_offsets: bool,
    pub(super) started: Instant,
}

impl Restore {
    /// Begins. `changelog` is none for a stage without state.
    pub(super) fn begin(
        settings: &KafkaSettings,
        role: Role,
        changelog: Option<&str>,
        partitions: &[TopicPartition],
    ) -> Result<Self, Fault> {
        let create = |committed: bool| -> Result<BaseConsumer<Quiet>, Fault> {
            client::reader(settings, role, committed)
                .create_with_context(Quiet)
                .map_err(|error| Fault::Restart(format!("restore client: {error}")))
        };
        Ok(Self {
            partitions: partitions
                .iter()
                .map(|(topic, partition)| Restoring {
                    topic: topic.clone(),
                    partition: *partition,
                    next: 0,
                    seek: 0,
                    records: 0,
                    processed: false,
                    committed: false,
                    complete: false,
                })
                .collect(),
            changelog: changelog.map(str::to_owned),
            committed: create(true)?,
            uncommitted: create(false)?,
            step: Step::Offsets,
            group: client::group(settings, role),
            accept_missing_offsets: settings.accept_missing_offsets,
            patience: PATIENCE.max(settings.transaction_timeout * 2),
            started: Instant::now(),
        })
    }

    /// Forgets a partition that was taken away meanwhile.
    pub(super) fn forget(&mut self, topic: &str, partition: i32) {
        self.partitions
            .retain(|p| !(p.topic == topic && p.partition == partition));
    }

    /// Works for about `budget`; true when all partitions are restored.
    pub(super) fn work<S: Stage>(
        &mut self,
        stage: &mut S,
        budget: Duration,
    ) -> Result<bool, Fault> {
        if self.started.elapsed() > self.patience && !matches!(self.step, Step::Read | Step::Done) {
            return Err(Fault::Restart(
                "no offsets to restore from in time".to_owned(),
            ));
        }
        match self.step {
            Step::Offsets => {
                if self.ask_offsets()? {
                    self.step = if self.changelog.is_some() {
                        Step::Ends
                    } else {
                        Step::Done
                    };
                }
            }
            Step::Ends => {
                if self.ask_ends()? {
                    self.step = Step::Read;
                }
            }
            Step::Read => {
                if self.read(stage, budget)? {
                    self.refuse_state_without_offset()?;
                    self.step = Step::Done;
                }
            }
            Step::Done => {}
        }
        Ok(matches!(self.step, Step::Done))
    }

    fn ask_offsets(&mut self) -> Result<bool, Fault> {
        let mut list = TopicPartitionList::new();
        for p in &self.partitions {
            list.add_partition(&p.topic, p.partition);
        }
        let answer = match self.committed.committed_offsets(list, SLICE) {
            Ok(answer) => answer,
            Err(error) => {
                // A pending transaction holds the offsets back: they are asked for again.
                tracing::debug!(%error, "committed offsets are not known yet");
                return Ok(false);
            }
        };
        for p in &mut self.partitions {
            let Some(element) = answer.find_partition(&p.topic, p.partition) else {
                return Ok(false);
            };
            if element.error().is_err() {
                return Ok(false);
            }
            let Ok((low, high)) = self
                .uncommitted
                .fetch_watermarks(&p.topic, p.partition, SLICE)
            else {
                return Ok(false);
            };
            (p.next, p.committed) = match element.offset() {
                Offset::Offset(offset) => (offset, true),
                _ => (low, false),
            };
            if p.next > high {
                return Err(Fault::Restart(format!(
                    "{}/{}: offset {} is committed, but the topic ends at {high}; was it deleted and made again? Then \
                     reset the offsets of the consumer group",
                    p.topic, p.partition, p.next
                )));
            }
            p.seek = p.next.max(low);
        }
        Ok(true)
    }

    fn ask_ends(&mut self) -> Result<bool, Fault> {
        let Some(changelog) = &self.changelog else {
            return Ok(true);
        };
        let mut list = TopicPartitionList::new();
        for p in &mut self.partitions {
            let (low, high) = match self
                .uncommitted
                .fetch_watermarks(changelog, p.partition, SLICE)
            {
                Ok(found) => found,
                Err(error) => {
                    tracing::debug!(%error, changelog, "end of the changelog is not known yet");
                    return Ok(false);
                }
            };
            // Told to a reader of committed records: the last stable offset.
            match self
                .committed
                .fetch_watermarks(changelog, p.partition, SLICE)
            {
                Ok((_, stable)) if stable >= high => {}
                Ok(_) => return Ok(false),
                Err(error) => {
                    tracing::debug!(%error, changelog, "stable end of the changelog is not known yet");
                    return Ok(false);
                }
            }
            p.complete = high <= low;
            if !p.complete {
                list.add_partition_offset(changelog, p.partition, Offset::Offset(low))
                    .map_err(|error| Fault::Restart(format!("{changelog}: {error}")))?;
            }
        }
        self.committed
            .assign(&list)
            .map_err(|error| Fault::Restart(format!("{changelog}: {error}")))?;
        Ok(true)
    }

    /// State and offset are committed together, so state without an offset means that the offset is gone: the group was
    /// renamed, deleted, or forgotten by the broker. From the beginning, everything would count twice.
    fn refuse_state_without_offset(&self) -> Result<(), Fault> {
        let lost = self.partitions.iter().find(|p| !p.committed && p.processed);
        let (Some(p), Some(changelog)) = (lost, &self.changelog) else {
            return Ok(());
        };
        if self.accept_missing_offsets {
            tracing::warn!(
                topic = p.topic,
                partition = p.partition,
                "no committed offset beside the state: read from the beginning, as asked"
            );
            return Ok(());
        }
        Err(Fault::Fatal(format!(
            "{changelog} holds state of {0}/{1}, but the consumer group {2} has no committed offset there: was it renamed, \
             deleted, or idle for longer than the broker keeps offsets? Set the offset where the ledger's last entry of \
             {0}/{1} ends (`to`) with kafka-consumer-groups --group {2} --topic {0}:{1} --reset-offsets --to-offset N \
             --execute; or start once with --accept-missing-offsets, and what is still in the topic counts again",
            p.topic, p.partition, self.group
        )))
    }

    fn read<S: Stage>(&mut self, stage: &mut S, budget: Duration) -> Result<bool, Fault> {
        let until = Instant::now() + budget;
        let mut since_check = 0u32;
        loop {
            if self.partitions.iter().all(|p| p.complete) {
                return Ok(true);
            }
            match self.committed.poll(Duration::from_millis(5)) {
                Some(Ok(record)) => {
                    let partition = record.partition();
                    let Some(p) = self
                        .partitions
                        .iter_mut()
                        .find(|p| p.partition == partition)
                    else {
                        continue;
                    };
                    p.records += 1;
                    p.processed |= !is_baseline(record.key().unwrap_or_default());
                    stage
                        .restore(
                            partition,
                            record.key().unwrap_or_default(),
                            record.payload(),
                        )
                        .map_err(|why| {
                            let (topic, offset) = (record.topic(), record.offset());
                            Fault::Fatal(format!("state at {topic}/{partition}/{offset}: {why}"))
                        })?;
                    since_check += 1;
                    if since_check < 256 {
                        continue;
                    }
                    since_check = 0;
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    for p in self
                        .partitions
                        .iter_mut()
                        .filter(|p| p.partition == partition)
                    {
                        p.complete = true;
                    }
                }
                // No evidence of anything: the client may have handled an event of its own.
                None => {}
                Some(Err(error)) => {
                    if fatal(&error) {
                        return Err(Fault::Restart(format!("reading the changelog: {error}")));
                    }
                    tracing::debug!(%error, "reading the changelog");
                }
            }
            if Instant::now() > until {
                return Ok(false);
            }
        }
    }
}

/// Errors of a reader that waiting does not cure.
fn fatal(error: &KafkaError) -> bool {
    use rdkafka::error::RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::Fatal
                | Code::AutoOffsetReset
                | Code::OffsetOutOfRange
                | Code::TopicAuthorizationFailed
        )
    )
}
