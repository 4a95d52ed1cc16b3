//! A line of a rule's score that depends on growth, as it travels with the rule's detections: detect knows no series.
//!
//! Invariant: it says all that correlate needs to add it, which looks up no rule. No field is left out when it is empty: the state
//! of an incident holds it as a positional array.

use serde::{Deserialize, Serialize};

use super::Bound;

/// Lines on growth of one rule.
pub const MAX_GROWTH_LINES: usize = 8;
/// Bounds of one line.
pub const MAX_GROWTH_BOUNDS: usize = 8;
/// Highest number of a bound, either side of 0.
pub const MAX_GROWTH_BOUND: f64 = 1_000_000.0;
/// Longest reason of a line, characters.
pub const MAX_GROWTH_BECAUSE: usize = 300;

/// What a rule may ask of the growth of its incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrowthField {
    /// EARS C2 of the day.
    C2,
    /// W2 of the hour or the day, whichever deviates more.
    W2,
    /// Reports in that period so far.
    Observed,
}

impl GrowthField {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::C2, Self::W2, Self::Observed];

    /// As a rule writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::C2 => "growth.c2",
            Self::W2 => "growth.w2",
            Self::Observed => "growth.observed",
        }
    }

    /// By its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.word() == word)
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GrowthLine {
    /// All must hold; 1…[`MAX_GROWTH_BOUNDS`].
    pub bounds: Vec<(GrowthField, Bound, f64)>,
    /// Points that it adds to the incident while they do.
    pub points: i32,
    /// Why, in English.
    pub because: String,
    /// Why, in Chinese.
    pub because_zh: Option<String>,
}
