//! Plays the sample stream into the feed topics, at its pace, with its times moved to now.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::pipeline::{Controls, Event};
use super::sample::Sample;
use crate::core::model::Millis;

/// Sends the sample at its pace.
pub(super) struct Player {
    pub(super) producer: BaseProducer,
    pub(super) topics: HashMap<String, String>,
    pub(super) sample: Sample,
    pub(super) speed: f64,
    pub(super) start: Millis,
    pub(super) controls: Controls,
    pub(super) events: Sender<Event>,
}

impl Player {
    pub(super) fn play(self) -> anyhow::Result<()> {
        let mut clock = Clock::new(self.speed);
        let mut sent = 0_u64;
        for record in &self.sample.records {
            while clock.stream_ms() < record.offset_ms {
                if self.controls.stopping() {
                    return Ok(());
                }
                self.producer.poll(Duration::ZERO);
                std::thread::sleep(clock.until(record.offset_ms));
                clock.pause(self.controls.paused.load(Ordering::SeqCst));
            }
            let topic = self
                .topics
                .get(&record.feed)
                .with_context(|| format!("no feed `{}` is bundled", record.feed))?;
            let payload = record.payload(self.start);
            let at = self.start.plus(record.offset_ms);
            self.controls.stream.store(at.0, Ordering::SeqCst);
            let message: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic)
                .partition(0)
                .timestamp(at.0)
                .payload(&payload);
            self.producer
                .send(message)
                .map_err(|(error, _)| error)
                .context("cannot send a record")?;
            sent += 1;
            let _ = self.events.send(Event::Sent(sent));
        }
        self.producer
            .flush(Duration::from_secs(10))
            .context("cannot send the last records")?;
        Ok(())
    }
}

/// Stream time, which runs at `speed` and stands still while paused.
struct Clock {
    speed: f64,
    passed_ms: f64,
    since: Instant,
    paused: bool,
}

impl Clock {
    fn new(speed: f64) -> Self {
        Self {
            speed,
            passed_ms: 0.0,
            since: Instant::now(),
            paused: false,
        }
    }

    fn stream_ms(&self) -> i64 {
        let running = if self.paused {
            0.0
        } else {
            self.since.elapsed().as_secs_f64() * 1_000.0 * self.speed
        };
        (self.passed_ms + running) as i64
    }

    /// A short sleep that does not go far beyond `offset_ms`.
    fn until(&self, offset_ms: i64) -> Duration {
        let left = (offset_ms - self.stream_ms()) as f64 / self.speed / 1_000.0;
        Duration::from_secs_f64(left.clamp(0.001, 0.05))
    }

    fn pause(&mut self, paused: bool) {
        if paused != self.paused {
            self.passed_ms = self.stream_ms() as f64;
            self.since = Instant::now();
            self.paused = paused;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paused_clock_stands_still_and_goes_on_where_it_was() {
        let mut clock = Clock::new(1_000.0);
        std::thread::sleep(Duration::from_millis(5));
        clock.pause(true);
        let stood = clock.stream_ms();
        assert!(stood >= 5_000, "{stood}");
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(clock.stream_ms(), stood);
        clock.pause(false);
        assert!(clock.stream_ms() >= stood);
    }
}
