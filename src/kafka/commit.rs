//! The end of a transaction: everything it holds is committed, or all of it is undone and read again.
//!
//! Invariant: a transaction never holds both an idle advance and records of a partition, so that the ledger's order is the
//! order in which it happened.

use std::time::{Duration, Instant};

use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::assignment::Phase;
use super::dead_letter::Cut;
use super::read::{Open, drain};
use super::tally::{Tally, ledger_key};
use super::transaction::Fault;
use super::worker::Session;
use super::{Committed, Delivery, Stage, partition_of};
use crate::core::model::{LedgerEntry, Millis};

/// Aborts in a row before the worker begins anew.
const MAX_ABORTS: u32 = 20;

impl<S: Stage> Session<'_, S> {
    pub(super) fn commit(&mut self) -> Result<(), Fault> {
        let last_record = Instant::now();
        self.advance_idle()?;
        let patience = self.context.patience();
        if self.context.settings.delivery == Delivery::AtLeastOnce {
            // Without a transaction the order is the promise: an incident whose state says that an alert was sent, while
            // the alert was not, would stay silent. So first what is told, then the state.
            self.transaction.flush(patience)?;
        }
        let entries = self.write_changes_and_ledger()?;
        self.transaction.flush(patience)?;
        let mut offsets = TopicPartitionList::new();
        for entry in &entries {
            offsets
                .add_partition_offset(&entry.topic, entry.partition, Offset::Offset(entry.to))
                .map_err(|error| Fault::Restart(format!("offsets: {error}")))?;
        }
        match self.context.settings.delivery {
            Delivery::ExactlyOnce => {
                self.verify_offsets()?;
                if self.consumer.assignment_lost() {
                    return Err(Fault::Abort("the partitions were lost".to_owned()));
                }
                let Some(generation) = &self.generation else {
                    return Err(Fault::Abort("not a member of the group".to_owned()));
                };
                self.transaction.commit(&offsets, generation, patience)?;
            }
            Delivery::AtLeastOnce => {
                self.consumer
                    .commit(&offsets, CommitMode::Sync)
                    .map_err(|error| Fault::Restart(format!("offset commit: {error}")))?;
                self.transaction.settle();
            }
        }
        self.stage.commit();
        for owned in self.assignment.iter_mut() {
            if let Some(tally) = owned.tally.take() {
                owned.next = tally.to;
            }
        }
        self.aborts = 0;
        self.refused.cut = Cut::default();
        let open = std::mem::take(&mut self.open);
        self.context.events.committed(&Committed {
            role: self.stage.role(),
            entries: &entries,
            took: open.since.map_or(Duration::ZERO, |since| since.elapsed()),
            commit: last_record.elapsed(),
            written: open.written,
        });
        Ok(())
    }

    /// Advances the clocks of quiet partitions that have a timer due, as far as this transaction may hold what that leads
    /// to; the next one goes on. A transaction never holds both an idle advance and records of a partition, so that the
    /// ledger's order is the order in which it happened.
    pub(super) fn advance_idle(&mut self) -> Result<(), Fault> {
        let mut due: Vec<(i32, Millis)> = self.due_partitions().collect();
        // The one most behind first, so that none waits for ever.
        due.sort_by_key(|(partition, _)| (self.stage.clock(*partition), *partition));
        let began = Instant::now();
        for (nth, (partition, to)) in due.into_iter().enumerate() {
            let settings = &self.context.settings;
            let full =
                self.open.bytes >= settings.max_bytes || began.elapsed() >= settings.max_time;
            if nth > 0 && full {
                break;
            }
            self.out.clear();
            let to = self.stage.advance(partition, to, &mut self.out);
            for owned in self
                .assignment
                .iter_mut()
                .filter(|o| o.partition == partition)
            {
                let next = owned.next;
                owned
                    .tally
                    .get_or_insert_with(|| Tally::new(next))
                    .advanced_to = Some(to);
            }
            drain(
                &self.out,
                &self.counts,
                &self.transaction,
                None,
                &mut self.open,
                self.refused.cut,
            )?;
        }
        Ok(())
    }

    pub(super) fn write_changes_and_ledger(&mut self) -> Result<Vec<LedgerEntry>, Fault> {
        let mut entries = Vec::new();
        for owned in self.assignment.iter() {
            let Some(tally) = &owned.tally else { continue };
            self.out.clear();
            self.stage.finish(owned.partition, &mut self.out);
            let partition = Some(owned.partition);
            drain(
                &self.out,
                &self.counts,
                &self.transaction,
                partition,
                &mut self.open,
                self.refused.cut,
            )?;
            let entry = tally.entry(&*self.stage, &owned.topic, owned.partition, owned.next);
            let json = serde_json::to_vec(&entry)
                .map_err(|error| Fault::Fatal(format!("ledger entry: {error}")))?;
            let key = ledger_key(&owned.topic, owned.partition);
            let to = partition_of(key.as_bytes(), self.ledger.1);
            self.transaction
                .send(&self.ledger.0, to, key.as_bytes(), Some(&json), &[])?;
            entries.push(entry);
        }
        Ok(entries)
    }

    /// After a rebalance: what the group says is committed must be what this worker believes. From the event on nobody
    /// else can commit these partitions, so one look is enough.
    pub(super) fn verify_offsets(&mut self) -> Result<(), Fault> {
        if !self.verify {
            return Ok(());
        }
        let mut list = TopicPartitionList::new();
        for owned in self.assignment.iter().filter(|o| o.phase == Phase::Running) {
            list.add_partition(&owned.topic, owned.partition);
        }
        let answer = self
            .consumer
            .committed_offsets(list, Duration::from_secs(3))
            .map_err(|error| Fault::Abort(format!("committed offsets: {error}")))?;
        for owned in self.assignment.iter().filter(|o| o.phase == Phase::Running) {
            let found = answer.find_partition(&owned.topic, owned.partition);
            if let Some(Err(error)) = found
                .as_ref()
                .map(rdkafka::topic_partition_list::TopicPartitionListElem::error)
            {
                return Err(Fault::Abort(format!(
                    "committed offset of {}/{}: {error}",
                    owned.topic, owned.partition
                )));
            }
            match found.map(|element| element.offset()) {
                Some(Offset::Offset(offset)) if offset != owned.next => {
                    return Err(Fault::Restart(format!(
                        "{}/{}: offset {offset} is committed, {} was expected: another worker has gone on from here",
                        owned.topic, owned.partition, owned.next
                    )));
                }
                _ => {}
            }
        }
        self.verify = false;
        Ok(())
    }

    /// Undoes the open transaction and goes back to the committed offsets.
    pub(super) fn abort(&mut self, why: &str) -> Result<(), Fault> {
        self.context.events.aborted(self.stage.role(), why);
        tracing::info!(
            role = self.stage.role().id(),
            worker = self.worker,
            why,
            "transaction aborted"
        );
        self.aborts += 1;
        if self.aborts > MAX_ABORTS {
            return Err(Fault::Restart(format!(
                "{MAX_ABORTS} aborts in a row, the last: {why}"
            )));
        }
        self.open = Open::default();
        self.out.clear();
        if self.context.settings.delivery == Delivery::AtLeastOnce {
            return Err(Fault::Restart(why.to_owned()));
        }
        self.transaction.abort(self.context.patience())?;
        self.stage.rollback();
        let mut list = TopicPartitionList::new();
        for owned in self.assignment.iter_mut() {
            let from = owned.rewind_to();
            owned.tally = None;
            if let Some(from) = from {
                owned.at_end = false;
                owned.sought(from);
                list.add_partition_offset(&owned.topic, owned.partition, Offset::Offset(from))
                    .map_err(|error| Fault::Restart(format!("rewind: {error}")))?;
            }
        }
        self.seek(list)
    }

    pub(super) fn seek(&self, list: TopicPartitionList) -> Result<(), Fault> {
        if list.count() == 0 {
            return Ok(());
        }
        let answer = self
            .consumer
            .seek_partitions(list, Duration::from_secs(5))
            .map_err(|error| Fault::Restart(format!("seek: {error}")))?;
        for element in answer.elements() {
            element.error().map_err(|error| {
                let (topic, partition) = (element.topic(), element.partition());
                Fault::Restart(format!("seek of {topic}/{partition}: {error}"))
            })?;
        }
        Ok(())
    }
}
