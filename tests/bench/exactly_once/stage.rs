//! The detect stage without Kafka: what of a record's time is the engine's, and how much it writes.

use std::hint::black_box;
use std::time::{Duration, Instant};

use tocsin::core::model::Millis;
use tocsin::kafka::{DetectStage, Headers, Input, Outbox, Stage, Target};
use tocsin::telemetry::Telemetry;
use xxhash_rust::xxh3::Xxh3;

use super::Bench;

/// What the stage writes of each record to detections: by number of the record, keys and payloads.
pub(super) struct Made {
    by_text: Vec<Vec<(Vec<u8>, Vec<u8>)>>,
}

impl Made {
    /// Of the record sent as the `number`-th.
    pub(super) fn of(&self, number: u64) -> &[(Vec<u8>, Vec<u8>)] {
        &self.by_text[number as usize % self.by_text.len()]
    }
}

impl Bench {
    /// What the stage makes of every text, once each.
    pub(super) fn made(&self) -> Made {
        let mut stage = self.stage();
        let mut out = Outbox::default();
        let by_text = (0..self.texts.len() as u64).map(|number| {
            out.clear();
            let payload = self.record(number);
            stage.process(&self.input(number, payload.as_bytes()), &mut out);
            let detections = out.records().filter(|it| it.target == Target::Detections);
            detections
                .map(|it| (it.key.to_owned(), it.payload.unwrap_or_default().to_owned()))
                .collect()
        });
        Made {
            by_text: by_text.collect(),
        }
    }

    fn input<'a>(&'a self, number: u64, payload: &'a [u8]) -> Input<'a> {
        Input {
            topic: &self.feed,
            partition: 0,
            offset: number as i64,
            received: Millis(1_767_000_000_000),
            key: None,
            payload: Some(payload),
            headers: Headers::new(),
        }
    }

    /// Records a second of one thread; prints what records cost on which no rule fires, and those on which one does.
    pub(super) fn stage_alone(&self, records: u64, rounds: usize) -> f64 {
        let payloads: Vec<String> = (0..records).map(|n| self.record(n)).collect();
        let mut stage = self.stage();
        let mut out = Outbox::default();
        let mut all = Pass::default();
        let (mut quiet, mut found) = (Vec::new(), Vec::new());
        for (number, payload) in payloads.iter().enumerate() {
            let input = self.input(number as u64, payload.as_bytes());
            if all.record(&mut stage, &input, &mut out) {
                found.push(number);
            } else {
                quiet.push(number);
            }
        }
        let read: usize = payloads.iter().map(String::len).sum();
        println!(
            "{records} records of {} bytes: {:.1} % detected, {} detections, {:.0} bytes written a record; digest {:016x}",
            read / payloads.len(),
            found.len() as f64 * 100.0 / records as f64,
            all.detections,
            all.bytes as f64 / records as f64,
            all.digest.digest()
        );
        let every: Vec<usize> = (0..payloads.len()).collect();
        let mut rate = 0.0;
        for (name, numbers) in [
            ("without a detection", &quiet),
            ("with one", &found),
            ("all", &every),
        ] {
            if numbers.is_empty() {
                continue;
            }
            let took = (0..rounds).map(|_| self.pass(&mut stage, &payloads, numbers));
            let best = took.min().unwrap_or_default();
            rate = numbers.len() as f64 / best.as_secs_f64();
            println!(
                "stage alone, {name:>19}: {:>6.2} µs a record, {rate:>8.0} records/s",
                1e6 / rate
            );
        }
        rate
    }

    fn stage(&self) -> DetectStage {
        let telemetry = Telemetry::new(&self.settings, &self.feeds).expect("telemetry");
        let names = self.settings.topic_names();
        DetectStage::new(&names, self.rules.clone(), &self.feeds, telemetry).expect("a stage")
    }

    /// The named records once, as a worker does it but for Kafka. Not inlined, so that a profiler can be told to look at nothing else.
    #[inline(never)]
    fn pass(&self, stage: &mut DetectStage, payloads: &[String], numbers: &[usize]) -> Duration {
        let mut out = Outbox::default();
        let began = Instant::now();
        for number in numbers {
            let input = self.input(*number as u64, payloads[*number].as_bytes());
            out.clear();
            black_box(stage.process(&input, &mut out));
            black_box(out.records().count());
        }
        began.elapsed()
    }
}

/// What a pass over the records led to.
#[derive(Default)]
struct Pass {
    detections: u64,
    bytes: usize,
    /// Over everything written, in order: equal where two versions write the same.
    digest: Xxh3,
}

impl Pass {
    /// Whether the record was detected.
    fn record(&mut self, stage: &mut DetectStage, input: &Input<'_>, out: &mut Outbox) -> bool {
        out.clear();
        let outcome = stage.process(input, out).expect("an outcome");
        self.digest.update(outcome.as_bytes());
        for record in out.records() {
            let payload = record.payload.unwrap_or_default();
            self.detections += u64::from(record.target == Target::Detections);
            self.bytes += record.key.len() + payload.len();
            self.digest.update(record.key);
            self.digest.update(payload);
        }
        outcome == "detected"
    }
}
