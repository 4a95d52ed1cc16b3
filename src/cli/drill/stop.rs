//! `tocsin drill stop`: the end of a run before its end, and of everything that it sent.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::super::Global;
use super::command::RunsArg;
use super::key::NO_KEY;
use super::load::Here;
use crate::drill::{ABANDONED, Drill, scenario_of};

/// Longest wait for the process that runs the drill. It looks for the wish many times a second.
const ANSWER_WITHIN: Duration = Duration::from_secs(90);

/// Arguments of `drill stop`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Exercise id of the run
    exercise: String,
    /// Withdraw at once: the process that ran it is gone
    #[arg(long)]
    abandoned: bool,
    #[command(flatten)]
    runs: RunsArg,
}

pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let settings = global.settings()?;
    let runs = args.runs.open(&settings)?;
    let mut run = runs.load(&args.exercise)?;
    let mut out = std::io::stdout().lock();
    if run.withdrawn {
        writeln!(out, "{} has been withdrawn already", args.exercise)?;
        return Ok(ExitCode::SUCCESS);
    }
    if !run.finished && !args.abandoned {
        runs.ask_to_stop(&args.exercise)?;
        let began = Instant::now();
        while began.elapsed() < ANSWER_WITHIN && runs.age(&args.exercise) < ABANDONED {
            std::thread::sleep(Duration::from_millis(200));
            run = runs.load(&args.exercise)?;
            if run.finished && !run.withdrawn {
                // It came to its end before it saw the wish.
                break;
            }
            if run.withdrawn {
                writeln!(
                    out,
                    "{} is stopped, and its reports are withdrawn",
                    args.exercise
                )?;
                return Ok(ExitCode::SUCCESS);
            }
        }
        let why = if run.finished {
            "has come to its end"
        } else {
            "is run by nobody any more"
        };
        writeln!(out, "{} {why}: withdrawing what it sent", args.exercise)?;
    }
    let here = Here::load(settings, run.renamed.clone())?;
    let scenario = scenario_of(&run, &here.deployment())?;
    let (kafka, names) = (here.settings.kafka_settings(), here.settings.topic_names());
    let decisions = here.settings.topics.decisions();
    let drill = Drill {
        kafka: &kafka,
        names: &names,
        decisions: &decisions,
        key: Arc::new(here.settings.drills.drill_key().context(NO_KEY)?),
        runs: &runs,
        here: here.deployment(),
        scenario: &scenario,
        idle_lag_ms: kafka.idle_lag.as_millis() as i64,
    };
    drill.withdraw(&mut run)?;
    runs.forget_the_wish(&args.exercise);
    writeln!(
        out,
        "{} reports of {} are withdrawn",
        run.sent().len(),
        args.exercise
    )?;
    Ok(ExitCode::SUCCESS)
}
