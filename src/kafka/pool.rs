//! Several workers, their restarts and their end.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::refused::Refused;
use super::transaction::Fault;
use super::worker::Session;
use super::{Stage, WorkerContext};

/// Shortest and longest wait before a worker begins anew.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// So many fences within [`FENCED_WITHIN`] mean that two processes share an instance name.
const FENCED_TIMES: usize = 5;
const FENCED_WITHIN: Duration = Duration::from_mins(1);

/// Workers of one role.
pub struct Pool {
    threads: Vec<JoinHandle<()>>,
    failure: Arc<Mutex<Option<String>>>,
    context: WorkerContext,
}

/// A worker that cannot go on, in words for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PoolError(pub String);

impl Pool {
    /// Starts `workers` threads. `make` builds the stage of each, in its own thread; a failure there ends the pool.
    pub fn start<S, F>(context: &WorkerContext, role: super::Role, workers: u32, make: F) -> Self
    where
        S: Stage,
        F: Fn(u32) -> Result<S, String> + Send + Sync + 'static,
    {
        let failure = Arc::new(Mutex::new(None));
        let make = Arc::new(make);
        let mut pool = Self {
            threads: Vec::new(),
            failure: Arc::clone(&failure),
            context: context.clone(),
        };
        for worker in 0..workers {
            let (context, make, failure) =
                (context.clone(), Arc::clone(&make), Arc::clone(&failure));
            let body = move || {
                let run = std::panic::AssertUnwindSafe(|| {
                    make(worker).and_then(|mut stage| live(&context, worker, &mut stage))
                });
                let ended = std::panic::catch_unwind(run)
                    .unwrap_or_else(|_| Err(format!("worker {worker}: inner error, see the log")));
                if let Err(why) = ended {
                    tracing::error!(worker, why, "worker ended");
                    failure
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .get_or_insert(why);
                    context.stop.store(true, Ordering::SeqCst);
                }
            };
            let name = format!("{}-{worker}", role.id());
            match std::thread::Builder::new().name(name).spawn(body) {
                Ok(thread) => pool.threads.push(thread),
                Err(error) => {
                    *pool.failure.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some(format!("cannot start a thread: {error}"));
                    pool.context.stop.store(true, Ordering::SeqCst);
                }
            }
        }
        pool
    }

    /// Whether every worker has ended.
    pub fn is_finished(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Waits for every worker: after `stop` was set, or when one cannot go on.
    pub fn join(self) -> Result<(), PoolError> {
        for thread in self.threads {
            let _ = thread.join();
        }
        let failure = self
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        failure.map_or(Ok(()), |why| Err(PoolError(why)))
    }
}

/// Sessions one after the other, until told to stop.
fn live<S: Stage>(context: &WorkerContext, worker: u32, stage: &mut S) -> Result<(), String> {
    let role = stage.role();
    let mut backoff = BACKOFF.0;
    let mut refused = Refused::default();
    let mut fences: Vec<Instant> = Vec::new();
    while !context.stopping() {
        let began = Instant::now();
        let ended = match Session::connect(context, worker, stage, &mut refused) {
            Ok(mut session) => {
                let ended = session.run();
                session.close();
                ended
            }
            Err(fault) => Err(fault),
        };
        stage.rollback();
        let why = match ended {
            Ok(()) => return Ok(()),
            Err(Fault::Fatal(why)) => return Err(why),
            Err(Fault::TooLarge(topic)) => {
                return Err(format!(
                    "{topic} refuses a record for its size: raise its max.message.bytes (`tocsin topics check` names what \
                     is wrong)"
                ));
            }
            Err(Fault::Fenced(why)) => {
                fences.retain(|at| at.elapsed() < FENCED_WITHIN);
                fences.push(Instant::now());
                if fences.len() >= FENCED_TIMES {
                    let id = super::client::transactional_id(&context.settings, role, worker);
                    return Err(format!(
                        "another process works as {id}: give each its own kafka.instance ({why})"
                    ));
                }
                why
            }
            Err(Fault::Abort(why) | Fault::Restart(why)) => why,
        };
        if context.stopping() {
            return Ok(());
        }
        context.events.restarted(role, worker, &why);
        tracing::warn!(role = role.id(), worker, why, "worker begins anew");
        if began.elapsed() > BACKOFF.1 * 2 {
            backoff = BACKOFF.0;
        }
        pause(context, backoff);
        backoff = (backoff * 2).min(BACKOFF.1);
    }
    Ok(())
}

/// Sleeps, unless told to stop.
fn pause(context: &WorkerContext, time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until && !context.stopping() {
        std::thread::sleep(Duration::from_millis(20));
    }
}
