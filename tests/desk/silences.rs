//! Silences and inhibition at a desk, on both databases: time of day, restarts, exercises.

use std::sync::Arc;
use std::time::Duration;

use tocsin::core::model::{Alert, Hazard, Level, Millis, Status};
use tocsin::core::mute::{By, MAX_SILENCES, Matchers, Muted, Notice, Silence, Standing, Wish};
use tocsin::core::obligation::{Actor, EventKind, Refusal, Role};
use tocsin::desk::{AuditEvent, BoardFilter, Clock as _, Desk, DeskError};
use uuid::Uuid;

use super::world::{HOUR, MINUTE, Site, World, alerts, coordinator, dispose, on_both, policy};

fn analyst() -> Actor {
    Actor::new("analyst-1", Role::Analyst)
}

fn of(hazard: Hazard) -> Matchers {
    Matchers {
        hazard: Some(hazard),
        ..Matchers::default()
    }
}

impl World {
    async fn silence(&self, matchers: Matchers, length: i64) -> Silence {
        let wish = Wish {
            matchers,
            ends: self.clock.now().plus(length),
            reason: "a detector is being repaired".to_owned(),
            ..Wish::default()
        };
        self.desk.create_silence(&analyst(), &wish).await.unwrap()
    }

    async fn muted(&self, incident: Uuid) -> Vec<Muted> {
        let row = self.desk.case(incident).await.unwrap().row();
        let mut all = self.desk.muted(&[row]).await.unwrap();
        all.remove(&incident).unwrap_or_default()
    }

    async fn said(&self, kind: EventKind) -> Vec<AuditEvent> {
        let all = self.desk.audit(0, 1_000).await.unwrap();
        all.into_iter().filter(|it| it.event.kind == kind).collect()
    }

    /// The desk is stopped; another process begins on the same store, under the same name.
    async fn restart(self, site: &Site) -> Self {
        let clock = Arc::clone(&self.clock);
        self.desk.store().close().await;
        let desk = Desk::new(site.store().await, policy(), clock.clone());
        let lease = desk.lead("first", Duration::from_secs(600)).await;
        assert!(lease.unwrap().is_some());
        Self { desk, clock }
    }
}

/// Alerts below red of one hazard, alike but for their incidents.
fn fires(count: u32) -> Vec<Alert> {
    let mut all = alerts(count, 1);
    for alert in &mut all {
        alert.hazard = Hazard::Fire;
        alert.level = Level::Yellow;
        alert.status = Status::Actual;
    }
    all
}

#[test]
fn a_silence_of_the_night_mutes_over_a_restart_and_says_once_what_it_leaves_open() {
    on_both(async |site: Site| {
        let world = site.world().await;
        let all = fires(6);
        let ids: Vec<Uuid> = all.iter().map(|alert| alert.incident_id).collect();
        world.desk.absorb_alerts(all).await.unwrap();
        let silence = world.silence(of(Hazard::Fire), 3 * HOUR).await;
        let marks = world.muted(ids[0]).await;
        assert_eq!((marks[0].by, marks[0].id), (By::Silence, silence.id));
        assert!(marks[0].covers(Some("fire"), Notice::Deadline));
        let board = world.desk.board(&BoardFilter::default(), None, 100).await;
        assert_eq!(board.unwrap().items.len(), 6, "the board shows them all");
        assert_eq!(world.desk.covered(&silence).await.unwrap().open, 6);

        // One is done before the silence ends.
        let case = world.desk.case(ids[0]).await.unwrap();
        for department in case.departments() {
            let action = dispose(department);
            let done = world.desk.act(ids[0], &coordinator(), None, &action).await;
            if let Err(error) = done {
                // The lead's may have closed it.
                assert!(matches!(error, DeskError::Refused(_)), "{error}");
            }
        }
        assert!(world.desk.case(ids[0]).await.unwrap().is_closed());

        world.clock.advance(3 * HOUR - 1);
        world.desk.tick().await.unwrap();
        let world = world.restart(&site).await;
        world.desk.tick().await.unwrap();
        assert_eq!(world.muted(ids[1]).await.len(), 1, "over a restart");
        assert_eq!(world.said(EventKind::SilenceEnded).await, []);
        let before = world.desk.audit(0, 1_000).await.unwrap().len();

        world.clock.advance(1);
        assert_eq!(world.muted(ids[1]).await, [], "to the millisecond");
        world.desk.tick().await.unwrap();
        let world = world.restart(&site).await;
        world.desk.tick().await.unwrap();
        let said = world.said(EventKind::SilenceEnded).await;
        assert_eq!(said.len(), 1, "one notice, no burst: {said:?}");
        assert_eq!(said[0].incident, None);
        let after = &said[0].event.after;
        assert_eq!(
            (&after["still_open"], &after["early"]),
            (&5.into(), &false.into())
        );
        assert_eq!(after["incidents"].as_array().unwrap().len(), 5);
        assert_eq!(world.desk.audit(0, 1_000).await.unwrap().len(), before + 1);
        let ended = world.desk.silence(silence.id).await.unwrap();
        assert_eq!(ended.standing(world.clock.now()), Standing::Over);

        // Told to whoever owes something, in order, and the chain holds.
        let out = world.desk.store().outgoing(10_000, &[]).await.unwrap();
        let of_it: Vec<&str> = out
            .iter()
            .filter(|it| it.key == silence.id.to_string())
            .map(|it| it.topic.as_str())
            .collect();
        assert_eq!(of_it[..2], ["decisions", "decisions"], "made, ended");
        let departments = after["departments"].as_object().unwrap();
        assert_eq!(of_it.len(), 2 + departments.len());
        assert!(
            of_it[2..].iter().all(|topic| topic.starts_with("dept.")),
            "{of_it:?}"
        );
        let verified = world.desk.store().verify_audit(|_| {}).await.unwrap();
        assert_eq!(verified.faults, []);
    });
}

#[test]
fn one_that_ended_while_no_desk_ran_is_told_of_once() {
    on_both(async |site: Site| {
        let world = site.world().await;
        world.desk.absorb_alerts(fires(3)).await.unwrap();
        for _ in 0..4 {
            world.silence(of(Hazard::Fire), HOUR).await;
        }
        world.clock.advance(30 * HOUR);
        let world = world.restart(&site).await;
        world.desk.tick().await.unwrap();
        world.desk.tick().await.unwrap();
        let said = world.said(EventKind::SilenceEnded).await;
        assert_eq!(said.len(), 4, "one for each");
        assert_eq!(world.desk.silences(false).await.unwrap(), []);
        assert_eq!(world.desk.silences(true).await.unwrap().len(), 4);
    });
}

#[test]
fn a_silence_set_for_later_begins_by_itself() {
    on_both(async |site: Site| {
        let world = site.world().await;
        let all = fires(1);
        let id = all[0].incident_id;
        world.desk.absorb_alerts(all).await.unwrap();
        let now = world.clock.now();
        let wish = Wish {
            matchers: of(Hazard::Fire),
            starts: Some(now.plus(HOUR)),
            ends: now.plus(2 * HOUR),
            reason: "announced work".to_owned(),
            covers_red: false,
        };
        let made = world.desk.create_silence(&analyst(), &wish).await.unwrap();
        assert_eq!(made.standing(now), Standing::Pending);
        assert_eq!(world.muted(id).await, []);
        let mut changes = world.desk.subscribe();
        world.clock.advance(HOUR);
        world.desk.tick().await.unwrap();
        assert_eq!(world.muted(id).await.len(), 1);
        let drawn = std::iter::from_fn(|| changes.try_recv().ok());
        let drawn: Vec<Uuid> = drawn.map(|change| change.incident).collect();
        assert!(drawn.contains(&id), "its line is drawn again: {drawn:?}");
        world.clock.advance(HOUR);
        world.desk.tick().await.unwrap();
        assert_eq!(world.said(EventKind::SilenceEnded).await.len(), 1);
    });
}

#[test]
fn a_drill_and_the_real_thing_never_silence_each_other() {
    on_both(async |site: Site| {
        let world = site.world().await;
        let mut all = fires(2);
        all[1].status = Status::Exercise;
        let [real, drill] = [all[0].incident_id, all[1].incident_id];
        world.desk.absorb_alerts(all).await.unwrap();
        world.silence(of(Hazard::Fire), HOUR).await;
        assert_eq!(world.muted(real).await.len(), 1);
        assert_eq!(world.muted(drill).await, []);
        let mut matchers = of(Hazard::Fire);
        matchers.status = Status::Exercise;
        let of_drill = world.silence(matchers, HOUR).await;
        assert_eq!(world.muted(real).await.len(), 1);
        assert_eq!(world.muted(drill).await[0].id, of_drill.id);
    });
}

#[test]
fn red_is_heard_until_a_second_word() {
    on_both(async |site: Site| {
        let world = site.world().await;
        let mut all = fires(1);
        all[0].level = Level::Red;
        let id = all[0].incident_id;
        world.desk.absorb_alerts(all).await.unwrap();
        let wish = Wish {
            matchers: of(Hazard::Fire),
            ends: world.clock.now().plus(HOUR),
            reason: "announced blasting".to_owned(),
            covers_red: true,
            ..Wish::default()
        };
        let made = world.desk.create_silence(&analyst(), &wish).await.unwrap();
        assert_eq!(world.muted(id).await, []);
        let stale = world
            .desk
            .confirm_silence(made.id, &analyst(), Some(7))
            .await;
        assert!(
            matches!(stale, Err(DeskError::Conflict { current: 1 })),
            "{stale:?}"
        );
        let own = world
            .desk
            .confirm_silence(made.id, &analyst(), Some(1))
            .await;
        assert!(
            matches!(&own, Err(DeskError::Refused(it)) if it.why == Refusal::SecondAccount),
            "{own:?}"
        );
        assert_eq!(
            world.muted(id).await,
            [],
            "the first word again is no second"
        );
        let confirmed = world
            .desk
            .confirm_silence(made.id, &coordinator(), Some(1))
            .await
            .unwrap();
        assert_eq!(confirmed.version, 2);
        assert_eq!(world.muted(id).await.len(), 1);
        assert_eq!(world.said(EventKind::SilenceRedConfirmed).await.len(), 1);
    });
}

#[test]
fn a_wider_incident_mutes_its_children_until_it_is_closed() {
    on_both(async |site: Site| {
        let world = site.world().await;
        let mut all = fires(3);
        let [wide, child, grave] = [0, 1, 2].map(|at: usize| all[at].incident_id);
        for (alert, place) in all.iter_mut().zip(["cn-6101", "cn-610113", "cn-610116"]) {
            alert.place.code = place.into();
            alert.ancestors = if place == "cn-6101" {
                vec!["cn-61".into()]
            } else {
                vec!["cn-6101".into(), "cn-61".into()]
            };
            alert.departments = alerts(1, 1)[0].departments.clone();
        }
        all[2].level = Level::Orange;
        world.desk.absorb_alerts(all).await.unwrap();
        assert_eq!(world.muted(wide).await, []);
        assert_eq!(world.muted(grave).await, [], "never a higher level");
        let marks = world.muted(child).await;
        assert_eq!((marks[0].by, marks[0].id), (By::Inhibition, wide));
        let world = world.restart(&site).await;
        assert_eq!(world.muted(child).await, marks, "over a restart");
        // Deadlines of the muted child pass as ever.
        world.clock.advance(20 * 24 * HOUR);
        world.desk.tick().await.unwrap();
        let missed = world.said(EventKind::AcknowledgeMissed).await;
        assert!(missed.iter().any(|it| it.incident == Some(child)));
        let case = world.desk.case(wide).await.unwrap();
        for department in case.departments() {
            let action = dispose(department);
            let _ = world.desk.act(wide, &coordinator(), None, &action).await;
        }
        assert!(world.desk.case(wide).await.unwrap().is_closed());
        assert_eq!(world.muted(child).await, []);
    });
}

#[test]
fn who_may_not_and_what_is_too_much_is_refused() {
    on_both(async |site: Site| {
        let world = site.world().await;
        let wish = Wish {
            matchers: of(Hazard::Fire),
            ends: world.clock.now().plus(30 * MINUTE),
            reason: "x".to_owned(),
            ..Wish::default()
        };
        let officer = Actor::officer("officer-1", "fire");
        let refused = world.desk.create_silence(&officer, &wish).await;
        assert!(matches!(&refused, Err(DeskError::Refused(it)) if it.why == Refusal::NotYours));
        for _ in 0..MAX_SILENCES {
            world.desk.create_silence(&analyst(), &wish).await.unwrap();
        }
        let full = world.desk.create_silence(&analyst(), &wish).await;
        assert!(matches!(&full, Err(DeskError::Refused(it)) if it.why == Refusal::TooMany));
        let mut of_drill = wish.clone();
        of_drill.matchers.status = Status::Exercise;
        world
            .desk
            .create_silence(&analyst(), &of_drill)
            .await
            .unwrap();
        let none = world.desk.silence(Uuid::nil()).await;
        assert!(matches!(none, Err(DeskError::NoSilence(_))));
        let long = Wish {
            ends: Millis(world.clock.now().0 + 100 * HOUR),
            ..wish
        };
        let refused = world.desk.create_silence(&coordinator(), &long).await;
        assert!(matches!(&refused, Err(DeskError::Refused(it)) if it.why == Refusal::BadSilence));
    });
}
