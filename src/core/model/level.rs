//! Levels, their CAP words, and score lines.

use serde::{Deserialize, Serialize};

/// Warning level of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Level {
    Blue,
    Yellow,
    Orange,
    Red,
}

impl Level {
    /// From the lowest to the highest.
    pub const ALL: [Self; 4] = [Self::Blue, Self::Yellow, Self::Orange, Self::Red];

    /// Identifier in JSON, metrics and configuration.
    pub fn id(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Yellow => "yellow",
            Self::Orange => "orange",
            Self::Red => "red",
        }
    }

    /// CAP 1.2 `severity`.
    pub fn cap_severity(self) -> &'static str {
        match self {
            Self::Blue => "Minor",
            Self::Yellow => "Moderate",
            Self::Orange => "Severe",
            Self::Red => "Extreme",
        }
    }
}

/// CAP 1.2 `urgency`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[allow(missing_docs)]
pub enum Urgency {
    Past,
    #[default]
    Unknown,
    Future,
    Expected,
    Immediate,
}

/// CAP 1.2 `certainty`: the class of an incident's certainty.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[allow(missing_docs)]
pub enum CertaintyClass {
    #[default]
    Unknown,
    Unlikely,
    Possible,
    Likely,
    Observed,
}

/// Points with a reason, so that a reader can add them up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreLine {
    /// Points; 0 for a line that only explains.
    pub points: i32,
    /// Why, in English or in the rule author's words.
    pub because: String,
    /// Why, in Chinese, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because_zh: Option<String>,
}

impl ScoreLine {
    /// A line in both languages.
    pub fn new(points: i32, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self {
            points,
            because: en.into(),
            because_zh: Some(zh.into()),
        }
    }
}
