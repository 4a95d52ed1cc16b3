//! The console in a real Chromium. What it needs is installed by `tests/run`; without that the tests say so and fail.
//!
//! `TOCSIN_SCREENSHOTS=FOLDER` keeps pictures of the pages; `UPDATE_SCREENSHOTS=1` takes those of the README anew.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::server::{self, Server};

/// Longest run of one script.
const WITHIN: Duration = Duration::from_secs(300);

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Runs one script of tests/desk/browser against a server, in a folder with the packages that it imports.
async fn run(script: &'static str, server: &Server) {
    run_with(script, server, None).await;
}

/// The same, with a folder for pictures.
async fn run_with(script: &'static str, server: &Server, pictures: Option<&Path>) {
    if crate::left_out("browser") {
        return;
    }
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/.cache/browser");
    assert!(
        cache.join("node_modules/playwright-core").exists(),
        "the browser tests need node packages and Chromium: tests/run --prepare installs them"
    );
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/desk/browser");
    for entry in std::fs::read_dir(&source).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "mjs") {
            // Written whole under another name first: tests run at the same time.
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let part = cache.join(format!(".{name}.{script}.{}", std::process::id()));
            std::fs::copy(&path, &part).unwrap();
            std::fs::rename(&part, cache.join(name)).unwrap();
        }
    }
    let address = format!("http://{}", server.address);
    let mut node = std::process::Command::new("node");
    node.arg(cache.join(script))
        .arg(address)
        .stdin(Stdio::null());
    if let Some(folder) = pictures {
        node.env("TOCSIN_SCREENSHOTS", folder);
    }
    let done = tokio::task::spawn_blocking(move || node.output().expect("node runs"));
    let done = tokio::time::timeout(WITHIN, done)
        .await
        .expect("in time")
        .unwrap();
    assert!(
        done.status.success(),
        "{script}\n{}\n{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
    eprintln!("{}", String::from_utf8_lossy(&done.stdout));
}

#[test]
fn pages_open_in_both_languages_without_a_serious_fault() {
    let wanted = std::env::var_os("UPDATE_SCREENSHOTS").is_some();
    let folder = wanted.then(|| tempfile::tempdir().unwrap());
    let pictures = folder.as_ref().map(tempfile::TempDir::path);
    runtime().block_on(async { run_with("pages.mjs", &server::serve(0).await, pictures).await });
    if let Some(folder) = pictures {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        let all = [
            ("board-en", "console-board"),
            ("incident-officer-fire", "console-incident"),
        ];
        for (taken, name) in all {
            let from = folder.join(format!("{taken}.png"));
            std::fs::copy(from, docs.join(format!("{name}.png"))).unwrap();
        }
    }
}

#[test]
fn the_work_of_a_shift_is_done() {
    runtime().block_on(async { run("work.mjs", &server::serve(0).await).await });
}

#[test]
fn a_coordinator_runs_a_drill() {
    runtime().block_on(async { run("drills.mjs", &server::serve(0).await).await });
}

#[test]
fn growth_is_a_chart_with_scripts_and_a_picture_without() {
    runtime().block_on(async { run("charts.mjs", &server::serve(0).await).await });
}

#[test]
fn what_is_new_rings_behind_more_too() {
    runtime().block_on(async { run("behind.mjs", &server::serve(600).await).await });
}

#[test]
fn five_thousand_open_incidents_are_shown_and_change_in_place() {
    many();
}

/// The same with its bars: first paint, pauses, what the page works.
#[test]
#[ignore = "a measurement of speed: it wants the machine for itself, and TOCSIN_MEASURE=1"]
fn five_thousand_open_incidents_and_fifty_changes_a_second() {
    let asked = std::env::var("TOCSIN_MEASURE").is_ok_and(|it| it == "1");
    assert!(asked, "TOCSIN_MEASURE=1 has the bars held against");
    many();
}

fn many() {
    runtime().block_on(async {
        let server = server::serve(5_000).await;
        let desk = server.desk.clone();
        let clock = server.clock.clone();
        let changes = tokio::spawn(async move {
            let made =
                tocsin::desk::Synthetic::new(5_000, 100, super::sample::SAMPLE.set.routing.clone());
            let mut tick = tokio::time::interval(Duration::from_millis(100));
            for round in 0.. {
                tick.tick().await;
                let began = Instant::now();
                // Five of five thousand, ten times a second.
                let alerts: Vec<_> = (0..5)
                    .map(|n| made.alert((round * 5 + n) % 5_000, 2 + round / 1_000))
                    .collect();
                server::absorb(&desk, &alerts).await;
                clock.advance(began.elapsed().as_millis() as i64 + 100);
            }
        });
        run("many.mjs", &server).await;
        changes.abort();
    });
}

/// For people: serves the sample on a port that it prints, until it is stopped.
#[test]
#[ignore = "serves until it is stopped"]
fn serve_for_a_look() {
    runtime().block_on(async {
        let extra = std::env::var("TOCSIN_EXTRA")
            .ok()
            .and_then(|it| it.parse().ok());
        let server = server::serve(extra.unwrap_or(0)).await;
        println!("http://{}", server.address);
        std::future::pending::<()>().await;
    });
}
