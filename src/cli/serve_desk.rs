//! The desk's API and console beside a running desk.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;

use super::shadow_watch;
use crate::config::Settings;
use crate::core::model::Feed;
use crate::core::obligation::{Policy, Role};
use crate::core::route::Routing;
use crate::core::ruleset::RuleSet;
use crate::desk::console::process::{Calls, Here};
use crate::desk::console::routes as console;
use crate::desk::console::runbooks;
use crate::desk::console::state::{Call, Console, Visitor};
use crate::desk::drills::Drills;
use crate::desk::http::api::{Api, Reports};
use crate::desk::http::calls::KafkaReports;
use crate::desk::http::identity::Identity;
use crate::desk::http::page;
use crate::desk::http::routes::cap::Cap;
use crate::desk::http::routes::reports::{CallReport, FEED, take};
use crate::desk::http::start::{Parts, Service};
use crate::desk::notify::setup::fingerprint;
use crate::desk::{Configuration, Desk, DeskError};
use crate::drill::{Carrier, KafkaCarrier, Room};
use crate::telemetry::{Metrics, Telemetry};

/// How often it is looked whether the process is told to stop.
const LOOK: Duration = Duration::from_millis(50);
/// How often it is looked whether departments were reloaded.
const FOLLOW: Duration = Duration::from_millis(500);

/// The rule set in use.
type Rules = Arc<dyn Fn() -> Arc<RuleSet> + Send + Sync>;

/// What differs between the commands that serve a desk.
#[derive(Clone, Default)]
pub(super) struct Way {
    /// Role of a login without a token.
    pub(super) demo: Option<Role>,
    /// This process reads feeds.
    pub(super) reads: bool,
    /// Where reports by telephone go; none: to the configured feed, if there is one.
    pub(super) reports: Option<Arc<dyn Reports>>,
}

/// Serves until `stop` is set. `rules` gives the rule set in use. Has to be called inside a tokio runtime.
pub(super) async fn serve_desk(
    settings: &Settings,
    desk: &Desk,
    telemetry: &Telemetry,
    rules: impl Fn() -> Arc<RuleSet> + Send + Sync + 'static,
    way: Way,
    stop: Arc<AtomicBool>,
) -> anyhow::Result<Service> {
    let reports = match way.reports {
        Some(reports) => Some(reports),
        None => configured_reports(settings)?,
    };
    let rules: Rules = Arc::new(rules);
    let (of, notify) = (Arc::clone(&rules), settings.notify.enabled);
    let notify = notify.then(|| fingerprint(&settings.notify));
    let used = move || Configuration {
        rule_set: Arc::clone(&of().version),
        notify: notify.clone(),
    };
    tokio::spawn(note(desk.clone(), used, Arc::clone(&stop)));
    let of = Arc::clone(&rules);
    let routing = move || Arc::clone(&of().routing);
    tokio::spawn(follow(desk.clone(), routing, Arc::clone(&stop)));
    let of = Arc::clone(&rules);
    let room = Room::new(settings, move || of(), carrier(settings));
    let drills = Drills::start(desk.clone(), room);
    let of = Arc::clone(&rules);
    let shadows = shadow_watch::start(settings, move || of(), Arc::clone(&stop));
    let (feeds, metrics) = (settings.shared_feeds(), Arc::clone(&telemetry.metrics));
    let parts = Parts {
        desk: desk.clone(),
        rules: {
            let rules = Arc::clone(&rules);
            Box::new(move || rules())
        },
        feeds: feeds.clone(),
        reports,
        cap: Cap::of(settings),
        drills: Some(drills.clone()),
        registry: telemetry.metrics.registry().clone(),
        pages: Box::new(move |api| {
            let here = here(api, rules, way.reads.then_some(metrics), feeds);
            pages(api, here.with_shadows(shadows))
        }),
        files: console::public().merge(runbooks::routes()),
        demo: way.demo,
    };
    let unserved = drills.clone();
    let stopped = async move {
        while !stop.load(Ordering::SeqCst) {
            tokio::time::sleep(LOOK).await;
        }
        drills.close().await;
    };
    let service = Service::start(&settings.desk.http, parts, stopped)
        .await
        .context("the desk's API cannot be served");
    if service.is_err() {
        unserved.close().await;
    }
    let service = service?;
    tracing::info!(address = %service.address(), "the desk's API is served");
    Ok(service)
}

/// The way to the configured feed of manual reports.
fn configured_reports(settings: &Settings) -> anyhow::Result<Option<Arc<dyn Reports>>> {
    let manual = settings.feeds.iter().find(|feed| &*feed.id == FEED);
    let reports = manual
        .map(|feed| KafkaReports::new(&settings.kafka_settings(), &feed.topic))
        .transpose()
        .context("cannot make a producer for reports by telephone")?;
    Ok(reports.map(|reports| Arc::new(reports) as Arc<dyn Reports>))
}

/// What sends the reports of drills; none without a drill key.
fn carrier(settings: &Settings) -> Option<Arc<dyn Carrier>> {
    let key = settings.drills.drill_key()?;
    Some(Arc::new(KafkaCarrier {
        kafka: settings.kafka_settings(),
        names: settings.topic_names(),
        decisions: settings.topics.decisions(),
        key: Arc::new(key),
    }))
}

/// Hands departments that were reloaded on to the desk, until `stop` is set. Obligations that there are stay as they are.
async fn follow(desk: Desk, routing: impl Fn() -> Arc<Routing> + Send, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::SeqCst) {
        let now = routing();
        if !Arc::ptr_eq(&now, &desk.policy().routing) {
            let departments = now.all().len();
            desk.set_policy(Arc::new(Policy::new(now)));
            tracing::info!(departments, "the desk has taken over the departments");
        }
        tokio::time::sleep(FOLLOW).await;
    }
}

/// Has the trail say what the active desk goes by, until `stop` is set.
async fn note(desk: Desk, used: impl Fn() -> Configuration + Send, stop: Arc<AtomicBool>) {
    let mut noted = None;
    while !stop.load(Ordering::SeqCst) {
        let now = Some(used());
        if !desk.is_active() {
            // Another desk may note something else before this one is active again.
            noted = None;
        } else if let Some(used) = now.as_ref().filter(|_| noted != now) {
            match desk.note_configuration(used).await {
                Ok(_) => noted = now,
                Err(DeskError::Unavailable(_)) => {}
                Err(error) => tracing::warn!(%error, "the configuration is not in the audit trail"),
            }
        }
        tokio::time::sleep(FOLLOW).await;
    }
}

/// What the console is told by this process.
fn here(api: &Api, rules: Rules, metrics: Option<Arc<Metrics>>, feeds: Vec<Arc<Feed>>) -> Here {
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
    here.with_drills(api.drills().cloned())
}

/// The console's pages, for whoever was let in.
fn pages(api: &Api, here: Here) -> Router {
    let here = Arc::new(here);
    tokio::spawn(note_minutes(Arc::downgrade(&here)));
    let console = Console::start(api.desk().clone(), here);
    console::router(console).layer(middleware::from_fn(visit))
}

/// Has the page of feeds know what came in every minute, for as long as there is a console.
async fn note_minutes(here: Weak<Here>) {
    let mut minute = tokio::time::interval(Duration::from_mins(1));
    minute.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        minute.tick().await;
        let Some(here) = here.upgrade() else { return };
        here.note_minute();
    }
}

/// Tells the console who was let in.
async fn visit(identity: Identity, mut request: Request, next: Next) -> Response {
    let visitor = Visitor {
        actor: identity.actor(),
        csrf: identity.csrf().to_owned(),
    };
    request.extensions_mut().insert(visitor);
    page::with_problem(next.run(request).await)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::core::diagnostic::SourceFile;
    use crate::core::model::Level;
    use crate::desk::{Clock as _, Synthetic, VirtualClock};

    fn routing(minutes: u32) -> Arc<Routing> {
        let source = SourceFile {
            name: "departments.yaml".into(),
            text: format!(
                "departments:\n- id: duty\n  names: {{en: Duty, zh: 值班}}\n  duty: true\n  deadlines:\n    \
                 red: {{acknowledge: {minutes}m, dispose: 5h}}\n"
            ),
        };
        Arc::new(Routing::parse(&source).unwrap_or_else(|found| panic!("{found:?}")))
    }

    #[tokio::test]
    async fn departments_that_were_reloaded_reach_a_running_desk() {
        let (before, after) = (routing(7), routing(3));
        let made = Synthetic::new(2, 1, Arc::clone(&before));
        let clock = Arc::new(VirtualClock::at(made.start));
        let policy = Arc::new(Policy::new(Arc::clone(&before)));
        let desk = Desk::in_memory(policy, clock.clone()).await.unwrap();
        let current = Arc::new(Mutex::new(Arc::clone(&before)));
        let stop = Arc::new(AtomicBool::new(false));
        let of = Arc::clone(&current);
        let read = move || Arc::clone(&of.lock().unwrap());
        let following = tokio::spawn(follow(desk.clone(), read, Arc::clone(&stop)));
        let mut alerts: Vec<_> = made.alerts().collect();
        for alert in &mut alerts {
            alert.level = Level::Red;
        }
        let (second, first) = (alerts.pop().unwrap(), alerts.pop().unwrap());
        let ids = [first.incident_id, second.incident_id];
        desk.absorb_alerts([first]).await.unwrap();
        *current.lock().unwrap() = Arc::clone(&after);
        let taken = async {
            while !Arc::ptr_eq(&desk.policy().routing, &after) {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), taken)
            .await
            .expect("within ten seconds");
        desk.absorb_alerts([second]).await.unwrap();
        let mut minutes = Vec::new();
        for id in ids {
            let case = desk.case(id).await.unwrap();
            let by = case.obligations[0].acknowledge_by;
            minutes.push(by.since(clock.now()) / 60_000);
        }
        assert_eq!(minutes, [7, 3], "what there is stays as it is");
        stop.store(true, Ordering::SeqCst);
        following.await.unwrap();
    }

    #[tokio::test]
    async fn the_trail_says_what_the_desk_goes_by_once_for_each_change() {
        let clock = Arc::new(VirtualClock::at(crate::core::model::Millis(0)));
        let policy = Arc::new(Policy::new(routing(7)));
        let desk = Desk::in_memory(policy, clock).await.unwrap();
        let current = Arc::new(Mutex::new("one"));
        let stop = Arc::new(AtomicBool::new(false));
        let of = Arc::clone(&current);
        let used = move || Configuration {
            rule_set: (*of.lock().unwrap()).into(),
            notify: None,
        };
        let noting = tokio::spawn(note(desk.clone(), used.clone(), Arc::clone(&stop)));
        let said = async |count| {
            let found = async {
                loop {
                    let all = desk.store().audit(0, 10).await.unwrap();
                    if all.len() >= count {
                        return all;
                    }
                    tokio::time::sleep(LOOK).await;
                }
            };
            let found = tokio::time::timeout(Duration::from_secs(30), found).await;
            found.expect("within thirty seconds")
        };
        said(1).await;
        *current.lock().unwrap() = "two";
        let all = said(2).await;
        assert_eq!(all[1].event.before["rule_set"], "one");
        assert_eq!(all[1].event.after["rule_set"], "two");
        stop.store(true, Ordering::SeqCst);
        noting.await.unwrap();
        // A start with what the last event says adds none.
        assert!(!desk.note_configuration(&used()).await.unwrap());
        assert_eq!(desk.store().audit(0, 10).await.unwrap().len(), 2);
    }
}
