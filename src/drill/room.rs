//! The room that a coordinator runs drills from: scenarios, one drill at a time, its progress, its stop, its report.
//!
//! Invariants: one drill at a time, so that whoever takes part knows which. A drill is carried out by this process
//! alone and ends with it; what it had sent is withdrawn by the room that opens next (`leftovers`). Everything here blocks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::carrier::Carrier;
use super::prepared::{Prepared, run_info, stamp};
use super::{
    ABANDONED, DrillError, DrillWish, Figures, Judged, MAX_SPEED, Progress, RUN_VERSION, RoomError,
    RunFile, Runs, ScenarioLine, Scenarios, Stopping, judge, read_scenario, run_id,
};
use crate::config::{DrillClock, Settings};
use crate::core::detect::is_exercise_id;
use crate::core::drill::{Deployment, Observed, parse_scenario, schedule};
use crate::core::model::Feed;
use crate::core::ruleset::RuleSet;
use crate::telemetry::wall_clock;

/// The drill that is running.
pub(super) struct Live {
    figures: Mutex<Figures>,
    stop: AtomicBool,
}

impl Live {
    fn figures(&self) -> MutexGuard<'_, Figures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Reporting(pub(super) Arc<Live>);

impl Progress for Reporting {
    fn at(&mut self, sent: usize, script_ms: i64, detections: usize, alerts: usize) {
        let mut figures = self.0.figures();
        (figures.sent, figures.script_ms) = (sent, script_ms);
        (figures.detections, figures.alerts) = (detections, alerts);
    }

    fn stopped(&self) -> bool {
        self.0.stop.load(Ordering::SeqCst)
    }
}

/// See the module.
pub struct Room {
    settings: Settings,
    feeds: Vec<Arc<Feed>>,
    rules: Box<dyn Fn() -> Arc<RuleSet> + Send + Sync>,
    pub(super) scenarios: Scenarios,
    runs: Option<Runs>,
    carrier: Option<Arc<dyn Carrier>>,
    live: Mutex<Option<Arc<Live>>>,
    /// Rehearsals take a processor: one at a time.
    pub(super) rehearsing: Mutex<()>,
}

impl std::fmt::Debug for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Room").finish_non_exhaustive()
    }
}

impl Room {
    /// Over what the settings say. `rules` gives the rule set in use; `carrier`: none where there is no drill key.
    pub fn new(
        settings: &Settings,
        rules: impl Fn() -> Arc<RuleSet> + Send + Sync + 'static,
        carrier: Option<Arc<dyn Carrier>>,
    ) -> Self {
        Self {
            feeds: settings.shared_feeds(),
            scenarios: Scenarios::new(settings.drills.folder_of_scenarios()),
            runs: settings.drills.folder_of_runs().map(Runs::new),
            settings: settings.clone(),
            rules: Box::new(rules),
            carrier,
            live: Mutex::default(),
            rehearsing: Mutex::default(),
        }
    }

    /// Scenarios, by name; one that cannot be read has no title.
    pub fn scenarios(&self) -> Vec<ScenarioLine> {
        let names = self.scenarios.names().into_iter();
        names
            .map(|name| {
                let file = self.scenarios.source(&name);
                let read = file.and_then(|file| parse_scenario(&file).0);
                ScenarioLine {
                    name,
                    title: read.as_ref().map(|it| it.title.clone()),
                    lasts_ms: read.map_or(0, |it| it.lasts),
                }
            })
            .collect()
    }

    /// Why no drill can be started here; none when one can.
    pub fn not_ready(&self) -> Option<&'static str> {
        if self.carrier.is_none() {
            Some(
                "there is no drill key here: `tocsin drill key --out FILE` makes one, and drills.key_file names it",
            )
        } else if self.runs.is_none() {
            Some("there is no folder for runs here: set drills.runs")
        } else {
            None
        }
    }

    pub(super) fn runs(&self) -> Result<&Runs, RoomError> {
        let why = "there is no folder for runs here: set drills.runs";
        self.runs.as_ref().ok_or(RoomError::NotReady(why))
    }

    /// The desk's name among desks: what it begins is held by it.
    pub fn instance(&self) -> &str {
        &self.settings.kafka.instance
    }

    pub(super) fn carrier(&self) -> Option<&Arc<dyn Carrier>> {
        self.carrier.as_ref()
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn rules(&self) -> Arc<RuleSet> {
        (self.rules)()
    }

    pub(super) fn here<'a>(
        &'a self,
        set: &'a RuleSet,
        renamed: &'a BTreeMap<String, String>,
    ) -> Deployment<'a> {
        Deployment {
            feeds: &self.feeds,
            renamed,
            gazetteer: &set.gazetteer,
            routing: &set.routing,
        }
    }

    pub(super) fn source(
        &self,
        name: &str,
    ) -> Result<crate::core::diagnostic::SourceFile, RoomError> {
        let found = self.scenarios.source(name);
        found.ok_or_else(|| RoomError::NoScenario(name.to_owned()))
    }

    fn live(&self) -> MutexGuard<'_, Option<Arc<Live>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far the running drill is, if there is one.
    pub fn running(&self) -> Option<Figures> {
        Some(self.live().as_ref()?.figures().clone())
    }

    /// Takes the only place.
    pub(super) fn claim(self: &Arc<Self>, figures: Figures) -> Result<Place, RoomError> {
        let mut live = self.live();
        if let Some(other) = &*live {
            return Err(RoomError::Busy(other.figures().exercise.clone()));
        }
        let taken = Arc::new(Live {
            figures: Mutex::new(figures),
            stop: AtomicBool::new(false),
        });
        *live = Some(Arc::clone(&taken));
        Ok(Place {
            room: Arc::clone(self),
            live: taken,
        })
    }

    /// Takes the only place for a drill, after everything that can be wrong with it was looked at. Nothing is sent yet.
    pub fn prepare(self: &Arc<Self>, wish: &DrillWish) -> Result<Prepared, RoomError> {
        if let Some(why) = self.not_ready() {
            return Err(RoomError::NotReady(why));
        }
        if !(1.0..=MAX_SPEED).contains(&wish.speed) {
            return Err(RoomError::BadSpeed);
        }
        let file = self.source(&wish.scenario)?;
        let (set, renamed) = (self.rules(), BTreeMap::new());
        let here = self.here(&set, &renamed);
        let (scenario, _) = read_scenario(&file, &here)?;
        let exercise = match &wish.exercise {
            Some(id) => {
                run_id(id)?;
                id.clone()
            }
            None => format!("{}-{}", scenario.id, stamp(wall_clock())),
        };
        let records_clock = self.settings.drills.clock == DrillClock::Records;
        let lag = i64::try_from(self.settings.incident.idle_lag_s).unwrap_or(0) * 1_000;
        let info = run_info(
            exercise.clone(),
            wish,
            scenario.lasts + lag,
            records_clock,
            &set.version,
        );
        let total = schedule(&scenario, &here, wish.seed, &exercise).len();
        let place = self.claim(Figures {
            exercise: exercise.clone(),
            scenario: scenario.id.clone(),
            total,
            lasts_ms: scenario.lasts,
            started: info.started,
            speed: info.speed,
            ..Figures::default()
        })?;
        if self.runs()?.has(&exercise) {
            return Err(DrillError::Again(exercise).into());
        }
        let run = RunFile {
            v: RUN_VERSION,
            file: file.name,
            scenario: file.text,
            renamed,
            holder: Some(self.settings.kafka.instance.clone()),
            run: info,
            finished: false,
            withdrawn: false,
            seen: Observed::default(),
        };
        Ok(Prepared {
            scenario,
            set,
            run,
            place,
        })
    }

    /// Stops a run, running here or elsewhere or over, so that nothing of it stays.
    pub fn stop(self: &Arc<Self>, exercise: &str) -> Result<Stopping, RoomError> {
        if let Some(live) = &*self.live()
            && live.figures().exercise == exercise
        {
            live.stop.store(true, Ordering::SeqCst);
            live.figures().stopping = true;
            return Ok(Stopping::Asked);
        }
        let runs = self.runs()?;
        let run = self.load(exercise)?;
        if run.withdrawn {
            return Ok(Stopping::Already);
        }
        if !run.finished && runs.age(exercise) < ABANDONED {
            // Another process runs it, and looks for the wish.
            runs.ask_to_stop(exercise)?;
            return Ok(Stopping::Asked);
        }
        self.withdraw(run)?;
        Ok(Stopping::Withdrawn)
    }

    /// A run's file. An id of another form names nothing.
    pub(super) fn load(&self, exercise: &str) -> Result<RunFile, RoomError> {
        let runs = self.runs()?;
        if !is_exercise_id(exercise) {
            return Err(DrillError::NoRun {
                exercise: exercise.chars().take(64).collect(),
                folder: runs.folder().to_owned(),
            }
            .into());
        }
        Ok(runs.load(exercise)?)
    }

    /// What a run came to; also of one that is still running, as far as its file says.
    pub fn report(&self, exercise: &str) -> Result<Judged, RoomError> {
        let run = self.load(exercise)?;
        let (set, renamed) = (self.rules(), run.renamed.clone());
        Ok(judge(&self.here(&set, &renamed), self.runs()?, &run)?)
    }
}

/// The only place; given back when dropped.
pub(super) struct Place {
    pub(super) room: Arc<Room>,
    pub(super) live: Arc<Live>,
}

impl Drop for Place {
    fn drop(&mut self) {
        *self.room.live() = None;
    }
}
