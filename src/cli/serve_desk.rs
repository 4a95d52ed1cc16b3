//! The desk's API and console beside a running desk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;

use crate::config::Settings;
use crate::core::model::Feed;
use crate::core::obligation::Role;
use crate::core::ruleset::RuleSet;
use crate::desk::Desk;
use crate::desk::console::process::{Calls, Here};
use crate::desk::console::routes as console;
use crate::desk::console::state::{Call, Console, Visitor};
use crate::desk::http::api::{Api, Reports};
use crate::desk::http::calls::KafkaReports;
use crate::desk::http::identity::Identity;
use crate::desk::http::routes::reports::{CallReport, FEED, take};
use crate::desk::http::start::{Parts, Service};
use crate::telemetry::{Metrics, Telemetry};

/// How often it is looked whether the process is told to stop.
const LOOK: Duration = Duration::from_millis(50);

/// The rule set in use.
type Rules = Arc<dyn Fn() -> Arc<RuleSet> + Send + Sync>;

/// Serves until `stop` is set. `reads` says whether this process reads feeds. `rules` gives the rule set in use; `demo` the role of a login without a token. Has to be called inside a tokio runtime.
pub(super) async fn serve_desk(
    settings: &Settings,
    desk: &Desk,
    telemetry: &Telemetry,
    rules: impl Fn() -> Arc<RuleSet> + Send + Sync + 'static,
    (demo, reads): (Option<Role>, bool),
    stop: Arc<AtomicBool>,
) -> anyhow::Result<Service> {
    let manual = settings.feeds.iter().find(|feed| &*feed.id == FEED);
    let reports = manual
        .map(|feed| KafkaReports::new(&settings.kafka_settings(), &feed.topic))
        .transpose()
        .context("cannot make a producer for reports by telephone")?
        .map(|reports| Arc::new(reports) as Arc<dyn Reports>);
    let rules: Rules = Arc::new(rules);
    let (feeds, metrics) = (settings.shared_feeds(), Arc::clone(&telemetry.metrics));
    let parts = Parts {
        desk: desk.clone(),
        rules: {
            let rules = Arc::clone(&rules);
            Box::new(move || rules())
        },
        feeds: feeds.clone(),
        reports,
        registry: telemetry.metrics.registry().clone(),
        pages: Box::new(move |api| pages(api, rules, reads.then_some(metrics), feeds)),
        files: console::public(),
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

/// The console's pages, for whoever was let in.
fn pages(api: &Api, rules: Rules, metrics: Option<Arc<Metrics>>, feeds: Vec<Arc<Feed>>) -> Router {
    let calls = api.reports().map(|_| {
        let taker = api.clone();
        let calls: Calls = Arc::new(move |call: &Call| {
            let api = taker.clone();
            let report = CallReport::new(&call.title, &call.text, call.hazard, &call.place);
            Box::pin(async move { take(&api, &report).await.map_err(|it| it.detail) })
        });
        calls
    });
    let here = Here::new(move || rules(), metrics, feeds, calls);
    let console = Console::start(api.desk().clone(), Arc::new(here));
    console::router(console).layer(middleware::from_fn(visit))
}

/// Tells the console who was let in.
async fn visit(identity: Identity, mut request: Request, next: Next) -> Response {
    let visitor = Visitor {
        actor: identity.actor(),
        csrf: identity.csrf().to_owned(),
    };
    request.extensions_mut().insert(visitor);
    next.run(request).await
}
