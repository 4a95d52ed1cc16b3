//! A running desk: leader, timers, queue, outbox, readiness, figures and retention.
//!
//! Invariant: every part begins anew after a failure, with a bounded wait; none ends the others. While the database is away the desk is
//! not ready, and loses nothing: the queue waits in Kafka, decisions in the outbox, deadlines in their cases.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

use super::consume::Consume;
use super::http::tokens::Tokens;
use super::leader;
use super::metrics::DeskMetrics;
use super::notify::Notifier;
use super::outbox::Publish;
use super::service::{Desk, DeskError};
use super::store::StoreError;
use crate::core::model::Status;
use crate::kafka::KafkaSettings;
use crate::telemetry::Health;

/// How often deadlines are looked at.
const TICK: Duration = Duration::from_millis(500);
/// How often the database is asked whether it is there.
const PING: Duration = Duration::from_secs(1);
/// How often figures are counted.
const FIGURES: Duration = Duration::from_secs(15);
/// How often old excerpts are looked for.
const RETAIN: Duration = Duration::from_secs(3_600);
/// Longest wait after a failure.
const BACKOFF: Duration = Duration::from_secs(10);
/// Over which time deadlines are counted.
const FIGURES_MS: i64 = 30 * 86_400_000;
/// Name in readiness.
const ROLE: &str = "desk";

/// What a running desk needs beside itself.
pub struct RunOptions {
    /// The cluster.
    pub kafka: KafkaSettings,
    /// Topic of the queue.
    pub queue: String,
    /// Before the names of the desk's own topics.
    pub prefix: String,
    /// Name of this process among desks of the store; stable over restarts.
    pub holder: String,
    /// How long excerpts of reports are kept, milliseconds.
    pub excerpts_ms: i64,
    /// How long CAP messages about closed incidents are kept, milliseconds.
    pub cap_ms: i64,
    /// Readiness.
    pub health: Arc<Health>,
    /// Figures.
    pub metrics: Arc<DeskMetrics>,
    /// Who outside the console is told.
    pub notifier: Option<Arc<Notifier>>,
}

/// A desk at work. Dropped without [`Running::stop`], its threads go on until the process ends.
pub struct Running {
    stop: watch::Sender<bool>,
    flag: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    leader: tokio::task::JoinHandle<()>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Running {
    /// Starts every part. Has to be called inside a tokio runtime of several threads.
    pub fn start(desk: &Desk, options: RunOptions) -> io::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let flag = Arc::new(AtomicBool::new(false));
        let runtime = tokio::runtime::Handle::current();
        let options = Arc::new(options);
        options.health.expect(ROLE, 1);
        desk.observe(options.metrics.clone());
        let consume = Consume {
            desk: desk.clone(),
            kafka: options.kafka.clone(),
            topic: options.queue.clone(),
            metrics: options.metrics.clone(),
            runtime: runtime.clone(),
            stop: flag.clone(),
        };
        let publish = Publish {
            desk: desk.clone(),
            kafka: options.kafka.clone(),
            prefix: options.prefix.clone(),
            runtime,
            stop: flag.clone(),
        };
        let threads = vec![
            std::thread::Builder::new()
                .name("desk-queue".to_owned())
                .spawn(move || consume.run())?,
            std::thread::Builder::new()
                .name("desk-outbox".to_owned())
                .spawn(move || publish.run())?,
        ];
        let leader = tokio::spawn(leader::keep(
            desk.clone(),
            options.holder.clone(),
            stopped.clone(),
        ));
        let mut tasks = vec![
            every(TICK, desk, &options, &stopped, async |desk, _| {
                if desk.is_active() {
                    desk.tick().await?;
                }
                Ok(())
            }),
            every(PING, desk, &options, &stopped, ping),
            every(FIGURES, desk, &options, &stopped, figures),
            every(RETAIN, desk, &options, &stopped, async |desk, options| {
                if desk.is_active() {
                    let before = desk.now().plus(-options.excerpts_ms);
                    let deleted = desk.retain(before).await?;
                    tracing::info!(deleted, "report excerpts past their time were deleted");
                    // They quote reports, too. A notifier deletes its own, and not while it still tries one.
                    if options.notifier.is_none() {
                        desk.store().forget_all_notifications(before).await?;
                    }
                    let closed = desk.now().plus(-options.cap_ms);
                    desk.store().forget_cap(closed).await?;
                }
                Ok(())
            }),
        ];
        if let Some(notifier) = &options.notifier {
            tasks.extend(notifier.start(desk, &stopped));
        }
        Ok(Self {
            stop,
            flag,
            threads,
            leader,
            tasks,
        })
    }

    /// Ends every part, gives the lease up, and waits for all of it.
    pub async fn stop(self) {
        self.flag.store(true, Ordering::SeqCst);
        // Readers first: what they have begun still needs the lease.
        for thread in self.threads {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        let _ = self.stop.send(true);
        for task in self.tasks {
            let _ = task.await;
        }
        let _ = self.leader.await;
    }
}

async fn ping(desk: Desk, options: Arc<RunOptions>) -> Result<(), DeskError> {
    let up = tokio::time::timeout(Duration::from_secs(3), desk.store().ping()).await;
    let up = matches!(up, Ok(Ok(())));
    options.metrics.store_up(up);
    options.metrics.active(desk.is_active());
    options.health.ready(ROLE, 0, up && desk.is_active());
    let remark = match (up, desk.is_active()) {
        (false, _) => Some("the database does not answer".to_owned()),
        (true, false) => Some("standing by: another desk is active".to_owned()),
        (true, true) => None,
    };
    options.health.note(ROLE, remark);
    Ok(())
}

async fn figures(desk: Desk, options: Arc<RunOptions>) -> Result<(), DeskError> {
    let now = desk.now();
    let stats = desk.store().stats().await?;
    let departments = desk
        .department_stats(Status::Actual, now.plus(-FIGURES_MS))
        .await?;
    options.metrics.stats(&stats, &departments);
    let since = now.plus(-FIGURES_MS);
    options
        .metrics
        .duties(&desk.store().duties(now, since).await?);
    let tokens = Tokens::new(desk.store().clone());
    let expiry = tokens.expiry(now).await.map_err(StoreError::from)?;
    options.metrics.token_expiry(expiry);
    let (records, oldest) = desk.store().backlog().await?;
    let age = oldest.map_or(0, |at| now.0 - at);
    options.metrics.backlog(records, age);
    options.metrics.silences(&desk.silences(false).await?, now);
    Ok(())
}

/// Does `work` again and again, less often while it fails.
fn every<F>(
    period: Duration,
    desk: &Desk,
    options: &Arc<RunOptions>,
    stopped: &watch::Receiver<bool>,
    work: impl Fn(Desk, Arc<RunOptions>) -> F + Send + 'static,
) -> tokio::task::JoinHandle<()>
where
    F: Future<Output = Result<(), DeskError>> + Send,
{
    let (desk, options, mut stopped) = (desk.clone(), Arc::clone(options), stopped.clone());
    tokio::spawn(async move {
        let mut wait = period;
        while !*stopped.borrow() {
            match work(desk.clone(), Arc::clone(&options)).await {
                Ok(()) => wait = period,
                Err(error) => {
                    tracing::warn!(%error, "the desk tries again");
                    wait = (wait * 2).min(BACKOFF.max(period));
                }
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = stopped.changed() => {}
            }
        }
    })
}
