//! `tocsin desk`: departments work the joint-meeting queue.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, bail};
use indicatif::ProgressBar;

use super::desk_store::{open_existing, open_store};
use super::drill::LangArg;
use super::reload::Reloader;
use super::run::{Wishes, listen_to_signals, log_panics_without_their_words};
use super::serve_desk::{Way, serve_desk};
use super::{FAILED, Global};
use crate::config::{Settings, load_routing};
use crate::core::model::Alert;
use crate::core::mute::Limits;
use crate::core::obligation::Policy;
use crate::desk::notify::setup::receivers;
use crate::desk::notify::{Notifier, NotifyMetrics};
use crate::desk::{
    Clock, Desk, DeskMetrics, REBUILD_BATCH, Rebuilt, RecordsClock, RunOptions, Running, WallClock,
    decode_alert,
};
use crate::kafka::dump::dump;
use crate::kafka::{Edition, IdleClock, KafkaSettings, LiveRules};
use crate::telemetry::{ReloadApi, Telemetry, init_logs};

/// How long a rebuild may hold the lease between two renewals.
const REBUILD_LEASE: Duration = Duration::from_secs(600);

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
    /// Print in words when departments work, what they are told of and by which channel, and check it
    Schedule {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
        /// Language of the text
        #[arg(long, value_enum, default_value_t, value_name = "LANG")]
        lang: LangArg,
    },
    /// What somebody outside the console was, is to be or was not told
    Notifications {
        #[command(subcommand)]
        command: super::desk_notifications::Command,
    },
    /// Silences of notifications
    Silence {
        #[command(subcommand)]
        command: super::silence::Command,
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
    if matches!(&args.command, None | Some(Command::Run)) {
        return work(&settings);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    match &args.command {
        None | Some(Command::Run) => Ok(ExitCode::SUCCESS),
        Some(Command::Rebuild { json }) => rebuild(&settings, &runtime, *json),
        Some(Command::Schedule { json, lang }) => {
            super::desk_schedule::schedule(&settings, *json, (*lang).into())
        }
        Some(Command::Notifications { command }) => {
            runtime.block_on(super::desk_notifications::run(&settings, command))
        }
        Some(Command::Silence { command }) => {
            runtime.block_on(super::silence::run(&settings, command))
        }
        Some(Command::Audit {
            command: Audit::Verify { json },
        }) => runtime.block_on(verify(&settings, *json)),
    }
}

/// Bounds of silences by the settings.
pub(super) fn silence_limits(settings: &Settings) -> Limits {
    Limits {
        longest_ms: i64::from(settings.desk.silence_max_hours) * 3_600_000,
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
    let metrics = DeskMetrics::new(telemetry.metrics.registry(), departments.clone())?;
    let notifier = settings
        .notify
        .enabled
        .then(|| notifier(settings, desk, telemetry, departments))
        .transpose()?;
    desk.limit_silences(silence_limits(settings));
    let options = RunOptions {
        kafka: settings.kafka_settings(),
        queue: settings.topic_names().queue,
        prefix: settings.topics.prefix.clone(),
        holder: settings.kafka.instance.clone(),
        excerpts_ms: i64::from(settings.desk.excerpt_retention_hours) * 3_600_000,
        cap_ms: i64::from(settings.notify.cap.recent_hours) * 3_600_000,
        health: telemetry.health.clone(),
        metrics,
        notifier,
    };
    Ok(Running::start(desk, options)?)
}

/// What sends notifications. A block that does not fit the departments is refused before anything starts.
fn notifier(
    settings: &Settings,
    desk: &Desk,
    telemetry: &Telemetry,
    departments: Vec<Arc<str>>,
) -> anyhow::Result<Arc<Notifier>> {
    let found = settings.notify.against(&desk.policy().routing);
    if let Some((key, why)) = found.first() {
        bail!("{key}: {why} (`tocsin desk schedule` shows everything)");
    }
    let channels = receivers(&settings.notify).into_keys();
    let registry = telemetry.metrics.registry();
    let metrics = NotifyMetrics::new(registry, departments, channels)?;
    let link = settings.desk.http.external_url.clone();
    Ok(Arc::new(Notifier::new(&settings.notify, link, metrics)?))
}

/// Works the queue until told to stop.
pub(super) fn work(settings: &Settings) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    log_panics_without_their_words();
    let Wishes { stop, reload } = listen_to_signals()?;
    let loaded = super::reload::load(&settings.paths)?;
    let rules = Arc::clone(&loaded.rules);
    let routing = Arc::clone(&rules.routing);
    let telemetry = Telemetry::new(settings, &[])?;
    telemetry.health.expect("desk", 1);
    let (api, asks) = ReloadApi::new(settings.http.reload_token());
    let http = settings
        .http
        .enabled
        .then(|| telemetry.serve(&settings.http.listen, Some(api)))
        .transpose()
        .with_context(|| format!("cannot listen on {}", settings.http.listen))?;
    if let Some(server) = &http {
        tracing::info!(address = %server.address(), "metrics and health are served");
    }
    let live = LiveRules::new(Edition {
        correlate: Arc::new(settings.correlate_config(Arc::clone(&routing))),
        rules,
    });
    let (of, told) = (Arc::clone(&live), Arc::clone(&telemetry));
    let reloader = Reloader::start(settings, loaded, live, told, reload, asks)?;
    let of = move || of.current().rules;
    let done = runtime.block_on(async {
        let stopping = || stop.load(Ordering::SeqCst);
        let store = tokio::select! {
            store = open_store(settings, &stopping) => store?,
            () = until(&stopping) => return Ok(ExitCode::SUCCESS),
        };
        let backend = store.backend();
        let clock = clock(&settings.kafka_settings());
        let desk = Desk::new(store, Arc::new(Policy::new(routing)), clock);
        let running = start_desk(settings, &desk, &telemetry)?;
        let service = serve_desk(
            settings,
            &desk,
            &telemetry,
            of,
            Way::default(),
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
    });
    drop(reloader);
    done
}

/// The wall's, or for tests the newest record's that the workers of this process, or its desk, have read.
pub(super) fn clock(kafka: &KafkaSettings) -> Arc<dyn Clock> {
    match &kafka.clock {
        IdleClock::Wall => Arc::new(WallClock),
        IdleClock::Records(newest) => Arc::new(RecordsClock::new(Arc::clone(newest))),
    }
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
    let store = open_existing(settings).await?;
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
