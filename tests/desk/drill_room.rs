//! A room whose drills are carried out in memory: what they would come to is rehearsed, and departments answer as a test says.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tocsin::config::Settings;
use tocsin::core::drill::{Deed, Observed, SeenDecision, Sent, rehearse, schedule};
use tocsin::core::ruleset::RuleSet;
use tocsin::drill::{Carrier, DrillError, Ended, Job, Progress, Room, RunFile};

/// Carries drills out without Kafka.
pub(crate) struct InMemory {
    set: Arc<RuleSet>,
    settings: Settings,
    /// Drills wait before their end until this is off, or they are stopped.
    pub(crate) hold: AtomicBool,
    /// So many attempts to withdraw fail.
    pub(crate) failures: AtomicUsize,
    /// A drill fails in its midst.
    pub(crate) breaks: AtomicBool,
    /// Runs that were withdrawn.
    pub(crate) withdrawn: AtomicUsize,
}

impl InMemory {
    pub(crate) fn new(set: Arc<RuleSet>) -> Arc<Self> {
        Arc::new(Self {
            set,
            settings: Settings::bundled().unwrap(),
            hold: AtomicBool::new(false),
            failures: AtomicUsize::new(0),
            breaks: AtomicBool::new(false),
            withdrawn: AtomicUsize::new(0),
        })
    }

    /// What would be seen: every department acknowledges half a minute after its first alert and disposes ten minutes later.
    fn seen(&self, job: Job<'_>, run: &RunFile) -> Observed {
        let all = schedule(job.scenario, &job.here, run.run.seed, &run.run.exercise);
        let routing = Arc::clone(&self.set.routing);
        let config = Arc::new(self.settings.correlate_config(routing));
        let (start, lasts) = (run.run.started, job.scenario.lasts);
        let mut seen = rehearse(
            &self.set,
            &config,
            &job.here,
            &all,
            &run.run.exercise,
            start,
            lasts,
        )
        .unwrap();
        seen.has_desk = true;
        let mut done = std::collections::BTreeSet::new();
        for alert in seen.alerts.clone() {
            for department in alert.departments {
                if done.insert((alert.incident, Arc::clone(&department))) {
                    for (deed, after) in [(Deed::Acknowledged, 30_000), (Deed::Disposed, 630_000)] {
                        seen.decision(SeenDecision {
                            incident: alert.incident,
                            department: Arc::clone(&department),
                            deed,
                            at: alert.at.plus(after),
                        });
                    }
                }
            }
        }
        seen
    }
}

fn broken(run: &RunFile) -> DrillError {
    DrillError::Record {
        report: run.run.exercise.clone(),
        feed: "-".to_owned(),
        why: "breaks, as the test wants".to_owned(),
    }
}

impl Carrier for InMemory {
    fn carry_out(
        &self,
        job: Job<'_>,
        run: &mut RunFile,
        progress: &mut dyn Progress,
    ) -> Result<Ended, DrillError> {
        let all = schedule(job.scenario, &job.here, run.run.seed, &run.run.exercise);
        run.seen.sent = all
            .iter()
            .map(|one| Sent::new(one, run.run.started.plus(one.at)))
            .collect();
        job.runs.save(run)?;
        progress.at(all.len() / 2, job.scenario.lasts / 2, 3, 2);
        if self.breaks.load(Ordering::SeqCst) {
            return Err(broken(run));
        }
        while self.hold.load(Ordering::SeqCst) && !progress.stopped() {
            std::thread::sleep(Duration::from_millis(5));
        }
        run.finished = true;
        if progress.stopped() {
            self.withdrawn.fetch_add(1, Ordering::SeqCst);
            (run.withdrawn, run.run.stopped) = (true, true);
        } else {
            run.seen = self.seen(job, run);
            run.run.ended = run.run.started.plus(job.scenario.lasts);
        }
        job.runs.save(run)?;
        Ok(if run.withdrawn {
            Ended::Stopped
        } else {
            Ended::Finished
        })
    }

    fn take_back(&self, job: Job<'_>, run: &mut RunFile) -> Result<(), DrillError> {
        let failing = self
            .failures
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        if failing.is_ok() {
            return Err(broken(run));
        }
        self.withdrawn.fetch_add(1, Ordering::SeqCst);
        (run.withdrawn, run.run.stopped, run.finished) = (true, true, true);
        job.runs.save(run)
    }
}

/// A room over a folder, of the desk of the API's tests.
pub(crate) fn room(set: &Arc<RuleSet>, folder: &Path, carrier: &Arc<InMemory>) -> Room {
    room_of("desk-1", set, folder, carrier)
}

/// A room over a folder, of that desk.
pub(crate) fn room_of(
    instance: &str,
    set: &Arc<RuleSet>,
    folder: &Path,
    carrier: &Arc<InMemory>,
) -> Room {
    let mut settings = Settings::bundled().unwrap();
    settings.drills.runs = Some(folder.to_owned());
    instance.clone_into(&mut settings.kafka.instance);
    let of = Arc::clone(set);
    Room::new(
        &settings,
        move || Arc::clone(&of),
        Some(Arc::clone(carrier) as _),
    )
}
