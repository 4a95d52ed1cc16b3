//! The examples of deploy/connect that can be run here: what comes out of them is what a feed reads.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use tocsin::core::decode::Decoder;
use tocsin::core::model::{Feed, Millis, RawRecord};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Runs a pipeline on the sample feeds; the first of them comes twice, and at the end the source is broken.
fn run(config: &Path) -> Output {
    let runner = folder("tests/.cache/connect");
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&runner)
        .arg(".")
        .current_dir(folder("tests/connect"))
        .output()
        .expect("go: `tests/run --prepare` installs it, or leaves this test out");
    let said = String::from_utf8_lossy(&built.stderr).into_owned();
    assert!(built.status.success(), "{said}");
    let samples =
        ["feed.xml", "one.xml", "none.xml"].map(|name| folder("tests/connect").join(name));
    Command::new(runner)
        .arg(config)
        .args(samples)
        .output()
        .expect("it was built")
}

fn example() -> PathBuf {
    folder("deploy/connect/redpanda-connect-rss.yaml")
}

#[test]
fn the_rss_pipeline_writes_what_a_feed_reads() {
    if crate::left_out("connect") {
        return;
    }
    let done = run(&example());
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{said}");
    let written = String::from_utf8(done.stdout).unwrap();
    let feed = serde_json::json!({
        "id": "news", "topic": "feeds.news", "decoder": "tocsin", "kind": "news", "reliability": 60, "publisher": true,
    });
    let feed: Feed = serde_json::from_value(feed).unwrap();
    let decoder = Decoder::new(Arc::new(feed)).unwrap();
    let mut read: Vec<(String, String, String, Option<String>)> = Vec::new();
    // The engine's log is on the same stream.
    let records = written
        .lines()
        .filter_map(|line| line.strip_prefix("record\t"));
    for line in records {
        let (key, value) = line.split_once('\t').unwrap();
        let record = RawRecord::new(value.as_bytes(), Millis(0));
        let report = decoder.decode(&record);
        let report = report.unwrap_or_else(|why| panic!("{why:?}: {value}"));
        assert_eq!(*report.id, *key, "the key is the id");
        let text = report.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let observed = report.observed.map(|at| at.to_string());
        read.push((key.to_owned(), report.title.to_string(), text, observed));
    }
    read.sort();
    let at = |time: &str| Some(time.to_owned());
    let one = |id: &str, title: &str, text: &str, observed: Option<String>| {
        (id.to_owned(), title.to_owned(), text.to_owned(), observed)
    };
    // Each once, whatever a guid looks like; a single item too. What has no id, or no known zone, is not made up.
    let expected = [
        one(
            "https://news.example.org/3",
            "No guid, and a zone that is a name",
            "Flood.",
            None,
        ),
        one(
            "news-1",
            "Fire in a warehouse",
            "Smoke over the harbour, two injured.",
            at("2026-01-02T07:04:05.000Z"),
        ),
        one("news-2", "Gas leak", "", at("2026-01-02T07:04:05.000Z")),
        one("one-1", "One item", "", at("2026-01-02T07:04:05.000Z")),
    ];
    assert_eq!(read, expected, "{said}");
}

#[test]
fn a_pipeline_with_a_mistake_is_refused() {
    if crate::left_out("connect") {
        return;
    }
    let text = std::fs::read_to_string(example()).unwrap();
    for (right, wrong) in [
        ("default_ttl", "default_tl"),
        (".not_empty()", ".not_emtpy()"),
    ] {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(text.contains(right));
        std::fs::write(file.path(), text.replace(right, wrong)).unwrap();
        let done = run(file.path());
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(
            !done.status.success() && said.contains(wrong.trim_matches(&['.', '(', ')'][..])),
            "{said}"
        );
    }
}
