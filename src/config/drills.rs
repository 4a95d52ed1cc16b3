//! The drill key: who holds it can make records exercises.
//!
//! Invariant: a key that was stated is usable, or the configuration is refused; without one every label of a drill is rejected.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Secret;
use super::feeds::anchor;
use crate::core::detect::DrillKey;

/// What tells partitions that were read to their end how late it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrillClock {
    /// The wall clock.
    #[default]
    Wall,
    /// The newest record read: for tests.
    Records,
}

/// Drills.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drills {
    /// The deployment's drill key, 16 bytes or more. Stating `key_file` too is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Secret>,
    /// File that holds it; line ends at its end do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// The clock; `records` only with brokers on loopback.
    #[serde(default)]
    pub clock: DrillClock,
    /// Folder of runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<PathBuf>,
    /// Folder of scenarios of one's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenarios: Option<PathBuf>,
}

impl Drills {
    /// The key, if drills are labelled here.
    pub fn drill_key(&self) -> Option<DrillKey> {
        let key = self.key.as_ref()?;
        DrillKey::new(key.expose().as_bytes()).ok()
    }

    /// Whether the clock may be that of records: nobody else's stream is to be read without the wall clock.
    pub(super) fn clock_fits(&self, brokers: &str) -> bool {
        let loopback = |broker: &str| {
            let host = broker
                .trim()
                .rsplit_once(':')
                .map_or(broker, |(host, _)| host);
            let host = host.trim().trim_start_matches('[').trim_end_matches(']');
            let address = host.parse::<std::net::IpAddr>();
            host == "localhost" || address.is_ok_and(|address| address.is_loopback())
        };
        self.clock == DrillClock::Wall || brokers.split(',').all(loopback)
    }

    /// Makes a relative path start at `folder`.
    pub(super) fn anchor(&mut self, folder: &Path) {
        anchor(&mut self.key_file, folder);
        anchor(&mut self.runs, folder);
        anchor(&mut self.scenarios, folder);
    }

    /// Folder of runs: `$TOCSIN_DRILL_RUNS`, the stated one, tocsin/drills in `$XDG_STATE_HOME` or ~/.local/state; none where
    /// there is no home.
    pub fn folder_of_runs(&self) -> Option<PathBuf> {
        let named = |name: &str| std::env::var_os(name).filter(|it| !it.is_empty());
        let stated = named("TOCSIN_DRILL_RUNS").map(PathBuf::from);
        if let Some(folder) = stated.or_else(|| self.runs.clone()) {
            return Some(folder);
        }
        let state = named("XDG_STATE_HOME");
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
        let state = state.map(PathBuf::from).or_else(home)?;
        Some(state.join("tocsin/drills"))
    }

    /// Folder of scenarios of one's own: the stated one, or `scenarios` in that of runs.
    pub fn folder_of_scenarios(&self) -> Option<PathBuf> {
        let stated = self.scenarios.clone();
        stated.or_else(|| Some(self.folder_of_runs()?.join("scenarios")))
    }

    /// Reads the file and checks the key. The error is the setting and what is wrong with it.
    pub(super) fn read(&mut self) -> Result<(), (&'static str, String)> {
        let mut setting = "drills.key";
        if let Some(path) = &self.key_file {
            setting = "drills.key_file";
            if self.key.is_some() {
                return Err((setting, "key and key_file are both set".to_owned()));
            }
            let text = std::fs::read_to_string(path)
                .map_err(|error| (setting, format!("cannot read {}: {error}", path.display())))?;
            self.key = Some(Secret::new(text.trim_end_matches(['\r', '\n'])));
        }
        match &self.key {
            None => Ok(()),
            Some(key) => DrillKey::new(key.expose().as_bytes())
                .map(|_| ())
                .map_err(|why| (setting, why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_records_is_for_this_machine() {
        let drills = Drills {
            clock: DrillClock::Records,
            ..Drills::default()
        };
        for (brokers, fits) in [
            ("localhost:9092", true),
            ("127.0.0.1:9092, [::1]:9093", true),
            ("127.0.0.1:9092,kafka-1:9092", false),
            ("10.0.0.1:9092", false),
        ] {
            assert_eq!(drills.clock_fits(brokers), fits, "{brokers}");
            assert!(Drills::default().clock_fits(brokers));
        }
    }

    #[test]
    fn a_key_comes_from_one_place_and_is_long_enough() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), "0123456789abcdef\n").unwrap();
        std::fs::write(folder.path().join("short"), "0123\n").unwrap();
        let from = |name: &str| {
            let mut drills = Drills {
                key: None,
                key_file: Some(name.into()),
                ..Drills::default()
            };
            drills.anchor(folder.path());
            let read = drills.read();
            (drills, read)
        };
        let (drills, read) = from("key");
        assert_eq!(read, Ok(()));
        assert!(drills.drill_key().is_some());
        assert!(!format!("{drills:?}").contains("0123456789"));
        assert_eq!(from("short").1.unwrap_err().0, "drills.key_file");
        assert_eq!(from("absent").1.unwrap_err().0, "drills.key_file");
        let mut both = drills;
        assert!(both.read().is_err(), "the key is set and so is the file");
        assert!(Drills::default().drill_key().is_none());
    }
}
