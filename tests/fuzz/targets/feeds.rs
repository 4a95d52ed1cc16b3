//! Feeds for the decoder targets.

use std::sync::{Arc, OnceLock};

use tocsin::core::decode::Decoder;
use tocsin::core::mask::mask;
use tocsin::core::model::{DecoderKind, Feed, FeedKind, Mapping, Millis, RawRecord, Report, Value};

/// A decoder of that format that keeps as much as one can.
pub fn decoder(kind: DecoderKind) -> Decoder {
    let mapping = Mapping {
        id: "/id".to_owned(),
        text: "{/title}: {/text}".to_owned(),
        time: Some("/time".to_owned()),
        latitude: Some("/lat".to_owned()),
        longitude: Some("/lon".to_owned()),
        ..Mapping::default()
    };
    let feed = Feed {
        id: "fuzz".into(),
        topic: "fuzz".to_owned(),
        decoder: kind,
        kind: FeedKind::News,
        reliability: 50,
        home: None,
        trust_status: true,
        publisher: true,
        max_age_s: None,
        usual_gap_s: None,
        lang: None,
        time_zone: Some("Asia/Shanghai".to_owned()),
        mapping: (kind == DecoderKind::Mapped).then_some(mapping),
    };
    Decoder::new(Arc::new(feed)).expect("the feed is in order")
}

/// Decodes as a record and as a document; what comes out keeps the promises of a report.
pub fn run(decoders: &'static OnceLock<Vec<Decoder>>, kinds: &[DecoderKind], data: &[u8]) {
    for decoder in decoders.get_or_init(|| kinds.iter().copied().map(decoder).collect()) {
        if let Ok(report) = decoder.decode(&RawRecord::new(data, Millis(0))) {
            promises(&report);
        }
        for report in decoder.decode_document(data).into_iter().flatten().flatten() {
            promises(&report);
        }
    }
}

/// An identifier of bounded length, and nothing left to mask.
pub fn promises(report: &Report<'_>) {
    assert!(!report.id.is_empty() && report.id.len() <= 256);
    let masked = |text: &str| assert_eq!(mask(text.into()), text);
    masked(&report.id);
    masked(&report.title);
    masked(&report.text);
    for (name, value) in &report.fields {
        masked(name);
        if let Value::Text(text) = value {
            masked(text);
        }
    }
}
