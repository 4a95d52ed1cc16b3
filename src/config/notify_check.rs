//! What the `[notify]` block may not be. Everything wrong is found at once.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::notify::{Notify, NotifyRoute, SmtpTls};
use crate::core::model::Level;
use crate::core::route::Routing;

/// Receivers of each kind: bounds the labels of metrics, and tasks.
pub const MAX_RECEIVERS: usize = 100;
/// Addresses of one receiver by mail.
const MAX_ADDRESSES: usize = 50;
/// Routes.
const MAX_ROUTES: usize = 200;
/// Shortest key of a signature, bytes.
const MIN_SECRET: usize = 16;

/// A setting, and what is wrong with it.
type Found = Vec<(String, String)>;

impl Notify {
    /// Everything that is wrong by itself; files of secrets have been read.
    pub(super) fn findings(&self, excerpt_retention_hours: u32) -> Found {
        let mut found = self.numbers(excerpt_retention_hours);
        let mut add = |key: &str, why: String| found.push((format!("notify.{key}"), why));
        if jiff::tz::TimeZone::get(&self.zone).is_err() {
            add(
                "zone",
                format!("`{}` is no zone such as Asia/Shanghai", self.zone),
            );
        }
        for (key, count) in [
            ("webhooks", self.webhooks.len()),
            ("emails", self.emails.len()),
        ] {
            if count > MAX_RECEIVERS {
                add(key, format!("{count} receivers, at most {MAX_RECEIVERS}"));
            }
        }
        for name in self.webhooks.keys().chain(self.emails.keys()) {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if name.is_empty() || name.len() > 40 || !name.chars().all(fits) {
                add("webhooks", format!("`{name}` is not 1–40 of a–z, 0–9, `_`"));
            }
        }
        found.extend(self.webhook_findings());
        found.extend(self.mail_findings());
        found.extend(self.route_findings());
        if self.cap.enabled {
            found.extend(self.cap_findings());
        }
        found
    }

    fn numbers(&self, excerpt_retention_hours: u32) -> Found {
        let mut found = Vec::new();
        let numbers = [
            ("stale_minutes", self.stale_minutes, 1, 10_080),
            ("attempts", self.attempts, 1, 100),
            ("backoff_first_s", self.backoff_first_s, 1, 3_600),
            ("backoff_max_s", self.backoff_max_s, 1, 86_400),
            ("timeout_s", self.timeout_s, 1, 120),
            ("concurrency", self.concurrency, 1, 64),
            ("queue_max", self.queue_max, 10, 1_000_000),
            ("keep_days", self.keep_days, 1, 3_650),
            ("cap.recent_hours", self.cap.recent_hours, 1, 720),
            ("cap.expires_hours", self.cap.expires_hours, 1, 720),
        ];
        for (key, value, least, most) in numbers {
            if !(least..=most).contains(&value) {
                let why = format!("{value} is not within {least} to {most}");
                found.push((format!("notify.{key}"), why));
            }
        }
        if self.backoff_first_s > self.backoff_max_s {
            let why = "it is above backoff_max_s".to_owned();
            found.push(("notify.backoff_first_s".to_owned(), why));
        }
        // A notice quotes reports: it may not outlive what it quotes.
        if self.excerpts && self.keep_days.saturating_mul(24) > excerpt_retention_hours {
            let why = "the log quotes reports for longer than desk.excerpt_retention_hours: keep it shorter, or set excerpts = false";
            found.push(("notify.keep_days".to_owned(), why.to_owned()));
        }
        found
    }

    fn webhook_findings(&self) -> Found {
        let mut found = Vec::new();
        for (name, webhook) in &self.webhooks {
            let mut add = |key: &str, why: &str| {
                found.push((format!("notify.webhooks.{name}.{key}"), why.to_owned()));
            };
            match reqwest::Url::parse(webhook.url.expose()) {
                Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                    add("url", "only http:// and https:// are sent to");
                }
                Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                    add(
                        "url",
                        "an address has no password in it: requests are signed",
                    );
                }
                Ok(url) if url.fragment().is_some() => add("url", "an address has no `#`"),
                Ok(_) => {}
                Err(_) => add(
                    "url",
                    "an address such as https://receiver.example/tocsin is required",
                ),
            }
            match &webhook.secret {
                None => add(
                    "secret",
                    &format!(
                        "required: set it, secret_file, or TOCSIN__NOTIFY__WEBHOOKS__{}__SECRET",
                        name.to_ascii_uppercase()
                    ),
                ),
                Some(secret) if secret.expose().len() < MIN_SECRET => {
                    add(
                        "secret",
                        "at least 16 bytes, such as `openssl rand -hex 32` makes",
                    );
                }
                Some(_) => {}
            }
            if let Some(why) = windows(
                webhook.group_wait_s,
                webhook.digest_minutes,
                webhook.digest_below,
            ) {
                add("digest_minutes", why);
            }
        }
        found
    }

    fn mail_findings(&self) -> Found {
        let mut found = Vec::new();
        for (name, email) in &self.emails {
            let mut add = |key: &str, why: String| {
                found.push((format!("notify.emails.{name}.{key}"), why));
            };
            if email.to.is_empty() || email.to.len() > MAX_ADDRESSES {
                add("to", format!("1 to {MAX_ADDRESSES} addresses are required"));
            }
            for address in email.to.iter().filter(|it| !is_mailbox(it)) {
                add("to", format!("`{address}` is no mail address"));
            }
            if let Some(why) = windows(email.group_wait_s, email.digest_minutes, email.digest_below)
            {
                add("digest_minutes", why.to_owned());
            }
        }
        let smtp = &self.smtp;
        let mut add = |key: &str, why: &str| {
            found.push((format!("notify.smtp.{key}"), why.to_owned()));
        };
        let needed = !self.emails.is_empty();
        if needed && smtp.host.as_deref().unwrap_or_default().is_empty() {
            add("host", "required: notify.emails are sent by a mail server");
        }
        match &smtp.from {
            None if needed => add("from", "required, such as \"Tocsin <tocsin@example.org>\""),
            Some(from) if !is_mailbox(from) => add("from", "no mail address"),
            _ => {}
        }
        if smtp.username.is_some() != smtp.password.is_some() {
            add(
                "username",
                "username and password (or password_file) go together",
            );
        }
        let host = smtp.host.as_deref().unwrap_or_default();
        let local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback());
        if needed && smtp.tls == SmtpTls::None && !local {
            add(
                "tls",
                "without TLS only a server of this machine is spoken to: use starttls or implicit",
            );
        }
        found
    }

    fn route_findings(&self) -> Found {
        let mut found = Vec::new();
        if self.routes.len() > MAX_ROUTES {
            let why = format!("{} routes, at most {MAX_ROUTES}", self.routes.len());
            found.push(("notify.routes".to_owned(), why));
        }
        for (at, route) in self.routes.iter().enumerate() {
            for channel in route.channels.iter().filter(|it| !self.knows(it)) {
                let why = format!(
                    "route {}: there is no receiver `{channel}`; {}",
                    at + 1,
                    self.listed()
                );
                found.push(("notify.routes".to_owned(), why));
            }
        }
        found
    }

    /// The receivers that there are, for messages.
    fn listed(&self) -> String {
        let hooks = self.webhooks.keys().map(|name| format!("webhook:{name}"));
        let all: Vec<String> = hooks
            .chain(self.emails.keys().map(|name| format!("email:{name}")))
            .collect();
        if all.is_empty() {
            return "state it under [notify.webhooks.NAME] or [notify.emails.NAME]".to_owned();
        }
        format!("there are {}", all.join(", "))
    }

    fn cap_findings(&self) -> Found {
        let mut found = Vec::new();
        // CAP 1.2, 3.2.1: no spaces, commas or restricted characters in a sender.
        let bad = |c: char| c.is_whitespace() || c.is_control() || ",<&".contains(c);
        let sender = &self.cap.sender;
        if sender.is_empty() || sender.len() > 200 || sender.chars().any(bad) {
            let why =
                "required: a name without spaces, commas, `<` and `&`, such as tocsin@city.example";
            found.push(("notify.cap.sender".to_owned(), why.to_owned()));
        }
        found
    }

    /// What does not fit the departments: channels without a receiver, routes for nobody.
    pub fn against(&self, routing: &Routing) -> Found {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for department in routing.all() {
            for channel in &department.channels {
                let other = !channel.starts_with("webhook:") && !channel.starts_with("email:");
                if !other && !self.knows(channel) && seen.insert(channel) {
                    let why = format!(
                        "department `{}` names `{channel}`, which is no receiver; {}",
                        department.id,
                        self.listed()
                    );
                    found.push(("notify".to_owned(), why));
                }
            }
        }
        for (at, NotifyRoute { departments, .. }) in self.routes.iter().enumerate() {
            for id in departments.iter().filter(|id| routing.get(id).is_none()) {
                let why = format!("route {}: there is no department `{id}`", at + 1);
                found.push(("notify.routes".to_owned(), why));
            }
        }
        found
    }
}

fn windows(group_wait_s: u32, minutes: Option<u32>, below: Option<Level>) -> Option<&'static str> {
    if group_wait_s > 3_600 {
        return Some("group_wait_s is at most 3,600");
    }
    match (minutes, below) {
        (None, None) => None,
        (Some(1..=1_440), Some(_)) => None,
        (Some(_), Some(_)) => Some("1 to 1,440 minutes"),
        _ => Some("digest_minutes and digest_below go together"),
    }
}

fn is_mailbox(text: &str) -> bool {
    !text.chars().any(char::is_control) && text.parse::<lettre::message::Mailbox>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    fn merge(into: &mut toml::Value, from: toml::Value) {
        match (into, from) {
            (toml::Value::Table(into), toml::Value::Table(from)) => {
                for (key, value) in from {
                    let empty = toml::Value::Table(toml::Table::new());
                    merge(into.entry(key).or_insert(empty), value);
                }
            }
            (into, from) => *into = from,
        }
    }

    /// The bundled block with these settings over it. Secrets do not outlive a round trip, and the bundled one has none.
    fn notify(text: &str) -> Notify {
        let bundled = Settings::bundled().unwrap().notify;
        let mut value = toml::Value::try_from(&bundled).unwrap();
        merge(
            &mut value,
            toml::Value::Table(toml::from_str(text).unwrap()),
        );
        value.try_into().unwrap()
    }

    fn keys(text: &str) -> Vec<String> {
        let found = notify(text).findings(2_160);
        found.into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn a_good_block_has_no_finding() {
        assert_eq!(keys(""), [""; 0]);
        let good = "[webhooks.a]\nurl = \"https://x.example/y\"\nsecret = \"0123456789abcdef\"\n[emails.b]\nto = [\"B <b@x.example>\"]\ndigest_minutes = 30\ndigest_below = \"orange\"\n[smtp]\nhost = \"mail.example\"\nfrom = \"t@x.example\"\n[[routes]]\nfrom = \"orange\"\nchannels = [\"webhook:a\"]\ncontinue = true\n[cap]\nenabled = true\nsender = \"t@x.example\"\n";
        assert_eq!(keys(good), [""; 0]);
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let bad = "attempts = 0\nzone = \"Mars\"\n[webhooks.a]\nurl = \"ftp://x.example\"\n[webhooks.b]\nurl = \"https://u:p@x.example\"\nsecret = \"short\"\n[emails.c]\nto = [\"a\\nBcc: b@x.example\"]\n[smtp]\nhost = \"mail.example\"\ntls = \"none\"\nusername = \"u\"\n[[routes]]\nchannels = [\"webhook:nobody\"]\n[cap]\nenabled = true\nsender = \"a b\"\n";
        assert_eq!(
            keys(bad),
            [
                "notify.attempts",
                "notify.zone",
                "notify.webhooks.a.url",
                "notify.webhooks.a.secret",
                "notify.webhooks.b.url",
                "notify.webhooks.b.secret",
                "notify.emails.c.to",
                "notify.smtp.from",
                "notify.smtp.username",
                "notify.smtp.tls",
                "notify.routes",
                "notify.cap.sender",
            ]
        );
    }
}
