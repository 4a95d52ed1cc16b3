//! A drill that can begin: looked at, and in the room's only place.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::carrier::Job;
use super::room::{Place, Reporting};
use super::{DrillWish, Ended, RoomError, RunFile};
use crate::core::drill::{RunInfo, Scenario};
use crate::core::model::Millis;
use crate::core::ruleset::RuleSet;
use crate::telemetry::wall_clock;

/// A drill that can begin.
pub struct Prepared {
    pub(super) scenario: Scenario,
    pub(super) set: Arc<RuleSet>,
    pub(super) run: RunFile,
    pub(super) place: Place,
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared")
            .field("exercise", &self.run.run.exercise)
            .finish_non_exhaustive()
    }
}

impl Prepared {
    /// Its run, of which nothing has been sent yet.
    pub fn run(&self) -> &RunFile {
        &self.run
    }

    /// Id of its scenario.
    pub fn scenario(&self) -> &str {
        &self.scenario.id
    }

    /// Runs it to its end.
    pub fn carry_out(mut self) -> Result<Ended, RoomError> {
        let room = Arc::clone(&self.place.room);
        let why = "there is no drill key here";
        let carrier = room.carrier().ok_or(RoomError::NotReady(why))?;
        let renamed = BTreeMap::new();
        let job = Job {
            runs: room.runs()?,
            here: room.here(&self.set, &renamed),
            scenario: &self.scenario,
        };
        let mut progress = Reporting(Arc::clone(&self.place.live));
        Ok(carrier.carry_out(job, &mut self.run, &mut progress)?)
    }
}

pub(super) fn run_info(
    exercise: String,
    wish: &DrillWish,
    behind_ms: i64,
    records_clock: bool,
    version: &str,
) -> RunInfo {
    let now = wall_clock();
    let started = if records_clock {
        // The end of the script, and what idle partitions lag behind it, must lie in the past.
        now.plus(-(behind_ms + 1_000))
    } else {
        now
    };
    RunInfo {
        exercise,
        seed: wish.seed,
        started,
        ended: started,
        speed: if records_clock { 1.0 } else { wish.speed },
        records_clock,
        stopped: false,
        rule_set: version.to_owned(),
    }
}

/// `20260102t030405`.
pub fn stamp(now: Millis) -> String {
    let text = now.to_string();
    let digits = text
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == 'T')
        .take(15);
    digits.collect::<String>().to_ascii_lowercase()
}
