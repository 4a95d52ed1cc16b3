//! What a scenario says.
//!
//! Invariant: bounded: a drill has at most [`MAX_REPORTS`] simulated reports and lasts at most [`MAX_LASTS`].

use std::collections::BTreeMap;

use serde_json::Value;

use super::words::{Lang, Wording};
use crate::core::model::{Bilingual, Hazard, Level};
use crate::core::yaml::At;

/// Simulated reports of one drill, at most.
pub const MAX_REPORTS: u64 = 100_000;
/// Longest drill, milliseconds: thirty days.
pub const MAX_LASTS: i64 = 30 * 86_400_000;
/// Bins of a recorded arrival curve, at most.
pub const MAX_BINS: usize = 10_000;

/// A drill as its file states it. Times are milliseconds from the start of the script.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scenario {
    /// `[a-z0-9-]{1,40}`: the beginning of exercise ids.
    pub id: String,
    /// For people.
    pub title: Bilingual,
    /// What is practised; may be empty.
    pub about: Bilingual,
    /// How long the drill is followed.
    pub lasts: i64,
    /// Names of places in this file → gazetteer codes.
    pub places: BTreeMap<String, PlaceOf>,
    /// Wordings of parts of texts.
    pub slots: BTreeMap<String, Wording>,
    /// Wordings of whole texts and titles.
    pub texts: BTreeMap<String, Wording>,
    /// Simulated reports.
    pub script: Vec<Step>,
    /// Reports that no rule should fire on.
    pub noise: Vec<Step>,
    /// Incidents that should come of it.
    pub incidents: Vec<Expected>,
    /// Hazards of further incidents that do not count as false alarms.
    pub may_also: Vec<Hazard>,
}

/// A place that a scenario names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlaceOf {
    /// Gazetteer code.
    pub code: String,
    /// Where it stands.
    pub at: At,
}

/// How a simulated report says where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Locate {
    /// In its words, by `{place}` of the template.
    #[default]
    Text,
    /// By the gazetteer's code.
    Code,
    /// By the centroid of the place.
    Coordinates,
}

/// When the reports of a step come.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Surge {
    /// Evenly.
    #[default]
    Linear,
    /// A steep rise to a peak at a fifth of the time, then a slow fall.
    Burst,
    /// Most at once, ever fewer later.
    Decay,
    /// As often in each of equally long bins as these weights say.
    Recorded(Vec<u32>),
}

/// A number of simulated reports of one feed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// Name, unique in the file.
    pub name: String,
    /// Where it stands.
    pub line: At,
    /// Feed of the configuration.
    pub feed: String,
    /// Time of its first report.
    pub starts: i64,
    /// Time from the first to the last.
    pub over: i64,
    /// Reports.
    pub count: u32,
    /// Their distribution.
    pub surge: Surge,
    /// Name of the text.
    pub text: String,
    /// Name of the text that is the title; none: no title.
    pub title: Option<String>,
    /// Languages, taken in turn.
    pub langs: Vec<Lang>,
    /// Name of the place.
    pub place: Option<String>,
    /// How it is said.
    pub locate: Locate,
    /// Publishers of news, taken in turn: organisations.
    pub publishers: Vec<String>,
    /// Further fields; texts may have slots.
    pub fields: BTreeMap<String, Value>,
}

/// An incident that should come of the script. Times count from the first report of `from`; none: not expected.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expected {
    /// Name, unique in the file.
    pub name: String,
    /// Where it stands.
    pub line: At,
    /// Hazard; none only while the file is wrong.
    pub hazard: Option<Hazard>,
    /// Name of the place: the incident is there, or in a part of it. None: anywhere.
    pub place: Option<String>,
    /// The step that starts the clock; none: the earliest.
    pub from: Option<String>,
    /// A first detection within.
    pub detect: Option<i64>,
    /// A first alert within.
    pub alert: Option<i64>,
    /// Levels to be reached, each within.
    pub levels: Vec<(Level, i64)>,
    /// Departments that the alerts go to, with their line and column.
    pub departments: Vec<(String, At)>,
    /// Acknowledged by each of them within, counted from the first alert.
    pub acknowledge: Option<i64>,
    /// Disposed of by each of them within, counted from the first alert.
    pub dispose: Option<i64>,
}

impl Scenario {
    /// Steps of script and noise, with whether they are noise.
    pub fn steps(&self) -> impl Iterator<Item = (&Step, bool)> {
        let script = self.script.iter().map(|step| (step, false));
        script.chain(self.noise.iter().map(|step| (step, true)))
    }

    /// The step that starts the clock of an expectation.
    pub fn start_of(&self, expected: &Expected) -> Option<&Step> {
        match &expected.from {
            Some(name) => self.script.iter().find(|step| step.name == *name),
            None => self.script.iter().min_by_key(|step| step.starts),
        }
    }
}
