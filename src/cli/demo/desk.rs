//! The desk of the demo: in memory, with the alerts that the demo reads from its queue, and a login that needs no token.
//!
//! Invariant: it is gone with the demo; nobody beyond this machine reaches it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::mpsc;

use crate::cli::serve_desk::{Way, serve_desk};
use crate::config::Settings;
use crate::core::model::Alert;
use crate::core::obligation::{Policy, Role};
use crate::desk::http::api::Reports;
use crate::desk::http::start::Service;
use crate::desk::{Desk, WallClock};
use crate::kafka::LiveRules;
use crate::telemetry::Telemetry;

/// Alerts that wait for the desk; then the demo waits.
const WAITING: usize = 1_024;
/// Alerts taken in at a time.
const BATCH: usize = 256;
/// How often deadlines are looked at.
const TICK: Duration = Duration::from_millis(500);

/// The desk, on threads of its own.
pub(super) struct DemoDesk {
    runtime: tokio::runtime::Runtime,
    service: Service,
    alerts: mpsc::Sender<Alert>,
    stop: Arc<AtomicBool>,
}

impl DemoDesk {
    /// Starts it at the configured address, else, when that is taken, at any free port of loopback.
    pub(super) fn start(
        settings: &Settings,
        telemetry: &Telemetry,
        live: &Arc<LiveRules>,
        reports: Arc<dyn Reports>,
    ) -> anyhow::Result<Self> {
        let way = Way {
            demo: Some(Role::Coordinator),
            reads: true,
            reports: Some(reports),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .thread_name("desk")
            .build()?;
        let stop = Arc::new(AtomicBool::new(false));
        let (alerts, queue) = mpsc::channel(WAITING);
        let service = runtime.block_on(async {
            let policy = Policy::new(Arc::clone(&live.current().rules.routing));
            let desk = Desk::in_memory(Arc::new(policy), Arc::new(WallClock))
                .await
                .context("the demo's desk does not start")?;
            let service = listen(settings, &desk, telemetry, live, (way, &stop)).await?;
            tokio::spawn(work(desk, queue));
            anyhow::Ok(service)
        })?;
        Ok(Self {
            runtime,
            service,
            alerts,
            stop,
        })
    }

    /// The address that logs in.
    pub(super) fn login(&self) -> Option<&str> {
        self.service.demo()
    }

    /// An alert from the queue.
    pub(super) fn alert(&self, alert: Alert) {
        // A desk that has ended was logged; the demo's own board goes on.
        let _ = self.alerts.blocking_send(alert);
    }

    /// Ends it.
    pub(super) fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        drop(self.alerts);
        self.runtime.block_on(self.service.stopped());
    }
}

async fn listen(
    settings: &Settings,
    desk: &Desk,
    telemetry: &Telemetry,
    live: &Arc<LiveRules>,
    (way, stop): (Way, &Arc<AtomicBool>),
) -> anyhow::Result<Service> {
    let mut settings = settings.clone();
    let rules = || {
        let live = Arc::clone(live);
        move || live.current().rules
    };
    let again = way.clone();
    if let Ok(service) =
        serve_desk(&settings, desk, telemetry, rules(), way, Arc::clone(stop)).await
    {
        return Ok(service);
    }
    "127.0.0.1:0".clone_into(&mut settings.desk.http.listen);
    serve_desk(&settings, desk, telemetry, rules(), again, Arc::clone(stop)).await
}

/// Takes alerts in and lets time pass.
async fn work(desk: Desk, mut queue: mpsc::Receiver<Alert>) {
    let mut tick = tokio::time::interval(TICK);
    loop {
        let mut batch = Vec::new();
        let done = tokio::select! {
            read = queue.recv_many(&mut batch, BATCH) => {
                if read == 0 {
                    return;
                }
                desk.absorb_alerts(batch).await.map(|_| ())
            }
            _ = tick.tick() => desk.tick().await.map(|_| ()),
        };
        if let Err(error) = done {
            tracing::error!(%error, "the demo's desk failed");
        }
    }
}
