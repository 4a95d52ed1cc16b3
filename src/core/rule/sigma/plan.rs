//! What is run: one index over the literals of all rules, and what announces each rule.
//!
//! An *atom* is a set of literals in one field; one of them found makes it true. Tests that literals cannot decide are asked
//! of the event only when a rule is evaluated, and after the atom that guards them.

use rustc_hash::FxHashMap;

use super::correlation::Correlations;
use super::fields::Fields;
use super::quick::{Lists, Quick};
use super::test::Test;
use crate::core::lexicon::TermIndex;

/// A compiled rule set: immutable, shared by threads.
#[derive(Debug)]
pub struct Sigma {
    pub(super) rules: Vec<Rule>,
    pub(super) fields: Fields,
    pub(super) index: TermIndex,
    /// By pattern: its first posting; the others are in `postings`.
    pub(super) patterns: Vec<Posting>,
    pub(super) postings: Vec<Posting>,
    /// By slot, of a folded value as a whole: atoms.
    pub(super) wholes: Vec<FxHashMap<Vec<u16>, Vec<u32>>>,
    /// By field and number: atoms.
    pub(super) numbers: FxHashMap<(u32, u64), Vec<u32>>,
    /// By slot: what is looked for in it.
    pub(super) looked: Vec<Looked>,
    pub(super) asks: Vec<Ask>,
    pub(super) atoms: usize,
    /// By atom, and by slot: the rules that it announces.
    pub(super) by_atom: Lists,
    pub(super) by_slot: Lists,
    /// By rule.
    pub(super) quick: Vec<Quick>,
    /// Rules that may hold of any event.
    pub(super) always: Vec<u32>,
    pub(super) correlations: Correlations,
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Its `id`; where it has none, its `name` or title.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Whether its matches are shown: not those of a rule that is there for correlations only.
    pub shown: bool,
    pub(super) when: Expr,
    pub(super) selections: Vec<(String, Expr)>,
}

/// What is looked for in a field: literals anywhere, whole values, numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Looked {
    pub(super) literals: bool,
    pub(super) wholes: bool,
    pub(super) numbers: bool,
}

/// A literal of an atom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Posting {
    pub(super) atom: u32,
    /// [`NO_SLOT`]: any value.
    pub(super) slot: u32,
    /// Where in the list of postings the next one of the same pattern is, plus one; 0: there is none.
    pub(super) next: u32,
    /// It stands at the beginning (1), at the end (2) of the value.
    pub(super) edges: u8,
}

pub(super) const START: u8 = 1;
pub(super) const END: u8 = 2;

/// A test that is asked of the event.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) slot: u32,
    pub(super) test: Test,
}

/// A condition down to its tests.
#[derive(Clone, Debug)]
pub(super) enum Expr {
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Atom(u32),
    /// False without its atom; then what the ask says.
    Guarded(u32, u32),
    Ask(u32),
    /// The field is there.
    Present(u32),
}

/// The bits of a number; both zeros are the same.
pub(super) fn bits(number: f64) -> u64 {
    (number + 0.0).to_bits()
}

impl Sigma {
    /// The rules, in the order of the files.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether there are correlations: their state is in a [`super::Correlator`].
    pub fn correlates(&self) -> bool {
        !self.correlations.list.is_empty()
    }
}
