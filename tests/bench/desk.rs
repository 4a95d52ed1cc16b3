//! The desk under load, on a real PostgreSQL: `cargo bench --bench desk [alerts] [board incidents]` (100,000 and 100,000).
//!
//! Bars: 100,000 alerts of 20,000 incidents are taken in within a minute; a page of the board takes less than 50 ms at 100,000 open
//! incidents, at the 99th percentile. What misses is named at the end; with `TOCSIN_MEASURE=1`, on a machine that does nothing else, it
//! fails the run. `TOCSIN_TEST_POSTGRES=URL` names the maintenance database of a server; without it one is started.

#![allow(missing_docs)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use tocsin::core::diagnostic::SourceFile;
use tocsin::core::model::{Alert, Level};
use tocsin::core::obligation::Policy;
use tocsin::core::route::Routing;
use tocsin::desk::{BoardFilter, Desk, Store, Synthetic, WallClock};

#[path = "../desk/postgres.rs"]
#[allow(dead_code)]
mod postgres;

const BATCH: usize = 1_000;
/// 100,000 alerts in a minute.
const ALERTS_A_SECOND: f64 = 100_000.0 / 60.0;
const PAGE_MS: f64 = 50.0;

fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|word| word.parse::<u32>().ok());
    let alerts = numbers.next().unwrap_or(100_000);
    let incidents = numbers.next().unwrap_or(100_000);
    let server = postgres::shared();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let url = server.database().await;
        let desk = desk(&url).await;
        let mut missed = absorb(&desk, &all(alerts / 5, 5)).await;
        let url = server.database().await;
        let desk = self::desk(&url).await;
        absorb(&desk, &all(incidents, 1)).await;
        sqlx::query("ANALYZE")
            .execute(desk.store().pool())
            .await
            .expect("analyse");
        missed.extend(board(&desk).await);
        let said = if missed.is_empty() {
            "met".to_owned()
        } else {
            missed.join("; ")
        };
        println!("bars: {said}");
        let measured = std::env::var("TOCSIN_MEASURE").is_ok_and(|it| it == "1");
        assert!(missed.is_empty() || !measured, "{said}");
    });
}

fn routing() -> Arc<Routing> {
    let text = include_str!("../../config/departments.yaml");
    let source = SourceFile {
        name: "departments.yaml".into(),
        text: text.into(),
    };
    Arc::new(Routing::parse(&source).expect("a table"))
}

fn all(incidents: u32, revisions: u32) -> Vec<Alert> {
    Synthetic::new(incidents, revisions, routing())
        .alerts()
        .collect()
}

async fn desk(url: &str) -> Desk {
    let store = Store::open(url).await.expect("a store");
    let desk = Desk::new(store, Arc::new(Policy::new(routing())), Arc::new(WallClock));
    desk.lead("bench", Duration::from_secs(3_600))
        .await
        .expect("a store")
        .expect("the lease");
    desk
}

/// Takes the alerts in; the bar that was missed.
async fn absorb(desk: &Desk, all: &[Alert]) -> Vec<String> {
    let (began, mut opened) = (Instant::now(), 0);
    for batch in all.chunks(BATCH) {
        opened += desk
            .absorb_alerts(batch.to_vec())
            .await
            .expect("absorbed")
            .opened;
    }
    let took = began.elapsed();
    println!(
        "absorb: {} alerts of {opened} incidents in {:.1} s",
        all.len(),
        took.as_secs_f64()
    );
    let rate = all.len() as f64 / took.as_secs_f64();
    let slow = (rate < ALERTS_A_SECOND)
        .then(|| format!("absorb: {rate:.0} alerts a second, not {ALERTS_A_SECOND:.0}"));
    slow.into_iter().collect()
}

/// What is asked of the board.
fn pages() -> Vec<(&'static str, BoardFilter)> {
    vec![
        ("first page", BoardFilter::default()),
        (
            "red",
            BoardFilter {
                levels: vec![Level::Red],
                ..BoardFilter::default()
            },
        ),
        (
            "blue",
            BoardFilter {
                levels: vec![Level::Blue],
                ..BoardFilter::default()
            },
        ),
        (
            "a place",
            BoardFilter {
                place: Some("cn-310115".into()),
                ..BoardFilter::default()
            },
        ),
        (
            "a department's",
            BoardFilter {
                department: Some("fire".into()),
                pending: true,
                ..BoardFilter::default()
            },
        ),
        (
            "a place that is nowhere",
            BoardFilter {
                place: Some("cn-999999".into()),
                ..BoardFilter::default()
            },
        ),
        (
            "a word that is nowhere",
            BoardFilter {
                text: Some("nowhere".to_owned()),
                ..BoardFilter::default()
            },
        ),
        (
            "a word",
            BoardFilter {
                text: Some("浦东".to_owned()),
                ..BoardFilter::default()
            },
        ),
        (
            "a word of all",
            BoardFilter {
                text: Some("in".to_owned()),
                ..BoardFilter::default()
            },
        ),
        (
            "two words that meet nowhere",
            BoardFilter {
                text: Some("浦东 nanshan".to_owned()),
                ..BoardFilter::default()
            },
        ),
    ]
}

/// Reads pages; the bars that were missed.
async fn board(desk: &Desk) -> Vec<String> {
    let mut missed = Vec::new();
    for (name, filter) in pages() {
        let mut times = Vec::new();
        for _ in 0..50 {
            let began = Instant::now();
            let page = desk.board(&filter, None, 100).await.expect("a page");
            times.push(began.elapsed().as_secs_f64() * 1_000.0);
            assert_eq!(page.items.is_empty(), name.ends_with("nowhere"), "{name}");
        }
        times.sort_by(f64::total_cmp);
        let began = Instant::now();
        let counts = desk.count_by_level(&filter).await.expect("counts");
        println!(
            "board, {name}: p50 {:.1} ms, p99 {:.1} ms; {} by level in {:.1} ms",
            times[25],
            times[49],
            counts.iter().sum::<u64>(),
            began.elapsed().as_secs_f64() * 1_000.0
        );
        if times[49] >= PAGE_MS {
            missed.push(format!("board, {name}: {:.1} ms, not {PAGE_MS}", times[49]));
        }
    }
    let began = Instant::now();
    let count = desk.count(&BoardFilter::default()).await.expect("a count");
    println!(
        "count of {count}: {:.1} ms",
        began.elapsed().as_secs_f64() * 1_000.0
    );
    let began = Instant::now();
    desk.store().stats().await.expect("figures");
    println!("figures: {:.1} ms", began.elapsed().as_secs_f64() * 1_000.0);
    missed
}
