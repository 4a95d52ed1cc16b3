//! What a drill has sent that nobody runs any more, and its withdrawal.
//!
//! Two things say that a drill was begun: its run's file, where there is one, and the store of the desk that began it. The file says what
//! was sent; without it (another host's desk has taken over) everything that was due by now counts as sent. Withdrawing a report that never
//! was sent, or twice, changes nothing.

use std::sync::Arc;

use super::carrier::Job;
use super::room::Room;
use super::{ABANDONED, DrillError, Figures, RoomError, RunFile, scenario_of};
use crate::core::drill::{Sent, schedule};
use crate::telemetry::wall_clock;

/// How far clocks of two desks may differ when one says what the other has sent by now, milliseconds.
const CLOCKS_DIFFER_MS: i64 = 60_000;

/// What became of a drill that another process began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenOver {
    /// Somebody still runs it, and was asked to stop.
    Runs,
    /// It came to its end.
    Ended,
    /// What it had sent is withdrawn.
    Withdrawn,
}

impl Room {
    pub(super) fn withdraw(self: &Arc<Self>, mut run: RunFile) -> Result<(), RoomError> {
        let why = "there is no drill key here, so that nothing can be withdrawn";
        let carrier = self.carrier().ok_or(RoomError::NotReady(why))?;
        let _place = self.claim(Figures {
            exercise: run.run.exercise.clone(),
            stopping: true,
            ..Figures::default()
        })?;
        let (set, renamed) = (self.rules(), run.renamed.clone());
        let here = self.here(&set, &renamed);
        let scenario = scenario_of(&run, &here)?;
        let job = Job {
            runs: self.runs()?,
            here,
            scenario: &scenario,
        };
        carrier.take_back(job, &mut run)?;
        job.runs.forget_the_wish(&run.run.exercise);
        Ok(())
    }

    /// Runs that a process of this holder began and that ended with it: what they sent has not been withdrawn.
    pub fn orphans(&self) -> Vec<String> {
        let Ok(runs) = self.runs() else {
            return Vec::new();
        };
        let holder = Some(self.settings().kafka.instance.as_str());
        let running = self.running().map(|it| it.exercise);
        let ids = runs.list().unwrap_or_default().into_iter();
        ids.filter(|id| running.as_ref() != Some(id))
            .filter(|id| {
                runs.head(id)
                    .is_ok_and(|it| it.holder.as_deref() == holder && !it.finished && !it.withdrawn)
            })
            .collect()
    }

    /// Withdraws what an orphan sent.
    pub fn take_back(self: &Arc<Self>, exercise: &str) -> Result<(), RoomError> {
        let run = self.load(exercise)?;
        self.withdraw(run)
    }

    /// Ends a drill of which a store of desks says that it was begun and has not ended: `begun` is its run as it was then. `may_send`:
    /// another desk may still carry it out, so that nothing is withdrawn yet.
    pub fn take_over(
        self: &Arc<Self>,
        begun: &str,
        may_send: bool,
    ) -> Result<TakenOver, RoomError> {
        let begun: RunFile = serde_json::from_str(begun).map_err(|error| DrillError::Damaged {
            path: "the desk's store".into(),
            why: error.to_string(),
        })?;
        let exercise = begun.run.exercise.clone();
        if self.running().is_some_and(|it| it.exercise == exercise) {
            return Ok(TakenOver::Runs);
        }
        let runs = self.runs()?;
        let run = if runs.has(&exercise) {
            self.load(&exercise)?
        } else {
            self.as_if_sent(begun)?
        };
        let mine = run.holder.as_deref() == Some(self.settings().kafka.instance.as_str());
        if run.withdrawn {
            return Ok(TakenOver::Withdrawn);
        }
        if run.finished {
            return Ok(TakenOver::Ended);
        }
        if !mine && runs.has(&exercise) && runs.age(&exercise) < ABANDONED {
            // Its desk is not the active one any more, and lives.
            runs.ask_to_stop(&exercise)?;
            return Ok(TakenOver::Runs);
        }
        if may_send {
            return Ok(TakenOver::Runs);
        }
        self.withdraw(run)?;
        Ok(TakenOver::Withdrawn)
    }

    /// The run with everything in it that was due by now.
    fn as_if_sent(&self, mut run: RunFile) -> Result<RunFile, RoomError> {
        let (set, renamed) = (self.rules(), run.renamed.clone());
        let here = self.here(&set, &renamed);
        let scenario = scenario_of(&run, &here)?;
        let all = schedule(&scenario, &here, run.run.seed, &run.run.exercise);
        let (started, speed) = (run.run.started, run.run.speed.max(1.0));
        let elapsed = wall_clock().since(started) + CLOCKS_DIFFER_MS;
        let due = |at: i64| run.run.records_clock || at as f64 / speed <= elapsed as f64;
        let sent = all.iter().take_while(|one| due(one.at));
        let sent = sent.map(|one| Sent::new(one, started.plus((one.at as f64 / speed) as i64)));
        run.seen.sent = sent.collect();
        Ok(run)
    }
}
