//! Findings about the terms of lexicons.
//!
//! Invariant: whether a term is shadowed is the engine's own answer on the term itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::lint::{CONTAINED_TERM, CONTAINED_VALUE, INNER_STAR, SHADOWED_TERM, visit};
use crate::core::detect::{DetectEngine, DetectOutput};
use crate::core::diagnostic::{Diagnostic, SourceFile};
use crate::core::lexicon::{Lexicon, Mode, Term};
use crate::core::model::{Millis, Position, RawRecord};
use crate::core::normalise::normalise;
use crate::core::place::Gazetteer;
use crate::core::replay::default_feed;
use crate::core::route::Routing;
use crate::core::rule::{self, Addition, Group, How, Need, Rule, Test, is_word};
use crate::core::ruleset::RuleSet;
use crate::core::yaml::{self, At, Findings};

/// Longest part of a term that is looked up as a term, characters.
const MAX_PART: usize = 40;
/// Values of one list that are held against each other.
const MAX_VALUES: usize = 2_000;

/// Findings about all lexicons.
pub(super) fn lint(
    rules: &[Rule],
    lexicons: &[Lexicon],
    files: &[SourceFile],
    found: &mut Vec<Diagnostic>,
) {
    let places = places(files);
    let measured = measured(rules);
    let place = |lexicon: &Lexicon, term: &Term| {
        let key = (
            lexicon.file.clone(),
            lexicon.name.to_string(),
            term.text.to_string(),
        );
        places.get(&key).copied().unwrap_or(lexicon.at)
    };
    for lexicon in lexicons {
        let mut findings = Findings::new(&lexicon.file);
        for term in shadowed(lexicon, lexicons) {
            findings
                .warn(SHADOWED_TERM, place(lexicon, term), format!("`{}` is never found: a context of its own `unless` cancels it wherever it stands", term.text))
                .help("remove the term, or the context");
        }
        for term in lexicon.terms.iter().filter(|term| starred(term)) {
            let text = &term.text;
            findings
                .warn(INNER_STAR, place(lexicon, term), format!("`{text}` is found only where a text has the `*` itself"))
                .help("at the end of a term `*` stands for any ending; write a term for each form of the word within");
        }
        if !measured.contains(&*lexicon.name) {
            for (term, by) in contained(lexicon) {
                findings
                    .warn(
                        CONTAINED_TERM,
                        place(lexicon, term),
                        format!(
                            "`{}` adds nothing: wherever it stands, `{}` is found",
                            term.text, by.text
                        ),
                    )
                    .help("remove it");
            }
        }
        found.append(&mut findings.list);
    }
}

/// Values of one list of which one stands twice or is found wherever another is; not where it counts how near or how heavy they are.
pub(super) fn values(rule: &Rule, findings: &mut Findings<'_>) {
    let mut measured: BTreeSet<&str> = BTreeSet::new();
    for selection in &rule.selections {
        visit(&selection.group, &mut |item| {
            if let Test::Near { of, .. } = &item.test {
                measured.extend(of.iter().map(|(name, _)| &**name));
            }
        });
    }
    for addition in rule.tocsin.iter().flat_map(|tocsin| &tocsin.add) {
        if let Addition::Weight { selection, .. } = addition {
            measured.extend(rule.selections.get(*selection).map(|s| &*s.name));
        }
    }
    for selection in &rule.selections {
        if measured.contains(&*selection.name) {
            continue;
        }
        visit(&selection.group, &mut |item| {
            let Test::Text {
                how: How::Contains,
                cased: false,
                all: false,
                values,
                need:
                    Need {
                        count: 1,
                        weight: 0,
                    },
            } = &item.test
            else {
                return;
            };
            let placed = values.iter().zip(&item.values).take(MAX_VALUES);
            let placed = placed.filter_map(|(value, at)| Some((at, normalise(value.literal()?))));
            let (places, literals): (Vec<&At>, Vec<String>) = placed.unzip();
            for (number, (at, value)) in places.into_iter().zip(&literals).enumerate() {
                let by = literals.iter().enumerate().find(|(other, by)| {
                    *other != number
                        && !by.is_empty()
                        && by.len() < value.len()
                        && value.contains(&***by)
                });
                let message = if literals[..number].contains(value) {
                    format!("`{value}` stands in the list already")
                } else if let Some((_, by)) = by {
                    format!("`{value}` adds nothing: wherever it stands, `{by}` is found")
                } else {
                    continue;
                };
                findings
                    .warn(CONTAINED_VALUE, *at, message)
                    .help("remove it");
            }
        });
    }
}

/// Place of every term in its file.
fn places(files: &[SourceFile]) -> HashMap<(String, String, String), At> {
    let mut places = HashMap::new();
    for file in files {
        for document in yaml::parse(&file.text, &mut Findings::new(&file.name)) {
            let name = document
                .get("lexicon")
                .and_then(|node| node.text())
                .unwrap_or_default();
            for node in document
                .get("terms")
                .map(yaml::Node::items)
                .unwrap_or_default()
            {
                let text = node.text().or_else(|| node.get("term")?.text());
                if let Some(text) = text {
                    places.insert(
                        (file.name.clone(), name.to_owned(), text.to_owned()),
                        node.at,
                    );
                }
            }
        }
    }
    places
}

/// Lexicons of which more than the presence of a term counts: how many, how heavy, how near.
fn measured(rules: &[Rule]) -> BTreeSet<&str> {
    let mut measured = BTreeSet::new();
    for rule in rules {
        let mut near: BTreeSet<&str> = BTreeSet::new();
        for selection in &rule.selections {
            visit(&selection.group, &mut |item| match &item.test {
                Test::Near { of, .. } => near.extend(of.iter().map(|(name, _)| &**name)),
                Test::Lexicon { names, need, all } if need.count > 1 || need.weight > 0 || *all => {
                    measured.extend(names.iter().map(|(name, _)| &**name));
                }
                _ => {}
            });
        }
        let weighed = rule.tocsin.iter().flat_map(|tocsin| &tocsin.add);
        let weighed = weighed.filter_map(|addition| match addition {
            Addition::Weight { selection, .. } => rule.selections.get(*selection),
            Addition::When { .. } | Addition::Growth(_) => None,
        });
        let near = rule
            .selections
            .iter()
            .filter(|selection| near.contains(&*selection.name));
        for selection in weighed.chain(near) {
            measured.extend(names(&selection.group));
        }
    }
    measured
}

fn names(group: &Group) -> Vec<&str> {
    let mut all = Vec::new();
    visit(group, &mut |item| {
        if let Test::Lexicon { names, .. } = &item.test {
            all.extend(names.iter().map(|(name, _)| &**name));
        }
    });
    all
}

/// Whether a `*` stands in a term after a letter and before further text: somebody meant any ending of a word.
fn starred(term: &Term) -> bool {
    let parts: Vec<&str> = term.normalised.split('*').collect();
    let pairs = parts.windows(2);
    let ends_word = |text: &str| text.chars().next_back().is_some_and(char::is_alphanumeric);
    pairs
        .into_iter()
        .any(|p| ends_word(p[0]) && p[1].starts_with(' '))
}

/// Terms with contexts that are not found in a text that is the term itself.
fn shadowed<'l>(lexicon: &'l Lexicon, lexicons: &[Lexicon]) -> Vec<&'l Term> {
    let guarded: Vec<&Term> = lexicon
        .terms
        .iter()
        .filter(|term| !term.unless.is_empty())
        .collect();
    if guarded.is_empty() {
        return guarded;
    }
    let text = format!(
        "title: t\nid: t\ndetection:\n  a:\n    any|lexicon: {}\n  condition: a\ntocsin:\n  hazard: fire\n  score:\n    base: 1\n",
        lexicon.name
    );
    let mut found = Vec::new();
    let rules = rule::parse(
        &SourceFile {
            name: "probe".to_owned(),
            text,
        },
        &mut found,
    );
    let set = RuleSet {
        version: "probe".into(),
        program: rule::compile(&rules, lexicons, &mut found),
        gazetteer: Arc::new(Gazetteer::default()),
        routing: Arc::new(Routing::default()),
        warnings: Vec::new(),
    };
    let Ok(mut engine) = DetectEngine::new(Arc::new(set), &[Arc::new(default_feed())]) else {
        return Vec::new();
    };
    let is_found = |term: &&Term| {
        let record = serde_json::json!({"id": "t", "text": term.normalised}).to_string();
        let mut out = DetectOutput::default();
        engine.process(
            0,
            &RawRecord::new(record.as_bytes(), Millis(0)),
            &Position::default(),
            &mut out,
        );
        out.detections
            .iter()
            .any(|hit| hit.matches.iter().any(|found| found.term == term.text))
    };
    let mut is_found = is_found;
    guarded.into_iter().filter(|term| !is_found(term)).collect()
}

/// Terms within which another term of the lexicon is always found, of at least their weight and without contexts.
fn contained(lexicon: &Lexicon) -> Vec<(&Term, &Term)> {
    let mut free: BTreeMap<&str, &Term> = BTreeMap::new();
    for term in lexicon.terms.iter().filter(|term| term.unless.is_empty()) {
        free.insert(&term.normalised, term);
    }
    let mut all = Vec::new();
    for term in &lexicon.terms {
        let text = &*term.normalised;
        let edges: Vec<usize> = text
            .char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .collect();
        let by = edges.iter().enumerate().find_map(|(start, from)| {
            edges[start + 1..].iter().take(MAX_PART).find_map(|to| {
                let other = *free.get(&text[*from..*to])?;
                let is_other = !std::ptr::eq(other, term) && to - from < text.len();
                let weighs = other.weight >= term.weight;
                (is_other && weighs && fits(other, term, *from, *to)).then_some(other)
            })
        });
        all.extend(by.map(|by| (term, by)));
    }
    all
}

/// Whether `term` is found at this part of `within` wherever `within` is found.
fn fits(term: &Term, within: &Term, from: usize, to: usize) -> bool {
    let text = &*within.normalised;
    let first = term.normalised.chars().next().is_some_and(is_word);
    let last = term.normalised.chars().next_back().is_some_and(is_word);
    // At an edge of the longer term the text goes on as its own mode allows.
    let left = match text[..from].chars().next_back() {
        Some(before) => is_word(before),
        None => within.mode == Mode::Substring,
    };
    let right = match text[to..].chars().next() {
        Some(after) => is_word(after),
        None => within.mode != Mode::Word,
    };
    match term.mode {
        Mode::Substring => true,
        Mode::Prefix => !(left && first),
        Mode::Word => !(left && first || right && last),
    }
}
