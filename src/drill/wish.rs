//! What is asked of a room, and what it says.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::{DrillError, JudgeError, MAX_DRAFT_BYTES, MAX_SCENARIOS};
use crate::config::ConfigErrors;
use crate::core::model::{Bilingual, Millis};

/// Fastest script.
pub const MAX_SPEED: f64 = 100_000.0;
/// A run whose file was not written for so long has no process any more.
pub const ABANDONED: Duration = Duration::from_secs(10);

/// What is wished for.
#[derive(Clone, Debug, PartialEq)]
pub struct DrillWish {
    /// Name of a scenario.
    pub scenario: String,
    /// Exercise id; none: the scenario's id and the time.
    pub exercise: Option<String>,
    /// Seed of the wording.
    pub seed: u64,
    /// How many times faster than written the script runs.
    pub speed: f64,
}

/// Why the room does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    /// There is no such scenario.
    #[error("there is no scenario `{0}`")]
    NoScenario(String),
    /// Something is wrong with it here.
    #[error("the scenario cannot be used here: {0}")]
    Scenario(#[from] ConfigErrors),
    /// An id that cannot be one.
    #[error("`{0}` is no exercise id: 1–64 characters of A–Z a–z 0–9 . _ -")]
    BadExercise(String),
    /// An id that would hide the run behind another address.
    #[error(
        "no run can be called `{0}`: that is an address of its own; give it another exercise id"
    )]
    Reserved(String),
    /// A speed beyond the bounds.
    #[error("the speed is from 1 to {MAX_SPEED}")]
    BadSpeed,
    /// An id that no scenario can have.
    #[error("a scenario's id is 1–40 characters of a–z, 0–9, - and _")]
    BadScenarioId,
    /// A text of another scenario.
    #[error("the id in the text is `{found}`, not `{wished}`")]
    OtherId {
        /// What was asked for.
        wished: String,
        /// What the text says.
        found: String,
    },
    /// A scenario of that id is offered already.
    #[error("there is a scenario `{0}` already: give this one another id")]
    Taken(String),
    /// The folder holds as many as are offered.
    #[error("there are {MAX_SCENARIOS} scenarios in the folder already: remove some of its files")]
    Full,
    /// A text that is too long.
    #[error("a scenario that is written here has at most {MAX_DRAFT_BYTES} bytes")]
    DraftTooLong,
    /// A scenario's file cannot be written.
    #[error("{path} cannot be written: {error}")]
    NotKept {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A drill is running.
    #[error("the drill `{0}` is running: one at a time")]
    Busy(String),
    /// Drills cannot be started here.
    #[error("{0}")]
    NotReady(&'static str),
    /// What carries it out.
    #[error(transparent)]
    Drill(#[from] DrillError),
}

impl From<JudgeError> for RoomError {
    fn from(error: JudgeError) -> Self {
        match error {
            JudgeError::Scenario(errors) => Self::Scenario(errors),
            JudgeError::Drill(error) => Self::Drill(error),
        }
    }
}

/// A scenario in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScenarioLine {
    /// Its name.
    pub name: String,
    /// Its title; none when it cannot be read.
    pub title: Option<Bilingual>,
    /// How long it is followed, milliseconds.
    pub lasts_ms: i64,
}

/// How far a drill is.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Exercise id.
    pub exercise: String,
    /// Scenario.
    pub scenario: String,
    /// Simulated reports sent.
    pub sent: usize,
    /// Of so many.
    pub total: usize,
    /// Time in the script, milliseconds.
    pub script_ms: i64,
    /// Of so many.
    pub lasts_ms: i64,
    /// Detections seen.
    pub detections: usize,
    /// Alerts seen.
    pub alerts: usize,
    /// It was asked to stop, and withdraws.
    pub stopping: bool,
    /// When it began: told with the run.
    #[serde(skip)]
    pub started: Millis,
    /// Script time per time: told with the run.
    #[serde(skip)]
    pub speed: f64,
}

/// What was done about a wish to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopping {
    /// It stops, and withdraws what it sent.
    Asked,
    /// Everything that it sent has been withdrawn now.
    Withdrawn,
    /// Everything had been withdrawn before.
    Already,
}
