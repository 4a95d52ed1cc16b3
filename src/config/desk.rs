//! The desk's settings.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::feeds::anchor;
use super::{DeskHttp, Secret};

/// The desk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Desk {
    /// Whether `run` is a desk too; `tocsin desk` always is.
    pub enabled: bool,
    /// `sqlite:PATH` or `postgres://user:password@host/database`.
    pub url: Secret,
    /// File that holds the URL, in place of `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_file: Option<PathBuf>,
    /// How long excerpts of reports are kept, hours.
    pub excerpt_retention_hours: u32,
    /// Longest silence of notifications, hours.
    pub silence_max_hours: u32,
    /// Days for which a shadow rule is watched before it may go live.
    pub shadow_min_days: u32,
    /// New reports a day that it may add.
    pub shadow_max_new_per_day: u32,
    /// Where API and console are served.
    pub http: DeskHttp,
}

impl Desk {
    /// Makes relative paths start at `folder`.
    pub(super) fn anchor(&mut self, folder: &Path) {
        anchor(&mut self.url_file, folder);
        let path = self.url.expose().strip_prefix("sqlite:");
        if let Some(path) = path.filter(|path| !path.starts_with([':', '/'])) {
            self.url = Secret::new(format!("sqlite:{}", folder.join(path).display()));
        }
    }

    /// Reads the file and checks the URL. The error is the setting and what is wrong with it.
    pub(super) fn read(&mut self) -> Result<(), (&'static str, String)> {
        if let Some(path) = &self.url_file {
            let text = std::fs::read_to_string(path).map_err(|error| {
                let message = format!("cannot read {}: {error}", path.display());
                ("desk.url_file", message)
            })?;
            self.url = Secret::new(text.trim_end_matches(['\r', '\n']));
        }
        let known = ["sqlite:", "postgres://", "postgresql://"];
        if known
            .iter()
            .any(|scheme| self.url.expose().starts_with(scheme))
        {
            return Ok(());
        }
        let message = "it begins with sqlite: or postgres://".to_owned();
        Err(("desk.url", message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk(url: &str) -> Desk {
        Desk {
            enabled: false,
            url: Secret::new(url),
            url_file: None,
            excerpt_retention_hours: 1,
            silence_max_hours: 72,
            shadow_min_days: 7,
            shadow_max_new_per_day: 20,
            http: DeskHttp::default(),
        }
    }

    #[test]
    fn a_url_is_of_a_known_database_and_is_never_shown() {
        for (url, good) in [
            ("sqlite:desk.db", true),
            ("postgres://u:hunter2@db/desk", true),
            ("mysql://db/desk", false),
            ("desk.db", false),
        ] {
            assert_eq!(desk(url).read().is_ok(), good, "{url}");
        }
        let shown = format!("{:?}", desk("postgres://u:hunter2@db/desk"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn files_are_found_from_the_configuration_s_folder() {
        let mut relative = desk("sqlite:desk.db");
        relative.anchor(Path::new("/etc/tocsin"));
        assert_eq!(relative.url.expose(), "sqlite:/etc/tocsin/desk.db");
        for url in [
            "sqlite:/var/desk.db",
            "sqlite::memory:",
            "postgres://db/desk",
        ] {
            let mut absolute = desk(url);
            absolute.anchor(Path::new("/etc/tocsin"));
            assert_eq!(absolute.url.expose(), url);
        }
    }
}
