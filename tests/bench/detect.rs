//! Detect against the naive path: the same records, masking, normal form and rules; equal matches are asserted first.
//!
//! `cargo bench --bench detect [-- --quick]`. Workloads are read from the folders `100`, `1000` and `10000` (rules of ten terms
//! each: `messages.ndjson` and `rules.json`) below `$TOCSIN_BENCH_DATA`; without it a small one is made from the bundled sample
//! feed. Rounds of the two sides alternate in one process, and ratios are of the medians: they hold where absolute figures do not.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aho_corasick::AhoCorasick;
use caseless::Caseless;
use regex::Regex;
use serde::Deserialize;
use tocsin::core::decode::Decoder;
use tocsin::core::detect::{DetectEngine, DetectOutput};
use tocsin::core::diagnostic::SourceFile;
use tocsin::core::fingerprint::fingerprint;
use tocsin::core::model::{DecoderKind, Feed, FeedKind, Millis, Position, RawRecord};
use tocsin::core::normalise::{normalise, normalise_into, simplified};
use tocsin::core::number;
use tocsin::core::place::{Gazetteer, GazetteerSources, PlaceFile, PlaceQuery};
use tocsin::core::ruleset::{RuleSet, RuleSources};
use unicode_normalization::UnicodeNormalization;

/// Rules of one workload, and the records.
struct Workload {
    name: String,
    rules: Vec<PlainRule>,
    records: Vec<Vec<u8>>,
}

#[derive(Deserialize)]
struct PlainRule {
    id: String,
    condition: String,
    a: Vec<String>,
    b: Vec<String>,
}

fn main() {
    let quick = std::env::args().any(|a| a == "--quick");
    let workloads = workloads(quick);
    let rounds = if quick { 1 } else { 5 };
    let mut rates = Vec::new();
    for workload in &workloads {
        rates.push(compare(workload, rounds));
    }
    if let (Some(first), Some(last)) = (rates.first(), rates.last())
        && rates.len() > 1
    {
        let names = (&workloads[0].name, &workloads[workloads.len() - 1].name);
        println!(
            "growth of the time per record, {} → {}: {:.2}× (bar ≤ 1.35)",
            names.0,
            names.1,
            first / last
        );
    }
    let workload = &workloads[workloads.len() / 2];
    workers(workload, rounds);
    stages(workload);
}

/// Both sides on one workload; the engine's records per second.
fn compare(workload: &Workload, rounds: usize) -> f64 {
    let set = compile(workload);
    let mut engine = engine(&set);
    let naive = Naive::new(&workload.rules);
    let ids: Vec<&str> = set.program.rules.iter().map(|r| &*r.id).collect();
    let mut matched = 0;
    for record in workload.records.iter().take(50_000) {
        let fired = engine
            .matches(0, &RawRecord::new(record, Millis(0)))
            .expect("every record can be read");
        let ours: BTreeSet<&str> = fired.iter().map(|n| ids[*n as usize]).collect();
        let theirs: BTreeSet<&str> = naive
            .run(record)
            .into_iter()
            .map(|n| workload.rules[n].id.as_str())
            .collect();
        assert_eq!(ours, theirs, "{}", String::from_utf8_lossy(record));
        matched += usize::from(!ours.is_empty());
    }
    let checked = workload.records.len().min(50_000);
    let few = &workload.records[..workload.records.len().min(40_000)];
    let (mut slow, mut fast, mut full) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        slow.push(rate(few, |record| {
            black_box(naive.run(record));
        }));
        fast.push(rate(&workload.records, |record| {
            let _ = black_box(engine.matches(0, &RawRecord::new(record, Millis(0))));
        }));
        let (mut output, position) = (DetectOutput::default(), Position::default());
        full.push(rate(&workload.records, |record| {
            black_box(engine.process(
                0,
                &RawRecord::new(record, Millis(0)),
                &position,
                &mut output,
            ));
            output.clear();
        }));
    }
    let (slow, fast, full) = (median(slow), median(fast), median(full));
    println!(
        "{:>12}: {:.0}% of {checked} records match, equal sets; naive {:>7.0}/s, detect {:>8.0}/s = {:.1}× (bar ≥ 6 at 10k terms); \
         with detections built {:.0}/s = {:.1}×",
        workload.name,
        100.0 * matched as f64 / checked as f64,
        slow,
        fast,
        fast / slow,
        full,
        full / slow,
    );
    fast
}

/// Two workers, each with its own engine, against one.
fn workers(workload: &Workload, rounds: usize) {
    let set = compile(workload);
    let half = workload.records.len() / 2;
    let (left, right) = workload.records.split_at(half);
    let work = |records: &[Vec<u8>]| {
        let mut engine = engine(&set);
        for record in records {
            let _ = black_box(engine.matches(0, &RawRecord::new(record, Millis(0))));
        }
    };
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for _ in 0..rounds.max(3) {
        let begin = Instant::now();
        work(left);
        work(right);
        one.push(begin.elapsed().as_secs_f64());
        let begin = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(|| work(left));
            scope.spawn(|| work(right));
        });
        two.push(begin.elapsed().as_secs_f64());
    }
    println!(
        "two workers against one: {:.2}× (bar ≥ 1.8)",
        median(one) / median(two)
    );
}

/// The parts, one after another, over the same records.
fn stages(workload: &Workload) {
    let feed = feed();
    let decoder = Decoder::new(feed).expect("the feed's settings are right");
    let records = &workload.records[..workload.records.len().min(100_000)];
    let time = |name: &str, per: usize, f: &mut dyn FnMut()| {
        let mut best = Duration::MAX;
        for _ in 0..3 {
            let begin = Instant::now();
            f();
            best = best.min(begin.elapsed());
        }
        println!(
            "{name:>28}: {:>7.0} ns a record",
            best.as_nanos() as f64 / per.max(1) as f64
        );
    };
    time("decode and mask", records.len(), &mut || {
        for record in records {
            let _ = black_box(decoder.decode(&RawRecord::new(record, Millis(0))));
        }
    });
    let texts: Vec<(String, String)> = records
        .iter()
        .filter_map(|r| decoder.decode(&RawRecord::new(r, Millis(0))).ok())
        .map(|r| (r.title.into_owned(), r.text.into_owned()))
        .collect();
    let mut symbols = Vec::new();
    time("normalise", texts.len(), &mut || {
        for (_, text) in &texts {
            symbols.clear();
            normalise_into(text, &mut symbols);
            black_box(&symbols);
        }
    });
    let set = compile(workload);
    let (mut candidates, mut padded) = (Vec::new(), Vec::new());
    let mut ends = Vec::new();
    for (_, text) in &texts {
        let from = padded.len();
        normalise_into(text, &mut padded);
        ends.push((from, padded.len()));
        padded.resize(padded.len() + tocsin::core::lexicon::PADDING, 0);
    }
    time("find terms", texts.len(), &mut || {
        for (from, to) in &ends {
            set.program
                .index
                .scan(&padded, *from, *to, &mut candidates, |pattern, _, _| {
                    black_box(pattern);
                });
        }
    });
    println!("on hits only:");
    let some: Vec<(String, String, &str, &str)> = texts
        .iter()
        .take(10_000)
        .map(|(a, b)| (normalise(a), normalise(b), &**a, &**b))
        .collect();
    time("numbers", some.len(), &mut || {
        for (_, text, _, _) in &some {
            black_box(number::extract(text));
        }
    });
    time("SimHash", some.len(), &mut || {
        for (title, text, _, _) in &some {
            black_box(fingerprint(FeedKind::News, title, text));
        }
    });
    let gazetteer = gazetteer();
    time(
        &format!("place ({} known)", gazetteer.len()),
        some.len(),
        &mut || {
            for (_, _, title, text) in &some {
                black_box(gazetteer.resolve(&PlaceQuery {
                    title,
                    text,
                    ..PlaceQuery::default()
                }));
            }
        },
    );
}

fn rate(records: &[Vec<u8>], mut f: impl FnMut(&[u8])) -> f64 {
    let begin = Instant::now();
    for record in records {
        f(record);
    }
    records.len() as f64 / begin.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn feed() -> Arc<Feed> {
    Arc::new(Feed {
        id: "bench".into(),
        topic: "feed.bench".into(),
        decoder: DecoderKind::Tocsin,
        kind: FeedKind::News,
        reliability: 60,
        home: None,
        trust_status: false,
        publisher: false,
        max_age_s: None,
        usual_gap_s: None,
        lang: None,
        time_zone: None,
        mapping: None,
    })
}

fn engine(set: &Arc<RuleSet>) -> DetectEngine {
    DetectEngine::new(set.clone(), &[feed()]).expect("the feed's settings are right")
}

fn gazetteer() -> Gazetteer {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/places");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if [".csv", ".gz", ".txt"]
            .iter()
            .any(|end| name.ends_with(end))
            && let Ok(bytes) = std::fs::read(entry.path())
        {
            files.push(PlaceFile { name, bytes });
        }
    }
    Gazetteer::build(&GazetteerSources { files }).expect("the bundled places are right")
}

/// The workload's rules as rules of Tocsin, on the text alone as the workload has it.
fn compile(workload: &Workload) -> Arc<RuleSet> {
    let mut text = String::new();
    for rule in &workload.rules {
        let list = |terms: &[String]| {
            serde_json::to_string(terms).expect("strings are JSON, and JSON is YAML")
        };
        let condition = match rule.condition.as_str() {
            "and" => "a and b",
            "and_not" => "a and not b",
            _ => "a or b",
        };
        let _ = writeln!(
            text,
            "---\ntitle: workload\nid: {}\ndetection:\n  a: {{text|contains: {}}}\n  b: {{text|contains: {}}}\n  condition: {condition}\n\
             tocsin: {{hazard: fire, score: {{base: 30}}}}",
            rule.id,
            list(&rule.a),
            list(&rule.b),
        );
    }
    let sources = RuleSources {
        rules: vec![SourceFile {
            name: "workload.yml".into(),
            text,
        }],
        lexicons: vec![],
        departments: SourceFile::default(),
        gazetteer: Arc::new(
            Gazetteer::build(&GazetteerSources::default()).expect("no places are no error"),
        ),
    };
    Arc::new(RuleSet::compile(&sources).unwrap_or_else(|found| panic!("{}", found[0])))
}

/// What one writes without thinking of speed, from good libraries.
struct Naive {
    masks: Vec<Regex>,
    simplified: Vec<char>,
    automaton: AhoCorasick,
    /// By pattern: rule and side.
    uses: Vec<Vec<(usize, bool)>>,
    conditions: Vec<u8>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Owned {
    id: String,
    ts: Option<String>,
    lang: Option<String>,
    title: Option<String>,
    text: String,
}

impl Naive {
    fn new(rules: &[PlainRule]) -> Self {
        let simplified: Vec<char> = (0..0x1_0000)
            .map(|c| char::from_u32(c).map_or('\0', simplified))
            .collect();
        let mut naive = Self {
            masks: [
                r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
                r"@\w+",
                r"\b\d{17}[\dXx]\b",
                r"\+?\d[\d ()-]{6,}\d",
            ]
            .map(|p| Regex::new(p).expect("a right expression"))
            .into(),
            simplified,
            automaton: AhoCorasick::new([""; 0]).expect("an empty automaton"),
            uses: vec![],
            conditions: vec![],
        };
        let mut patterns: Vec<String> = Vec::new();
        let mut known = std::collections::HashMap::new();
        for (number, rule) in rules.iter().enumerate() {
            for (side, terms) in [(false, &rule.a), (true, &rule.b)] {
                for term in terms {
                    let term = naive.normalise(term);
                    let pattern = *known.entry(term.clone()).or_insert_with(|| {
                        patterns.push(term);
                        naive.uses.push(vec![]);
                        patterns.len() - 1
                    });
                    naive.uses[pattern].push((number, side));
                }
            }
            naive.conditions.push(match rule.condition.as_str() {
                "and" => 0,
                "and_not" => 1,
                _ => 2,
            });
        }
        naive.automaton = AhoCorasick::new(&patterns).expect("the terms make an automaton");
        naive
    }

    fn normalise(&self, text: &str) -> String {
        let folded = text.nfkc().default_case_fold().nfkc().filter(|c| {
            !matches!(
                c,
                '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{fe0f}' | '\u{ad}'
            )
        });
        folded
            .map(|c| self.simplified.get(c as usize).copied().unwrap_or(c))
            .collect()
    }

    fn mask(&self, mut text: String) -> String {
        for mask in &self.masks {
            text = mask.replace_all(&text, "•").into_owned();
        }
        text
    }

    fn run(&self, record: &[u8]) -> Vec<usize> {
        let record: Owned = serde_json::from_slice(record).expect("every record can be read");
        black_box(record.title.map(|title| self.mask(title)));
        let text = self.normalise(&self.mask(record.text));
        let mut seen: std::collections::HashMap<usize, u8> = std::collections::HashMap::new();
        for found in self.automaton.find_overlapping_iter(&text) {
            for (rule, side) in &self.uses[found.pattern().as_usize()] {
                *seen.entry(*rule).or_default() |= 1 << u8::from(*side);
            }
        }
        let fires = |(rule, sides): (usize, u8)| {
            let (a, b) = (sides & 1 != 0, sides & 2 != 0);
            let fires = match self.conditions[rule] {
                0 => a && b,
                1 => a && !b,
                _ => a || b,
            };
            fires.then_some(rule)
        };
        seen.into_iter().filter_map(fires).collect()
    }
}

fn workloads(quick: bool) -> Vec<Workload> {
    let mut found = Vec::new();
    if let Some(folder) = std::env::var_os("TOCSIN_BENCH_DATA").map(PathBuf::from) {
        for (name, terms) in [
            ("100", "1k terms"),
            ("1000", "10k terms"),
            ("10000", "100k terms"),
        ] {
            let folder = folder.join(name);
            let (Ok(rules), Ok(records)) = (
                std::fs::read(folder.join("rules.json")),
                std::fs::read(folder.join("messages.ndjson")),
            ) else {
                println!("no workload in {}", folder.display());
                continue;
            };
            let limit = if quick { 5_000 } else { usize::MAX };
            found.push(Workload {
                name: terms.to_owned(),
                rules: serde_json::from_slice(&rules)
                    .expect("rules.json is as the workload writes it"),
                records: records
                    .split(|b| *b == b'\n')
                    .filter(|l| !l.is_empty())
                    .take(limit)
                    .map(<[u8]>::to_vec)
                    .collect(),
            });
        }
    }
    if found.is_empty() {
        found.push(bundled(quick));
    }
    found
}

/// A workload from the bundled sample feed: its texts, and terms cut out of them at even distances.
fn bundled(quick: bool) -> Workload {
    #[derive(Deserialize)]
    struct Line {
        text: Option<String>,
        title: Option<String>,
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/samples/feed.jsonl.gz");
    let mut lines = String::new();
    let file = std::fs::File::open(&path).expect("the bundled sample feed is there");
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut lines)
        .expect("the bundled sample feed is gzip");
    let texts: Vec<String> = serde_json::Deserializer::from_str(&lines)
        .into_iter::<serde_json::Value>()
        .flatten()
        .filter_map(|value| {
            let line: Line = serde_json::from_str(value.get("payload")?.as_str()?).ok()?;
            line.text.or(line.title)
        })
        .filter(|t| t.chars().count() > 20)
        .collect();
    assert!(texts.len() > 100, "the sample feed has texts");
    let mut cut: Vec<String> = Vec::new();
    for (n, text) in texts.iter().enumerate() {
        let chars: Vec<char> = text.chars().collect();
        let length = if text.is_ascii() { 9 } else { 3 };
        let at = n * 7 % (chars.len() - length);
        let term: String = chars[at..at + length].iter().collect();
        let whole = term
            .chars()
            .all(|c| !c.is_control() && !c.is_ascii_digit() && !"\\*?@•".contains(c));
        if whole && !normalise(&term).is_empty() {
            cut.push(term);
        }
    }
    let rules = cut
        .chunks_exact(10)
        .take(1_000)
        .enumerate()
        .map(|(n, terms)| PlainRule {
            id: format!("r{n:04}"),
            condition: ["and", "or", "and_not"][n % 3].to_owned(),
            a: terms[..5].to_vec(),
            b: terms[5..].to_vec(),
        });
    let repeat = if quick { 1 } else { 10 };
    let records = texts.iter().enumerate().map(|(n, text)| {
        serde_json::json!({"id": format!("b{n}"), "title": "", "text": text})
            .to_string()
            .into_bytes()
    });
    let records: Vec<Vec<u8>> = records.collect();
    Workload {
        name: "bundled".to_owned(),
        rules: rules.collect(),
        records: records
            .iter()
            .cycle()
            .take(records.len() * repeat)
            .cloned()
            .collect(),
    }
}
