//! EARS C1–C3 against R: its stored results always, R itself when it is installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tocsin::core::growth::{Ears, Point, Z_0_001, Z_0_025, c1, c2, c3};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/growth")
}

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().unwrap();
    list.iter().map(|n| n.as_f64().unwrap()).collect()
}

type Statistic = fn(&[f64], usize, &Ears) -> Option<Point>;

/// Compares one line; returns (thresholds that are numbers, thresholds that are none).
fn compare(line: &Value) -> (usize, usize) {
    let counts = numbers(&line["counts"]);
    let (mut defined, mut undefined) = (0, 0);
    let methods: [(&str, Statistic, f64, usize); 3] = [
        ("c1", c1, Z_0_001, 7),
        ("c2", c2, Z_0_001, 9),
        ("c3", c3, Z_0_025, 11),
    ];
    for (name, statistic, z, first) in methods {
        for min_sigma in [0.0, 1.0] {
            let control = Ears {
                min_sigma,
                z,
                ..Ears::default()
            };
            let expected = line[format!("{name}_{min_sigma}")].as_array().unwrap();
            assert_eq!(expected.len(), counts.len() - first);
            assert_eq!(statistic(&counts, first - 1, &control), None);
            for (at, expected) in (first..).zip(expected) {
                let found = statistic(&counts, at, &control).map(|point| point.upper);
                let what = format!("{} {name} {min_sigma} at {at}", line["name"]);
                match (found, expected.as_f64()) {
                    (None, None) => undefined += 1,
                    (Some(found), Some(expected)) => {
                        let off = (found - expected).abs() / expected.abs().max(1.0);
                        assert!(off < 1e-9, "{what}: {found} and not {expected}");
                        defined += 1;
                    }
                    other => panic!("{what}: {other:?}"),
                }
            }
        }
    }
    (defined, undefined)
}

fn compare_all(lines: &str) {
    let (mut bundled, mut random, mut defined, mut undefined) = (0, 0, 0, 0);
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let counted = compare(&line);
        defined += counted.0;
        undefined += counted.1;
        if line["name"].as_str().unwrap().starts_with("random ") {
            random += 1;
        } else {
            bundled += 1;
        }
    }
    assert!(
        bundled >= 10 && random == 200,
        "{bundled} bundled, {random} random"
    );
    assert!(
        defined > 40_000 && undefined > 100,
        "{defined} thresholds, {undefined} undefined"
    );
}

#[test]
fn equal_to_the_stored_results_of_r() {
    compare_all(&std::fs::read_to_string(folder().join("oracle.jsonl")).unwrap());
}

#[test]
fn equal_to_r_itself_where_it_is_installed() {
    let asked = Command::new("Rscript")
        .args(["-e", "library(surveillance); library(jsonlite)"])
        .output();
    if !asked.is_ok_and(|asked| asked.status.success()) {
        println!("skipped: Rscript with surveillance and jsonlite is not installed");
        return;
    }
    let run = Command::new("Rscript")
        .arg(folder().join("oracle.R"))
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    compare_all(&String::from_utf8(run.stdout).unwrap());
}
