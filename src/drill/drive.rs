//! The run of a drill: its pace, its end, its withdrawal.
//!
//! On the wall clock reports are sent when their time in the script has come, divided by the speed. On the clock of records they
//! are sent in batches no longer than the lag of idle partitions, each worked on before the next, so that what was close
//! together in time stays so; the script is placed so that it ends in the present.

use std::sync::Arc;
use std::time::Duration;

use super::follow::Follower;
use super::inject::Injector;
use super::runs::{RunFile, Runs};
use super::{DrillError, Ends};
use crate::core::detect::DrillKey;
use crate::core::drill::{Deployment, Scenario, Sent, Simulated, schedule};
use crate::core::model::{Feed, Millis, Report};
use crate::kafka::{KafkaSettings, TopicNames};
use crate::telemetry::wall_clock;

/// How often a run's file is written while it runs.
const SAVE_EVERY_MS: i64 = 2_000;
/// Wait for workers, at the end and between batches.
const PATIENCE: Duration = Duration::from_secs(60);
/// Reports sent between two looks at what came of them.
const BATCH: usize = 500;

/// Tells whoever waits how far it is.
pub trait Progress {
    /// So many of all reports were sent; script time and what was seen so far.
    fn at(&mut self, sent: usize, script_ms: i64, detections: usize, alerts: usize);
    /// Somebody wants it to end.
    fn stopped(&self) -> bool;
}

/// What a drill is run with.
pub struct Drill<'a> {
    /// Connection.
    pub kafka: &'a KafkaSettings,
    /// Topics.
    pub names: &'a TopicNames,
    /// Topic of the desk's decisions; it need not be there.
    pub decisions: &'a str,
    /// The drill key.
    pub key: Arc<DrillKey>,
    /// Where runs are kept.
    pub runs: &'a Runs,
    /// What there is.
    pub here: Deployment<'a>,
    /// What is practised.
    pub scenario: &'a Scenario,
    /// Idle lag of correlate: the longest batch on the clock of records, milliseconds.
    pub idle_lag_ms: i64,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It came to its end.
    Finished,
    /// It was stopped, and everything was withdrawn.
    Stopped,
    /// The workers did not work on everything in time: is `tocsin run` running?
    Unanswered,
}

impl Drill<'_> {
    /// Runs it; `run` is kept up to date, in its file too.
    pub fn run(&self, run: &mut RunFile, progress: &mut dyn Progress) -> Result<Ended, DrillError> {
        let all = schedule(self.scenario, &self.here, run.run.seed, &run.run.exercise);
        let exercise = run.run.exercise.clone();
        let injector = Injector::new(self.kafka, Arc::clone(&self.key), &exercise)?;
        let records_clock = run.run.records_clock;
        let mut follower = Follower::new(
            self.kafka,
            self.names,
            self.decisions,
            &exercise,
            records_clock,
        )?;
        self.runs.save(run)?;
        let mut state = State {
            drill: self,
            injector: &injector,
            follower: &mut follower,
            run,
            progress,
            saved: wall_clock(),
        };
        let complete = if records_clock {
            state.by_records(&all)?
        } else {
            state.by_wall(&all)?
        };
        let asked = state.is_stopped();
        if asked {
            state.run.run.stopped = true;
            state.withdraw(&all)?;
        }
        state.run.finished = true;
        state.keep();
        state.run.run.ended = state.end();
        self.runs.save(state.run)?;
        self.runs.forget_the_wish(&exercise);
        Ok(match (asked, complete) {
            (true, _) => Ended::Stopped,
            (false, true) => Ended::Finished,
            (false, false) => Ended::Unanswered,
        })
    }

    /// Withdraws everything that a run sent, which is not running any more.
    pub fn withdraw(&self, run: &mut RunFile) -> Result<(), DrillError> {
        let all = schedule(self.scenario, &self.here, run.run.seed, &run.run.exercise);
        let injector = Injector::new(self.kafka, Arc::clone(&self.key), &run.run.exercise)?;
        withdraw(&injector, run, &all)?;
        run.run.stopped = true;
        run.finished = true;
        self.runs.save(run)
    }
}

struct State<'s, 'd> {
    drill: &'s Drill<'d>,
    injector: &'s Injector,
    follower: &'s mut Follower,
    run: &'s mut RunFile,
    progress: &'s mut dyn Progress,
    saved: Millis,
}

impl State<'_, '_> {
    fn is_stopped(&self) -> bool {
        self.progress.stopped() || self.drill.runs.is_asked_to_stop(&self.run.run.exercise)
    }

    /// Where the drill ends on its clock: as far as it was followed.
    fn end(&self) -> Millis {
        let lasts = self.drill.scenario.lasts as f64 / self.run.run.speed;
        let end = self.run.run.started.plus(lasts as i64);
        if self.run.run.records_clock {
            end
        } else {
            end.min(wall_clock())
        }
    }

    /// Takes over what was seen.
    fn keep(&mut self) {
        let sent = std::mem::take(&mut self.run.seen.sent);
        self.run.seen = self.follower.seen.clone();
        self.run.seen.sent = sent;
        self.follower
            .rule_set()
            .clone_into(&mut self.run.run.rule_set);
    }

    fn tell(&mut self, script_ms: i64) {
        let seen = &self.follower.seen;
        let (detections, alerts) = (seen.detections.len(), seen.alerts.len());
        let sent = self.run.seen.sent.len();
        self.progress.at(sent, script_ms, detections, alerts);
    }

    /// Notes what will be sent, in the file too, and then sends it.
    fn send(&mut self, batch: &[Simulated]) -> Result<Ends, DrillError> {
        let records_clock = self.run.run.records_clock;
        let start = self.run.run.started;
        let observed = |one: &Simulated| {
            if records_clock {
                start.plus(one.at)
            } else {
                wall_clock()
            }
        };
        let times: Vec<Millis> = batch.iter().map(observed).collect();
        let sent = batch
            .iter()
            .zip(&times)
            .map(|(one, at)| Sent::new(one, *at));
        self.run.seen.sent.extend(sent);
        self.drill.runs.save(self.run)?;
        for (one, at) in batch.iter().zip(&times) {
            let timestamp = records_clock.then_some(*at);
            self.injector
                .send(&one.feed, &one.report, *at, timestamp, false)?;
        }
        self.injector.settle()
    }

    fn by_wall(&mut self, all: &[Simulated]) -> Result<bool, DrillError> {
        let speed = self.run.run.speed;
        let start = self.run.run.started;
        let script = |now: Millis| (now.since(start) as f64 * speed) as i64;
        let (mut next, mut ends) = (0, Ends::new());
        while !self.is_stopped() {
            let now = script(wall_clock());
            let due = all[next..]
                .iter()
                .take(BATCH)
                .take_while(|one| one.at <= now);
            let batch = &all[next..next + due.count()];
            if !batch.is_empty() {
                ends = self.send(batch)?;
                next += batch.len();
            }
            self.follower.poll(Duration::from_millis(50));
            self.tell(now.min(self.drill.scenario.lasts));
            if now >= self.drill.scenario.lasts && next == all.len() {
                break;
            }
            if wall_clock().since(self.saved) > SAVE_EVERY_MS {
                self.saved = wall_clock();
                self.keep();
                self.drill.runs.save(self.run)?;
            }
        }
        Ok(self.settle(&ends))
    }

    fn by_records(&mut self, all: &[Simulated]) -> Result<bool, DrillError> {
        let (mut next, mut complete) = (0, true);
        while next < all.len() && !self.is_stopped() {
            let first = all[next].at;
            let together = |one: &&Simulated| one.at - first < self.drill.idle_lag_ms;
            let count = all[next..].iter().take(BATCH).take_while(together).count();
            let ends = self.send(&all[next..next + count.max(1)])?;
            next += count.max(1);
            complete &= self.settle(&ends);
            self.tell(first);
        }
        if !self.is_stopped() {
            self.tick(all)?;
            self.tell(self.drill.scenario.lasts);
        }
        Ok(complete)
    }

    /// Brings the clock of records to the drill's end, by an empty report of the first feed, and waits for what is due by then.
    fn tick(&mut self, all: &[Simulated]) -> Result<(), DrillError> {
        let Some(first) = all.first() else {
            return Ok(());
        };
        let end = self.run.run.started.plus(self.drill.scenario.lasts);
        let at = end.plus(self.drill.idle_lag_ms).min(wall_clock());
        let report = marker(&self.run.run.exercise, first);
        self.injector
            .send(&first.feed, &report, at, Some(at), false)?;
        let ends = self.injector.settle()?;
        self.settle(&ends);
        // Timers of partitions that are quiet are worked on by themselves, without a record to wait for.
        std::thread::sleep(Duration::from_millis(300));
        self.settle(&ends);
        Ok(())
    }

    fn settle(&mut self, ends: &Ends) -> bool {
        let (runs, exercise) = (self.drill.runs, &self.run.run.exercise);
        let progress = &*self.progress;
        let stop = || progress.stopped() || runs.is_asked_to_stop(exercise);
        self.follower.settle(ends, PATIENCE, &stop)
    }

    fn withdraw(&mut self, all: &[Simulated]) -> Result<(), DrillError> {
        let ends = withdraw(self.injector, self.run, all)?;
        self.drill.runs.save(self.run)?;
        self.follower.settle(&ends, PATIENCE, &|| false);
        Ok(())
    }
}

/// A report that no rule fires on and that carries the time.
fn marker(exercise: &str, like: &Simulated) -> Report<'static> {
    Report {
        id: format!("{exercise}-end").into(),
        text: "-".into(),
        fields: like
            .report
            .fields
            .iter()
            .map(|(name, _)| (name.clone(), blank()))
            .collect(),
        coordinates: None,
        ..Report::default()
    }
}

fn blank() -> crate::core::model::Value<'static> {
    crate::core::model::Value::Text("-".into())
}

/// Takes back every report that was sent.
fn withdraw(injector: &Injector, run: &mut RunFile, all: &[Simulated]) -> Result<Ends, DrillError> {
    // What was sent is the beginning of the schedule.
    for (sent, one) in run.sent().iter().zip(all) {
        let feed: &Feed = &one.feed;
        let timestamp = run.run.records_clock.then_some(sent.at);
        injector.send(feed, &one.report, sent.at, timestamp, true)?;
    }
    run.withdrawn = true;
    injector.settle()
}
