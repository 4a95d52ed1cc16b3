//! Where the desk gets its time from.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::core::model::Millis;
use crate::telemetry::wall_clock;

/// A clock.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Now.
    fn now(&self) -> Millis;

    /// The time by which people are let in: tokens, sessions, rates. The same, unless the clock is that of records.
    fn of_people(&self) -> Millis {
        self.now()
    }

    /// An alert of that time was read.
    fn read(&self, _sent: Millis) {}
}

/// The wall's.
#[derive(Clone, Copy, Debug, Default)]
pub struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Millis {
        wall_clock()
    }
}

/// The newest record that this process has read, of feeds or of the queue: for drills in tests, in which days pass in seconds.
///
/// People are let in by the wall's.
#[derive(Clone, Debug)]
pub struct RecordsClock(Arc<AtomicI64>);

impl RecordsClock {
    /// Moved by whoever reads records, too.
    pub fn new(newest: Arc<AtomicI64>) -> Self {
        Self(newest)
    }
}

impl Clock for RecordsClock {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::SeqCst).max(0))
    }

    fn of_people(&self) -> Millis {
        wall_clock()
    }

    fn read(&self, sent: Millis) {
        self.0.fetch_max(sent.0, Ordering::SeqCst);
    }
}

/// One that stands until it is moved.
#[derive(Debug, Default)]
pub struct VirtualClock(AtomicI64);

impl VirtualClock {
    /// Stands at `now`.
    pub fn at(now: Millis) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Moves it, forward only.
    pub fn advance(&self, ms: i64) {
        self.0.fetch_add(ms.max(0), Ordering::SeqCst);
    }

    /// Moves it to `now`, if that is later.
    pub fn set(&self, now: Millis) {
        self.0.fetch_max(now.0, Ordering::SeqCst);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_move_the_clock_forward_only_and_nobody_is_let_in_by_it() {
        let newest = Arc::new(AtomicI64::new(i64::MIN));
        let clock = RecordsClock::new(Arc::clone(&newest));
        assert_eq!(clock.now(), Millis(0));
        newest.store(5_000, Ordering::SeqCst);
        clock.read(Millis(9_000));
        clock.read(Millis(7_000));
        assert_eq!(clock.now(), Millis(9_000));
        assert!(clock.of_people() > Millis(1_700_000_000_000));
        let still = VirtualClock::at(Millis(3));
        still.read(Millis(9));
        assert_eq!((still.now(), still.of_people()), (Millis(3), Millis(3)));
    }
}
