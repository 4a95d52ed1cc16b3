//! Plain Sigma rules over JSON events, one thread, loading not counted, against evaluating every test of every rule; equal matches are
//! asserted first.
//!
//! `TOCSIN_BENCH_DATA=DIR cargo bench --bench sigma`: for every folder of DIR with `rules/` and `messages.ndjson` among `100`, `1000` and
//! `10000`. `TOCSIN_BENCH_SIGMA=DIR`: the same for a folder of public rules, over events made from the values that the rules
//! themselves ask for; `TOCSIN_BENCH_EVENTS=FILE` keeps these events. Without either: a small generated workload. The best of five
//! rounds is printed, matches not written out; the command's own figures are from `--stats`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Map, Value, json};
use tocsin::core::diagnostic::SourceFile;
use tocsin::core::rule::sigma::syntax::{Body, Document, Group};
use tocsin::core::rule::sigma::{Options, Scratch, Sigma, read};

#[path = "../rules/sigma_oracle.rs"]
mod oracle;
#[path = "../rules/sigma_workload.rs"]
mod workload;

use oracle::Oracle;

const ROUNDS: usize = 5;
/// Rules times events that are evaluated naively.
const NAIVE: usize = 1_000_000;

fn main() {
    let mut found = false;
    if let Some(folder) = std::env::var_os("TOCSIN_BENCH_DATA").map(PathBuf::from) {
        for size in ["100", "1000", "10000"] {
            let folder = folder.join(size);
            if let Ok(events) = std::fs::read_to_string(folder.join("messages.ndjson")) {
                found = true;
                let name = format!("{size} keyword rules");
                compare(&name, &files(&folder.join("rules")), &events);
            }
        }
    }
    if let Some(rules) = std::env::var_os("TOCSIN_BENCH_SIGMA").map(PathBuf::from) {
        found = true;
        let files = files(&rules);
        let events = events(&files);
        if let Some(path) = std::env::var_os("TOCSIN_BENCH_EVENTS") {
            std::fs::write(path, &events).expect("the events can be written");
        }
        compare("public rules", &files, &events);
    }
    if !found {
        generated();
    }
}

fn generated() {
    let mut dice = workload::Dice(1);
    let rules = workload::rules(200, &mut dice);
    let documents: Vec<String> = rules.iter().map(workload::Rule::sigma).collect();
    let file = SourceFile {
        name: "generated.yml".to_owned(),
        text: documents.join("---\n"),
    };
    let texts = workload::texts(5_000, &mut dice);
    let lines: Vec<String> = texts
        .iter()
        .map(|t| json!({"text": t}).to_string())
        .collect();
    // Two oracles: plain search, and every test of every rule.
    let compiled = Sigma::compile(std::slice::from_ref(&file), &Options::default());
    let mut scratch = Scratch::default();
    for (text, line) in texts.iter().zip(&lines).take(1_000) {
        let found = compiled
            .sigma
            .evaluate(line.as_bytes(), &mut scratch)
            .map(<[u32]>::to_vec);
        let expected = (0u32..).zip(&rules).filter(|(_, rule)| rule.fires(text));
        assert_eq!(found, Ok(expected.map(|(number, _)| number).collect()));
    }
    compare("200 generated rules", &[file], &lines.join("\n"));
}

fn compare(name: &str, files: &[SourceFile], events: &str) {
    let lines: Vec<&str> = events.lines().collect();
    let begun = Instant::now();
    let compiled = Sigma::compile(files, &Options::default());
    let loaded = begun.elapsed().as_secs_f64();
    println!(
        "{name}: {} rules loaded in {loaded:.2} s, {} events of {} bytes",
        compiled.sigma.rules().len(),
        lines.len(),
        events.len() / lines.len().max(1)
    );
    let naive = naive(&compiled.sigma, files, &lines);
    let (best, matches) = measure(&compiled.sigma, &lines);
    println!("  {best:>12.0} events/s, {matches} matches");
    println!(
        "  {naive:>12.0} events/s naive; {:.0} times that",
        best / naive
    );
}

/// Asserts that the matches are the naive ones, on as many events as that allows; events a second of the naive evaluation.
fn naive(sigma: &Sigma, files: &[SourceFile], lines: &[&str]) -> f64 {
    let mut found = Vec::new();
    let documents: Vec<Document> = files.iter().flat_map(|f| read(f, &mut found)).collect();
    let oracles: Vec<(&Document, Oracle)> = documents
        .iter()
        .filter_map(|d| Some((d, Oracle::new(d)?)))
        .collect();
    let known: BTreeMap<&str, u32> = (0..).zip(sigma.rules()).map(|(n, r)| (&*r.id, n)).collect();
    let step = (lines.len() * oracles.len() / NAIVE).max(1);
    let (mut scratch, mut spent, mut count) = (Scratch::default(), 0.0, 0);
    for line in lines.iter().step_by(step) {
        let begun = Instant::now();
        let event: Value = serde_json::from_str(line).expect("events are JSON");
        let fired = oracles.iter().filter(|(_, oracle)| oracle.fires(&event));
        let fired: Vec<&Document> = fired.map(|(document, _)| *document).collect();
        spent += begun.elapsed().as_secs_f64();
        count += 1;
        let mut expected: Vec<u32> = fired
            .iter()
            .filter_map(|d| {
                known.get(
                    d.id.as_ref()
                        .or(d.name.as_ref())
                        .unwrap_or(&d.title)
                        .as_str(),
                )
            })
            .copied()
            .collect();
        expected.sort_unstable();
        let matched = sigma.evaluate(line.as_bytes(), &mut scratch);
        assert_eq!(matched.map(<[u32]>::to_vec), Ok(expected), "{line}");
    }
    f64::from(count) / spent
}

fn measure(sigma: &Sigma, lines: &[&str]) -> (f64, usize) {
    let mut scratch = Scratch::default();
    let (mut best, mut matches) = (0f64, 0);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        matches = 0;
        for line in lines {
            matches += sigma
                .evaluate(line.as_bytes(), &mut scratch)
                .map_or(0, <[u32]>::len);
        }
        best = best.max(lines.len() as f64 / begun.elapsed().as_secs_f64());
    }
    (best, matches)
}

fn files(folder: &Path) -> Vec<SourceFile> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder of rules can be read")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "yml"))
        .collect();
    paths.sort();
    let file = |path: &PathBuf| SourceFile {
        name: path.display().to_string(),
        text: std::fs::read_to_string(path).expect("a rule can be read"),
    };
    paths.iter().map(file).collect()
}

/// For every selection of every rule a few events with values that it asks for, in fields that others ask for too.
fn events(files: &[SourceFile]) -> String {
    let mut found = Vec::new();
    let documents: Vec<Document> = files.iter().flat_map(|f| read(f, &mut found)).collect();
    let mut out = String::new();
    for document in &documents {
        let Body::Rule(detection) = &document.body else {
            continue;
        };
        for turn in 0..4 {
            let mut event: BTreeMap<String, Value> = BTreeMap::new();
            for selection in &detection.selections {
                // Filters are met by some of the events only.
                if turn % 2 == 0 && selection.name.starts_with("filter") {
                    continue;
                }
                fill(&selection.group, turn, &mut event);
            }
            for (field, value) in [
                ("Image", r"C:\Windows\System32\svchost.exe"),
                ("User", "host\\somebody"),
                ("EventID", "4688"),
            ] {
                event
                    .entry(field.to_owned())
                    .or_insert_with(|| value.into());
            }
            let event: Map<String, Value> = event.into_iter().collect();
            out.push_str(&Value::Object(event).to_string());
            out.push('\n');
        }
    }
    out
}

fn fill(group: &Group, turn: usize, event: &mut BTreeMap<String, Value>) {
    match group {
        Group::All(parts) => parts.iter().for_each(|p| fill(p, turn, event)),
        Group::Any(parts) => {
            if let Some(part) = parts.get(turn % parts.len().max(1)) {
                fill(part, turn, event);
            }
        }
        Group::Entry(entry) => {
            let field = entry.field.clone().unwrap_or_else(|| "Message".to_owned());
            let names: Vec<&str> = entry.modifiers.iter().map(|m| m.name()).collect();
            let texts: Vec<String> = entry
                .values
                .iter()
                .filter_map(|v| v.scalar.text())
                .map(plain)
                .collect();
            let Some(one) = texts.get(turn % texts.len().max(1)) else {
                return;
            };
            let text = if names.contains(&"all") {
                texts.join(" ")
            } else {
                one.clone()
            };
            let text = match names.first() {
                Some(&"endswith") => format!("C:\\Users\\x{text}"),
                Some(&"startswith") => format!("{text} and so on"),
                Some(&"contains") => format!("before {text} after"),
                _ => text,
            };
            event.insert(field, Value::String(text));
        }
    }
}

/// A value without its wildcards.
fn plain(text: &str) -> String {
    text.replace("\\\\", "\\")
        .replace("\\*", "*")
        .replace('*', "xyz")
        .replace('?', "y")
}
