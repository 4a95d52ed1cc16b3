//! From settings to a listening service.
//!
//! Invariant: nothing listens before [`Reach::check`] has agreed.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use prometheus::Registry;

use super::access::{Access, HttpLimits, Now};
use super::api::{Api, Reports, router};
use super::counted::Counted;
use super::peer::{Network, Reach, Unsafe};
use super::rate::Rate;
use super::routes::cap::Cap;
use super::secret;
use super::server;
use super::sessions::{SessionLife, Sessions};
use super::token::{NewToken, TokenError};
use super::tokens::Tokens;
use crate::config::DeskHttp;
use crate::core::model::Feed;
use crate::core::obligation::{Actor, Role};
use crate::core::ruleset::RuleSet;
use crate::desk::Desk;
use crate::desk::drills::Drills;

/// Below the shortest idle timeout that proxies usually have, 30 seconds.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It would not be safe.
    #[error(transparent)]
    Unsafe(#[from] Unsafe),
    /// A setting that cannot be used.
    #[error("desk.http.{0}: {1}")]
    Setting(&'static str, String),
    /// The address.
    #[error(transparent)]
    Listen(#[from] std::io::Error),
    /// Tokens cannot be read.
    #[error(transparent)]
    Tokens(#[from] TokenError),
    /// Metrics cannot be registered.
    #[error(transparent)]
    Metrics(#[from] prometheus::Error),
}

/// What the service works with.
pub struct Parts {
    /// The desk.
    pub desk: Desk,
    /// The rule set in use.
    pub rules: Box<dyn Fn() -> Arc<RuleSet> + Send + Sync>,
    /// The feeds.
    pub feeds: Vec<Arc<Feed>>,
    /// Where reports by telephone go.
    pub reports: Option<Arc<dyn Reports>>,
    /// Where metrics are registered.
    pub registry: Registry,
    /// The CAP feed.
    pub cap: Option<Cap>,
    /// Where drills are run.
    pub drills: Option<Drills>,
    /// The console's pages, which need a login.
    pub pages: Box<dyn FnOnce(&Api) -> Router + Send>,
    /// The console's files, which do not.
    pub files: Router,
    /// Whether there is a login for a demo, as this role.
    pub demo: Option<Role>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

/// A service that listens.
#[derive(Debug)]
pub struct Service {
    address: SocketAddr,
    demo: Option<String>,
    task: tokio::task::JoinHandle<()>,
}

fn setting<T, E: std::fmt::Display>(
    name: &'static str,
    read: Result<T, E>,
) -> Result<T, StartError> {
    read.map_err(|error| StartError::Setting(name, error.to_string()))
}

/// How the service is reached, by its settings.
pub fn reach(settings: &DeskHttp) -> Result<Reach, StartError> {
    let external_url = settings.external_url.as_deref().map(|url| {
        let url: axum::http::Uri = setting("external_url", url.parse())?;
        let whole = matches!(url.scheme_str(), Some("http" | "https"))
            && url.authority().is_some()
            && url.path() == "/";
        let why = "an address such as https://desk.example, without a path";
        if whole {
            Ok(url)
        } else {
            Err(StartError::Setting("external_url", why.to_owned()))
        }
    });
    let proxies = settings.tls_terminated_by.iter();
    let proxies = proxies.map(|text| setting("tls_terminated_by", text.parse::<Network>()));
    Ok(Reach {
        external_url: external_url.transpose()?,
        proxies: proxies.collect::<Result<_, _>>()?,
    })
}

fn limits(settings: &DeskHttp) -> HttpLimits {
    HttpLimits {
        body: settings.body_max_kib as usize * 1_024,
        token_rate: Rate {
            per_minute: settings.token_requests_per_minute,
            burst: settings.token_burst,
        },
        address_rate: Rate {
            per_minute: settings.address_requests_per_minute,
            burst: settings.address_burst,
        },
        wrong_rate: Rate {
            per_minute: settings.wrong_tokens_per_minute,
            burst: settings.wrong_tokens_per_minute,
        },
        timeout: Duration::from_secs(u64::from(settings.request_timeout_s)),
        heartbeat: HEARTBEAT,
        streams: settings.event_streams as usize,
        streams_per_token: settings.event_streams_per_token as usize,
        connections: settings.connections as usize,
    }
}

impl Service {
    /// Listens, and serves until `stop` is ready.
    pub async fn start(
        settings: &DeskHttp,
        parts: Parts,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Self, StartError> {
        let listen: SocketAddr = setting("listen", settings.listen.parse())?;
        let reach = reach(settings)?;
        let store = parts.desk.store().clone();
        let tokens = Tokens::new(store.clone());
        reach.check(listen, tokens.live(parts.desk.time_of_people()).await?)?;
        let listener = server::bind(listen).await?;
        let address = listener.local_addr()?;
        let life = SessionLife {
            idle: i64::from(settings.session_idle_minutes) * 60_000,
            absolute: i64::from(settings.session_hours) * 3_600_000,
        };
        let now: Now = {
            let desk = parts.desk.clone();
            Arc::new(move || desk.time_of_people())
        };
        let counted = Counted::new(&parts.registry)?;
        let limits = limits(settings);
        let sessions = Sessions::new(store, life);
        let mut access = Access::new(sessions, tokens, reach, limits, now, counted.clone());
        let mut demo = None;
        if let Some(role) = parts.demo
            && listen.ip().is_loopback()
        {
            let code = secret::new_secret().map_err(TokenError::from)?;
            let id = demo_token(&access, role).await?;
            access = access.with_demo(&code, &id);
            demo = Some(format!("/login/demo/{}", code.expose()));
        }
        let api = Api::new(parts.desk, access, parts.rules, parts.feeds, parts.reports)
            .with_cap(parts.cap)
            .with_drills(parts.drills);
        let router = router(&api, (parts.pages)(&api), parts.files);
        let task = tokio::spawn(server::serve(
            listener,
            router,
            limits.connections,
            counted,
            stop,
        ));
        Ok(Self {
            address,
            demo: demo.map(|path| format!("http://{address}{path}")),
            task,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address that logs in to the demo.
    pub fn demo(&self) -> Option<&str> {
        self.demo.as_deref()
    }

    /// Waits until it has stopped.
    pub async fn stopped(self) {
        // A panic of the listener was logged where it was.
        let _ = self.task.await;
    }
}

/// A token for the demo; its text is forgotten at once.
async fn demo_token(access: &Access, role: Role) -> Result<String, StartError> {
    let wish = NewToken {
        name: "demo".to_owned(),
        role,
        department: None,
        days: 1,
    };
    let now = access.now();
    let by = Actor::new("-", Role::Operator);
    if let Ok(before) = access.tokens().revoke("demo", &by, now).await {
        tracing::debug!(token = %before.id, "the demo's token of before is revoked");
    }
    let (token, _) = access.tokens().create(&wish, &by, now).await?;
    Ok(token.id)
}
