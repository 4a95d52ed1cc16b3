//! SIGKILL while 20 clients act and a webhook is being told: what was answered is there once, and what is there is told at least once,
//! always with the same key and body; of what was rolled back nobody hears.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tocsin::core::model::Level;
use tocsin::core::obligation::{Action, EventKind, Policy};
use tocsin::desk::store::AuditEvent;
use tocsin::desk::{Desk, Store, WallClock};
use tokio::sync::watch;
use uuid::Uuid;

use super::receiver::{Answer, Posted, Receiver};
use super::{fires, log, notifier, routing, settings, states};
use crate::desk::kill::{all_at_once, killed_when};
use crate::desk::world::{Site, coordinator, on_both};

const CLIENTS: usize = 20;
const INCIDENTS: u32 = 5;

async fn desk_of(url: &str) -> Desk {
    let store = Store::open(url).await.expect("a store");
    let desk = Desk::new(store, Arc::new(Policy::new(routing())), Arc::new(WallClock));
    // The same name as the one that was killed: it need not wait for its own lease.
    let lease = desk.lead("killed", Duration::from_secs(60)).await;
    lease.expect("a database").expect("the lease");
    desk
}

fn config(hook: &str) -> tocsin::config::Notify {
    let mut config = settings(&[("a", hook)]);
    // A slow machine is no dead receiver.
    (config.timeout_s, config.attempts) = (30, 1_000);
    (config.backoff_first_s, config.backoff_max_s) = (1, 1);
    config
}

/// Not a test: the body of the process that is killed. Prints a line for every action that was answered with success.
#[test]
fn notifying_process() {
    let Ok(hook) = std::env::var("TOCSIN_TEST_HOOK") else {
        return;
    };
    let url = std::env::var("TOCSIN_TEST_DESK").expect("a store");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let desk = desk_of(&url).await;
        let it = notifier(&config(&hook));
        let (_stop, stopped) = watch::channel(false);
        let _tasks = it.start(&desk, &stopped);
        all_at_once((0..CLIENTS).map(|client| act(desk.clone(), client))).await;
    });
}

/// Moves levels up and down; each rise is to be told.
async fn act(desk: Desk, client: usize) {
    let incidents: Vec<_> = fires(INCIDENTS, Level::Yellow)
        .iter()
        .map(|alert| alert.incident_id)
        .collect();
    for number in 0_usize.. {
        let incident = incidents[(client + number) % incidents.len()];
        let text = format!("{}-{client}-{number}", std::process::id());
        let action = Action::Correct {
            hazard: None,
            place: None,
            level: Some([Level::Orange, Level::Red][(client + number / 5) % 2]),
            reason: text.clone(),
        };
        // One that changes nothing is refused.
        if desk
            .act(incident, &coordinator(), None, &action)
            .await
            .is_ok()
        {
            println!("done {incident} {text}");
        }
    }
}

/// Numbers of the events that somebody is to be told of: one in a change, as several rises at one instant are one.
fn telling(trail: &[AuditEvent]) -> BTreeMap<i64, Uuid> {
    let level = |value: &Value| {
        let id = value.get("level").and_then(Value::as_str)?;
        Level::ALL.into_iter().find(|level| level.id() == id)
    };
    let mut all = BTreeMap::new();
    let mut before = None;
    let mut told = false;
    for it in trail {
        let here = it.incident.map(|id| (id, it.event.at));
        if here != before {
            told = false;
        }
        before = here;
        let tells = match it.event.kind {
            EventKind::ObligationAdded => true,
            EventKind::Corrected => level(&it.event.after) > level(&it.event.before),
            _ => false,
        };
        if let (true, false, Some(incident)) = (tells, told, it.incident) {
            all.insert(it.seq, incident);
            told = true;
        }
    }
    all
}

/// Every answered action is one event, and what the last of them says is what the case says.
async fn nothing_half_done(store: &Store, trail: &[AuditEvent], answered: &[(Uuid, String)]) {
    let mut said: BTreeMap<(Uuid, &str), usize> = BTreeMap::new();
    let mut last = BTreeMap::new();
    for it in trail
        .iter()
        .filter(|it| it.event.kind == EventKind::Corrected)
    {
        let incident = it.incident.unwrap();
        *said.entry((incident, &it.event.reason)).or_default() += 1;
        last.insert(incident, it.event.after["level"].clone());
    }
    for (incident, text) in answered {
        assert_eq!(said.get(&(*incident, text.as_str())), Some(&1), "{text}");
    }
    assert!(said.values().all(|times| *times == 1));
    for (incident, level) in last {
        let case = store.case(incident).await.unwrap().unwrap();
        assert_eq!(level, case.level().id(), "a case and its event, or neither");
    }
    let verified = store.verify_audit(|_| {}).await.unwrap();
    assert_eq!(verified.faults, []);
}

/// By message: one key is one body. Returns the numbers of the events that were told.
fn told(posted: &[Posted]) -> BTreeMap<i64, Uuid> {
    let mut bodies: BTreeMap<&str, &str> = BTreeMap::new();
    let mut events = BTreeMap::new();
    for it in posted {
        let key = it.header("idempotency-key");
        let before = bodies.insert(key, &it.body);
        assert!(before.is_none_or(|before| before == it.body), "{key}");
        let body: Value = serde_json::from_str(&it.body).unwrap();
        assert_eq!(body["id"], key);
        for notice in body["notices"].as_array().unwrap() {
            let incident = notice["incident"].as_str().unwrap().parse().unwrap();
            events.insert(notice["seq"].as_i64().unwrap(), incident);
        }
    }
    events
}

#[test]
fn what_is_there_after_a_kill_is_told_and_nothing_else() {
    on_both(async |site: Site| {
        // Some fail at first: attempts of before and after a kill mix.
        let script = [[Answer::Status(503); 3], [Answer::Status(200); 3]].concat();
        let receiver = Receiver::start(&script).await;
        let desk = desk_of(&site.url).await;
        desk.absorb_alerts(fires(INCIDENTS, Level::Yellow))
            .await
            .unwrap();
        desk.stand_by();
        let mut answered = Vec::new();
        for round in 1..=3 {
            let (url, hook) = (site.url.clone(), receiver.clone());
            let done = tokio::task::spawn_blocking(move || {
                let before = hook.posted().len();
                let env = [
                    ("TOCSIN_TEST_DESK", &*url),
                    ("TOCSIN_TEST_HOOK", &*hook.url),
                ];
                let process = "desk::notify::killed::notifying_process";
                killed_when(process, &env, |answers| {
                    answers >= 20 * round && hook.posted().len() > before + 3 * round
                })
            });
            answered.extend(done.await.unwrap());
        }
        let desk = desk_of(&site.url).await;
        let it = notifier(&config(&receiver.url));
        let (stop, stopped) = watch::channel(false);
        let tasks = it.start(&desk, &stopped);
        let began = Instant::now();
        loop {
            let (cursor, end) = desk.store().notify_cursor().await.unwrap();
            let states = states(&desk).await;
            if cursor.seq == end && states.keys().eq(["sent"]) {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(120), "{states:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let _ = stop.send(true);
        for task in tasks {
            task.await.unwrap();
        }
        let trail = desk.store().audit(0, 1_000_000).await.unwrap();
        nothing_half_done(desk.store(), &trail, &answered).await;
        let posted = receiver.posted();
        assert_eq!(told(&posted), telling(&trail));
        let keys = |it: &Posted| it.header("idempotency-key").to_owned();
        let keys: BTreeSet<String> = posted.iter().map(keys).collect();
        let logged: BTreeSet<String> = log(&desk).await.into_iter().map(|it| it.message).collect();
        assert_eq!(keys, logged, "every message, and no other");
        eprintln!(
            "{} actions answered, {} messages, {} attempts",
            answered.len(),
            keys.len(),
            posted.len()
        );
    });
}
