//! What the console works with, and who looks at it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};

use super::from_case::{self, Depts};
use super::lang::Lang;
use super::live::Hub;
use super::page::feeds::FeedRow;
use super::view::{Theme, Viewer};
use crate::core::model::Hazard;
use crate::core::obligation::Actor;
use crate::core::ruleset::RuleSet;
use crate::desk::Desk;
use crate::desk::drills::Drills;
use crate::desk::shadows::Shadows;
use crate::desk::tallies;

/// Cookie of the language switch.
pub const LANG_COOKIE: &str = "tocsin-lang";
/// Cookie of the colour switch.
pub const THEME_COOKIE: &str = "tocsin-theme";

/// A report from a telephone call, as entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// In one line.
    pub title: String,
    /// What was said.
    pub text: String,
    /// What it is about.
    pub hazard: Hazard,
    /// Code of a place.
    pub place: String,
}

/// What the console asks of the process that it runs in.
pub trait Process: Send + Sync + 'static {
    /// The rule set in use.
    fn rules(&self) -> Arc<RuleSet>;

    /// Whether this process reads feeds.
    fn reads_feeds(&self) -> bool;

    /// Feeds with their figures.
    fn feeds(&self) -> Vec<FeedRow>;

    /// Reports on which a shadow rule fired since this process started; none where it reads no feeds.
    fn shadow_hits(&self, rule: &str) -> Option<u64>;

    /// What shadow rules would have done, as of the latest look at their hits; none where they are not watched.
    fn shadows(&self) -> Option<Arc<Shadows>> {
        None
    }

    /// Whether reports from telephone calls can be taken.
    fn takes_calls(&self) -> bool;

    /// Where drills are run, if they are run here.
    fn drills(&self) -> Option<Drills> {
        None
    }

    /// Takes a report from a telephone call; its id, or why not, for people.
    fn call<'a>(
        &'a self,
        call: &'a Call,
    ) -> futures_util::future::BoxFuture<'a, Result<String, String>>;
}

/// The console of one desk. Cheap to clone.
#[derive(Clone)]
pub struct Console {
    pub(super) desk: Desk,
    pub(super) process: Arc<dyn Process>,
    pub(super) hub: Arc<Hub>,
    pub(super) tallies: Arc<tallies::Kept>,
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Console").finish_non_exhaustive()
    }
}

impl Console {
    /// Over a desk. Its live changes are drawn by a task that ends with the desk.
    ///
    /// Call it within a runtime.
    pub fn start(desk: Desk, process: Arc<dyn Process>) -> Self {
        let depts = Depts(from_case::departments(&process.rules().routing));
        let hub = Arc::new(Hub::new(desk.clone(), depts));
        tokio::spawn(Arc::clone(&hub).run());
        Self {
            desk,
            process,
            hub,
            tallies: Arc::default(),
        }
    }

    /// Departments as the routing table in use names them.
    pub(super) fn depts(&self) -> Depts {
        let depts = Depts(from_case::departments(&self.process.rules().routing));
        // What is drawn for all names them as the pages do.
        self.hub.set_departments(depts.clone());
        depts
    }

    /// The reader of a page.
    pub(super) fn viewer(&self, visit: &Visit) -> Viewer {
        Viewer {
            name: visit.visitor.actor.name.clone(),
            role: visit.visitor.actor.role,
            department: visit.visitor.actor.department.clone(),
            lang: visit.lang,
            theme: visit.theme,
            csrf: visit.visitor.csrf.clone(),
            here: visit.here.clone(),
            now: self.desk.now(),
            departments: self.depts().0,
            feeds: self.process.reads_feeds(),
            calls: self.process.takes_calls(),
            drills: self.process.drills().is_some(),
        }
    }
}

/// Who was let in: put into the request's extensions by whoever checked it.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Whom changes are done by.
    pub actor: Actor,
    /// What every form has to carry.
    pub csrf: String,
}

/// A visitor, and how it wants to see pages.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Who.
    pub visitor: Visitor,
    /// Language.
    pub lang: Lang,
    /// Colours.
    pub theme: Theme,
    /// Path and query.
    pub here: String,
    /// A fragment is wanted, no page.
    pub fragment: bool,
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let visitor = parts.extensions.get::<Visitor>().cloned();
        let visitor = visitor.ok_or(StatusCode::UNAUTHORIZED)?;
        let cookies = cookies(&parts.headers);
        let cookie = |name: &str| cookies.get(name).map(String::as_str);
        let accept = parts.headers.get(header::ACCEPT_LANGUAGE);
        let accept = accept.and_then(|value| value.to_str().ok());
        let here = parts.uri.path_and_query().map_or("/", |it| it.as_str());
        Ok(Self {
            visitor,
            lang: Lang::negotiate(cookie(LANG_COOKIE), accept),
            theme: Theme::parse(cookie(THEME_COOKIE)),
            here: here.to_owned(),
            fragment: parts.headers.contains_key("hx-request"),
        })
    }
}

/// The console's own two cookies.
fn cookies(headers: &HeaderMap) -> BTreeMap<String, String> {
    let all = headers.get_all(header::COOKIE).iter();
    all.filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| [LANG_COOKIE, THEME_COOKIE].contains(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
