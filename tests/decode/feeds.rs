//! Every feed file and what becomes of it: one table for the samples here and for the full sets beside the repository.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use tocsin::core::decode::{Decoder, MAX_RECORD};
use tocsin::core::model::{DecoderKind, Feed, Millis, RawRecord, Refusal, Report, Value};

use super::support::{data, decoder, files, full_data};

fn kind(name: &str) -> DecoderKind {
    serde_json::from_value(name.into()).unwrap_or_else(|_| panic!("no decoder {name}"))
}

/// Reports and distinct codes of refusals, as the table writes them: `7`, `6 D0008`, `D0012`.
fn summary(items: Result<Vec<Result<Report<'static>, Refusal>>, Refusal>) -> String {
    let items = items.unwrap_or_else(|refusal| vec![Err(refusal)]);
    let decoded = items.iter().filter(|item| item.is_ok()).count();
    let codes: BTreeSet<&str> = items
        .iter()
        .filter_map(|item| Some(item.as_ref().err()?.code.id()))
        .collect();
    let count = (decoded > 0).then(|| decoded.to_string());
    count
        .into_iter()
        .chain(codes.into_iter().map(str::to_owned))
        .collect::<Vec<_>>()
        .join(" ")
}

/// What the same bytes are as one Kafka record.
fn as_record(decoder: &Decoder, bytes: &[u8]) -> String {
    match decoder.decode(&RawRecord::new(bytes, Millis(0))) {
        Ok(_) => "1".to_owned(),
        Err(refusal) => refusal.code.id().to_owned(),
    }
}

/// Checks the rows whose files are in `folder`; returns the files seen.
fn check(folder: &Path) -> BTreeSet<String> {
    let table = std::fs::read_to_string(data("golden").join("feed_files.txt")).unwrap();
    let (mut seen, mut wrong) = (BTreeSet::new(), Vec::new());
    for line in table
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [file, format, document, record] = columns[..] else {
            panic!("four columns: {line}")
        };
        let Ok(bytes) = std::fs::read(folder.join(file)) else {
            continue;
        };
        seen.insert(file.to_owned());
        let decoder = decoder(kind(format));
        let found = (
            summary(decoder.decode_document(&bytes)),
            as_record(&decoder, &bytes),
        );
        if (found.0.as_str(), found.1.as_str()) != (document, record) {
            wrong.push(format!("{file} | {format} | {} | {}", found.0, found.1));
        }
    }
    assert!(wrong.is_empty(), "found instead:\n{}", wrong.join("\n"));
    seen
}

#[test]
fn samples_decode_as_the_table_says() {
    let folder = data("data").join("feeds");
    let seen = check(&folder);
    let unlisted: Vec<_> = files(&folder)
        .into_iter()
        .filter(|file| !seen.contains(file) && !file.ends_with(".md") && !file.ends_with(".toml"))
        .collect();
    assert!(unlisted.is_empty(), "not in the table: {unlisted:?}");
}

#[test]
fn full_sets_decode_as_the_table_says() {
    let Some(folder) = full_data().map(|data| data.join("feeds")) else {
        println!("left out: the full sets are not here; the bundled samples are checked");
        return;
    };
    let seen = check(&folder);
    let unlisted: Vec<_> = files(&folder)
        .into_iter()
        .filter(|file| !seen.contains(file))
        .collect();
    assert!(unlisted.is_empty(), "not in the table: {unlisted:?}");
}

fn reports(kind: DecoderKind, file: &str) -> Vec<Report<'static>> {
    let bytes = std::fs::read(data("data").join("feeds").join(file)).unwrap();
    decoder(kind)
        .decode_document(&bytes)
        .unwrap()
        .into_iter()
        .map(Result::unwrap)
        .collect()
}

fn near(report: &Report<'_>, lat: f64, lon: f64) {
    let at = report.coordinates.expect("coordinates");
    assert!(
        (at.lat - lat).abs() < 0.01 && (at.lon - lon).abs() < 0.01,
        "{at:?}"
    );
}

#[test]
fn an_update_keeps_the_identifier_of_the_first_message() {
    let update = &reports(DecoderKind::Cap, "cap/google/canada.cap")[0];
    assert_eq!(update.id, "2.49.0.1.124.a3f342a4.2012");
    assert_eq!(
        update.observed.unwrap().to_string(),
        "2012-05-02T23:21:04.000Z"
    );
    assert_eq!(update.lang.as_deref(), Some("en-CA"));
    assert!(
        update.text.contains("veille d'orages violents"),
        "the French info is appended"
    );
    near(update, 42.05, -82.73);
}

#[test]
fn latin_1_and_measured_values() {
    let quake = &reports(DecoderKind::Cap, "cap/google/earthquake-iso8859-1.cap")[0];
    assert!(quake.title.contains("Usulután"), "{}", quake.title);
    assert_eq!(quake.field("magnitude"), Some(&Value::Float(4.6)));
    assert_eq!(quake.field("depth_km"), Some(&Value::Float(66.5)));
    near(quake, 12.747, -88.783);
}

#[test]
fn quakes_of_the_usgs() {
    let quake = &reports(DecoderKind::GeoJson, "usgs/week_2018_first20.geojson")[0];
    assert_eq!(
        (quake.id.as_ref(), quake.title.as_ref()),
        ("ci37868143", "M 2.0 - 4km W of Castaic, CA")
    );
    assert_eq!(quake.observed, Some(Millis(1_517_966_773_840)));
    assert_eq!(quake.field("magnitude").and_then(Value::as_f64), Some(2.0));
    assert_eq!(quake.field("depth_km"), Some(&Value::Float(26.49)));
    near(quake, 34.4945, -118.667);
}

#[test]
fn alerts_of_gdacs() {
    let events = reports(DecoderKind::Rss, "gdacs/gdacs-1.xml");
    let storm = events.iter().find(|event| event.id == "TC1000643").unwrap();
    assert_eq!(
        storm.field("gdacs.alertlevel"),
        Some(&Value::Text("Green".into()))
    );
    assert_eq!(
        storm.field("gdacs.eventtype"),
        Some(&Value::Text("TC".into()))
    );
    assert_eq!(storm.field("gdacs.severity"), Some(&Value::Float(92.592)));
    assert_eq!(storm.publisher.as_deref(), Some("GDACS RSS information"));
    near(storm, -19.4, 59.8);
}

fn mapped(name: &str) -> Decoder {
    #[derive(serde::Deserialize)]
    struct File {
        feeds: Vec<Feed>,
    }
    let text =
        std::fs::read_to_string(data("data").join("feeds").join(format!("{name}.toml"))).unwrap();
    let file: File = toml::from_str(&text).unwrap();
    Decoder::new(Arc::new(file.feeds.into_iter().next().unwrap())).unwrap()
}

#[test]
fn rows_of_other_offices_come_in_without_code() {
    let bytes = std::fs::read(data("data").join("sffd_calls_sample.jsonl")).unwrap();
    let calls = mapped("sffd_calls").decode_document(&bytes).unwrap();
    assert_eq!(calls.len(), 40);
    let call = calls[0].as_ref().unwrap();
    assert_eq!(call.id, "c4d647051");
    assert_eq!(call.title, "Structure Fire");
    assert_eq!(call.text, "Structure Fire (alarms 2)");
    assert_eq!(
        call.observed.unwrap().to_string(),
        "2006-01-10T19:44:46.000Z"
    );
    assert_eq!(call.field("priority").and_then(Value::as_f64), Some(3.0));
    near(call, 37.78, -122.48);
    assert!(calls.iter().all(Result::is_ok));
    let bytes = std::fs::read(data("data").join("sf311_sample.jsonl")).unwrap();
    let tickets = mapped("sf311").decode_document(&bytes).unwrap();
    assert_eq!(tickets[0].as_ref().unwrap().id, "sf311-6078653");
    assert_eq!(
        tickets[0].as_ref().unwrap().text,
        "Sewer Issues: Odor, Odor From_catch_basin"
    );
    assert!(tickets.iter().all(Result::is_ok));
}

#[test]
fn full_sets_of_rows_decode_whole() {
    let Some(folder) = full_data().map(|data| data.join("reports")) else {
        return;
    };
    for (name, rows) in [("sf311", 10_000), ("sffd_calls", 10_000)] {
        let bytes = std::fs::read(folder.join(format!("{name}.jsonl"))).unwrap();
        let reports = mapped(name).decode_document(&bytes).unwrap();
        assert_eq!(
            reports.iter().filter(|report| report.is_ok()).count(),
            rows,
            "{name}"
        );
    }
    let tocsin = decoder(DecoderKind::Tocsin);
    for (name, rows) in [("crisislex_t6", 50_070), ("drm_train_val", 23_619)] {
        let bytes = std::fs::read(folder.join(format!("{name}.jsonl"))).unwrap();
        let reports = tocsin.decode_document(&bytes).unwrap();
        assert_eq!(
            reports.iter().filter(|report| report.is_ok()).count(),
            rows,
            "{name}"
        );
    }
}

#[test]
fn a_record_too_large_is_refused_before_it_is_read() {
    let record = vec![b'['; MAX_RECORD + 1];
    for kind in super::support::KINDS {
        assert_eq!(as_record(&decoder(kind), &record), "D0001");
        assert_eq!(as_record(&decoder(kind), b""), "D0002");
    }
}

/// Whoever connects a feed wants to know which of its items it is.
#[test]
fn a_refused_item_of_a_document_is_found() {
    for (kind, file, tag) in [
        (DecoderKind::Cap, "bushfire_invalid.edxlde", "alert"),
        (DecoderKind::Rss, "invalid.rss", "item"),
    ] {
        let path = data("data").join("feeds");
        let Some(path) = find(&path, file).or_else(|| find(&full_data()?.join("feeds"), file))
        else {
            panic!("{file} is not there");
        };
        let bytes = std::fs::read(path).unwrap();
        let items = decoder(kind).decode_document(&bytes).unwrap();
        let many = items.len() > 1;
        let refused: Vec<_> = items.into_iter().filter_map(Result::err).collect();
        assert!(!refused.is_empty(), "{file}");
        for refusal in refused {
            let at = refusal.at.expect("a position");
            let tag_there = String::from_utf8_lossy(&bytes[at..])
                .chars()
                .take(20)
                .collect::<String>();
            assert!(
                tag_there.starts_with('<') && tag_there.contains(tag),
                "{file}: {tag_there}"
            );
            assert_eq!(refusal.message.starts_with("item "), many, "{refusal:?}");
        }
    }
}

fn find(folder: &std::path::Path, name: &str) -> Option<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    for entry in entries {
        let path = entry.path();
        if path.file_name()?.to_str()? == name {
            return Some(path);
        }
        if let Some(found) = path.is_dir().then(|| find(&path, name)).flatten() {
            return Some(found);
        }
    }
    None
}
