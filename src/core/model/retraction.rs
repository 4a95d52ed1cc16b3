//! A retraction: the control record that takes a report out of incidents.
//!
//! detect keeps nothing between records, so it does not know under which keys an earlier statement of a report counts. Where a
//! record says that it takes back or restates a report, detect therefore writes a retraction to *every* partition of the
//! detections, after the detections of the record itself; each partition looks the report up among its incidents.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Millis, Status};

/// Format version of retractions; readers accept this and the one before.
pub const RETRACTION_VERSION: u8 = 1;

/// Kafka key of retractions on the topic of detections; no incident key begins so.
pub const RETRACTION_KEY: &str = "~retraction";

/// From `received` on, the report counts under `except` only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retraction {
    /// Format version.
    pub v: u8,
    /// Status of the record; incidents of another one are not touched.
    pub status: Status,
    /// Exercise id, for exercises; incidents of another one are not touched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exercise: Option<Arc<str>>,
    /// Feed.
    pub feed: Arc<str>,
    /// The feed's identifier of the report.
    pub report_id: String,
    /// When the record reached Kafka; drives the partition clock as a detection's does.
    pub received: Millis,
    /// Incident keys at which the record itself has detections; sorted. Empty for a withdrawal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}
