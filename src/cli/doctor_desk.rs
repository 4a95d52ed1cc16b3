//! The desk's part of `tocsin doctor`: its store, and the folder of drill runs.
//!
//! Invariant: nothing is made or changed; the address of the store is never printed, since it may hold a password.

use std::path::{Path, PathBuf};

use super::doctor::Findings;
use crate::config::Settings;
use crate::desk::store::Inspected;
use crate::desk::{Store, StoreError};

/// Records that wait so long are no moment's backlog.
const OLD_MS: i64 = 10 * 60_000;

/// Path of a SQLite database.
fn file_of(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:")?;
    let path = path.split('?').next().unwrap_or(path);
    let path = path.strip_prefix("//").unwrap_or(path);
    (!path.contains(":memory:")).then(|| PathBuf::from(path))
}

/// Folders that the desk writes to on this host.
pub(super) fn folders(settings: &Settings) -> Vec<PathBuf> {
    let store = file_of(settings.desk.url.expose());
    let store = store.and_then(|file| file.parent().map(Path::to_owned));
    let runs = settings.drills.runs.clone();
    let all = store.into_iter().chain(runs);
    all.filter(|it| it.is_dir()).collect()
}

/// Looks at the store.
pub(super) fn desk(settings: &Settings, found: &mut Findings) -> anyhow::Result<()> {
    let url = settings.desk.url.expose();
    if let Some(file) = file_of(url)
        && !file.exists()
    {
        absent(settings, &file, found);
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match runtime.block_on(Store::inspect(url)) {
        Ok(seen) => tell(settings, &seen, found),
        Err(error) => unreachable(&error, found),
    }
    Ok(())
}

fn absent(settings: &Settings, file: &Path, found: &mut Findings) {
    let shown = file.display();
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if !settings.desk.enabled {
        found.ok("desk", format!("no desk here: {shown} does not exist"));
    } else if folder.is_dir() {
        found.ok("desk", format!("{shown} is made at the first start"));
    } else {
        let what = format!("{} does not exist", folder.display());
        found.fail("desk", what, "make the folder, or change desk.url");
    }
}

fn unreachable(error: &StoreError, found: &mut Findings) {
    let help = match error {
        StoreError::Away(_) => {
            "start the database, or look at host, port and firewall; `desk.url` (or url_file) says where it is looked for"
        }
        StoreError::Url(_) => "correct desk.url",
        _ => {
            "look at user, password and name of the database in desk.url, and whether the file is a database"
        }
    };
    found.fail("desk", error.to_string(), help);
}

fn tell(settings: &Settings, seen: &Inspected, found: &mut Findings) {
    let size = seen.bytes >> 20;
    found.ok("desk", format!("the store answers, {size} MiB"));
    if let Some(why) = &seen.read_only {
        let help =
            "the desk's user owns the database: give it the right to make tables, or free the lock";
        found.fail(
            "desk",
            format!("nothing can be written to the store: {why}"),
            help,
        );
    }
    if let Some(number) = seen.broken {
        found.fail(
            "desk",
            format!("migration {number} began and did not end"),
            "restore the backup that was made before the upgrade (docs/operations.md), then start the desk again",
        );
    }
    if !seen.newer.is_empty() {
        found.fail(
            "desk",
            format!(
                "the store was made by a newer version (migrations {:?})",
                seen.newer
            ),
            "start that version, or restore the backup that was made before the upgrade",
        );
    } else if !seen.kept.is_empty() {
        found.warn(
            "desk",
            format!(
                "the store was migrated by a newer version (migrations {:?}), which says that this one may work on it",
                seen.kept
            ),
            "after a rollback that is well; else start the newer version",
        );
    } else if !seen.pending.is_empty() {
        found.warn(
            "desk",
            format!(
                "migrations {:?} are run at the next start of a desk",
                seen.pending
            ),
            "make a backup first (docs/operations.md)",
        );
    } else {
        found.ok("desk", "its tables are of this version");
    }
    match &seen.holder {
        Some(holder) => found.ok("desk", format!("the active desk is `{holder}`")),
        None if settings.desk.enabled => found.warn(
            "desk",
            "no desk is active on this store",
            "start `tocsin desk`, or `tocsin run` with desk.enabled: until then no deadline passes",
        ),
        None => {}
    }
    if seen.waiting_ms > OLD_MS {
        found.warn(
            "desk",
            format!(
                "{} decisions wait to be published, the oldest for {} minutes",
                seen.waiting,
                seen.waiting_ms / 60_000
            ),
            "the desk does not reach Kafka, or lacks the right to write: its log says which topic refuses",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_url_is_found_and_a_servers_is_none() {
        let of = |url: &str| file_of(url).map(|it| it.display().to_string());
        assert_eq!(of("sqlite:a/b.db").as_deref(), Some("a/b.db"));
        assert_eq!(of("sqlite:///a/b.db?mode=rwc").as_deref(), Some("/a/b.db"));
        assert_eq!(of("sqlite::memory:"), None);
        assert_eq!(of("postgres://u:p@h/d"), None);
    }
}
