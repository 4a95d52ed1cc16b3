//! The service: people, time and the machine at one desk, on a virtual clock.

use tocsin::core::model::{Level, Status};
use tocsin::core::obligation::{CaseState, EventKind, Refusal};
use tocsin::desk::{BoardFilter, DeskError};

use super::world::{HOUR, Site, acknowledge, alerts, coordinator, dispose, on_both, synthetic};

#[test]
fn two_officers_cannot_overwrite_each_other() {
    on_both(async |site: Site| {
        let world = site.world().await;
        world.desk.absorb_alerts(alerts(1, 1)).await.unwrap();
        let alert = &alerts(1, 1)[0];
        let (id, lead) = (alert.incident_id, &*alert.departments[0].id);
        let mut changes = world.desk.subscribe();
        let case = world
            .desk
            .act(id, &coordinator(), Some(1), &acknowledge(lead))
            .await
            .unwrap();
        assert_eq!((case.version, case.state), (2, CaseState::Acknowledged));
        let change = changes.recv().await.unwrap();
        assert_eq!(
            (change.incident, change.version, &*change.kind),
            (id, 2, "acknowledged")
        );
        let late = world
            .desk
            .act(id, &coordinator(), Some(1), &dispose(lead))
            .await;
        assert!(
            matches!(late, Err(DeskError::Conflict { current: 2 })),
            "{late:?}"
        );
        let again = world
            .desk
            .act(id, &coordinator(), Some(2), &acknowledge(lead))
            .await;
        assert!(
            matches!(again, Err(DeskError::Refused(refused)) if refused.why == Refusal::NotPending)
        );
        assert_eq!(
            world.desk.case(id).await.unwrap(),
            case,
            "what is stored is what was answered"
        );
        let stored = world
            .desk
            .store()
            .changes(change.seq - 1, 10)
            .await
            .unwrap();
        assert_eq!(stored, [change], "a refused action leaves no change");
        let nobody = uuid::Uuid::from_u128(1);
        let missing = world
            .desk
            .act(nobody, &coordinator(), None, &acknowledge(lead))
            .await;
        assert!(matches!(missing, Err(DeskError::NotFound(_))));
    });
}

#[test]
fn deadlines_pass_on_the_desk_s_clock_and_escalate_once() {
    on_both(async |site: Site| {
        let world = site.world().await;
        world.desk.absorb_alerts(alerts(12, 1)).await.unwrap();
        assert_eq!(world.desk.tick().await.unwrap(), 0);
        let due = world
            .desk
            .store()
            .next_due()
            .await
            .unwrap()
            .expect("a deadline");
        world.clock.set(due.plus(-1));
        assert_eq!(world.desk.tick().await.unwrap(), 0, "a moment before");
        world.clock.set(due);
        let moved = world.desk.tick().await.unwrap();
        assert!(moved > 0);
        assert_eq!(world.desk.tick().await.unwrap(), 0, "once");
        let trail = world.desk.audit(0, 1_000).await.unwrap();
        let count = |kind| trail.iter().filter(|it| it.event.kind == kind).count();
        assert!(count(EventKind::AcknowledgeMissed) >= moved);
        assert_eq!(
            count(EventKind::AcknowledgeMissed),
            count(EventKind::Escalated)
        );
        world.clock.advance(2_000 * HOUR);
        while world.desk.tick().await.unwrap() > 0 {
            world.clock.advance(100 * HOUR);
        }
        assert_eq!(
            world.desk.store().next_due().await.unwrap(),
            None,
            "escalation ends"
        );
        assert!(
            world
                .desk
                .store()
                .verify_audit(|_| {})
                .await
                .unwrap()
                .faults
                .is_empty()
        );
    });
}

#[test]
fn an_exercise_is_marked_and_apart() {
    on_both(async |site: Site| {
        let world = site.world().await;
        let mut drill = synthetic(30, 1);
        drill.status = Status::Exercise;
        world
            .desk
            .absorb_alerts(drill.alerts().collect::<Vec<_>>())
            .await
            .unwrap();
        world.desk.absorb_alerts(alerts(10, 1)).await.unwrap();
        let actual = world
            .desk
            .board(&BoardFilter::default(), None, 100)
            .await
            .unwrap()
            .items;
        assert!(actual.len() == 10 && actual.iter().all(|row| row.status == Status::Actual));
        let filter = BoardFilter {
            status: Status::Exercise,
            ..BoardFilter::default()
        };
        let exercise = world.desk.board(&filter, None, 100).await.unwrap().items;
        assert!(
            exercise.len() == 30
                && exercise
                    .iter()
                    .all(|row| row.headline.en.starts_with("Exercise: "))
        );
        let agenda = world.desk.agenda(Status::Actual).await.unwrap();
        assert!(!agenda.is_empty() && agenda.iter().all(|row| row.status == Status::Actual));
        let on_it = |row: &tocsin::core::obligation::BoardRow| {
            row.level >= Level::Orange || row.obligations.len() >= 3
        };
        assert!(agenda.iter().all(on_it));
        let stats = world.desk.store().stats().await.unwrap();
        let of = |status: &str| {
            stats
                .open
                .iter()
                .filter(|(key, _)| key.0 == status)
                .map(|(_, n)| n)
                .sum::<u64>()
        };
        assert_eq!((of("actual"), of("exercise")), (10, 30));
    });
}

#[test]
fn quorum_closes_and_closed_cases_are_found_again() {
    on_both(async |site: Site| {
        let world = site.world().await;
        let all = alerts(3, 1);
        world.desk.absorb_alerts(all.clone()).await.unwrap();
        let id = all[1].incident_id;
        for routed in all[1].departments.iter().rev() {
            let case = world
                .desk
                .act(id, &coordinator(), None, &dispose(&routed.id))
                .await
                .unwrap();
            if case.is_closed() {
                break;
            }
        }
        let closed = BoardFilter {
            closed: true,
            ..BoardFilter::default()
        };
        let found = world.desk.board(&closed, None, 10).await.unwrap().items;
        assert_eq!(
            found.iter().map(|row| row.incident).collect::<Vec<_>>(),
            [id]
        );
        assert_eq!(world.desk.count(&BoardFilter::default()).await.unwrap(), 2);
        let history = world.desk.history(id).await.unwrap();
        assert_eq!(history[0].event.kind, EventKind::Opened);
        let last = history.last().unwrap();
        assert_eq!(last.event.kind, EventKind::Closed);
        let stats = world
            .desk
            .department_stats(Status::Actual, all[0].sent)
            .await
            .unwrap();
        let lead = &stats[&*all[1].departments[0].id];
        assert!(
            lead.disposed_on_time >= 1 && lead.acknowledged_on_time >= 1,
            "{lead:?}"
        );
        // The same week by week: all of it in the last one.
        world.clock.advance(1);
        let department = &all[1].departments[0].id;
        let weeks = world.desk.department_weeks(Status::Actual, department, 3);
        let weeks = weeks.await.unwrap();
        assert_eq!(weeks.len(), 3);
        let last = weeks[2];
        assert_eq!(
            (last.acknowledged, last.disposed),
            (
                [lead.acknowledged_on_time, lead.acknowledgements],
                [lead.disposed_on_time, lead.disposals]
            )
        );
        assert_eq!(last.begin, world.desk.now().plus(-7 * 86_400_000));
        for week in &weeks[..2] {
            assert_eq!((week.acknowledged, week.disposed), ([0; 2], [0; 2]));
        }
        world.clock.advance(8 * 86_400_000);
        let later = world.desk.department_weeks(Status::Actual, department, 3);
        let later = later.await.unwrap();
        assert_eq!(later[1].acknowledged, last.acknowledged);
        assert_eq!(later[2].acknowledged, [0; 2]);
        let drill = world.desk.department_weeks(Status::Exercise, department, 3);
        assert_eq!(drill.await.unwrap()[2].acknowledged, [0; 2]);
        let sent = world.desk.store().outgoing(1_000, &[]).await.unwrap();
        let decisions = sent.iter().filter(|it| it.topic == "decisions").count() as i64;
        let trail = world.desk.audit(0, 1_000).await.unwrap();
        assert_eq!(
            decisions,
            trail.last().unwrap().seq,
            "every event is published"
        );
        let text: String = sent.iter().map(|it| it.payload.as_str()).collect();
        assert!(
            !text.contains("有关部门正在处置"),
            "no text of a report leaves the desk"
        );
    });
}
