//! Checks of what comes back from Kafka: dead letters, the changelog, detections.

use std::sync::Arc;

use tocsin::core::correlate::{CLOCK_KEY, CorrelateConfig, CorrelateOutput, Correlator};
use tocsin::core::model::{Detection, Millis, Refusal, RefusalCode};
use tocsin::kafka::dead_letter;

/// As headers of a dead letter: name, value, name, value.
pub(super) fn letter(data: &[u8]) {
    let parts: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    let headers: tocsin::kafka::Headers<'_> = parts
        .chunks_exact(2)
        .filter_map(|pair| Some((std::str::from_utf8(pair[0]).ok()?, pair[1])))
        .collect();
    let Some(origin) = dead_letter::Origin::of(&headers) else {
        return;
    };
    let refusal = Refusal::decode(RefusalCode::Syntax, "x").at(1);
    let (first, _) = dead_letter::letter(&origin, &refusal, Some(b"k"), data, &headers);
    let first: tocsin::kafka::Headers<'_> = first
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()))
        .collect();
    assert_eq!(dead_letter::Origin::of(&first), Some(origin));
}

fn correlator() -> Correlator {
    Correlator::new(Arc::new(CorrelateConfig::new(Arc::default())))
}

/// As a value of the changelog: refused, or carried through a timer and written again.
pub(super) fn changelog(data: &[u8]) {
    for key in ["actual/fire/cn-310000", CLOCK_KEY, "x"] {
        let mut correlator = correlator();
        if correlator.restore(key, Some(data)).is_err() {
            continue;
        }
        correlator.finish_restore();
        let mut out = CorrelateOutput::default();
        let end = Millis(correlator.clock().0.saturating_add(90 * 86_400_000));
        correlator.advance(end, &mut out);
        let _ = correlator.take_changes();
    }
}

/// As a record of `tocsin.detections`.
pub(super) fn detection(data: &[u8]) {
    let Ok(read) = serde_json::from_slice::<Detection>(data) else {
        return;
    };
    let mut correlator = correlator();
    let mut out = CorrelateOutput::default();
    for _ in 0..2 {
        correlator.fold(&read, &mut out);
    }
    correlator.advance(
        Millis(correlator.clock().0.saturating_add(86_400_000)),
        &mut out,
    );
    let _ = correlator.take_changes();
}
