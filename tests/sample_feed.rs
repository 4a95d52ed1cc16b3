//! The sample feed of the demo: every record reads, except those broken on purpose, and incidents of every level form.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::sync::Arc;

use serde_json::Value;
use tocsin::config::{Bundled, Settings, load_rule_set};
use tocsin::core::correlate::{CorrelateOutput, Correlator};
use tocsin::core::detect::{DetectEngine, DetectOutput};
use tocsin::core::model::{
    Alert, DetectOutcome, Feed, Level, Millis, Position, RawRecord, RefusalCode,
};

const START: Millis = Millis(1_767_323_040_000);

struct Played {
    outcomes: BTreeMap<&'static str, u64>,
    refusals: Vec<(String, RefusalCode)>,
    /// Ids of reports of the Chinese feeds that some rule fired on.
    detected: BTreeSet<String>,
    /// Last alert of every incident.
    incidents: BTreeMap<String, Alert>,
}

fn lines() -> Vec<Value> {
    let packed = Bundled::get("samples/feed.jsonl.gz").expect("the sample feed");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed[..])
        .read_to_string(&mut text)
        .unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The slots `@[form:ms]` filled; see config/samples/README.md.
fn filled(text: &str) -> String {
    let slot = regex::Regex::new(r"@\[(\w+):(-?\d+)\]").unwrap();
    slot.replace_all(text, |found: &regex::Captures<'_>| {
        let at = START.plus(found[2].parse().unwrap());
        let stamp = jiff::Timestamp::from_millisecond(at.0).unwrap();
        match &found[1] {
            "rfc3339" => at.to_string(),
            "cap" => stamp.strftime("%Y-%m-%dT%H:%M:%S-00:00").to_string(),
            "rfc822" => stamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
            "space" => stamp.strftime("%Y-%m-%d %H:%M:%S+00:00").to_string(),
            "millis" => at.0.to_string(),
            other => panic!("no form {other}"),
        }
    })
    .into_owned()
}

fn payload(line: &Value) -> Vec<u8> {
    match line["payload"].as_str() {
        Some(text) => filled(text).into_bytes(),
        // The one record that is no UTF-8.
        None => b"{\"id\":\"bad-utf8\",\"text\":\"\xff\xfe\"}".to_vec(),
    }
}

fn play() -> Played {
    let settings = Settings::bundled().unwrap_or_else(|e| panic!("settings: {e}"));
    let set = load_rule_set(&settings.paths).unwrap_or_else(|e| panic!("rule set: {e}"));
    let feeds: Vec<Arc<Feed>> = settings.shared_feeds();
    let mut correlator = Correlator::new(Arc::new(settings.correlate_config(set.routing.clone())));
    let mut engine = DetectEngine::new(Arc::new(set), &feeds).unwrap();
    let mut played = Played {
        outcomes: BTreeMap::new(),
        refusals: Vec::new(),
        detected: BTreeSet::new(),
        incidents: BTreeMap::new(),
    };
    let mut detected = DetectOutput::default();
    let mut folded = CorrelateOutput::default();
    for line in lines() {
        let id = line["feed"].as_str().unwrap();
        let feed = feeds.iter().position(|feed| *feed.id == *id).expect(id);
        let bytes = payload(&line);
        let record = RawRecord::new(&bytes, START.plus(line["offset_ms"].as_i64().unwrap()));
        detected.clear();
        let outcome = engine.process(feed, &record, &Position::default(), &mut detected);
        *played.outcomes.entry(outcome.id()).or_default() += 1;
        if outcome == DetectOutcome::DeadLetter {
            let code = detected.refusal.as_ref().unwrap().code;
            played.refusals.push((id.to_owned(), code));
        }
        for detection in &detected.detections {
            played.detected.insert(detection.report.id.clone());
            folded.clear();
            correlator.fold(detection, &mut folded);
            for alert in folded.alerts.drain(..) {
                played
                    .incidents
                    .insert(alert.incident_id.to_string(), alert);
            }
        }
    }
    played
}

#[test]
fn only_the_records_made_to_go_wrong_do() {
    let played = play();
    let total: u64 = played.outcomes.values().sum();
    assert!(total >= 2_500, "{:?}", played.outcomes);
    let mut feeds: Vec<&str> = played
        .refusals
        .iter()
        .map(|(feed, _)| feed.as_str())
        .collect();
    feeds.sort_unstable();
    assert_eq!(
        feeds,
        [
            "cap-official",
            "gdacs",
            "hotline-zh",
            "news-zh",
            "posts",
            "posts",
            "sffd",
            "usgs"
        ],
        "{:?}",
        played.refusals
    );
    assert_eq!(
        played.outcomes.get("expired"),
        Some(&1),
        "the alert of 2012"
    );
}

#[test]
fn incidents_of_every_level_form_and_ordinary_news_forms_none() {
    let played = play();
    let mut levels: BTreeMap<Level, u64> = BTreeMap::new();
    for alert in played.incidents.values() {
        *levels.entry(alert.level).or_default() += 1;
    }
    if std::env::var_os("TOCSIN_SHOW").is_some() {
        for alert in played.incidents.values() {
            println!(
                "{:?} {} {} {} {}",
                alert.level, alert.score, alert.hazard, alert.place.name, alert.counts.sources
            );
        }
        println!("{levels:?} {:?}", played.outcomes);
    }
    for level in Level::ALL {
        assert!(levels.contains_key(&level), "no {level:?}: {levels:?}");
    }
    let ordinary: Vec<&String> = played
        .detected
        .iter()
        .filter(|id| id.starts_with("zh-o-"))
        .collect();
    assert!(ordinary.is_empty(), "{ordinary:?}");
    let told_by_several = played
        .incidents
        .values()
        .filter(|alert| alert.counts.sources >= 3)
        .count();
    assert!(told_by_several >= 8, "{told_by_several}");
}
