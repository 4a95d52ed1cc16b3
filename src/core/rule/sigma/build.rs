//! Tests → expressions over atoms: what literals can decide, and what they can rule out.

use rustc_hash::FxHashMap;

use super::compile::Tree;
use super::fields::{Fields, NO_SLOT};
use super::fold;
use super::lower::Asked;
use super::pattern::{Pattern, Piece};
use super::plan::{Ask, END, Expr, Posting, START, bits};
use super::test::{Test, exact};
use super::trigger;
use crate::core::lexicon::MAX_PATTERN;
use crate::core::rule::How;

/// Dashes of `windash` that are spelled out in the index: 25 literals.
const MAX_SPELLED: u32 = 2;

/// Literals of an atom, by edges and pattern (by edges and text where they are both), and numbers by their bits: atoms with the
/// same ones are the same.
type AtomKey = (u32, Vec<(u8, u32)>, Vec<u64>);

/// What is collected before it is laid out flat.
#[derive(Default)]
pub(super) struct Builder {
    pub(super) fields: Fields,
    pub(super) patterns: FxHashMap<Vec<u16>, u32>,
    /// Texts of which a value is the whole.
    texts: FxHashMap<Vec<u16>, u32>,
    /// By field and such a text: atoms.
    pub(super) wholes: FxHashMap<(u32, Vec<u16>), Vec<u32>>,
    atoms: FxHashMap<AtomKey, u32>,
    pub(super) postings: Vec<(u32, Posting)>,
    pub(super) numbers: FxHashMap<(u32, u64), Vec<u32>>,
    pub(super) asks: Vec<Ask>,
    /// By atom: how many events it lets through, roughly.
    pub(super) costs: Vec<f64>,
}

/// Literals on the way to an atom.
#[derive(Default)]
struct Literals {
    texts: Vec<(u8, Vec<u16>)>,
    numbers: Vec<u64>,
}

impl Builder {
    pub(super) fn tree(&mut self, tree: &Tree) -> Expr {
        match tree {
            Tree::All(parts) => many(parts.iter().map(|p| self.tree(p)).collect(), Expr::And),
            Tree::Any(parts) => many(parts.iter().map(|p| self.tree(p)).collect(), Expr::Or),
            Tree::Asked(asked) => self.entry(asked),
        }
    }

    fn entry(&mut self, asked: &Asked) -> Expr {
        let slot = asked
            .field
            .as_ref()
            .map_or(NO_SLOT, |name| self.fields.slot(name));
        self.fields.any |= slot == NO_SLOT;
        let holds = if asked.all {
            let parts = asked
                .values
                .iter()
                .map(|value| self.any_of(slot, value.iter()));
            let parts: Vec<Expr> = parts.collect();
            many(parts, Expr::And)
        } else {
            self.any_of(slot, asked.values.iter().flatten())
        };
        if !asked.not {
            return holds;
        }
        Expr::And(vec![Expr::Present(slot), Expr::Not(Box::new(holds))])
    }

    /// One of the tests holds: those that literals decide are one atom.
    fn any_of<'t>(&mut self, slot: u32, tests: impl Iterator<Item = &'t Test>) -> Expr {
        let mut literals = Literals::default();
        let mut parts = Vec::new();
        for test in tests {
            let mut guard = Literals::default();
            if decided(test, &mut literals) {
                continue;
            }
            if let Test::Field { name, .. } = test {
                self.fields.slot(name);
            }
            guarded(test, &mut guard);
            self.asks.push(Ask {
                slot,
                test: test.clone(),
            });
            let ask = self.asks.len() as u32 - 1;
            parts.push(if guard.texts.is_empty() {
                Expr::Ask(ask)
            } else {
                Expr::Guarded(self.atom(slot, guard), ask)
            });
        }
        if !literals.texts.is_empty() {
            parts.insert(0, Expr::Atom(self.atom(slot, literals)));
        }
        many(parts, Expr::Or)
    }

    fn atom(&mut self, slot: u32, literals: Literals) -> u32 {
        let mut cost = 0.0;
        let (mut texts, mut wholes) = (Vec::new(), Vec::new());
        for (edges, text) in literals.texts {
            cost += trigger::cost(edges, &text);
            let known = if is_whole(slot, edges) {
                wholes.push(text.clone());
                &mut self.texts
            } else {
                &mut self.patterns
            };
            let next = known.len() as u32;
            texts.push((edges, *known.entry(text).or_insert(next)));
        }
        texts.sort_unstable();
        texts.dedup();
        wholes.sort_unstable();
        wholes.dedup();
        let mut numbers = literals.numbers;
        numbers.sort_unstable();
        numbers.dedup();
        let key = (slot, texts, numbers);
        if let Some(atom) = self.atoms.get(&key) {
            return *atom;
        }
        let atom = self.costs.len() as u32;
        self.costs.push(cost);
        for (edges, pattern) in key.1.iter().filter(|(edges, _)| !is_whole(slot, *edges)) {
            let posting = Posting {
                atom,
                slot,
                next: 0,
                edges: *edges,
            };
            self.postings.push((*pattern, posting));
        }
        for text in wholes {
            self.wholes.entry((slot, text)).or_default().push(atom);
        }
        for number in &key.2 {
            self.numbers.entry((slot, *number)).or_default().push(atom);
        }
        self.atoms.insert(key, atom);
        atom
    }
}

/// Whether a literal is compared with the value as a whole: the index, which looks at every place, is not asked for it.
fn is_whole(slot: u32, edges: u8) -> bool {
    slot != NO_SLOT && edges == START | END
}

fn many(mut parts: Vec<Expr>, join: fn(Vec<Expr>) -> Expr) -> Expr {
    if parts.len() == 1 {
        parts.remove(0)
    } else {
        join(parts)
    }
}

/// A literal as the index has it: not empty, not too long, without the symbol that it keeps for itself.
fn symbols(text: &str) -> Option<Vec<u16>> {
    let symbols: Vec<u16> = text.encode_utf16().collect();
    ((1..=MAX_PATTERN).contains(&symbols.len()) && !symbols.contains(&0)).then_some(symbols)
}

/// Adds the literals of a test that they decide; false when they do not.
fn decided(test: &Test, into: &mut Literals) -> bool {
    match test {
        Test::Text {
            how,
            cased: false,
            pattern,
        } if pattern.dashes() <= MAX_SPELLED => {
            let spelled = pattern.spelled();
            let literals: Option<Vec<_>> = spelled.iter().map(|p| edged(p, *how)).collect();
            literals
                .map(|literals| into.texts.extend(literals))
                .is_some()
        }
        Test::Number { value, text } => {
            let Some(symbols) = symbols(&fold::fold(text)) else {
                return false;
            };
            into.texts.push((START | END, symbols));
            if exact(text) {
                into.numbers.push(bits(*value));
            }
            true
        }
        _ => false,
    }
}

/// A pattern of one text, and `*` at its ends only: the text and its edges.
fn edged(pattern: &Pattern, how: How) -> Option<(u8, Vec<u16>)> {
    let edges = match how {
        How::Equals => START | END,
        How::StartsWith => START,
        How::EndsWith => END,
        How::Contains | How::Word => 0,
    };
    let (text, edges) = match pattern.pieces() {
        [Piece::Text(text)] => (text, edges),
        [Piece::Any, Piece::Text(text)] => (text, edges & !START),
        [Piece::Text(text), Piece::Any] => (text, edges & !END),
        [Piece::Any, Piece::Text(text), Piece::Any] => (text, 0),
        _ => return None,
    };
    Some((edges, symbols(text)?))
}

/// Adds literals of which a value that passes has one, where there are any.
fn guarded(test: &Test, into: &mut Literals) {
    match test {
        Test::Text { pattern, .. } => {
            let texts = pattern.pieces().iter().filter_map(|piece| match piece {
                Piece::Text(text) => Some(fold::fold(text)),
                _ => None,
            });
            let parts = texts.flat_map(|text| {
                let units: Vec<u16> = text.encode_utf16().collect();
                let parts = units.split(|u| *u == 0);
                parts
                    .map(|p| p[..p.len().min(MAX_PATTERN)].to_vec())
                    .collect::<Vec<_>>()
            });
            if let Some(longest) = parts.max_by_key(Vec::len).filter(|p| !p.is_empty()) {
                into.texts.push((0, longest));
            }
        }
        Test::Regex { literals, .. } => {
            let literals: Option<Vec<_>> = literals.iter().map(|l| symbols(l)).collect();
            into.texts
                .extend(literals.unwrap_or_default().into_iter().map(|l| (0, l)));
        }
        _ => {}
    }
}
