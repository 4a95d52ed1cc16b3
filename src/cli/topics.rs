//! `tocsin topics`: makes Tocsin's topics, or says what is wrong with those there are.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use super::{FAILED, Global};
use crate::config::{ConfigErrors, Settings, load_routing};
use crate::kafka::topics::{TopicPlan, check, create, desk_plan, plan};

/// Arguments of `topics`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make the topics that are not there; change none that are
    Create {
        /// Make the feeds' topics too
        #[arg(long)]
        feeds: bool,
        /// Print one JSON array
        #[arg(long)]
        json: bool,
    },
    /// Name everything that is wrong: missing topics, partitions, compaction, retention, record size
    Check {
        /// Print one JSON array
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let settings = global.settings()?;
    let plans = plans(&settings)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match args.command {
        Command::Create { feeds, json } => {
            let plans: Vec<TopicPlan> = plans.into_iter().filter(|p| feeds || !p.feed).collect();
            runtime.block_on(make(&settings, &plans, json))
        }
        Command::Check { json } => runtime.block_on(look(&settings, &plans, json)),
    }
}

/// Every topic of a deployment: the workers', the desk's, and the feeds' last.
pub(super) fn plans(settings: &Settings) -> Result<Vec<TopicPlan>, ConfigErrors> {
    let mut plans = plan(&settings.topics, &settings.feeds);
    let routing = load_routing(&settings.paths)?;
    let departments: Vec<_> = routing.all().iter().map(|it| Arc::clone(&it.id)).collect();
    let own = plans.iter().take_while(|plan| !plan.feed).count();
    plans.splice(own..own, desk_plan(&settings.topics, &departments));
    Ok(plans)
}

async fn make(settings: &Settings, plans: &[TopicPlan], json: bool) -> anyhow::Result<ExitCode> {
    let kafka = settings.kafka_settings();
    let made = create(&kafka, plans, settings.topics.replication).await?;
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&made)?)?;
    } else {
        for topic in &made {
            let error = topic.error.as_deref().unwrap_or_default();
            writeln!(out, "{:<8} {} {error}", topic.result, topic.topic)?;
        }
    }
    let failed = made.iter().any(|topic| topic.error.is_some());
    Ok(if failed {
        ExitCode::from(FAILED)
    } else {
        ExitCode::SUCCESS
    })
}

async fn look(settings: &Settings, plans: &[TopicPlan], json: bool) -> anyhow::Result<ExitCode> {
    let findings = check(&settings.kafka_settings(), plans).await?;
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&findings)?)?;
    } else {
        for finding in &findings {
            let gravity = if finding.fatal { "error" } else { "warning" };
            writeln!(out, "{gravity}: {}: {}", finding.topic, finding.problem)?;
            writeln!(out, "  help: {}", finding.help)?;
        }
        if findings.is_empty() {
            writeln!(out, "{} topics are as they should be", plans.len())?;
        }
    }
    let fatal = findings.iter().any(|finding| finding.fatal);
    Ok(if fatal {
        ExitCode::from(FAILED)
    } else {
        ExitCode::SUCCESS
    })
}
