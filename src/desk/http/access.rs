//! Everything that decides whether a request is let in, in one value that is cheap to clone.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::counted::{Counted, Limit};
use super::identity::{Identity, Session};
use super::peer::Reach;
use super::problem::{Code, Problem};
use super::rate::{Limiter, Rate};
use super::secret;
use super::sessions::Sessions;
use super::token::{TokenError, Unheard};
use super::tokens::Tokens;
use crate::config::Secret;
use crate::core::model::Millis;

/// Named limits of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Bytes of a body.
    pub body: usize,
    /// Requests of one token.
    pub token_rate: Rate,
    /// Requests of one address, known or not.
    pub address_rate: Rate,
    /// Wrong tokens of one address.
    pub wrong_rate: Rate,
    /// Time for a request until its answer begins.
    pub timeout: Duration,
    /// Silence of an event stream after which a sign of life goes out, and it is looked whether its token still lives.
    pub heartbeat: Duration,
    /// Event streams at a time, in all.
    pub streams: usize,
    /// Event streams of one token at a time.
    pub streams_per_token: usize,
    /// Connections at a time.
    pub connections: usize,
}

/// Tells the time.
pub type Now = Arc<dyn Fn() -> Millis + Send + Sync>;

struct Inner {
    tokens: Tokens,
    sessions: Sessions,
    reach: Reach,
    limits: HttpLimits,
    now: Now,
    counted: Counted,
    by_token: Limiter<String>,
    by_address: Limiter<IpAddr>,
    wrong: Limiter<IpAddr>,
    streams: Streams,
    demo: Option<Demo>,
}

/// A login that needs no token: only `demo` makes one, on loopback, for as long as it runs.
#[derive(Debug)]
struct Demo {
    code: secret::Hash,
    token_id: String,
}

/// See the module.
#[derive(Clone)]
pub struct Access(Arc<Inner>);

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access")
            .field("reach", &self.0.reach)
            .finish_non_exhaustive()
    }
}

impl Access {
    /// Over the tables of tokens and sessions.
    pub fn new(
        sessions: Sessions,
        tokens: Tokens,
        reach: Reach,
        limits: HttpLimits,
        now: Now,
        counted: Counted,
    ) -> Self {
        Self(Arc::new(Inner {
            by_token: Limiter::new(limits.token_rate),
            by_address: Limiter::new(limits.address_rate),
            wrong: Limiter::new(limits.wrong_rate),
            streams: Streams::default(),
            tokens,
            sessions,
            reach,
            limits,
            now,
            counted,
            demo: None,
        }))
    }

    /// With a login for a demo: who opens `/login/demo/<code>` is the token of this id. Only before it was cloned.
    #[must_use]
    pub fn with_demo(self, code: &Secret, token_id: &str) -> Self {
        let demo = Demo {
            code: secret::Hash::of(code.expose()),
            token_id: token_id.to_owned(),
        };
        match Arc::try_unwrap(self.0) {
            Ok(inner) => Self(Arc::new(Inner {
                demo: Some(demo),
                ..inner
            })),
            Err(shared) => Self(shared),
        }
    }

    /// The tokens.
    pub fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }

    /// The sessions.
    pub fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// How the service is reached.
    pub fn reach(&self) -> &Reach {
        &self.0.reach
    }

    /// The limits.
    pub fn limits(&self) -> &HttpLimits {
        &self.0.limits
    }

    /// The metrics.
    pub fn counted(&self) -> &Counted {
        &self.0.counted
    }

    /// The time.
    pub fn now(&self) -> Millis {
        (self.0.now)()
    }

    /// One request of an address.
    pub fn address(&self, address: IpAddr) -> Result<(), Problem> {
        let asked = self.0.by_address.ask(&address, self.now());
        asked.map_err(|wait| self.too_often(Limit::AddressRate, wait, "of this address"))
    }

    fn too_often(&self, limit: Limit, wait: u64, of: &str) -> Problem {
        self.0.counted.hit(limit);
        Problem::new(
            Code::RateLimited,
            format!("too many requests {of}: wait {wait} s"),
        )
        .retry_after(wait.max(1))
    }

    /// Who holds this token; a wrong one counts against its address.
    pub async fn bearer(&self, text: &str, address: IpAddr) -> Result<Identity, Problem> {
        let now = self.now();
        let tried = self.0.wrong.peek(&address, now);
        tried.map_err(|wait| self.too_often(Limit::WrongTokens, wait, "with wrong tokens"))?;
        let verified = self
            .0
            .tokens
            .verify(text, now)
            .await
            .map_err(|error| unavailable(&error))?;
        let token = verified.map_err(|unheard| {
            // Refused or not, it was counted: the answer is the same.
            let _ = self.0.wrong.ask(&address, now);
            self.0.counted.refused(unheard);
            unheard_problem(unheard)
        })?;
        self.known(Identity {
            token,
            session: None,
        })
    }

    /// Who this session speaks for. `active`: a person asks.
    pub async fn session(&self, secret: &str, active: bool) -> Result<Option<Identity>, Problem> {
        let found = self.0.sessions.find(secret, self.now(), active).await;
        let Some(token) = found.map_err(|error| unavailable(&error))? else {
            return Ok(None);
        };
        let session = Session {
            secret: Secret::new(secret),
            csrf: secret::csrf_of(secret),
        };
        let identity = Identity {
            token,
            session: Some(session),
        };
        self.known(identity).map(Some)
    }

    fn known(&self, identity: Identity) -> Result<Identity, Problem> {
        let asked = self.0.by_token.ask(&identity.token.id, self.now());
        asked.map_err(|wait| self.too_often(Limit::TokenRate, wait, "of this token"))?;
        Ok(identity)
    }

    /// Whether who was let in is still heard: a stream outlives the request that opened it.
    pub async fn still(&self, identity: &Identity) -> bool {
        let now = self.now();
        let found = match &identity.session {
            Some(session) => {
                self.0
                    .sessions
                    .find(session.secret.expose(), now, false)
                    .await
            }
            None => self.0.tokens.get(&identity.token.id).await,
        };
        // A store that does not answer ends nothing.
        found.map_or(true, |token| {
            token.is_some_and(|token| token.heard(now).is_ok())
        })
    }

    /// The id of the demo's token, for who knows the code.
    pub fn demo(&self, code: &str) -> Option<&str> {
        let demo = self.0.demo.as_ref()?;
        secret::Hash::of(code)
            .is(demo.code.as_str())
            .then_some(demo.token_id.as_str())
    }

    /// A place among the event streams.
    pub fn stream(&self, token_id: &str) -> Result<StreamPlace, Problem> {
        let place = StreamPlace::take(self, token_id);
        place.ok_or_else(|| {
            self.0.counted.hit(Limit::Streams);
            let detail = "too many event streams are open: close some";
            Problem::new(Code::TooManyStreams, detail).retry_after(5)
        })
    }
}

/// Open event streams.
#[derive(Debug, Default)]
struct Streams {
    all: AtomicUsize,
    by_token: std::sync::Mutex<std::collections::HashMap<String, usize>>,
}

/// A place among the event streams; given back when dropped.
#[derive(Debug)]
pub struct StreamPlace {
    access: Access,
    token_id: String,
}

impl StreamPlace {
    fn take(access: &Access, token_id: &str) -> Option<Self> {
        let streams = &access.0.streams;
        let mut by_token = streams.by_token.lock().ok()?;
        let own = by_token.get(token_id).copied().unwrap_or(0);
        let all = streams.all.load(Ordering::SeqCst);
        let limits = access.limits();
        if own >= limits.streams_per_token || all >= limits.streams {
            return None;
        }
        by_token.insert(token_id.to_owned(), own + 1);
        streams.all.store(all + 1, Ordering::SeqCst);
        access.0.counted.streams(all + 1);
        Some(Self {
            access: access.clone(),
            token_id: token_id.to_owned(),
        })
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let streams = &self.access.0.streams;
        let Ok(mut by_token) = streams.by_token.lock() else {
            return;
        };
        if let Some(own) = by_token.get_mut(&self.token_id) {
            *own -= 1;
            if *own == 0 {
                by_token.remove(&self.token_id);
            }
        }
        let all = streams.all.load(Ordering::SeqCst).saturating_sub(1);
        streams.all.store(all, Ordering::SeqCst);
        self.access.0.counted.streams(all);
    }
}

/// The store does not answer: logged, and told without its words.
pub fn unavailable(error: &TokenError) -> Problem {
    tracing::error!(%error, "the desk's store does not answer");
    Problem::new(Code::Unavailable, "the store does not answer: try again").retry_after(2)
}

fn unheard_problem(unheard: Unheard) -> Problem {
    match unheard {
        Unheard::Unknown => Problem::new(Code::TokenUnknown, "no such token"),
        Unheard::Expired => Problem::new(
            Code::TokenExpired,
            "the token has expired: ask an operator for another one",
        ),
        Unheard::Revoked => {
            Problem::new(Code::TokenRevoked, "the token was revoked: ask an operator")
        }
    }
}
