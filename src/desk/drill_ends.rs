//! The ends of drills at the desk: whatever ends one — its script, a person, a failure, the end of this process, of the one before or of
//! the desk that this one took over from — what it sent ends with it.
//!
//! Invariants: a finished drill's incidents end by themselves, everything else is withdrawn, and tried again until it is. A drill ends
//! with its desk: one that stands by withdraws its own, and the one that took over withdraws it as well, from what the store they share
//! says of it, since the other may be gone for good.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::drills::Drills;
use super::store::BegunDrill;
use crate::drill::{RunLine, RunStanding, TakenOver};

/// Wait before what could not be withdrawn is tried again; doubled up to [`AGAIN_AT_MOST`].
const AGAIN: Duration = Duration::from_secs(2);
/// Longest such wait.
const AGAIN_AT_MOST: Duration = Duration::from_secs(60);
/// How often it is looked whether this desk has become the active one, or has ceased to be.
const ACTIVE: Duration = Duration::from_millis(500);
/// A drill stops when its desk has not been the active one for so long: a database that is away for a moment ends no drill.
const AWAY: Duration = Duration::from_secs(15);
/// The desk that took over withdraws a drill of another one so long after it became the active one: until then the other may not have
/// noticed ([`AWAY`], [`ACTIVE`]) and still sends, and what is sent after its withdrawal stays.
const OTHERS_END: Duration = Duration::from_secs(20);
/// Longest wait for a running drill to withdraw what it sent, when the process ends.
const END_WITHIN: Duration = Duration::from_secs(10);
/// Longest wait for its end to be told then.
const TELL_WITHIN: Duration = Duration::from_secs(1);
/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(50);

/// What is left of drills, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Left {
    Nothing,
    /// A drill that may still run at the desk that began it.
    Others,
    /// Something could not be withdrawn, or has not been looked for.
    Failed,
}

impl Drills {
    /// Stops a drill when its desk is not the active one any more: nobody could answer it here.
    pub(super) async fn ends_with_its_desk(self, exercise: String) {
        let mut seen_active = Instant::now();
        while seen_active.elapsed() < AWAY {
            tokio::time::sleep(ACTIVE).await;
            // A process that was halted for so long may take itself for the active one a moment longer.
            if seen_active.elapsed() < AWAY && self.0.desk.is_active() {
                seen_active = Instant::now();
            }
        }
        tracing::warn!(
            exercise,
            "this desk is not the active one any more: its drill is stopped"
        );
        // It was running a moment ago: it stops, or has ended.
        let _ = self.blocking(move |room| room.stop(&exercise)).await;
    }

    /// Withdraws what was left behind, at the beginning, after failures and when this desk becomes the active one, until nothing is.
    pub(super) async fn tidy(self) {
        let (mut leads_since, mut wait) = (None, AGAIN);
        let mut left = Left::Failed;
        while !self.0.stop.load(Ordering::SeqCst) {
            let active = self.0.desk.is_active();
            if left != Left::Nothing || active && leads_since.is_none() {
                let since = active.then(|| *leads_since.get_or_insert_with(Instant::now));
                left = self.tidied_all(since).await;
            }
            if !active {
                leads_since = None;
            }
            match left {
                Left::Nothing => {
                    wait = AGAIN;
                    tokio::select! {
                        () = self.0.left.notified() => left = Left::Failed,
                        () = tokio::time::sleep(ACTIVE) => {}
                    }
                }
                Left::Others => tokio::time::sleep(ACTIVE).await,
                Left::Failed => {
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(AGAIN_AT_MOST);
                }
            }
        }
    }

    /// `since`: when this desk became the active one, if it is.
    async fn tidied_all(&self, since: Option<Instant>) -> Left {
        let mut left = Left::Nothing;
        for exercise in self
            .blocking(|room| room.orphans())
            .await
            .unwrap_or_default()
        {
            left = left.max(self.tidied(&exercise).await);
        }
        if let Some(since) = since {
            match self.0.desk.store().begun_drills().await {
                Ok(begun) => {
                    for drill in begun {
                        left = left.max(self.taken_over(drill, since).await);
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "drills that a desk began cannot be read yet");
                    left = Left::Failed;
                }
            }
        }
        left
    }

    /// Ends a drill that this store says was begun, unless it runs here or may still run at the desk that began it.
    async fn taken_over(&self, drill: BegunDrill, since: Instant) -> Left {
        let BegunDrill {
            exercise,
            holder,
            run,
        } = drill;
        if self.running().is_some_and(|it| it.exercise == exercise) {
            return Left::Nothing;
        }
        let may_send = holder != self.0.room.instance() && since.elapsed() < OTHERS_END;
        let done = self
            .blocking(move |room| room.take_over(&run, may_send))
            .await;
        let outcome = match done.and_then(|done| Ok(done?)) {
            Ok(TakenOver::Withdrawn) => "withdrawn",
            Ok(TakenOver::Ended) => "finished",
            Ok(TakenOver::Runs) => return Left::Others,
            Err(error) => {
                tracing::error!(%error, exercise, holder, "a drill of another desk cannot be withdrawn yet");
                return Left::Failed;
            }
        };
        tracing::warn!(
            exercise,
            holder,
            outcome,
            "a drill of a desk that is not the active one any more is over"
        );
        self.ended(&exercise, outcome).await;
        Left::Nothing
    }

    async fn tidied(&self, exercise: &str) -> Left {
        let id = exercise.to_owned();
        let done = self.blocking(move |room| room.take_back(&id)).await;
        match done.and_then(|done| Ok(done?)) {
            Ok(()) => {
                tracing::warn!(
                    exercise,
                    "what a drill had sent that nobody ran any more is withdrawn"
                );
                self.ended(exercise, "withdrawn").await;
                Left::Nothing
            }
            Err(error) => {
                tracing::error!(%error, exercise, "what a drill had sent cannot be withdrawn yet");
                Left::Failed
            }
        }
    }

    /// Stops what runs, and gives it a bounded time to withdraw; what is left then is withdrawn at the next start.
    pub async fn close(&self) {
        self.0.stop.store(true, Ordering::SeqCst);
        self.0.left.notify_one();
        let Some(figures) = self.running() else {
            return;
        };
        let id = figures.exercise.clone();
        // It was running a moment ago: it stops, or has ended.
        let _ = self.blocking(move |room| room.stop(&id)).await;
        let withdrawn = async {
            loop {
                let run = self.run(&figures.exercise).await;
                let over = |run: &RunLine| run.standing == RunStanding::Stopped;
                if self.running().is_none() || run.as_ref().is_ok_and(over) {
                    return;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let telling = self.telling().take();
        let withdrawn = async {
            withdrawn.await;
            if let Some(telling) = telling {
                // With the workers of its process gone it may wait long for what comes of its withdrawal.
                let _ = tokio::time::timeout(TELL_WITHIN, telling).await;
            }
        };
        if tokio::time::timeout(END_WITHIN, withdrawn).await.is_err() {
            tracing::warn!(
                exercise = figures.exercise,
                "the drill is not withdrawn yet: that is done at the next start, or by the desk that takes over"
            );
        }
    }
}
