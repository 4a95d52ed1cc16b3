//! Which patterns a text can match at all: one pass over it instead of one a pattern.
//!
//! From the syntax of every pattern follow literals of which any match holds at least one. One automaton finds the literals of all
//! patterns together; a pattern none of whose literals is there is not tried.
//!
//! Invariant: a pattern that matches is never left out. A pattern without such literals is always tried.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex_syntax::hir::{Class, Hir, HirKind};

/// Literals of one pattern beyond which they tell too little.
const MOST_LITERALS: usize = 48;
/// Characters of a class up to which each is a literal.
const SMALL_CLASS: usize = 8;
/// Characters that stand in nearly every text that is looked at.
const EVERYWHERE: [&str; 10] = ["#", " ", ",", "-", "a", "s", "m", "人", "名", "的"];

/// A set of patterns, by number.
pub(super) type Set = u128;

/// Finds out which of a list of patterns are worth trying.
#[derive(Debug)]
pub(super) struct Gate {
    always: Set,
    automaton: Option<AhoCorasick>,
    /// By literal: the patterns that need one of which it is.
    patterns: Vec<Set>,
}

impl Gate {
    /// A gate for at most 128 patterns; one that cannot be parsed is always tried.
    pub(super) fn new<'p>(sources: impl Iterator<Item = &'p str>) -> Self {
        let mut literals: Vec<String> = Vec::new();
        let mut gate = Self {
            always: 0,
            automaton: None,
            patterns: Vec::new(),
        };
        for (number, source) in sources.enumerate() {
            let bit = 1 << number;
            let needs = regex_syntax::parse(source).ok().and_then(|hir| needs(&hir));
            let Some(needs) = needs else {
                gate.always |= bit;
                continue;
            };
            for literal in needs {
                match literals.iter().position(|known| *known == literal) {
                    Some(at) => gate.patterns[at] |= bit,
                    None => {
                        literals.push(literal);
                        gate.patterns.push(bit);
                    }
                }
            }
        }
        gate.automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .match_kind(MatchKind::Standard)
            .build(&literals)
            .ok();
        if gate.automaton.is_none() {
            gate.always = Set::MAX;
        }
        gate
    }

    /// The patterns that `text` may match.
    pub(super) fn open(&self, text: &str) -> Set {
        let mut open = self.always;
        if let Some(automaton) = &self.automaton {
            for found in automaton.find_overlapping_iter(text) {
                open |= self.patterns[found.pattern().as_usize()];
            }
        }
        open
    }
}

/// Literals of which every match of `hir` holds one, the set that tells most; none when there is no such set.
fn needs(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            let text = text.trim_matches(['#', ' ']);
            (!text.is_empty() && !EVERYWHERE.contains(&text)).then(|| vec![text.to_owned()])
        }
        HirKind::Class(Class::Unicode(class)) => {
            let chars = class
                .iter()
                .flat_map(|range| range.start()..=range.end())
                .take(SMALL_CLASS + 1);
            let literals: Vec<String> = chars.map(String::from).collect();
            let tells = literals.len() <= SMALL_CLASS
                && !literals.iter().any(|c| EVERYWHERE.contains(&c.as_str()));
            tells.then_some(literals)
        }
        HirKind::Repetition(repetition) if repetition.min > 0 => needs(&repetition.sub),
        HirKind::Capture(capture) => needs(&capture.sub),
        HirKind::Concat(parts) => parts
            .iter()
            .filter_map(needs)
            .max_by_key(|literals| tells(literals)),
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(needs(part)?);
            }
            all.sort_unstable();
            all.dedup();
            (all.len() <= MOST_LITERALS).then_some(all)
        }
        _ => None,
    }
}

/// How much a set tells: first that its shortest literal is long, then that there are few.
fn tells(literals: &[String]) -> (usize, std::cmp::Reverse<usize>) {
    // A Chinese character says as much as a few letters.
    let weight = |literal: &String| literal.len().min(6);
    let shortest = literals.iter().map(weight).min().unwrap_or(0);
    (shortest, std::cmp::Reverse(literals.len()))
}
