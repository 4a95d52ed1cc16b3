//! What a board is narrowed down to: found by every piece of its words, at every place above it, as it is now; of all the same whether
//! an index is asked or the board is walked.

use std::collections::BTreeSet;

use sqlx::Row as _;
use tocsin::core::model::{Coordinates, Level, Place, Tier};
use tocsin::core::obligation::{Action, BoardRow};
use tocsin::desk::store::Backend;
use tocsin::desk::{BoardFilter, Desk, Store};
use uuid::Uuid;

use super::world::{Site, alerts, coordinator, dispose, on_both};

async fn found(desk: &Desk, filter: &BoardFilter) -> BTreeSet<Uuid> {
    let page = desk.board(filter, None, 500).await.unwrap();
    let found: BTreeSet<Uuid> = page.items.iter().map(|row| row.incident).collect();
    assert_eq!(found.len(), page.items.len(), "each once");
    let counted = desk.count(filter).await.unwrap();
    assert_eq!(counted, found.len() as u64, "{filter:?}");
    found
}

fn words(text: &str) -> BoardFilter {
    BoardFilter {
        text: Some(text.to_owned()),
        ..BoardFilter::default()
    }
}

fn at(place: &str) -> BoardFilter {
    BoardFilter {
        place: Some(place.into()),
        ..BoardFilter::default()
    }
}

/// What a search should find, said without SQL.
fn naive(rows: &[BoardRow], asked: &str) -> BTreeSet<Uuid> {
    let has = |row: &&BoardRow| {
        let all = [
            &*row.headline.en,
            &*row.headline.zh,
            row.hazard.en(),
            row.hazard.zh(),
            &*row.place.name,
            row.place.name_zh.as_deref().unwrap_or_default(),
            &*row.place.code,
        ];
        let all = all.join(" ").to_lowercase();
        asked
            .split_whitespace()
            .all(|word| all.contains(&word.to_lowercase()))
    };
    rows.iter().filter(has).map(|row| row.incident).collect()
}

#[test]
fn every_piece_of_a_word_finds_it_and_nothing_else_does() {
    on_both(async |site: Site| {
        let world = site.busy(300).await;
        let all = BoardFilter::default();
        let rows = world.desk.board(&all, None, 500).await.unwrap().items;
        for asked in [
            "浦东",
            "浦",
            "东新",
            "浦东新区",
            "新区",
            "区火",
            "Pudong",
            "pudon",
            "udo",
            "ud",
            "g",
            "cn-310115",
            "310115",
            "火",
            "fire",
            "FIRE in",
            "fire 浦东",
            "浦东 fire pudong",
            "新浦",
            "gnodup",
            "5%_\\",
            "%",
            "' OR 1=1",
            "浦pu",
            "in 浦",
            "é",
            "🔥",
            "nowhere",
            "one two three four five six seven eight nine",
        ] {
            let (sql, said) = (found(&world.desk, &words(asked)).await, naive(&rows, asked));
            assert_eq!(sql, said, "{asked}");
        }
        // The board is full of some of these, or the test would say little.
        for (asked, least) in [("浦东", 20), ("cn-310115", 20), ("in", 300)] {
            assert!(
                found(&world.desk, &words(asked)).await.len() >= least,
                "{asked}"
            );
        }
        for (place, some) in [
            ("cn-310115", true),
            ("cn-3101", false),
            ("cn-31", true),
            ("cn-3", false),
            ("cn-999999", false),
            ("%", false),
        ] {
            assert_eq!(
                !found(&world.desk, &at(place)).await.is_empty(),
                some,
                "{place}"
            );
        }
        let both = BoardFilter {
            text: Some("pudong".to_owned()),
            ..at("cn-440305")
        };
        assert!(found(&world.desk, &both).await.is_empty());
    });
}

#[test]
fn what_people_correct_is_found_where_it_is_now_and_closed_ones_among_the_closed() {
    on_both(async |site: Site| {
        let world = site.busy(40).await;
        let moved = alerts(1, 1)[0].incident_id;
        assert!(found(&world.desk, &at("xx-42")).await.is_empty());
        let place = Place {
            code: "xx-42".into(),
            name: "Elsewhere".into(),
            name_zh: Some("另一处".into()),
            tier: Tier::County,
            coordinates: Coordinates::new(1.0, 2.0),
        };
        let correct = Action::Correct {
            hazard: None,
            place: Some(place),
            level: None,
            reason: "the caller was there".to_owned(),
        };
        let act = world.desk.act(moved, &coordinator(), None, &correct).await;
        act.unwrap();
        let one = BTreeSet::from([moved]);
        for filter in [
            at("xx-42"),
            words("elsewhere"),
            words("另一"),
            words("xx-42"),
        ] {
            assert_eq!(found(&world.desk, &filter).await, one, "{filter:?}");
        }
        let departments = world.desk.case(moved).await.unwrap().obligations;
        for it in departments {
            let done = dispose(&it.department);
            let act = world.desk.act(moved, &coordinator(), None, &done).await;
            assert!(act.is_ok() || world.desk.case(moved).await.unwrap().is_closed());
        }
        let closed = |filter| BoardFilter {
            closed: true,
            ..filter
        };
        assert!(found(&world.desk, &at("xx-42")).await.is_empty());
        assert_eq!(found(&world.desk, &closed(at("xx-42"))).await, one);
        assert_eq!(found(&world.desk, &closed(words("另一处"))).await, one);
    });
}

#[test]
fn levels_are_counted_as_they_are_listed() {
    on_both(async |site: Site| {
        let world = site.busy(200).await;
        for filter in [BoardFilter::default(), words("火"), at("cn-310115")] {
            let counts = world.desk.count_by_level(&filter).await.unwrap();
            for level in Level::ALL {
                let only = BoardFilter {
                    levels: vec![level],
                    ..filter.clone()
                };
                let listed = world.desk.board(&only, None, 500).await.unwrap().items;
                assert!(listed.iter().all(|row| row.level == level));
                assert_eq!(counts[level as usize], listed.len() as u64, "{level:?}");
            }
            assert!(counts.iter().sum::<u64>() > 0);
        }
    });
}

/// What an older desk wrote, or writes while a newer one stands by, is found too: the database keeps the terms.
#[test]
fn terms_are_there_for_every_case_however_it_was_written() {
    on_both(async |site: Site| {
        let before = Store::open_up_to(&site.url, 50).await.unwrap();
        let older = site.led(before).await;
        older.desk.absorb_alerts(alerts(30, 1)).await.unwrap();
        older.desk.store().close().await;
        let world = site.world().await;
        let more = alerts(60, 1).split_off(30);
        world.desk.absorb_alerts(more).await.unwrap();
        let all = found(&world.desk, &words("in")).await;
        assert_eq!(all.len(), 60);
        let rename = "UPDATE cases SET search = 'renamed 改名' WHERE incident = (SELECT MIN(incident) FROM cases)";
        let pool = world.desk.store().pool();
        sqlx::query(rename).execute(pool).await.unwrap();
        for asked in ["renam", "改名"] {
            assert_eq!(found(&world.desk, &words(asked)).await.len(), 1, "{asked}");
        }
        if world.desk.store().backend() == Backend::Postgres {
            keeps_terms(world.desk.store()).await;
        }
    });
}

async fn keeps_terms(store: &Store) {
    let mut one = store.pool().acquire().await.unwrap();
    let missing = "SELECT COUNT(*) FROM cases c LEFT JOIN case_terms t ON t.incident = c.incident \
                   WHERE t.terms IS NULL OR NOT t.terms @> case_terms_of(c.search, c.places)";
    let missing: i64 = sqlx::query_scalar(missing)
        .fetch_one(&mut *one)
        .await
        .unwrap();
    assert_eq!(missing, 0);
    sqlx::query("SET enable_seqscan = off")
        .execute(&mut *one)
        .await
        .unwrap();
    let rare =
        "EXPLAIN SELECT incident FROM case_terms WHERE terms @> case_terms_of('renamed', '')";
    let plan = sqlx::query(rare).fetch_all(&mut *one).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    assert!(plan.join("\n").contains("case_terms_found"), "{plan:?}");
}
