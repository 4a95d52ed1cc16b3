//! `tocsin desk notifications`: what somebody outside the console was, is to be or was not told; dead messages tried again.
//!
//! Exit codes: 0; 1 when `retry` found nothing to try again.

use std::borrow::Cow;
use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::bail;
use uuid::Uuid;

use super::assess_page::width;
use super::drill::LangArg;
use super::{FAILED, escaped};
use crate::config::Settings;
use crate::core::model::Level;
use crate::core::notify::{Language, NoticeKind, kind_word, level_word};
use crate::core::obligation::{Actor, Role};
use crate::desk::notify::retry::retry;
use crate::desk::store::{NOTIFICATION_STATES, Notification, NotificationFilter};
use crate::telemetry::wall_clock;

/// Rows listed at most.
const MAX_LISTED: u32 = 10_000;

/// What to do with the log.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Print the log of notifications, newest first
    List {
        /// Only this state: pending, sent, dead, muted or skipped
        #[arg(long)]
        state: Option<String>,
        /// Only this receiver: webhook:NAME or email:NAME
        #[arg(long)]
        channel: Option<String>,
        /// Only this department
        #[arg(long)]
        department: Option<String>,
        /// Only this incident
        #[arg(long)]
        incident: Option<Uuid>,
        /// Rows at most
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_LISTED)))]
        limit: u32,
        /// Language of the text
        #[arg(long, value_enum, default_value_t, value_name = "LANG")]
        lang: LangArg,
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Try dead messages again, with the same Idempotency-Key
    Retry {
        /// Only this receiver
        #[arg(long)]
        channel: Option<String>,
        /// Only this message
        #[arg(long)]
        message: Option<Uuid>,
        /// All of them
        #[arg(long, conflicts_with_all = ["channel", "message"])]
        all: bool,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

/// Does it.
pub(super) async fn run(settings: &Settings, command: &Command) -> anyhow::Result<ExitCode> {
    let store = super::desk_store::open_existing(settings).await?;
    let mut out = io::stdout().lock();
    match command {
        Command::List {
            state,
            channel,
            department,
            incident,
            limit,
            lang,
            json,
        } => {
            if let Some(state) = state
                && !NOTIFICATION_STATES.contains(&state.as_str())
            {
                bail!(
                    "`{state}` is no state: it is one of {}",
                    NOTIFICATION_STATES.join(", ")
                );
            }
            let filter = NotificationFilter {
                state: state.clone(),
                channel: channel.clone(),
                department: department.clone(),
                incident: *incident,
                after: None,
            };
            for row in store.notifications(&filter, *limit).await? {
                if *json {
                    writeln!(out, "{}", serde_json::to_string(&row)?)?;
                } else {
                    writeln!(out, "{}", line(&row, (*lang).into()))?;
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Retry {
            channel,
            message,
            all,
            json,
        } => {
            if channel.is_none() && message.is_none() && !all {
                bail!("say which: --channel NAME, --message ID, or --all");
            }
            let which = (channel.as_deref(), *message);
            let by = Actor::new("-", Role::Operator);
            let mut writing = store.write(None).await?;
            let (retried, _) = retry(&mut writing, which, &by, wall_clock()).await?;
            writing.commit().await?;
            if *json {
                writeln!(out, "{}", serde_json::json!({"retried": retried}))?;
            } else {
                writeln!(out, "{retried} notices are tried again")?;
            }
            Ok(if retried == 0 {
                ExitCode::from(FAILED)
            } else {
                ExitCode::SUCCESS
            })
        }
    }
}

/// One row. Ids, times and what a receiver answered are as they are.
fn line(row: &Notification, language: Language) -> String {
    let reason = row.reason.as_deref().unwrap_or_default();
    let text = format!(
        "{}  {}  {:<20}  {}  {}  {:<16}  {}  {}  {}",
        row.created_at,
        filled(state_word(&row.state, language), 7),
        row.channel,
        filled(&kind(&row.kind, language), 16),
        filled(level(row.level, language), 6),
        row.department,
        row.incident,
        row.message,
        reason_words(reason, language),
    );
    escaped(text.trim_end())
}

/// Filled up to so many columns.
fn filled(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// In English as `--state` takes it.
fn state_word(state: &str, language: Language) -> &str {
    match (language, state) {
        (Language::Zh, "pending") => "待发送",
        (Language::Zh, "sent") => "已发送",
        (Language::Zh, "dead") => "未送达",
        (Language::Zh, "muted") => "已静默",
        (Language::Zh, "skipped") => "已略过",
        _ => state,
    }
}

fn kind(id: &str, language: Language) -> Cow<'_, str> {
    let known = serde_json::from_value::<NoticeKind>(id.into());
    match (language, known) {
        (Language::Zh, Ok(kind)) => kind_word(kind, language).into(),
        _ => id.into(),
    }
}

fn level(level: Option<Level>, language: Language) -> &'static str {
    match (language, level) {
        (_, None) => "-",
        (Language::En, Some(level)) => level.id(),
        (Language::Zh, Some(level)) => level_word(level, language),
    }
}

/// The desk's own reasons in the language; a receiver's answer stays what it was.
fn reason_words(reason: &str, language: Language) -> Cow<'_, str> {
    if language == Language::En {
        return reason.into();
    }
    if let Some(id) = reason.strip_prefix("silence ") {
        return format!("静默 {id}").into();
    }
    if let Some(incident) = reason.strip_prefix("inhibited by incident ") {
        return format!("被事件 {incident} 抑制").into();
    }
    match reason {
        "too old to be news" => "时间已久，不作为新消息发送".into(),
        "too many wait for this receiver" => "该接收方待发送过多".into(),
        "cannot connect" => "无法连接".into(),
        "no answer in time" => "未在时限内应答".into(),
        _ => reason.into(),
    }
}
