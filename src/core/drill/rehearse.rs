//! A drill in memory: the engine and one partition of correlate on a virtual clock, without Kafka and without departments.
//!
//! Invariant: what is rehearsed goes through the code that a drill on Kafka goes through: encoded in the feed's format, labelled,
//! decoded, detected, folded.

use std::sync::Arc;

use super::check::Deployment;
use super::observed::{Observed, SeenAlert, SeenDetection, Sent};
use super::record::encode;
use super::schedule::Simulated;
use crate::core::correlate::{CorrelateConfig, CorrelateOutput, Correlator};
use crate::core::detect::{DetectEngine, DetectOutput, DrillKey, EXERCISE_ID, EXERCISE_MAC};
use crate::core::model::{Millis, Position, RawRecord};
use crate::core::ruleset::RuleSet;

/// Key of labels that never leave the process.
const KEY: &[u8] = b"labels of a rehearsal, which stay in memory";
/// Records between two commits of the fold.
const COMMIT_EVERY: usize = 1_024;

/// Runs a schedule whose script begins at `start`, and follows it for `lasts` milliseconds. The error says what is wrong with
/// a feed.
pub fn rehearse(
    set: &Arc<RuleSet>,
    config: &Arc<CorrelateConfig>,
    here: &Deployment<'_>,
    all: &[Simulated],
    exercise: &str,
    start: Millis,
    lasts: i64,
) -> Result<Observed, String> {
    let key = Arc::new(DrillKey::new(KEY)?);
    let engine = DetectEngine::new(Arc::clone(set), here.feeds)?;
    let mut engine = engine.with_drill_key(Some(Arc::clone(&key)));
    let mut correlator = Correlator::new(Arc::clone(config));
    let (mut seen, mut folded) = (Observed::default(), CorrelateOutput::default());
    let mut found = DetectOutput::default();
    for (nth, one) in all.iter().enumerate() {
        let at = start.plus(one.at);
        let feed = here.feeds.iter().position(|feed| feed.id == one.feed.id);
        let feed = feed.ok_or_else(|| format!("there is no feed `{}`", one.feed.id))?;
        let bytes = encode(&one.feed, &one.report, at)?;
        let mac = key.mac(exercise, &one.feed.id, &one.report.id, &bytes);
        let mut record = RawRecord::new(&bytes, at);
        record.headers.push((EXERCISE_ID, exercise.as_bytes()));
        record.headers.push((EXERCISE_MAC, mac.as_bytes()));
        let position = Position {
            topic: one.feed.topic.as_str().into(),
            partition: 0,
            offset: nth as i64,
        };
        found.clear();
        engine.process(feed, &record, &position, &mut found);
        seen.sent.push(Sent::new(one, at));
        for detection in &found.detections {
            correlator.fold(detection, &mut folded);
            seen.detection(SeenDetection::new(detection, at));
        }
        keep(&mut folded, &mut seen);
        if nth % COMMIT_EVERY == COMMIT_EVERY - 1 {
            correlator.commit();
        }
    }
    correlator.advance(start.plus(lasts), &mut folded);
    keep(&mut folded, &mut seen);
    Ok(seen)
}

fn keep(folded: &mut CorrelateOutput, seen: &mut Observed) {
    for alert in &folded.alerts {
        seen.alert(SeenAlert::new(alert, alert.sent));
    }
    folded.clear();
}
