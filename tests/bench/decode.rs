//! The hot decoder and the mask, per record, against reading the same JSON with other readers.
//!
//! `cargo bench --bench decode`. Records are the lines of `$TOCSIN_BENCH_DATA/1000/messages.ndjson`, else a few made here.
//! Every side reads the same records; the median of the rounds is printed.

use std::borrow::Cow;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use serde::Deserialize;
use tocsin::core::decode::Decoder;
use tocsin::core::mask::mask;
use tocsin::core::model::{Feed, Millis, RawRecord};

/// What a plain borrowed reader makes of a record.
#[derive(Deserialize)]
struct Plain<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    ts: Cow<'a, str>,
    #[serde(borrow)]
    feed: Cow<'a, str>,
    #[serde(borrow)]
    lang: Cow<'a, str>,
    #[serde(borrow)]
    title: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

fn main() {
    let records = records();
    let bytes: usize = records.iter().map(String::len).sum();
    println!(
        "{} records of {} bytes",
        records.len(),
        bytes / records.len()
    );
    let feed: Feed =
        toml::from_str("id='bench'\ntopic='bench'\ndecoder='tocsin'\nkind='news'\nreliability=50")
            .unwrap();
    let decoder = Decoder::new(Arc::new(feed)).unwrap();
    let texts: Vec<String> = records
        .iter()
        .map(|record| {
            serde_json::from_str::<Plain<'_>>(record)
                .unwrap()
                .text
                .into_owned()
        })
        .collect();
    let clean: Vec<&String> = texts
        .iter()
        .filter(|text| matches!(mask(text.as_str().into()), Cow::Borrowed(_)))
        .collect();
    println!("{} of the texts have nothing to mask", clean.len());

    measure("decode and mask (tocsin)", &records, |record| {
        let report = decoder
            .decode(&RawRecord::new(record.as_bytes(), Millis(0)))
            .unwrap();
        report.text.len() + report.id.len()
    });
    measure(
        "read only: simdutf8 + serde_json, borrowed",
        &records,
        |record| {
            let text = simdutf8::basic::from_utf8(record.as_bytes()).unwrap();
            let plain: Plain<'_> = serde_json::from_str(text).unwrap();
            plain.text.len()
                + plain.id.len()
                + plain.ts.len()
                + plain.feed.len()
                + plain.lang.len()
                + plain.title.len()
        },
    );
    measure("mask, all texts", &texts, |text| {
        mask(text.as_str().into()).len()
    });
    measure("mask, clean texts", &clean, |text| {
        mask(text.as_str().into()).len()
    });
}

/// Median nanoseconds a call over eleven rounds.
fn measure<T>(name: &str, items: &[T], mut call: impl FnMut(&T) -> usize) {
    let mut rounds: Vec<f64> = (0..11)
        .map(|_| {
            let start = Instant::now();
            let mut sum = 0_usize;
            for item in items {
                sum = sum.wrapping_add(call(black_box(item)));
            }
            black_box(sum);
            start.elapsed().as_nanos() as f64 / items.len() as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    println!("{name:45} {:7.0} ns", rounds[rounds.len() / 2]);
}

fn records() -> Vec<String> {
    let folder = std::env::var_os("TOCSIN_BENCH_DATA").map(std::path::PathBuf::from);
    let file = folder.map(|folder| folder.join("1000").join("messages.ndjson"));
    if let Some(text) = file.and_then(|file| std::fs::read_to_string(file).ok()) {
        return text.lines().take(100_000).map(str::to_owned).collect();
    }
    let parts = [
        "昨天下午三点，高速公路路段发生多车追尾，造成五人受伤。",
        "Heavy rain flooded several streets near the river in 2018. ",
        "交通部门提醒，绕行 G2 方向。",
    ];
    (0..10_000)
        .map(|n| {
            let text: String = (0..8).map(|k| parts[(n + k) % parts.len()]).collect();
            let title: String = text.chars().take(24).collect();
            serde_json::json!({"id": format!("m{n:07}"), "ts": "2026-01-02T03:04:05Z", "feed": "news", "lang": "zh",
                "title": title, "text": text})
            .to_string()
        })
        .collect()
}
