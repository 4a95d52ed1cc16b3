//! One detect worker, as `tocsin run` starts it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tocsin::kafka::{Committed, Role, WorkerEvents};
use tocsin::telemetry::Telemetry;

use super::{Bench, Run};

/// Counts what was committed.
#[derive(Default)]
pub(super) struct Progress {
    records: AtomicU64,
    transactions: AtomicU64,
    times: Mutex<Times>,
    running: Mutex<BTreeSet<Role>>,
}

#[derive(Clone, Copy, Default)]
struct Times {
    began: Option<Instant>,
    ended: Option<Instant>,
    ends: Duration,
}

impl Progress {
    /// Whether the only worker of the role has partitions, restored.
    pub(super) fn is_running(&self, role: Role) -> bool {
        self.running.lock().expect("roles").contains(&role)
    }
}

impl WorkerEvents for Progress {
    fn partitions(&self, role: Role, _worker: u32, running: usize) {
        if running > 0 {
            self.running.lock().expect("roles").insert(role);
        }
    }

    fn committed(&self, committed: &Committed<'_>) {
        let read: u64 = committed.entries.iter().map(|entry| entry.read).sum();
        let now = Instant::now();
        let mut times = self.times.lock().expect("times");
        times
            .began
            .get_or_insert_with(|| now.checked_sub(committed.took).unwrap_or(now));
        times.ended = Some(now);
        times.ends += committed.commit;
        self.transactions.fetch_add(1, Ordering::SeqCst);
        self.records.fetch_add(read, Ordering::SeqCst);
    }
}

impl Bench {
    /// Reads all records once.
    pub(super) fn detect(&self, round: usize, records: u64) -> Run {
        let progress = Arc::new(Progress::default());
        let context = self.context(&format!("detect-{round}"), progress.clone());
        let telemetry = Telemetry::new(&self.settings, &self.feeds).expect("telemetry");
        let pool = self.start_detect(&context, &telemetry);
        while progress.records.load(Ordering::SeqCst) < records {
            assert!(!pool.is_finished(), "the worker ended");
            std::thread::sleep(Duration::from_millis(1));
        }
        context.stop.store(true, Ordering::SeqCst);
        pool.join().expect("an orderly end");
        let read = progress.records.load(Ordering::SeqCst);
        assert_eq!(read, records, "read once each");
        let times = *progress.times.lock().expect("times");
        let (began, ended) = times.began.zip(times.ended).expect("records");
        let took = (ended - began).as_secs_f64();
        Run {
            rate: records as f64 / took,
            transactions: progress.transactions.load(Ordering::SeqCst),
            ends: times.ends.as_secs_f64() / took,
        }
    }
}
