//! Numbers in text: a golden table in both languages, and that no text is too strange.

use proptest::prelude::*;

use tocsin::core::normalise::normalise;
use tocsin::core::number::{FIELDS, MAX_TEXT_BYTES, extract};

const GOLDEN: &str = include_str!("golden/numbers.tsv");

/// Text and wanted fields, as `name=value` words in the order of the names.
fn cases() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    let lines = GOLDEN
        .lines()
        .filter(|line| !line.starts_with("# ") && !line.is_empty());
    lines.map(|line| {
        let (text, fields) = line.split_once('\t').unwrap_or((line, ""));
        let mut fields: Vec<_> = fields.split_whitespace().collect();
        fields.sort_unstable();
        (text, fields)
    })
}

fn found(text: &str) -> Vec<String> {
    let numbers = extract(&normalise(text));
    numbers.iter().map(|(k, v)| format!("{k}={v}")).collect()
}

#[test]
fn golden_table() {
    let wrong: Vec<_> = cases()
        .filter(|(text, wanted)| found(text) != *wanted)
        .map(|(text, wanted)| format!("{text}\n  wanted {wanted:?}\n  found  {:?}", found(text)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases().count() >= 120, "the table shrank");
}

#[test]
fn every_field_has_a_case() {
    for (name, _) in FIELDS {
        let covered = cases().any(|(_, fields)| {
            fields.iter().any(|field| {
                field
                    .split_once('=')
                    .is_some_and(|f| f.0 == name && f.1 != "0")
            })
        });
        assert!(covered, "no case for {name}");
    }
}

#[test]
fn long_texts_are_read_from_their_head() {
    let head = format!("{} 3 people were killed.", "a b. ".repeat(100));
    let tail = format!("{} 5 people were injured", "字 ".repeat(MAX_TEXT_BYTES));
    let found = extract(&(head + &tail));
    assert_eq!(found.get("casualties.dead"), Some(&3.0));
    assert_eq!(found.get("casualties.injured"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_panics_and_every_value_is_a_count(text in "(\\PC|[0-9.,一二十百万亿 人死亡伤]|(killed|dead|up to|people|level|震级|级地震)){0,60}") {
        for (name, value) in extract(&normalise(&text)) {
            prop_assert!(FIELDS.iter().any(|field| field.0 == name));
            prop_assert!(value.is_finite() && value >= 0.0, "{name} {value}");
        }
    }

    #[test]
    fn a_count_survives_its_spelling(n in 2u64..100_000) {
        let chinese = format!("造成{}人死亡", tocsin::core::number::chinese_numeral(n));
        let digits = format!("造成{n}人死亡");
        prop_assert_eq!(extract(&chinese).get("casualties.dead").copied(), Some(n as f64));
        prop_assert_eq!(extract(&digits).get("casualties.dead").copied(), Some(n as f64));
    }
}
