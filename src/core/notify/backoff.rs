//! When a message that failed is tried again.
//!
//! `delay(n) = min(first × 2ⁿ⁻¹, most)`, moved by up to a tenth either way by the message's id, so that messages which failed together
//! do not come together again.
//!
//! Invariant: a function of attempt and message alone; within nine tenths and eleven tenths of the bound.

use uuid::Uuid;

/// The schedule of one kind of channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure, milliseconds.
    pub first_ms: i64,
    /// Longest, milliseconds.
    pub most_ms: i64,
    /// Attempts after which a message is dead.
    pub attempts: u32,
}

impl Backoff {
    /// Milliseconds to wait after the `attempt`-th attempt failed (1…); none: the message is dead.
    pub fn after(&self, attempt: u32, message: Uuid) -> Option<i64> {
        if attempt >= self.attempts {
            return None;
        }
        let doubled = self
            .first_ms
            .saturating_mul(1 << attempt.clamp(1, 32).saturating_sub(1));
        let delay = doubled.clamp(0, self.most_ms.max(0));
        let (bytes, at) = (message.as_bytes(), attempt as usize % 16);
        // 0…255 to −10…+10 per cent.
        let share = i64::from(bytes[at]) * 20 / 255 - 10;
        Some(delay.saturating_add(delay / 100 * share))
    }

    /// About how long all attempts take together, milliseconds.
    pub fn whole(&self) -> i64 {
        (1..self.attempts)
            .map(|attempt| {
                let doubled = self.first_ms.saturating_mul(1 << (attempt - 1).min(31));
                doubled.min(self.most_ms)
            })
            .fold(0, i64::saturating_add)
    }
}
