//! Going back to an older version: state that a newer one wrote is refused in words that say what to do; after that was done the same
//! incidents are there, and nobody is told anything twice.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use serde_json::{Value, json};
use tocsin::core::model::Alert;

use super::desk_api::{self, DeskApi};
use super::drills::{Running, Site, wall};
use super::tools::{counted, read_committed, read_ledger, until, wait, write};

const LONG: Duration = Duration::from_secs(90);

fn admin(site: &Site) -> AdminClient<DefaultClientContext> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &site.brokers);
    config.create().expect("an admin client")
}

/// The newest revision of every incident on the queue.
fn newest(site: &Site) -> BTreeMap<uuid::Uuid, Alert> {
    let mut all: BTreeMap<uuid::Uuid, Alert> = BTreeMap::new();
    for alert in site.alerts() {
        let old = all.get(&alert.incident_id);
        if old.is_none_or(|old| old.revision <= alert.revision) {
            all.insert(alert.incident_id, alert);
        }
    }
    all
}

fn send(site: &Site, ids: std::ops::Range<i64>, from: i64) {
    let texts = [
        "温州市瓯海区一居民楼起火，浓烟很大",
        "雁塔区道路积水严重，车辆被淹",
        "浦东新区化工厂爆炸，有毒气体泄漏，造成3人受伤",
    ];
    for id in ids {
        let value = json!({"id": format!("r-{id}"), "text": texts[id as usize % 3], "lang": "zh"});
        site.send("hotline-zh", from + id * 20_000, &value, &[]);
    }
}

fn settled(site: &Site, reports: u64, detections_read: u64) {
    until(LONG, "everything read", || {
        let ledger = read_ledger(&site.brokers, &site.names.ledger);
        let detections = read_committed(&site.brokers, &site.names.detections).len() as u64;
        counted(&ledger, &format!("{}feed.hotline-zh", site.prefix)) >= reports
            && counted(&ledger, &site.names.detections) >= detections + detections_read
    });
}

fn end(mut running: Running) {
    let pid = running.0.id().to_string();
    let told = std::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status();
    assert!(told.expect("kill runs").success());
    running.0.wait().expect("it ends");
}

/// All incidents with what was done about them.
fn board(desk: &DeskApi) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for path in ["/api/v1/incidents", "/api/v1/incidents?state=closed"] {
        let Some((200, board)) = desk.call("GET", path, None, None) else {
            continue;
        };
        for row in board["incidents"].as_array().expect("a board") {
            let kept = json!({
                "version": row["version"], "revision": row["revision"], "state": row["state"], "obligations": row["obligations"],
            });
            all.insert(row["incident"].to_string(), kept);
        }
    }
    all
}

/// As a version after this one would leave it: the same keys, another version in the first byte.
fn written_by_a_newer_version(site: &Site) -> usize {
    let mut last = BTreeMap::new();
    for record in read_committed(&site.brokers, &site.names.incidents) {
        last.insert((record.partition, record.key), record.payload);
    }
    let newer: Vec<(i32, Vec<u8>, Vec<u8>)> = last
        .into_iter()
        .filter(|((_, key), _)| key.starts_with(b"actual/"))
        .filter_map(|((partition, key), value)| {
            let mut value = value?;
            value[0] += 1;
            Some((partition, key, value))
        })
        .collect();
    let records = newer
        .iter()
        .map(|(p, key, value)| (*p, &key[..], &value[..]));
    write(&site.brokers, &site.names.incidents, records);
    newer.len()
}

#[test]
fn an_older_version_folds_the_detections_again_and_nobody_is_told_twice() {
    let address = desk_api::free();
    let more = format!("[http]\nenabled = false\n{}", desk_api::settings(&address));
    let site = Site::with("rollback", "wall", 3_600, &more, |_| {});
    let desk = DeskApi::new(&site, &address, "coordinator");
    let from = wall() - 600_000;
    let running = site.run();
    send(&site, 0..12, from);
    settled(&site, 12, 0);
    until(LONG, "the desk has them all", || {
        let on_the_queue = newest(&site);
        board(&desk).len() == on_the_queue.len() && on_the_queue.len() >= 3
    });
    assert!(desk.settle("actual", "confirmed") >= 3);
    let (before, shown) = (newest(&site), board(&desk));
    let published = read_committed(&site.brokers, &format!("{}decisions", site.prefix)).len();
    end(running);

    // 1. The older version refuses what the newer one wrote, and says what to do.
    assert!(written_by_a_newer_version(&site) >= 3);
    let mut refused = site.run();
    let code = refused.0.wait().expect("it ends").code();
    let said = site.log();
    assert!(code.is_some_and(|code| code != 0), "{said}");
    for part in ["has version", "reads versions", "docs/operations.md"] {
        assert!(said.contains(part), "{part}: {said}");
    }

    // 2. As docs/operations.md says: the state is made anew from the detections.
    let (names, group) = (&site.names, format!("{}.correlate", site.prefix));
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)));
    let deleted = wait(admin(&site).delete_topics(&[names.incidents.as_str()], &options));
    assert!(deleted.expect("delete").iter().all(Result::is_ok));
    let deleted = wait(admin(&site).delete_groups(&[&group], &options));
    assert!(deleted.expect("delete groups").iter().all(Result::is_ok));
    until(LONG, "the topic is made anew", || {
        let made = site.tocsin(&["topics", "create"]).output();
        made.expect("run tocsin").status.success()
    });
    let detections = read_committed(&site.brokers, &names.detections).len() as u64;
    let running = site.run();
    settled(&site, 12, detections);

    // 3. The same incidents in the same state, under the same ids; what people did is as it was, and nothing was published again.
    let after = newest(&site);
    assert_eq!(after.len(), before.len());
    for (id, old) in &before {
        let new = &after[id];
        assert_eq!(
            (
                new.revision,
                new.alert_id,
                new.level,
                new.score,
                &new.counts
            ),
            (
                old.revision,
                old.alert_id,
                old.level,
                old.score,
                &old.counts
            ),
        );
    }
    until(LONG, "the desk answers", || {
        board(&desk).len() == shown.len()
    });
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(board(&desk), shown);
    let now = read_committed(&site.brokers, &format!("{}decisions", site.prefix)).len();
    assert_eq!(now, published, "no department hears of it again");

    // 4. And it goes on: the next report joins its incident.
    send(&site, 12..13, from);
    settled(&site, 13, detections);
    let (id, old) = before
        .iter()
        .find(|(_, alert)| alert.hazard.id() == "fire")
        .expect("a fire");
    until(LONG, "it is counted", || {
        newest(&site)[id].counts.reports > old.counts.reports
            || newest(&site)[id].counts.copies > old.counts.copies
    });
    assert_eq!(newest(&site).len(), before.len(), "none is opened anew");
    end(running);
}
