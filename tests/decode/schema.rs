//! The published schema of Tocsin JSON says what the decoder does.

use serde_json::json;
use tocsin::core::decode::{SCHEMA, TocsinJson};
use tocsin::core::model::{DecoderKind, Millis, RawRecord};

use super::support::{data, decoder, feed, files};

fn validator() -> jsonschema::Validator {
    jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap()
}

#[test]
fn schema_and_decoder_agree() {
    let validator = validator();
    let decoder = decoder(DecoderKind::Tocsin);
    for (record, good) in [
        (json!({"id": "1", "text": "x"}), true),
        (
            json!({"id": 7, "title": "x", "observed": 1_537_653_600, "lat": "1.5", "lon": 2, "kind": "post", "place": "Here"}),
            true,
        ),
        (
            json!({"id": "1", "text": null, "title": "x", "ts": null, "place": {"code": null}, "fields": null, "other": [1]}),
            true,
        ),
        (json!({"text": "x"}), false),
        (json!({"id": true, "text": "x"}), false),
        (json!({"id": "", "text": "x"}), false),
        (json!({"id": "1", "text": 5}), false),
        (json!({"id": "1", "text": "x", "kind": "rumour"}), false),
        (json!({"id": "1", "text": "x", "withdrawn": "no"}), false),
        (json!({"id": "1", "text": "x", "fields": [1]}), false),
        (json!({"id": "1", "text": "x", "place": 5}), false),
        (json!({"id": "1", "text": "x", "link": {}}), false),
        (json!([{"id": "1", "text": "x"}]), false),
    ] {
        let text = record.to_string();
        assert_eq!(validator.is_valid(&record), good, "schema: {text}");
        assert_eq!(
            decoder
                .decode(&RawRecord::new(text.as_bytes(), Millis(0)))
                .is_ok(),
            good,
            "decoder: {text}"
        );
    }
}

/// Whatever any decoder reads can be written as Tocsin JSON, is valid, and reads back the same.
#[test]
fn what_is_written_is_valid_and_reads_back() {
    let validator = validator();
    let mut trusting = feed(DecoderKind::Tocsin);
    trusting.trust_status = true;
    let tocsin = tocsin::core::decode::Decoder::new(trusting.into()).unwrap();
    let folder = data("data").join("feeds");
    let mut seen = 0;
    for file in files(&folder) {
        let bytes = std::fs::read(folder.join(&file)).unwrap();
        for kind in [DecoderKind::Cap, DecoderKind::Rss, DecoderKind::GeoJson] {
            for report in decoder(kind)
                .decode_document(&bytes)
                .unwrap_or_default()
                .into_iter()
                .flatten()
            {
                let json = serde_json::to_value(TocsinJson(&report)).unwrap();
                assert!(validator.is_valid(&json), "{json}");
                let text = json.to_string();
                let again = tocsin
                    .decode(&RawRecord::new(text.as_bytes(), Millis(0)))
                    .unwrap()
                    .into_owned();
                let again = serde_json::to_value(TocsinJson(&again)).unwrap();
                assert_eq!(again, json);
                seen += 1;
            }
        }
    }
    assert!(seen > 40, "{seen}");
}
