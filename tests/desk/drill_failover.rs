//! A drill does not outlive the desk that began it: the desk that takes over withdraws what was sent, though nothing of the other's host is
//! left; and a desk that stands by withdraws it too.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tocsin::desk::drills::Drills;
use tocsin::desk::{Desk, VirtualClock};
use tocsin::drill::{DrillWish, RunStanding, Runs};

use super::api_world::{NOW, rules};
use super::drill_room::{InMemory, room_of};
use super::world::{Site, coordinator, on_both, policy};

const LEASE: Duration = Duration::from_secs(600);

/// A desk of one host: its own folder of runs, the shared store.
struct Host {
    desk: Desk,
    drills: Drills,
    carrier: Arc<InMemory>,
    folder: tempfile::TempDir,
}

async fn host(site: &Site, instance: &str) -> Host {
    let clock = Arc::new(VirtualClock::at(NOW));
    let desk = Desk::new(site.store().await, policy(), clock);
    let carrier = InMemory::new(rules());
    let folder = tempfile::tempdir().unwrap();
    let room = room_of(instance, &rules(), folder.path(), &carrier);
    let drills = Drills::start(desk.clone(), room);
    Host {
        desk,
        drills,
        carrier,
        folder,
    }
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Kinds of the drills' events with their outcomes.
async fn told(desk: &Desk) -> Vec<(String, String)> {
    let all = desk.audit(0, 100).await.unwrap();
    let events = all
        .iter()
        .filter(|it| it.event.kind.id().starts_with("drill_"));
    let outcome = |it: &serde_json::Value| it["outcome"].as_str().unwrap_or("-").to_owned();
    let told = events.map(|it| (it.event.kind.id().to_owned(), outcome(&it.event.after)));
    told.collect()
}

fn wish(exercise: &str) -> DrillWish {
    DrillWish {
        scenario: "gas-leak-school".to_owned(),
        exercise: Some(exercise.to_owned()),
        seed: 1,
        speed: 1.0,
    }
}

async fn taken_over(site: Site) {
    let first = host(&site, "desk-1").await;
    let second = host(&site, "desk-2").await;
    let lease = first.desk.lead("desk-1", LEASE).await.unwrap().unwrap();
    first.carrier.hold.store(true, Ordering::SeqCst);
    first
        .drills
        .begin(&coordinator(), wish("one"))
        .await
        .unwrap();
    let runs = Runs::new(first.folder.path());
    until("its file is there", async || runs.has("one")).await;
    // A standby leaves it alone, and may begin none.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(second.carrier.withdrawn.load(Ordering::SeqCst), 0);
    assert!(
        second
            .drills
            .begin(&coordinator(), wish("two"))
            .await
            .is_err()
    );
    assert!(second.drills.running().is_none());

    // The first one is away: it neither renews its lease nor knows of it.
    second.desk.store().give_up_lease(&lease).await.unwrap();
    assert!(second.desk.lead("desk-2", LEASE).await.unwrap().is_some());
    until("the second one has withdrawn it", async || {
        told(&second.desk).await.len() == 2
    })
    .await;
    assert_eq!(second.carrier.withdrawn.load(Ordering::SeqCst), 1);
    let event = |kind: &str, outcome: &str| (kind.to_owned(), outcome.to_owned());
    let expected = [
        event("drill_started", "-"),
        event("drill_ended", "withdrawn"),
    ];
    assert_eq!(told(&second.desk).await, expected);
    assert_eq!(second.desk.store().begun_drills().await.unwrap(), []);
    let run = Runs::new(second.folder.path()).load("one").unwrap();
    assert!(run.withdrawn && run.run.stopped && !run.sent().is_empty());
    let listed = second.drills.run("one").await.unwrap();
    assert_eq!(listed.standing, RunStanding::Stopped);
    let again = second.drills.begin(&coordinator(), wish("one")).await;
    assert!(again.unwrap_err().to_string().contains("used once"));

    // It comes back, and learns that it is not the active one: what it sent meanwhile is withdrawn by itself.
    assert_eq!(first.carrier.withdrawn.load(Ordering::SeqCst), 0);
    first.desk.stand_by();
    until("the first one stops its drill", async || {
        first.carrier.withdrawn.load(Ordering::SeqCst) == 1 && first.drills.running().is_none()
    })
    .await;
    assert_eq!(told(&second.desk).await, expected, "it is told once");
    first.drills.close().await;
    second.drills.close().await;
}

#[test]
fn the_desk_that_takes_over_withdraws_what_the_other_one_sent() {
    on_both(taken_over);
}

/// A desk that was cut off goes on sending until it notices: what it sends after it was withdrawn would stay if it were killed then.
async fn not_before_the_other_one_stops(site: Site) {
    let first = host(&site, "desk-1").await;
    let second = host(&site, "desk-2").await;
    let lease = first.desk.lead("desk-1", LEASE).await.unwrap().unwrap();
    first.carrier.hold.store(true, Ordering::SeqCst);
    first
        .drills
        .begin(&coordinator(), wish("one"))
        .await
        .unwrap();
    second.desk.store().give_up_lease(&lease).await.unwrap();
    assert!(second.desk.lead("desk-2", LEASE).await.unwrap().is_some());
    first.desk.stand_by();
    until("the second one has withdrawn it", async || {
        second.carrier.withdrawn.load(Ordering::SeqCst) == 1
    })
    .await;
    assert!(
        first.drills.running().is_none(),
        "the first one still sends"
    );
    until("its end is told", async || {
        told(&second.desk).await.len() == 2
    })
    .await;
    first.drills.close().await;
    second.drills.close().await;
}

#[test]
fn nothing_is_withdrawn_while_the_other_desk_may_still_send() {
    on_both(not_before_the_other_one_stops);
}

/// The process ended between the end of its drill and the word of it: the next one says so, and withdraws nothing.
#[test]
fn a_drill_that_came_to_its_end_is_not_withdrawn() {
    on_both(async |site| {
        let first = host(&site, "desk-1").await;
        let lease = first.desk.lead("desk-1", LEASE).await.unwrap().unwrap();
        first.carrier.hold.store(true, Ordering::SeqCst);
        first
            .drills
            .begin(&coordinator(), wish("one"))
            .await
            .unwrap();
        let begun = first.desk.store().begun_drills().await.unwrap();
        assert_eq!((begun.len(), &*begun[0].holder), (1, "desk-1"));
        first.desk.stand_by();
        first.carrier.hold.store(false, Ordering::SeqCst);
        until("it ends", async || first.drills.running().is_none()).await;
        assert_eq!(
            told(&first.desk).await.len(),
            1,
            "its end could not be told"
        );
        // Its next process finds the file and the note.
        first.desk.store().give_up_lease(&lease).await.unwrap();
        assert!(first.desk.lead("desk-1", LEASE).await.unwrap().is_some());
        until("its end is told", async || {
            told(&first.desk).await.len() == 2
        })
        .await;
        assert_eq!(told(&first.desk).await[1].1, "finished");
        assert_eq!(first.carrier.withdrawn.load(Ordering::SeqCst), 0);
        assert_eq!(first.desk.store().begun_drills().await.unwrap(), []);
        first.drills.close().await;
    });
}
