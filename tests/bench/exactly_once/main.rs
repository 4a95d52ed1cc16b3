//! Through Apache Kafka exactly once: the detect worker against the same loop with no engine in it, on the same broker, in
//! turns; and the latency from a report to its alert at half load.
//!
//! `cargo bench --bench exactly_once [-- --quick] [-- --rate | --latency | --stage]`. Half load is half of what the detect worker
//! alone reaches, which two cores that carry broker, writer, readers and correlate beside it may not; `$TOCSIN_BENCH_RATE` states
//! another one. Records are the texts of `$TOCSIN_BENCH_TEXTS` (JSON lines with `text`), else of the bundled sample feed, as Tocsin
//! JSON; rules are the bundled ones. The bare loop is written by hand, not the worker with an idle stage: consume, produce the same
//! detections (worked out before), send the offsets, commit; with the worker's client settings and its bounds of a transaction.
//! What bounds the worker is printed beside: the stage without Kafka, and the share of the time that goes to the ends of
//! transactions.

#[path = "../../kafka/broker.rs"]
#[allow(dead_code)]
mod broker;

mod bare;
mod latency;
mod stage;
mod texts;
mod worker;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tocsin::config::{LoadOptions, Settings, load_rule_set};
use tocsin::core::model::Feed;
use tocsin::core::ruleset::RuleSet;
use tocsin::kafka::topics::{create, plan};
use tocsin::kafka::{DetectStage, Pool, Role, WorkerContext, WorkerEvents};
use tocsin::telemetry::Telemetry;

const PARTITIONS: i32 = 4;
/// Records of the quick latency run a second.
const QUICK_RATE: f64 = 2_000.0;

fn main() {
    let has = |flag: &str| std::env::args().any(|arg| arg == flag);
    let quick = has("--quick");
    let (records, rounds) = if quick { (40_000, 1) } else { (600_000, 3) };
    if has("--stage") {
        // Without a broker, each text once.
        let bench = Bench::local("localhost:9092", "rate.");
        bench.stage_alone(bench.texts.len() as u64, if quick { 1 } else { 5 });
        return;
    }
    let broker = broker::Broker::start();
    let bench = Bench::new(&broker.address(), "rate.");
    bench.fill(records);
    let rate = bench.rates(records, if has("--latency") { 1 } else { rounds });
    if !has("--rate") {
        let stated = std::env::var("TOCSIN_BENCH_RATE").ok();
        let stated = stated.and_then(|rate| rate.parse().ok());
        let half = stated.unwrap_or(if quick { QUICK_RATE } else { rate / 2.0 });
        // Topics of its own: what the rounds left would have to be read first.
        Bench::new(&broker.address(), "live.")
            .latency(half, Duration::from_secs(if quick { 5 } else { 20 }));
    }
}

/// How fast one side was, and what of it went to ends of transactions.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// Records a second.
    rate: f64,
    transactions: u64,
    /// Share of the time that the ends of transactions took.
    ends: f64,
}

struct Bench {
    brokers: String,
    feed: String,
    settings: Settings,
    feeds: Vec<Arc<Feed>>,
    rules: Arc<RuleSet>,
    texts: Vec<String>,
}

impl Bench {
    /// Makes the topics, all of them with this prefix.
    fn new(brokers: &str, prefix: &str) -> Self {
        let bench = Self::local(brokers, prefix);
        let mut plans = plan(&bench.settings.topics, &bench.settings.feeds);
        for plan in plans.iter_mut().filter(|plan| plan.feed) {
            plan.partitions = PARTITIONS;
        }
        let made = wait(create(&bench.settings.kafka_settings(), &plans, 1)).expect("topics");
        assert!(made.iter().all(|topic| topic.error.is_none()), "{made:?}");
        bench
    }

    /// The same without topics, for what needs no broker.
    fn local(brokers: &str, prefix: &str) -> Self {
        let feed = format!("{prefix}feed");
        let dir = tempfile::tempdir().expect("a temporary folder");
        let file = dir.path().join("tocsin.toml");
        let text = format!(
            "[kafka]\nbrokers = \"{brokers}\"\n[topics]\nreplication = 1\nprefix = \"{prefix}\"\n[[feeds]]\nid = \"bench\"\ntopic = \"{feed}\"\n\
             decoder = \"tocsin\"\nkind = \"news\"\nreliability = 60\n"
        );
        std::fs::write(&file, text).expect("write the configuration");
        let settings = Settings::load(&LoadOptions::new(Some(file))).expect("settings");
        Self {
            brokers: brokers.to_owned(),
            feed,
            feeds: settings.shared_feeds(),
            rules: Arc::new(load_rule_set(&settings.paths).expect("rules")),
            settings,
            texts: texts::read(),
        }
    }

    /// Both sides in turns; prints their ratio and returns the worker's median.
    fn rates(&self, records: u64, rounds: usize) -> f64 {
        let alone = self.stage_alone(records, 1);
        let made = self.made();
        let (mut bare, mut worker) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            bare.push(self.bare(round, records, &made));
            worker.push(self.detect(round, records));
            for (name, run) in [("bare", &bare), ("detect", &worker)] {
                let run = &run[round];
                println!(
                    "round {round}: {name:<6} {:>4.0}k records/s, {:>3} transactions, {:>2.0} % of the time in their ends",
                    run.rate / 1e3,
                    run.transactions,
                    run.ends * 100.0
                );
            }
        }
        let (bare, worker) = (median(&bare), median(&worker));
        println!("stage alone     {alone:>8.0} records/s");
        println!("bare loop       {bare:>8.0} records/s");
        println!("detect worker   {worker:>8.0} records/s");
        println!("ratio           {:>8.2} (bar ≥ 0.6)", worker / bare);
        worker
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
            self.push(&producer, n, &self.record(n));
        }
        producer.flush(Duration::from_secs(120)).expect("flush");
        println!("{records} records of {} texts", self.texts.len());
    }

    /// Sends a record to one partition after the other.
    fn push(&self, producer: &BaseProducer, n: u64, payload: &str) {
        let partition = (n % PARTITIONS as u64) as i32;
        let mut record: BaseRecord<'_, (), str> = BaseRecord::to(&self.feed)
            .partition(partition)
            .payload(payload);
        while let Err((_, back)) = producer.send(record) {
            producer.poll(Duration::from_millis(1));
            record = back;
        }
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
}

fn median(runs: &[Run]) -> f64 {
    let mut rates: Vec<f64> = runs.iter().map(|run| run.rate).collect();
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}
