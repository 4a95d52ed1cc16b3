//! Notifications against real receivers on loopback, on both databases.

mod cli;
mod killed;
mod log_pages;
mod mail;
mod marked;
mod muted;
mod receiver;
mod tls;
mod webhook;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tocsin::config::{Notify, Settings, Webhook};
use tocsin::core::model::{Alert, Hazard, Level};
use tocsin::core::route::Routing;
use tocsin::desk::notify::{Notifier, NotifyMetrics};
use tocsin::desk::store::{Notification, NotificationFilter};
use tocsin::desk::{Desk, Synthetic};

/// One department, whose alerts go to two webhooks and a mail address.
pub(crate) fn routing() -> Arc<Routing> {
    let text = "departments:\n  - {id: fire, names: {en: Fire, zh: 消防}, duty: true, leads: [fire], tiers: [county, city], channels: [console, \"webhook:a\", \"webhook:b\", \"email:m\"]}\n";
    let source = tocsin::core::diagnostic::SourceFile {
        name: "departments.yaml".into(),
        text: text.into(),
    };
    Arc::new(Routing::parse(&source).expect("a table"))
}

/// The first alerts of so many fires.
pub(crate) fn fires(count: u32, level: Level) -> Vec<Alert> {
    let synthetic = Synthetic::new(count, 1, routing());
    let fire = |mut alert: Alert| {
        (alert.hazard, alert.level) = (Hazard::Fire, level);
        alert.category = alert.hazard.category();
        alert.departments = routing().departments(alert.hazard, level, &[]);
        alert
    };
    synthetic.alerts().map(fire).collect()
}

pub(crate) const SECRET: &str = "a secret of the test";

/// The bundled block with these webhooks.
pub(crate) fn settings(hooks: &[(&str, &str)]) -> Notify {
    let mut notify = Settings::bundled().expect("settings").notify;
    notify.enabled = true;
    notify.timeout_s = 1;
    notify.attempts = 4;
    for (name, url) in hooks {
        let hook = Webhook {
            url: tocsin::config::Secret::new(*url),
            secret: Some(tocsin::config::Secret::new(SECRET)),
            ..Webhook::default()
        };
        notify.webhooks.insert((*name).to_owned(), hook);
    }
    notify
}

pub(crate) fn notifier(settings: &Notify) -> Arc<Notifier> {
    let channels = tocsin::desk::notify::setup::receivers(settings).into_keys();
    let registry = prometheus::Registry::new();
    let metrics = NotifyMetrics::new(&registry, ["fire".into()], channels).expect("metrics");
    let link = Some("https://desk.example".to_owned());
    Arc::new(Notifier::new(settings, link, metrics).expect("a notifier"))
}

/// Plans until there is nothing left to plan.
pub(crate) async fn plan(notifier: &Notifier, desk: &Desk) {
    while notifier.plan(desk).await.expect("planned") > 0 {}
}

/// The whole log, newest first.
pub(crate) async fn log(desk: &Desk) -> Vec<Notification> {
    let all = NotificationFilter::default();
    desk.store()
        .notifications(&all, 10_000)
        .await
        .expect("a log")
}

/// How many rows are in each state.
pub(crate) async fn states(desk: &Desk) -> BTreeMap<String, usize> {
    let mut states = BTreeMap::new();
    for row in log(desk).await {
        *states.entry(row.state).or_default() += 1;
    }
    states
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !so().await {
        assert!(began.elapsed() < Duration::from_secs(30), "never {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
