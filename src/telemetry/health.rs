//! Readiness: whether every worker of this process is a working member of its group, with restored state.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What `/readyz` is answered from.
#[derive(Debug, Default)]
pub struct Health {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    workers: BTreeMap<(&'static str, u32), bool>,
    notes: BTreeMap<String, String>,
    stopping: bool,
}

impl Health {
    fn with<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        // A panic elsewhere leaves plain values behind: they can still be read.
        change(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Workers that have to be ready before the process is.
    pub fn expect(&self, role: &'static str, workers: u32) {
        self.with(|inner| {
            for worker in 0..workers {
                inner.workers.entry((role, worker)).or_insert(false);
            }
        });
    }

    /// Whether a worker is assigned and restored.
    pub fn ready(&self, role: &'static str, worker: u32, ready: bool) {
        self.with(|inner| inner.workers.insert((role, worker), ready));
    }

    /// The process is about to end.
    pub fn stopping(&self) {
        self.with(|inner| inner.stopping = true);
    }

    /// Sets or clears a remark that does not make the process unready, such as a silent feed.
    pub fn note(&self, about: &str, remark: Option<String>) {
        self.with(|inner| match remark {
            Some(remark) => {
                inner.notes.insert(about.to_owned(), remark);
            }
            None => {
                inner.notes.remove(about);
            }
        });
    }

    /// Whether the process is ready, and the text that says why or why not.
    pub fn report(&self) -> (bool, String) {
        self.with(|inner| {
            let mut lines = Vec::new();
            if inner.stopping {
                lines.push("not ready: stopping".to_owned());
            }
            if inner.workers.is_empty() {
                lines.push("not ready: no worker has started".to_owned());
            }
            for ((role, worker), ready) in &inner.workers {
                if !ready {
                    lines.push(format!(
                        "not ready: {role} worker {worker} is not assigned and restored"
                    ));
                }
            }
            let ready = lines.is_empty();
            if ready {
                lines.push("ready".to_owned());
            }
            for (about, remark) in &inner.notes {
                lines.push(format!("note: {about}: {remark}"));
            }
            lines.push(String::new());
            (ready, lines.join("\n"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_when_every_expected_worker_is() {
        let health = Health::default();
        assert!(!health.report().0);
        health.expect("detect", 2);
        health.ready("detect", 0, true);
        let (ready, text) = health.report();
        assert!(!ready && text.contains("detect worker 1"), "{text}");
        health.ready("detect", 1, true);
        health.note("feed posts", Some("silent for 900 s".to_owned()));
        assert_eq!(
            health.report(),
            (
                true,
                "ready\nnote: feed posts: silent for 900 s\n".to_owned()
            )
        );
        health.stopping();
        assert!(!health.report().0);
    }
}
