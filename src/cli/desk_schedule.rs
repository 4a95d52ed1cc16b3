//! `tocsin desk schedule`: what `[notify]` and the departments' table mean, in words.
//!
//! Exit codes: 0, 1 when they do not fit each other.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;

use super::FAILED;
use super::desk_schedule_text::{cap, hours, text};
use crate::config::{Settings, load_routing};
use crate::core::model::{Hazard, Level, Status};
use crate::core::notify::{Facts, Language, NoticeKind, Planner};
use crate::core::route::{Deadline, Department, Routing};
use crate::desk::notify::setup;

#[derive(Serialize)]
pub(super) struct Shown {
    pub(super) enabled: bool,
    pub(super) problems: Vec<String>,
    pub(super) departments: Vec<ShownDepartment>,
    pub(super) receivers: BTreeMap<String, ShownReceiver>,
    pub(super) attempts: u32,
    pub(super) gives_up_after_s: i64,
    pub(super) stale_minutes: u32,
    pub(super) cap: Option<String>,
    #[serde(skip)]
    pub(super) cap_zh: Option<String>,
}

#[derive(Serialize)]
pub(super) struct ShownReceiver {
    pub(super) to: Vec<String>,
    pub(super) group_wait_s: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) digest: Option<ShownDigest>,
}

#[derive(Serialize)]
pub(super) struct ShownDigest {
    pub(super) minutes: i64,
    pub(super) below: Level,
}

#[derive(Serialize)]
pub(super) struct ShownDepartment {
    pub(super) id: Arc<str>,
    pub(super) name_en: String,
    pub(super) name_zh: String,
    pub(super) topic: String,
    pub(super) hours: String,
    #[serde(skip)]
    pub(super) hours_zh: String,
    pub(super) offices: Vec<&'static str>,
    pub(super) deadlines: BTreeMap<&'static str, ShownDeadline>,
    pub(super) notified: Vec<ShownLevel>,
}

#[derive(Serialize)]
pub(super) struct ShownDeadline {
    pub(super) acknowledge_s: u64,
    pub(super) dispose_s: u64,
}

#[derive(Serialize)]
pub(super) struct ShownLevel {
    pub(super) level: Level,
    pub(super) channels: Vec<ShownChannel>,
}

#[derive(Serialize)]
pub(super) struct ShownChannel {
    pub(super) channel: Arc<str>,
    pub(super) at_once: Vec<NoticeKind>,
    pub(super) in_digest: Vec<NoticeKind>,
    /// Of the hazards that the department may have to do with, those that go there; empty: all.
    pub(super) hazards: Vec<Hazard>,
}

/// Prints it.
pub(super) fn schedule(
    settings: &Settings,
    json: bool,
    lang: Language,
) -> anyhow::Result<ExitCode> {
    let routing = load_routing(&settings.paths)?;
    let shown = shown(settings, &routing);
    let failed = shown.enabled && !shown.problems.is_empty();
    let text = if json {
        serde_json::to_string_pretty(&shown)? + "\n"
    } else {
        text(&shown, lang)
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(if failed {
        ExitCode::from(FAILED)
    } else {
        ExitCode::SUCCESS
    })
}

fn shown(settings: &Settings, routing: &Routing) -> Shown {
    let notify = &settings.notify;
    let planner = setup::planner(notify);
    let problems = notify.against(routing);
    let addresses = |name: &str| match name.split_once(':') {
        Some(("webhook", name)) => notify
            .webhooks
            .get(name)
            .map(|it| vec![origin(it.url.expose())]),
        Some((_, name)) => notify.emails.get(name).map(|it| it.to.clone()),
        None => None,
    };
    let receivers = planner.receivers.iter().map(|(name, it)| {
        let receiver = ShownReceiver {
            to: addresses(name).unwrap_or_default(),
            group_wait_s: it.group_wait_ms / 1_000,
            digest: it.digest.map(|digest| ShownDigest {
                minutes: digest.every_ms / 60_000,
                below: digest.below,
            }),
        };
        (name.to_string(), receiver)
    });
    let feed = &notify.cap;
    let cap = |lang| {
        feed.enabled
            .then(|| cap(feed.public, feed.recent_hours, lang))
    };
    Shown {
        enabled: notify.enabled,
        problems: problems
            .into_iter()
            .map(|(key, why)| format!("{key}: {why}"))
            .collect(),
        departments: routing
            .all()
            .iter()
            .map(|it| department(it, settings, routing, &planner))
            .collect(),
        receivers: receivers.collect(),
        attempts: notify.attempts,
        gives_up_after_s: setup::backoff(notify).whole() / 1_000,
        stale_minutes: notify.stale_minutes,
        cap: cap(Language::En),
        cap_zh: cap(Language::Zh),
    }
}

/// Scheme, host and port: what follows may be a key.
fn origin(url: &str) -> String {
    let parsed = reqwest::Url::parse(url);
    parsed.map_or_else(
        |_| "no address".to_owned(),
        |url| format!("{}/…", url.origin().ascii_serialization()),
    )
}

fn department(
    it: &Department,
    settings: &Settings,
    routing: &Routing,
    planner: &Planner,
) -> ShownDepartment {
    let tiers = it.tiers.iter().map(|tier| tier.id());
    let deadline = |(level, it): (Level, &Deadline)| {
        let shown = ShownDeadline {
            acknowledge_s: it.acknowledge_s,
            dispose_s: it.dispose_s,
        };
        (level.id(), shown)
    };
    ShownDepartment {
        id: Arc::clone(&it.id),
        name_en: it.names.en.clone(),
        name_zh: it.names.zh.clone(),
        topic: settings.topics.department(&it.id),
        hours: hours(it.hours.as_ref(), Language::En),
        hours_zh: hours(it.hours.as_ref(), Language::Zh),
        offices: tiers.chain(["coordinators"]).collect(),
        deadlines: Level::ALL
            .into_iter()
            .zip(&it.deadlines)
            .map(deadline)
            .collect(),
        notified: Level::ALL
            .into_iter()
            .map(|level| level_of(it, level, routing, planner))
            .collect(),
    }
}

/// Where the notices of one level go, over every hazard and kind; offices are the lowest, except for what goes to the next one.
fn level_of(it: &Department, level: Level, routing: &Routing, planner: &Planner) -> ShownLevel {
    let mut found: BTreeMap<Arc<str>, BTreeMap<NoticeKind, BTreeSet<Hazard>>> = BTreeMap::new();
    let concerned: Vec<Hazard> = Hazard::ALL
        .iter()
        .copied()
        .filter(|hazard| {
            let supports = it.supports.iter().any(|support| support.hazard == *hazard);
            it.duty || supports || it.leads.contains(hazard)
        })
        .collect();
    let offices: Vec<_> = it.tiers.iter().map(|tier| Some((*tier).into())).collect();
    for hazard in &concerned {
        for kind in NoticeKind::ALL {
            let offices = if offices.is_empty() {
                &[None][..]
            } else {
                &offices
            };
            for office in offices {
                let facts = Facts {
                    department: &it.id,
                    office: *office,
                    level,
                    hazard: *hazard,
                    kind: *kind,
                    status: Status::Actual,
                };
                let known = |name: &str| planner.receivers.contains_key(name);
                for channel in planner.routes.channels(&facts, routing, known) {
                    let kinds = found.entry(channel).or_default();
                    kinds.entry(*kind).or_default().insert(*hazard);
                }
            }
        }
    }
    let channels = found.into_iter().flat_map(|(channel, kinds)| {
        // Kinds that go there for the same hazards are told together.
        let mut by_hazards: BTreeMap<BTreeSet<Hazard>, Vec<NoticeKind>> = BTreeMap::new();
        for (kind, hazards) in kinds {
            by_hazards.entry(hazards).or_default().push(kind);
        }
        let whole = concerned.len();
        let receiver = planner.receivers.get(&channel);
        by_hazards
            .into_iter()
            .map(|(hazards, kinds)| {
                let waits = |kind: &NoticeKind| {
                    receiver.is_some_and(|it| it.digests(*kind, level).is_some())
                };
                let (in_digest, at_once) = kinds.into_iter().partition(waits);
                let all = hazards.len() == whole;
                ShownChannel {
                    channel: Arc::clone(&channel),
                    at_once,
                    in_digest,
                    hazards: if all {
                        Vec::new()
                    } else {
                        hazards.into_iter().collect()
                    },
                }
            })
            .collect::<Vec<_>>()
    });
    ShownLevel {
        level,
        channels: channels.collect(),
    }
}
