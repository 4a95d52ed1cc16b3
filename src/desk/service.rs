//! The service: what pages, the API and timers call.
//!
//! Invariant: one writer at a time, and only while this desk is the active one; a reader never waits for a writer.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, broadcast};
use uuid::Uuid;

use super::clock::Clock;
use super::store::{
    AuditEvent, BoardFilter, Change, Cursor, DepartmentStats, KeptDeadlines, Lease, Page, Saved,
    Store, StoreError, Writing,
};
use crate::core::model::{Alert, Millis, Status};
use crate::core::mute::Limits;
use crate::core::obligation::{Action, Actor, BoardRow, Case, Event, Policy, Refusal, Refused};

/// Changes that a slow listener may be behind before it has to read them from the store.
const CHANGES: usize = 4_096;
/// Cases that one transaction of a timer moves on.
const DUE: i64 = 200;
/// Revisions of one incident that are shown.
const MAX_REVISIONS: u32 = 500;
/// Events of one incident that are shown.
const MAX_HISTORY: u32 = 2_000;

/// Longest silence unless the settings say otherwise: three days.
const LONGEST_SILENCE_MS: i64 = 72 * 3_600_000;

/// Lease of a desk in memory: ten years.
const LEASE_IN_MEMORY: Duration = Duration::from_secs(10 * 366 * 86_400);

/// Why the desk did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// There is no such incident.
    #[error("there is no incident {0}")]
    NotFound(Uuid),
    /// There is no such silence.
    #[error("there is no silence {0}")]
    NoSilence(Uuid),
    /// Somebody else changed it first.
    #[error("it has changed: it is at version {current} now")]
    Conflict {
        /// Version of the case, or of the silence.
        current: u64,
    },
    /// The case or the actor does not allow it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The database is away, or another desk is active: try again.
    #[error("{0}")]
    Unavailable(String),
    /// A defect, or a damaged store.
    #[error("{0}")]
    Internal(String),
}

impl From<StoreError> for DeskError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Away(_) | StoreError::Fenced | StoreError::Offset { .. } => {
                Self::Unavailable(error.to_string())
            }
            error => Self::Internal(error.to_string()),
        }
    }
}

/// Hears what was committed; metrics do.
pub trait Observer: Send + Sync + std::fmt::Debug {
    /// Cases with what happened to them.
    fn committed(&self, all: &[Saved]);

    /// An event that is about no incident, and the status that it is about.
    fn told(&self, _status: Status, _event: &Event) {}

    /// Something of that status was refused by a named limit.
    fn limit_hit(&self, _status: Status, _limit: &'static str) {}
}

#[derive(Debug)]
struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    policy: RwLock<Arc<Policy>>,
    /// 0 while another desk is active.
    epoch: AtomicI64,
    turn: Mutex<()>,
    changes: broadcast::Sender<Change>,
    observer: RwLock<Option<Arc<dyn Observer>>>,
    /// Longest silence, milliseconds.
    longest_silence: AtomicI64,
}

/// The desk. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Desk {
    inner: Arc<Inner>,
}

/// The right to write, one at a time.
pub(super) struct Turn<'a>(#[expect(dead_code, reason = "held, not read")] MutexGuard<'a, ()>);

impl Desk {
    /// A desk that stands by until [`Desk::lead`] or its leader loop makes it the active one.
    pub fn new(store: Store, policy: Arc<Policy>, clock: Arc<dyn Clock>) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                clock,
                policy: RwLock::new(policy),
                epoch: AtomicI64::new(0),
                turn: Mutex::new(()),
                changes: broadcast::channel(CHANGES).0,
                observer: RwLock::new(None),
                longest_silence: AtomicI64::new(LONGEST_SILENCE_MS),
            }),
        }
    }

    /// A desk in memory that is active at once: for tests and a first look.
    pub async fn in_memory(policy: Arc<Policy>, clock: Arc<dyn Clock>) -> Result<Self, DeskError> {
        let desk = Self::new(Store::open("sqlite::memory:").await?, policy, clock);
        // Nobody else can reach it, so that nobody renews.
        desk.lead("memory", LEASE_IN_MEMORY).await?;
        Ok(desk)
    }

    /// Makes this desk the active one, if none is; its epoch then.
    pub async fn lead(&self, holder: &str, length: Duration) -> Result<Option<Lease>, DeskError> {
        let lease = self.inner.store.take_lease(holder, length).await?;
        let epoch = lease.as_ref().map_or(0, |lease| lease.epoch);
        self.inner.epoch.store(epoch, Ordering::SeqCst);
        Ok(lease)
    }

    /// Stands by from now on.
    pub fn stand_by(&self) {
        self.inner.epoch.store(0, Ordering::SeqCst);
    }

    /// Whether this desk is the active one, as far as it knows.
    pub fn is_active(&self) -> bool {
        self.inner.epoch.load(Ordering::SeqCst) != 0
    }

    /// What it keeps everything in.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Its clock's time.
    pub fn now(&self) -> Millis {
        self.inner.clock.now()
    }

    /// The time by which people are let in.
    pub fn time_of_people(&self) -> Millis {
        self.inner.clock.of_people()
    }

    /// Alerts of that time were read.
    pub(super) fn read(&self, sent: Millis) {
        self.inner.clock.read(sent);
    }

    /// The rules in use.
    pub fn policy(&self) -> Arc<Policy> {
        let policy = self.inner.policy.read();
        Arc::clone(&policy.unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes other rules from the next change on; obligations that there are stay as they are.
    pub fn set_policy(&self, policy: Arc<Policy>) {
        let mut slot = self
            .inner
            .policy
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *slot = policy;
    }

    /// Tells `observer` of everything that is committed from now on.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        let mut slot = self
            .inner
            .observer
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *slot = Some(observer);
    }

    /// Changes from now on. A listener that falls behind is told so, and reads [`Store::changes`].
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.inner.changes.subscribe()
    }

    /// Bounds silences from now on.
    pub fn limit_silences(&self, limits: Limits) {
        let longest = limits.longest_ms;
        self.inner.longest_silence.store(longest, Ordering::SeqCst);
    }

    pub(super) fn silence_limits(&self) -> Limits {
        Limits {
            longest_ms: self.inner.longest_silence.load(Ordering::SeqCst),
        }
    }

    pub(super) async fn turn(&self) -> Turn<'_> {
        Turn(self.inner.turn.lock().await)
    }

    pub(super) async fn write(&self, _turn: &Turn<'_>) -> Result<Writing, DeskError> {
        let epoch = self.inner.epoch.load(Ordering::SeqCst);
        if epoch == 0 {
            return Err(StoreError::Fenced.into());
        }
        let writing = self.inner.store.write(Some(epoch)).await;
        if matches!(writing, Err(StoreError::Fenced)) {
            // Only this epoch: the leader loop may have another one by now.
            let _ = self
                .inner
                .epoch
                .compare_exchange(epoch, 0, Ordering::SeqCst, Ordering::SeqCst);
        }
        Ok(writing?)
    }

    pub(super) fn committed(&self, all: &[Saved], changes: Vec<Change>) {
        for change in changes {
            // Nobody may be listening.
            let _ = self.inner.changes.send(change);
        }
        self.observed(|it| it.committed(all));
    }

    pub(super) fn observed(&self, tell: impl FnOnce(&dyn Observer)) {
        let observer = self.inner.observer.read();
        let observer = observer.unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(observer) = observer {
            tell(&*observer);
        }
    }

    /// Does `action`. With `expected`, only if the case is still at that version.
    pub async fn act(
        &self,
        incident: Uuid,
        actor: &Actor,
        expected: Option<u64>,
        action: &Action,
    ) -> Result<Case, DeskError> {
        action.permit(actor)?;
        let turn = self.turn().await;
        let mut writing = self.write(&turn).await?;
        let mut cases = writing.load(&[incident]).await?;
        let mut case = cases
            .remove(&incident)
            .ok_or(DeskError::NotFound(incident))?;
        if expected.is_some_and(|expected| expected != case.version) {
            return Err(DeskError::Conflict {
                current: case.version,
            });
        }
        if let Action::Duplicate { of, .. } = action {
            let others = writing.load(&[*of]).await?;
            let other = others.get(of).ok_or_else(|| no_such_duplicate(*of))?;
            if other
                .overlays
                .duplicate_of
                .as_ref()
                .is_some_and(|it| it.value == incident)
            {
                let message = format!("{of} is marked as a duplicate of this incident");
                return Err(Refused::new(Refusal::BadDuplicate, message).into());
            }
        }
        let (now, policy) = (self.now(), self.policy());
        // A deadline that has passed was missed, whoever is first to notice.
        let mut events = case.advance(now, &policy);
        events.extend(case.act(actor, action, now, &policy)?);
        let all = [Saved::new(case, events)];
        writing.save(&all, now).await?;
        let changes = writing.commit().await?;
        self.committed(&all, changes);
        let [saved] = all;
        Ok(saved.case)
    }

    /// Lets time pass: finds deadlines that were missed, begins and ends silences. Returns how many cases moved.
    pub async fn tick(&self) -> Result<usize, DeskError> {
        self.tick_silences().await?;
        let mut moved = 0;
        loop {
            // Mostly nothing is due, and asking locks nobody out.
            let due = self.inner.store.next_due().await?;
            if due.is_none_or(|due| due > self.now()) {
                return Ok(moved);
            }
            let turn = self.turn().await;
            let mut writing = self.write(&turn).await?;
            let (now, policy) = (self.now(), self.policy());
            let due = writing.due(now.0, DUE).await?;
            if due.is_empty() {
                return Ok(moved);
            }
            let cases = writing.load(&due).await?;
            let all: Vec<Saved> = cases
                .into_values()
                .map(|mut case| {
                    let events = case.advance(now, &policy);
                    Saved::new(case, events)
                })
                .collect();
            writing.save(&all, now).await?;
            let changes = writing.commit().await?;
            self.committed(&all, changes);
            moved += all.len();
        }
    }

    /// A case.
    pub async fn case(&self, incident: Uuid) -> Result<Case, DeskError> {
        let case = self.inner.store.case(incident).await?;
        case.ok_or(DeskError::NotFound(incident))
    }

    /// Revisions of an incident, oldest first: the material ones, and the newest.
    pub async fn revisions(&self, incident: Uuid) -> Result<Vec<Alert>, DeskError> {
        Ok(self.inner.store.revisions(incident, MAX_REVISIONS).await?)
    }

    /// What happened to an incident, oldest first.
    pub async fn history(&self, incident: Uuid) -> Result<Vec<AuditEvent>, DeskError> {
        Ok(self.inner.store.history(incident, MAX_HISTORY).await?)
    }

    /// One page of the board.
    pub async fn board(
        &self,
        filter: &BoardFilter,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<BoardRow>, DeskError> {
        Ok(self.inner.store.board(filter, after, limit).await?)
    }

    /// How many lines a filter finds.
    pub async fn count(&self, filter: &BoardFilter) -> Result<u64, DeskError> {
        Ok(self.inner.store.count(filter).await?)
    }

    /// How many lines of each level a filter finds, blue first.
    pub async fn count_by_level(&self, filter: &BoardFilter) -> Result<[u64; 4], DeskError> {
        Ok(self.inner.store.count_by_level(filter).await?)
    }

    /// How every department does, over obligations that began at or after `since`.
    pub async fn department_stats(
        &self,
        status: Status,
        since: Millis,
    ) -> Result<std::collections::BTreeMap<String, DepartmentStats>, DeskError> {
        Ok(self.inner.store.department_stats(status, since).await?)
    }

    /// How a department has kept its deadlines in each of the last `weeks` weeks, oldest first.
    pub async fn department_weeks(
        &self,
        status: Status,
        department: &str,
        weeks: u32,
    ) -> Result<Vec<KeptDeadlines>, DeskError> {
        let store = &self.inner.store;
        Ok(store
            .department_weeks(status, department, self.now(), weeks)
            .await?)
    }

    /// The audit trail after `seq`, oldest first.
    pub async fn audit(&self, after: i64, limit: u32) -> Result<Vec<AuditEvent>, DeskError> {
        Ok(self.inner.store.audit(after, limit.min(1_000)).await?)
    }
}

fn no_such_duplicate(of: Uuid) -> DeskError {
    let message = format!("there is no incident {of}");
    Refused::new(Refusal::BadDuplicate, message).into()
}
