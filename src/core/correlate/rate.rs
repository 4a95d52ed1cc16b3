//! Reports of the last hour in 5-minute bins.
//!
//! Invariant: bins lie on whole multiples of five minutes since 1970, so that the counts do not depend on when a process began.

use serde::{Deserialize, Serialize};

use crate::core::model::{Millis, RATE_BINS};

const BIN_MS: i64 = 5 * 60_000;

/// Arrivals by bin; only bins of the last hour that are not empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Rate(Vec<(i64, u32)>);

impl Rate {
    /// Counts one report received at `received`; too old ones are in no bin.
    pub(super) fn count(&mut self, received: Millis, now: Millis) {
        let oldest = oldest_bin(now);
        self.0.retain(|(bin, _)| *bin >= oldest);
        let bin = received.0.div_euclid(BIN_MS);
        if bin < oldest {
            return;
        }
        match self.0.binary_search_by_key(&bin, |(bin, _)| *bin) {
            Ok(at) => self.0[at].1 = self.0[at].1.saturating_add(1),
            Err(at) => self.0.insert(at, (bin, 1)),
        }
    }

    /// The bins of the hour that ends at `now`, oldest first.
    pub(super) fn bins(&self, now: Millis) -> [u32; RATE_BINS] {
        let oldest = oldest_bin(now);
        let mut bins = [0; RATE_BINS];
        for (bin, count) in &self.0 {
            if let Some(slot) = usize::try_from(bin - oldest)
                .ok()
                .and_then(|at| bins.get_mut(at))
            {
                *slot = *count;
            }
        }
        bins
    }
}

fn oldest_bin(now: Millis) -> i64 {
    now.0.div_euclid(BIN_MS) - (RATE_BINS as i64 - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_twelve_bins_and_older_reports_are_in_none() {
        let mut rate = Rate::default();
        let now = Millis(100 * BIN_MS + 7);
        rate.count(now, now);
        rate.count(Millis(99 * BIN_MS), now);
        rate.count(Millis(88 * BIN_MS), now);
        rate.count(Millis(89 * BIN_MS), now);
        let mut expected = [0; RATE_BINS];
        (expected[11], expected[10], expected[0]) = (1, 1, 1);
        assert_eq!(rate.bins(now), expected);
        assert_eq!(rate.bins(Millis(200 * BIN_MS)), [0; RATE_BINS]);
    }
}
