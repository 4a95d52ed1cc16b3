//! The engine against plain evaluation: random lexicons, rules and texts, and an evaluator that knows no index.

use std::fmt::Write as _;
use std::sync::Arc;

use proptest::prelude::*;
use tocsin::core::detect::{DetectEngine, DetectOutput};
use tocsin::core::diagnostic::SourceFile;
use tocsin::core::model::{
    DecoderKind, DetectOutcome, Feed, FeedKind, Millis, Position, RawRecord,
};
use tocsin::core::normalise::normalise;
use tocsin::core::place::{Gazetteer, GazetteerSources};
use tocsin::core::ruleset::{RuleSet, RuleSources};

/// One selection.
#[derive(Clone, Debug)]
enum Pick {
    /// Field, modifier, terms, and whether all are asked for.
    Terms(&'static str, &'static str, Vec<String>, bool),
    /// Field, terms, least count.
    Count(&'static str, Vec<String>, usize),
    /// Lexicon of whole words, each with a context that cancels it.
    Lexicon(Vec<(String, String)>),
    /// Field, modifier, values of two literals with `*` or `?` between them.
    Wild(&'static str, &'static str, Vec<(String, char, String)>),
    /// Lexicon of whole words with weights, and the least sum of those that are found.
    Weight(Vec<(String, u32)>, u32),
    /// A regular expression.
    Regex(&'static str),
    /// A field of the record.
    Field(String),
    Missing,
    Kind(bool),
}

/// A condition over three selections.
#[derive(Clone, Debug)]
enum Cond {
    S(usize),
    Not(Box<Cond>),
    And(Box<Cond>, Box<Cond>),
    Or(Box<Cond>, Box<Cond>),
}

impl Cond {
    fn text(&self) -> String {
        match self {
            Self::S(n) => format!("s{n}"),
            Self::Not(a) => format!("not ({})", a.text()),
            Self::And(a, b) => format!("({}) and ({})", a.text(), b.text()),
            Self::Or(a, b) => format!("({}) or ({})", a.text(), b.text()),
        }
    }

    fn holds(&self, picks: &[bool]) -> bool {
        match self {
            Self::S(n) => picks[*n],
            Self::Not(a) => !a.holds(picks),
            Self::And(a, b) => a.holds(picks) && b.holds(picks),
            Self::Or(a, b) => a.holds(picks) || b.holds(picks),
        }
    }
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

/// Every occurrence of a term, byte ranges.
fn occurrences<'t>(text: &'t str, term: &'t str) -> impl Iterator<Item = (usize, usize)> + 't {
    text.char_indices()
        .filter(move |(at, _)| text[*at..].starts_with(term))
        .map(move |(at, _)| (at, at + term.len()))
}

#[expect(
    clippy::nonminimal_bool,
    reason = "reads as the rule does: no letter on either side"
)]
fn bounded(text: &str, (from, to): (usize, usize)) -> bool {
    let latin = |c: Option<char>| c.is_some_and(is_latin);
    let term = &text[from..to];
    !(latin(term.chars().next()) && latin(text[..from].chars().next_back()))
        && !(latin(term.chars().next_back()) && latin(text[to..].chars().next()))
}

fn has(text: &str, how: &str, term: &str) -> bool {
    match how {
        "contains" => text.contains(term),
        "startswith" => text.starts_with(term),
        "endswith" => text.ends_with(term),
        "word" => occurrences(text, term).any(|o| bounded(text, o)),
        _ => text == term,
    }
}

struct Event {
    title: String,
    text: String,
    field: Option<String>,
}

impl Pick {
    fn yaml(&self, n: usize, lexicons: &mut Vec<String>) -> String {
        let list = |terms: &[String]| serde_json::to_string(terms).unwrap();
        match self {
            Self::Terms(field, how, terms, all) => {
                let how = if how.is_empty() {
                    String::new()
                } else {
                    format!("|{how}")
                };
                format!(
                    "{{{field}{how}{}: {}}}",
                    if *all { "|all" } else { "" },
                    list(terms)
                )
            }
            Self::Count(field, terms, least) => format!(
                "{{{field}|contains: {}, {field}|count|gte: {least}}}",
                list(terms)
            ),
            Self::Lexicon(terms) => {
                let mut lexicon = format!("lexicon: l{n}\nterms:\n");
                for (term, unless) in terms {
                    let _ = writeln!(lexicon, "  - {{term: {term:?}, unless: [{unless:?}]}}");
                }
                lexicons.push(lexicon);
                format!("{{any|lexicon: l{n}}}")
            }
            Self::Wild(field, how, values) => {
                let how = if how.is_empty() {
                    String::new()
                } else {
                    format!("|{how}")
                };
                let values: Vec<String> = values
                    .iter()
                    .map(|(a, c, b)| format!("{a}{c}{b}"))
                    .collect();
                format!("{{{field}{how}: {}}}", list(&values))
            }
            Self::Weight(terms, least) => {
                let mut lexicon = format!("lexicon: l{n}\nterms:\n");
                for (term, weight) in terms {
                    let _ = writeln!(lexicon, "  - {{term: {term:?}, weight: {weight}}}");
                }
                lexicons.push(lexicon);
                format!("{{any|lexicon: l{n}, any|weight|gte: {least}}}")
            }
            Self::Regex(source) => format!("{{any|re: {source:?}}}"),
            Self::Field(value) => format!("{{category: {value:?}}}"),
            Self::Missing => "{category|exists: false}".to_owned(),
            Self::Kind(news) => format!("{{kind: {}}}", if *news { "news" } else { "sensor" }),
        }
    }

    fn holds(&self, event: &Event) -> bool {
        let fields = |field: &str| -> Vec<String> {
            let mut fields = Vec::new();
            if field != "text" {
                fields.push(normalise(&event.title));
            }
            if field != "title" {
                fields.push(normalise(&event.text));
            }
            fields
        };
        match self {
            Self::Terms(field, how, terms, all) => {
                let fields = fields(field);
                let one = |term: &String| {
                    fields
                        .iter()
                        .any(|text| !text.is_empty() && has(text, how, &normalise(term)))
                };
                if *all {
                    terms.iter().all(one)
                } else {
                    terms.iter().any(one)
                }
            }
            Self::Count(field, terms, least) => {
                let fields = fields(field);
                let distinct: std::collections::BTreeSet<String> =
                    terms.iter().map(|t| normalise(t)).collect();
                distinct
                    .iter()
                    .filter(|term| fields.iter().any(|text| text.contains(*term)))
                    .count()
                    >= *least
            }
            Self::Lexicon(terms) => fields("any").iter().any(|text| {
                let mut seen = Vec::new();
                terms.iter().any(|(term, unless)| {
                    let (term, unless) = (normalise(term), normalise(unless));
                    // A lexicon keeps the first of equal terms.
                    if seen.contains(&term) {
                        return false;
                    }
                    seen.push(term.clone());
                    let hits: Vec<_> = occurrences(text, &term)
                        .filter(|o| bounded(text, *o))
                        .collect();
                    hits.iter().any(|(from, to)| {
                        !occurrences(text, &unless).any(|(a, b)| a <= *from && *to <= b)
                    })
                })
            }),
            Self::Wild(field, how, values) => {
                let (left, right) = match *how {
                    "contains" => ("", ""),
                    "startswith" => ("^", ""),
                    "endswith" => ("", "$"),
                    _ => ("^", "$"),
                };
                let fields = fields(field);
                values.iter().any(|(a, c, b)| {
                    let between = if *c == '*' { ".*" } else { "." };
                    let [a, b] = [a, b].map(|piece| regex::escape(&normalise(piece)));
                    let pattern =
                        regex::Regex::new(&format!("(?s){left}{a}{between}{b}{right}")).unwrap();
                    fields.iter().any(|text| pattern.is_match(text))
                })
            }
            Self::Weight(terms, least) => {
                let fields = fields("any");
                let mut weights = std::collections::BTreeMap::new();
                for (term, weight) in terms {
                    // A lexicon keeps the first of equal terms.
                    weights.entry(normalise(term)).or_insert(*weight);
                }
                let found = weights.iter().filter(|(term, _)| {
                    fields
                        .iter()
                        .any(|text| occurrences(text, term).any(|o| bounded(text, o)))
                });
                let weights: Vec<u32> = found.map(|(_, weight)| *weight).collect();
                !weights.is_empty() && weights.iter().sum::<u32>() >= *least
            }
            Self::Regex(source) => {
                let pattern = regex::Regex::new(source).unwrap();
                fields("any").iter().any(|text| pattern.is_match(text))
            }
            Self::Field(value) => event
                .field
                .as_ref()
                .is_some_and(|f| normalise(f) == normalise(value)),
            Self::Missing => event.field.is_none(),
            Self::Kind(news) => *news,
        }
    }
}

fn term() -> impl Strategy<Value = String> {
    "[abAＢ火災车]{1,4}"
}

fn field_of() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("any"), Just("title"), Just("text")]
}

fn how_of() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("contains"),
        Just("startswith"),
        Just("endswith"),
        Just("")
    ]
}

fn pick() -> impl Strategy<Value = Pick> {
    let field = prop_oneof![Just("any"), Just("title"), Just("text")];
    let how = prop_oneof![
        Just("contains"),
        Just("startswith"),
        Just("endswith"),
        Just("word"),
        Just("")
    ];
    let terms = || proptest::collection::vec(term(), 1..5);
    prop_oneof![
        4 => (field.clone(), how, terms(), any::<bool>()).prop_map(|(f, h, t, all)| Pick::Terms(f, h, t, all)),
        2 => (field, terms(), 1usize..4).prop_map(|(f, t, n)| Pick::Count(f, t, n)),
        // A context around the term: the near kind has its own test.
        3 => proptest::collection::vec((term(), "[ab火车]{0,2}", "[ab火车]{0,2}"), 1..4).prop_map(|t| {
            Pick::Lexicon(t.into_iter().map(|(term, a, b)| { let unless = format!("{a}{term}{b}"); (term, unless) }).collect())
        }),
        2 => (field_of(), how_of(), proptest::collection::vec(("[abA火]{1,2}", prop_oneof![Just('*'), Just('?')], "[abＢ火]{1,2}"), 1..3))
            .prop_map(|(f, h, v)| Pick::Wild(f, h, v)),
        2 => (proptest::collection::vec((term(), 0u32..4), 1..5), 1u32..7).prop_map(|(t, n)| Pick::Weight(t, n)),
        1 => proptest::sample::select(vec!["a+b", "火[ab]", "^b", "(ab){2}", "[^a]火|ba"]).prop_map(Pick::Regex),
        1 => "[ab]{1,2}".prop_map(Pick::Field),
        1 => Just(Pick::Missing),
        1 => any::<bool>().prop_map(Pick::Kind),
    ]
}

fn cond() -> impl Strategy<Value = Cond> {
    (0usize..3)
        .prop_map(Cond::S)
        .prop_recursive(3, 8, 2, |inner| {
            prop_oneof![
                inner.clone().prop_map(|a| Cond::Not(Box::new(a))),
                (inner.clone(), inner.clone())
                    .prop_map(|(a, b)| Cond::And(Box::new(a), Box::new(b))),
                (inner.clone(), inner).prop_map(|(a, b)| Cond::Or(Box::new(a), Box::new(b))),
            ]
        })
}

fn engine(rules: &[(Vec<Pick>, Cond)]) -> DetectEngine {
    let (mut text, mut lexicons) = (String::new(), Vec::new());
    for (n, (picks, cond)) in rules.iter().enumerate() {
        let _ = writeln!(text, "---\ntitle: t\nid: r{n}\ndetection:");
        for (s, pick) in picks.iter().enumerate() {
            let _ = writeln!(text, "  s{s}: {}", pick.yaml(n * 3 + s, &mut lexicons));
        }
        let _ = writeln!(
            text,
            "  condition: {}\ntocsin: {{hazard: fire, score: {{base: 1}}}}",
            cond.text()
        );
    }
    let file = |name: String, text| SourceFile { name, text };
    let sources = RuleSources {
        rules: vec![file("r.yml".into(), text.clone())],
        lexicons: lexicons
            .into_iter()
            .enumerate()
            .map(|(n, text)| file(format!("l{n}.yml"), text))
            .collect(),
        departments: SourceFile::default(),
        gazetteer: Arc::new(Gazetteer::build(&GazetteerSources::default()).unwrap()),
    };
    let set = RuleSet::compile(&sources).unwrap_or_else(|found| panic!("{found:#?}\n{text}"));
    let feed = Feed {
        id: "f".into(),
        topic: "f".into(),
        decoder: DecoderKind::Tocsin,
        kind: FeedKind::News,
        reliability: 50,
        home: None,
        trust_status: false,
        publisher: false,
        max_age_s: None,
        usual_gap_s: None,
        lang: None,
        time_zone: None,
        mapping: None,
    };
    DetectEngine::new(Arc::new(set), &[Arc::new(feed)]).unwrap()
}

fn record(event: &Event) -> Vec<u8> {
    let mut json = serde_json::json!({"id": "1", "title": event.title, "text": event.text});
    if let Some(field) = &event.field {
        json["category"] = field.as_str().into();
    }
    json.to_string().into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_fires_what_plain_evaluation_fires(
        rules in proptest::collection::vec((proptest::collection::vec(pick(), 3), cond()), 1..6),
        events in proptest::collection::vec(("[abAＢ火災车 ]{0,12}", "[abAＢ火災车 ]{1,24}", proptest::option::of("[abA]{1,2}")), 1..6),
    ) {
        let mut engine = engine(&rules);
        for (title, text, field) in events {
            // A report says something visible, else it is a dead letter.
            prop_assume!(!text.trim().is_empty());
            let event = Event { title: title.trim().into(), text: text.trim().into(), field };
            let expected: Vec<String> = rules
                .iter()
                .enumerate()
                .filter(|(_, (picks, cond))| cond.holds(&picks.iter().map(|p| p.holds(&event)).collect::<Vec<_>>()))
                .map(|(n, _)| format!("r{n}"))
                .collect();
            let (mut output, bytes) = (DetectOutput::default(), record(&event));
            let outcome = engine.process(0, &RawRecord::new(&bytes, Millis(0)), &Position::default(), &mut output);
            let fired: Vec<String> = output.detections.iter().map(|d| d.rule_id.to_string()).collect();
            prop_assert_eq!(&fired, &expected, "{:?} {:?}", event.title, event.text);
            prop_assert_eq!(outcome == DetectOutcome::Detected, !expected.is_empty());
            for found in output.detections.iter().flat_map(|d| &d.matches) {
                let field = match &*found.field { "title" => &event.title, "text" => &event.text, _ => continue };
                if found.term.contains(['*', '?', '+', '[', '^', '{']) {
                    // An expression finds other texts than its own.
                    continue;
                }
                let [from, to] = found.span.map(|n| n as usize);
                let shown: String = field.chars().skip(from).take(to - from).collect();
                prop_assert_eq!(normalise(&shown), normalise(&found.term), "{:?} in {:?}", found, field);
            }
        }
    }

    #[test]
    fn reading_a_rule_never_panics(text in "(title|id|detection|condition|tocsin|a|any\\|re|: |- |\\[|\\]|\\{|\\}|\n|  |\"|'|\\*|&|not |1 of |火|\\PC){0,60}") {
        let mut found = Vec::new();
        let file = SourceFile { name: "f.yml".into(), text };
        let rules = tocsin::core::rule::parse(&file, &mut found);
        let lexicons = tocsin::core::lexicon::parse(&file, &mut found);
        tocsin::core::rule::compile(&rules, &lexicons, &mut found);
    }

    #[test]
    fn reading_a_changed_rule_never_panics(at in 0usize..600, cut in 0usize..40, put in "[\\[\\]{}:|*'\"\n #&!%@`火a0-9-]{0,4}") {
        let mut text = include_str!("../golden/rules/T0006.yml").to_owned();
        let from = at.min(text.len());
        let to = (from + cut).min(text.len());
        text.replace_range(from..to, &put);
        let mut found = Vec::new();
        let rules = tocsin::core::rule::parse(&SourceFile { name: "f.yml".into(), text }, &mut found);
        tocsin::core::rule::compile(&rules, &[], &mut found);
    }
}
