//! A burst of ten times the usual load: what a worker has not come to stays in the broker, not in its memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::broker;
use super::plant::{Plant, Running, Sent};
use super::tools::{assert_ledger, counted, until};

/// Length of a text, bytes, about; of usual ones there are so many.
const TEXT: usize = 20_000;
const USUAL: u64 = 1_500;
const BURST: u64 = 10 * USUAL;
/// What a burst may take beyond the usual load: the prefetch (16 MiB), a transaction (32 MiB), and what allocators keep of both.
const MORE: u64 = 96 << 20;

/// Highest resident memory of a process, looked at until dropped.
struct Peak {
    highest: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Peak {
    fn of(running: &Running) -> Self {
        let (highest, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (seen, end, memory) = (highest.clone(), stop.clone(), running.memory_reader());
        let thread = std::thread::spawn(move || {
            while !end.load(Ordering::SeqCst) {
                seen.fetch_max(memory(), Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        Self {
            highest,
            stop,
            thread: Some(thread),
        }
    }

    fn end(mut self) -> u64 {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the observer");
        }
        self.highest.load(Ordering::SeqCst)
    }
}

/// Long reports; one in a hundred is of a fire at a place of its own.
fn reports(from: u64, count: u64) -> Vec<Sent> {
    let at = tocsin::telemetry::wall_clock().0;
    let filler = "The committee met on Tuesday and talked about the budget for parks and schools. ";
    let filler = filler.repeat(TEXT / filler.len());
    let report = |n: u64| {
        let what = if n.is_multiple_of(100) {
            "House on fire. "
        } else {
            ""
        };
        let (lat, lon) = (-80.2 + (n / 100 % 75) as f64, -169.7 + (n / 7_500) as f64);
        Sent {
            feed: 0,
            partition: (n % 3) as i32,
            at,
            payload: format!(
                r#"{{"id":"{n}","text":"{what}{filler}{n}","lat":{lat},"lon":{lon}}}"#
            )
            .into_bytes(),
        }
    };
    (from..from + count).map(report).collect()
}

#[test]
fn a_burst_waits_in_the_broker_and_not_in_memory() {
    let mut plant = Plant::new(broker::shared(), "burst", "");
    let topic = plant.topic_of("posts");
    let mut running = plant.run("a", 1);
    let read = |plant: &Plant| counted(&plant.ledger(), &topic);

    let usual = Peak::of(&running);
    plant.send(reports(0, USUAL));
    until(Duration::from_secs(120), "the usual load is read", || {
        running.assert_alive();
        read(&plant) == USUAL
    });
    let usual = usual.end();

    // The process stands still while the burst is written, as one that is far too slow does.
    let burst = Peak::of(&running);
    running.signal("-STOP");
    plant.send(reports(USUAL, BURST));
    running.signal("-CONT");
    let (mut most_behind, total) = (0, USUAL + BURST);
    until(Duration::from_secs(300), "the burst is read", || {
        running.assert_alive();
        let read = read(&plant);
        most_behind = most_behind.max(total - read);
        read == total
    });
    let burst = burst.end();

    eprintln!(
        "{} MiB behind; at most {} MiB resident at the usual load, {} MiB in the burst",
        (most_behind * TEXT as u64) >> 20,
        usual >> 20,
        burst >> 20
    );
    // The burst was larger than what memory may grow by, so that it could not have been hidden there.
    assert!(most_behind * TEXT as u64 > 2 * MORE, "{most_behind} behind");
    assert!(burst <= usual + MORE, "{burst} > {usual} + {MORE}");
    until(
        Duration::from_secs(60),
        "every fire is on the queue",
        || plant.is_done(),
    );
    running.stop();
    let written = (0..3).map(|p| (p, total / 3)).collect();
    assert_ledger(&plant.ledger(), &topic, &written);
    let detections = total.div_ceil(100);
    let alerts = plant.alerts_of("fire") as u64;
    assert!(
        alerts >= detections,
        "{alerts} alerts of {detections} fires"
    );
}
