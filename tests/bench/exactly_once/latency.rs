//! From the timestamp of a report to when a `read_committed` reader has the alert it made.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::Producer;
use rdkafka::{ClientConfig, Message};
use tocsin::core::model::{Alert, Detection};
use tocsin::kafka::{CorrelateStage, Pool, Role};
use tocsin::telemetry::Telemetry;

use super::Bench;
use super::worker::Progress;

/// Probes a second.
const PROBES: f64 = 50.0;

/// Longest wait for the alerts of what was sent.
const PATIENCE: Duration = Duration::from_secs(60);

impl Bench {
    /// Every so many records of the latency run is a probe: a fire at a place of its own, which makes an alert at once.
    fn probe(n: u64) -> String {
        // A degree apart, in an ocean: no two resolve to one place.
        let (lat, lon) = (-80.2 + (n % 75) as f64, -169.7 + (n / 75) as f64);
        serde_json::json!({"id": format!("probe-{n}"), "text": "House on fire, people trapped", "lat": lat, "lon": lon})
            .to_string()
    }

    /// From the timestamp of a report to when a `read_committed` reader has the alert it made, at `rate` records a second.
    pub(super) fn latency(&self, rate: f64, time: Duration) {
        let telemetry = Telemetry::new(&self.settings, &self.feeds).expect("telemetry");
        let progress = Arc::new(Progress::default());
        let context = self.context("latency", progress.clone());
        let detect = self.start_detect(&context, &telemetry);
        let config = Arc::new(self.settings.correlate_config(self.rules.routing.clone()));
        let names = context.names.clone();
        let counts = telemetry.clone();
        let correlate = Pool::start(&context, Role::Correlate, 1, move |_| {
            Ok(CorrelateStage::new(&names, config.clone(), counts.clone()))
        });
        while !progress.is_running(Role::Detect) || !progress.is_running(Role::Correlate) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::new(AtomicU64::new(0));
        let reader = {
            let (brokers, stop) = (self.brokers.clone(), stop.clone());
            let queue = context.names.queue.clone();
            let seen = seen.clone();
            std::thread::spawn(move || latencies(&brokers, &queue, &seen, &stop))
        };
        let detected = {
            let (brokers, stop) = (self.brokers.clone(), stop.clone());
            let topic = context.names.detections.clone();
            std::thread::spawn(move || detections(&brokers, &topic, &stop))
        };
        std::thread::sleep(Duration::from_secs(3));
        let (producer, began) = (self.producer(), Instant::now());
        let (mut sent, mut probes) = (0u64, 0u64);
        while began.elapsed() < time {
            let due = (began.elapsed().as_secs_f64() * rate) as u64;
            while sent < due {
                self.push(&producer, sent, &self.record(sent));
                sent += 1;
            }
            if probes < (began.elapsed().as_secs_f64() * PROBES) as u64 {
                self.push(&producer, probes, &Self::probe(probes));
                probes += 1;
            }
            producer.poll(Duration::from_millis(1));
        }
        producer.flush(Duration::from_secs(60)).expect("flush");
        // What was sent is waited for, however far behind the pipeline is.
        let until = Instant::now() + PATIENCE;
        while seen.load(Ordering::SeqCst) < probes && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(100));
        }
        // A probe makes alerts of several hazards: the others come with the first.
        std::thread::sleep(Duration::from_secs(2));
        stop.store(true, Ordering::SeqCst);
        let (mut found, written) = reader.join().expect("the reader");
        let detected = detected.join().expect("the reader of detections");
        context.stop.store(true, Ordering::SeqCst);
        for pool in [detect, correlate] {
            pool.join().expect("an orderly end");
        }
        // Each probe made its alerts, one a hazard, and made each once.
        found.sort_unstable();
        let mut alerts: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
        alerts.dedup();
        assert_eq!(alerts.len(), found.len(), "an alert came twice");
        let reports: BTreeSet<&str> = alerts
            .iter()
            .filter_map(|id| id.split_once(' ').map(|(_, report)| report))
            .collect();
        assert_eq!(reports.len(), probes as usize, "a probe made no alert");
        let read: Vec<i64> = found.iter().map(|(_, took)| *took).collect();
        println!(
            "latency at {rate:.0} records/s and {PROBES:.0} probes/s, {} alerts: p50 {} ms, p99 {} ms (bar ≤ 500)",
            read.len(),
            quantile(&read, 0.5),
            quantile(&read, 0.99)
        );
        for (what, times) in [("detection", &detected), ("alert", &written)] {
            let (half, most) = (quantile(times, 0.5), quantile(times, 0.99));
            println!("  until the {what} was handed to Kafka: p50 {half} ms, p99 {most} ms");
        }
    }
}

fn quantile(times: &[i64], q: f64) -> i64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    let nth = (times.len() as f64 * q) as usize;
    times
        .get(nth.min(times.len().saturating_sub(1)))
        .copied()
        .unwrap_or(-1)
}

/// Of every detection of a probe: the milliseconds from its `received` to when the worker handed it to its client.
fn detections(brokers: &str, topic: &str, stop: &AtomicBool) -> Vec<i64> {
    let consumer = follow(brokers, topic, "latency-detections");
    let mut found = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(50)) {
            let text = message.payload().unwrap_or_default();
            if !text.windows(6).any(|it| it == b"probe-") {
                continue;
            }
            let detection: Detection = serde_json::from_slice(text).expect("a detection");
            if let Some(at) = message.timestamp().to_millis() {
                found.push(at - detection.report.received.0);
            }
        }
    }
    found
}

/// A reader of what is committed from now on.
fn follow(brokers: &str, topic: &str, group: &str) -> BaseConsumer {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "latest")
        .set("isolation.level", "read_committed")
        // As the desk reads.
        .set("fetch.wait.max.ms", "25")
        .create()
        .expect("a reader");
    consumer.subscribe(&[topic]).expect("subscribe");
    consumer
}

/// Of every alert of a probe: hazard and report, and the milliseconds from its `received` to when its alert could be read; and those to
/// when the worker handed it to its client.
fn latencies(
    brokers: &str,
    queue: &str,
    probes: &AtomicU64,
    stop: &AtomicBool,
) -> (Vec<(String, i64)>, Vec<i64>) {
    let consumer = follow(brokers, queue, "latency-reader");
    let mut of_probes = BTreeSet::new();
    let (mut found, mut written) = (Vec::new(), Vec::new());
    while !stop.load(Ordering::SeqCst) {
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(50)) {
            let seen = tocsin::telemetry::wall_clock();
            let alert: Alert =
                serde_json::from_slice(message.payload().unwrap_or_default()).expect("an alert");
            // Refreshes and other timers are due at a time of their own, not at a report's.
            if alert.revision == 1 && alert.report_ids.iter().any(|id| id.contains("probe-")) {
                of_probes.insert(alert.report_ids.join(" "));
                probes.store(of_probes.len() as u64, Ordering::SeqCst);
                let id = format!("{} {}", alert.hazard.id(), alert.report_ids.join(" "));
                found.push((id, seen.since(alert.last_seen)));
                if let Some(at) = message.timestamp().to_millis() {
                    written.push(at - alert.last_seen.0);
                }
            }
        }
    }
    (found, written)
}
