//! The table of codes in docs/codes.md, held against the program.

use std::collections::BTreeMap;
use std::path::Path;

use tocsin::config::codes as config;
use tocsin::core::model::RefusalCode;
use tocsin::core::tools::{lint, unknown};
use tocsin::core::{drill, place, route, rule};

const TABLE: &str = include_str!("../docs/codes.md");

/// Every code of the lists in the program.
fn listed() -> BTreeMap<&'static str, &'static str> {
    let mut all = BTreeMap::new();
    let lists = [
        config::ALL,
        rule::codes::ALL,
        lint::ALL,
        unknown::ALL,
        route::codes::ALL,
        place::codes::ALL,
        drill::codes::ALL,
    ];
    let refusals = RefusalCode::ALL.iter().map(|code| (code.id(), code.help()));
    for (code, says) in lists.into_iter().flatten().copied().chain(refusals) {
        assert_eq!(all.insert(code, says), None, "{code} is listed twice");
    }
    all
}

#[test]
fn the_table_is_what_the_program_says() {
    let rows: Vec<&str> = TABLE
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| code"))
        .collect();
    let wanted: Vec<String> = listed()
        .iter()
        .map(|(code, says)| format!("| {code} | {says} |"))
        .collect();
    assert_eq!(
        rows,
        wanted,
        "docs/codes.md should have these rows:\n{}",
        wanted.join("\n")
    );
}

#[test]
fn no_code_is_outside_of_the_lists() {
    let all = listed();
    let pattern = regex::Regex::new(r#""([CDT][0-9]{4})""#).unwrap();
    let mut files = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut seen = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(
                std::fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            for found in pattern.captures_iter(&text) {
                assert!(
                    all.contains_key(&found[1]),
                    "{} of {}",
                    &found[1],
                    path.display()
                );
                seen += 1;
            }
        }
    }
    assert!(seen >= all.len(), "{seen} of {}", all.len());
}
