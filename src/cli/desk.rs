//! `tocsin desk`: departments work the joint-meeting queue.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, bail};
use indicatif::ProgressBar;

use super::run::{Wishes, listen_to_signals, log_panics_without_their_words};
use super::serve_desk::serve_desk;
use super::{FAILED, Global};
use crate::config::{Settings, load_routing};
use crate::core::model::Alert;
use crate::core::obligation::Policy;
use crate::desk::{
    Desk, DeskMetrics, REBUILD_BATCH, Rebuilt, RunOptions, Running, Store, WallClock, decode_alert,
};
use crate::kafka::dump::dump;
use crate::telemetry::{Telemetry, init_logs};

/// How long a rebuild may hold the lease between two renewals.
const REBUILD_LEASE: Duration = Duration::from_secs(600);
/// Longest wait for a database that does not answer yet.
const WAIT_STORE: Duration = Duration::from_secs(2);

/// Arguments of `desk`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Work the queue until told to stop (the default)
    Run,
    /// Restore what the machine knows from the queue; what people decided stays
    Rebuild {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// The audit trail
    Audit {
        #[command(subcommand)]
        command: Audit,
    },
}

#[derive(Debug, clap::Subcommand)]
enum Audit {
    /// Recompute the chain of hashes and name every row that was edited, moved or removed
    Verify {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let settings = global.settings()?;
    init_logs(&settings.log);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    match &args.command {
        None | Some(Command::Run) => work(&settings, &runtime),
        Some(Command::Rebuild { json }) => rebuild(&settings, &runtime, *json),
        Some(Command::Audit {
            command: Audit::Verify { json },
        }) => runtime.block_on(verify(&settings, *json)),
    }
}

/// Opens the store; one that does not answer yet is waited for.
pub(super) async fn open_store(
    settings: &Settings,
    stop: &dyn Fn() -> bool,
) -> anyhow::Result<Store> {
    loop {
        match Store::open(settings.desk.url.expose()).await {
            Ok(store) => return Ok(store),
            Err(error) if error.is_away() && !stop() => {
                tracing::warn!(%error, "the database cannot be reached yet");
                tokio::time::sleep(WAIT_STORE).await;
            }
            Err(error) => return Err(error).context("desk.url"),
        }
    }
}

/// What of the settings a running desk takes.
pub(super) fn start_desk(
    settings: &Settings,
    desk: &Desk,
    telemetry: &Telemetry,
) -> anyhow::Result<Running> {
    let departments = desk
        .policy()
        .routing
        .all()
        .iter()
        .map(|it| it.id.clone())
        .collect::<Vec<_>>();
    let metrics = DeskMetrics::new(telemetry.metrics.registry(), departments)?;
    let options = RunOptions {
        kafka: settings.kafka_settings(),
        queue: settings.topic_names().queue,
        prefix: settings.topics.prefix.clone(),
        holder: settings.kafka.instance.clone(),
        excerpts_ms: i64::from(settings.desk.excerpt_retention_hours) * 3_600_000,
        health: telemetry.health.clone(),
        metrics,
    };
    Ok(Running::start(desk, options)?)
}

fn work(settings: &Settings, runtime: &tokio::runtime::Runtime) -> anyhow::Result<ExitCode> {
    log_panics_without_their_words();
    let Wishes { stop, .. } = listen_to_signals()?;
    let rules = super::reload::load(&settings.paths)?.rules;
    let routing = Arc::clone(&rules.routing);
    let telemetry = Telemetry::new(settings, &[])?;
    telemetry.health.expect("desk", 1);
    let http = settings
        .http
        .enabled
        .then(|| telemetry.serve(&settings.http.listen, None))
        .transpose()
        .with_context(|| format!("cannot listen on {}", settings.http.listen))?;
    if let Some(server) = &http {
        tracing::info!(address = %server.address(), "metrics and health are served");
    }
    runtime.block_on(async {
        let stopping = || stop.load(Ordering::SeqCst);
        let store = tokio::select! {
            store = open_store(settings, &stopping) => store?,
            () = until(&stopping) => return Ok(ExitCode::SUCCESS),
        };
        let backend = store.backend();
        let desk = Desk::new(store, Arc::new(Policy::new(routing)), Arc::new(WallClock));
        let running = start_desk(settings, &desk, &telemetry)?;
        let of = Arc::clone(&rules);
        let service = serve_desk(
            settings,
            &desk,
            &telemetry,
            move || Arc::clone(&of),
            (None, false),
            Arc::clone(&stop),
        )
        .await?;
        tracing::info!(?backend, instance = settings.kafka.instance, "desk running");
        until(&stopping).await;
        telemetry.health.stopping();
        tracing::info!("stopping");
        service.stopped().await;
        running.stop().await;
        desk.store().close().await;
        drop(http);
        Ok(ExitCode::SUCCESS)
    })
}

async fn until(done: &dyn Fn() -> bool) {
    while !done() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn rebuild(
    settings: &Settings,
    runtime: &tokio::runtime::Runtime,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let routing = Arc::new(load_routing(&settings.paths)?);
    let store = runtime.block_on(open_store(settings, &|| true))?;
    let desk = Desk::new(store, Arc::new(Policy::new(routing)), Arc::new(WallClock));
    let holder = format!("{}/rebuild", settings.kafka.instance);
    let Some(lease) = runtime.block_on(desk.lead(&holder, REBUILD_LEASE))? else {
        let who = runtime.block_on(desk.store().lease_holder())?;
        let who = who.unwrap_or_default();
        bail!(
            "the desk `{who}` is active on this database: stop it first, or wait until its lease has ended"
        );
    };
    let bar = super::corpus::spinner("alerts");
    let outcome = read_topic(settings, runtime, &desk, &bar);
    bar.finish_and_clear();
    runtime.block_on(desk.store().give_up_lease(&lease))?;
    let done = outcome?;
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(&done)?)?;
    } else {
        let Rebuilt {
            alerts,
            opened,
            added,
            restored,
        } = done;
        writeln!(
            out,
            "{alerts} alerts read: {opened} incidents and {added} revisions added, {restored} revisions restored"
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read_topic(
    settings: &Settings,
    runtime: &tokio::runtime::Runtime,
    desk: &Desk,
    bar: &ProgressBar,
) -> anyhow::Result<Rebuilt> {
    let before = desk
        .now()
        .plus(-i64::from(settings.desk.excerpt_retention_hours) * 3_600_000);
    let (mut done, mut batch, mut failed) = (Rebuilt::default(), Vec::new(), None);
    let mut flush = |batch: &mut Vec<Arc<Alert>>| {
        if batch.is_empty() || failed.is_some() {
            return;
        }
        match runtime.block_on(desk.rebuild(std::mem::take(batch), before)) {
            Ok(step) => {
                done.alerts += step.alerts;
                done.opened += step.opened;
                done.added += step.added;
                done.restored += step.restored;
                bar.set_position(done.alerts);
            }
            Err(error) => failed = Some(error),
        }
    };
    let queue = settings.topic_names().queue;
    dump(&settings.kafka_settings(), &queue, |_, payload| {
        batch.extend(decode_alert(payload).map(Arc::new));
        if batch.len() >= REBUILD_BATCH {
            flush(&mut batch);
        }
    })?;
    flush(&mut batch);
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(done),
    }
}

async fn verify(settings: &Settings, json: bool) -> anyhow::Result<ExitCode> {
    let store = open_store(settings, &|| true).await?;
    let bar = super::corpus::spinner("rows");
    let verified = store.verify_audit(|rows| bar.set_position(rows)).await;
    bar.finish_and_clear();
    let verified = verified?;
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(&verified)?)?;
    } else {
        for fault in &verified.faults {
            writeln!(out, "row {}: {}", fault.seq, fault.problem)?;
        }
        let found = match verified.faults.len() {
            0 => "unbroken".to_owned(),
            n => format!("{n} faults"),
        };
        let hash = &verified.last_hash;
        writeln!(out, "{} rows, {found}; last hash {hash}", verified.rows)?;
    }
    Ok(if verified.faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    })
}
