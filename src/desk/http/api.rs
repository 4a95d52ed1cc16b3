//! What the routes work with, and the router that holds all of them.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Router, middleware, routing};
use serde_json::Value;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

use super::access::Access;
use super::problem::{Code, Problem};
use super::routes::cap::Cap;
use super::{auth, headers, login, openapi, routes};
use crate::core::model::Feed;
use crate::core::obligation::{Action, Refusal};
use crate::core::ruleset::RuleSet;
use crate::desk::drills::Drills;
use crate::desk::tallies::{Kept, Tallies};
use crate::desk::{Desk, DeskError};

/// Path of the OpenAPI document.
pub const DOCUMENT: &str = "/api/v1/openapi.json";

/// Where a report that was taken by telephone goes.
pub trait Reports: Send + Sync + 'static {
    /// Puts a record on the feed `tocsin.manual`; done when the broker has it.
    fn send<'a>(
        &'a self,
        key: &'a str,
        body: Vec<u8>,
    ) -> futures_util::future::BoxFuture<'a, Result<(), String>>;
}

struct Inner {
    desk: Desk,
    told: super::events::Told,
    access: Access,
    rules: Box<dyn Fn() -> Arc<RuleSet> + Send + Sync>,
    feeds: Vec<Arc<Feed>>,
    reports: Option<Arc<dyn Reports>>,
    cap: Option<Cap>,
    drills: Option<Drills>,
    tallies: Kept,
}

/// See the module.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").finish_non_exhaustive()
    }
}

impl Api {
    /// Over a desk. `rules` gives the rule set in use.
    pub fn new(
        desk: Desk,
        access: Access,
        rules: impl Fn() -> Arc<RuleSet> + Send + Sync + 'static,
        feeds: Vec<Arc<Feed>>,
        reports: Option<Arc<dyn Reports>>,
    ) -> Self {
        Self(Arc::new(Inner {
            desk,
            told: super::events::Told::default(),
            access,
            rules: Box::new(rules),
            feeds,
            reports,
            cap: None,
            drills: None,
            tallies: Kept::default(),
        }))
    }

    /// What became of each rule's incidents.
    pub async fn tallies(&self) -> Result<Arc<Tallies>, DeskError> {
        let (store, now) = (self.0.desk.store(), self.0.desk.now());
        self.0.tallies.tallies(store, now).await
    }

    /// With a CAP feed. Only before it was cloned.
    #[must_use]
    pub fn with_cap(self, cap: Option<Cap>) -> Self {
        match Arc::try_unwrap(self.0) {
            Ok(inner) => Self(Arc::new(Inner { cap, ..inner })),
            Err(shared) => Self(shared),
        }
    }

    /// With a room for drills. Only before it was cloned.
    #[must_use]
    pub fn with_drills(self, drills: Option<Drills>) -> Self {
        match Arc::try_unwrap(self.0) {
            Ok(inner) => Self(Arc::new(Inner { drills, ..inner })),
            Err(shared) => Self(shared),
        }
    }

    /// Where drills are run, if they are run here.
    pub fn drills(&self) -> Option<&Drills> {
        self.0.drills.as_ref()
    }

    /// The CAP feed, if there is one.
    pub fn cap(&self) -> Option<&Cap> {
        self.0.cap.as_ref()
    }

    /// The desk.
    pub fn desk(&self) -> &Desk {
        &self.0.desk
    }

    /// Changes that were told lately.
    pub(super) fn told(&self) -> &super::events::Told {
        &self.0.told
    }

    /// Who may ask.
    pub fn access(&self) -> &Access {
        &self.0.access
    }

    /// The rule set in use.
    pub fn rules(&self) -> Arc<RuleSet> {
        (self.0.rules)()
    }

    /// The feeds.
    pub fn feeds(&self) -> &[Arc<Feed>] {
        &self.0.feeds
    }

    /// Where reports by telephone go, if there is a Kafka to send them to.
    pub fn reports(&self) -> Option<&Arc<dyn Reports>> {
        self.0.reports.as_ref()
    }

    /// Whether the routing table knows a department.
    pub fn knows_department(&self, id: &str) -> bool {
        self.rules().routing.get(id).is_some()
    }

    /// Reads an action. A corrected place is named by its code, and looked up.
    pub fn action(&self, mut body: Value) -> Result<Action, Problem> {
        if let Some(place) = body.get_mut("place") {
            let found = place
                .as_str()
                .and_then(|code| self.rules().gazetteer.get(code));
            let found = found.ok_or_else(|| {
                Problem::bad_value("place", "there is no such place in the gazetteer")
            })?;
            *place = serde_json::to_value(found).unwrap_or_default();
        }
        serde_json::from_value(body).map_err(|error| {
            let error = error.to_string();
            let detail: String = super::text::line(&error).chars().take(300).collect();
            Problem::bad_value("body", detail)
        })
    }
}

/// What the desk said, as a problem.
pub fn problem_of(error: DeskError) -> Problem {
    match error {
        DeskError::NotFound(_) => Problem::not_found("incident"),
        DeskError::NoSilence(_) => Problem::not_found("silence"),
        DeskError::Conflict { current } => Problem::conflict(current),
        DeskError::Refused(refused) => {
            let code = match refused.why {
                Refusal::Role | Refusal::NotYours => Code::Forbidden,
                Refusal::ReasonMissing | Refusal::TooLong | Refusal::BadSilence => Code::BadValue,
                _ => Code::Refused,
            };
            let mut problem = Problem::new(code, refused.message);
            problem.reason = Some(refused.why.id());
            problem
        }
        DeskError::Unavailable(why) => {
            tracing::warn!(why, "the desk does not answer");
            let detail = "the store does not answer, or another desk is the active one: try again";
            Problem::new(Code::Unavailable, detail).retry_after(2)
        }
        DeskError::Internal(why) => {
            tracing::error!(why, "the desk failed");
            Problem::new(
                Code::Internal,
                "a defect of Tocsin, or a damaged store; it was logged",
            )
        }
    }
}

/// The operations of the API, without their state.
fn operations() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::Head::openapi()).merge(routes::router())
}

/// The OpenAPI document, as it is served.
pub fn document() -> Value {
    openapi::document(&operations().into_openapi())
}

/// Everything that is served: the API, login, and the console's pages, which need a login, and its files, which do not.
pub fn router(api: &Api, pages: Router, files: Router) -> Router {
    let access = api.access().clone();
    let (operations, openapi) = operations().split_for_parts();
    let document = openapi::document(&openapi);
    let public = api.cap().is_some_and(|cap| cap.options.public);
    let state = (access.clone(), public);
    let gate = middleware::from_fn_with_state(state, auth::authenticate_unless_public);
    let known = operations
        .with_state(api.clone())
        .merge(pages)
        .route_layer(gate);
    let document = routing::get(move || {
        let document = document.clone();
        async move { axum::Json(document) }
    });
    Router::new()
        .merge(known)
        .merge(files)
        .merge(login::router(&access))
        .route(DOCUMENT, document)
        .fallback(async || Problem::not_found("page"))
        .method_not_allowed_fallback(not_allowed)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(access.clone(), auth::gate))
        .layer(middleware::from_fn_with_state(access, headers::secure))
}

async fn not_allowed() -> Problem {
    Problem::new(
        Code::MethodNotAllowed,
        "this method is not for this address: see Allow",
    )
}

/// The words of a panic may quote a report: the hook of the process has logged where it was.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    debug_assert_eq!(Code::Internal.status(), StatusCode::INTERNAL_SERVER_ERROR);
    Problem::new(Code::Internal, "a defect of Tocsin; it was logged").into_response()
}
