//! What became of one record, as `rules explain` has it for scripts and for people.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use super::super::corpus::Taken;
use crate::core::model::{
    Alert, CorrelateOutcome, Detection, Level, Match, Millis, Place, RoutedDepartment, ShadowHit,
};
use crate::core::place::Candidate;
use crate::core::tools::backtest::Refused;
use crate::core::tools::explain::Explained;

/// Everything that became of one record.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Where on which topic the record lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<At>,
    /// Records that went before it.
    pub history: u64,
    /// What went before it and could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<Unread>,
    /// As decoded, masked: Tocsin JSON.
    pub decoded: serde_json::Value,
    /// Title and text as rules see them.
    pub normalised: [String; 2],
    pub place: Option<Place>,
    /// What the place was taken from.
    pub place_by: &'static str,
    pub place_assumed: bool,
    pub ancestors: Vec<Arc<str>>,
    pub also_places: Vec<Place>,
    /// Every name that may be a place.
    pub candidates: Vec<Candidate>,
    pub terms: Vec<Match>,
    pub rules: Vec<Explained>,
    pub detections: Vec<(Detection, CorrelateOutcome)>,
    /// For each detection the earlier report of its key whose text is nearest.
    pub nearest: Vec<Option<Earliest>>,
    pub shadow: Vec<ShadowHit>,
    pub is_copy: bool,
    /// By incident key, who has a duty.
    pub routes: Vec<Route>,
    pub alerts: Vec<Alert>,
    #[serde(skip)]
    pub near: usize,
    #[serde(skip)]
    pub full: bool,
}

/// Earlier records that could not be read.
#[derive(Debug, Serialize)]
pub(super) struct Unread {
    pub records: u64,
    pub first: Refused,
}

/// A place on a topic.
#[derive(Debug, Serialize)]
pub(super) struct At {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub received: Option<Millis>,
}

/// An earlier report and how near its text is.
#[derive(Debug, Serialize)]
pub(super) struct Earliest {
    pub feed: Arc<str>,
    pub report: String,
    /// Bits in which the fingerprints differ.
    pub bits: u32,
    pub near: bool,
}

/// Who has a duty on an incident.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Route {
    pub key: String,
    pub level: Level,
    /// Whether it is on the queue; else who would have a duty at the lowest level.
    pub queued: bool,
    /// Lowest score of the lowest level.
    pub threshold: i32,
    pub departments: Vec<RoutedDepartment>,
}

impl Report {
    /// Says where the record lies.
    pub(super) fn came_from(&mut self, topic: Option<&str>, taken: &Taken) {
        let place = topic.zip(taken.position);
        self.position = place.map(|(topic, (partition, offset))| At {
            topic: topic.to_owned(),
            partition,
            offset,
            received: taken.received,
        });
    }

    /// Rules that fired, by the engine's own word.
    pub(super) fn fired(&self) -> BTreeSet<Arc<str>> {
        let live = self.detections.iter();
        let live = live.map(|(detection, _)| &detection.rule_id);
        let shadow = self.shadow.iter().map(|hit| &hit.rule_id);
        live.chain(shadow).cloned().collect()
    }
}
