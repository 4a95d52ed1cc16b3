//! Replay of what a partition of detections committed: the alerts and the state that it must have led to.
//!
//! Invariant: clock advances come in the order of the ledger, each before the first record of its range; where transactions
//! ended does not matter.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::core::correlate::{CorrelateConfig, CorrelateOutput, Correlator};
use crate::core::model::{Alert, Detection, Millis, Retraction};

/// One thing that happened to a partition.
#[derive(Clone, Debug)]
pub enum Committed {
    /// The idle advance of a ledger entry.
    Advance(Millis),
    /// A record of the detections topic.
    Detection(Box<Detection>),
    /// A control record of the detections topic.
    Retraction(Box<Retraction>),
    /// Another rule set's routing is in use from here on, as the ledger says.
    Routing(Arc<CorrelateConfig>),
}

/// Detections folded between two commits, which bound the memory.
const COMMIT_EVERY: usize = 4_096;

/// The alerts of one partition, in the order in which they were due.
pub fn replay_committed(
    config: Arc<CorrelateConfig>,
    history: impl IntoIterator<Item = Committed>,
) -> Vec<Alert> {
    fold(config, history, |_| {})
}

/// The last record of every key of the changelog that this history must have left; tombstones are not among them.
pub fn replay_changelog(
    config: Arc<CorrelateConfig>,
    history: impl IntoIterator<Item = Committed>,
) -> BTreeMap<String, Vec<u8>> {
    let mut log = BTreeMap::new();
    fold(config, history, |correlator| {
        for change in correlator.take_changes() {
            match change.value {
                Some(value) => log.insert(change.key, value),
                None => log.remove(&change.key),
            };
        }
    });
    log
}

/// `before_commit` is called before each commit.
fn fold(
    config: Arc<CorrelateConfig>,
    history: impl IntoIterator<Item = Committed>,
    mut before_commit: impl FnMut(&mut Correlator),
) -> Vec<Alert> {
    let mut correlator = Correlator::new(config);
    let mut out = CorrelateOutput::default();
    for (count, event) in history.into_iter().enumerate() {
        match event {
            Committed::Advance(to) => correlator.advance(to, &mut out),
            Committed::Detection(detection) => {
                correlator.fold(&detection, &mut out);
            }
            Committed::Retraction(retraction) => {
                correlator.retract(&retraction, &mut out);
            }
            Committed::Routing(config) => correlator.swap(config),
        }
        if count % COMMIT_EVERY == 0 {
            before_commit(&mut correlator);
            correlator.commit();
        }
    }
    before_commit(&mut correlator);
    out.alerts
}
