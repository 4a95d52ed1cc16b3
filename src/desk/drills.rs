//! Drills at the desk: the room that runs them, with an audit event for what people do there.
//!
//! Invariant: a drill begins after its event is in the store, with the store's note that it has begun, so that none is without one. What
//! ends it is in `drill_ends`.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::service::{Desk, DeskError};
use super::store::BegunDrill;
use crate::core::model::Status;
use crate::core::obligation::{Actor, Event, EventKind};
use crate::drill::{
    Checked, Draft, DrillError, DrillWish, Ended, Figures, Judged, Prepared, Room, RoomError,
    RunLine, ScenarioLine, ScenarioWish, Stopping,
};

/// What an event says of the store's list of drills that were begun.
enum Begun<'a> {
    Begins(&'a BegunDrill),
    Ends,
    AsItWas,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum DrillsError {
    /// The room.
    #[error(transparent)]
    Room(#[from] RoomError),
    /// The desk, which keeps the event.
    #[error(transparent)]
    Desk(#[from] DeskError),
}

pub(super) struct Inner {
    pub(super) desk: Desk,
    pub(super) room: Arc<Room>,
    /// Something may have been left behind.
    pub(super) left: Notify,
    pub(super) stop: AtomicBool,
    /// Tells of the end of the drill that runs, or ran last.
    telling: Mutex<Option<tokio::task::JoinHandle<()>>>,
    /// The drill that failed here last, and is to be withdrawn.
    failed: Mutex<Option<String>>,
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Drills(pub(super) Arc<Inner>);

impl std::fmt::Debug for Drills {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Drills").finish_non_exhaustive()
    }
}

impl Drills {
    /// Over a desk. What a process of before left behind is withdrawn from now on. Call it within a runtime.
    pub fn start(desk: Desk, room: Room) -> Self {
        let drills = Self(Arc::new(Inner {
            desk,
            room: Arc::new(room),
            left: Notify::new(),
            stop: AtomicBool::new(false),
            telling: Mutex::default(),
            failed: Mutex::default(),
        }));
        tokio::spawn(drills.clone().tidy());
        drills
    }

    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<Room>) -> T + Send + 'static,
    ) -> Result<T, DrillsError> {
        let room = Arc::clone(&self.0.room);
        let done = tokio::task::spawn_blocking(move || work(&room)).await;
        done.map_err(|_| DeskError::Internal("a task of the drills' room failed".to_owned()).into())
    }

    pub(super) fn telling(&self) -> MutexGuard<'_, Option<tokio::task::JoinHandle<()>>> {
        let slot = self.0.telling.lock();
        slot.unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn failed(&self) -> MutexGuard<'_, Option<String>> {
        let slot = self.0.failed.lock();
        slot.unwrap_or_else(PoisonError::into_inner)
    }

    /// Why no drill can be started here; none when one can.
    pub fn not_ready(&self) -> Option<&'static str> {
        self.0.room.not_ready()
    }

    /// How far the running drill is, if there is one.
    pub fn running(&self) -> Option<Figures> {
        self.0.room.running()
    }

    /// Scenarios.
    pub async fn scenarios(&self) -> Result<Vec<ScenarioLine>, DrillsError> {
        self.blocking(|room| room.scenarios()).await
    }

    /// The latest runs.
    pub async fn runs(&self) -> Result<Vec<RunLine>, DrillsError> {
        Ok(self.blocking(|room| room.list()).await??)
    }

    /// One run.
    pub async fn run(&self, exercise: &str) -> Result<RunLine, DrillsError> {
        let exercise = exercise.to_owned();
        Ok(self.blocking(move |room| room.run(&exercise)).await??)
    }

    /// Checks a scenario, and rehearses it in memory.
    pub async fn check(&self, scenario: &str, seed: u64) -> Result<Checked, DrillsError> {
        let scenario = scenario.to_owned();
        Ok(self
            .blocking(move |room| room.check(&scenario, seed))
            .await??)
    }

    /// Writes a scenario, and keeps it if that is wished for, with an event: without one it is not kept.
    pub async fn draft(&self, actor: &Actor, wish: ScenarioWish) -> Result<Draft, DrillsError> {
        let draft = self.blocking(move |room| room.draft(&wish)).await??;
        if draft.kept {
            let (kind, id) = (EventKind::ScenarioCreated, &draft.scenario);
            let (actor, after) = (Some(actor.clone()), json!({"scenario": id}));
            if let Err(error) = self.tell(kind, actor, id, after, Begun::AsItWas).await {
                let id = id.clone();
                self.blocking(move |room| room.discard(&id)).await?;
                return Err(error.into());
            }
        }
        Ok(draft)
    }

    /// Checks a scenario that is being written, and rehearses it in memory.
    pub async fn check_draft(&self, wish: ScenarioWish, seed: u64) -> Result<Checked, DrillsError> {
        self.blocking(move |room| room.check_draft(&wish, seed))
            .await?
            .map_err(DrillsError::from)
    }

    /// What a run came to.
    pub async fn report(&self, exercise: &str) -> Result<Judged, DrillsError> {
        let exercise = exercise.to_owned();
        Ok(self.blocking(move |room| room.report(&exercise)).await??)
    }

    /// Begins a drill; its exercise id.
    pub async fn begin(&self, actor: &Actor, wish: DrillWish) -> Result<String, DrillsError> {
        let prepared = self.blocking(move |room| room.prepare(&wish)).await??;
        let info = &prepared.run().run;
        let exercise = info.exercise.clone();
        let after = json!({
            "exercise": exercise, "scenario": prepared.scenario(), "seed": info.seed, "speed": info.speed, "rule_set": info.rule_set,
        });
        let run = serde_json::to_string(prepared.run())
            .map_err(|error| DeskError::Internal(format!("a run cannot be kept: {error}")))?;
        let begun = BegunDrill {
            exercise: exercise.clone(),
            holder: prepared.run().holder.clone().unwrap_or_default(),
            run,
        };
        let (kind, actor) = (EventKind::DrillStarted, Some(actor.clone()));
        if !self
            .tell(kind, actor, &exercise, after, Begun::Begins(&begun))
            .await?
        {
            return Err(RoomError::from(DrillError::Again(exercise)).into());
        }
        self.carry_out(exercise.clone(), prepared)?;
        Ok(exercise)
    }

    /// On a thread of its own, which does not keep the runtime from ending.
    fn carry_out(&self, exercise: String, prepared: Prepared) -> Result<(), DrillsError> {
        let (told, ended) = tokio::sync::oneshot::channel();
        let work = move || {
            let ended = prepared.carry_out();
            // Whoever waited may have gone.
            let _ = told.send(ended);
        };
        let thread = std::thread::Builder::new().name("drill".to_owned());
        thread
            .spawn(work)
            .map_err(|error| DeskError::Internal(format!("no thread for a drill: {error}")))?;
        let drills = self.clone();
        let telling = tokio::spawn(async move {
            let watch = tokio::spawn(drills.clone().ends_with_its_desk(exercise.clone()));
            let outcome = match ended.await {
                Ok(Ok(Ended::Finished)) => Some("finished"),
                Ok(Ok(Ended::Stopped)) => Some("stopped"),
                Ok(Ok(Ended::Unanswered)) => Some("unanswered"),
                Ok(Err(error)) => {
                    tracing::error!(%error, exercise, "a drill failed: what it sent is withdrawn");
                    None
                }
                Err(_) => None,
            };
            watch.abort();
            match outcome {
                Some(outcome) => drills.ended(&exercise, outcome).await,
                // What failed is withdrawn first.
                None => *drills.failed() = Some(exercise),
            }
            drills.0.left.notify_one();
        });
        *self.telling() = Some(telling);
        Ok(())
    }

    /// Tells of a drill's end, once.
    pub(super) async fn ended(&self, exercise: &str, outcome: &str) {
        let failed = self.failed().as_deref() == Some(exercise);
        let outcome = if failed { "failed" } else { outcome };
        let passed = self.report(exercise).await.ok().map(|it| it.report.passed);
        let after = json!({"exercise": exercise, "outcome": outcome, "passed": passed});
        let told = self
            .tell(EventKind::DrillEnded, None, exercise, after, Begun::Ends)
            .await;
        if let Err(error) = told {
            tracing::warn!(%error, exercise, outcome, "a drill's end is not in the audit trail: the active desk tells of it");
        }
    }

    /// Stops a run so that nothing of it stays. It stops even where the event cannot be kept.
    pub async fn stop(&self, actor: &Actor, exercise: &str) -> Result<Stopping, DrillsError> {
        let id = exercise.to_owned();
        let stopping = self.blocking(move |room| room.stop(&id)).await??;
        if stopping != Stopping::Already {
            let after = json!({"exercise": exercise, "stopping": stopping});
            let told = self
                .tell(
                    EventKind::DrillStopped,
                    Some(actor.clone()),
                    exercise,
                    after,
                    Begun::AsItWas,
                )
                .await;
            if let Err(error) = told {
                tracing::error!(%error, exercise, "a drill's stop is not in the audit trail");
            }
        }
        Ok(stopping)
    }

    /// False: a drill of that exercise id was begun and has not ended, or its end is known already; nothing is told then.
    async fn tell(
        &self,
        kind: EventKind,
        actor: Option<Actor>,
        exercise: &str,
        after: Value,
        begun: Begun<'_>,
    ) -> Result<bool, DeskError> {
        let event = Event {
            at: self.0.desk.now(),
            kind,
            actor,
            department: None,
            office: None,
            reason: String::new(),
            before: Value::Null,
            after,
        };
        self.0.desk.drill_event(exercise, &event, begun).await
    }
}

impl Desk {
    /// Keeps an event of a drill, and whether it has ended.
    async fn drill_event(
        &self,
        exercise: &str,
        event: &Event,
        begun: Begun<'_>,
    ) -> Result<bool, DeskError> {
        let turn = self.turn().await;
        let mut writing = self.write(&turn).await?;
        let new = match begun {
            Begun::Begins(drill) => writing.drill_begins(drill, event.at).await?,
            Begun::Ends => writing.drill_ends(exercise).await?,
            Begun::AsItWas => true,
        };
        if !new {
            return Ok(false);
        }
        writing
            .desk_event((exercise, Status::Exercise), event, &[])
            .await?;
        let changes = writing.commit().await?;
        self.committed(&[], changes);
        self.observed(|it| it.told(Status::Exercise, event));
        Ok(true)
    }
}
