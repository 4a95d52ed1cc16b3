//! The desk's API and console beside a running desk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;

use crate::config::Settings;
use crate::core::obligation::Role;
use crate::core::ruleset::RuleSet;
use crate::desk::Desk;
use crate::desk::http::api::Reports;
use crate::desk::http::calls::KafkaReports;
use crate::desk::http::routes::reports::FEED;
use crate::desk::http::start::{Parts, Service};
use crate::telemetry::Telemetry;

/// How often it is looked whether the process is told to stop.
const LOOK: Duration = Duration::from_millis(50);

/// Serves until `stop` is set. `rules` gives the rule set in use; `demo` the role of a login without a token. Has to be called inside a tokio runtime.
pub(super) async fn serve_desk(
    settings: &Settings,
    desk: &Desk,
    telemetry: &Telemetry,
    rules: impl Fn() -> Arc<RuleSet> + Send + Sync + 'static,
    demo: Option<Role>,
    stop: Arc<AtomicBool>,
) -> anyhow::Result<Service> {
    let manual = settings.feeds.iter().find(|feed| &*feed.id == FEED);
    let reports = manual
        .map(|feed| KafkaReports::new(&settings.kafka_settings(), &feed.topic))
        .transpose()
        .context("cannot make a producer for reports by telephone")?
        .map(|reports| Arc::new(reports) as Arc<dyn Reports>);
    let parts = Parts {
        desk: desk.clone(),
        rules: Box::new(rules),
        feeds: settings.shared_feeds(),
        reports,
        registry: telemetry.metrics.registry().clone(),
        pages: |_| Router::new(),
        files: Router::new(),
        demo,
    };
    let stopped = async move {
        while !stop.load(Ordering::SeqCst) {
            tokio::time::sleep(LOOK).await;
        }
    };
    let service = Service::start(&settings.desk.http, parts, stopped)
        .await
        .context("the desk's API cannot be served")?;
    tracing::info!(address = %service.address(), "the desk's API is served");
    Ok(service)
}
