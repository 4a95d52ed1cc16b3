//! A desk in memory behind the whole router, and accounts of every role.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, Response, header};
use futures_util::future::BoxFuture;
use serde_json::Value;
use tocsin::config::{Settings, load_rule_set};
use tocsin::core::model::{Duty, Millis, Status};
use tocsin::core::obligation::{Actor, Policy, Role};
use tocsin::core::ruleset::RuleSet;
use tocsin::desk::drills::Drills;
use tocsin::desk::http::access::{Access, HttpLimits, Now};
use tocsin::desk::http::api::{Api, Reports, router};
use tocsin::desk::http::counted::Counted;
use tocsin::desk::http::peer::Reach;
use tocsin::desk::http::rate::Rate;
use tocsin::desk::http::routes::cap::Cap;
use tocsin::desk::http::sessions::{SessionLife, Sessions};
use tocsin::desk::http::token::NewToken;
use tocsin::desk::http::tokens::Tokens;
use tocsin::desk::{Clock as _, Desk, Synthetic, VirtualClock};
use tower::ServiceExt as _;
use uuid::Uuid;

use super::drill_room::{InMemory, room};

pub(crate) const DAY: i64 = 86_400_000;
pub(crate) const NOW: Millis = Millis(1_800_000_000_000);

/// Limits that nothing in a test hits by accident.
pub(crate) const WIDE: HttpLimits = HttpLimits {
    body: 64 * 1024,
    token_rate: Rate {
        per_minute: 1_000_000,
        burst: 1_000_000,
    },
    address_rate: Rate {
        per_minute: 1_000_000,
        burst: 1_000_000,
    },
    wrong_rate: Rate {
        per_minute: 1_000_000,
        burst: 1_000_000,
    },
    timeout: Duration::from_secs(20),
    heartbeat: Duration::from_secs(15),
    streams: 8,
    streams_per_token: 4,
    connections: 64,
};

/// The bundled rule set, once.
pub(crate) fn rules() -> Arc<RuleSet> {
    static RULES: OnceLock<Arc<RuleSet>> = OnceLock::new();
    let load = || {
        let settings = Settings::bundled().unwrap();
        Arc::new(load_rule_set(&settings.paths).unwrap_or_else(|errors| panic!("{errors}")))
    };
    Arc::clone(RULES.get_or_init(load))
}

/// Keeps what would go to Kafka.
#[derive(Default)]
pub(crate) struct Kept(pub(crate) Mutex<Vec<(String, Value)>>);

impl Reports for Kept {
    fn send<'a>(&'a self, key: &'a str, body: Vec<u8>) -> BoxFuture<'a, Result<(), String>> {
        let body = serde_json::from_slice(&body).unwrap();
        self.0.lock().unwrap().push((key.to_owned(), body));
        Box::pin(async { Ok(()) })
    }
}

/// A CAP feed that needs a token.
pub(crate) fn cap() -> Cap {
    let mut settings = Settings::bundled().unwrap();
    settings.notify.cap.enabled = true;
    "tocsin@desk.example".clone_into(&mut settings.notify.cap.sender);
    Cap::of(&settings).unwrap()
}

pub(crate) struct World {
    pub(crate) desk: Desk,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) access: Access,
    pub(crate) router: Router,
    pub(crate) reports: Arc<Kept>,
    pub(crate) drills: Drills,
    pub(crate) carrier: Arc<InMemory>,
    pub(crate) folder: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(WIDE, Reach::default()).await
    }

    pub(crate) async fn with(limits: HttpLimits, reach: Reach) -> Self {
        let rules = rules();
        let clock = Arc::new(VirtualClock::at(NOW));
        let policy = Arc::new(Policy::new(Arc::clone(&rules.routing)));
        let desk = Desk::in_memory(policy, Arc::clone(&clock) as _)
            .await
            .unwrap();
        let store = desk.store().clone();
        let life = SessionLife {
            idle: 3_600_000,
            absolute: 12 * 3_600_000,
        };
        let now: Now = {
            let clock = Arc::clone(&clock);
            Arc::new(move || clock.now())
        };
        let counted = Counted::new(&prometheus::Registry::new()).unwrap();
        let sessions = Sessions::new(store.clone(), life);
        let access = Access::new(sessions, Tokens::new(store), reach, limits, now, counted);
        let reports = Arc::new(Kept::default());
        let settings = Settings::bundled().unwrap();
        let feeds = settings.shared_feeds();
        let of = Arc::clone(&rules);
        let to: Arc<dyn Reports> = Arc::clone(&reports) as _;
        let api = Api::new(
            desk.clone(),
            access.clone(),
            move || Arc::clone(&of),
            feeds,
            Some(to),
        )
        .with_cap(Some(cap()));
        let carrier = InMemory::new(Arc::clone(&rules));
        let folder = tempfile::tempdir().unwrap();
        let room = room(&rules, folder.path(), &carrier);
        let drills = Drills::start(desk.clone(), room);
        let api = api.with_drills(Some(drills.clone()));
        Self {
            router: router(&api, Router::new(), Router::new()),
            desk,
            clock,
            access,
            reports,
            drills,
            carrier,
            folder,
        }
    }

    /// Takes in made-up incidents; their ids in order.
    pub(crate) async fn incidents(&self, count: u32, status: Status) -> Vec<Uuid> {
        let routing = Arc::clone(&rules().routing);
        let mut made = Synthetic::new(count, 1, routing);
        made.status = status;
        made.start = NOW.plus(-i64::from(count) * 1_000);
        let alerts: Vec<_> = made.alerts().collect();
        let ids = alerts.iter().map(|alert| alert.incident_id).collect();
        self.desk.absorb_alerts(alerts).await.unwrap();
        ids
    }

    /// One incident that `fire` leads and `health` supports.
    pub(crate) async fn fire(&self) -> Uuid {
        let routing = Arc::clone(&rules().routing);
        let made = Synthetic::new(4_000, 1, Arc::clone(&routing));
        let alert = made
            .alerts()
            .find(|alert| {
                let names = |id: &str, duty| {
                    let mut all = alert.departments.iter();
                    all.any(|it| &*it.id == id && it.duty == duty)
                };
                names("fire", Duty::Lead) && names("health", Duty::Support)
            })
            .expect("a made-up incident of both");
        let id = alert.incident_id;
        self.desk.absorb_alerts([alert]).await.unwrap();
        id
    }

    /// The text of a new token.
    pub(crate) async fn token(&self, role: Role, department: Option<&str>) -> String {
        self.token_at(role, department, self.clock.now(), None)
            .await
    }

    /// The text of a token made at `at`, revoked at `revoked`.
    pub(crate) async fn token_at(
        &self,
        role: Role,
        department: Option<&str>,
        at: Millis,
        revoked: Option<Millis>,
    ) -> String {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let wish = NewToken {
            name: format!("{} {number}", role.id().replace('_', "-")),
            role,
            department: department.map(str::to_owned),
            days: 1,
        };
        wish.check(|id| rules().routing.get(id).is_some()).unwrap();
        let (tokens, by) = (self.access.tokens(), Actor::new("-", Role::Operator));
        let (token, text) = tokens.create(&wish, &by, at).await.unwrap();
        if let Some(revoked) = revoked {
            tokens.revoke(&token.id, &by, revoked).await.unwrap();
        }
        text.expose().to_owned()
    }

    /// Sends a request as it is, from an address.
    pub(crate) async fn send(&self, mut request: Request<Body>, peer: &str) -> Response<Body> {
        let peer: SocketAddr = peer.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        request
            .headers_mut()
            .entry(header::HOST)
            .or_insert(header::HeaderValue::from_static("127.0.0.1:8480"));
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Asks with a bearer token.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        Answer::of(self.send(request.body(body).unwrap(), "127.0.0.1:5").await).await
    }

    /// The version of an incident.
    pub(crate) async fn version(&self, incident: Uuid) -> u64 {
        self.desk.case(incident).await.unwrap().version
    }

    /// The time, for an address.
    pub(crate) fn clock_text(&self) -> String {
        self.clock.now().to_string()
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.ask(Method::GET, path, token, &[], None).await
    }

    /// Does something to an incident as it was at `version`.
    pub(crate) async fn act(
        &self,
        incident: Uuid,
        token: &str,
        version: u64,
        action: &Value,
    ) -> Answer {
        let path = format!("/api/v1/incidents/{incident}/actions");
        let tag = format!("\"{version}\"");
        self.ask(
            Method::POST,
            &path,
            token,
            &[("if-match", &tag)],
            Some(action),
        )
        .await
    }
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 16 << 20).await.unwrap();
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Code of a problem.
    pub(crate) fn code(&self) -> String {
        assert_eq!(
            self.headers["content-type"], "application/problem+json",
            "{self:?}"
        );
        self.json()["code"].as_str().unwrap().to_owned()
    }
}
