//! The detect stage without Kafka: what of a record's time is the engine's, and how much it writes.

use std::time::Instant;

use tocsin::core::model::Millis;
use tocsin::kafka::{DetectStage, Headers, Input, Outbox, Stage, Target};
use tocsin::telemetry::Telemetry;

use super::Bench;

impl Bench {
    /// Records a second of one thread.
    pub(super) fn stage_alone(&self, records: u64) -> f64 {
        let telemetry = Telemetry::new(&self.settings, &self.feeds).expect("telemetry");
        let names = self.settings.topic_names();
        let mut stage =
            DetectStage::new(&names, self.rules.clone(), &self.feeds, telemetry).expect("a stage");
        let payloads: Vec<String> = (0..records).map(|n| self.record(n)).collect();
        let mut out = Outbox::default();
        let (mut written, mut bytes, mut found) = (0_u64, 0, 0_u64);
        let began = Instant::now();
        for (offset, payload) in payloads.iter().enumerate() {
            let input = Input {
                topic: &self.feed,
                partition: 0,
                offset: offset as i64,
                received: Millis(1_767_000_000_000),
                key: None,
                payload: Some(payload.as_bytes()),
                headers: Headers::new(),
            };
            out.clear();
            found += u64::from(stage.process(&input, &mut out) == Some("detected"));
            for record in out.records() {
                written += u64::from(record.target == Target::Detections);
                bytes += record.key.len() + record.payload.map_or(0, <[u8]>::len);
            }
        }
        let took = began.elapsed().as_secs_f64();
        let read: usize = payloads.iter().map(String::len).sum();
        println!(
            "stage alone: {:.2} µs a record of {} bytes; {:.1} % detected, {written} detections, {:.0} bytes written a record",
            took * 1e6 / records as f64,
            read / payloads.len(),
            found as f64 * 100.0 / records as f64,
            bytes as f64 / records as f64
        );
        records as f64 / took
    }
}
