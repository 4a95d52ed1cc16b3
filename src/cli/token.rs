//! `tocsin token create|list|revoke`: who may ask the desk.
//!
//! Invariant: a token's text is printed once, by `create`, on standard output alone, so that it can be piped into a secret store.

use std::io::Write as _;
use std::process::ExitCode;

use serde_json::json;

use super::{Global, MISUSED};
use crate::config::Settings;
use crate::core::model::Millis;
use crate::core::obligation::{Actor, Role};
use crate::desk::http::token::{DEFAULT_DAYS, MAX_DAYS, NewToken, Token, TokenError};
use crate::desk::http::tokens::Tokens;
use crate::telemetry::wall_clock;

/// Who acts with this command.
fn operator() -> Actor {
    Actor::new("-", Role::Operator)
}

/// Arguments of `token`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a token; its text is shown once
    Create(Create),
    /// List tokens, without their texts
    List(List),
    /// Take a token back; its sessions end
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
struct Create {
    /// Name of the account, as the audit log will call it
    #[arg(long, value_name = "NAME")]
    name: String,
    /// read_only, analyst, officer, coordinator or operator
    #[arg(long, value_name = "ROLE", value_parser = role)]
    role: Role,
    /// Department: an officer's; a read-only token may have one
    #[arg(long, value_name = "ID")]
    department: Option<String>,
    /// Days until it ends, 1 to 400
    #[arg(long, value_name = "N", default_value_t = DEFAULT_DAYS)]
    days: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct List {
    /// Those that have expired or were revoked too
    #[arg(long)]
    all: bool,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Revoke {
    /// Id, or name while it is live
    #[arg(value_name = "ID|NAME")]
    token: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn role(text: &str) -> Result<Role, String> {
    let known = || {
        Role::ALL
            .iter()
            .map(|role| role.id())
            .collect::<Vec<_>>()
            .join(", ")
    };
    Role::from_id(&text.replace('-', "_")).ok_or_else(|| format!("roles are {}", known()))
}

/// Runs the command.
pub fn run(args: Args, global: &Global) -> anyhow::Result<ExitCode> {
    let settings = global.settings()?;
    crate::telemetry::init_logs(&settings.log);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let now = wall_clock();
        match args.command {
            Command::Create(create) => made(&settings, create, now).await,
            Command::List(list) => listed(&settings, &list, now).await,
            Command::Revoke(revoke) => revoked(&settings, &revoke, now).await,
        }
    })
}

async fn tokens(settings: &Settings) -> anyhow::Result<Tokens> {
    // A command does not wait for a database: it says that there is none.
    let store = super::desk_store::open_store(settings, &|| true).await?;
    Ok(Tokens::new(store))
}

/// Wrong usage is told as such; what the store says is a failure.
fn misused(error: TokenError) -> anyhow::Result<ExitCode> {
    match error {
        TokenError::Field { .. }
        | TokenError::Taken(_)
        | TokenError::NotFound
        | TokenError::TooMany => {
            // Standard error is the last place to complain to.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            Ok(ExitCode::from(MISUSED))
        }
        error => Err(error.into()),
    }
}

async fn made(settings: &Settings, create: Create, now: Millis) -> anyhow::Result<ExitCode> {
    let wish = NewToken {
        name: create.name,
        role: create.role,
        department: create.department,
        days: create.days.min(MAX_DAYS + 1),
    };
    let departments = super::reload::load(&settings.paths)?.rules;
    if let Err(error) = wish.check(|id| departments.routing.get(id).is_some()) {
        return misused(error);
    }
    let (token, text) = match tokens(settings)
        .await?
        .create(&wish, &operator(), now)
        .await
    {
        Ok(made) => made,
        Err(error) => return misused(error),
    };
    let mut out = std::io::stdout().lock();
    if create.json {
        let mut shown = serde_json::to_value(&token)?;
        shown["token"] = json!(text.expose());
        writeln!(out, "{shown}")?;
    } else {
        let mut err = std::io::stderr().lock();
        let _ = writeln!(
            err,
            "token of {} ({}), id {}, until {}; it is shown this once:",
            token.name,
            token.role.id(),
            token.id,
            token.expires_at
        );
        writeln!(out, "{}", text.expose())?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn listed(settings: &Settings, list: &List, now: Millis) -> anyhow::Result<ExitCode> {
    let all = tokens(settings).await?.list(list.all, now).await?;
    let mut out = std::io::stdout().lock();
    if list.json {
        for token in &all {
            let mut shown = serde_json::to_value(token)?;
            shown["standing"] = json!(token.standing(now));
            writeln!(out, "{shown}")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if all.is_empty() {
        let _ = writeln!(
            std::io::stderr(),
            "no token: make one with `tocsin token create --role ROLE --name NAME`"
        );
        return Ok(ExitCode::SUCCESS);
    }
    write!(out, "{}", table(&all, now))?;
    Ok(ExitCode::SUCCESS)
}

/// Columns of equal width.
fn table(all: &[Token], now: Millis) -> String {
    let head = [
        "ID",
        "NAME",
        "ROLE",
        "DEPARTMENT",
        "STANDING",
        "EXPIRES",
        "LAST USED",
    ]
    .map(str::to_owned);
    let rows = all.iter().map(|token| {
        [
            token.id.clone(),
            token.name.clone(),
            token.role.id().to_owned(),
            token.department.as_deref().unwrap_or("-").to_owned(),
            token.standing(now).to_owned(),
            token.expires_at.to_string(),
            token
                .last_used_at
                .map_or_else(|| "never".to_owned(), |at| at.to_string()),
        ]
    });
    let rows: Vec<[String; 7]> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..7).map(width).collect();
    let mut out = String::new();
    for row in &rows {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        let line: Vec<String> = cells.collect();
        out.push_str(line.join("  ").trim_end());
        out.push('\n');
    }
    out
}

async fn revoked(settings: &Settings, revoke: &Revoke, now: Millis) -> anyhow::Result<ExitCode> {
    let token = match tokens(settings)
        .await?
        .revoke(&revoke.token, &operator(), now)
        .await
    {
        Ok(token) => token,
        Err(error) => return misused(error),
    };
    let mut out = std::io::stdout().lock();
    if revoke.json {
        writeln!(out, "{}", serde_json::to_value(&token)?)?;
    } else {
        writeln!(out, "revoked {} ({})", token.name, token.id)?;
    }
    Ok(ExitCode::SUCCESS)
}
