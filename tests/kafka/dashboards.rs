//! Every expression of every panel and rule on a live run: each parses, each returns data.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tocsin::core::growth::DAY_MS;
use tocsin::core::model::Millis;

use super::desk_api::{self, DeskApi};
use super::drill_isolation::get;
use super::drills::{Site, wall};
use super::secure::certificate;
use crate::dashboards::Prometheus;

const SHADOW: &str = "
title: Any market
id: shadow-market
status: test
detection: {market: {any|contains: 市场}, condition: market}
tocsin: {hazard: fire, score: {base: 20}}
";

/// A receiver that is never there: what becomes of its notices is among the figures.
const NOTIFY: &str = "[notify]
enabled = true
attempts = 2
backoff_first_s = 1
[notify.webhooks.nobody]
url = \"http://127.0.0.1:9/\"
secret = \"a secret of a test\"
[[notify.routes]]
channels = [\"webhook:nobody\"]
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

/// Districts whose names are theirs alone.
const DISTRICTS: [&str; 24] = [
    "海淀区",
    "浦东新区",
    "天河区",
    "福田区",
    "武昌区",
    "洪山区",
    "渝中区",
    "玄武区",
    "姑苏区",
    "余杭区",
    "萧山区",
    "鹿城区",
    "龙湾区",
    "碑林区",
    "未央区",
    "锦江区",
    "青羊区",
    "成华区",
    "五华区",
    "盘龙区",
    "思明区",
    "湖里区",
    "历下区",
    "岳麓区",
];

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
    site.send("hotline-zh", at, &value, &[]);
    // Every round one at a place of its own: a rate has something to show whenever it is asked for.
    let (district, dead) = (DISTRICTS[round / 2 % DISTRICTS.len()], 3 + round / 48);
    let text = match round % 2 {
        0 => texts[round % 4].to_owned(),
        _ => format!("{district}一厂房发生火灾，造成{dead}人死亡、15人受伤"),
    };
    let value =
        serde_json::json!({"id": id, "text": text, "lang": "zh", "publisher": "Example Daily"});
    let label = [("ce_exerciseid", "nobody")];
    let labels = if round.is_multiple_of(3) {
        &label[..]
    } else {
        &[]
    };
    site.send("news-zh", at, &value, labels);
    if round % 4 == 1 {
        site.send("posts", at, &serde_json::json!({"text": "no id"}), &[]);
        let value = serde_json::json!({"id": format!("real-{}", round - 1), "text": "-", "withdrawn": true});
        site.send("hotline-zh", at, &value, &[]);
    }
}

/// A month of fires in one district: what is usual there is known before the run begins.
fn teach(site: &Site) {
    let mut lines = String::new();
    for day in 1..31 {
        let at = Millis(wall() - day * DAY_MS);
        let value = serde_json::json!({
            "id": format!("past-{day}"), "lang": "zh", "text": "瓯海区一居民楼发生火灾，造成12人死亡、15人受伤", "observed": at.to_string(),
            "received": at.to_string(),
        });
        lines = format!("{value}\n{lines}");
    }
    let archive = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(archive.path(), lines).expect("write the archive");
    let built = site
        .tocsin(&["baseline", "build", "--feed", "hotline-zh", "--input"])
        .arg(archive.path())
        .output()
        .expect("run tocsin");
    let said = String::from_utf8_lossy(&built.stdout);
    assert!(
        built.status.success() && said.contains("1 series filled"),
        "{built:?}"
    );
}

/// The link of an alert leads to its section, for whoever has no login at hand.
fn follows_links(prometheus: &Prometheus, desk: &str) {
    let links = prometheus.runbooks();
    assert!(
        !links.is_empty(),
        "labels were rejected, so an alert waits at least"
    );
    let page = get(desk, "/runbooks");
    for link in links {
        let here = format!("http://{desk}/runbooks#");
        let section = link.strip_prefix(&here);
        let section = section.unwrap_or_else(|| panic!("{link} leads elsewhere"));
        let heading = format!("<h2 id=\"{section}\">");
        assert!(page.contains(&heading), "{link}: {page}");
    }
}

#[test]
fn every_panel_and_rule_returns_data_on_a_live_run() {
    let (address, desk) = (desk_api::free(), desk_api::free());
    let kept = tempfile::tempdir().expect("a folder");
    let authority = certificate(kept.path(), "authority");
    let more = format!(
        "[kafka.security]\nca_file = \"{}\"\n[http]\nlisten = \"{address}\"\n{}{NOTIFY}[paths]\nrules = \"rules\"\n[limits]\nfingerprints_per_key = 1\nsources_per_key = \
         1\nreports_per_key = 16\naggregated_per_key = 0\n",
        authority.display(),
        desk_api::settings(&desk)
    );
    let site = Site::with("dashboards", "wall", 10, &more, |dir| {
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/rules");
        copy(&rules, &dir.join("rules"));
        std::fs::write(dir.join("rules/shadow.yml"), SHADOW).expect("a rule");
    });
    let coordinator = DeskApi::new(&site, &desk, "coordinator");
    teach(&site);
    let _running = site.run();
    let prometheus = Prometheus::start(&address, &format!("http://{desk}/"));
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
        // People at the desk: what comes is acknowledged and disposed of, now as a false alarm, now as confirmed.
        scope.spawn(|| {
            for round in 0.. {
                if done.load(Ordering::SeqCst) {
                    return;
                }
                let found = ["false_alarm", "confirmed"][round % 2];
                coordinator.settle("actual", found);
                coordinator.settle("exercise", found);
                std::thread::sleep(Duration::from_secs(2));
            }
        });
        scope.spawn(|| {
            let _ = site.drill(&["gas-leak-school", "--exercise", "live-1", "--speed", "180"]);
        });
        let checked = std::panic::catch_unwind(|| {
            prometheus.executes_everything(Duration::from_secs(300));
            follows_links(&prometheus, &desk);
        });
        done.store(true, Ordering::SeqCst);
        if let Err(panic) = checked {
            eprintln!("{}", site.log());
            // Said again after the long log: whoever reads the end of a failed run wants the reason there.
            let why = panic.downcast_ref::<String>().cloned();
            panic!("{}", why.unwrap_or_else(|| "an expression failed".into()));
        }
    });
}
