//! What notifications go by, and the loops: one that plans, and one per receiver that sends what is due.
//!
//! Invariant: an attempt is recorded after it was made, so that a desk that dies in between makes it again, with the same key.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{Notify as Bell, watch};
use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

use super::mail::{self, Mail};
use super::metrics::{NotifyMetrics, Outcome};
use super::setup;
use super::webhook::Hook;
use crate::config::Notify;
use crate::core::model::Millis;
use crate::core::notify::{Backoff, Planner};
use crate::desk::store::Message;
use crate::desk::{Desk, DeskError};

/// How often the trail is looked at when nobody says that it grew.
const LOOK: Duration = Duration::from_secs(1);
/// Shortest time between two rounds of planning: events come in bursts.
const PAUSE: Duration = Duration::from_millis(50);
/// How often figures are counted and old rows forgotten.
const FIGURES: Duration = Duration::from_secs(15);
/// Longest wait after the store failed.
const BACKOFF: Duration = Duration::from_secs(10);
/// How much longer than its own timeout an attempt may take before it is given up.
const GRACE: Duration = Duration::from_secs(2);

/// Why notifications cannot be sent as configured.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// A receiver, and what is wrong with it.
    #[error("notify, {0}: {1}")]
    Receiver(String, String),
}

/// Why a message did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// For the log: without secrets.
    pub text: String,
    /// What the receiver asked for.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure in these words.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            retry_after: None,
        }
    }
}

/// How a message gets to a receiver.
pub trait Transport: Send + Sync {
    /// Done when the receiver has it.
    fn send<'a>(&'a self, message: &'a Message, now: Millis) -> BoxFuture<'a, Result<(), Failure>>;
}

/// Everything that notifications go by.
pub struct Notifier {
    pub(super) planner: Planner,
    backoff: Backoff,
    transports: BTreeMap<Arc<str>, Arc<dyn Transport>>,
    timeout: Duration,
    concurrency: usize,
    pub(super) queue_max: u64,
    pub(super) keep_ms: i64,
    pub(super) metrics: Arc<NotifyMetrics>,
    pub(super) bell: Bell,
}

impl std::fmt::Debug for Notifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notifier")
            .field("planner", &self.planner)
            .finish_non_exhaustive()
    }
}

impl Notifier {
    /// By the settings. `link` is the address that people open, without a path.
    pub fn new(
        settings: &Notify,
        link: Option<String>,
        metrics: Arc<NotifyMetrics>,
    ) -> Result<Self, NotifyError> {
        let planner = setup::planner(settings);
        let timeout = Duration::from_secs(u64::from(settings.timeout_s));
        let mut transports: BTreeMap<Arc<str>, Arc<dyn Transport>> = BTreeMap::new();
        for (name, hook) in &settings.webhooks {
            let channel: Arc<str> = format!("webhook:{name}").into();
            let hook = Hook::new(&channel, hook, timeout)?;
            transports.insert(channel, Arc::new(hook));
        }
        if !settings.emails.is_empty() {
            let server = mail::server(&settings.smtp, timeout)?;
            for (name, email) in &settings.emails {
                let channel: Arc<str> = format!("email:{name}").into();
                let language = email.language.unwrap_or(settings.language);
                let looks = (language, link.clone(), setup::zone(settings));
                let mail = Mail::new(&channel, (&settings.smtp, email), server.clone(), looks)?;
                transports.insert(channel, Arc::new(mail));
            }
        }
        Ok(Self {
            planner,
            backoff: setup::backoff(settings),
            transports,
            timeout: timeout + GRACE,
            concurrency: settings.concurrency as usize,
            queue_max: u64::from(settings.queue_max),
            keep_ms: i64::from(settings.keep_days) * 86_400_000,
            metrics,
            bell: Bell::new(),
        })
    }

    /// Starts planning, a loop per receiver, and the figures. Has to be called inside a tokio runtime.
    pub fn start(
        self: &Arc<Self>,
        desk: &Desk,
        stop: &watch::Receiver<bool>,
    ) -> Vec<JoinHandle<()>> {
        let mut tasks = Vec::new();
        let (it, of, stopped) = (Arc::clone(self), desk.clone(), stop.clone());
        tasks.push(tokio::spawn(
            async move { it.keep_planning(of, stopped).await },
        ));
        for (channel, transport) in &self.transports {
            let (it, of, stopped) = (Arc::clone(self), desk.clone(), stop.clone());
            let (channel, transport) = (Arc::clone(channel), Arc::clone(transport));
            tasks.push(tokio::spawn(async move {
                it.keep_sending(of, channel, transport, stopped).await;
            }));
        }
        let (it, of, stopped) = (Arc::clone(self), desk.clone(), stop.clone());
        tasks.push(tokio::spawn(
            async move { it.keep_figures(of, stopped).await },
        ));
        tasks
    }

    async fn keep_planning(&self, desk: Desk, mut stop: watch::Receiver<bool>) {
        let mut changes = desk.subscribe();
        let mut wait = LOOK;
        while !*stop.borrow() {
            let done = if desk.is_active() {
                self.plan(&desk).await
            } else {
                Ok(0)
            };
            match done {
                Ok(0) => wait = LOOK,
                Ok(_) => wait = PAUSE,
                Err(error) => {
                    tracing::warn!(%error, "notifications are planned later");
                    wait = (wait.max(LOOK) * 2).min(BACKOFF);
                }
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                changed = changes.recv(), if wait == LOOK => {
                    // A listener that fell behind reads the store anyway; without a sender it only looks.
                    if changed == Err(tokio::sync::broadcast::error::RecvError::Closed) {
                        tokio::time::sleep(LOOK).await;
                    }
                    changes = changes.resubscribe();
                    tokio::time::sleep(PAUSE).await;
                }
                _ = stop.changed() => {}
            }
        }
    }

    /// Sends what is due for one receiver, so many at a time, until told to stop; what is on its way then is given up.
    async fn keep_sending(
        self: Arc<Self>,
        desk: Desk,
        channel: Arc<str>,
        transport: Arc<dyn Transport>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut under_way: JoinSet<Uuid> = JoinSet::new();
        let mut known: HashSet<Uuid> = HashSet::new();
        while !*stop.borrow() {
            let mut wait = LOOK;
            if desk.is_active() && under_way.len() < self.concurrency {
                let limit = self.concurrency + known.len();
                match desk.store().due_messages(&channel, desk.now(), limit).await {
                    Ok(due) => {
                        let fresh = due.into_iter().filter(|it| !known.contains(&it.id));
                        let room = self.concurrency - under_way.len();
                        for message in fresh.take(room).collect::<Vec<_>>() {
                            known.insert(message.id);
                            let (it, desk) = (Arc::clone(&self), desk.clone());
                            let (channel, transport) = (channel.clone(), transport.clone());
                            under_way.spawn(async move {
                                it.attempt(&desk, &channel, &*transport, &message).await;
                                message.id
                            });
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, channel = &*channel, "what is due cannot be read");
                        wait = BACKOFF / 2;
                    }
                }
            }
            tokio::select! {
                Some(done) = under_way.join_next(), if !under_way.is_empty() => {
                    match done {
                        Ok(id) => { known.remove(&id); }
                        // A panic was logged where it was; its message is due again.
                        Err(_) => known.clear(),
                    }
                }
                () = self.bell.notified() => {}
                () = tokio::time::sleep(wait) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// One attempt, and its record.
    async fn attempt(
        &self,
        desk: &Desk,
        channel: &str,
        transport: &dyn Transport,
        message: &Message,
    ) {
        let sent = tokio::time::timeout(self.timeout, transport.send(message, desk.now())).await;
        let sent = sent.unwrap_or_else(|_| Err(Failure::new("no answer in time")));
        let now = desk.now();
        let (recorded, outcome) = match &sent {
            Ok(()) => (
                desk.store().message_sent(message.id, now).await,
                Outcome::Sent,
            ),
            Err(failure) => {
                let attempt = message.attempts + 1;
                let delay = self.backoff.after(attempt, message.id);
                let asked = failure.retry_after.map_or(0, |it| it.as_millis() as i64);
                let again = delay.map(|delay| now.plus(delay.max(asked)));
                let (text, id) = (&failure.text, message.id);
                tracing::warn!(channel, message = %id, attempt, why = text, "a notification did not arrive");
                let outcome = if again.is_some() {
                    Outcome::Failed
                } else {
                    Outcome::Dead
                };
                let recorded = desk.store().message_failed(id, text, now, again).await;
                (recorded, outcome)
            }
        };
        match recorded {
            Ok(()) => {
                for notice in &message.notices {
                    self.metrics.count(channel, &notice.department, outcome, 1);
                }
            }
            // It is due again, with the same key.
            Err(error) => {
                tracing::warn!(%error, channel, "an attempt could not be recorded");
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    async fn keep_figures(&self, desk: Desk, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let counted = async {
                let now = desk.now();
                let waiting = desk.store().notifications_waiting(now).await?;
                self.metrics.waiting(&waiting, now);
                if desk.is_active() {
                    let before = desk.now().plus(-self.keep_ms);
                    desk.store().forget_notifications(before).await?;
                }
                Ok::<(), DeskError>(())
            };
            if let Err(error) = counted.await {
                tracing::warn!(%error, "notifications cannot be counted");
            }
            tokio::select! {
                () = tokio::time::sleep(FIGURES) => {}
                _ = stop.changed() => {}
            }
        }
    }
}
