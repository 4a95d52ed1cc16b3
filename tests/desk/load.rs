//! The benchmark of the desk in small: the same alerts and pages, for what comes of them; the bars are `tests/bench/desk.rs`'s.

use std::time::{Duration, Instant};

use tocsin::desk::BoardFilter;

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
