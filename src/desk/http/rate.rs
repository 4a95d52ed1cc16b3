//! How often somebody may ask: a bucket of tokens per key, in a bounded map.
//!
//! Invariants: the map never holds more than [`MAX_KEYS`] keys; forgetting a key can only be to the asker's advantage, and the
//! keys that are forgotten first are those that have asked least.
//!
//! The algorithm is GCRA (ITU-T I.371, annex A): per key one number, the theoretical arrival time. A crate would do it, but those
//! that are kept do not bound the number of keys.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use crate::core::model::Millis;

/// Keys remembered.
pub const MAX_KEYS: usize = 16_384;

/// Requests per time, with a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests per minute in the long run, 1 or more.
    pub per_minute: u32,
    /// Requests at once after a pause, 1 or more.
    pub burst: u32,
}

/// Buckets by key.
#[derive(Debug)]
pub struct Limiter<K> {
    rate: Rate,
    /// Theoretical arrival times, microseconds.
    arrivals: Mutex<HashMap<K, i64>>,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    /// Buckets of this rate, all full.
    pub fn new(rate: Rate) -> Self {
        Self {
            rate,
            arrivals: Mutex::default(),
        }
    }

    /// One request of `key` at `now`: heard, or refused with the seconds to wait.
    pub fn ask(&self, key: &K, now: Millis) -> Result<(), u64> {
        self.change(key, now, true)
    }

    /// Whether a request of `key` would be heard, without counting it.
    pub fn peek(&self, key: &K, now: Millis) -> Result<(), u64> {
        self.change(key, now, false)
    }

    fn change(&self, key: &K, now: Millis, count: bool) -> Result<(), u64> {
        let now = now.0.saturating_mul(1_000);
        let step = 60_000_000 / i64::from(self.rate.per_minute.max(1));
        let tolerance = step.saturating_mul(i64::from(self.rate.burst.max(1)) - 1);
        // A panic elsewhere leaves plain numbers behind.
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        let arrival = arrivals.get(key).copied().unwrap_or(now).max(now);
        let early = arrival - now - tolerance;
        if early > 0 {
            return Err(u64::try_from(early).unwrap_or(0).div_ceil(1_000_000));
        }
        if count {
            if arrivals.len() >= MAX_KEYS && !arrivals.contains_key(key) {
                forget(&mut arrivals, now);
            }
            arrivals.insert(key.clone(), arrival + step);
        }
        Ok(())
    }

    /// Keys remembered now.
    pub fn keys(&self) -> usize {
        let arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        arrivals.len()
    }
}

/// Forgets full buckets, and where there are too few of them the fuller half.
fn forget<K: Hash + Eq>(arrivals: &mut HashMap<K, i64>, now: i64) {
    arrivals.retain(|_, arrival| *arrival > now);
    if arrivals.len() > MAX_KEYS / 2 {
        let mut times: Vec<i64> = arrivals.values().copied().collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        arrivals.retain(|_, arrival| *arrival > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        per_minute: 60,
        burst: 3,
    };

    #[test]
    fn a_burst_then_the_rate_each_key_for_itself() {
        let limiter = Limiter::new(RATE);
        let at = Millis;
        for _ in 0..3 {
            assert_eq!(limiter.ask(&"a", at(1_000)), Ok(()));
        }
        assert_eq!(limiter.ask(&"a", at(1_000)), Err(1));
        assert_eq!(limiter.peek(&"a", at(1_000)), Err(1));
        assert_eq!(limiter.ask(&"b", at(1_000)), Ok(()));
        assert_eq!(limiter.ask(&"a", at(1_999)), Err(1));
        assert_eq!(limiter.peek(&"a", at(2_000)), Ok(()));
        assert_eq!(limiter.ask(&"a", at(2_000)), Ok(()));
        assert_eq!(limiter.ask(&"a", at(2_000)), Err(1));
        assert_eq!(limiter.ask(&"a", at(60_000)), Ok(()));
        // A clock that is set back does not lock anybody out for longer than before.
        assert_eq!(limiter.ask(&"b", at(0)), Ok(()));
    }

    #[test]
    fn over_a_minute_no_more_than_rate_and_burst() {
        let limiter = Limiter::new(RATE);
        let heard = (0..60_000)
            .step_by(10)
            .filter(|ms| limiter.ask(&(), Millis(*ms)).is_ok())
            .count();
        assert_eq!(heard, 62);
    }

    #[test]
    fn the_map_is_bounded_and_who_asks_most_is_not_forgotten() {
        let limiter = Limiter::new(RATE);
        for _ in 0..3 {
            limiter.ask(&u32::MAX, Millis(0)).unwrap();
        }
        for key in 0..100_000 {
            limiter.ask(&key, Millis(0)).unwrap();
            assert!(limiter.keys() <= MAX_KEYS);
        }
        assert!(limiter.ask(&u32::MAX, Millis(0)).is_err());
    }
}
