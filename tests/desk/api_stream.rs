//! The event stream: live, resumed, filtered, bounded, and over with its token.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Request, header};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tocsin::core::model::Status;
use tocsin::core::obligation::{Actor, Role};
use tocsin::desk::http::access::HttpLimits;
use tocsin::desk::http::counted::Limit;
use tocsin::desk::http::events::MAX_BACKLOG;
use tocsin::desk::http::peer::Reach;
use uuid::Uuid;

use super::api_world::{Answer, WIDE, World};

/// One event as a browser sees it.
#[derive(Debug)]
struct Seen {
    name: String,
    id: i64,
    data: Value,
}

struct Listener {
    body: BodyDataStream,
    rest: String,
}

impl Listener {
    async fn open(
        world: &World,
        token: &str,
        query: &str,
        last: Option<i64>,
    ) -> Result<Self, Answer> {
        let mut request = Request::builder()
            .uri(format!("/api/v1/events{query}"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let response = world
            .send(request.body(Body::empty()).unwrap(), "127.0.0.1:5")
            .await;
        if response.status() != 200 {
            return Err(Answer::of(response).await);
        }
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        Ok(Self {
            body: response.into_body().into_data_stream(),
            rest: String::new(),
        })
    }

    /// The next event; comments are skipped. None: the stream has ended.
    async fn next(&mut self) -> Option<Seen> {
        loop {
            if let Some((block, rest)) = self.rest.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.rest = rest;
                let field = |name: &str| {
                    let lines = block
                        .lines()
                        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    lines.collect::<Vec<_>>().join("\n")
                };
                if field("event").is_empty() {
                    continue;
                }
                return Some(Seen {
                    name: field("event"),
                    id: field("id").parse().unwrap(),
                    data: serde_json::from_str(&field("data")).unwrap(),
                });
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.body.next())
                .await
                .expect("an event in time")?;
            self.rest
                .push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    }

    async fn ready(&mut self) -> i64 {
        let seen = self.next().await.unwrap();
        assert_eq!(seen.name, "ready");
        seen.id
    }
}

async fn note(world: &World, incident: Uuid, token: &str) {
    let version = world.version(incident).await;
    let done = world
        .act(
            incident,
            token,
            version,
            &json!({"action": "note", "text": "x"}),
        )
        .await;
    assert_eq!(done.status, 200, "{}", done.text);
}

#[tokio::test]
async fn what_was_missed_is_told_once_and_in_order() {
    let world = World::new().await;
    let token = world.token(Role::Analyst, None).await;
    let incidents = world.incidents(3, Status::Actual).await;
    let mut live = Listener::open(&world, &token, "", None).await.unwrap();
    let begin = live.ready().await;
    for incident in &incidents {
        note(&world, *incident, &token).await;
    }
    let mut told = Vec::new();
    for incident in &incidents {
        let seen = live.next().await.unwrap();
        assert_eq!(
            (seen.name.as_str(), seen.data["kind"].as_str()),
            ("change", Some("noted"))
        );
        assert_eq!(seen.data["incident"], incident.to_string());
        assert_eq!(
            seen.data["version"].as_u64(),
            Some(world.version(*incident).await)
        );
        told.push(seen.id);
    }
    assert!(told.windows(2).all(|pair| pair[0] < pair[1]) && told[0] > begin);
    drop(live);

    // Cut after the first one: the other two come again, and what is new after them.
    let mut resumed = Listener::open(&world, &token, "", Some(told[0]))
        .await
        .unwrap();
    assert_eq!(resumed.next().await.unwrap().id, told[1]);
    assert_eq!(resumed.next().await.unwrap().id, told[2]);
    assert_eq!(resumed.ready().await, told[2]);
    note(&world, incidents[0], &token).await;
    assert!(resumed.next().await.unwrap().id > told[2]);

    // Of a store that was made anew, or nonsense.
    let mut ahead = Listener::open(&world, &token, "", Some(1_000_000))
        .await
        .unwrap();
    assert_eq!(ahead.next().await.unwrap().name, "reset");
    let wrong = Listener::open(&world, &token, "?after=-1", None)
        .await
        .err()
        .unwrap();
    assert_eq!(wrong.status, 422);
}

#[tokio::test]
async fn exercises_and_other_departments_are_told_only_where_asked_for() {
    let world = World::new().await;
    let token = world.token(Role::Analyst, None).await;
    let actual = world.fire().await;
    let exercise = world.incidents(1, Status::Exercise).await[0];
    let mut plain = Listener::open(&world, &token, "", None).await.unwrap();
    let mut drill = Listener::open(&world, &token, "?status=exercise", None)
        .await
        .unwrap();
    let mut fire = Listener::open(&world, &token, "?department=fire", None)
        .await
        .unwrap();
    let mut nobody = Listener::open(&world, &token, "?department=nobody", None)
        .await
        .unwrap();
    for listener in [&mut plain, &mut drill, &mut fire, &mut nobody] {
        listener.ready().await;
    }
    note(&world, exercise, &token).await;
    note(&world, actual, &token).await;
    for listener in [&mut plain, &mut fire] {
        assert_eq!(
            listener.next().await.unwrap().data["incident"],
            actual.to_string()
        );
    }
    assert_eq!(
        drill.next().await.unwrap().data["incident"],
        exercise.to_string()
    );
    let silent = tokio::time::timeout(Duration::from_millis(300), nobody.next()).await;
    assert!(silent.is_err(), "{silent:?}");
}

#[tokio::test]
async fn who_is_too_far_behind_fetches_again() {
    let world = World::new().await;
    let token = world.token(Role::Analyst, None).await;
    world.incidents(MAX_BACKLOG + 10, Status::Actual).await;
    let mut behind = Listener::open(&world, &token, "?after=1", None)
        .await
        .unwrap();
    let reset = behind.next().await.unwrap();
    assert_eq!(reset.name, "reset");
    assert_eq!(behind.ready().await, reset.id);
    assert_eq!(world.access.counted().hits(Limit::StreamBacklog), 1);
}

#[tokio::test]
async fn streams_are_bounded_and_given_back() {
    let limits = HttpLimits {
        streams: 3,
        streams_per_token: 2,
        ..WIDE
    };
    let world = World::with(limits, Reach::default()).await;
    let (one, other) = (
        world.token(Role::Analyst, None).await,
        world.token(Role::ReadOnly, None).await,
    );
    let first = Listener::open(&world, &one, "", None).await.unwrap();
    let second = Listener::open(&world, &one, "", None).await.unwrap();
    let refused = Listener::open(&world, &one, "", None).await.err().unwrap();
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (429, "too_many_streams")
    );
    let third = Listener::open(&world, &other, "", None).await.unwrap();
    assert!(
        Listener::open(&world, &other, "", None).await.is_err(),
        "three in all"
    );
    assert_eq!(world.access.counted().hits(Limit::Streams), 2);
    drop((first, third));
    Listener::open(&world, &one, "", None).await.unwrap();
    drop(second);
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let limits = HttpLimits {
        heartbeat: Duration::from_millis(50),
        ..WIDE
    };
    let world = World::with(limits, Reach::default()).await;
    let token = world.token(Role::Analyst, None).await;
    let mut live = Listener::open(&world, &token, "", None).await.unwrap();
    live.ready().await;
    let name = world.get("/api/v1/me", &token).await.json()["name"]
        .as_str()
        .unwrap()
        .to_owned();
    world
        .access
        .tokens()
        .revoke(
            &name,
            &Actor::new("-", Role::Operator),
            super::api_world::NOW,
        )
        .await
        .unwrap();
    assert!(live.next().await.is_none());
}
