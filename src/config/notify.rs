//! `[notify]`: who outside the console is told of what, how, and how hard that is tried.
//!
//! Invariant: names of receivers are lower-case, so that `TOCSIN__NOTIFY__WEBHOOKS__NAME__SECRET` reaches them; a secret is never shown.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Secret;
use super::feeds::anchor;
use crate::core::model::{Hazard, Level, Status};
use crate::core::notify::{Language, NoticeKind};
use crate::core::obligation::Office;

/// Notifications.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// Whether the active desk sends notifications.
    pub enabled: bool,
    /// Language of texts where a receiver states none.
    pub language: Language,
    /// IANA name of the zone of times in texts.
    pub zone: String,
    /// Whether masked excerpts of reports are sent.
    pub excerpts: bool,
    /// What is older is no news, minutes.
    pub stale_minutes: u32,
    /// Attempts after which a message is dead.
    pub attempts: u32,
    /// Wait after the first failure, seconds; doubled each time.
    pub backoff_first_s: u32,
    /// Longest wait, seconds.
    pub backoff_max_s: u32,
    /// Longest attempt, seconds.
    pub timeout_s: u32,
    /// Attempts of one receiver at a time.
    pub concurrency: u32,
    /// Notices that may wait for one receiver.
    pub queue_max: u32,
    /// How long the log of notifications is kept, days.
    pub keep_days: u32,
    /// The mail server.
    pub smtp: Smtp,
    /// The CAP feed.
    pub cap: CapFeed,
    /// Receivers by POST, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub webhooks: BTreeMap<String, Webhook>,
    /// Receivers by mail, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub emails: BTreeMap<String, Email>,
    /// Which notices go where; none: to the channels of their departments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<NotifyRoute>,
}

/// How a connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpTls {
    /// TLS from the first byte.
    Implicit,
    /// `STARTTLS`, required.
    Starttls,
    /// Nothing: a server of this machine only.
    None,
}

/// The mail server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Smtp {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// None: 465 for implicit TLS, 587 for STARTTLS, 25 without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    pub tls: SmtpTls,
    /// PEM file of the authorities; none: the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// Sender of all mails, such as `Tocsin <tocsin@example.org>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// CAP 1.2 alerts over HTTP, under `/cap` of the desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapFeed {
    /// Whether there is one.
    pub enabled: bool,
    /// Whether it is read without a token.
    pub public: bool,
    /// CAP `sender`: a name of yours that is unique in the world.
    pub sender: String,
    /// CAP `senderName`, for people.
    pub sender_name: String,
    /// Closed incidents stay in the index this long, hours.
    pub recent_hours: u32,
    /// CAP `expires`, hours after `sent`.
    pub expires_hours: u32,
}

/// A receiver by POST.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webhook {
    /// `https://…` or `http://…`. Many receivers have a key in its path: it is never shown.
    pub url: Secret,
    /// Key of the signature, 16 bytes or more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// File that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// PEM file of further authorities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Refuse addresses of this machine and of private networks.
    pub public_only: bool,
    /// Notices of one incident within this time are one message, seconds.
    pub group_wait_s: u32,
    /// Collects lesser notices for this long, minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest_minutes: Option<u32>,
    /// Notices below this level are lesser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest_below: Option<Level>,
}

/// A receiver by mail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Email {
    /// Addresses; each gets the same mail.
    pub to: Vec<String>,
    /// Language; none: that of `[notify]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Notices of one incident within this time are one mail, seconds.
    pub group_wait_s: u32,
    /// Collects lesser notices for this long, minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest_minutes: Option<u32>,
    /// Notices below this level are lesser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest_below: Option<Level>,
}

/// One route. What is not stated holds for all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NotifyRoute {
    /// Departments.
    pub departments: Vec<String>,
    /// Lowest level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Level>,
    /// Hazards.
    pub hazards: Vec<Hazard>,
    /// Kinds of notices.
    pub kinds: Vec<NoticeKind>,
    /// Offices.
    pub offices: Vec<Office>,
    /// Actual, exercise or test; none: actual and exercise.
    pub statuses: Vec<Status>,
    /// Receivers; none: the department's own channels.
    pub channels: Vec<String>,
    /// Look at later routes, too.
    #[serde(rename = "continue")]
    pub go_on: bool,
}

impl Notify {
    /// Whether a channel is one of the receivers here.
    pub fn knows(&self, channel: &str) -> bool {
        match channel.split_once(':') {
            Some(("webhook", name)) => self.webhooks.contains_key(name),
            Some(("email", name)) => self.emails.contains_key(name),
            _ => false,
        }
    }

    /// Makes relative paths start at `folder`.
    pub(super) fn anchor(&mut self, folder: &Path) {
        anchor(&mut self.smtp.ca_file, folder);
        anchor(&mut self.smtp.password_file, folder);
        for webhook in self.webhooks.values_mut() {
            anchor(&mut webhook.secret_file, folder);
            anchor(&mut webhook.ca_file, folder);
        }
    }

    /// Reads the files of secrets. Each error is a setting and what is wrong with it.
    pub(super) fn read(&mut self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut read = |key: String, path: &Option<PathBuf>, secret: &mut Option<Secret>| {
            let Some(path) = path else { return };
            if secret.is_some() {
                found.push((key, "the secret itself is set, too: state one".to_owned()));
                return;
            }
            match std::fs::read_to_string(path) {
                Ok(text) => *secret = Some(Secret::new(text.trim_end_matches(['\r', '\n']))),
                Err(error) => {
                    found.push((key, format!("cannot read {}: {error}", path.display())));
                }
            }
        };
        let smtp = &mut self.smtp;
        let key = "notify.smtp.password_file".to_owned();
        read(key, &smtp.password_file, &mut smtp.password);
        for (name, webhook) in &mut self.webhooks {
            let key = format!("notify.webhooks.{name}.secret_file");
            read(key, &webhook.secret_file, &mut webhook.secret);
        }
        found
    }
}
