//! A line of `tocsin replay --detections`.

use serde::Serialize;

use crate::core::model::{CorrelateOutcome, Detection};

/// A detection as it lies on its topic, with its report's id and its end in correlate beside it.
#[derive(Clone, Debug, Serialize)]
pub struct DetectionLine<'a> {
    /// The feed's identifier of the report.
    pub report_id: &'a str,
    /// How it ended.
    pub outcome: CorrelateOutcome,
    /// The detection.
    #[serde(flatten)]
    pub detection: &'a Detection,
}

impl<'a> DetectionLine<'a> {
    /// The line of a detection.
    pub fn new(detection: &'a Detection, outcome: CorrelateOutcome) -> Self {
        Self {
            report_id: &detection.report.id,
            outcome,
            detection,
        }
    }
}
