//! A rule as it was read: checked in itself, not yet against lexicons and other rules.

use std::sync::Arc;

use super::pattern::Pattern;
use crate::core::model::{
    Correlation, DepartmentRequest, GrowthLine, Hazard, ScoreLine, Tier, Urgency,
};
use crate::core::yaml::At;

/// What becomes of a hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleStatus {
    /// `stable`, `experimental`: detections.
    Live,
    /// `test`: shadow hits.
    Shadow,
    /// `deprecated`, `unsupported`: not evaluated.
    Off,
}

/// One rule.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Rule {
    pub file: String,
    pub at: At,
    pub id: Arc<str>,
    pub id_at: At,
    pub title: Arc<str>,
    pub status: RuleStatus,
    /// An error was found in it: it is looked at so that all others are found too, and never runs.
    pub broken: bool,
    pub selections: Vec<Selection>,
    pub condition: Condition,
    pub condition_at: At,
    /// None: a plain Sigma rule.
    pub tocsin: Option<Tocsin>,
}

/// A correlation of the stream, not yet against the rules that it calls.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct CorrelationRule {
    pub file: String,
    pub at: At,
    pub id_at: At,
    pub title: Arc<str>,
    /// Title for Chinese readers.
    pub title_zh: Option<Arc<str>>,
    pub status: RuleStatus,
    /// Ids or names.
    pub calls: Vec<(Arc<str>, At)>,
    pub hazard: Option<(Hazard, At)>,
    /// Its `rules` are filled in when they are found.
    pub correlation: Correlation,
}

/// A document that narrows rules down, as far as others have to know of it: what it says stands in those rules.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct FilterNote {
    pub file: String,
    pub at: At,
    /// Its id, or the title where it has none.
    pub id: String,
    pub title: String,
    /// Ids of the rules that it narrows down, in the order of the files.
    pub rules: Vec<String>,
}

/// An abstract rule, as far as others have to know of it: what it says stands in those that extend it.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct AbstractNote {
    pub file: String,
    pub at: At,
    pub id: String,
    pub title: String,
    /// Title for Chinese readers.
    pub title_zh: Option<Arc<str>>,
    /// Ids of the rules that extend it, in the end, in the order of the files.
    pub rules: Vec<String>,
}

/// A named selection.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Selection {
    pub name: String,
    pub at: At,
    pub group: Group,
}

/// AND of a map, OR of a list, or one entry.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Group {
    All(Vec<Group>),
    Any(Vec<Group>),
    Item(Item),
}

/// One entry: a field and what is asked of it.
#[derive(Clone, Debug)]
pub struct Item {
    /// Place of its key.
    pub at: At,
    /// Places of its values, in their order.
    pub values: Vec<At>,
    /// `None` for keywords.
    pub field: Option<String>,
    /// What is asked.
    pub test: Test,
}

impl Item {
    /// Place of its first value; of its key where it has none.
    pub fn place(&self) -> At {
        self.values.first().copied().unwrap_or(self.at)
    }
}

/// How a text value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum How {
    Equals,
    Contains,
    StartsWith,
    EndsWith,
    /// `contains`, bounded by what is no letter or digit of an alphabetic script.
    Word,
}

/// A numeric comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Op {
    Lt,
    Lte,
    Gt,
    Gte,
    Neq,
}

impl Op {
    /// `left op right`, of numbers of one kind; equal is exactly equal.
    pub fn holds<T: PartialOrd>(self, left: T, right: T) -> bool {
        match self {
            Self::Lt => left < right,
            Self::Lte => left <= right,
            Self::Gt => left > right,
            Self::Gte => left >= right,
            Self::Neq => left != right,
        }
    }
}

/// How much of a set of terms must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Distinct terms.
    pub count: u32,
    /// Sum of the weights of distinct terms.
    pub weight: u32,
}

impl Default for Need {
    fn default() -> Self {
        Self {
            count: 1,
            weight: 0,
        }
    }
}

/// What an entry asks.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Test {
    Text {
        how: How,
        cased: bool,
        all: bool,
        values: Vec<Pattern>,
        need: Need,
    },
    Lexicon {
        names: Vec<(String, At)>,
        all: bool,
        need: Need,
    },
    Regex {
        /// Of `i`, `m`, `s`.
        flags: String,
        values: Vec<(Arc<str>, regex::Regex)>,
        all: bool,
    },
    Compare {
        op: Op,
        value: f64,
    },
    Exists(bool),
    Near {
        of: [(String, At); 2],
        within: u32,
    },
}

/// A condition over selections, by their index.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Selection(usize),
    /// One of `tocsin.conditions`, which says the same wherever the rule names it.
    Named(Arc<str>, Box<Condition>),
}

impl Condition {
    /// Calls `visit` for every selection named, with whether it stands under an even number of `not`.
    pub fn visit(&self, positive: bool, visit: &mut impl FnMut(usize, bool)) {
        match self {
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().for_each(|p| p.visit(positive, visit));
            }
            Self::Not(part) => part.visit(!positive, visit),
            Self::Selection(index) => visit(*index, positive),
            Self::Named(_, part) => part.visit(positive, visit),
        }
    }
}

/// The `tocsin:` block.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Tocsin {
    pub hazard: Hazard,
    /// Title for Chinese readers.
    pub title_zh: Option<Arc<str>>,
    pub tier: Tier,
    /// Wider tiers at which growth is looked for, too; narrowest first.
    pub growth_tiers: Vec<Tier>,
    pub quiet_ms: i64,
    pub urgency: Urgency,
    pub replaces: Option<(Arc<str>, At)>,
    pub departments: Vec<(DepartmentRequest, At)>,
    pub base: ScoreLine,
    pub add: Vec<Addition>,
}

/// One line of `score.add`.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Addition {
    When {
        condition: Condition,
        at: At,
        line: ScoreLine,
    },
    /// Σ weights of the distinct terms hit by a selection, at most `line.points`.
    Weight { selection: usize, line: ScoreLine },
    /// Added by correlate, which knows the growth of the incident.
    Growth(Arc<GrowthLine>),
}

impl Addition {
    /// Its points, and why.
    pub fn line(&self) -> ScoreLine {
        match self {
            Self::When { line, .. } | Self::Weight { line, .. } => line.clone(),
            Self::Growth(line) => ScoreLine {
                points: line.points,
                because: line.because.clone(),
                because_zh: line.because_zh.clone(),
            },
        }
    }
}
