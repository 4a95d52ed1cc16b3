//! Runs, as a list of them shows them.

use serde::Serialize;

use super::{ABANDONED, Room, RoomError, RunFile, RunHead};
use crate::core::model::Millis;

/// Runs of a list, the latest first.
pub const MAX_LISTED_RUNS: usize = 50;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStanding {
    /// It runs, here or elsewhere.
    Running,
    /// It came to its end.
    Ended,
    /// It was stopped, and what it sent was withdrawn.
    Stopped,
    /// Nobody runs it any more, and what it sent has not been withdrawn.
    Abandoned,
}

impl RunStanding {
    /// Identifier.
    pub fn id(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ended => "ended",
            Self::Stopped => "stopped",
            Self::Abandoned => "abandoned",
        }
    }
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunLine {
    /// Exercise id.
    pub exercise: String,
    /// Name of the scenario's file.
    pub scenario: String,
    /// When it began.
    pub started: Millis,
    /// Script time per time.
    pub speed: f64,
    /// Where it stands.
    pub standing: RunStanding,
}

impl Room {
    fn line(&self, head: RunHead, running: Option<&str>) -> RunLine {
        let exercise = head.run.exercise;
        let young = || {
            self.runs()
                .is_ok_and(|runs| runs.age(&exercise) < ABANDONED)
        };
        let standing = if running == Some(exercise.as_str()) {
            RunStanding::Running
        } else if head.withdrawn {
            RunStanding::Stopped
        } else if head.finished {
            RunStanding::Ended
        } else if young() {
            RunStanding::Running
        } else {
            RunStanding::Abandoned
        };
        RunLine {
            scenario: scenario_name(&head.file).to_owned(),
            started: head.run.started,
            speed: head.run.speed,
            standing,
            exercise,
        }
    }

    /// The latest runs, of this process and of others that share its folder.
    pub fn list(&self) -> Result<Vec<RunLine>, RoomError> {
        let Ok(runs) = self.runs() else {
            return Ok(Vec::new());
        };
        let running = self.running().map(|it| it.exercise);
        let mut ids = runs.list()?;
        ids.sort_by_cached_key(|id| runs.age(id));
        ids.truncate(MAX_LISTED_RUNS);
        // A damaged file says nothing about the others.
        let heads = ids.iter().filter_map(|id| runs.head(id).ok());
        let mut lines: Vec<RunLine> = heads
            .map(|head| self.line(head, running.as_deref()))
            .collect();
        lines.sort_by(|a, b| (b.started, &b.exercise).cmp(&(a.started, &a.exercise)));
        Ok(lines)
    }

    /// One run.
    pub fn run(&self, exercise: &str) -> Result<RunLine, RoomError> {
        let running = self.running().filter(|it| it.exercise == exercise);
        match self.load(exercise) {
            Ok(run) => Ok(self.line(head(&run), running.as_ref().map(|it| &*it.exercise))),
            // Its file is written with its first report.
            Err(error) => match running {
                Some(figures) => Ok(RunLine {
                    exercise: figures.exercise,
                    scenario: figures.scenario,
                    started: figures.started,
                    speed: figures.speed,
                    standing: RunStanding::Running,
                }),
                None => Err(error),
            },
        }
    }
}

fn head(run: &RunFile) -> RunHead {
    RunHead {
        v: run.v,
        file: run.file.clone(),
        run: run.run.clone(),
        holder: run.holder.clone(),
        finished: run.finished,
        withdrawn: run.withdrawn,
    }
}

/// `drills/name.yml` → `name`.
fn scenario_name(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.strip_suffix(".yml").unwrap_or(name)
}
