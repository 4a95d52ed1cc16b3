//! One worker's life between two connections: join, read, write, commit, give back.
//!
//! Invariants: a record is processed only in a partition that is running, in offset order, each once per committed
//! transaction; what a transaction changed in the stage is committed or rolled back together with it; the committed offset
//! is the last processed one + 1; nothing of a partition is kept once it is given back.
//!
//! The parts of a turn are in `rebalance`, `read` and `commit`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata};

use super::assignment::Assignment;
use super::dead_letter::Cut;
use super::membership::{Membership, unassign};
use super::read::Open;
use super::refused::Refused;
use super::restore::Restore;
use super::transaction::{Fault, Transaction};
use super::{KafkaSettings, Outbox, Stage, Target, TopicNames, WorkerEvents, client};

/// Longest wait for a transaction's end while running: longer outages are sat out by beginning anew.
const PATIENCE: Duration = Duration::from_secs(8);
/// The same while stopping.
const PATIENCE_STOPPING: Duration = Duration::from_secs(4);

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

    pub(super) fn patience(&self) -> Duration {
        if self.stopping() {
            PATIENCE_STOPPING
        } else {
            PATIENCE
        }
    }
}

/// A connected worker.
pub(super) struct Session<'a, S: Stage> {
    pub(super) context: &'a WorkerContext,
    pub(super) worker: u32,
    pub(super) stage: &'a mut S,
    pub(super) refused: &'a mut Refused,
    pub(super) consumer: BaseConsumer<Membership>,
    pub(super) transaction: Transaction,
    pub(super) counts: BTreeMap<Target, (String, i32)>,
    pub(super) ledger: (String, i32),
    pub(super) assignment: Assignment,
    pub(super) restores: VecDeque<Restore>,
    pub(super) generation: Option<ConsumerGroupMetadata>,
    /// The generation is new: compare committed offsets with ours before the next commit.
    pub(super) verify: bool,
    pub(super) out: Outbox,
    pub(super) open: Open,
    pub(super) aborts: u32,
}

impl<'a, S: Stage> Session<'a, S> {
    /// Connects, and joins the group.
    pub(super) fn connect(
        context: &'a WorkerContext,
        worker: u32,
        stage: &'a mut S,
        refused: &'a mut Refused,
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
            refused,
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
            Err(Fault::TooLarge(topic))
                if topic == self.context.names.dead_letters && self.refused.cut != Cut::Headers =>
            {
                self.refused.cut = self.refused.cut.closer();
                tracing::warn!(
                    topic,
                    "a dead letter is refused for its size and is cut: raise the topic's max.message.bytes"
                );
                self.abort("a dead letter is too large for its topic")
            }
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

    pub(super) fn report_partitions(&self) {
        let (role, running) = (self.stage.role(), self.assignment.running());
        self.context.events.partitions(role, self.worker, running);
        self.context
            .events
            .ready(role, self.worker, self.restores.is_empty());
    }

    pub(super) fn report_lag(&mut self) {
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

    pub(super) fn released(&self, topic: &str, partition: i32) {
        let role = self.stage.role();
        self.context.events.released(role, topic, partition);
    }

    /// Gives everything back. Nothing is open any more, or what is open is dropped with the producer.
    pub(super) fn close(self) {
        for owned in self.assignment.iter() {
            self.stage.close(&owned.topic, owned.partition);
            self.context
                .events
                .released(self.stage.role(), &owned.topic, owned.partition);
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
