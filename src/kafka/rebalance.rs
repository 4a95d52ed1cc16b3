//! Partitions that come and go, and the restore of those that came.
//!
//! Invariant: an assignment is answered at once, its partitions paused, so that the others keep running; a partition starts
//! only behind its restored state, at the committed offset.

use std::time::Duration;

use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::assignment::Phase;
use super::membership::{Change, Rebalance, TopicPartition, unassign};
use super::restore::Restore;
use super::transaction::Fault;
use super::worker::Session;
use super::{Delivery, Stage};

/// Time given to a restore between two polls of the other partitions.
const RESTORE_SLICE: Duration = Duration::from_millis(100);
/// Longest time from an assignment to its start, the reading of the changelog included.
const RESTORE_PATIENCE: Duration = Duration::from_mins(10);

impl<S: Stage> Session<'_, S> {
    pub(super) fn apply_rebalances(&mut self) -> Result<(), Fault> {
        while let Some(Rebalance { change, generation }) = self.consumer.context().next() {
            match change {
                Change::Assigned(partitions) => self.assigned(&partitions)?,
                Change::Revoked(partitions) => self.revoked(&partitions),
            }
            self.generation = generation;
            self.verify = self.assignment.running() > 0;
            self.report_partitions();
        }
        Ok(())
    }

    /// Takes new partitions at once, paused: the client stops the others until it is answered.
    pub(super) fn assigned(&mut self, partitions: &[TopicPartition]) -> Result<(), Fault> {
        let list = list_of(partitions);
        // Stated, so that the client does not look for a committed offset of its own: the restore does. The beginning, since
        // the client may begin here although it was sent elsewhere later: what was read before is passed over then, where
        // from the end nothing would come until the next record is written.
        let mut stated = TopicPartitionList::new();
        for (topic, partition) in partitions {
            stated
                .add_partition_offset(topic, *partition, Offset::Beginning)
                .map_err(|error| Fault::Restart(format!("assign: {error}")))?;
        }
        self.consumer
            .incremental_assign(&stated)
            .map_err(|error| Fault::Restart(format!("assign: {error}")))?;
        if partitions.is_empty() {
            return Ok(());
        }
        self.consumer
            .pause(&list)
            .map_err(|error| Fault::Restart(format!("pause: {error}")))?;
        for (topic, partition) in partitions {
            self.assignment.add(topic, *partition);
            self.stage.open(topic, *partition);
        }
        let changelog = self
            .stage
            .is_stateful()
            .then_some(self.context.names.incidents.as_str());
        let restore = Restore::begin(
            &self.context.settings,
            self.stage.role(),
            changelog,
            partitions,
        )?;
        self.restores.push_back(restore);
        Ok(())
    }

    /// Gives partitions back. No transaction is open here: reading ends early when an event waits, and the transaction was
    /// committed, if the generation in which it was read still counts and nothing was lost, else undone.
    pub(super) fn revoked(&mut self, partitions: &[TopicPartition]) {
        for (topic, partition) in partitions {
            for restore in &mut self.restores {
                restore.forget(topic, *partition);
            }
            if self.assignment.remove(topic, *partition) {
                self.stage.close(topic, *partition);
                self.released(topic, *partition);
            }
        }
        self.restores
            .retain(|restore| !restore.partitions.is_empty());
        unassign(&self.consumer, &list_of(partitions));
    }

    pub(super) fn work_on_restore(&mut self) -> Result<(), Fault> {
        let Some(restore) = self.restores.front_mut() else {
            return Ok(());
        };
        if !restore.work(self.stage, RESTORE_SLICE)? {
            return Ok(());
        }
        self.start_restored()
    }

    /// Seeks and starts what was restored; a partition that the client has not begun to fetch is asked again.
    pub(super) fn start_restored(&mut self) -> Result<(), Fault> {
        let Some(restore) = self.restores.front() else {
            return Ok(());
        };
        let mut list = TopicPartitionList::new();
        for p in &restore.partitions {
            list.add_partition_offset(&p.topic, p.partition, Offset::Offset(p.seek))
                .map_err(|error| Fault::Restart(format!("seek: {error}")))?;
        }
        let answer = self.consumer.seek_partitions(list, Duration::from_secs(2));
        let refused = match &answer {
            Ok(answer) => answer.elements().iter().find_map(|it| it.error().err()),
            Err(error) => Some(error.clone()),
        };
        if let Some(error) = refused {
            tracing::debug!(%error, "seek after restore");
            if restore.started.elapsed() > RESTORE_PATIENCE {
                return Err(Fault::Restart(format!(
                    "restored partitions do not start: {error}"
                )));
            }
            std::thread::sleep(Duration::from_millis(10));
            return Ok(());
        }
        let Some(restore) = self.restores.pop_front() else {
            return Ok(());
        };
        self.commit_first_offsets(&restore)?;
        self.take_over(&restore);
        let started: Vec<TopicPartition> = restore
            .partitions
            .iter()
            .map(|p| (p.topic.clone(), p.partition))
            .collect();
        self.consumer
            .resume(&list_of(&started))
            .map_err(|error| Fault::Restart(format!("resume: {error}")))?;
        self.report_partitions();
        Ok(())
    }

    /// At least once, state is written before its offset, and a crash in between must not look like an offset that was lost.
    fn commit_first_offsets(&self, restore: &Restore) -> Result<(), Fault> {
        if self.context.settings.delivery == Delivery::ExactlyOnce {
            return Ok(());
        }
        let mut first = TopicPartitionList::new();
        for p in restore.partitions.iter().filter(|p| !p.committed) {
            first
                .add_partition_offset(&p.topic, p.partition, Offset::Offset(p.next))
                .map_err(|error| Fault::Restart(format!("offsets: {error}")))?;
        }
        if first.count() == 0 {
            return Ok(());
        }
        self.consumer
            .commit(&first, CommitMode::Sync)
            .map_err(|error| Fault::Restart(format!("offset commit: {error}")))
    }

    /// Marks restored partitions as running, and reports them.
    fn take_over(&mut self, restore: &Restore) {
        let role = self.stage.role();
        for p in &restore.partitions {
            self.stage.restored(p.partition);
            if let Some(owned) = self.assignment.find(&p.topic, p.partition) {
                owned.next = p.next;
                owned.phase = Phase::Running;
                owned.sought(p.seek);
            }
            if p.seek > p.next {
                self.context
                    .events
                    .lost(role, &p.topic, p.partition, p.seek - p.next);
                tracing::warn!(
                    topic = p.topic,
                    partition = p.partition,
                    from = p.next,
                    to = p.seek,
                    "records were deleted by retention before they were read"
                );
            }
            self.context
                .events
                .restored(role, p.partition, p.records, restore.started.elapsed());
            tracing::info!(
                role = role.id(),
                worker = self.worker,
                topic = p.topic,
                partition = p.partition,
                next = p.next,
                records = p.records,
                ms = restore.started.elapsed().as_millis() as u64,
                "partition restored"
            );
        }
    }
}

fn list_of(partitions: &[TopicPartition]) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for (topic, partition) in partitions {
        list.add_partition(topic, *partition);
    }
    list
}
