//! `rules backtest`, through the built binary, on a corpus of five reports.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

const CORPUS: &str = r#"{"id":"1","observed":"2026-01-01T00:00:00Z","text":"瓯海区一居民楼起火","kind":"dispatch","label":1}
{"id":"2","observed":"2026-01-01T00:01:00Z","text":"今天天气真好","label":0}
{"id":"3","observed":"2026-01-01T00:02:00Z","text":"鹿城区浓烟滚滚","kind":"dispatch","label":true}
{"id":"4","observed":"2026-01-01T00:03:00Z","text":"起火的股市","label":false}
{"id":"5","observed":"2026-01-01T00:04:00Z","text":"没有标签"}
"#;

fn rules(terms: &str, base: u8) -> String {
    format!(
        "title: Fire\nid: fire-1\ndetection:\n  a: {{any|contains: [{terms}]}}\n  condition: a\ntocsin:\n  hazard: fire\n  score:\n    base: {base}\n"
    )
}

fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
    crate::without_settings(&mut command);
    command
        .current_dir(folder)
        .args(["rules", "backtest", "--config", "tocsin.toml"])
        .args(args);
    command.output().unwrap()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["a", "b"] {
        std::fs::create_dir(path(name)).unwrap();
    }
    std::fs::write(path("a/rules.yml"), rules("起火", 50)).unwrap();
    std::fs::write(path("b/rules.yml"), rules("居民楼起火, 浓烟", 70)).unwrap();
    std::fs::write(path("corpus.jsonl"), CORPUS).unwrap();
    std::fs::write(path("tocsin.toml"), "[paths]\nrules = \"a\"\n").unwrap();
    folder
}

#[test]
fn two_rule_sets_are_compared() {
    let folder = folder();
    let args = [
        "--input",
        "corpus.jsonl",
        "--against",
        "b",
        "--labels",
        "corpus.jsonl",
        "--json",
    ];
    let output = run(folder.path(), &args);
    assert_eq!(
        output.status.code(),
        Some(1),
        "they differ: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (
            &shown["a"]["records"],
            &shown["a"]["detected"],
            &shown["b"]["detected"]
        ),
        (&5.into(), &2.into(), &2.into())
    );
    let difference = &shown["difference"];
    assert_eq!(difference["records"], serde_json::json!([1, 1]));
    assert_eq!(difference["only_a"][0]["key"], "actual/fire/-");
    assert_eq!(difference["only_b"][0]["key"], "actual/fire/cn-330302");
    assert_eq!(
        (&difference["levels"][0]["a"], &difference["levels"][0]["b"]),
        (&"yellow".into(), &"orange".into())
    );
    let counts = |side: usize, what: &str| shown["quality"][side]["counts"][what].as_u64().unwrap();
    assert_eq!(
        [
            counts(0, "true_positives"),
            counts(0, "false_positives"),
            counts(0, "false_negatives"),
            counts(0, "true_negatives")
        ],
        [1, 1, 1, 1]
    );
    assert_eq!(shown["quality"][1]["precision"]["value"], 1.0);
    assert_eq!(shown["quality"][1]["recall"]["value"], 1.0);
}

#[test]
fn a_rule_set_does_not_differ_from_itself() {
    let folder = folder();
    let output = run(
        folder.path(),
        &["--input", "corpus.jsonl", "--against", "a"],
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    insta::assert_snapshot!("rules_backtest_same", text);
    let output = run(
        folder.path(),
        &["--input", "corpus.jsonl", "--labels", "a/rules.yml"],
    );
    assert_eq!(
        output.status.code(),
        Some(2),
        "labels that are none are refused"
    );
}

#[test]
fn the_page_needs_nothing_but_itself_and_escapes_what_it_shows() {
    let folder = folder();
    let hostile = rules("居民楼起火, 浓烟", 70)
        .replace("title: Fire", "title: \"<script>alert('x')</script>\"");
    std::fs::write(
        folder.path().join("b/rules.yml"),
        hostile.replace("fire-1", "fire-2"),
    )
    .unwrap();
    let named = "corpus <img src=x>.jsonl";
    std::fs::rename(
        folder.path().join("corpus.jsonl"),
        folder.path().join(named),
    )
    .unwrap();
    let args = [
        "--input",
        named,
        "--labels",
        named,
        "--against",
        "b",
        "--html",
        "page.html",
    ];
    let output = run(folder.path(), &args);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(
        !page.contains("<script") && !page.contains("<img"),
        "{page}"
    );
    assert!(page.contains("&lt;script&gt;alert") && page.contains("&lt;img src=x&gt;"));
    for outside in ["http:", "https:", "src=", "href=", "@import", "url("] {
        let shown = page.replace("&lt;img src=x&gt;", "");
        assert!(!shown.contains(outside), "{outside}");
    }
    assert!(
        page.matches("<svg").count() >= 4,
        "levels, time, quality, rules"
    );
    // Levels of both sides, the change between them, the intervals, and every text in both languages.
    for part in [
        "yellow",
        "orange",
        "黄色",
        "橙色",
        "precision",
        "精确率",
        "0.500 (0.095–0.905)",
        "Level changes: ",
        "级别变化：",
        "actual/fire/cn-330302",
        "fire-1",
        "fire-2",
        "id=\"en\" checked",
    ] {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
    let count = |class: &str| page.matches(class).count();
    assert_eq!(count("class=\"en\""), count("class=\"zh\""));
    let args = ["--input", named, "--html", "zh.html", "--lang", "zh"];
    assert!(run(folder.path(), &args).status.success());
    let page = std::fs::read_to_string(folder.path().join("zh.html")).unwrap();
    assert!(
        page.contains("<html lang=\"zh\">") && page.contains("id=\"zh\" checked"),
        "{page}"
    );
}

/// A corpus that is packed holds its labels too; rules have their titles in both languages; one moment is a point and not an empty chart.
#[test]
fn a_packed_corpus_is_its_own_labels() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let text = std::fs::read_to_string(path("a/rules.yml")).unwrap();
    let titled = text.replace("  hazard: fire", "  hazard: fire\n  title_zh: 火情");
    std::fs::write(path("a/rules.yml"), titled).unwrap();
    let file = std::fs::File::create(path("one.jsonl.gz")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    let first = CORPUS.lines().next().unwrap();
    packed.write_all(first.as_bytes()).unwrap();
    packed.finish().unwrap();
    let args = "--input one.jsonl.gz --labels one.jsonl.gz --html page.html --json";
    let output = run(folder.path(), &args.split(' ').collect::<Vec<_>>());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["quality"][0]["counts"]["true_positives"], 1);
    let page = std::fs::read_to_string(path("page.html")).unwrap();
    assert!(page.contains("<title>Fire · 火情</title>"), "{page}");
    assert!(page.contains("<title>yellow · 黄色</title>"), "{page}");
    let time = &page[page.find("first report").unwrap()..];
    let chart = &time[..time.find("</svg>").unwrap()];
    assert!(chart.contains("<circle class=\"a\""), "{chart}");
    assert_eq!(chart.matches("2026-01-01T00:00").count(), 1, "{chart}");
}

#[test]
fn what_cannot_be_read_is_named_and_is_no_difference() {
    let folder = folder();
    for (args, part) in [
        (["--input", "gone.jsonl", "--against", "b"], "gone.jsonl"),
        (["--input", "a", "--against", "b"], "a: a folder"),
        (
            ["--input", "corpus.jsonl", "--against", "gone"],
            "gone: a folder of rules",
        ),
        (
            ["--input", "corpus.jsonl", "--labels", "gone.jsonl"],
            "gone.jsonl",
        ),
        (
            ["--input", "corpus.jsonl", "--html", "gone/page.html"],
            "gone/page.html",
        ),
        (
            ["--input", "corpus.jsonl", "--feed", "gone"],
            "no feed `gone`",
        ),
        (
            ["--input", "corpus.jsonl", "--decoder", "gone"],
            "`gone` is none of",
        ),
    ] {
        let output = run(folder.path(), &args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(part), "{args:?}: {said}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
    // A page that is tried leaves nothing behind, and keeps what was there, when the rest fails.
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("old.html"), "old").unwrap();
    for name in ["old.html", "new.html"] {
        let args = ["--input", "gone.jsonl", "--html", name];
        assert_eq!(run(folder.path(), &args).status.code(), Some(2));
    }
    assert_eq!(std::fs::read_to_string(path("old.html")).unwrap(), "old");
    assert!(!path("new.html").exists());
}

/// A record that no rule saw is no record without a detection: it is counted, named, and neither found nor missed.
#[test]
fn records_that_cannot_be_read_are_no_silence() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let lines = "\n{\"id\":\"x\",\"label\":true}\nno JSON at all\n{\"id\":\"y\",\"label\":false}\n";
    std::fs::write(path("mixed.jsonl"), format!("{CORPUS}{lines}")).unwrap();
    let args = "--input mixed.jsonl --labels corpus.jsonl --against a --html page.html --json";
    let output = run(folder.path(), &args.split(' ').collect::<Vec<_>>());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for side in ["a", "b"] {
        let totals = &shown[side];
        let counts = [&totals["records"], &totals["refused"], &totals["detected"]];
        assert_eq!(counts, [8, 3, 2], "{shown:#}");
        // The blank line counts as a line.
        let first = &totals["first_refused"];
        assert_eq!(first["number"], 7, "{shown:#}");
        assert_eq!(first["code"], "D0013", "{shown:#}");
    }
    let page = std::fs::read_to_string(path("page.html")).unwrap();
    for part in ["could not be read", "无法读取的记录", "D0013"] {
        assert!(page.contains(part), "{part} is missing in {page}");
    }

    // Their labels are left out: x would be missed, y rightly silent.
    std::fs::write(path("labels.jsonl"), lines.replace("no JSON at all\n", "")).unwrap();
    let args = "--input mixed.jsonl --labels labels.jsonl";
    let output = run(folder.path(), &args.split(' ').collect::<Vec<_>>());
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("precision –, recall –"), "{said}");
    let told = "3 records could not be read, and count neither as found nor as missed; the first is line 7: D0013 ";
    assert!(said.contains(told), "{said}");

    // Nothing read, nothing measured.
    std::fs::write(path("other.jsonl"), lines).unwrap();
    let output = run(folder.path(), &["--input", "other.jsonl", "--against", "a"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
}
