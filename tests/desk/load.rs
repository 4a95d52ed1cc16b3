//! The benchmark of the desk in small: the same alerts and pages, for what comes of them; the bars are `tests/bench/desk.rs`'s.

use std::time::{Duration, Instant};

use tocsin::desk::BoardFilter;

use sqlx::Row as _;

use super::world::{Site, alerts, on_both};

const INCIDENTS: u32 = 400;
/// A desk that is a hundred times slower than the bar is broken, on whatever machine.
const SLOWEST: Duration = Duration::from_secs(120);

#[test]
fn a_backlog_is_absorbed_whole() {
    on_both(async |site: Site| {
        let world = site.world().await;
        let all = alerts(INCIDENTS, 5);
        let began = Instant::now();
        let mut opened = 0;
        for batch in all.chunks(200) {
            let done = world.desk.absorb_alerts(batch.to_vec()).await.unwrap();
            opened += done.opened;
            assert_eq!((done.alerts, done.known), (200, 0));
        }
        assert!(began.elapsed() < SLOWEST, "{:?}", began.elapsed());
        assert_eq!(opened, INCIDENTS as usize);
        let page = world
            .desk
            .board(&BoardFilter::default(), None, 500)
            .await
            .unwrap();
        assert_eq!(page.items.len(), INCIDENTS as usize);
        assert!(page.items.iter().all(|row| row.revision == 5));
    });
}

#[test]
fn a_board_reads_in_its_order_and_filters_narrow_rows() {
    on_both(async |site: Site| {
        let world = site.busy(INCIDENTS).await;
        let pool = world.desk.store().pool();
        let page = "SELECT c.row_json FROM cases c WHERE c.status = 'actual' AND c.closed = 0 AND c.search LIKE '%x%' ESCAPE '\\' \
                    ORDER BY c.rank, c.opened_at, c.incident LIMIT 100";
        if site.url.starts_with("sqlite") {
            let sql = format!("EXPLAIN QUERY PLAN {page}");
            let plan = sqlx::query(sqlx::AssertSqlSafe(sql));
            let plan: String = plan.fetch_one(pool).await.unwrap().get(3);
            assert!(plan.contains("USING INDEX cases_board"), "{plan}");
            let sql = "SELECT COUNT(*) FROM pragma_index_info('cases_board') WHERE name IN ('places', 'search', 'hazard', 'level')";
            let found: i64 = sqlx::query_scalar(sql).fetch_one(pool).await.unwrap();
            assert_eq!(found, 4, "what is filtered by stands in the index");
        } else {
            let sql = "SELECT pg_relation_size('cases'), pg_total_relation_size('cases')";
            let row = sqlx::query(sql).fetch_one(pool).await.unwrap();
            let (narrow, whole): (i64, i64) = (row.get(0), row.get(1));
            let each = narrow / i64::from(INCIDENTS);
            assert!(each < 1_024, "{each} bytes a row, {whole} in all");
        }
    });
}
