//! `tocsin desk silence list|add|end`: who is not told, from the machine that the desk runs on.
//!
//! Invariant: it writes beside a running desk, in one transaction with the audit event, as the operator; red it never covers.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::MISUSED;
use super::desk::silence_limits;
use super::desk_store::open_store;
use crate::config::Settings;
use crate::core::model::{Hazard, Level, Millis, Status};
use crate::core::mute::{Matchers, Silence, Wish};
use crate::core::obligation::{Actor, Role};
use crate::desk::silences::{create, end, known_names};
use crate::desk::{DeskError, Store};
use crate::telemetry::wall_clock;

const HOUR: i64 = 3_600_000;

/// What to do with silences.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List silences, the first to end first
    List(List),
    /// Silence notifications: all that is given has to hold; red is heard
    Add(Add),
    /// End a silence before its time
    End(End),
}

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Those that are over too
    #[arg(long)]
    all: bool,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Arguments of `add`.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// Incidents that this rule, and no other, has found
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    /// Of this hazard
    #[arg(long, value_name = "HAZARD", value_parser = hazard)]
    hazard: Option<Hazard>,
    /// At this place or within it
    #[arg(long, value_name = "CODE")]
    place: Option<String>,
    /// What this department would be told
    #[arg(long, value_name = "ID")]
    department: Option<String>,
    /// At this level or a lower one: blue, yellow or orange
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    level: Option<Level>,
    /// actual, exercise or test
    #[arg(long, value_name = "STATUS", default_value = "actual", value_parser = status)]
    status: Status,
    /// For so many hours from now
    #[arg(long, value_name = "N")]
    hours: u32,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Arguments of `end`.
#[derive(Debug, clap::Args)]
pub(super) struct End {
    /// Id of the silence
    #[arg(value_name = "ID")]
    silence: Uuid,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn hazard(text: &str) -> Result<Hazard, String> {
    text.parse()
        .map_err(|_| "there is no such hazard: `tocsin schema` lists them".to_owned())
}

fn level(text: &str) -> Result<Level, String> {
    [Level::Blue, Level::Yellow, Level::Orange]
        .into_iter()
        .find(|level| level.id() == text)
        .ok_or_else(|| "levels are blue, yellow, orange; red is silenced in the console".to_owned())
}

fn status(text: &str) -> Result<Status, String> {
    Status::ALL
        .into_iter()
        .find(|status| status.id() == text)
        .ok_or_else(|| "statuses are actual, exercise, test".to_owned())
}

/// Who acts with this command.
fn operator() -> Actor {
    Actor::new("-", Role::Operator)
}

/// Runs the command.
pub(super) async fn run(settings: &Settings, command: &Command) -> anyhow::Result<ExitCode> {
    let now = wall_clock();
    match command {
        Command::List(list) => listed(&open(settings).await?, list, now).await,
        Command::Add(add) => added(settings, add, now).await,
        Command::End(end) => ended(&open(settings).await?, end, now).await,
    }
}

async fn open(settings: &Settings) -> anyhow::Result<Store> {
    // A command does not wait for a database: it says that there is none.
    open_store(settings, &|| true).await
}

/// Wrong usage is told as such; what the store says is a failure.
fn misused(error: &dyn std::fmt::Display) -> ExitCode {
    // Standard error is the last place to complain to.
    let _ = writeln!(std::io::stderr(), "error: {error}");
    ExitCode::from(MISUSED)
}

fn refused(error: DeskError) -> anyhow::Result<ExitCode> {
    match error {
        DeskError::Refused(_) | DeskError::NoSilence(_) => Ok(misused(&error)),
        error => Err(error.into()),
    }
}

async fn listed(store: &Store, list: &List, now: Millis) -> anyhow::Result<ExitCode> {
    let all = store.silences(list.all).await?;
    let mut out = std::io::stdout().lock();
    for silence in &all {
        if list.json {
            writeln!(out, "{}", shown(silence, now)?)?;
        } else {
            writeln!(out, "{}", line(silence, now))?;
        }
    }
    if all.is_empty() && !list.json {
        let _ = writeln!(std::io::stderr(), "nothing is silenced");
    }
    Ok(ExitCode::SUCCESS)
}

fn shown(silence: &Silence, now: Millis) -> anyhow::Result<serde_json::Value> {
    let mut shown = serde_json::to_value(silence)?;
    shown["standing"] = json!(silence.standing(now));
    Ok(shown)
}

/// `ID  standing  until …  what  “why”`.
fn line(silence: &Silence, now: Millis) -> String {
    let it = &silence.matchers;
    let parts = [
        it.rule.as_ref().map(|id| format!("rule={id}")),
        it.hazard.map(|hazard| format!("hazard={}", hazard.id())),
        it.place.as_ref().map(|code| format!("place={code}")),
        it.department.as_ref().map(|id| format!("department={id}")),
        it.level.map(|level| format!("level<={}", level.id())),
        (it.status != Status::Actual).then(|| format!("status={}", it.status.id())),
    ];
    let what: Vec<String> = parts.into_iter().flatten().collect();
    format!(
        "{}  {}  until {}  {}  {}",
        silence.id,
        silence.standing(now).id(),
        silence.ends,
        what.join(" "),
        silence.reason.replace(char::is_control, " ")
    )
}

async fn added(settings: &Settings, add: &Add, now: Millis) -> anyhow::Result<ExitCode> {
    let wish = Wish {
        matchers: Matchers {
            status: add.status,
            rule: add.rule.as_deref().map(Arc::from),
            hazard: add.hazard,
            place: add.place.as_deref().map(Arc::from),
            department: add.department.as_deref().map(Arc::from),
            level: add.level,
        },
        starts: None,
        ends: now.plus(i64::from(add.hours) * HOUR),
        reason: add.reason.clone(),
        covers_red: false,
    };
    let rules = super::reload::load(&settings.paths)?.rules;
    if let Err((field, why)) = known_names(&rules, &wish.matchers) {
        return Ok(misused(&format!("--{field}: {why}")));
    }
    let store = open(settings).await?;
    let mut writing = store.write(None).await?;
    let made = create(
        &mut writing,
        &wish,
        &operator(),
        now,
        silence_limits(settings),
    )
    .await;
    let silence = match made {
        Ok((silence, _)) => silence,
        Err(error) => return refused(error),
    };
    writing.commit().await?;
    told(&silence, now, add.json)
}

async fn ended(store: &Store, args: &End, now: Millis) -> anyhow::Result<ExitCode> {
    let mut writing = store.write(None).await?;
    let done = end(
        &mut writing,
        args.silence,
        &operator(),
        None,
        &args.reason,
        now,
    )
    .await;
    let silence = match done {
        Ok((silence, _)) => silence,
        Err(error) => return refused(error),
    };
    writing.commit().await?;
    told(&silence, now, args.json)
}

fn told(silence: &Silence, now: Millis, json: bool) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", shown(silence, now)?)?;
    } else {
        writeln!(out, "{}", line(silence, now))?;
    }
    Ok(ExitCode::SUCCESS)
}
