//! Scenarios by name: the shipped ones, and those of a folder; read against what a deployment has.
//!
//! Invariant: a name is never a path: what is not listed is not read.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::RoomError;
use crate::config::{Bundled, ConfigErrors};
use crate::core::diagnostic::{Diagnostic, Gravity, SourceFile};
use crate::core::drill::{Deployment, Scenario, check_scenario, is_scenario_id, parse_scenario};

/// Folder of the shipped scenarios.
const SHIPPED: &str = "drills/";
/// Ending of a scenario's file.
const ENDING: &str = ".yml";
/// Longest scenario of the folder, bytes.
const MAX_BYTES: u64 = 1 << 20;
/// Scenarios of the folder that are listed; the first by name.
pub const MAX_SCENARIOS: usize = 200;

/// Why none can be kept.
const NO_FOLDER: &str = "there is no folder for scenarios here: set drills.scenarios";

/// Where scenarios are looked for.
#[derive(Clone, Debug, Default)]
pub struct Scenarios {
    folder: Option<PathBuf>,
}

/// Names of the shipped scenarios.
pub fn shipped_scenarios() -> Vec<String> {
    let files = Bundled::list(SHIPPED).into_iter();
    let names = files.filter_map(|path| {
        let name = path.strip_prefix(SHIPPED)?.strip_suffix(ENDING)?;
        Some(name.to_owned())
    });
    names.collect()
}

/// The file of a shipped scenario.
pub fn shipped_scenario(name: &str) -> Option<SourceFile> {
    let path = format!("{SHIPPED}{name}{ENDING}");
    let text = Bundled::text(&path)?;
    Some(SourceFile { name: path, text })
}

impl Scenarios {
    /// The shipped ones, and those of a folder, which go before shipped ones of the same name.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    fn own(&self) -> Vec<String> {
        let entries = self
            .folder
            .as_ref()
            .and_then(|it| std::fs::read_dir(it).ok());
        let names = entries.into_iter().flatten().filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            Some(name.strip_suffix(ENDING)?.to_owned())
        });
        let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names.truncate(MAX_SCENARIOS);
        names
    }

    /// Names, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names = shipped_scenarios();
        names.extend(self.own());
        names.sort();
        names.dedup();
        names
    }

    /// Writes a scenario's file into the folder. Nothing that is there is replaced; what fails leaves nothing.
    pub fn keep(&self, id: &str, text: &str) -> Result<(), RoomError> {
        let folder = self.folder.as_ref();
        let folder = folder.ok_or(RoomError::NotReady(NO_FOLDER))?;
        let own = self.own();
        if own.iter().any(|name| name == id) || shipped_scenario(id).is_some() {
            return Err(RoomError::Taken(id.to_owned()));
        }
        if own.len() >= MAX_SCENARIOS {
            return Err(RoomError::Full);
        }
        let path = folder.join(format!("{id}{ENDING}"));
        let failed = |error: std::io::Error| match error.kind() {
            ErrorKind::AlreadyExists => RoomError::Taken(id.to_owned()),
            _ => RoomError::NotKept {
                path: path.clone(),
                error,
            },
        };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(failed)?;
        let written = file
            .write_all(text.as_bytes())
            .and_then(|()| file.sync_all());
        written.map_err(|error| {
            // It was not there before; half of it is of no use.
            let _ = std::fs::remove_file(&path);
            failed(error)
        })
    }

    pub(super) fn discard(&self, id: &str) {
        if let Some(folder) = self.folder.as_ref().filter(|_| is_scenario_id(id)) {
            let removed = std::fs::remove_file(folder.join(format!("{id}{ENDING}")));
            if let Err(error) = removed {
                tracing::warn!(%error, id, "a scenario that was not to be kept stays");
            }
        }
    }

    /// The file of a name; none when there is no such scenario or it cannot be read.
    pub fn source(&self, name: &str) -> Option<SourceFile> {
        if self.own().iter().any(|own| own == name) {
            let path = self.folder.as_ref()?.join(format!("{name}{ENDING}"));
            let text = read(&path)?;
            return Some(SourceFile {
                name: format!("{name}{ENDING}"),
                text,
            });
        }
        shipped_scenario(name)
    }
}

fn read(path: &Path) -> Option<String> {
    let size = std::fs::metadata(path).ok()?.len();
    if size > MAX_BYTES {
        tracing::warn!(path = %path.display(), size, "a scenario is too large to be read");
        return None;
    }
    let text = std::fs::read_to_string(path);
    text.inspect_err(|error| {
        tracing::warn!(path = %path.display(), %error, "a scenario cannot be read");
    })
    .ok()
}

/// The scenario of a file, if nothing is wrong with it where it is to run; and what is only odd.
pub fn read_scenario(
    file: &SourceFile,
    here: &Deployment<'_>,
) -> Result<(Scenario, Vec<Diagnostic>), ConfigErrors> {
    let (scenario, mut diagnostics) = parse_scenario(file);
    let wrong = |all: &[Diagnostic]| all.iter().any(|it| it.gravity == Gravity::Error);
    if let Some(scenario) = &scenario
        && !wrong(&diagnostics)
    {
        diagnostics.extend(check_scenario(&file.name, scenario, here));
    }
    match scenario {
        Some(scenario) if !wrong(&diagnostics) => Ok((scenario, diagnostics)),
        _ => Err(ConfigErrors::new(diagnostics, vec![file.clone()])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_up_and_never_opened() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("scenarios");
        std::fs::create_dir(&folder).unwrap();
        let write = |path: &str, text: &str| std::fs::write(folder.join(path), text).unwrap();
        write("own.yml", "id: own\n");
        write("gas-leak-school.yml", "id: ours\n");
        write("notes.txt", "");
        write("../outside.yml", "id: outside\n");
        let all = Scenarios::new(Some(folder));
        let names = all.names();
        assert_eq!(names.len(), 7, "{names:?}");
        assert_eq!(all.source("own").unwrap().text, "id: own\n");
        let ours = all.source("gas-leak-school").unwrap();
        assert_eq!(
            ours.text, "id: ours\n",
            "its own goes before the shipped one"
        );
        for name in ["../outside", "notes", "notes.txt", "", "./own"] {
            assert!(all.source(name).is_none(), "{name}");
        }
        assert_eq!(Scenarios::default().names().len(), 6);
    }
}
