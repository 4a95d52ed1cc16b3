//! Upgrades of the store: what an older version wrote is read, from every migration on; tables only grow, so that what an older version
//! asks for is still there; a store of a newer version is refused in words.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Row as _};
use tocsin::core::model::{Level, Status};
use tocsin::core::mute::{Matchers, Wish};
use tocsin::desk::store::Backend;
use tocsin::desk::{BoardFilter, Desk, Store};

use super::world::{
    HOUR, MINUTE, Site, World, acknowledge, alerts, coordinator, dispose, on_both, policy,
    synthetic,
};

/// Tables in the order in which they can be filled.
const TABLES: [&str; 14] = [
    "cases",
    "revisions",
    "obligations",
    "audit",
    "changes",
    "outbox",
    "offsets",
    "heads",
    "leases",
    "desk_token",
    "desk_session",
    "notifications",
    "notify_cursor",
    "desk_drills",
];

/// A column: its type, and whether it may be left out when a row is made.
type Columns = BTreeMap<(String, String), (String, bool)>;

async fn columns(store: &Store) -> Columns {
    let sql = match store.backend() {
        Backend::Sqlite => {
            "SELECT t.name, c.name, c.type, CASE WHEN c.\"notnull\" = 0 OR c.dflt_value IS NOT NULL THEN 1 ELSE 0 END \
             FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'"
        }
        Backend::Postgres => {
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), CAST(data_type AS TEXT), \
             CASE WHEN is_nullable = 'YES' OR column_default IS NOT NULL THEN 1 ELSE 0 END \
             FROM information_schema.columns WHERE table_schema = current_schema()"
        }
    };
    let rows = sqlx::query(sql).fetch_all(store.pool()).await.unwrap();
    let all = rows.iter().map(|row| {
        let text = |at: usize| row.get::<String, _>(at);
        // The two give this as integers of different width.
        let optional = row
            .try_get::<i64, _>(3)
            .or_else(|_| row.try_get::<i32, _>(3).map(i64::from));
        ((text(0), text(1)), (text(2), optional.unwrap() == 1))
    });
    all.collect()
}

/// A desk with some work on it.
async fn filled(site: &Site) -> Desk {
    let world = site.world().await;
    let all = alerts(12, 2);
    let ids: Vec<_> = all.iter().take(12).map(|it| it.incident_id).collect();
    world.desk.absorb_alerts(all).await.unwrap();
    for id in &ids[..6] {
        let department = {
            let case = world.desk.case(*id).await.unwrap();
            case.obligations[0].department.to_string()
        };
        let act = acknowledge(&department);
        world
            .desk
            .act(*id, &coordinator(), None, &act)
            .await
            .unwrap();
        let act = dispose(&department);
        world
            .desk
            .act(*id, &coordinator(), None, &act)
            .await
            .unwrap();
    }
    world.clock.advance(6 * HOUR + MINUTE);
    world.desk.tick().await.unwrap();
    world.desk
}

/// What was there comes over as an older version would have it: the columns that it knows.
async fn copy(from: &Store, url: &str, to: &Store) {
    let known = columns(to).await;
    let tables: BTreeSet<&String> = known.keys().map(|(table, _)| table).collect();
    let mut connection = to.pool().acquire().await.unwrap();
    if from.backend() == Backend::Sqlite {
        let path = url.strip_prefix("sqlite:").unwrap();
        let attach = format!("ATTACH '{path}' AS newer");
        sqlx::query(AssertSqlSafe(attach))
            .execute(&mut *connection)
            .await
            .unwrap();
    }
    for table in TABLES
        .iter()
        .filter(|it| tables.contains(&(**it).to_owned()))
    {
        if ["heads", "leases", "notify_cursor"].contains(table) {
            let clear = format!("DELETE FROM main.{table}").replace(
                "main.",
                if from.backend() == Backend::Sqlite {
                    "main."
                } else {
                    ""
                },
            );
            sqlx::query(AssertSqlSafe(clear))
                .execute(&mut *connection)
                .await
                .unwrap();
        }
        let names: Vec<&str> = known
            .keys()
            .filter(|(of, _)| of == table)
            .map(|(_, name)| name.as_str())
            .collect();
        let names = names.join(", ");
        match from.backend() {
            Backend::Sqlite => {
                let sql =
                    format!("INSERT INTO main.{table} ({names}) SELECT {names} FROM newer.{table}");
                let done = sqlx::query(AssertSqlSafe(sql))
                    .execute(&mut *connection)
                    .await;
                done.unwrap_or_else(|error| panic!("{table}: {error}"));
            }
            Backend::Postgres => {
                let sql =
                    format!("SELECT CAST(COALESCE(json_agg(t), '[]') AS TEXT) FROM {table} t");
                let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(from.pool()).await;
                let rows: String = row.unwrap().get(0);
                let sql = format!(
                    "INSERT INTO {table} ({names}) SELECT {names} FROM json_populate_recordset(CAST(NULL AS {table}), CAST($1 AS json))"
                );
                let done = sqlx::query(AssertSqlSafe(sql))
                    .bind(rows)
                    .execute(&mut *connection)
                    .await;
                done.unwrap_or_else(|error| panic!("{table}: {error}"));
            }
        }
    }
}

/// What people see of a desk.
async fn seen(desk: &Desk) -> Vec<Value> {
    let mut all = Vec::new();
    for closed in [false, true] {
        let filter = BoardFilter {
            closed,
            ..BoardFilter::default()
        };
        for row in desk.board(&filter, None, 500).await.unwrap().items {
            let history = desk.history(row.incident).await.unwrap();
            let case = desk.case(row.incident).await.unwrap();
            all.push(serde_json::json!({"row": row, "history": history, "case": case}));
        }
    }
    let since = desk.now().plus(-30 * 24 * HOUR);
    let stats = desk.department_stats(Status::Actual, since).await.unwrap();
    all.push(format!("{stats:?}").into());
    all
}

async fn led(url: &str, now: tocsin::core::model::Millis) -> World {
    let clock = std::sync::Arc::new(tocsin::desk::VirtualClock::at(now));
    let store = Store::open(url).await.expect("an upgrade");
    let desk = Desk::new(store, policy(), clock.clone());
    let lease = desk.lead("first", Duration::from_secs(600)).await.unwrap();
    assert!(lease.is_some(), "who was killed and comes back");
    World { desk, clock }
}

async fn every_step(site: Site, older: impl AsyncFn() -> String) {
    let newest = filled(&site).await;
    let expected = seen(&newest).await;
    assert!(expected.len() > 10);
    let all = columns(newest.store()).await;
    for level in Store::migrations() {
        let url = older().await;
        let store = Store::open_up_to(&url, level).await.unwrap();
        let before = columns(&store).await;
        for (name, (kind, optional)) in &all {
            match before.get(name) {
                Some(found) => assert_eq!(found, &(kind.clone(), *optional), "{name:?} changes"),
                None if before.keys().any(|(table, _)| *table == name.0) => {
                    assert!(
                        optional,
                        "{name:?} has to be given, which an older version does not"
                    );
                }
                None => {}
            }
        }
        for name in before.keys() {
            assert!(all.contains_key(name), "{name:?} of {level} is gone");
        }
        copy(newest.store(), &site.url, &store).await;
        store.close().await;

        let looked = Store::inspect(&url).await.unwrap();
        let pending: Vec<i64> = Store::migrations().filter(|it| *it > level).collect();
        assert_eq!(looked.pending, pending, "nothing is upgraded by a look");
        assert_eq!((looked.newer.len(), looked.broken), (0, None));
        assert_eq!(looked.read_only, None);
        assert_eq!(looked.holder.as_deref(), Some("first"));

        let world = led(&url, newest.now()).await;
        assert_eq!(seen(&world.desk).await, expected, "from {level}");
        let verified = world.desk.store().verify_audit(|_| {}).await.unwrap();
        assert!(
            verified.faults.is_empty() && verified.rows > 20,
            "{verified:?}"
        );
        goes_on(&world).await;
        world.desk.store().close().await;
    }
}

/// What newer migrations brought works on what is older.
async fn goes_on(world: &World) {
    let before = world.desk.count(&BoardFilter::default()).await.unwrap();
    let made = synthetic(40, 1);
    world
        .desk
        .absorb_alerts((20..40).map(|number| made.alert(number, 1)))
        .await
        .unwrap();
    let after = world.desk.count(&BoardFilter::default()).await.unwrap();
    assert_eq!(after, before + 20);
    let wish = Wish {
        matchers: Matchers {
            level: Some(Level::Orange),
            ..Matchers::default()
        },
        starts: None,
        ends: world.desk.now().plus(HOUR),
        reason: "a night".to_owned(),
        covers_red: false,
    };
    let silence = world
        .desk
        .create_silence(&coordinator(), &wish)
        .await
        .unwrap();
    let covered = world.desk.covered(&silence).await.unwrap();
    assert!(covered.open > 5, "those of before among them: {covered:?}");
}

#[test]
fn a_store_of_every_older_version_is_upgraded_with_what_is_in_it() {
    on_both(async |site| {
        let folder = tempfile::tempdir().unwrap();
        let number = std::sync::atomic::AtomicU32::new(0);
        let server = super::postgres::shared();
        let is_sqlite = site.url.starts_with("sqlite:");
        let older = async || {
            if is_sqlite {
                let number = number.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                let path = folder.path().join(format!("older-{number}.db"));
                format!("sqlite:{}", path.display())
            } else {
                server.database().await
            }
        };
        every_step(site, older).await;
    });
}

#[test]
fn a_store_of_a_newer_version_is_refused_and_told_of() {
    on_both(async |site| {
        let store = site.store().await;
        let sql = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                   SELECT 9999, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
        sqlx::query(sql).execute(store.pool()).await.unwrap();
        store.close().await;
        let refused = Store::open(&site.url).await.unwrap_err().to_string();
        assert!(
            refused.contains("newer version") && refused.contains("9999"),
            "{refused}"
        );
        let looked = Store::inspect(&site.url).await.unwrap();
        assert_eq!(looked.newer, [9999]);
    });
}

async fn pretend(store: &Store, number: i64, name: &str) {
    let sql = format!(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         SELECT {number}, '{name}', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1"
    );
    sqlx::query(AssertSqlSafe(sql))
        .execute(store.pool())
        .await
        .unwrap();
}

/// The way back: what a newer version has migrated, and says it keeps for this one, this one works on, and loses nothing of.
#[test]
fn a_store_that_a_newer_version_keeps_for_this_one_goes_on() {
    on_both(async |site| {
        let newer = filled(&site).await;
        let expected = seen(&newer).await;
        let last = Store::migrations().max().unwrap();
        for sql in [
            "CREATE TABLE later (id BIGINT NOT NULL PRIMARY KEY)",
            "ALTER TABLE cases ADD COLUMN later TEXT",
        ] {
            sqlx::query(sql)
                .execute(newer.store().pool())
                .await
                .unwrap();
        }
        pretend(newer.store(), 9_998, &format!("later keeps {last}")).await;
        newer.store().close().await;
        let looked = Store::inspect(&site.url).await.unwrap();
        assert_eq!((looked.newer, looked.kept), (vec![], vec![9_998]));
        let world = led(&site.url, newer.now()).await;
        assert_eq!(seen(&world.desk).await, expected);
        let verified = world.desk.store().verify_audit(|_| {}).await.unwrap();
        assert!(verified.faults.is_empty(), "{verified:?}");
        goes_on(&world).await;

        // One that keeps it for later versions only does not.
        pretend(
            world.desk.store(),
            9_999,
            &format!("more keeps {}", last + 1),
        )
        .await;
        world.desk.store().close().await;
        let refused = Store::open(&site.url).await.unwrap_err().to_string();
        assert!(
            refused.contains("9999") && refused.contains("backup"),
            "{refused}"
        );
        let looked = Store::inspect(&site.url).await.unwrap();
        assert_eq!((looked.newer, looked.kept), (vec![9_999], vec![9_998]));
    });
}
