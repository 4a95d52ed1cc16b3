//! One worker's life between two connections: join, read, write, commit, give back.
//!
//! Invariants: a record is processed only in a partition that is [`Phase::Running`], in offset order, each once per
//! committed transaction; what a transaction changed in the stage is committed or rolled back together with it; the
//! committed offset is the last processed one + 1; nothing of a partition is kept once it is given back.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers as _, Timestamp};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::assignment::{Assignment, Phase};
use super::membership::{Change, Membership, Rebalance, TopicPartition, unassign};
use super::restore::Restore;
use super::tally::{Tally, ledger_key};
use super::transaction::{Fault, Transaction};
use super::{
    Committed, Delivery, Headers, Input, KafkaSettings, Outbox, Stage, Target, TopicNames,
    WorkerEvents, client, partition_of,
};
use crate::core::model::Millis;

/// Longest wait for a transaction's end while running: longer outages are sat out by beginning anew.
const PATIENCE: Duration = Duration::from_secs(8);
/// The same while stopping.
const PATIENCE_STOPPING: Duration = Duration::from_secs(4);
/// Wait for a record while nothing is open.
const IDLE_POLL: Duration = Duration::from_millis(50);
/// Time given to a restore between two polls of the other partitions.
const RESTORE_SLICE: Duration = Duration::from_millis(100);
/// Longest time from an assignment to its start, the reading of the changelog included.
const RESTORE_PATIENCE: Duration = Duration::from_mins(10);
/// Aborts in a row before the worker begins anew.
const MAX_ABORTS: u32 = 20;

/// What every worker of a process shares: settings, names, the receiver of events, and the wish to stop.
#[derive(Clone)]
pub struct WorkerContext {
    /// Connection and limits.
    pub settings: Arc<KafkaSettings>,
    /// Names of Tocsin's topics.
    pub names: Arc<TopicNames>,
    /// Receives what happens.
    pub events: Arc<dyn WorkerEvents>,
    /// Set to stop every worker.
    pub stop: Arc<AtomicBool>,
}

impl WorkerContext {
    pub(super) fn stopping(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    fn patience(&self) -> Duration {
        if self.stopping() {
            PATIENCE_STOPPING
        } else {
            PATIENCE
        }
    }
}

/// A connected worker.
pub(super) struct Session<'a, S: Stage> {
    context: &'a WorkerContext,
    worker: u32,
    stage: &'a mut S,
    consumer: BaseConsumer<Membership>,
    transaction: Transaction,
    counts: BTreeMap<Target, (String, i32)>,
    ledger: (String, i32),
    assignment: Assignment,
    restores: VecDeque<Restore>,
    generation: Option<ConsumerGroupMetadata>,
    /// The generation is new: compare committed offsets with ours before the next commit.
    verify: bool,
    out: Outbox,
    open: Open,
    aborts: u32,
}

/// The open transaction.
#[derive(Default)]
struct Open {
    since: Option<Instant>,
    records: u32,
    bytes: u64,
    written: u64,
}

impl<'a, S: Stage> Session<'a, S> {
    /// Connects, and joins the group.
    pub(super) fn connect(
        context: &'a WorkerContext,
        worker: u32,
        stage: &'a mut S,
    ) -> Result<Self, Fault> {
        let role = stage.role();
        let settings = &context.settings;
        // First the producer: it settles what an earlier one of the same id left open, and with it the offsets.
        let transaction = Transaction::connect(settings, role, worker, || context.stopping())?;
        let consumer: BaseConsumer<Membership> =
            client::member(settings, role, stage.is_stateful())
                .create_with_context(Membership::default())
                .map_err(|error| Fault::Fatal(format!("consumer configuration: {error}")))?;
        let mut session = Self {
            context,
            worker,
            stage,
            consumer,
            transaction,
            counts: BTreeMap::new(),
            ledger: (context.names.ledger.clone(), 0),
            assignment: Assignment::default(),
            restores: VecDeque::new(),
            generation: None,
            verify: false,
            out: Outbox::default(),
            open: Open::default(),
            aborts: 0,
        };
        session.count_partitions()?;
        let topics = session.stage.topics();
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        session
            .consumer
            .subscribe(&topics)
            .map_err(|error| Fault::Fatal(format!("subscribe: {error}")))?;
        Ok(session)
    }

    /// Partition counts of the topics written to: fixed while connected.
    fn count_partitions(&mut self) -> Result<(), Fault> {
        let names = &self.context.names;
        let targets = [
            (Target::Detections, &names.detections),
            (Target::Incidents, &names.incidents),
            (Target::Queue, &names.queue),
            (Target::Shadow, &names.shadow),
            (Target::DeadLetters, &names.dead_letters),
        ];
        for (target, name) in targets {
            let count = self.partitions_of(name)?;
            self.counts.insert(target, (name.clone(), count));
        }
        self.ledger.1 = self.partitions_of(&names.ledger.clone())?;
        if self.counts.get(&Target::Detections).map(|c| c.1)
            != self.counts.get(&Target::Incidents).map(|c| c.1)
        {
            return Err(Fault::Fatal(format!(
                "{} and {} must have equally many partitions: `tocsin topics check` says more",
                names.detections, names.incidents
            )));
        }
        Ok(())
    }

    fn partitions_of(&self, topic: &str) -> Result<i32, Fault> {
        let metadata = self
            .consumer
            .fetch_metadata(Some(topic), Duration::from_secs(5))
            .map_err(|error| Fault::Restart(format!("metadata of {topic}: {error}")))?;
        let count = metadata
            .topics()
            .iter()
            .find(|found| found.name() == topic)
            .map_or(0, |found| found.partitions().len());
        if count == 0 {
            return Err(Fault::Restart(format!(
                "topic {topic} does not exist: `tocsin topics create` makes it"
            )));
        }
        Ok(count as i32)
    }

    /// Works until it is told to stop or cannot go on.
    pub(super) fn run(&mut self) -> Result<(), Fault> {
        while !self.context.stopping() {
            self.stage.between();
            self.guard(Self::turn)?;
        }
        Ok(())
    }

    /// Runs one turn; an abort is handled here, anything else ends the session.
    fn guard(&mut self, turn: impl FnOnce(&mut Self) -> Result<(), Fault>) -> Result<(), Fault> {
        match turn(self) {
            Err(Fault::Abort(why)) => self.abort(&why),
            other => other,
        }
    }

    fn turn(&mut self) -> Result<(), Fault> {
        self.apply_rebalances()?;
        self.work_on_restore()?;
        self.read()?;
        self.open_for_timers()?;
        if self.transaction.is_open() {
            self.commit()?;
        }
        self.report_lag();
        Ok(())
    }

    // --- reading -----------------------------------------------------------------------------------------------

    /// Reads until a bound of the transaction is reached, or nothing comes for a while.
    fn read(&mut self) -> Result<(), Fault> {
        let settings = &self.context.settings;
        let idle = if self.restores.is_empty() {
            IDLE_POLL
        } else {
            Duration::ZERO
        };
        loop {
            let wait = match self.open.since {
                None => idle,
                Some(since) => {
                    let left = settings.max_time.saturating_sub(since.elapsed());
                    if left.is_zero()
                        || self.open.records >= settings.max_records
                        || self.open.bytes >= settings.max_bytes
                    {
                        return Ok(());
                    }
                    left
                }
            };
            // The message borrows the consumer, so the consumer is lent out for the while.
            let polled = self.consumer.poll(wait);
            match polled {
                Some(Ok(message)) => accept(
                    self.stage,
                    &mut self.transaction,
                    &self.counts,
                    &mut self.assignment,
                    &mut self.out,
                    &mut self.open,
                    &message,
                )?,
                Some(Err(KafkaError::PartitionEOF(partition))) => self.at_end(partition),
                Some(Err(error)) => self.consumer_error(&error)?,
                None => {
                    if self.open.since.is_none()
                        || self.context.stopping()
                        || self.consumer.context().has_pending()
                    {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Only stages with one topic ask for ends, so that the number says which partition it is.
    fn at_end(&mut self, partition: i32) {
        for owned in self.assignment.iter_mut() {
            if owned.partition == partition && owned.phase == Phase::Running {
                owned.at_end = true;
            }
        }
    }

    fn consumer_error(&self, error: &KafkaError) -> Result<(), Fault> {
        use RDKafkaErrorCode as Code;
        match error.rdkafka_error_code() {
            Some(
                Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::Authentication
                | Code::SaslAuthenticationFailed,
            ) => Err(Fault::Restart(format!("not allowed: {error}"))),
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
    fn open_for_timers(&mut self) -> Result<(), Fault> {
        if !self.transaction.is_open() && self.due_partitions().next().is_some() {
            begin(&mut self.transaction, &mut self.open)?;
        }
        Ok(())
    }

    /// How far idle partitions may advance.
    fn idle_horizon(&self) -> Millis {
        wall_clock().plus(-(self.context.settings.idle_lag.as_millis() as i64))
    }

    fn due_partitions(&self) -> impl Iterator<Item = (i32, Millis)> {
        let to = self.idle_horizon();
        self.assignment.iter().filter_map(move |owned| {
            let quiet = owned.phase == Phase::Running
                && owned.at_end
                && !owned.tally.as_ref().is_some_and(Tally::has_records);
            let due = quiet && self.stage.due(owned.partition).is_some_and(|due| due <= to);
            due.then_some((owned.partition, to))
        })
    }

    // --- commit and abort --------------------------------------------------------------------------------------

    fn commit(&mut self) -> Result<(), Fault> {
        let last_record = Instant::now();
        self.advance_idle()?;
        let entries = self.write_changes_and_ledger()?;
        let patience = self.context.patience();
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

    /// Advances the clocks of quiet partitions that have a timer due. A transaction never holds both an idle advance and
    /// records of a partition, so that the ledger's order is the order in which it happened.
    fn advance_idle(&mut self) -> Result<(), Fault> {
        let due: Vec<(i32, Millis)> = self.due_partitions().collect();
        for (partition, to) in due {
            self.out.clear();
            self.stage.advance(partition, to, &mut self.out);
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
            )?;
        }
        Ok(())
    }

    fn write_changes_and_ledger(&mut self) -> Result<Vec<crate::core::model::LedgerEntry>, Fault> {
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
    fn verify_offsets(&mut self) -> Result<(), Fault> {
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
    fn abort(&mut self, why: &str) -> Result<(), Fault> {
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
            if owned.tally.take().is_some_and(|tally| tally.has_records()) {
                owned.at_end = false;
                list.add_partition_offset(
                    &owned.topic,
                    owned.partition,
                    Offset::Offset(owned.next),
                )
                .map_err(|error| Fault::Restart(format!("rewind: {error}")))?;
            }
        }
        self.seek(list)
    }

    fn seek(&self, list: TopicPartitionList) -> Result<(), Fault> {
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

    // --- rebalance and restore ---------------------------------------------------------------------------------

    fn apply_rebalances(&mut self) -> Result<(), Fault> {
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
    fn assigned(&mut self, partitions: &[TopicPartition]) -> Result<(), Fault> {
        let list = list_of(partitions);
        self.consumer
            .incremental_assign(&list)
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
    fn revoked(&mut self, partitions: &[TopicPartition]) {
        for (topic, partition) in partitions {
            for restore in &mut self.restores {
                restore.forget(topic, *partition);
            }
            if self.assignment.remove(topic, *partition) {
                self.stage.close(topic, *partition);
            }
        }
        self.restores
            .retain(|restore| !restore.partitions.is_empty());
        unassign(&self.consumer, &list_of(partitions));
    }

    fn work_on_restore(&mut self) -> Result<(), Fault> {
        let Some(restore) = self.restores.front_mut() else {
            return Ok(());
        };
        if !restore.work(self.stage, RESTORE_SLICE)? {
            return Ok(());
        }
        self.start_restored()
    }

    /// Seeks and starts what was restored; a partition that the client has not begun to fetch is asked again.
    fn start_restored(&mut self) -> Result<(), Fault> {
        let Some(restore) = self.restores.front() else {
            return Ok(());
        };
        let mut list = TopicPartitionList::new();
        for p in &restore.partitions {
            list.add_partition_offset(&p.topic, p.partition, Offset::Offset(p.seek))
                .map_err(|error| Fault::Restart(format!("seek: {error}")))?;
        }
        let answer = match self.consumer.seek_partitions(list, Duration::from_secs(2)) {
            Ok(answer) => answer,
            Err(error) => {
                tracing::debug!(%error, "seek after restore");
                return Ok(());
            }
        };
        if answer
            .elements()
            .iter()
            .any(|element| element.error().is_err())
        {
            if restore.started.elapsed() > RESTORE_PATIENCE {
                return Err(Fault::Restart(
                    "restored partitions do not start".to_owned(),
                ));
            }
            std::thread::sleep(Duration::from_millis(10));
            return Ok(());
        }
        let Some(restore) = self.restores.pop_front() else {
            return Ok(());
        };
        let role = self.stage.role();
        for p in &restore.partitions {
            self.stage.restored(p.partition);
            if let Some(owned) = self.assignment.find(&p.topic, p.partition) {
                owned.next = p.next;
                owned.phase = Phase::Running;
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

    fn report_partitions(&self) {
        let (role, running) = (self.stage.role(), self.assignment.running());
        self.context.events.partitions(role, self.worker, running);
        self.context
            .events
            .ready(role, self.worker, self.restores.is_empty());
    }

    fn report_lag(&mut self) {
        let role = self.stage.role();
        for end in self.consumer.context().take_ends() {
            if let Some(owned) = self.assignment.find(&end.topic, end.partition) {
                let lag = (end.offset - owned.next).max(0);
                self.context
                    .events
                    .lag(role, &end.topic, end.partition, lag);
            }
        }
    }

    /// Gives everything back. Nothing is open any more, or what is open is dropped with the producer.
    pub(super) fn close(self) {
        for owned in self.assignment.iter() {
            self.stage.close(&owned.topic, owned.partition);
        }
        self.context
            .events
            .ready(self.stage.role(), self.worker, false);
        self.consumer.context().close();
        while self.consumer.context().next().is_some() {
            if let Ok(list) = self.consumer.assignment() {
                unassign(&self.consumer, &list);
            }
        }
    }
}

/// Processes one record within the open transaction, opening one if needed.
#[expect(
    clippy::too_many_arguments,
    reason = "the message borrows the consumer, so the session cannot be borrowed whole"
)]
fn accept<S: Stage>(
    stage: &mut S,
    transaction: &mut Transaction,
    counts: &BTreeMap<Target, (String, i32)>,
    assignment: &mut Assignment,
    out: &mut Outbox,
    open: &mut Open,
    message: &BorrowedMessage<'_>,
) -> Result<(), Fault> {
    let (partition, offset) = (message.partition(), message.offset());
    let Some(owned) = assignment.find(message.topic(), partition) else {
        return Ok(());
    };
    let expected = owned.tally.as_ref().map_or(owned.next, |tally| tally.to);
    // What was fetched before a pause or a seek took effect is read again later.
    if owned.phase != Phase::Running || offset < expected {
        return Ok(());
    }
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
    let wall = wall_clock();
    let received = match message.timestamp() {
        Timestamp::CreateTime(at) | Timestamp::LogAppendTime(at) if at >= 0 => Millis(at).min(wall),
        _ => wall,
    };
    let input = Input {
        topic: message.topic(),
        partition,
        offset,
        received,
        key: message.key(),
        payload: message.payload(),
        headers,
    };
    out.clear();
    let outcome = stage.process(&input, out);
    let next = owned.next;
    owned
        .tally
        .get_or_insert_with(|| Tally::new(next))
        .count(offset, outcome);
    open.records += 1;
    open.bytes += (message.payload_len() + message.key_len()) as u64;
    if out.is_empty() {
        return Ok(());
    }
    drain(out, counts, transaction, None, open)
}

fn begin(transaction: &mut Transaction, open: &mut Open) -> Result<(), Fault> {
    transaction.begin()?;
    *open = Open {
        since: Some(Instant::now()),
        ..Open::default()
    };
    Ok(())
}

/// Sends what a stage wrote. `changelog`: the partition that changelog records go to, whatever their key.
fn drain(
    out: &Outbox,
    counts: &BTreeMap<Target, (String, i32)>,
    transaction: &Transaction,
    changelog: Option<i32>,
    open: &mut Open,
) -> Result<(), Fault> {
    for record in out.records() {
        let Some((topic, count)) = counts.get(&record.target) else {
            return Err(Fault::Fatal(format!("no topic for {:?}", record.target)));
        };
        let partition = changelog
            .or(record.partition)
            .unwrap_or_else(|| partition_of(record.key, *count));
        transaction.send(topic, partition, record.key, record.payload, record.headers)?;
        open.bytes += (record.key.len() + record.payload.map_or(0, <[u8]>::len)) as u64;
        open.written += u64::from(changelog.is_none());
    }
    Ok(())
}

fn list_of(partitions: &[TopicPartition]) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for (topic, partition) in partitions {
        list.add_partition(topic, *partition);
    }
    list
}

/// The wall clock: for latency, for capping `received`, and for how far an idle partition may advance.
pub fn wall_clock() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Millis(since.map_or(0, |since| since.as_millis() as i64))
}
