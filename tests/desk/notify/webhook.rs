//! Webhooks: signed, at least once with one key, tried again, dead after their attempts; nobody waits for another.

use std::sync::Arc;
use std::time::Duration;

use tocsin::core::model::Level;
use tocsin::core::notify::signature;
use tocsin::core::obligation::Policy;
use tocsin::desk::{Desk, Store, VirtualClock};
use tokio::sync::watch;

use super::receiver::{Answer, Posted, Receiver};
use super::{SECRET, fires, log, notifier, plan, routing, settings, states, until};
use crate::desk::world::{MINUTE, Site, coordinator, on_both, synthetic};

/// An active desk of the fire department alone.
pub(crate) async fn desk(site: &Site) -> (Desk, Arc<VirtualClock>) {
    let clock = Arc::new(VirtualClock::at(synthetic(1, 1).start));
    (desk_at(site, &clock, "first").await, clock)
}

async fn desk_at(site: &Site, clock: &Arc<VirtualClock>, holder: &str) -> Desk {
    let store = Store::open(&site.url).await.expect("a store");
    let policy = Arc::new(Policy::new(routing()));
    let desk = Desk::new(store, policy, Arc::clone(clock) as _);
    let lease = desk.lead(holder, Duration::from_secs(600)).await;
    assert!(lease.expect("a lease").is_some());
    desk
}

/// Whether the receiver can tell that it is ours, as documented.
fn check_signature(posted: &Posted) {
    let given = posted.header("tocsin-signature");
    let (time, _) = given.split_once(',').expect("two parts");
    let seconds: i64 = time
        .strip_prefix("t=")
        .expect("a time")
        .parse()
        .expect("seconds");
    assert_eq!(given, signature(SECRET.as_bytes(), seconds, &posted.body));
    assert_ne!(
        given,
        signature(b"another secret 16", seconds, &posted.body)
    );
}

#[test]
fn a_receiver_that_fails_is_tried_again_with_the_same_key_and_holds_nobody_back() {
    on_both(async |site: Site| {
        let script = [
            Answer::Status(500),
            Answer::Hang,
            Answer::Redirect,
            Answer::Status(200),
        ];
        let (bad, good) = (
            Receiver::start(&script).await,
            Receiver::start(&[Answer::Status(204)]).await,
        );
        let (desk, clock) = desk(&site).await;
        let it = notifier(&settings(&[("a", &bad.url), ("b", &good.url)]));
        let (stop, stopped) = watch::channel(false);
        let tasks = it.start(&desk, &stopped);
        desk.absorb_alerts(fires(1, Level::Orange)).await.unwrap();
        until("told", async || good.posted().len() == 1).await;
        until("tried", async || bad.posted().len() == 1).await;
        // A new incident, while the other receiver is still being tried: it is told at once.
        desk.absorb_alerts(fires(2, Level::Orange)).await.unwrap();
        until("told of the next", async || good.posted().len() == 2).await;
        // Attempts follow the clock.
        until("the rest", async || {
            clock.advance(MINUTE);
            bad.posted().len() >= 5
        })
        .await;
        until("recorded", async || {
            states(&desk).await.get("sent") == Some(&4)
        })
        .await;
        let _ = stop.send(true);
        for task in tasks {
            task.await.unwrap();
        }
        let mut bodies = std::collections::BTreeMap::new();
        for posted in bad.posted().iter().chain(&good.posted()) {
            check_signature(posted);
            let key = posted.header("idempotency-key").to_owned();
            let body: serde_json::Value = serde_json::from_str(&posted.body).unwrap();
            assert_eq!(body["id"], key.as_str());
            assert_eq!(body["notices"][0]["kind"], "new_obligation");
            assert_eq!(body["notices"][0]["department"], "fire");
            let before = bodies.insert(key, posted.body.clone());
            assert!(
                before.is_none_or(|before| before == posted.body),
                "one key, one body"
            );
        }
        assert_eq!(bodies.len(), 4, "two notices at two receivers");
        assert_eq!(good.posted().len(), 2);
    });
}

#[test]
fn a_receiver_that_never_answers_well_has_dead_messages_that_can_be_tried_again() {
    on_both(async |site: Site| {
        let script = [Answer::Status(503); 4];
        let later = [&script[..], &[Answer::Status(200)]].concat();
        let receiver = Receiver::start(&later).await;
        let (desk, clock) = desk(&site).await;
        let it = notifier(&settings(&[("a", &receiver.url)]));
        let (stop, stopped) = watch::channel(false);
        let tasks = it.start(&desk, &stopped);
        desk.absorb_alerts(fires(1, Level::Red)).await.unwrap();
        until("dead", async || {
            clock.advance(MINUTE);
            states(&desk).await.contains_key("dead")
        })
        .await;
        let row = &log(&desk).await[0];
        assert_eq!((row.attempts, row.reason.as_deref()), (4, Some("HTTP 503")));
        assert_eq!(receiver.posted().len(), 4);
        let retried = desk
            .retry_notifications(&coordinator(), (Some("webhook:b"), None))
            .await;
        assert_eq!(retried.unwrap(), 0, "another receiver's");
        let retried = desk.retry_notifications(&coordinator(), (None, None)).await;
        assert_eq!(retried.unwrap(), 1);
        until("sent after all", async || {
            states(&desk).await.contains_key("sent")
        })
        .await;
        let _ = stop.send(true);
        for task in tasks {
            task.await.unwrap();
        }
        let all = receiver.posted();
        let keys: std::collections::BTreeSet<_> = all
            .iter()
            .map(|it| it.header("idempotency-key").to_owned())
            .collect();
        assert_eq!((all.len(), keys.len()), (5, 1));
    });
}

#[test]
fn a_restart_neither_loses_nor_repeats() {
    on_both(async |site: Site| {
        let receiver = Receiver::start(&[
            Answer::Hang,
            Answer::Hang,
            Answer::Hang,
            Answer::Status(200),
        ])
        .await;
        let (desk, clock) = desk(&site).await;
        let config = settings(&[("a", &receiver.url)]);
        desk.absorb_alerts(fires(3, Level::Orange)).await.unwrap();
        let first = notifier(&config);
        plan(&first, &desk).await;
        let planned = log(&desk).await;
        assert_eq!(planned.len(), 3);
        // Killed in the middle of its attempts: nothing of them was recorded.
        let (_stop, stopped) = watch::channel(false);
        let tasks = first.start(&desk, &stopped);
        until("asked", async || receiver.posted().len() == 3).await;
        for task in &tasks {
            task.abort();
        }
        drop(first);
        desk.store().close().await;
        let desk = desk_at(&site, &clock, "first").await;
        let second = notifier(&config);
        plan(&second, &desk).await;
        let keys = |rows: &[tocsin::desk::store::Notification]| -> Vec<String> {
            rows.iter().map(|row| row.message.clone()).collect()
        };
        assert_eq!(
            keys(&log(&desk).await),
            keys(&planned),
            "the same, and no more"
        );
        let (stop, stopped) = watch::channel(false);
        let tasks = second.start(&desk, &stopped);
        until("sent", async || states(&desk).await.get("sent") == Some(&3)).await;
        let _ = stop.send(true);
        for task in tasks {
            task.await.unwrap();
        }
        let told: std::collections::BTreeSet<_> = receiver
            .posted()
            .iter()
            .map(|it| it.header("idempotency-key").to_owned())
            .collect();
        assert_eq!(told, keys(&planned).into_iter().collect());
    });
}

#[test]
fn after_a_long_stop_there_is_one_reminder_and_no_burst() {
    on_both(async |site: Site| {
        let (desk, clock) = desk(&site).await;
        let it = notifier(&settings(&[("a", "http://127.0.0.1:9/")]));
        desk.absorb_alerts(fires(40, Level::Yellow)).await.unwrap();
        clock.advance(3 * 60 * MINUTE);
        // Deadlines passed meanwhile; what comes now is news.
        desk.tick().await.unwrap();
        plan(&it, &desk).await;
        let rows = log(&desk).await;
        let of = |kind: &str| {
            rows.iter()
                .filter(|row| row.kind == kind)
                .collect::<Vec<_>>()
        };
        let reminders = of("still_open");
        assert_eq!(reminders.len(), 40, "every incident once");
        let messages: std::collections::BTreeSet<_> =
            reminders.iter().map(|row| &row.message).collect();
        assert_eq!(messages.len(), 1, "in one message");
        assert!(of("new_obligation").is_empty());
        assert_eq!(of("deadline_missed").len(), 40);
        // Planned again: nothing more.
        plan(&it, &desk).await;
        assert_eq!(log(&desk).await.len(), rows.len());
    });
}

#[test]
fn a_full_queue_says_so_and_keeps_its_bound() {
    on_both(async |site: Site| {
        let (desk, _clock) = desk(&site).await;
        let mut config = settings(&[("a", "http://127.0.0.1:9/")]);
        config.queue_max = 10;
        let it = notifier(&config);
        desk.absorb_alerts(fires(25, Level::Orange)).await.unwrap();
        plan(&it, &desk).await;
        let states = states(&desk).await;
        assert_eq!((states["pending"], states["skipped"]), (10, 15));
    });
}

#[test]
fn a_receiver_that_has_to_be_public_is_not_sought_on_this_machine() {
    on_both(async |site: Site| {
        let receiver = Receiver::start(&[Answer::Status(200)]).await;
        let (desk, _clock) = desk(&site).await;
        let by_name = receiver.url.replace("127.0.0.1", "localhost");
        let mut config = settings(&[("a", &receiver.url), ("b", &by_name)]);
        for hook in config.webhooks.values_mut() {
            hook.public_only = true;
        }
        config.attempts = 1;
        let it = notifier(&config);
        let (stop, stopped) = watch::channel(false);
        let tasks = it.start(&desk, &stopped);
        desk.absorb_alerts(fires(1, Level::Orange)).await.unwrap();
        until("refused", async || {
            states(&desk).await.get("dead") == Some(&2)
        })
        .await;
        let _ = stop.send(true);
        for task in tasks {
            task.await.unwrap();
        }
        for row in log(&desk).await {
            let reason = row.reason.unwrap();
            assert!(reason.contains("public_only"), "{reason}");
        }
        assert!(receiver.posted().is_empty());
    });
}
