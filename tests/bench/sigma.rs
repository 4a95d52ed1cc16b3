//! Plain Sigma rules over JSON events, one thread, loading not counted.
//!
//! `TOCSIN_BENCH_DATA=DIR cargo bench --bench sigma`: for every folder of DIR with `rules/` and `messages.ndjson` (as
//! `workload.py` makes them: `100`, `1000`, `10000`) the events a second. `TOCSIN_BENCH_SIGMA=DIR`: the same for a folder of public
//! rules, over events made from the values that the rules themselves ask for; `TOCSIN_BENCH_EVENTS=FILE` keeps these events.
//! The best of five rounds is printed, matches not written out; the command's own figures are from `--stats`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Map, Value};
use tocsin::core::diagnostic::SourceFile;
use tocsin::core::rule::sigma::syntax::{Body, Document, Group};
use tocsin::core::rule::sigma::{Options, Scratch, Sigma, read};

const ROUNDS: usize = 5;

fn main() {
    let mut found = false;
    if let Some(folder) = std::env::var_os("TOCSIN_BENCH_DATA").map(PathBuf::from) {
        for size in ["100", "1000", "10000"] {
            let folder = folder.join(size);
            let events = folder.join("messages.ndjson");
            if events.exists() {
                found = true;
                compare(
                    &format!("{size} keyword rules"),
                    &folder.join("rules"),
                    &events,
                );
            }
        }
    }
    if let Some(rules) = std::env::var_os("TOCSIN_BENCH_SIGMA").map(PathBuf::from) {
        found = true;
        let path = std::env::var_os("TOCSIN_BENCH_EVENTS").map_or_else(
            || std::env::temp_dir().join("tocsin-bench-events.ndjson"),
            PathBuf::from,
        );
        std::fs::write(&path, events(&files(&rules))).expect("the events can be written");
        compare("public rules", &rules, &path);
    }
    if !found {
        println!("TOCSIN_BENCH_DATA and TOCSIN_BENCH_SIGMA name no data: nothing to measure");
    }
}

fn compare(name: &str, rules: &Path, events: &Path) {
    let text = std::fs::read_to_string(events).expect("the events can be read");
    let lines: Vec<&str> = text.lines().collect();
    let begun = Instant::now();
    let compiled = Sigma::compile(&files(rules), &Options::default());
    let loaded = begun.elapsed().as_secs_f64();
    let (best, matches) = measure(&compiled.sigma, &lines);
    println!(
        "{name}: {} rules loaded in {loaded:.2} s, {} events of {} bytes, {matches} matches",
        compiled.sigma.rules().len(),
        lines.len(),
        text.len() / lines.len().max(1)
    );
    println!("  {best:>12.0} events/s");
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
