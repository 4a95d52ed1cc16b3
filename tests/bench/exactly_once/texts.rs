//! The texts of the records.

use std::io::{BufRead, BufReader, Read};

use tocsin::config::Bundled;

/// Texts read at most.
const MOST: usize = 250_000;

#[derive(serde::Deserialize)]
struct Line {
    text: Option<String>,
}

/// Those of `$TOCSIN_BENCH_TEXTS`, else of the sample feed.
pub(super) fn read() -> Vec<String> {
    let lines: Box<dyn Read> = match std::env::var("TOCSIN_BENCH_TEXTS") {
        Ok(path) => {
            Box::new(std::fs::File::open(&path).unwrap_or_else(|error| panic!("{path}: {error}")))
        }
        Err(_) => {
            let bytes = Bundled::get("samples/feed.jsonl.gz")
                .expect("the sample feed")
                .into_owned();
            Box::new(flate2::read::GzDecoder::new(std::io::Cursor::new(bytes)))
        }
    };
    let mut texts = Vec::new();
    for line in BufReader::new(lines).lines().take(MOST) {
        let line = line.expect("a line");
        let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let record = value.get("payload").cloned().unwrap_or(value);
        let parsed = match &record {
            serde_json::Value::String(text) => serde_json::from_str::<Line>(text).ok(),
            other => serde_json::from_value::<Line>(other.clone()).ok(),
        };
        texts.extend(parsed.and_then(|line| line.text));
    }
    assert!(!texts.is_empty(), "no texts");
    texts
}
