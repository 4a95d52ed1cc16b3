//! Live streams of pages.
//!
//! Invariant: a stream ends after [`LIFE`]; the browser comes back with the last event's number and is let in anew, so that a revoked
//! session does not listen for ever.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::Stream;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use super::forms;
use super::lang::Lang;
use super::live::{Batch, Hub, told};
use super::page::board::Filter;
use super::routes::{Asked, fields};
use super::state::{Console, Visit};

/// Longest life of a stream.
const LIFE: Duration = Duration::from_secs(600);
/// Sign of life.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Wait of a browser before it comes again.
const RETRY: Duration = Duration::from_secs(2);

/// The last event that a returning browser has seen.
fn last_seen(headers: &HeaderMap) -> Option<i64> {
    headers.get("last-event-id")?.to_str().ok()?.parse().ok()
}

fn answer(stream: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> Response {
    let sse = Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    let mut response = sse.into_response();
    // Proxies must not collect a stream before they pass it on.
    response
        .headers_mut()
        .insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// Changes of a board.
pub(super) async fn board(
    State(console): State<Console>,
    visit: Visit,
    headers: HeaderMap,
    Query(asked): Asked,
) -> Response {
    let fields = fields(asked);
    let filter = forms::filter(&fields);
    let returning = last_seen(&headers);
    let seq = returning.or_else(|| fields.get("seq").parse().ok());
    answer(board_events(
        Arc::clone(&console.hub),
        filter,
        visit.lang,
        seq,
        returning.is_none(),
    ))
}

fn board_events(
    hub: Arc<Hub>,
    filter: Filter,
    lang: Lang,
    seq: Option<i64>,
    quiet: bool,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    async_stream::stream! {
        yield Ok(Event::default().retry(RETRY).comment("tocsin"));
        // Listens first, then looks back: what comes in between is told twice, never not at all.
        let mut batches = hub.subscribe();
        let key = forms::query(&filter);
        let mut at = 0;
        if let Some(seq) = seq {
            match hub.missed(seq).await {
                Some(batch) => {
                    at = batch.seq;
                    let counts = hub.counts(&filter, &key, batch.seq).await;
                    yield Ok(rows(&batch, &filter, lang, counts, quiet));
                }
                None => yield Ok(anew(seq)),
            }
        }
        let end = tokio::time::sleep(LIFE);
        tokio::pin!(end);
        loop {
            let batch: Arc<Batch> = tokio::select! {
                batch = batches.recv() => match batch {
                    Ok(batch) => batch,
                    Err(RecvError::Lagged(_)) => { yield Ok(anew(at)); continue; }
                    Err(RecvError::Closed) => break,
                },
                () = &mut end => break,
            };
            at = batch.seq;
            if batch.anew {
                yield Ok(anew(batch.seq));
                continue;
            }
            let counts = hub.counts(&filter, &key, batch.seq).await;
            yield Ok(rows(&batch, &filter, lang, counts, false));
        }
    }
}

fn rows(
    batch: &Batch,
    filter: &Filter,
    lang: Lang,
    counts: Option<[u64; 4]>,
    quiet: bool,
) -> Event {
    let data = told(batch, filter, lang, counts, quiet);
    Event::default()
        .event("rows")
        .id(batch.seq.to_string())
        .data(data)
}

/// Too much was missed: the page is read again.
fn anew(seq: i64) -> Event {
    Event::default()
        .event("rows")
        .id(seq.to_string())
        .data("{\"anew\":true}")
}

/// Changes of one incident: its version, when that is another one than the page shows.
pub(super) async fn incident(
    State(console): State<Console>,
    _: Visit,
    Path(id): Path<Uuid>,
) -> Response {
    let hub = Arc::clone(&console.hub);
    answer(async_stream::stream! {
        yield Ok(Event::default().retry(RETRY).comment("tocsin"));
        let mut batches = hub.subscribe();
        let end = tokio::time::sleep(LIFE);
        tokio::pin!(end);
        loop {
            let batch = tokio::select! {
                batch = batches.recv() => batch,
                () = &mut end => break,
            };
            let version = match batch {
                Ok(batch) if batch.anew => Some(0),
                Ok(batch) => batch.drawn.iter().find(|drawn| drawn.id == id).map(|drawn| drawn.version),
                Err(RecvError::Lagged(_)) => Some(0),
                Err(RecvError::Closed) => break,
            };
            if let Some(version) = version {
                yield Ok::<_, Infallible>(Event::default().event("changed").data(version.to_string()));
            }
        }
    })
}
