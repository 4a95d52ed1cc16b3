//! A desk in memory behind the console's router, for browsers.
//!
//! `POST /for-tests/*` moves things on from outside; the real binary has none of it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use futures_util::future::BoxFuture;
use tocsin::core::model::{Alert, FeedKind, Growth, GrowthPeriod, Level, Millis, Status};
use tocsin::core::obligation::{Action, Actor, Disposition, Policy, Role};
use tocsin::core::ruleset::RuleSet;
use tocsin::desk::console::page::feeds::FeedRow;
use tocsin::desk::console::routes;
use tocsin::desk::console::state::{Call, Console, Process, Visitor};
use tocsin::desk::drills::Drills;
use tocsin::desk::{Desk, Synthetic, VirtualClock};

use super::super::drill_room::{InMemory, room};
use super::sample::SAMPLE;

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                   form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Debug)]
struct Alone(Drills);

impl Process for Alone {
    fn rules(&self) -> Arc<RuleSet> {
        Arc::clone(&SAMPLE.set)
    }

    fn reads_feeds(&self) -> bool {
        true
    }

    fn shadow_hits(&self, _: &str) -> Option<u64> {
        Some(7)
    }

    fn feeds(&self) -> Vec<FeedRow> {
        vec![FeedRow {
            id: "news-zh".into(),
            kind: FeedKind::News,
            topic: "feed.news-zh".to_owned(),
            reliability: 70,
            records: 1_234,
            outcomes: [120, 1_100, 4],
            dead_letters: 2,
            per_minute: Some(12.4),
            minutes: (0..60).map(|nth| nth * nth % 17).collect(),
            lag: None,
            last: Some(SAMPLE.now),
            silent_for: Some(4_000_000),
        }]
    }

    fn takes_calls(&self) -> bool {
        true
    }

    fn drills(&self) -> Option<Drills> {
        Some(self.0.clone())
    }

    fn call<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<String, String>> {
        Box::pin(async move { Ok(format!("call-{}", call.title.chars().count())) })
    }
}

/// A running server.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) desk: Desk,
    pub(super) clock: Arc<VirtualClock>,
    /// The same, for questions without a connection.
    pub(super) router: Router,
    _runs: tempfile::TempDir,
}

#[derive(Clone)]
struct Outside {
    desk: Desk,
    clock: Arc<VirtualClock>,
    hostile: Arc<Alert>,
    carrier: Arc<InMemory>,
}

/// Serves the sample, and `extra` made-up incidents beside it.
pub(super) async fn serve(extra: u32) -> Server {
    let policy = Arc::new(Policy::new(Arc::clone(&SAMPLE.set.routing)));
    let clock = Arc::new(VirtualClock::at(SAMPLE.now));
    let desk = Desk::in_memory(policy, clock.clone()).await.unwrap();
    let mut alerts: Vec<Alert> = SAMPLE
        .known
        .iter()
        .flat_map(|it| it.revisions.iter().map(|alert| (**alert).clone()))
        .collect();
    alerts.sort_by_key(|alert| (alert.sent, alert.revision));
    if extra > 0 {
        let made = Synthetic::new(extra, 1, Arc::clone(&SAMPLE.set.routing));
        alerts.extend(made.alerts());
    }
    for some in alerts.chunks(500) {
        absorb(&desk, some).await;
    }
    let carrier = InMemory::new(Arc::clone(&SAMPLE.set));
    let runs = tempfile::tempdir().unwrap();
    let room = room(&SAMPLE.set, runs.path(), &carrier);
    let drills = Drills::start(desk.clone(), room);
    let console = Console::start(desk.clone(), Arc::new(Alone(drills)));
    let outside = Outside {
        desk: desk.clone(),
        clock: clock.clone(),
        hostile: Arc::new(super::hostile::hostile()),
        carrier,
    };
    let tests = Router::new()
        .route("/for-tests/alert/{level}/{number}", post(new_alert))
        .route("/for-tests/growth", post(grown))
        .route("/for-tests/level/{level}/{incident}", post(correct))
        .route("/for-tests/hostile", post(hostile))
        .route("/for-tests/act/{incident}", post(interfere))
        .route("/for-tests/drills/{hold}", post(hold_drills))
        .with_state(outside);
    let router = routes::router(console)
        .merge(routes::public())
        .merge(tests)
        .layer(middleware::from_fn(admit));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = router.clone();
    tokio::spawn(async move { axum::serve(listener, served).await.unwrap() });
    Server {
        address,
        desk,
        clock,
        router,
        _runs: runs,
    }
}

/// Drills wait before their end, or do not.
async fn hold_drills(State(it): State<Outside>, Path(hold): Path<bool>) -> Response {
    let carrier = &it.carrier.hold;
    carrier.store(hold, std::sync::atomic::Ordering::SeqCst);
    StatusCode::OK.into_response()
}

pub(super) async fn absorb(desk: &Desk, alerts: &[Alert]) {
    desk.absorb_alerts(alerts.to_vec()).await.unwrap();
}

/// The reader that the cookie `as` names: `role` or `role:department`.
async fn admit(mut request: Request, next: Next) -> Response {
    let cookies = request.headers().get(header::COOKIE);
    let cookies = cookies.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let who = cookies
        .split("; ")
        .find_map(|it| it.strip_prefix("as="))
        .unwrap_or("analyst");
    let (role, department) = who
        .split_once('.')
        .map_or((who, None), |(role, it)| (role, Some(it)));
    let actor = Actor {
        name: format!("{role}-1"),
        role: Role::from_id(role).unwrap(),
        department: department.map(Into::into),
    };
    request.extensions_mut().insert(Visitor {
        actor,
        csrf: "token-of-this-session".to_owned(),
    });
    let mut response = next.run(request).await;
    let policy = HeaderValue::from_static(CSP);
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

async fn new_alert(
    State(it): State<Outside>,
    Path((level, number)): Path<(String, u32)>,
) -> Response {
    let level = Level::ALL
        .into_iter()
        .find(|one| one.id() == level)
        .unwrap();
    let made = Synthetic::new(9_000_000, 1, Arc::clone(&SAMPLE.set.routing));
    // One that more than its lead has to dispose of.
    let shared = |alert: &Alert| {
        let all = SAMPLE.set.routing.departments(alert.hazard, level, &[]);
        all.iter().filter(|it| it.required).count() > 1
    };
    // What comes after a page was made.
    it.clock.advance(1_000);
    let from = 7_000_000 + number * 1_000;
    let mut alert = (from..from + 1_000)
        .map(|number| made.alert(number, 1))
        .find(shared)
        .unwrap();
    // An orange one stands last among its level.
    let score: u8 = [30, 50, 61, 99][level as usize];
    (alert.level, alert.score, alert.sent, alert.first_seen) =
        (level, score, it.desk.now(), it.desk.now());
    alert.departments = SAMPLE.set.routing.departments(alert.hazard, level, &[]);
    absorb(&it.desk, &[alert.clone()]).await;
    alert.incident_id.to_string().into_response()
}

/// An incident with four weeks of counts, usual and threshold.
async fn grown(State(it): State<Outside>) -> Response {
    let made = Synthetic::new(9_000_000, 1, Arc::clone(&SAMPLE.set.routing));
    let mut alert = made.alert(6_000_000, 1);
    alert.growth = Some(Growth {
        period: GrowthPeriod::Day,
        start: Millis(it.desk.now().0 / 86_400_000 * 86_400_000),
        observed: 23,
        expected: Some(6.2),
        threshold: Some(14.5),
        statistic: Some(5.1),
        c2: None,
        alarm: true,
        learned: None,
        series: (0..27).map(|day| 3 + day * 5 % 8).chain([23]).collect(),
    });
    absorb(&it.desk, &[alert.clone()]).await;
    alert.incident_id.to_string().into_response()
}

/// Somebody corrects a level.
async fn correct(
    State(it): State<Outside>,
    Path((level, incident)): Path<(String, uuid::Uuid)>,
) -> Response {
    it.clock.advance(1_000);
    let level = Level::ALL.into_iter().find(|one| one.id() == level);
    let action = Action::Correct {
        hazard: None,
        place: None,
        level,
        reason: "as the test wants".to_owned(),
    };
    let analyst = Actor::new("lee", Role::Analyst);
    it.desk
        .act(incident, &analyst, None, &action)
        .await
        .unwrap();
    StatusCode::OK.into_response()
}

async fn hostile(State(it): State<Outside>) -> Response {
    let mut alert = (*it.hostile).clone();
    (alert.status, alert.exercise, alert.revision) = (Status::Actual, None, alert.revision + 50);
    absorb(&it.desk, &[alert.clone()]).await;
    alert.incident_id.to_string().into_response()
}

/// Somebody else acts: the lead's department acknowledges, then everybody disposes when the body says so.
async fn interfere(
    State(it): State<Outside>,
    Path(incident): Path<uuid::Uuid>,
    what: String,
) -> Response {
    let other = Actor::new("kato", Role::Coordinator);
    let case = it.desk.case(incident).await.unwrap();
    let departments: Vec<_> = case
        .obligations
        .iter()
        .filter(|one| one.state.is_pending() && !one.cause.is_escalation())
        .map(|one| Arc::clone(&one.department))
        .collect();
    if what != "dispose" {
        let note = Action::Note {
            text: "Meanwhile, from another desk.".to_owned(),
        };
        it.desk.act(incident, &other, None, &note).await.unwrap();
        return StatusCode::OK.into_response();
    }
    for department in departments {
        let action = Action::Dispose {
            department,
            disposition: Disposition::Confirmed,
            reason: "done".to_owned(),
        };
        it.desk.act(incident, &other, None, &action).await.unwrap();
    }
    StatusCode::OK.into_response()
}
