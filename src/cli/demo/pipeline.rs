//! What runs behind the demo's screen: the embedded cluster, the production workers, the player of the sample stream, and a
//! reader of the queue. Everything reports to the screen as [`Event`]s.
//!
//! **Time.** The stream is placed so that its last record was received at the start of the demo: a record's Kafka timestamp is
//! that start, less what follows it in the stream, and the times within the record are moved with it. Played faster than it
//! was, the stream therefore never lies in the future, and incidents open, grow and calm down on its own clock.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::player::Player;
use super::sample::Sample;
use crate::core::model::{Alert, Feed, LedgerEntry, RETRACTION_KEY};
use crate::desk::http::api::Reports;
use crate::desk::http::calls::KafkaReports;
use crate::kafka::embedded::{Embedded, EmbeddedPartitions};
use crate::kafka::{
    Committed, CorrelateStage, DetectStage, KafkaSettings, LiveRules, Pool, Role, TopicNames,
    WorkerContext, WorkerEvents, client,
};
use crate::telemetry::{Telemetry, wall_clock};

/// Partitions of each of Tocsin's topics; a feed topic has one.
const PARTITIONS: i32 = 4;
/// Longest wait of the reader for a record.
const POLL: Duration = Duration::from_millis(50);

/// What the screen is told.
#[derive(Debug)]
pub(super) enum Event {
    /// So many records of the sample have been sent.
    Sent(u64),
    /// A transaction was committed.
    Committed(Vec<LedgerEntry>),
    /// An alert lies on the queue.
    Alert(Box<Alert>),
    /// Every detection up to the end was seen; so many there are.
    Detections(u64),
    /// Every alert up to the end was seen.
    QueueRead,
    /// Something ended that should not have.
    Failed(String),
}

/// How far the reader has to go; steps of the end of `--once`.
#[derive(Clone, Debug, Default)]
pub(super) struct Goal(Arc<AtomicU8>);

impl Goal {
    const DETECTIONS: u8 = 1;
    const QUEUE: u8 = 2;

    /// No more detections will come: report when all are seen.
    pub(super) fn all_detections(&self) {
        self.0.fetch_max(Self::DETECTIONS, Ordering::SeqCst);
    }

    /// No more alerts will come: report when all are seen.
    pub(super) fn all_alerts(&self) {
        self.0.fetch_max(Self::QUEUE, Ordering::SeqCst);
    }

    fn get(&self) -> u8 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Switches that the screen sets.
#[derive(Clone, Debug, Default)]
pub(super) struct Controls {
    pub(super) stop: Arc<AtomicBool>,
    pub(super) paused: Arc<AtomicBool>,
    /// Time of the newest record of the stream: what is reported by telephone is received then.
    pub(super) stream: Arc<AtomicI64>,
    pub(super) goal: Goal,
}

impl Controls {
    pub(super) fn stopping(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

/// Everything that runs.
pub(super) struct Pipeline {
    pools: Vec<Pool>,
    threads: Vec<JoinHandle<()>>,
    controls: Controls,
    kafka: Arc<KafkaSettings>,
    // Last, so that the workers are gone before their broker.
    _cluster: Embedded,
}

/// What a pipeline is started with.
pub(super) struct Parts {
    pub(super) feeds: Vec<Arc<Feed>>,
    /// What the workers follow.
    pub(super) live: Arc<LiveRules>,
    pub(super) telemetry: Arc<Telemetry>,
    pub(super) sample: Sample,
    /// Stream time per real time.
    pub(super) speed: f64,
}

impl Pipeline {
    /// Starts everything; `events` receives what happens.
    pub(super) fn start(
        parts: Parts,
        controls: &Controls,
        events: &Sender<Event>,
    ) -> anyhow::Result<Self> {
        let names = Arc::new(TopicNames::new("tocsin."));
        let partitions = EmbeddedPartitions {
            main: PARTITIONS,
            other: PARTITIONS,
            feed: 1,
        };
        let topics = parts.feeds.iter().map(|feed| feed.topic.as_str());
        let cluster = Embedded::start(&names, topics, partitions)
            .context("the embedded Kafka does not start")?;
        let length_ms = parts.sample.length_ms();
        let kafka = Arc::new(kafka_settings(&cluster, length_ms));
        let context = WorkerContext {
            settings: kafka.clone(),
            names: names.clone(),
            events: Arc::new(Forward {
                telemetry: parts.telemetry.clone(),
                events: events.clone(),
            }),
            stop: controls.stop.clone(),
        };
        let pools = workers(&parts, &context);
        let start = wall_clock().plus(-length_ms);
        controls.stream.store(start.0, Ordering::SeqCst);
        let player = Player {
            producer: client::base(&kafka).create()?,
            topics: parts
                .feeds
                .iter()
                .map(|feed| (feed.id.to_string(), feed.topic.clone()))
                .collect(),
            sample: parts.sample,
            speed: parts.speed,
            start,
            controls: controls.clone(),
            events: events.clone(),
        };
        let reader = Reader::new(&kafka, &names, controls, events)?;
        let threads = vec![
            thread("player", events, move || player.play())?,
            thread("reader", events, move || reader.read())?,
        ];
        Ok(Self {
            pools,
            threads,
            controls: controls.clone(),
            kafka,
            _cluster: cluster,
        })
    }

    /// The way of a report by telephone into a feed's topic, on the stream's clock.
    pub(super) fn calls(&self, topic: &str) -> anyhow::Result<Arc<dyn Reports>> {
        let stream = Arc::clone(&self.controls.stream);
        let reports = KafkaReports::new(&self.kafka, topic)
            .context("cannot make a producer for reports by telephone")?;
        Ok(Arc::new(
            reports.stamped(move || stream.load(Ordering::SeqCst)),
        ))
    }

    /// Stops everything and waits for it.
    pub(super) fn stop(self) -> anyhow::Result<()> {
        self.controls.stop.store(true, Ordering::SeqCst);
        for thread in self.threads {
            let _ = thread.join();
        }
        for pool in self.pools {
            pool.join()?;
        }
        Ok(())
    }
}

fn kafka_settings(cluster: &Embedded, length_ms: i64) -> KafkaSettings {
    let mut kafka = KafkaSettings::new(cluster.brokers(), "tocsin-demo", "demo");
    // The stream lies in the past: its clock must not run ahead to the wall clock.
    let length = Duration::from_millis(u64::try_from(length_ms).unwrap_or(0));
    kafka.idle_lag = length + Duration::from_hours(1);
    kafka
}

fn workers(parts: &Parts, context: &WorkerContext) -> Vec<Pool> {
    let names = context.names.clone();
    let (live, feeds) = (parts.live.clone(), parts.feeds.clone());
    let telemetry = parts.telemetry.clone();
    telemetry.health.expect(Role::Detect.id(), 1);
    telemetry.health.expect(Role::Correlate.id(), 1);
    let detect = Pool::start(context, Role::Detect, 1, {
        let (names, telemetry, live) = (names.clone(), telemetry.clone(), live.clone());
        move |_| {
            let rules = live.current().rules;
            let stage = DetectStage::new(&names, rules, &feeds, telemetry.clone())?;
            Ok(stage.following(live.clone()))
        }
    });
    let correlate = Pool::start(context, Role::Correlate, 1, move |_| {
        let config = live.current().correlate;
        let stage = CorrelateStage::new(&names, config, telemetry.clone());
        Ok(stage.following(live.clone()))
    });
    vec![detect, correlate]
}

fn thread(
    name: &str,
    events: &Sender<Event>,
    body: impl FnOnce() -> anyhow::Result<()> + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    let events = events.clone();
    let who = name.to_owned();
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            if let Err(error) = body() {
                // Nobody listens any more when the demo has ended.
                let _ = events.send(Event::Failed(format!("{who}: {error:#}")));
            }
        })
}

/// Passes what workers report to telemetry and to the screen.
struct Forward {
    telemetry: Arc<Telemetry>,
    events: mpsc::Sender<Event>,
}

impl WorkerEvents for Forward {
    fn committed(&self, committed: &Committed<'_>) {
        self.telemetry.committed(committed);
        let _ = self
            .events
            .send(Event::Committed(committed.entries.to_vec()));
    }

    fn aborted(&self, role: Role, why: &str) {
        self.telemetry.aborted(role, why);
    }

    fn partitions(&self, role: Role, worker: u32, running: usize) {
        self.telemetry.partitions(role, worker, running);
    }

    fn restored(&self, role: Role, partition: i32, records: u64, took: Duration) {
        self.telemetry.restored(role, partition, records, took);
    }

    fn lag(&self, role: Role, topic: &str, partition: i32, records: i64) {
        self.telemetry.lag(role, topic, partition, records);
    }

    fn lost(&self, role: Role, topic: &str, partition: i32, records: i64) {
        self.telemetry.lost(role, topic, partition, records);
        let _ = self.events.send(Event::Failed(format!(
            "{records} records of {topic} were deleted before they were read"
        )));
    }

    fn restarted(&self, role: Role, worker: u32, why: &str) {
        self.telemetry.restarted(role, worker, why);
    }

    fn ready(&self, role: Role, worker: u32, ready: bool) {
        self.telemetry.ready(role, worker, ready);
    }
}

/// Reads detections (to count them) and the queue, as any other reader would.
struct Reader {
    consumer: BaseConsumer,
    names: Arc<TopicNames>,
    controls: Controls,
    events: Sender<Event>,
}

impl Reader {
    fn new(
        kafka: &KafkaSettings,
        names: &Arc<TopicNames>,
        controls: &Controls,
        events: &Sender<Event>,
    ) -> anyhow::Result<Self> {
        let consumer: BaseConsumer = client::consumer(kafka)
            .set("group.id", "tocsin-demo.reader")
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .create()?;
        let mut all = TopicPartitionList::new();
        for topic in [&names.detections, &names.queue] {
            for partition in 0..PARTITIONS {
                all.add_partition_offset(topic, partition, Offset::Beginning)?;
            }
        }
        consumer.assign(&all)?;
        Ok(Self {
            consumer,
            names: names.clone(),
            controls: controls.clone(),
            events: events.clone(),
        })
    }

    fn read(self) -> anyhow::Result<()> {
        let (mut detections, mut reached) = (0_u64, 0_u8);
        while !self.controls.stopping() {
            match self.consumer.poll(POLL) {
                Some(Ok(message)) => {
                    if message.topic() == self.names.detections {
                        let control = message.key() == Some(RETRACTION_KEY.as_bytes());
                        detections += u64::from(!control);
                    } else if let Some(payload) = message.payload() {
                        let alert = serde_json::from_slice(payload)
                            .context("a record on the queue is no alert")?;
                        let _ = self.events.send(Event::Alert(Box::new(alert)));
                    }
                }
                Some(Err(error)) => tracing::debug!(%error, "reading the queue"),
                None => {
                    let goal = self.controls.goal.get();
                    if goal == Goal::DETECTIONS
                        && reached < goal
                        && self.at_end(&self.names.detections)?
                    {
                        reached = goal;
                        let _ = self.events.send(Event::Detections(detections));
                    }
                    if goal == Goal::QUEUE && reached < goal && self.at_end(&self.names.queue)? {
                        reached = goal;
                        let _ = self.events.send(Event::QueueRead);
                    }
                }
            }
        }
        Ok(())
    }

    fn at_end(&self, topic: &str) -> anyhow::Result<bool> {
        let positions = self.consumer.position()?;
        for partition in 0..PARTITIONS {
            let (low, high) =
                self.consumer
                    .fetch_watermarks(topic, partition, Duration::from_secs(5))?;
            let at = positions
                .find_partition(topic, partition)
                .map(|entry| entry.offset());
            let read = match at {
                Some(Offset::Offset(next)) => next >= high,
                _ => low >= high,
            };
            if !read {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
