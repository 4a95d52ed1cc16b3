//! Checks of what records go through: decoders, masks, normaliser, numbers, places, rules.

use std::sync::{Arc, LazyLock, Mutex};

use smallvec::smallvec;
use tocsin::config::{Paths, load_rule_files, load_rule_set};
use tocsin::core::decode::Decoder;
use tocsin::core::detect::{DetectEngine, DetectOutput};
use tocsin::core::mask::{MASK, mask};
use tocsin::core::model::{
    DecoderKind, Detection, Feed, FeedKind, Mapping, Millis, Position, RawRecord, Refusal,
    RefusalCode, Report, Value,
};
use tocsin::core::normalise::{map_spans, normalise, oracle};
use tocsin::core::number;
use tocsin::core::place::{Gazetteer, GazetteerSources, PlaceQuery};

fn feed(kind: DecoderKind) -> Feed {
    let mapping = Mapping {
        id: "/id".to_owned(),
        text: "{/title}: {/text}".to_owned(),
        time: Some("/time".to_owned()),
        latitude: Some("/lat".to_owned()),
        longitude: Some("/lon".to_owned()),
        ..Mapping::default()
    };
    Feed {
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
    }
}

/// As a record, with headers of an event and without, and as a document.
pub(super) fn decode(kind: DecoderKind, data: &[u8]) {
    static DECODERS: LazyLock<Vec<Decoder>> = LazyLock::new(|| {
        let kinds = [
            DecoderKind::Tocsin,
            DecoderKind::Mapped,
            DecoderKind::CloudEvents,
            DecoderKind::Cap,
            DecoderKind::Open311,
            DecoderKind::GeoJson,
            DecoderKind::Rss,
        ];
        let decoder = |kind| Decoder::new(Arc::new(feed(kind))).expect("the feed is in order");
        kinds.into_iter().map(decoder).collect()
    });
    let decoder = DECODERS
        .iter()
        .find(|decoder| decoder.feed().decoder == kind)
        .expect("a decoder of each kind");
    let mut record = RawRecord::new(data, Millis(0));
    let read = decoder.decode(&record);
    promised(read.as_ref(), data.len());
    record.headers = smallvec![
        ("ce_specversion", &b"1.0"[..]),
        ("ce_id", &data[..data.len().min(40)]),
        ("ce_source", &b"fuzz"[..]),
        ("ce_type", &b"fuzz"[..]),
        ("ce_time", &data[..data.len().min(24)]),
    ];
    promised(decoder.decode(&record).as_ref(), data.len());
    for read in decoder.decode_document(data).into_iter().flatten() {
        promised(read.as_ref(), data.len());
    }
}

/// An identifier of bounded length and nothing left to mask, or a refusal with its place in the bytes.
fn promised(read: Result<&Report<'_>, &Refusal>, length: usize) {
    let report = match read {
        Ok(report) => report,
        Err(refusal) => {
            assert_ne!(refusal.code, RefusalCode::Internal);
            assert!(
                refusal.at.is_none_or(|at| at <= length),
                "{refusal:?} of {length}"
            );
            assert!(refusal.message.chars().count() <= 300, "{refusal:?}");
            return;
        }
    };
    assert!(!report.id.is_empty() && report.id.len() <= 256);
    let masked = |text: &str| assert_eq!(mask(text.into()), text);
    masked(&report.id);
    masked(&report.title);
    masked(&report.text);
    for text in [
        &report.place_code,
        &report.place_name,
        &report.link,
        &report.publisher,
        &report.lang,
    ] {
        masked(text.as_deref().unwrap_or_default());
    }
    for (name, value) in &report.fields {
        masked(name);
        if let Value::Text(text) = value {
            masked(text);
        }
    }
    if let Some(at) = report.coordinates {
        assert!(at.lat.abs() <= 90.0 && at.lon.abs() <= 180.0);
    }
}

/// One code point for one, nothing but masks put in, and done after one pass.
pub(super) fn masking(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    let once = mask(text.into());
    assert_eq!(once.chars().count(), text.chars().count());
    assert!(
        text.chars()
            .zip(once.chars())
            .all(|(before, after)| before == after || after == MASK)
    );
    assert_eq!(mask(once.as_ref().into()), once);
}

/// What the library makes of it, and every symbol comes from somewhere.
pub(super) fn normal(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    let normal = normalise(text);
    assert_eq!(normal, oracle(text));
    let symbols = normal.encode_utf16().count() as u32;
    let spans: Vec<[u32; 2]> = (0..symbols).map(|at| [at, at + 1]).collect();
    let points = text.chars().count() as u32;
    let mapped = map_spans(text, &spans);
    assert!(mapped.iter().all(|[from, to]| from < to && *to <= points));
    assert!(mapped.is_sorted());
}

pub(super) fn numbers(data: &[u8]) {
    let text = normalise(&String::from_utf8_lossy(data));
    for (name, value) in number::extract(&text) {
        assert!(value.is_finite() && value >= 0.0, "{name}: {value}");
        assert!(number::FIELDS.iter().any(|(known, _)| *known == name));
    }
    let _ = number::parse_chinese(&text);
}

/// The bundled places, of every kind of mention.
pub(super) fn mention(data: &[u8]) {
    static GAZETTEER: LazyLock<Gazetteer> = LazyLock::new(|| {
        let files = load_rule_files(&Paths::default())
            .expect("the bundled files")
            .places;
        Gazetteer::build(&GazetteerSources { files }).expect("the bundled places")
    });
    let text = &*String::from_utf8_lossy(data);
    let (title, body) = text.split_once('\n').unwrap_or(("", text));
    let resolved = GAZETTEER.resolve(&PlaceQuery {
        code: Some(title),
        name: Some(title),
        title,
        text: body,
        home: Some("cn-310000"),
        ..PlaceQuery::default()
    });
    assert!(!resolved.place.code.is_empty());
    let _ = (GAZETTEER.get(text), GAZETTEER.ancestors(text));
}

/// The bundled rules on a report of that text.
pub(super) fn detect(data: &[u8]) {
    static ENGINE: LazyLock<Mutex<DetectEngine>> = LazyLock::new(|| {
        let set = Arc::new(load_rule_set(&Paths::default()).expect("the bundled rules"));
        let feeds = [Arc::new(feed(DecoderKind::Tocsin))];
        Mutex::new(DetectEngine::new(set, &feeds).expect("the feed is in order"))
    });
    let text = String::from_utf8_lossy(data);
    let (title, body) = text.split_once('\n').unwrap_or(("", &text));
    let record = serde_json::json!({"id": "1", "title": title, "text": body}).to_string();
    let position = Position {
        topic: "fuzz".into(),
        partition: 0,
        offset: 1,
    };
    let mut out = DetectOutput::default();
    let mut engine = ENGINE
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    engine.process(
        0,
        &RawRecord::new(record.as_bytes(), Millis(1)),
        &position,
        &mut out,
    );
    for found in &out.detections {
        let written = serde_json::to_vec(found).expect("a detection is JSON");
        let read: Detection =
            serde_json::from_slice(&written).expect("a detection reads what it writes");
        assert_eq!(read.key, found.key);
        for hit in &found.matches {
            assert!(hit.span[0] < hit.span[1], "{hit:?}");
        }
    }
}
