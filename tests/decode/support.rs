//! Feeds to decode with, and every string of a report.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tocsin::core::decode::Decoder;
use tocsin::core::model::{DecoderKind, Feed, FeedKind, Mapping, Report, Value};

pub(super) const KINDS: [DecoderKind; 7] = [
    DecoderKind::Tocsin,
    DecoderKind::Mapped,
    DecoderKind::CloudEvents,
    DecoderKind::Cap,
    DecoderKind::Open311,
    DecoderKind::GeoJson,
    DecoderKind::Rss,
];

/// A feed of that format that keeps as much as a feed can.
pub(super) fn feed(decoder: DecoderKind) -> Feed {
    let at = |pointer: &str| Some(pointer.to_owned());
    let mapping = Mapping {
        id: "/id".to_owned(),
        time: at("/time"),
        title: at("{/title} ({/type})"),
        text: "/text".to_owned(),
        place_code: at("/code"),
        place: at("/place"),
        latitude: at("/lat"),
        longitude: at("/lon"),
        kind: at("/kind"),
        lang: at("/lang"),
        link: at("/link"),
        fields: [("first", "/first"), ("second", "/nested/0/second")]
            .map(|(name, pointer)| (name.to_owned(), pointer.to_owned()))
            .into(),
    };
    Feed {
        id: "test".into(),
        topic: "test".to_owned(),
        decoder,
        kind: FeedKind::News,
        reliability: 50,
        home: None,
        trust_status: false,
        publisher: true,
        max_age_s: None,
        usual_gap_s: None,
        lang: None,
        time_zone: None,
        mapping: (decoder == DecoderKind::Mapped).then_some(mapping),
    }
}

pub(super) fn decoder(kind: DecoderKind) -> Decoder {
    Decoder::new(Arc::new(feed(kind))).expect("the feed is in order")
}

/// Every string that a report carries, names of fields included, numbers as they would be printed.
pub(super) fn strings(report: &Report<'_>) -> Vec<String> {
    let mut all = vec![
        report.id.to_string(),
        report.title.to_string(),
        report.text.to_string(),
    ];
    let optional = [
        &report.lang,
        &report.place_code,
        &report.place_name,
        &report.link,
        &report.publisher,
    ];
    all.extend(optional.into_iter().flatten().map(ToString::to_string));
    for (name, value) in &report.fields {
        all.push(name.to_string());
        all.push(match value {
            Value::Bool(flag) => flag.to_string(),
            Value::Int(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Text(text) => text.to_string(),
        });
    }
    all
}

/// A folder of the test data in the repository.
pub(super) fn data(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(folder)
}

/// The full data sets, where they lie beside the repository.
pub(super) fn full_data() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    ["../shared/data", "../../shared/data"]
        .iter()
        .map(|path| root.join(path))
        .find(|path| path.is_dir())
}

/// Every file below `folder`, as paths relative to it, sorted.
pub(super) fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let relative = path.strip_prefix(folder).expect("below the folder");
                found.push(relative.to_str().expect("an UTF-8 name").replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}
