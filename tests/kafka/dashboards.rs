//! Every expression of every panel and rule on a live run: each parses, each returns data.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::drills::{Site, wall};
use crate::dashboards::Prometheus;

const SHADOW: &str = "
title: Any market
id: shadow-market
status: test
detection: {market: {any|contains: 市场}, condition: market}
tocsin: {hazard: fire, score: {base: 20}}
";

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("copied");
        }
    }
}

/// Real reports that are detected, merged, withdrawn, unreadable, silent, or wrongly labelled.
fn send_some(site: &Site, round: usize) {
    let at = wall();
    let texts = [
        "瓯海区一居民楼发生火灾，造成12人死亡、15人受伤",
        "雁塔区燃气泄漏，气味刺鼻",
        "瓯海区的市场今天很热闹",
        "武侯区婚宴后12人食物中毒，上吐下泻",
    ];
    let id = format!("real-{round}");
    let value = serde_json::json!({"id": id, "text": texts[round % 4], "lang": "zh"});
    site.send("hotline-zh", at, &value, None);
    let value = serde_json::json!({"id": id, "text": texts[round % 4], "lang": "zh", "publisher": "Example Daily"});
    site.send(
        "news-zh",
        at,
        &value,
        round
            .is_multiple_of(3)
            .then_some(("ce_exerciseid", "nobody")),
    );
    if round % 4 == 1 {
        site.send("posts", at, &serde_json::json!({"text": "no id"}), None);
        let value = serde_json::json!({"id": format!("real-{}", round - 1), "text": "-", "withdrawn": true});
        site.send("hotline-zh", at, &value, None);
    }
}

#[test]
fn every_panel_and_rule_returns_data_on_a_live_run() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port")
        .port();
    let address = format!("127.0.0.1:{port}");
    let more = format!(
        "[http]\nlisten = \"{address}\"\n[paths]\nrules = \"rules\"\n[limits]\nfingerprints_per_key = 1\nsources_per_key = \
         1\nreports_per_key = 16\naggregated_per_key = 0\n"
    );
    let site = Site::with("dashboards", "wall", 10, &more, |dir| {
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/rules");
        copy(&rules, &dir.join("rules"));
        std::fs::write(dir.join("rules/shadow.yml"), SHADOW).expect("a rule");
    });
    let _running = site.run();
    let prometheus = Prometheus::start(&address);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0.. {
                if done.load(Ordering::SeqCst) {
                    return;
                }
                send_some(&site, round);
                std::thread::sleep(Duration::from_millis(300));
            }
        });
        scope.spawn(|| {
            let _ = site.drill(&["gas-leak-school", "--exercise", "live-1", "--speed", "180"]);
        });
        let checked =
            std::panic::catch_unwind(|| prometheus.executes_everything(Duration::from_secs(150)));
        done.store(true, Ordering::SeqCst);
        if let Err(panic) = checked {
            eprintln!("{}", site.log());
            std::panic::resume_unwind(panic);
        }
    });
}
