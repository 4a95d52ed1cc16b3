//! Cases as they were read: reports on the clock, and what must come of them.
//!
//! Invariant: what a file does not state is `None` and is not compared.

use serde_json::Value;

use super::meeting_case::Meeting;
use crate::core::model::Feed;
use crate::core::yaml::At;

/// One report of a case.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Input {
    /// Milliseconds after the start.
    pub at: i64,
    /// A Tocsin JSON record.
    pub record: Value,
}

/// An expected detection; none: not compared.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct WantedDetection {
    pub line: usize,
    pub report: String,
    pub rule: String,
    pub severity: Option<i64>,
    pub hazard: Option<String>,
    pub place: Option<String>,
}

/// An expected incident; none: not compared.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct WantedIncident {
    pub line: usize,
    pub at: Option<i64>,
    pub hazard: String,
    pub place: Option<String>,
    pub level: Option<String>,
    pub score: Option<i64>,
    pub state: Option<String>,
    pub reports: Option<i64>,
    pub copies: Option<i64>,
    pub departments: Option<Vec<String>>,
    /// Rules and correlations that fired, in any order.
    pub rules: Option<Vec<String>>,
    /// Level changes: time and level.
    pub levels: Option<Vec<(i64, String)>>,
}

/// What must come of a case.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// The rule fires on the one report, or does not.
    #[allow(missing_docs)]
    Fires { rule: String, fires: bool },
    /// Lists that are complete, where they are given.
    #[allow(missing_docs)]
    Story {
        rules: Vec<String>,
        detections: Option<Vec<WantedDetection>>,
        incidents: Option<Vec<WantedIncident>>,
        meeting: Meeting,
    },
}

/// One case.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Case {
    pub file: String,
    pub line: usize,
    pub name: String,
    /// Of reports that name none, and the others.
    pub feeds: Vec<Feed>,
    pub inputs: Vec<Input>,
    pub wanted: Wanted,
    /// Names of rules, places and departments as they stand in the file, in its order.
    pub named: Vec<(String, At)>,
}

impl Case {
    /// Where a name stands, from a line on; else the line. A rule stands above its cases in the short form.
    pub fn place(&self, name: &str, line: usize) -> At {
        let line = match &self.wanted {
            Wanted::Fires { rule, .. } if rule == name => 0,
            _ => line,
        };
        let is_it = |(text, at): &&(String, At)| at.line >= line && text == name;
        let found = self.named.iter().find(is_it);
        found.map_or(
            At {
                line,
                column: 1,
                length: 1,
            },
            |(_, at)| *at,
        )
    }
}
