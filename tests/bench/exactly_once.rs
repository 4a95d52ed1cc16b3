//! Through Apache Kafka exactly once: the detect worker against the same loop with no engine in it, on the same broker, in
//! turns; and the latency from a report to its alert at half load.
//!
//! `cargo bench --bench exactly_once [-- --quick]`. Records are the texts of `$TOCSIN_BENCH_TEXTS` (JSON lines with `text`), else
//! of the bundled sample feed, as Tocsin JSON; rules are the bundled ones. The bare loop is written by hand, not the worker with
//! an idle stage: consume, produce the payload of every tenth record, send the offsets, commit.

#[path = "../kafka/broker.rs"]
#[allow(dead_code)]
mod broker;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::{ClientConfig, Message};
use tocsin::config::{Bundled, LoadOptions, Settings, load_rule_set};
use tocsin::core::model::{Alert, Feed};
use tocsin::core::ruleset::RuleSet;
use tocsin::kafka::topics::{create, plan};
use tocsin::kafka::{
    Committed, CorrelateStage, DetectStage, Pool, Role, WorkerContext, WorkerEvents,
};
use tocsin::telemetry::Telemetry;

const FEED: &str = "bench.feed";
const PARTITIONS: i32 = 4;
/// Records per transaction of the bare loop: as many as the worker may take.
const PER_TRANSACTION: usize = 50_000;
/// Probes a second of the latency run.
const PROBES: f64 = 50.0;

fn main() {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let (records, rounds) = if quick { (40_000, 1) } else { (600_000, 3) };
    let broker = broker::Broker::start();
    let bench = Bench::new(&broker.address());
    bench.fill(records);
    let (mut bare, mut engine) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        bare.push(bench.bare(round, records));
        engine.push(bench.detect(round, records));
        println!(
            "round {round}: bare {:.0}k records/s, detect {:.0}k",
            bare[round] / 1e3,
            engine[round] / 1e3
        );
    }
    let (bare, engine) = (median(bare), median(engine));
    println!("bare loop       {bare:>8.0} records/s");
    println!("detect worker   {engine:>8.0} records/s");
    println!("ratio           {:>8.2} (bar ≥ 0.6)", engine / bare);
    let rate = if quick { 2_000.0 } else { engine / 2.0 };
    bench.latency(rate, Duration::from_secs(if quick { 5 } else { 20 }));
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

struct Bench {
    brokers: String,
    settings: Settings,
    feeds: Vec<Arc<Feed>>,
    rules: Arc<RuleSet>,
    texts: Vec<String>,
}

/// Counts committed records and keeps the newest moment.
#[derive(Default)]
struct Progress(AtomicU64, Mutex<Option<Instant>>);

impl WorkerEvents for Progress {
    fn committed(&self, committed: &Committed<'_>) {
        let read: u64 = committed.entries.iter().map(|entry| entry.read).sum();
        self.1
            .lock()
            .expect("a moment")
            .get_or_insert_with(|| Instant::now().checked_sub(committed.took).unwrap());
        self.0.fetch_add(read, Ordering::SeqCst);
    }
}

impl Bench {
    fn new(brokers: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let file = dir.path().join("tocsin.toml");
        let text = format!(
            "[kafka]\nbrokers = \"{brokers}\"\ntransaction_max_records = {PER_TRANSACTION}\n[topics]\nreplication = 1\n[[feeds]]\nid = \
             \"bench\"\ntopic = \"{FEED}\"\ndecoder = \"tocsin\"\nkind = \"news\"\nreliability = 60\n"
        );
        std::fs::write(&file, text).expect("write the configuration");
        let settings = Settings::load(&LoadOptions::new(Some(file))).expect("settings");
        let mut plans = plan(&settings.topics, &settings.feeds);
        for plan in plans.iter_mut().filter(|plan| plan.feed) {
            plan.partitions = PARTITIONS;
        }
        let made = wait(create(&settings.kafka_settings(), &plans, 1)).expect("topics");
        assert!(made.iter().all(|topic| topic.error.is_none()), "{made:?}");
        Self {
            brokers: brokers.to_owned(),
            feeds: settings.shared_feeds(),
            rules: Arc::new(load_rule_set(&settings.paths).expect("rules")),
            settings,
            texts: texts(),
        }
    }

    /// Every so many records of the latency run is a probe: a fire at a place of its own, which makes
    /// an alert at once.
    fn probe(n: u64) -> String {
        // A degree apart, in an ocean: no two resolve to one place.
        let (lat, lon) = (-80.2 + (n % 75) as f64, -169.7 + (n / 75) as f64);
        serde_json::json!({"id": format!("probe-{n}"), "text": "House on fire, people trapped", "lat": lat, "lon": lon})
            .to_string()
    }

    fn record(&self, n: u64) -> String {
        let text = &self.texts[n as usize % self.texts.len()];
        serde_json::json!({"id": n.to_string(), "text": text}).to_string()
    }

    fn producer(&self) -> BaseProducer {
        ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .set("linger.ms", "5")
            .set("compression.type", "lz4")
            .set("queue.buffering.max.messages", "1000000")
            .create()
            .expect("a producer")
    }

    fn fill(&self, records: u64) {
        let producer = self.producer();
        for n in 0..records {
            push(&producer, (n % PARTITIONS as u64) as i32, &self.record(n));
        }
        producer.flush(Duration::from_secs(120)).expect("flush");
        println!("{records} records of {} texts", self.texts.len());
    }

    /// Consume, produce one in ten, offsets, commit. Records a second.
    fn bare(&self, round: usize, records: u64) -> f64 {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .set("group.id", format!("bare-{round}"))
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("isolation.level", "read_committed")
            .create()
            .expect("a consumer");
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .set("transactional.id", format!("bare-{round}"))
            .set("retry.backoff.ms", "5")
            .set("linger.ms", "5")
            .set("compression.type", "lz4")
            .set("queue.buffering.max.messages", "1000000")
            .set("delivery.report.only.error", "true")
            .create()
            .expect("a producer");
        let long = Duration::from_secs(30);
        producer.init_transactions(long).expect("init");
        consumer.subscribe(&[FEED]).expect("subscribe");
        let (mut read, mut began) = (0, None);
        while read < records {
            let mut offsets: BTreeMap<i32, i64> = BTreeMap::new();
            let mut count = 0;
            let mut since: Option<Instant> = None;
            producer.begin_transaction().expect("begin");
            while count < PER_TRANSACTION && read + (count as u64) < records {
                if since.is_some_and(|since| since.elapsed() > Duration::from_millis(100)) {
                    break;
                }
                let Some(Ok(message)) = consumer.poll(Duration::from_millis(10)) else {
                    continue;
                };
                began.get_or_insert_with(Instant::now);
                since.get_or_insert_with(Instant::now);
                count += 1;
                offsets.insert(message.partition(), message.offset() + 1);
                if count % 10 == 0 {
                    let record: BaseRecord<'_, (), [u8]> = BaseRecord::to("tocsin.shadow")
                        .partition(0)
                        .payload(message.payload().unwrap_or_default());
                    producer
                        .send(record)
                        .map_err(|(error, _)| error)
                        .expect("send");
                }
            }
            let mut list = TopicPartitionList::new();
            for (partition, offset) in offsets {
                list.add_partition_offset(FEED, partition, Offset::Offset(offset))
                    .expect("offset");
            }
            while producer.flush(Duration::ZERO).is_err() {
                producer.poll(Duration::from_micros(500));
            }
            let group = consumer.group_metadata().expect("metadata");
            producer
                .send_offsets_to_transaction(&list, &group, long)
                .expect("offsets");
            producer.commit_transaction(long).expect("commit");
            read += count as u64;
        }
        records as f64 / began.expect("records").elapsed().as_secs_f64()
    }

    fn context(&self, group: &str, events: Arc<dyn WorkerEvents>) -> WorkerContext {
        let mut settings = self.settings.kafka_settings();
        group.clone_into(&mut settings.group);
        WorkerContext {
            settings: Arc::new(settings),
            names: Arc::new(self.settings.topic_names()),
            events,
            stop: Arc::new(AtomicBool::new(false)),
        }
    }

    fn start_detect(&self, context: &WorkerContext, telemetry: &Arc<Telemetry>) -> Pool {
        let (names, rules, feeds) = (
            context.names.clone(),
            self.rules.clone(),
            self.feeds.clone(),
        );
        let telemetry = telemetry.clone();
        Pool::start(context, Role::Detect, 1, move |_| {
            DetectStage::new(&names, rules.clone(), &feeds, telemetry.clone())
        })
    }

    /// One detect worker. Records a second.
    fn detect(&self, round: usize, records: u64) -> f64 {
        let progress = Arc::new(Progress::default());
        let context = self.context(&format!("detect-{round}"), progress.clone());
        let telemetry = Telemetry::new(&self.settings, &self.feeds).expect("telemetry");
        let pool = self.start_detect(&context, &telemetry);
        while progress.0.load(Ordering::SeqCst) < records {
            assert!(!pool.is_finished(), "the worker ended");
            std::thread::sleep(Duration::from_millis(1));
        }
        let began = progress.1.lock().expect("a moment").expect("records");
        let rate = records as f64 / began.elapsed().as_secs_f64();
        context.stop.store(true, Ordering::SeqCst);
        pool.join().expect("an orderly end");
        assert_eq!(progress.0.load(Ordering::SeqCst), records, "read once each");
        rate
    }

    /// From the timestamp of a report to when a `read_committed` reader has the alert it made, at `rate` records a second.
    fn latency(&self, rate: f64, time: Duration) {
        let telemetry = Telemetry::new(&self.settings, &self.feeds).expect("telemetry");
        let context = self.context("latency", Arc::new(Progress::default()));
        let detect = self.start_detect(&context, &telemetry);
        let config = Arc::new(self.settings.correlate_config(self.rules.routing.clone()));
        let names = context.names.clone();
        let counts = telemetry.clone();
        let correlate = Pool::start(&context, Role::Correlate, 1, move |_| {
            Ok(CorrelateStage::new(&names, config.clone(), counts.clone()))
        });
        self.catch_up(&context);
        let stop = Arc::new(AtomicBool::new(false));
        let reader = {
            let (brokers, stop) = (self.brokers.clone(), stop.clone());
            std::thread::spawn(move || latencies(&brokers, &stop))
        };
        std::thread::sleep(Duration::from_secs(3));
        let (producer, began) = (self.producer(), Instant::now());
        let (mut sent, mut probes) = (0u64, 0u64);
        while began.elapsed() < time {
            let due = (began.elapsed().as_secs_f64() * rate) as u64;
            while sent < due {
                let partition = (sent % PARTITIONS as u64) as i32;
                push(&producer, partition, &self.record(1_000_000_000 + sent));
                sent += 1;
            }
            if probes < (began.elapsed().as_secs_f64() * PROBES) as u64 {
                let partition = (probes % PARTITIONS as u64) as i32;
                push(&producer, partition, &Self::probe(probes));
                probes += 1;
            }
            producer.poll(Duration::from_millis(1));
        }
        producer.flush(Duration::from_secs(60)).expect("flush");
        std::thread::sleep(Duration::from_secs(5));
        stop.store(true, Ordering::SeqCst);
        let mut found = reader.join().expect("the reader");
        context.stop.store(true, Ordering::SeqCst);
        for pool in [detect, correlate] {
            pool.join().expect("an orderly end");
        }
        // Each probe made its alert, and made it once.
        found.sort_unstable();
        let mut ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
        ids.dedup();
        assert_eq!((ids.len(), found.len()), (probes as usize, probes as usize));
        let mut found: Vec<i64> = found.iter().map(|(_, took)| *took).collect();
        found.sort_unstable();
        let at = |q: f64| {
            found.get(((found.len() as f64 * q) as usize).min(found.len().saturating_sub(1)))
        };
        println!(
            "latency at {rate:.0} records/s and {PROBES:.0} probes/s, {} alerts: p50 {:?} ms, p99 {:?} ms (bar ≤ 500)",
            found.len(),
            at(0.5),
            at(0.99)
        );
    }

    /// Waits until the workers have read what the throughput rounds left in the topics.
    fn catch_up(&self, context: &WorkerContext) {
        let client: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .set("group.id", format!("{}.correlate", context.settings.group))
            .create()
            .expect("a client");
        let detections = &context.names.detections;
        let mut quiet = 0;
        while quiet < 5 {
            std::thread::sleep(Duration::from_secs(1));
            let mut list = TopicPartitionList::new();
            for partition in 0..self.settings.topics.partitions as i32 {
                list.add_partition(detections, partition);
            }
            let Ok(committed) = client.committed_offsets(list, Duration::from_secs(5)) else {
                continue;
            };
            let behind: i64 = committed
                .elements()
                .iter()
                .map(|element| {
                    let end = client.fetch_watermarks(
                        detections,
                        element.partition(),
                        Duration::from_secs(5),
                    );
                    let offset = if let Offset::Offset(offset) = element.offset() {
                        offset
                    } else {
                        0
                    };
                    // Transaction markers lie behind the last record.
                    (end.map_or(0, |(_, high)| high) - offset - 64).max(0)
                })
                .sum();
            quiet = if behind == 0 { quiet + 1 } else { 0 };
        }
    }
}

/// Of every probe: its id, and the milliseconds from its `received` to when its alert could be read.
fn latencies(brokers: &str, stop: &AtomicBool) -> Vec<(String, i64)> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "latency-reader")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "latest")
        .set("isolation.level", "read_committed")
        .create()
        .expect("a reader");
    consumer
        .subscribe(&["tocsin.joint-meeting"])
        .expect("subscribe");
    let mut found = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(50)) {
            let seen = tocsin::telemetry::wall_clock();
            let alert: Alert =
                serde_json::from_slice(message.payload().unwrap_or_default()).expect("an alert");
            // Refreshes and other timers are due at a time of their own, not at a report's.
            if alert.revision == 1 && alert.report_ids.iter().any(|id| id.contains("probe-")) {
                found.push((alert.report_ids.join(" "), seen.since(alert.last_seen)));
            }
        }
    }
    found
}

fn push(producer: &BaseProducer, partition: i32, payload: &str) {
    let mut record: BaseRecord<'_, (), str> =
        BaseRecord::to(FEED).partition(partition).payload(payload);
    while let Err((_, back)) = producer.send(record) {
        producer.poll(Duration::from_millis(1));
        record = back;
    }
}

fn texts() -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Line {
        text: Option<String>,
    }
    let lines: Box<dyn Read> = match std::env::var("TOCSIN_BENCH_TEXTS") {
        Ok(path) => {
            Box::new(std::fs::File::open(&path).unwrap_or_else(|error| panic!("{path}: {error}")))
        }
        Err(_) => {
            let bytes = Bundled::get("samples/feed.jsonl.gz")
                .expect("the sample feed")
                .into_owned();
            Box::new(flate2::read::GzDecoder::new(std::io::Cursor::new(bytes)))
        }
    };
    let mut texts = Vec::new();
    for line in BufReader::new(lines).lines().take(250_000) {
        let line = line.expect("a line");
        let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let record = value.get("payload").cloned().unwrap_or(value);
        let parsed = match &record {
            serde_json::Value::String(text) => serde_json::from_str::<Line>(text).ok(),
            other => serde_json::from_value::<Line>(other.clone()).ok(),
        };
        texts.extend(parsed.and_then(|line| line.text));
    }
    assert!(!texts.is_empty(), "no texts");
    texts
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}
