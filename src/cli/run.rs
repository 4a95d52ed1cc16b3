//! `tocsin run`: the workers, until told to stop.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;

use super::desk::{clock, start_desk, work};
use super::desk_store::open_store;
use super::reload::{Reloader, load};
use super::serve_desk::{Way, serve_desk};
use super::{FAILED, Global};
use crate::config::Settings;
use crate::core::model::Feed;
use crate::core::obligation::Policy;
use crate::desk::http::start::Service;
use crate::desk::{Clock, Desk, Running};
use crate::kafka::topics::{TopicFinding, check, plan};
use crate::kafka::{CorrelateStage, DetectStage, Edition, LiveRules, Pool, Role, WorkerContext};
use crate::telemetry::{ReloadApi, Telemetry, init_logs, wall_clock};

/// Longest wait for workers that were told to stop; a second signal ends it.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Wait before a cluster that did not answer is asked again.
const CHECK_AGAIN: Duration = Duration::from_secs(1);

/// Which workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum RoleChoice {
    Detect,
    Correlate,
    Desk,
    All,
}

/// The desk beside the workers, on threads of its own.
struct DeskBeside {
    runtime: tokio::runtime::Runtime,
    running: Running,
    service: Service,
}

impl DeskBeside {
    fn start(
        settings: &Settings,
        telemetry: &Telemetry,
        live: &Arc<LiveRules>,
        stop: &Arc<AtomicBool>,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_name("desk")
            .build()?;
        let (running, service) = runtime.block_on(async {
            let stopping = || stop.load(Ordering::SeqCst);
            let store = open_store(settings, &stopping).await?;
            let routing = Arc::clone(&live.current().rules.routing);
            let policy = Arc::new(Policy::new(routing));
            let desk = Desk::new(store, policy, clock);
            let running = start_desk(settings, &desk, telemetry)?;
            let live = Arc::clone(live);
            let rules = move || live.current().rules;
            let service = serve_desk(
                settings,
                &desk,
                telemetry,
                rules,
                Way {
                    reads: true,
                    ..Way::default()
                },
                Arc::clone(stop),
            )
            .await?;
            anyhow::Ok((running, service))
        })?;
        Ok(Self {
            runtime,
            running,
            service,
        })
    }

    fn stop(self) {
        self.runtime.block_on(async {
            self.service.stopped().await;
            self.running.stop().await;
        });
    }
}

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which part of the work this process does; `desk` is `tocsin desk`
    #[arg(long, value_enum, default_value = "all")]
    role: RoleChoice,
    /// Workers (threads) per role; overrides `kafka.workers`
    #[arg(long, value_name = "N")]
    workers: Option<u32>,
    /// Brokers; overrides `kafka.brokers`
    #[arg(long, value_name = "HOST:PORT,…")]
    brokers: Option<String>,
    /// Name of this process within the group; overrides `kafka.instance`
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
    /// Read a partition from its beginning when there is state of it, but no committed offset: what is still in the topic
    /// counts again
    #[arg(long)]
    accept_missing_offsets: bool,
}

/// Runs the command.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let mut options = global.load_options();
    if let Some(workers) = args.workers {
        options.set("kafka.workers", "--workers", i64::from(workers));
    }
    if let Some(brokers) = &args.brokers {
        options.set("kafka.brokers", "--brokers", brokers.as_str());
    }
    if let Some(instance) = &args.instance {
        options.set("kafka.instance", "--instance", instance.as_str());
    }
    let settings = Settings::load(&options)?;
    init_logs(&settings.log);
    if args.role == RoleChoice::Desk {
        return work(&settings);
    }
    log_panics_without_their_words();
    let Wishes { stop, reload } = listen_to_signals()?;
    let loaded = load(&settings.paths)?;
    let rules = Arc::clone(&loaded.rules);
    let feeds = settings.shared_feeds();
    anyhow::ensure!(
        args.role == RoleChoice::Correlate || !feeds.is_empty(),
        "no feed is configured: state [[feeds]], or set paths.feeds"
    );
    let telemetry = Telemetry::new(&settings, &feeds)?;
    telemetry.metrics.rule_set(&rules.version, wall_clock());
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
    let mut kafka = settings.kafka_settings();
    kafka.accept_missing_offsets = args.accept_missing_offsets;
    let context = WorkerContext {
        settings: Arc::new(kafka),
        names: Arc::new(settings.topic_names()),
        events: telemetry.clone(),
        stop,
    };
    check_topics(&settings, &context)?;
    let watcher = (args.role != RoleChoice::Correlate)
        .then(|| telemetry.watch())
        .transpose()?;
    let live = LiveRules::new(Edition {
        correlate: Arc::new(settings.correlate_config(Arc::clone(&rules.routing))),
        rules: Arc::clone(&rules),
    });
    let pools = start(args.role, &settings, &context, &telemetry, &feeds, &live);
    let desk = (settings.desk.enabled && args.role == RoleChoice::All)
        .then(|| {
            let clock = clock(&context.settings);
            DeskBeside::start(&settings, &telemetry, &live, &context.stop, clock)
        })
        .transpose()?;
    let reloader = Reloader::start(
        &settings,
        loaded,
        live,
        Arc::clone(&telemetry),
        reload,
        asks,
    )?;
    tracing::info!(
        brokers = settings.kafka.brokers,
        group = settings.kafka.group,
        instance = settings.kafka.instance,
        role = ?args.role,
        workers = settings.kafka.workers,
        rule_set = &*rules.version,
        feeds = feeds.len(),
        "running"
    );
    let code = finish(pools, &context, &telemetry);
    if let Some(desk) = desk {
        desk.stop();
    }
    drop((watcher, http, reloader));
    Ok(code)
}

/// Refuses topics with which a guarantee would not hold. A cluster that does not answer is waited for, as the workers would.
fn check_topics(settings: &Settings, context: &WorkerContext) -> anyhow::Result<()> {
    let plans = plan(&settings.topics, &settings.feeds);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    while !context.stop.load(Ordering::SeqCst) {
        match runtime.block_on(check(&context.settings, &plans)) {
            Ok(findings) => return refuse(&findings),
            Err(error) if error.is_final() => return Err(error.into()),
            Err(error) => tracing::warn!(%error, "topics cannot be checked yet"),
        }
        std::thread::sleep(CHECK_AGAIN);
    }
    Ok(())
}

fn refuse(findings: &[TopicFinding]) -> anyhow::Result<()> {
    use std::fmt::Write as _;
    let mut wrong = String::new();
    for finding in findings {
        let TopicFinding {
            topic,
            problem,
            help,
            ..
        } = finding;
        if finding.fatal {
            let _ = write!(wrong, "\n{topic}: {problem}\n  help: {help}");
        } else {
            tracing::warn!(topic, problem, help, "topic");
        }
    }
    anyhow::ensure!(
        wrong.is_empty(),
        "the topics are not as they have to be:{wrong}"
    );
    Ok(())
}

fn start(
    role: RoleChoice,
    settings: &Settings,
    context: &WorkerContext,
    telemetry: &Arc<Telemetry>,
    feeds: &[Arc<Feed>],
    live: &Arc<LiveRules>,
) -> Vec<Pool> {
    let mut pools = Vec::new();
    let workers = settings.kafka.workers;
    if role != RoleChoice::Correlate {
        telemetry.health.expect(Role::Detect.id(), workers);
        let (names, telemetry) = (Arc::clone(&context.names), Arc::clone(telemetry));
        let (live, feeds) = (Arc::clone(live), feeds.to_vec());
        let drills = settings.drills.drill_key().map(Arc::new);
        pools.push(Pool::start(context, Role::Detect, workers, move |_| {
            let (rules, telemetry) = (live.current().rules, Arc::clone(&telemetry));
            let stage = DetectStage::new(&names, rules, &feeds, telemetry)?;
            let stage = stage.following(Arc::clone(&live));
            Ok(stage.with_drill_key(drills.clone()))
        }));
    }
    if role != RoleChoice::Detect {
        telemetry.health.expect(Role::Correlate.id(), workers);
        let (names, telemetry) = (Arc::clone(&context.names), Arc::clone(telemetry));
        let live = Arc::clone(live);
        pools.push(Pool::start(
            context,
            Role::Correlate,
            workers,
            move |worker| {
                let config = live.current().correlate;
                let stage = CorrelateStage::new(&names, config, Arc::clone(&telemetry));
                Ok(stage.with_worker(worker).following(Arc::clone(&live)))
            },
        ));
    }
    pools
}

/// Waits for the wish to stop, then, bounded, for the workers.
fn finish(pools: Vec<Pool>, context: &WorkerContext, telemetry: &Telemetry) -> ExitCode {
    while !context.stop.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(50));
    }
    telemetry.health.stopping();
    tracing::info!("stopping");
    let began = std::time::Instant::now();
    while !pools.iter().all(Pool::is_finished) {
        if began.elapsed() > STOP_WITHIN {
            // What is open is aborted by the broker, and read again by whoever gets the partitions.
            tracing::warn!("workers did not end in time");
            return ExitCode::from(FAILED);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut code = ExitCode::SUCCESS;
    for pool in pools {
        if let Err(error) = pool.join() {
            tracing::error!(%error, "a worker could not go on");
            code = ExitCode::from(FAILED);
        }
    }
    tracing::info!(ms = began.elapsed().as_millis() as u64, "stopped");
    code
}

/// The words of a panic may quote the text of a report; where it happened is enough.
pub(super) fn log_panics_without_their_words() {
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string);
        let backtrace = std::backtrace::Backtrace::capture();
        tracing::error!(at, %backtrace, "panic: a defect of Tocsin");
    }));
}

/// What signals ask for.
#[derive(Clone, Default)]
pub(super) struct Wishes {
    /// Set by SIGTERM and SIGINT; a second one ends the process at once.
    pub(super) stop: Arc<AtomicBool>,
    /// Set by SIGHUP: read the rule set again.
    pub(super) reload: Arc<AtomicBool>,
}

pub(super) fn listen_to_signals() -> anyhow::Result<Wishes> {
    let wishes = Wishes::default();
    let Wishes { stop, reload } = wishes.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (ready, is_ready) = std::sync::mpsc::channel();
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            runtime.block_on(async move {
                use tokio::signal::unix::{SignalKind, signal};
                let streams = (
                    signal(SignalKind::terminate()),
                    signal(SignalKind::interrupt()),
                    signal(SignalKind::hangup()),
                );
                let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)) = streams else {
                    let _ = ready.send(false);
                    return;
                };
                let _ = ready.send(true);
                loop {
                    tokio::select! {
                        _ = terminate.recv() => {}
                        _ = interrupt.recv() => {}
                        _ = hangup.recv() => {
                            reload.store(true, Ordering::SeqCst);
                            continue;
                        }
                    }
                    if stop.swap(true, Ordering::SeqCst) {
                        std::process::exit(i32::from(FAILED));
                    }
                }
            });
        })?;
    anyhow::ensure!(
        is_ready.recv().unwrap_or(false),
        "cannot listen for signals"
    );
    Ok(wishes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fatal_findings_refuse_the_start() {
        let finding = |fatal| TopicFinding {
            topic: "tocsin.incidents".to_owned(),
            fatal,
            problem: "cleanup.policy is delete, not compact".to_owned(),
            help: "change it".to_owned(),
        };
        assert!(refuse(&[]).is_ok() && refuse(&[finding(false)]).is_ok());
        let why = refuse(&[finding(false), finding(true)])
            .expect_err("refused")
            .to_string();
        assert_eq!(why.matches("tocsin.incidents").count(), 1, "{why}");
    }
}
