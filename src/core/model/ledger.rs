//! The ledger: per transaction and input partition, what was read and how it ended.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Millis;

/// Format version of ledger records.
pub const LEDGER_VERSION: u8 = 1;

/// One entry. Entries of a partition neither gap nor overlap: `from` is the `to` of the entry before it (the first one
/// starts where the group started to read).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// Format version.
    pub v: u8,
    /// `detect` or `correlate`.
    pub stage: String,
    /// Input topic.
    pub topic: String,
    /// Input partition.
    pub partition: i32,
    /// Offset at which the transaction began to read.
    pub from: i64,
    /// Offset after the last record processed; equal to `from` when only the clock was advanced. Transaction markers
    /// occupy offsets, so `to − from` may exceed `read`.
    pub to: i64,
    /// Records read.
    pub read: u64,
    /// Records per outcome; sums up to `read`.
    pub outcomes: BTreeMap<String, u64>,
    /// correlate: the idle advance of the partition clock, applied before the first record of this range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advanced_to: Option<Millis>,
    /// correlate: partition clock after the range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Millis>,
    /// Version of the rule set: of correlate the one whose routing was used, while detections name their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_set: Option<String>,
}

impl LedgerEntry {
    /// Offsets of the range that held no record.
    pub fn empty_offsets(&self) -> u64 {
        u64::try_from(self.to - self.from)
            .unwrap_or(0)
            .saturating_sub(self.read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_beyond_the_records_are_empty() {
        let empty = |from, to, read| {
            let json = serde_json::json!({"v": 1, "stage": "detect", "topic": "feed", "partition": 0,
                "from": from, "to": to, "read": read, "outcomes": {}});
            serde_json::from_value::<LedgerEntry>(json)
                .unwrap()
                .empty_offsets()
        };
        assert_eq!(empty(10, 30, 20), 0);
        assert_eq!(empty(10, 30, 17), 3);
        assert_eq!(empty(10, 10, 0), 0);
    }
}
