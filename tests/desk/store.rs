//! What the store promises: a trail that cannot be edited, offsets that move with their rows, one active desk.

use std::time::Duration;

use sqlx::{AnyPool, AssertSqlSafe};
use tocsin::core::obligation::Action;
use tocsin::desk::{BoardFilter, Delivery, Desk, DeskError, Store};

use super::world::{Site, acknowledge, alerts, coordinator, on_both, policy};

async fn run(pool: &AnyPool, sql: &str) -> Result<u64, String> {
    let done = sqlx::query(AssertSqlSafe(sql.to_owned()))
        .execute(pool)
        .await;
    done.map(|done| done.rows_affected())
        .map_err(|error| error.to_string())
}

/// What a browser does that leaves a page before it is there.
#[tokio::test]
async fn questions_that_are_given_up_leave_a_store_in_memory_whole() {
    let clock = std::sync::Arc::new(tocsin::desk::WallClock);
    let desk = Desk::in_memory(policy(), clock).await.unwrap();
    desk.absorb_alerts(alerts(5, 1)).await.unwrap();
    let filter = BoardFilter::default();
    for pause in 0..400 {
        let given_up = Duration::from_micros(5 * pause);
        let _ = tokio::time::timeout(given_up, desk.board(&filter, None, 10)).await;
        let all = alerts(6, 1);
        let _ = tokio::time::timeout(given_up, desk.absorb_alerts(all)).await;
    }
    let page = desk.board(&filter, None, 10).await.unwrap();
    assert!(page.items.len() >= 5, "{}", page.items.len());
}

/// `tocsin token create` beside a desk that starts, on a database that is not there yet.
#[test]
fn processes_that_start_at_once_share_a_new_database() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("desk.db").display());
    let open = |url: String| {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        runtime.block_on(Store::open(&url)).map(|_| ())
    };
    for _ in 0..3 {
        let threads: Vec<_> = (0..6)
            .map(|_| {
                let url = url.clone();
                std::thread::spawn(move || open(url))
            })
            .collect();
        for thread in threads {
            thread.join().unwrap().unwrap();
        }
    }
}

#[test]
fn the_audit_trail_is_never_changed_and_an_edit_is_found() {
    on_both(async |site: Site| {
        let world = site.world().await;
        world.desk.absorb_alerts(alerts(5, 1)).await.unwrap();
        let store = world.desk.store();
        let clean = store.verify_audit(|_| {}).await.unwrap();
        assert!(clean.rows > 10 && clean.faults.is_empty(), "{clean:?}");
        for sql in [
            "UPDATE audit SET kind = 'waived' WHERE seq = 3",
            "DELETE FROM audit WHERE seq = 3",
        ] {
            let refused = run(store.pool(), sql).await.unwrap_err();
            assert!(refused.contains("never changed"), "{refused}");
        }
        let sqlite = site.url.starts_with("sqlite");
        let open = if sqlite {
            "DROP TRIGGER audit_no_update"
        } else {
            "ALTER TABLE audit DISABLE TRIGGER ALL"
        };
        run(store.pool(), open).await.unwrap();
        if sqlite {
            run(store.pool(), "DROP TRIGGER audit_no_delete")
                .await
                .unwrap();
        }
        let find = async || store.verify_audit(|_| {}).await.unwrap().faults;
        for (edit, undo) in [
            (
                "UPDATE audit SET at = at + 1 WHERE seq = 4",
                "UPDATE audit SET at = at - 1 WHERE seq = 4",
            ),
            (
                "UPDATE audit SET event_json = event_json || ' ' WHERE seq = 4",
                "UPDATE audit SET event_json = RTRIM(event_json) WHERE seq = 4",
            ),
            (
                "UPDATE audit SET actor = 'nobody' WHERE seq = 4",
                "UPDATE audit SET actor = NULL WHERE seq = 4",
            ),
        ] {
            run(store.pool(), edit).await.unwrap();
            let faults = find().await;
            assert_eq!(
                faults.iter().map(|it| it.seq).collect::<Vec<_>>(),
                [4],
                "{edit}"
            );
            run(store.pool(), undo).await.unwrap();
            assert_eq!(find().await, [], "{undo}");
        }
        let last = clean.rows;
        run(
            store.pool(),
            &format!("DELETE FROM audit WHERE seq = {last}"),
        )
        .await
        .unwrap();
        assert!(!find().await.is_empty(), "the end was cut off");
    });
}

#[test]
fn what_was_taken_in_before_changes_nothing() {
    on_both(async |site: Site| {
        let world = site.world().await;
        let all = alerts(20, 3);
        let first = world.desk.absorb_alerts(all.clone()).await.unwrap();
        assert_eq!((first.opened, first.known), (20, 0));
        let filter = BoardFilter::default();
        let before = world.desk.board(&filter, None, 100).await.unwrap();
        let trail = world.desk.audit(0, 1_000).await.unwrap();
        let again = world
            .desk
            .absorb_alerts(all.into_iter().rev())
            .await
            .unwrap();
        assert_eq!(again.opened, 0);
        assert_eq!(world.desk.board(&filter, None, 100).await.unwrap(), before);
        assert_eq!(world.desk.audit(0, 1_000).await.unwrap(), trail);
        let one = before.items[0].incident;
        let kept: Vec<u32> = world
            .desk
            .revisions(one)
            .await
            .unwrap()
            .iter()
            .map(|it| it.revision)
            .collect();
        assert_eq!(kept, [1, 3], "material ones and the newest");
    });
}

#[test]
fn an_offset_moves_with_its_rows_or_not_at_all() {
    on_both(async |site: Site| {
        let world = site.world().await;
        let delivery = |from, to, all: &[tocsin::core::model::Alert]| Delivery {
            position: Some(("queue".to_owned(), 0)),
            from,
            to,
            alerts: all.iter().cloned().map(std::sync::Arc::new).collect(),
        };
        let all = alerts(4, 1);
        world
            .desk
            .absorb(&[delivery(None, 2, &all[..2])])
            .await
            .unwrap();
        let stale = world.desk.absorb(&[delivery(Some(1), 4, &all[2..])]).await;
        assert!(matches!(stale, Err(DeskError::Unavailable(_))), "{stale:?}");
        let filter = BoardFilter::default();
        assert_eq!(
            world.desk.count(&filter).await.unwrap(),
            2,
            "no rows without their offset"
        );
        world
            .desk
            .absorb(&[delivery(Some(2), 4, &all[2..])])
            .await
            .unwrap();
        assert_eq!(world.desk.count(&filter).await.unwrap(), 4);
        let offsets = world.desk.store().offsets("queue").await.unwrap();
        assert_eq!(offsets.into_iter().collect::<Vec<_>>(), [(0, 4)]);
    });
}

#[test]
fn one_desk_is_active_and_one_that_lost_its_lease_writes_nothing() {
    on_both(async |site: Site| {
        let (short, long) = (Duration::from_millis(600), Duration::from_secs(600));
        let world = site.world().await;
        world.desk.absorb_alerts(alerts(1, 1)).await.unwrap();
        let clock = world.clock.clone();
        let second = Desk::new(site.store().await, policy(), clock);
        assert!(second.lead("second", short).await.unwrap().is_none());
        let standing_by = second.absorb_alerts(alerts(2, 1)).await;
        assert!(matches!(standing_by, Err(DeskError::Unavailable(_))));
        // The first one's lease runs out while it believes to have it.
        let lease = world
            .desk
            .lead("first", short)
            .await
            .unwrap()
            .expect("its own");
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        assert!(second.lead("second", long).await.unwrap().is_some());
        assert!(!world.desk.store().renew_lease(&lease, long).await.unwrap());
        let incident = alerts(1, 1)[0].incident_id;
        let department = alerts(1, 1)[0].departments[0].id.to_string();
        let act = world
            .desk
            .act(incident, &coordinator(), None, &acknowledge(&department))
            .await;
        assert!(matches!(act, Err(DeskError::Unavailable(_))), "{act:?}");
        assert!(!world.desk.is_active());
        let case = second.case(incident).await.unwrap();
        assert_eq!(case.version, 1, "nothing was written");
        second
            .act(incident, &coordinator(), Some(1), &Action::Watch)
            .await
            .unwrap();
    });
}

#[test]
fn pages_of_the_board_are_in_order_and_complete() {
    on_both(async |site: Site| {
        let world = site.world().await;
        world.desk.absorb_alerts(alerts(150, 1)).await.unwrap();
        let filter = BoardFilter::default();
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = world.desk.board(&filter, after.as_ref(), 40).await.unwrap();
            seen.extend(page.items);
            let Some(next) = page.next else { break };
            after = Some(next.to_string().parse().expect("a cursor"));
        }
        assert_eq!(seen.len(), 150);
        let key = |row: &tocsin::core::obligation::BoardRow| {
            (
                std::cmp::Reverse((row.level, row.score)),
                row.opened_at,
                row.incident,
            )
        };
        assert!(seen.windows(2).all(|pair| key(&pair[0]) < key(&pair[1])));
        let one = &seen[7];
        for filter in [
            BoardFilter {
                levels: vec![one.level],
                ..BoardFilter::default()
            },
            BoardFilter {
                hazards: vec![one.hazard],
                ..BoardFilter::default()
            },
            BoardFilter {
                place: Some(one.place.code.clone()),
                ..BoardFilter::default()
            },
            BoardFilter {
                department: Some(one.obligations[0].department.clone()),
                pending: true,
                ..BoardFilter::default()
            },
            BoardFilter {
                text: Some(one.place.name_zh.as_deref().unwrap().to_owned()),
                ..BoardFilter::default()
            },
            BoardFilter {
                agenda: true,
                ..BoardFilter::default()
            },
        ] {
            let found = world.desk.board(&filter, None, 500).await.unwrap().items;
            assert!(
                !found.is_empty() && found.len() < 150,
                "{filter:?}: {}",
                found.len()
            );
            assert_eq!(world.desk.count(&filter).await.unwrap(), found.len() as u64);
            if !filter.agenda {
                assert!(found.contains(one), "{filter:?}");
            }
        }
        let nothing = BoardFilter {
            text: Some("%".to_owned()),
            ..BoardFilter::default()
        };
        assert_eq!(
            world.desk.count(&nothing).await.unwrap(),
            0,
            "a sign is no pattern"
        );
    });
}
