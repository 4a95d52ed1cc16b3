//! Silent feeds: no record for several times a feed's usual gap. Silence is not calm.
//!
//! The usual gap is stated for the feed, or learned: the median of the last [`WINDOWS`] distances between *windows*, where
//! a record opens a window when the one before was opened at least `min_gap` earlier. So a feed that is polled every five
//! minutes and then sends forty records at once has a usual gap of five minutes, not of a millisecond.
//!
//! Invariant: pure; `now` is an argument. Learned gaps stay within the configured bounds, memory within [`WINDOWS`] numbers.

use std::collections::VecDeque;

use super::model::Millis;

/// Distances remembered of one feed.
pub const WINDOWS: usize = 63;

/// Bounds of the alarm, as the configuration states them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SilenceConfig {
    /// Silence of this many usual gaps is an alarm.
    pub factor: u32,
    /// Lower bound of a learned gap, and the width of a window; milliseconds, ≥ 1.
    pub min_gap_ms: i64,
    /// Upper bound of a learned gap, milliseconds.
    pub max_gap_ms: i64,
    /// Distances to see before a gap is learned.
    pub learn_after: u32,
}

/// What is known of one feed's rhythm.
#[derive(Clone, Debug)]
pub struct SilenceTracker {
    config: SilenceConfig,
    stated_ms: Option<i64>,
    window_start: Option<Millis>,
    distances: VecDeque<i64>,
    seen: u64,
    last_active: Millis,
}

impl SilenceTracker {
    /// A feed watched since `now`, with its stated usual gap in seconds, if it has one.
    pub fn new(config: SilenceConfig, usual_gap_s: Option<u64>, now: Millis) -> Self {
        let stated_ms =
            usual_gap_s.map(|s| i64::try_from(s.saturating_mul(1_000)).unwrap_or(i64::MAX));
        Self {
            config,
            stated_ms,
            window_start: None,
            distances: VecDeque::new(),
            seen: 0,
            last_active: now,
        }
    }

    /// Records were read at `now`, the newest of them received by Kafka at `received`.
    ///
    /// The rhythm is that of `received`; silence counts from `now`, so that a backlog worked off late is not silence.
    pub fn record(&mut self, received: Millis, now: Millis) {
        self.last_active = self.last_active.max(now);
        let Some(start) = self.window_start else {
            self.window_start = Some(received);
            return;
        };
        let distance = received.since(start);
        if distance < self.config.min_gap_ms {
            return;
        }
        self.window_start = Some(received);
        self.seen = self.seen.saturating_add(1);
        if self.distances.len() == WINDOWS {
            self.distances.pop_front();
        }
        self.distances.push_back(distance);
    }

    /// The usual gap in milliseconds; none while it is neither stated nor learned.
    pub fn usual_gap_ms(&self) -> Option<i64> {
        if self.stated_ms.is_some() {
            return self.stated_ms;
        }
        if self.seen < u64::from(self.config.learn_after) {
            return None;
        }
        let mut sorted: Vec<i64> = self.distances.iter().copied().collect();
        sorted.sort_unstable();
        let median = sorted.get(sorted.len() / 2).copied()?;
        let low = self.config.min_gap_ms;
        Some(median.clamp(low, self.config.max_gap_ms.max(low)))
    }

    /// How long nothing has come, if that is long enough for an alarm; milliseconds.
    pub fn silent_for(&self, now: Millis) -> Option<i64> {
        let limit = self
            .usual_gap_ms()?
            .saturating_mul(i64::from(self.config.factor));
        let quiet = now.since(self.last_active);
        (quiet > limit).then_some(quiet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: SilenceConfig = SilenceConfig {
        factor: 5,
        min_gap_ms: 60_000,
        max_gap_ms: 3_600_000,
        learn_after: 3,
    };

    fn at(s: i64) -> Millis {
        Millis(s * 1_000)
    }

    #[test]
    fn a_stated_gap_holds_from_the_start() {
        let mut tracker = SilenceTracker::new(CONFIG, Some(10), at(0));
        assert_eq!(tracker.silent_for(at(50)), None);
        assert_eq!(tracker.silent_for(at(51)), Some(51_000));
        tracker.record(at(60), at(60));
        assert_eq!(tracker.silent_for(at(61)), None);
    }

    #[test]
    fn a_steady_feed_is_judged_by_windows_not_by_single_records() {
        let mut tracker = SilenceTracker::new(CONFIG, None, at(0));
        for s in 0..600 {
            tracker.record(at(s), at(s));
        }
        assert_eq!(tracker.usual_gap_ms(), Some(60_000));
        assert_eq!(tracker.silent_for(at(599 + 300)), None);
        assert!(tracker.silent_for(at(599 + 301)).is_some());
    }

    #[test]
    fn bursts_of_a_polled_feed_count_once() {
        let mut tracker = SilenceTracker::new(CONFIG, None, at(0));
        for poll in 0..6 {
            for _ in 0..40 {
                tracker.record(at(poll * 300), at(poll * 300));
            }
        }
        assert_eq!(tracker.usual_gap_ms(), Some(300_000));
        assert_eq!(tracker.silent_for(at(1_500 + 1_500)), None);
        assert!(tracker.silent_for(at(1_500 + 1_501)).is_some());
    }

    #[test]
    fn nothing_is_claimed_before_a_gap_is_learned_and_one_pause_does_not_spoil_it() {
        let mut tracker = SilenceTracker::new(CONFIG, None, at(0));
        tracker.record(at(0), at(0));
        assert_eq!(tracker.silent_for(at(1_000_000)), None);
        for minute in 1..20 {
            tracker.record(at(minute * 60), at(minute * 60));
        }
        tracker.record(at(50_000), at(50_000));
        assert_eq!(tracker.usual_gap_ms(), Some(60_000));
    }

    #[test]
    fn a_backlog_is_not_silence() {
        let mut tracker = SilenceTracker::new(CONFIG, Some(10), at(10_000));
        tracker.record(at(0), at(10_040));
        assert_eq!(tracker.silent_for(at(10_080)), None);
    }

    #[test]
    fn learned_gaps_and_memory_are_bounded() {
        let mut tracker = SilenceTracker::new(CONFIG, None, at(0));
        for day in 0..200 {
            tracker.record(at(day * 86_400), at(day * 86_400));
        }
        assert_eq!(tracker.usual_gap_ms(), Some(CONFIG.max_gap_ms));
        assert_eq!(tracker.distances.len(), WINDOWS);
    }
}
