//! `tocsin drill run`: the scenario's reports through the real feeds.
//!
//! Exit codes: 0 passed, 1 not passed, stopped or unanswered, 2 a scenario or configuration that cannot be read.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::super::{FAILED, Global};
use super::check::LangArg;
use super::command::RunsArg;
use super::key::NO_KEY;
use super::load::{Here, renaming, source};
use super::report::json as report_json;
use crate::config::DrillClock;
use crate::core::diagnostic::SourceFile;
use crate::core::drill::{Observed, RunInfo, Scenario, Simulated, encode, schedule};
use crate::core::model::Millis;
use crate::drill::{
    Drill, DrillError, Ended, Judged, MAX_SPEED, Progress, RUN_VERSION, RunFile, judge, run_id,
    stamp,
};
use crate::telemetry::{init_command_logs, wall_clock};

/// Arguments of `drill run`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Scenario file, or name of a shipped scenario
    scenario: String,
    /// Exercise id; used once. Default: the scenario's id and the time
    #[arg(long, value_name = "ID")]
    exercise: Option<String>,
    /// Seed of the wording
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many times faster than written the script runs, 1 or more
    #[arg(long, default_value_t = 1.0, value_name = "TIMES")]
    speed: f64,
    /// A feed of the scenario that is another one here
    #[arg(long, value_name = "NAME=ID", value_parser = renaming)]
    feed: Vec<(String, String)>,
    /// Print the records as JSON lines, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the report as one JSON object
    #[arg(long)]
    json: bool,
    /// Language of the report
    #[arg(long, value_enum, default_value = "en")]
    lang: LangArg,
    #[command(flatten)]
    runs: RunsArg,
}

pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        (1.0..=MAX_SPEED).contains(&args.speed),
        "--speed is from 1 to {MAX_SPEED}"
    );
    let renamed = args.feed.iter().cloned().collect();
    let here = Here::load(global.settings()?, renamed)?;
    init_command_logs(&here.settings.log);
    let file = source(&args.scenario, &here.settings)?;
    let (scenario, _) = here.scenario(&file)?;
    let records_clock = here.settings.drills.clock == DrillClock::Records;
    let info = info(args, &scenario, &here, records_clock)?;
    if args.dry_run {
        let all = schedule(&scenario, &here.deployment(), args.seed, &info.exercise);
        return dry_run(&all, info.started);
    }
    let runs = args.runs.open(&here.settings)?;
    if runs.has(&info.exercise) {
        return Err(DrillError::Again(info.exercise).into());
    }
    let key = here.settings.drills.drill_key().context(NO_KEY)?;
    let (kafka, names) = (here.settings.kafka_settings(), here.settings.topic_names());
    let decisions = here.settings.topics.decisions();
    let drill = Drill {
        kafka: &kafka,
        names: &names,
        decisions: &decisions,
        key: Arc::new(key),
        runs: &runs,
        here: here.deployment(),
        scenario: &scenario,
        idle_lag_ms: kafka.idle_lag.as_millis() as i64,
    };
    let mut run = run_file(&file, &here, info);
    let mut progress = Shown::new(args, &scenario, &drill, &run)?;
    let ended = drill.run(&mut run, &mut progress);
    progress.bar.finish_and_clear();
    let ended = match ended {
        Ok(ended) => ended,
        Err(error) => return failed(&drill, &mut run, error),
    };
    let judged = judge(&here.deployment(), &runs, &run)?;
    end(args, ended, &judged)
}

fn info(
    args: &Args,
    scenario: &Scenario,
    here: &Here,
    records_clock: bool,
) -> anyhow::Result<RunInfo> {
    let now = wall_clock();
    let exercise = match &args.exercise {
        Some(id) => id.clone(),
        None => format!("{}-{}", scenario.id, stamp(now)),
    };
    run_id(&exercise)?;
    let lag = i64::try_from(here.settings.incident.idle_lag_s).unwrap_or(0) * 1_000;
    let started = if records_clock {
        // The end of the script, and what idle partitions lag behind it, must lie in the past.
        now.plus(-(scenario.lasts + lag + 1_000))
    } else {
        now
    };
    Ok(RunInfo {
        exercise,
        seed: args.seed,
        started,
        ended: started,
        speed: if records_clock { 1.0 } else { args.speed },
        records_clock,
        stopped: false,
        rule_set: here.set.version.to_string(),
    })
}

/// A drill that cannot go on leaves nothing behind, if that can be had; else it says what is left to do.
fn failed(drill: &Drill<'_>, run: &mut RunFile, error: DrillError) -> anyhow::Result<ExitCode> {
    let id = run.run.exercise.clone();
    if !drill.runs.has(&id) {
        // Nothing was sent.
        return Err(error.into());
    }
    let left = match drill.withdraw(run) {
        Ok(()) => "every report that was sent has been withdrawn".to_owned(),
        Err(_) => format!(
            "what was sent is not withdrawn: `tocsin drill stop {id} --abandoned` does that when the cause is mended"
        ),
    };
    Err(anyhow::Error::from(error).context(format!("the drill {id} could not go on; {left}")))
}

fn run_file(file: &SourceFile, here: &Here, run: RunInfo) -> RunFile {
    RunFile {
        v: RUN_VERSION,
        file: file.name.clone(),
        scenario: file.text.clone(),
        renamed: here.renamed.clone(),
        holder: None,
        run,
        finished: false,
        withdrawn: false,
        seen: Observed::default(),
    }
}

fn dry_run(all: &[Simulated], started: Millis) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    for one in all {
        let bytes = encode(&one.feed, &one.report, started.plus(one.at))
            .map_err(|why| anyhow::anyhow!("a report of feed {} {why}", one.feed.id))?;
        let line = json!({
            "at_ms": one.at, "feed": one.feed.id, "topic": one.feed.topic, "step": one.step, "noise": one.noise,
            "report": one.report.id, "value": String::from_utf8_lossy(&bytes),
        });
        writeln!(out, "{line}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows how far the drill is; Ctrl-C stops it.
struct Shown {
    bar: ProgressBar,
    stop: Arc<AtomicBool>,
}

impl Shown {
    fn new(
        args: &Args,
        scenario: &Scenario,
        drill: &Drill<'_>,
        run: &RunFile,
    ) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        listen(&stop)?;
        let all = schedule(scenario, &drill.here, args.seed, &run.run.exercise);
        let bar = if io::stderr().is_terminal() {
            ProgressBar::new(scenario.lasts.unsigned_abs() / 1_000)
        } else {
            ProgressBar::hidden()
        };
        bar.set_style(
            ProgressStyle::with_template("{bar:40} {percent:>3} % of the script  {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        let mut err = io::stderr().lock();
        writeln!(
            err,
            "exercise {}: {} simulated reports; Ctrl-C or `tocsin drill stop {0}` stops it and withdraws them",
            run.run.exercise,
            all.len()
        )?;
        Ok(Self { bar, stop })
    }
}

impl Progress for Shown {
    fn at(&mut self, sent: usize, script_ms: i64, detections: usize, alerts: usize) {
        self.bar.set_position(script_ms.unsigned_abs() / 1_000);
        self.bar.set_message(format!(
            "{sent} sent, {detections} detections, {alerts} alerts"
        ));
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

/// Ctrl-C, a request to end and a terminal that goes away stop the drill alike: none may leave its reports behind.
fn listen(stop: &Arc<AtomicBool>) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let stop = Arc::clone(stop);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let kinds = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ];
    let mut signals = {
        let _inside = runtime.enter();
        let signals = kinds.map(signal).into_iter();
        signals.collect::<Result<Vec<_>, _>>()?
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                let any = signals.iter_mut().map(|signal| Box::pin(signal.recv()));
                futures_util::future::select_all(any).await;
                stop.store(true, Ordering::SeqCst);
            });
        })?;
    Ok(())
}

fn end(args: &Args, ended: Ended, judged: &Judged) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", report_json(judged)?)?;
    } else {
        write!(out, "{}", judged.markdown(args.lang.into()))?;
    }
    drop(out);
    let mut err = io::stderr().lock();
    match ended {
        Ended::Finished => {}
        Ended::Stopped => writeln!(
            err,
            "stopped; every report that was sent has been withdrawn"
        )?,
        Ended::Unanswered => writeln!(
            err,
            "not everything that was sent has been worked on: is `tocsin run` running, with the same drill key?"
        )?,
    }
    let good = ended == Ended::Finished && judged.report.passed;
    Ok(ExitCode::from(if good { 0 } else { FAILED }))
}
