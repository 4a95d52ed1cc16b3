//! The other half: detections in the order of their lines, alerts out, everything counted.
//!
//! Invariant: what comes out depends on the sequence of calls alone.

use std::sync::Arc;

use super::driver::ReplayOutput;
use super::summary::Summary;
use crate::core::correlate::{CorrelateConfig, CorrelateOutput, Correlator};
use crate::core::detect::DetectOutput;
use crate::core::growth::Series;
use crate::core::model::{DetectOutcome, Millis};

/// Lines between two commits of the fold, which bound its memory.
const COMMIT_EVERY: u64 = 32_768;

/// Folds what lines led to, in their order.
#[derive(Debug)]
pub struct Folding {
    correlator: Correlator,
    summary: Summary,
    refresh_ms: i64,
    folded: CorrelateOutput,
}

impl Folding {
    /// Without any incident.
    pub fn new(config: Arc<CorrelateConfig>) -> Self {
        Self {
            refresh_ms: config.incident.refresh_ms,
            correlator: Correlator::new(config),
            summary: Summary::default(),
            folded: CorrelateOutput::default(),
        }
    }

    /// Folds what a line led to, which is taken out of `detected` and appended to `out`.
    pub fn line(
        &mut self,
        outcome: DetectOutcome,
        detected: Option<&mut DetectOutput>,
        out: &mut ReplayOutput,
    ) {
        self.summary.record(outcome);
        if let Some(detected) = detected {
            out.refusal = detected.refusal.take();
            out.shadow.append(&mut detected.shadow);
            self.folded.clear();
            for detection in detected.detections.drain(..) {
                let end = self.correlator.fold(&detection, &mut self.folded);
                self.summary.detection(end);
                out.detections.push((detection, end));
            }
            if let Some(retraction) = detected.retraction.take() {
                self.correlator.retract(&retraction, &mut self.folded);
            }
            self.keep_alerts(out);
        }
        if self.summary.records.is_multiple_of(COMMIT_EVERY) {
            self.correlator.commit();
        }
    }

    /// Lets the clock run on without a line; an earlier time changes nothing.
    pub fn advance(&mut self, to: Millis, out: &mut ReplayOutput) {
        self.folded.clear();
        self.correlator.advance(to, &mut self.folded);
        self.keep_alerts(out);
    }

    /// Ends the input. The clock runs on for the refresh interval, so that no counted report is missing from the queue; with
    /// `settle` it runs on until every incident is quiet.
    pub fn finish(&mut self, settle: bool, out: &mut ReplayOutput) {
        self.folded.clear();
        let clock = self.correlator.clock();
        let to = if settle {
            Millis::MAX
        } else {
            clock.plus(self.refresh_ms)
        };
        if clock > Millis::MIN {
            self.correlator.advance(to, &mut self.folded);
        }
        self.correlator.commit();
        self.keep_alerts(out);
    }

    /// The series of a key, as committed; see [`finish`](Self::finish).
    pub fn series(&self, key: &str) -> Option<Series> {
        self.correlator.series(key)
    }

    /// Keys that have a series, sorted.
    pub fn series_keys(&self) -> Vec<Arc<str>> {
        self.correlator.series_keys()
    }

    /// The partition clock.
    pub fn clock(&self) -> Millis {
        self.correlator.clock()
    }

    /// What was counted; the caller sets the time taken.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    fn keep_alerts(&mut self, out: &mut ReplayOutput) {
        self.summary.alerts += self.folded.alerts.len() as u64;
        out.alerts.append(&mut self.folded.alerts);
    }
}
