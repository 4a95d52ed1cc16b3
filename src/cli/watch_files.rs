//! Files and folders that are watched for changes, until what is written there is whole.
//!
//! Invariant: a change is told when nothing has happened for [`QUIET`] and no file that was seen being written is still open
//! for it. What changed is not told: the reader compares contents.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

/// So long nothing must happen before a change counts: an editor or a copy writes several files.
pub(super) const QUIET: Duration = Duration::from_millis(500);
/// Most open files that are remembered; beyond, only [`QUIET`] tells.
const MAX_OPEN: usize = 1_000;

/// What has happened since the last reading.
#[derive(Debug, Default)]
struct Pending {
    last: Option<Instant>,
    open: BTreeSet<PathBuf>,
}

/// Watches paths.
#[derive(Debug)]
pub(super) struct FileWatch {
    roots: Arc<[PathBuf]>,
    pending: Arc<Mutex<Pending>>,
    watcher: Option<RecommendedWatcher>,
}

impl FileWatch {
    /// Watches these files and folders; those that cannot be watched are logged.
    pub(super) fn new(paths: &[&Path]) -> Self {
        let absolute = |path: &&Path| std::path::absolute(path).unwrap_or_else(|_| path.into());
        let mut watch = Self {
            roots: paths.iter().map(absolute).collect(),
            pending: Arc::default(),
            watcher: None,
        };
        watch.arm();
        watch
    }

    /// Watches anew: a folder that was replaced by another one of its name is otherwise watched where it has gone.
    pub(super) fn arm(&mut self) {
        if self.roots.is_empty() {
            return;
        }
        self.lock().open.clear();
        let (pending, roots) = (Arc::clone(&self.pending), Arc::clone(&self.roots));
        let tell = move |event: notify::Result<Event>| {
            let mut pending = pending.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                Ok(event) => pending.take(&event, &roots, Instant::now()),
                Err(error) => tracing::warn!(%error, "watching the files of the rule set"),
            }
        };
        let armed = notify::recommended_watcher(tell).map(|mut watcher| {
            for root in self.roots.iter() {
                // The parent tells of a root that is replaced, which is how editors and deployments write.
                let parent = root
                    .parent()
                    .map(|parent| watcher.watch(parent, RecursiveMode::NonRecursive));
                let inner = root
                    .is_dir()
                    .then(|| watcher.watch(root, RecursiveMode::Recursive));
                for error in parent.into_iter().chain(inner).filter_map(Result::err) {
                    tracing::warn!(%error, path = %root.display(), "not watched: send SIGHUP after changes");
                }
            }
            watcher
        });
        match armed {
            Ok(watcher) => self.watcher = Some(watcher),
            Err(error) => {
                tracing::warn!(%error, "the files of the rule set are not watched: send SIGHUP after changes");
            }
        }
    }

    /// Whether something has changed and is whole by `now`; told once.
    pub(super) fn changed(&self, now: Instant) -> bool {
        let mut pending = self.lock();
        let settled = pending.is_settled(now);
        if settled {
            pending.last = None;
        }
        settled
    }

    /// What was read was not whole: look again.
    pub(super) fn look_again(&self, now: Instant) {
        self.lock().last = Some(now);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    fn take(&mut self, event: &Event, roots: &[PathBuf], now: Instant) {
        if event.need_rescan() {
            self.open.clear();
            self.last = Some(now);
        }
        for path in event.paths.iter().filter(|path| concerns(path, roots)) {
            match event.kind {
                EventKind::Access(AccessKind::Close(AccessMode::Write)) | EventKind::Remove(_) => {
                    self.open.remove(path);
                }
                EventKind::Access(_) => continue,
                EventKind::Modify(notify::event::ModifyKind::Data(_))
                    if tells_close() && !is_scratch(path) && self.open.len() < MAX_OPEN =>
                {
                    self.open.insert(path.clone());
                }
                EventKind::Modify(notify::event::ModifyKind::Name(_)) => {
                    self.open.remove(path);
                }
                _ => {}
            }
            self.last = Some(now);
        }
    }

    fn is_settled(&self, now: Instant) -> bool {
        self.open.is_empty()
            && self
                .last
                .is_some_and(|last| now.duration_since(last) >= QUIET)
    }
}

/// Only Linux tells when a writer closes its file.
fn tells_close() -> bool {
    cfg!(target_os = "linux")
}

/// Within a root, or above one: then a root may be another one now.
fn concerns(path: &Path, roots: &[PathBuf]) -> bool {
    // Kubernetes exchanges all files of a mount by exchanging this link.
    let mount = path.file_name().is_some_and(|name| name == "..data");
    mount
        || roots
            .iter()
            .any(|root| path.starts_with(root) || root.starts_with(path))
}

/// Editors keep these open while nothing is written to the file itself.
fn is_scratch(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let endings: [&[u8]; 4] = [b"~", b".swp", b".swx", b".tmp"];
    name.starts_with(b".")
        || name.starts_with(b"#")
        || endings.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::io::Write as _;

    fn settles(watch: &FileWatch, within: Duration) -> bool {
        let until = Instant::now() + within;
        while Instant::now() < until {
            if watch.changed(Instant::now()) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_file_that_is_still_open_for_writing_has_not_changed_yet() {
        let dir = tempfile::tempdir().unwrap();
        let rules = dir.path().join("rules");
        std::fs::create_dir(&rules).unwrap();
        let mut watch = FileWatch::new(&[&rules]);
        let mut file = std::fs::File::create(rules.join("a.yml")).unwrap();
        file.write_all(b"title: ").unwrap();
        assert!(!settles(&watch, QUIET * 3), "half written");
        file.write_all(b"Smoke\n").unwrap();
        drop(file);
        assert!(settles(&watch, QUIET * 6), "whole");
        assert!(!settles(&watch, QUIET * 2), "told once");
        std::fs::write(dir.path().join("other.log"), "x").unwrap();
        assert!(!settles(&watch, QUIET * 2), "not ours");
        // Replaced by another folder, as deployments do.
        std::fs::rename(&rules, dir.path().join("old")).unwrap();
        std::fs::create_dir(&rules).unwrap();
        assert!(settles(&watch, QUIET * 6), "replaced");
        watch.arm();
        std::fs::write(rules.join("b.yml"), "title: B").unwrap();
        assert!(settles(&watch, QUIET * 6), "in the new one");
    }

    #[test]
    fn an_editor_s_scratch_files_do_not_hold_anything_up() {
        for name in [".rules.yml.swp", "rules.yml~", "#rules.yml#", ".#rules.yml"] {
            assert!(is_scratch(Path::new(name)), "{name}");
        }
        assert!(!is_scratch(Path::new("rules.yml")));
    }
}
