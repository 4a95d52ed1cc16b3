//! Reading: records into the open transaction, until one of its bounds is reached.
//!
//! Invariant: what a transaction holds is bounded in records, bytes and time; a record that was fetched before a pause or a
//! seek took effect is not processed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers as _, Timestamp};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::assignment::{Assignment, Phase};
use super::dead_letter::{self, Cut};
use super::refused::Refused;
use super::tally::Tally;
use super::transaction::{Fault, Transaction};
use super::worker::Session;
use super::{Headers, Input, Outbox, Role, Stage, Target, partition_of};
use crate::core::model::Millis;
use crate::telemetry::wall_clock;

/// Wait for a record while nothing is open.
const IDLE_POLL: Duration = Duration::from_millis(50);

/// While records lie at hand, the clock is read for one in so many of them: it costs as much as a good part of their work.
const CLOCK_EVERY: u32 = 16;

/// The open transaction.
#[derive(Default)]
pub(super) struct Open {
    pub(super) since: Option<Instant>,
    /// The wall clock when it was last read.
    wall: Millis,
    pub(super) records: u32,
    pub(super) bytes: u64,
    pub(super) written: u64,
}

impl<S: Stage> Session<'_, S> {
    /// Reads until a bound of the transaction is reached, or nothing comes for a while.
    pub(super) fn read(&mut self) -> Result<(), Fault> {
        let settings = &self.context.settings;
        let idle = if self.restores.is_empty() {
            IDLE_POLL
        } else {
            Duration::ZERO
        };
        let mut at_hand = 0;
        loop {
            if self.has_enough() {
                return Ok(());
            }
            let unhurried = at_hand % CLOCK_EVERY == 0;
            let wait = match self.open.since {
                _ if !unhurried => Duration::ZERO,
                None => idle,
                Some(since) => match settings.max_time.checked_sub(since.elapsed()) {
                    None | Some(Duration::ZERO) => return Ok(()),
                    Some(left) => left,
                },
            };
            // The message borrows the consumer, so the consumer is lent out for the while.
            let polled = self.consumer.poll(wait);
            at_hand = match &polled {
                Some(Ok(_)) => at_hand + 1,
                // Nothing lay at hand: the next look may take its time.
                None if !unhurried && !self.is_called_away() => {
                    at_hand = 0;
                    continue;
                }
                _ => 0,
            };
            match polled {
                Some(Ok(message)) => {
                    let again = accept(
                        (&mut *self.stage, &mut *self.refused),
                        &mut self.transaction,
                        &self.counts,
                        &mut self.assignment,
                        &mut self.out,
                        &mut self.open,
                        &message,
                    )?;
                    if let Some(from) = again {
                        let (topic, partition) = (message.topic(), message.partition());
                        let mut list = TopicPartitionList::new();
                        list.add_partition_offset(topic, partition, Offset::Offset(from))
                            .map_err(|error| Fault::Restart(format!("rewind: {error}")))?;
                        return self.seek(list);
                    }
                    if self.stage.role() == Role::Detect {
                        let wall = &mut self.open.wall;
                        settings.clock.read(|| received(&message, wall));
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => self.at_end(partition),
                Some(Err(error)) => Self::consumer_error(&error)?,
                None => {
                    if self.open.since.is_none() || self.is_called_away() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Whether something other than records is to be seen to: an end, or a change of partitions.
    fn is_called_away(&self) -> bool {
        self.context.stopping() || self.consumer.context().has_pending()
    }

    /// Whether the open transaction has reached its records or its bytes.
    fn has_enough(&self) -> bool {
        let settings = &self.context.settings;
        self.open.since.is_some()
            && (self.open.records >= settings.max_records || self.open.bytes >= settings.max_bytes)
    }

    /// Only stages with one topic ask for ends, so that the number says which partition it is.
    pub(super) fn at_end(&mut self, partition: i32) {
        for owned in self.assignment.iter_mut() {
            if owned.partition == partition && owned.phase == Phase::Running {
                owned.at_end = true;
            }
        }
    }

    pub(super) fn consumer_error(error: &KafkaError) -> Result<(), Fault> {
        use RDKafkaErrorCode as Code;
        match error.rdkafka_error_code() {
            Some(
                Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::Authentication
                | Code::SaslAuthenticationFailed,
            ) => Err(Fault::Restart(format!("not allowed: {error}"))),
            Some(Code::AutoOffsetReset | Code::OffsetOutOfRange) => Err(Fault::Restart(format!(
                "the next record does not exist any more: {error}"
            ))),
            Some(Code::Fatal | Code::FencedInstanceId) => {
                Err(Fault::Restart(format!("consumer: {error}")))
            }
            _ => {
                // Brokers that are away, topics that are still to be made: the client tries again by itself.
                tracing::debug!(%error, "consumer");
                Ok(())
            }
        }
    }

    /// Opens a transaction when a partition that was read to its end has a timer due.
    pub(super) fn open_for_timers(&mut self) -> Result<(), Fault> {
        if !self.transaction.is_open() && self.due_partitions().next().is_some() {
            begin(&mut self.transaction, &mut self.open)?;
        }
        Ok(())
    }

    /// How far idle partitions may advance.
    pub(super) fn idle_horizon(&self) -> Millis {
        let settings = &self.context.settings;
        let lag = settings.idle_lag.as_millis() as i64;
        settings.clock.now().plus(-lag)
    }

    pub(super) fn due_partitions(&self) -> impl Iterator<Item = (i32, Millis)> {
        let to = self.idle_horizon();
        self.assignment.iter().filter_map(move |owned| {
            let quiet = owned.phase == Phase::Running
                && owned.at_end
                && !owned.tally.as_ref().is_some_and(Tally::has_records);
            let due = quiet && self.stage.due(owned.partition).is_some_and(|due| due <= to);
            due.then_some((owned.partition, to))
        })
    }
}

/// Processes one record within the open transaction, opening one if needed. An offset: from there the partition is to be read
/// again, because the transaction is full of what was due before the record, or because the record is not the next one.
fn accept<S: Stage>(
    (stage, refused): (&mut S, &mut Refused),
    transaction: &mut Transaction,
    counts: &BTreeMap<Target, (String, i32)>,
    assignment: &mut Assignment,
    out: &mut Outbox,
    open: &mut Open,
    message: &BorrowedMessage<'_>,
) -> Result<Option<i64>, Fault> {
    let (partition, offset) = (message.partition(), message.offset());
    let Some(owned) = assignment.find(message.topic(), partition) else {
        return Ok(None);
    };
    if owned.phase != Phase::Running {
        return Ok(None);
    }
    if let Some(sought) = owned.seek_again(offset) {
        // Mostly no more than a transaction marker, which the next look shows.
        tracing::debug!(
            topic = message.topic(),
            partition,
            sought,
            came = offset,
            "sought again"
        );
        return Ok(Some(sought));
    }
    let expected = owned.tally.as_ref().map_or(owned.next, |tally| tally.to);
    // What was fetched before a pause or a seek took effect is read again later.
    if offset < expected {
        return Ok(None);
    }
    // Until it is counted: whatever fails from here on, an abort goes back to it.
    owned.sought(offset);
    if !transaction.is_open() {
        begin(transaction, open)?;
    }
    owned.at_end = false;
    let mut headers = Headers::new();
    if let Some(all) = message.headers() {
        for header in all.iter() {
            headers.push((header.key, header.value.unwrap_or_default()));
        }
    }
    let input = Input {
        topic: message.topic(),
        partition,
        offset,
        received: received(message, &mut open.wall),
        key: message.key(),
        payload: message.payload(),
        headers,
    };
    out.clear();
    let outcome = refused.process(stage, &input, out)?;
    let next = owned.next;
    let tally = owned.tally.get_or_insert_with(|| Tally::new(next));
    if let Some(outcome) = outcome {
        tally.count(offset, outcome);
        owned.begun();
        open.records += 1;
        open.bytes += (message.payload_len() + message.key_len()) as u64;
    }
    if !out.is_empty() {
        drain(out, counts, transaction, None, open, refused.cut)?;
    }
    Ok(outcome.is_none().then_some(offset))
}

/// Kafka's timestamp, capped at the wall clock, which is read again only for what seems to be ahead of `wall`.
fn received(message: &BorrowedMessage<'_>, wall: &mut Millis) -> Millis {
    let stated = match message.timestamp() {
        Timestamp::CreateTime(at) | Timestamp::LogAppendTime(at) if at >= 0 => Millis(at),
        _ => Millis(i64::MAX),
    };
    if stated > *wall {
        *wall = wall_clock();
    }
    stated.min(*wall)
}

fn begin(transaction: &mut Transaction, open: &mut Open) -> Result<(), Fault> {
    transaction.begin()?;
    *open = Open {
        since: Some(Instant::now()),
        ..Open::default()
    };
    Ok(())
}

/// Sends what a stage wrote. `changelog`: the partition that changelog records go to, whatever their key. `cut`: how much
/// of dead letters is left out.
pub(super) fn drain(
    out: &Outbox,
    counts: &BTreeMap<Target, (String, i32)>,
    transaction: &Transaction,
    changelog: Option<i32>,
    open: &mut Open,
    cut: Cut,
) -> Result<(), Fault> {
    for record in out.records() {
        let Some((topic, count)) = counts.get(&record.target) else {
            return Err(Fault::Fatal(format!("no topic for {:?}", record.target)));
        };
        let partition = changelog
            .or(record.partition)
            .unwrap_or_else(|| partition_of(record.key, *count));
        let partitions = if record.everywhere {
            0..*count
        } else {
            partition..partition + 1
        };
        let shorter = (record.target == Target::DeadLetters)
            .then(|| dead_letter::shorten(record.headers, record.payload.unwrap_or_default(), cut))
            .flatten();
        let (headers, payload) = match &shorter {
            Some((headers, head)) => (headers.as_slice(), Some(*head)),
            None => (record.headers, record.payload),
        };
        for partition in partitions {
            transaction.send(topic, partition, record.key, payload, headers)?;
            open.bytes += (record.key.len() + payload.map_or(0, <[u8]>::len)) as u64;
            open.written += u64::from(changelog.is_none());
        }
    }
    Ok(())
}
