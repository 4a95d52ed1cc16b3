//! A correlation as it travels with the detections of the rules that it calls.
//!
//! Invariant: it says all that correlate needs to evaluate it, which looks up no rule. No field is left out when it is empty: the
//! state of an incident holds it as a positional array.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Rules that a correlation in the stream calls, and correlations that call one rule.
pub const MAX_CORRELATED: usize = 16;
/// Names in `group-by`, and fields of `value_count`.
pub const MAX_CORRELATION_FIELDS: usize = 8;
/// Highest number of a correlation's bound in the stream.
pub const MAX_CORRELATION_BOUND: f64 = 1_000.0;
/// Longest reason of a correlation, characters.
pub const MAX_CORRELATION_BECAUSE: usize = 300;

/// What a correlation in the stream counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CorrelationType {
    /// Reports.
    EventCount,
    /// Distinct values.
    ValueCount,
    /// Distinct rules, in any order.
    Temporal,
    /// Rules, from the first on, in their order.
    TemporalOrdered,
}

/// A bound of a correlation's condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Bound {
    Gt,
    Gte,
    Lt,
    Lte,
    Eq,
    Neq,
}

impl Bound {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Gt,
        Self::Gte,
        Self::Lt,
        Self::Lte,
        Self::Eq,
        Self::Neq,
    ];

    /// As a rule writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::Lt => "lt",
            Self::Lte => "lte",
            Self::Eq => "eq",
            Self::Neq => "neq",
        }
    }

    /// By its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.word() == word)
    }

    /// `left` bound `right`.
    #[allow(clippy::float_cmp)] // The rule's author asks for exactly this number.
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Gt => left > right,
            Self::Gte => left >= right,
            Self::Lt => left < right,
            Self::Lte => left <= right,
            Self::Eq => left == right,
            Self::Neq => left != right,
        }
    }
}

/// A correlation rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Correlation {
    /// Id of the correlation rule.
    pub id: Arc<str>,
    /// What it counts.
    #[serde(rename = "type")]
    pub kind: CorrelationType,
    /// Ids of the rules that it calls, each once, in its order; 1…[`MAX_CORRELATED`].
    pub rules: Vec<Arc<str>>,
    /// What must be the same: `feed`, `kind` or extracted numbers.
    pub group_by: Vec<Arc<str>>,
    /// What `value_count` counts: `feed`, `kind`, `source`, `place` or extracted numbers.
    pub fields: Vec<Arc<str>>,
    /// Length of the window, milliseconds.
    pub span_ms: i64,
    /// All must hold of the count.
    pub bounds: Vec<(Bound, f64)>,
    /// Points that its firing adds to the incident.
    pub points: i32,
    /// Why, in English.
    pub because: String,
    /// Why, in Chinese.
    pub because_zh: Option<String>,
}
