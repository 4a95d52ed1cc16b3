//! The folder of runs: one file per run, named by its exercise id, and a mark that asks the run to stop.
//!
//! Invariant: a file is replaced as a whole, so that a reader never sees half of one.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::DrillError;
use crate::core::drill::{Observed, RunInfo, Sent};

/// Format version of run files.
pub const RUN_VERSION: u8 = 1;

/// A run as its file keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunFile {
    /// Format version.
    pub v: u8,
    /// Name of the scenario's file, for diagnostics.
    pub file: String,
    /// Its text: the file may change after the run.
    pub scenario: String,
    /// Feeds that were others than the scenario names them.
    pub renamed: std::collections::BTreeMap<String, String>,
    /// The desk that runs it: `kafka.instance`; none: a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// How it is run.
    pub run: RunInfo,
    /// Whether it has ended.
    pub finished: bool,
    /// Whether what was sent has been withdrawn.
    pub withdrawn: bool,
    /// What was seen; its `sent` is what was sent.
    pub seen: Observed,
}

/// What a list needs of a run's file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[allow(missing_docs)]
pub struct RunHead {
    pub v: u8,
    pub file: String,
    pub run: RunInfo,
    #[serde(default)]
    pub holder: Option<String>,
    pub finished: bool,
    pub withdrawn: bool,
}

/// The folder.
#[derive(Clone, Debug)]
pub struct Runs {
    folder: PathBuf,
}

impl Runs {
    /// The runs of a folder, which need not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self, exercise: &str) -> PathBuf {
        self.folder.join(format!("{exercise}.json"))
    }

    fn mark(&self, exercise: &str) -> PathBuf {
        self.folder.join(format!("{exercise}.stop"))
    }

    /// Whether there is a run of that id.
    pub fn has(&self, exercise: &str) -> bool {
        self.path(exercise).exists()
    }

    fn read<T: serde::de::DeserializeOwned>(
        &self,
        exercise: &str,
        version: impl Fn(&T) -> u8,
    ) -> Result<T, DrillError> {
        let path = self.path(exercise);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(DrillError::NoRun {
                    exercise: exercise.to_owned(),
                    folder: self.folder.clone(),
                });
            }
            Err(error) => return Err(DrillError::File { path, error }),
        };
        let run: T = serde_json::from_str(&text).map_err(|error| DrillError::Damaged {
            path: path.clone(),
            why: error.to_string(),
        })?;
        if version(&run) != RUN_VERSION {
            let why = format!("its version is {}", version(&run));
            return Err(DrillError::Damaged { path, why });
        }
        Ok(run)
    }

    /// Reads a run.
    pub fn load(&self, exercise: &str) -> Result<RunFile, DrillError> {
        self.read(exercise, |run: &RunFile| run.v)
    }

    /// Reads of a run what a list needs.
    pub fn head(&self, exercise: &str) -> Result<RunHead, DrillError> {
        self.read(exercise, |run: &RunHead| run.v)
    }

    /// Writes a run.
    pub fn save(&self, run: &RunFile) -> Result<(), DrillError> {
        let path = self.path(&run.run.exercise);
        let failed = |error| DrillError::File {
            path: path.clone(),
            error,
        };
        std::fs::create_dir_all(&self.folder).map_err(failed)?;
        let text = serde_json::to_vec(run).map_err(|error| failed(error.into()))?;
        let beside = path.with_extension("new");
        std::fs::write(&beside, text).map_err(failed)?;
        std::fs::rename(&beside, &path).map_err(failed)
    }

    /// Ids of all runs, sorted.
    pub fn list(&self) -> Result<Vec<String>, DrillError> {
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                let path = self.folder.clone();
                return Err(DrillError::File { path, error });
            }
        };
        let names = entries.filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            name.strip_suffix(".json").map(str::to_owned)
        });
        let mut names: Vec<String> = names.collect();
        names.sort();
        Ok(names)
    }

    /// The run of the same scenario that began last before this one, and has ended.
    pub fn before(&self, scenario: &str, run: &RunFile) -> Result<Option<RunFile>, DrillError> {
        let mut latest: Option<RunFile> = None;
        for exercise in self.list()? {
            // A damaged file of another run says nothing about this one.
            let Ok(other) = self.load(&exercise) else {
                continue;
            };
            let same = other.finished
                && other.run.exercise != run.run.exercise
                && other.run.started <= run.run.started
                && scenario_id(&other.scenario).as_deref() == Some(scenario);
            if same
                && latest
                    .as_ref()
                    .is_none_or(|it| it.run.started <= other.run.started)
            {
                latest = Some(other);
            }
        }
        Ok(latest)
    }

    /// How long ago the run's file was written; nothing while it cannot be told.
    pub fn age(&self, exercise: &str) -> std::time::Duration {
        let meta = std::fs::metadata(self.path(exercise));
        let written = meta.and_then(|meta| meta.modified()).ok();
        let age = written.and_then(|at| at.elapsed().ok());
        age.unwrap_or_default()
    }

    /// Asks the run to stop.
    pub fn ask_to_stop(&self, exercise: &str) -> Result<(), DrillError> {
        let path = self.mark(exercise);
        std::fs::write(&path, b"").map_err(|error| DrillError::File { path, error })
    }

    /// Whether somebody asked.
    pub fn is_asked_to_stop(&self, exercise: &str) -> bool {
        self.mark(exercise).exists()
    }

    /// Nobody asks any more.
    pub fn forget_the_wish(&self, exercise: &str) {
        // It may never have been there.
        let _ = std::fs::remove_file(self.mark(exercise));
    }
}

fn scenario_id(text: &str) -> Option<String> {
    let file = crate::core::diagnostic::SourceFile {
        name: String::new(),
        text: text.to_owned(),
    };
    crate::core::drill::parse_scenario(&file).0.map(|it| it.id)
}

impl RunFile {
    /// What was sent and is to be withdrawn.
    pub fn sent(&self) -> &[Sent] {
        &self.seen.sent
    }
}
