//! Bytes that nobody should send: random ones, real files broken at random, and the classics.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use tocsin::core::decode::MAX_DEPTH;
use tocsin::core::model::{DecoderKind, Millis, RawRecord, RefusalCode};

use super::support::{KINDS, data, decoder, files};

/// Runs every decoder over the bytes, as a record and as a document.
fn decode_all(bytes: &[u8]) {
    for kind in KINDS {
        let decoder = decoder(kind);
        let record = RawRecord::new(bytes, Millis(0));
        if let Ok(report) = decoder.decode(&record) {
            assert!(!report.id.is_empty() && report.id.len() <= 256);
        }
        let _ = decoder.decode_document(bytes);
    }
}

fn samples() -> Vec<Vec<u8>> {
    let folder = data("data").join("feeds");
    let mut samples: Vec<Vec<u8>> = files(&folder)
        .iter()
        .map(|file| std::fs::read(folder.join(file)).unwrap())
        .filter(|bytes| bytes.len() < 60_000)
        .collect();
    for json in [
        r#"{"id":"1","text":"a\u4e2d\ud83d\ude00","place":{"code":"x","name":"y"},"lat":1,"lon":2,"fields":{"a":1.5,"b":[{}]}}"#,
        r#"{"specversion":"1.0","id":"1","source":"s","type":"t","time":"2026-01-01T00:00:00Z","data":{"id":"1","text":"x"}}"#,
        r#"{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"eyJpZCI6IjEiLCJ0ZXh0IjoieCJ9"}"#,
        r#"[{"service_request_id":"1","service_name":"Flood","description":"x","lat":"1","long":"2","address":"y"}]"#,
        r#"{"id":1,"text":"t","time":"2016-07-13 15:11:07+00:00","lat":null,"lon":null,"nested":[{"second":true}]}"#,
    ] {
        samples.push(json.as_bytes().to_vec());
    }
    samples
}

#[test]
fn cut_anywhere_nothing_panics() {
    for sample in samples() {
        let step = (sample.len() / 64).max(1);
        for end in (0..sample.len()).step_by(step) {
            decode_all(&sample[..end]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        decode_all(&bytes);
    }

    #[test]
    fn random_markup(text in r#"[<>/&;=!?'"a-c\[\]{}:,0-9\\ -]{0,120}"#) {
        decode_all(text.as_bytes());
    }

    #[test]
    fn broken_samples(
        pick in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 1..12),
    ) {
        let samples = samples();
        let mut bytes = samples[pick.index(samples.len())].clone();
        for (at, byte, edit) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match edit {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.drain(at..(at + byte as usize).min(bytes.len()))),
                _ => {
                    let piece: Vec<u8> = bytes[at..].iter().take(byte as usize).copied().collect();
                    bytes.splice(at..at, piece);
                }
            }
        }
        decode_all(&bytes);
    }
}

fn code(kind: DecoderKind, text: &str) -> RefusalCode {
    decoder(kind)
        .decode(&RawRecord::new(text.as_bytes(), Millis(0)))
        .unwrap_err()
        .code
}

#[test]
fn bombs_are_refused_with_their_code() {
    let laughs: String = (1..10)
        .map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10)))
        .collect();
    let bomb = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY l0 \"ha\">{laughs}]><alert>&l9;</alert>"
    );
    let outside = "<!DOCTYPE alert SYSTEM \"file:///etc/passwd\"><alert/>";
    for kind in [DecoderKind::Cap, DecoderKind::Rss, DecoderKind::Open311] {
        assert_eq!(code(kind, &bomb), RefusalCode::Entity);
        assert_eq!(code(kind, outside), RefusalCode::Entity);
        assert_eq!(code(kind, &"<a>".repeat(300_000)), RefusalCode::TooDeep);
    }
    for kind in [
        DecoderKind::Tocsin,
        DecoderKind::Mapped,
        DecoderKind::CloudEvents,
        DecoderKind::GeoJson,
        DecoderKind::Open311,
    ] {
        assert_eq!(
            code(kind, &format!("{{\"x\":{}", "[".repeat(1_000_000))),
            RefusalCode::TooDeep
        );
        assert_eq!(code(kind, &"{\"x\":".repeat(200_000)), RefusalCode::TooDeep);
        assert_eq!(
            code(kind, "{\"id\":\"1\",\"text\":\"x"),
            RefusalCode::Syntax
        );
        let decoder = decoder(kind);
        let refusal = decoder
            .decode(&RawRecord::new(
                b"{\"id\":\"1\",\"text\":\"\xFF\"}",
                Millis(0),
            ))
            .unwrap_err();
        assert_eq!((refusal.code, refusal.at), (RefusalCode::NotUtf8, Some(18)));
    }
}

#[test]
fn the_deepest_record_allowed_is_read() {
    let nested = |depth: usize| {
        format!(
            "{{\"id\":\"1\",\"text\":\"x\",\"other\":{}{}}}",
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    for kind in [DecoderKind::Tocsin, DecoderKind::Mapped] {
        let (fits, deeper) = (nested(MAX_DEPTH - 1), nested(MAX_DEPTH));
        assert!(
            decoder(kind)
                .decode(&RawRecord::new(fits.as_bytes(), Millis(0)))
                .is_ok()
        );
        assert_eq!(code(kind, &deeper), RefusalCode::TooDeep);
    }
}

/// Nothing costs the square of its length: four times the text is worth at most ten times the time. Tried again before it
/// fails, since others may be busy on the machine.
#[test]
fn repetition_is_cheap() {
    for piece in [
        "＠a ",
        "@ ",
        "01 ",
        "1-",
        "1380013800 ",
        "4155550123.",
        "<a",
        "&amp",
        "a@",
        "＠",
        "x.1",
        "(at)",
        "一 ",
        "n/",
    ] {
        let took = |bytes: usize| {
            let start = Instant::now();
            decode_repeated(&piece.repeat(bytes / piece.len()));
            start.elapsed()
        };
        let linear = || took(600_000) < 10 * took(150_000) + Duration::from_millis(50);
        assert!((0..5).any(|_| linear()), "{piece}");
    }
}

/// The text in a record of either kind.
fn decode_repeated(text: &str) {
    let record = serde_json::json!({"id": "1", "text": text, "title": "x"}).to_string();
    let item = format!(
        "<item><guid>1</guid><title>t</title><description><![CDATA[{text}]]></description></item>"
    );
    for (kind, bytes) in [(DecoderKind::Tocsin, record), (DecoderKind::Rss, item)] {
        let record = RawRecord::new(bytes.as_bytes(), Millis(0));
        assert!(decoder(kind).decode(&record).is_ok());
    }
}
