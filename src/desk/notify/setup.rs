//! From settings to what planning and delivery go by.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use sha2::{Digest as _, Sha256};

use crate::config::{Notify, NotifyRoute};
use crate::core::model::Level;
use crate::core::notify::{Backoff, Digest, Language, Planner, Receiver, Route, Routes};

/// How long reminders wait for each other after a stop, milliseconds: longer than it takes to read what was missed.
const CATCH_UP_MS: i64 = 30_000;

fn window(group_wait_s: u32, minutes: Option<u32>, below: Option<Level>) -> (i64, Option<Digest>) {
    let digest = minutes.zip(below).map(|(minutes, below)| Digest {
        every_ms: i64::from(minutes) * 60_000,
        below,
    });
    (i64::from(group_wait_s) * 1_000, digest)
}

/// Every receiver by its name, `webhook:NAME` or `email:NAME`.
pub fn receivers(settings: &Notify) -> BTreeMap<Arc<str>, Receiver> {
    let one = |name: String, language: Language, (group_wait_ms, digest)| {
        let name: Arc<str> = name.into();
        let receiver = Receiver {
            name: Arc::clone(&name),
            group_wait_ms,
            digest,
            language,
        };
        (name, receiver)
    };
    let hooks = settings.webhooks.iter().map(|(name, it)| {
        let window = window(it.group_wait_s, it.digest_minutes, it.digest_below);
        one(format!("webhook:{name}"), settings.language, window)
    });
    let mails = settings.emails.iter().map(|(name, it)| {
        let window = window(it.group_wait_s, it.digest_minutes, it.digest_below);
        let language = it.language.unwrap_or(settings.language);
        one(format!("email:{name}"), language, window)
    });
    hooks.chain(mails).collect()
}

fn route(it: &NotifyRoute) -> Route {
    let names = |all: &[String]| all.iter().map(|name| Arc::from(name.as_str())).collect();
    Route {
        departments: names(&it.departments),
        from: it.from.unwrap_or(Level::Blue),
        hazards: it.hazards.clone(),
        kinds: it.kinds.clone(),
        offices: it.offices.clone(),
        statuses: it.statuses.clone(),
        channels: names(&it.channels),
        go_on: it.go_on,
    }
}

/// What planning goes by.
pub fn planner(settings: &Notify) -> Planner {
    Planner {
        routes: Routes(settings.routes.iter().map(route).collect()),
        receivers: receivers(settings),
        stale_ms: i64::from(settings.stale_minutes) * 60_000,
        catch_up_ms: CATCH_UP_MS,
        excerpts: settings.excerpts,
    }
}

/// Tells one `[notify]` block from another: the first 16 hexadecimal digits of the SHA-256 of its settings. Of secrets, and of addresses
/// that may hold one, only the host of a webhook is part of it.
pub fn fingerprint(settings: &Notify) -> String {
    let mut hash = Sha256::new();
    // Settings are plain values: there is nothing that JSON could not hold.
    hash.update(serde_json::to_vec(settings).unwrap_or_default());
    for (name, webhook) in &settings.webhooks {
        let host = webhook.url.expose().parse::<axum::http::Uri>().ok();
        let host = host.as_ref().and_then(axum::http::Uri::host);
        hash.update(format!("\n{name} {}", host.unwrap_or_default()));
    }
    let digest = hash.finalize();
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// How often a message is tried.
pub fn backoff(settings: &Notify) -> Backoff {
    Backoff {
        first_ms: i64::from(settings.backoff_first_s) * 1_000,
        most_ms: i64::from(settings.backoff_max_s) * 1_000,
        attempts: settings.attempts,
    }
}

/// The zone of times in texts; it was checked when the configuration was read.
pub fn zone(settings: &Notify) -> TimeZone {
    TimeZone::get(&settings.zone).unwrap_or(TimeZone::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Secret, Settings, Webhook};

    #[test]
    fn a_fingerprint_tells_where_notices_go_and_no_secret() {
        let with = |url: &str, secret: &str, wait| {
            let mut notify = Settings::bundled().unwrap().notify;
            let hook = Webhook {
                url: Secret::new(url),
                secret: Some(Secret::new(secret)),
                group_wait_s: wait,
                ..Webhook::default()
            };
            notify.webhooks.insert("fire".to_owned(), hook);
            fingerprint(&notify)
        };
        let one = with("https://a.example/key-1", "0123456789abcdef", 0);
        assert_eq!(one.len(), 16);
        assert_eq!(one, with("https://a.example/key-2", "fedcba9876543210", 0));
        assert_ne!(one, with("https://b.example/key-1", "0123456789abcdef", 0));
        assert_ne!(one, with("https://a.example/key-1", "0123456789abcdef", 30));
    }
}
