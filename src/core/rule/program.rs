//! A compiled set of rules: flat tables that the engine runs over, immutable and shared by all workers.
//!
//! Term index → postings → atoms → rules → leaves. A rule that no posting, field or necessity touches is not evaluated.

use std::collections::HashMap;
use std::sync::Arc;

use super::ast::{How, Need, Op};
use super::pattern::Pattern;
use crate::core::lexicon::TermIndex;
use crate::core::model::{
    Correlation, DepartmentRequest, GrowthLine, Hazard, ScoreLine, Tier, Urgency,
};

/// The fields that the term index covers, as bits.
pub mod scope {
    /// Headline.
    pub const TITLE: u8 = 1;
    /// Body.
    pub const TEXT: u8 = 2;
    /// Either.
    pub const ANY: u8 = TITLE | TEXT;
}

/// What an occurrence must satisfy at its edges.
pub mod edge {
    /// No letter or digit before it.
    pub const LEFT: u8 = 1;
    /// None after it.
    pub const RIGHT: u8 = 2;
    /// It begins the field.
    pub const START: u8 = 4;
    /// It ends the field.
    pub const END: u8 = 8;
}

/// What every occurrence needs of a [`Posting`], small, so that many stay in the caches.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct HotPosting {
    pub atom: u32,
    pub scope: u8,
    pub edges: u8,
    pub traits: u8,
    pub weight: u8,
}

impl HotPosting {
    /// It has contexts that cancel it.
    pub const GUARDED: u8 = 1;
    /// Its pattern has more postings: [`Program::patterns`].
    pub const MORE: u8 = 2;
}

/// A pattern's part in an atom.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Posting {
    pub atom: u32,
    pub scope: u8,
    pub edges: u8,
    /// At most 100.
    pub weight: u8,
    /// Range of [`Program::guards`].
    pub guards: [u32; 2],
    /// As the rule or lexicon writes it.
    pub term: Arc<str>,
}

/// A context that cancels an occurrence.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Guard {
    pub pattern: u32,
    /// It must lie around the occurrence; else it must stand near it.
    pub around: bool,
}

/// A question about one report, answered true or false.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Leaf {
    /// Enough of a set of terms.
    Atom { atom: u32, need: Need },
    /// A hit of one of `a` and one of `b` close together in one field.
    Near {
        scope: u8,
        a: Vec<u32>,
        b: Vec<u32>,
        within: u32,
    },
    /// Title or text as a whole.
    Text { scope: u8, test: ValueTest },
    /// The report's kind, as a bit set over [`kind_bit`].
    Kind(u8),
    /// The feed's name.
    Feed(ValueTest),
    /// The language tag.
    Lang(ValueTest),
    /// A number: the record's field, else extracted.
    Number { name: Arc<str>, test: NumberTest },
    /// Any other field of the record.
    Field { name: Arc<str>, test: ValueTest },
}

/// A question about a number.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum NumberTest {
    Is(f64),
    Compare(Op, f64),
    Exists(bool),
}

impl NumberTest {
    /// The answer for a number, or for none.
    pub fn holds(self, number: Option<f64>) -> bool {
        match (self, number) {
            (Self::Exists(wanted), number) => number.is_some() == wanted,
            (Self::Is(wanted), Some(number)) => (wanted - number).abs() < 1e-9,
            (Self::Compare(op, wanted), Some(number)) => op.holds(number, wanted),
            (_, None) => false,
        }
    }
}

/// A question about a text value. Patterns are normalised unless `cased`.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum ValueTest {
    Pattern {
        how: How,
        cased: bool,
        pattern: Pattern,
    },
    Regex {
        source: Arc<str>,
        regex: regex::Regex,
    },
    Compare(Op, f64),
    Exists(bool),
}

/// A condition over leaves.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Expr {
    And(Box<[Expr]>),
    Or(Box<[Expr]>),
    Not(Box<Expr>),
    Leaf(u32),
}

impl Expr {
    /// Its value, given the leaves'; asks no more of them than needed.
    pub fn eval(&self, leaf: &mut impl FnMut(u32) -> bool) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|p| p.eval(leaf)),
            Self::Or(parts) => parts.iter().any(|p| p.eval(leaf)),
            Self::Not(part) => !part.eval(leaf),
            Self::Leaf(index) => leaf(*index),
        }
    }

    /// Its value where some leaves are unknown.
    pub fn eval_partly(&self, leaf: &mut impl FnMut(u32) -> Option<bool>) -> Option<bool> {
        match self {
            Self::And(parts) => fold(parts, false, leaf),
            Self::Or(parts) => fold(parts, true, leaf),
            Self::Not(part) => part.eval_partly(leaf).map(|b| !b),
            Self::Leaf(index) => leaf(*index),
        }
    }

    /// Calls `visit` for every leaf, with whether it stands under an even number of `not`.
    pub fn visit(&self, positive: bool, visit: &mut impl FnMut(u32, bool)) {
        match self {
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().for_each(|p| p.visit(positive, visit));
            }
            Self::Not(part) => part.visit(!positive, visit),
            Self::Leaf(index) => visit(*index, positive),
        }
    }
}

/// AND (`decides` = false) or OR (`decides` = true) with unknowns.
fn fold(parts: &[Expr], decides: bool, leaf: &mut impl FnMut(u32) -> Option<bool>) -> Option<bool> {
    let mut unknown = false;
    for part in parts {
        match part.eval_partly(leaf) {
            Some(value) if value == decides => return Some(decides),
            Some(_) => {}
            None => unknown = true,
        }
    }
    if unknown { None } else { Some(!decides) }
}

/// One line of a rule's score.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Addition {
    When {
        when: Expr,
        line: ScoreLine,
    },
    /// Σ weights of the distinct terms of these atoms, at most `line.points`.
    Weight {
        atoms: Vec<u32>,
        line: ScoreLine,
    },
}

/// One rule, ready to run.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct CompiledRule {
    pub id: Arc<str>,
    pub title: Arc<str>,
    /// Title for Chinese readers.
    pub title_zh: Option<Arc<str>>,
    pub shadow: bool,
    /// Digest of what a shadow rule says; empty of others.
    pub wording: Arc<str>,
    pub hazard: Hazard,
    pub tier: Tier,
    /// Wider tiers at which growth is looked for, too; narrowest first.
    pub growth_tiers: Vec<Tier>,
    pub quiet_ms: i64,
    pub urgency: Urgency,
    pub replaces: Option<Arc<str>>,
    pub departments: Vec<DepartmentRequest>,
    /// Correlations that call it, by their ids.
    pub correlations: Vec<Arc<Correlation>>,
    pub base: ScoreLine,
    pub add: Vec<Addition>,
    /// Lines that correlate adds.
    pub growth: Vec<Arc<GrowthLine>>,
    pub when: Expr,
    /// Atoms whose hits are shown: those that stand under no `not`; sorted.
    pub shown: Vec<u32>,
    /// Leaves on whole texts and on fields that are shown, likewise.
    pub shown_values: Vec<u32>,
}

/// Everything compiled.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Program {
    pub index: TermIndex,
    /// By pattern: range of its postings behind the first one.
    pub patterns: Vec<[u32; 2]>,
    /// First that of every pattern, by pattern; then the others. One that covers no field stands for none.
    pub postings: Vec<Posting>,
    /// By posting.
    pub hot: Vec<HotPosting>,
    pub guards: Vec<Guard>,
    /// By atom: range of `atom_rules`.
    pub atoms: Vec<[u32; 2]>,
    pub atom_rules: Vec<u32>,
    pub leaves: Vec<Leaf>,
    /// Sorted by id.
    pub rules: Vec<CompiledRule>,
    /// Rules that no hit and no field announces.
    pub always: Vec<u32>,
    /// Rules to evaluate when a record has the field.
    pub by_field: HashMap<Arc<str>, Vec<u32>>,
    /// Fields that any rule looks into: [`scope`].
    pub scanned: u8,
}

/// Bit of a feed kind in [`Leaf::Kind`].
pub fn kind_bit(kind: crate::core::model::FeedKind) -> u8 {
    1 << kind as u8
}

/// Numbers that are extracted from text: the names of [`crate::core::number::FIELDS`].
pub const EXTRACTED: &[&str] = &[
    "area_ha",
    "casualties.dead",
    "casualties.ill",
    "casualties.injured",
    "casualties.missing",
    "casualties.trapped",
    "depth_km",
    "evacuated",
    "households",
    "magnitude",
    "water_depth_m",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_extracted_is_a_field() {
        let mut names: Vec<&str> = crate::core::number::FIELDS
            .iter()
            .map(|(name, _)| *name)
            .collect();
        names.sort_unstable();
        assert_eq!(names, EXTRACTED);
    }
}
