//! The event stream: what changes, as it changes, with resumption.
//!
//! Invariants: a client that names the last event it has seen is told of everything after it, or is told to fetch again (`reset`);
//! what waits for a slow client is bounded; a stream ends with its token.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::Stream;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use utoipa::IntoParams;

use super::access::StreamPlace;
use super::api::{Api, problem_of};
use super::counted::Limit;
use super::extract::Query;
use super::identity::Identity;
use super::permission::Permission;
use super::problem::{Code, Problem};
use super::routes::{incidents, shape};
use crate::core::model::Status;
use crate::desk::Change;

/// How often the store is looked into while another desk is the active one.
const LOOK: Duration = Duration::from_secs(1);
/// Missed events that are told one by one; beyond, the client fetches again.
pub const MAX_BACKLOG: u32 = 1_000;
/// Changes of which it is remembered what they are about.
const MAX_TOLD: usize = 2_048;
/// Wait of a client before it comes again.
const RETRY: Duration = Duration::from_secs(2);

/// Which events.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// `actual` (the default), `exercise` or `test`.
    #[param(schema_with = shape::status)]
    #[serde(default)]
    status: Status,
    /// Of incidents in which this department takes part.
    #[param(schema_with = shape::department)]
    department: Option<String>,
    /// The last event that was seen; `Last-Event-ID` wins.
    #[param(minimum = 0)]
    after: Option<i64>,
}

/// What a stream lets through.
#[derive(Clone, Debug)]
struct Filter {
    status: Status,
    department: Option<String>,
}

impl Filter {
    fn passes(&self, about: &About) -> bool {
        let wanted = self.department.as_ref();
        self.status == about.status
            && wanted.is_none_or(|wanted| about.departments.iter().any(|it| **it == **wanted))
    }
}

/// What a change is about, beside what it says itself.
#[derive(Debug)]
struct About {
    status: Status,
    departments: Vec<Arc<str>>,
}

/// What the newest changes are about: read once, told to every stream.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<BTreeMap<i64, Arc<About>>>);

impl Told {
    /// What a change is about; none when its incident cannot be read.
    async fn about(&self, api: &Api, change: &Change) -> Option<Arc<About>> {
        if let Some(known) = self.all().get(&change.seq) {
            return Some(Arc::clone(known));
        }
        let case = api.desk().case(change.incident).await.ok()?;
        let about = Arc::new(About {
            status: case.status(),
            departments: case.departments().into_iter().cloned().collect(),
        });
        let mut all = self.all();
        all.insert(change.seq, Arc::clone(&about));
        while all.len() > MAX_TOLD {
            all.pop_first();
        }
        Some(about)
    }

    fn all(&self) -> std::sync::MutexGuard<'_, BTreeMap<i64, Arc<About>>> {
        // A panic elsewhere leaves whole entries behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What changes, as server-sent events
///
/// `change`: an incident has a new version or revision: fetch it again if it is shown. `reset`: too much was missed: fetch
/// everything again. `ready`: nothing was missed up to here. Each has the id to resume after.
#[utoipa::path(get, path = "/api/v1/events", tag = "desk", operation_id = "events",
    params(EventQuery, ("Last-Event-ID" = Option<String>, Header, description = "The last event that was seen")),
    responses((status = 200, description = "A stream without end", body = String, content_type = "text/event-stream")))]
pub async fn events(
    State(api): State<Api>,
    identity: Identity,
    headers: HeaderMap,
    Query(query): Query<EventQuery>,
) -> Result<Response, Problem> {
    identity.require(Permission::Read)?;
    incidents::department(query.department.as_deref())?;
    let filter = Filter {
        status: query.status,
        department: query.department,
    };
    let last = last_seen(&headers, query.after)?;
    let place = api.access().stream(&identity.token.id)?;
    // Listening begins before the past is read, so that nothing falls between.
    let live = api.desk().subscribe();
    let store = api.desk().store();
    let (oldest, newest) = store
        .change_range()
        .await
        .map_err(|error| problem_of(error.into()))?;
    let start = Start {
        last,
        oldest,
        newest,
    };
    let stream = stream(api, identity, filter, start, live, place);
    let unbuffered = [(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    )];
    Ok((unbuffered, Sse::new(stream)).into_response())
}

fn last_seen(headers: &HeaderMap, after: Option<i64>) -> Result<Option<i64>, Problem> {
    let Some(header) = headers.get("last-event-id") else {
        return match after {
            Some(after) if after < 0 => Err(Problem::bad_value("after", "the id of an event")),
            after => Ok(after),
        };
    };
    let id = header
        .to_str()
        .ok()
        .and_then(|id| id.trim().parse::<i64>().ok());
    id.filter(|id| *id >= 0)
        .map(Some)
        .ok_or_else(|| Problem::new(Code::BadValue, "the id of an event").of_field("Last-Event-ID"))
}

struct Start {
    last: Option<i64>,
    oldest: i64,
    newest: i64,
}

fn stream(
    api: Api,
    identity: Identity,
    filter: Filter,
    start: Start,
    mut live: Receiver<Change>,
    place: StreamPlace,
) -> impl Stream<Item = Result<Event, Infallible>> {
    async_stream::stream! {
        // Given back when the client goes.
        let _place = place;
        let mut seen = start.newest;
        if let Some(last) = start.last {
            match missed(&api, last, &start).await {
                Some(changes) => {
                    for change in changes {
                        seen = seen.max(change.seq);
                        if let Some(event) = told(&api, &filter, &change).await {
                            yield Ok(event);
                        }
                    }
                }
                None => yield Ok(plain("reset", start.newest)),
            }
        }
        yield Ok(plain("ready", seen).retry(RETRY));
        let mut heart = tokio::time::interval(api.access().limits().heartbeat);
        let mut look = tokio::time::interval(LOOK);
        heart.tick().await;
        loop {
            let mut news = Vec::new();
            tokio::select! {
                change = live.recv() => match change {
                    Ok(change) => news.push(change),
                    Err(RecvError::Lagged(_)) => {
                        api.access().counted().hit(Limit::StreamBacklog);
                        yield Ok(plain("reset", seen));
                    }
                    Err(RecvError::Closed) => break,
                },
                // What the active desk does while this one stands by is in the store only.
                _ = look.tick(), if !api.desk().is_active() => {
                    news = api.desk().store().changes(seen, MAX_BACKLOG).await.unwrap_or_default();
                }
                _ = heart.tick() => {
                    if !api.access().still(&identity).await {
                        break;
                    }
                    yield Ok(Event::default().comment(""));
                }
            }
            for change in news {
                if change.seq > seen {
                    seen = change.seq;
                    if let Some(event) = told(&api, &filter, &change).await {
                        yield Ok(event);
                    }
                }
            }
        }
    }
}

/// What came after `last`; none when it is too much, forgotten, or when `last` is of another store.
async fn missed(api: &Api, last: i64, start: &Start) -> Option<Vec<Change>> {
    if last > start.newest || last.saturating_add(1) < start.oldest {
        return None;
    }
    let changes = api
        .desk()
        .store()
        .changes(last, MAX_BACKLOG + 1)
        .await
        .ok()?;
    if changes.len() > MAX_BACKLOG as usize {
        api.access().counted().hit(Limit::StreamBacklog);
        return None;
    }
    Some(changes)
}

/// A change as an event, if it passes.
async fn told(api: &Api, filter: &Filter, change: &Change) -> Option<Event> {
    let about = api.told().about(api, change).await?;
    if !filter.passes(&about) {
        return None;
    }
    let data = json!({
        "seq": change.seq, "incident": change.incident, "version": change.version, "revision": change.revision,
        "kind": change.kind, "status": about.status, "departments": about.departments, "at": change.at,
    });
    let event = Event::default().event("change").id(change.seq.to_string());
    Some(event.data(data.to_string()))
}

fn plain(name: &str, id: i64) -> Event {
    Event::default().event(name).id(id.to_string()).data("{}")
}
