//! A month of the departments is what counting the cases one by one comes to; exercises are no part of it.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;

use tocsin::core::model::{Alert, Duty, Millis, Status};
use tocsin::core::obligation::{Action, Assessed, EventKind, Obligation};
use tocsin::desk::{AuditEvent, Desk};

use super::world::{
    HOUR, MINUTE, Site, World, acknowledge, alerts, coordinator, dispose, on_both, synthetic,
};

const DAY: i64 = 24 * HOUR;

async fn act(desk: &Desk, alert: &Alert, action: &Action) {
    let done = desk
        .act(alert.incident_id, &coordinator(), None, action)
        .await;
    done.unwrap_or_else(|error| panic!("{action:?}: {error}"));
}

/// Something of everything: in time, late, not at all, escalated, closed, opened again.
async fn busy(world: &World, all: &[Alert]) {
    let desk = &world.desk;
    desk.absorb_alerts(all.iter().cloned()).await.unwrap();
    world.clock.advance(2 * MINUTE);
    for alert in &all[..6] {
        act(desk, alert, &acknowledge(&alert.departments[0].id)).await;
    }
    world.clock.advance(20 * MINUTE);
    desk.tick().await.unwrap();
    for alert in &all[..3] {
        // The lead last: with it there is quorum, and the incident closes.
        for department in alert.departments.iter().rev() {
            act(desk, alert, &dispose(&department.id)).await;
        }
    }
    let reason = "seen again".to_owned();
    act(desk, &all[0], &Action::Reopen { reason }).await;
    for _ in 0..8 {
        world.clock.advance(6 * HOUR);
        desk.tick().await.unwrap();
    }
}

async fn trail(desk: &Desk) -> Vec<AuditEvent> {
    let mut all: Vec<AuditEvent> = Vec::new();
    loop {
        let after = all.last().map_or(0, |it| it.seq);
        let next = desk.audit(after, 1_000).await.unwrap();
        if next.is_empty() {
            return all;
        }
        all.extend(next);
    }
}

/// The same figures from the cases and the trail.
async fn naive(desk: &Desk, all: &[Alert]) -> BTreeMap<Arc<str>, Assessed> {
    let mut found: BTreeMap<Arc<str>, Assessed> = BTreeMap::new();
    let mut times: BTreeMap<Arc<str>, [Vec<i64>; 2]> = BTreeMap::new();
    for alert in all {
        let case = desk.case(alert.incident_id).await.unwrap();
        let own: Vec<&Obligation> = case.past.iter().chain(&case.obligations).collect();
        let mut ids: Vec<&Arc<str>> = own.iter().map(|it| &it.department).collect();
        ids.sort();
        ids.dedup();
        for id in ids {
            let of: Vec<_> = own.iter().filter(|it| it.department == *id).collect();
            let it = found.entry(id.clone()).or_default();
            it.incidents += 1;
            it.led += u64::from(of.iter().any(|it| it.duty == Duty::Lead));
            for one in of {
                let (acknowledged, disposed) = (one.acknowledged_on_time(), one.disposed_on_time());
                it.acknowledgements += u64::from(acknowledged.is_some());
                it.acknowledged_on_time += u64::from(acknowledged == Some(true));
                it.disposals += u64::from(disposed.is_some());
                it.disposed_on_time += u64::from(disposed == Some(true));
                it.pending += u64::from(one.state.is_pending());
                let [acknowledge, dispose] = times.entry(id.clone()).or_default();
                let took = |at: Millis| at.since(one.opened_at);
                acknowledge.extend(one.acknowledged.as_ref().map(|mark| took(mark.at)));
                dispose.extend(one.disposed.as_ref().map(|it| took(it.mark.at)));
            }
        }
    }
    for (id, [acknowledge, dispose]) in &mut times {
        let it = found.get_mut(id).expect("counted");
        for (times, slot) in [
            (acknowledge, &mut it.acknowledge_median_ms),
            (dispose, &mut it.dispose_median_ms),
        ] {
            times.sort_unstable();
            *slot = (!times.is_empty()).then(|| times[times.len().div_ceil(2) - 1]);
        }
    }
    for told in trail(desk).await {
        let id = told.event.department.clone();
        let of = |it: &Alert| Some(it.incident_id) == told.incident;
        let Some(alert) = all.iter().find(|it| of(it)) else {
            continue;
        };
        if told.event.kind == EventKind::Escalated {
            found.get_mut(&id.unwrap()).expect("known").escalations += 1;
        } else if told.event.kind == EventKind::Reopened {
            for department in &alert.departments {
                found.get_mut(&department.id).expect("known").reopenings += 1;
            }
        }
    }
    found
}

fn same(found: &BTreeMap<Arc<str>, Assessed>, expected: &BTreeMap<Arc<str>, Assessed>) {
    let ids = |all: &BTreeMap<Arc<str>, Assessed>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(ids(found), ids(expected));
    for (id, figures) in found {
        assert_eq!(figures, &expected[id], "{id}");
    }
}

#[test]
fn a_month_is_what_its_cases_come_to_with_a_drill_and_without() {
    on_both(async |site: Site| {
        let world = site.world().await;
        let all = alerts(12, 1);
        busy(&world, &all).await;
        let start = synthetic(1, 1).start;
        let period = start..start.plus(31 * DAY);
        let store = world.desk.store();
        let found = store
            .assessment(Status::Actual, period.clone())
            .await
            .unwrap();
        let expected = naive(&world.desk, &all).await;
        same(&found, &expected);
        let sum = |of: fn(&Assessed) -> u64| found.values().map(of).sum::<u64>();
        assert!(sum(|it| it.escalations) > 0 && sum(|it| it.reopenings) > 0);
        assert!(sum(|it| it.acknowledged_on_time) > 0 && sum(|it| it.disposed_on_time) > 0);
        assert!(sum(|it| it.acknowledgements) > sum(|it| it.acknowledged_on_time));

        let mut drill = synthetic(12, 1);
        drill.status = Status::Exercise;
        let drill: Vec<Alert> = drill.alerts().collect();
        busy(&world, &drill).await;
        let again = store
            .assessment(Status::Actual, period.clone())
            .await
            .unwrap();
        // Time went on, and with it what is overdue; of the drill nothing is in it.
        same(&again, &naive(&world.desk, &all).await);
        let exercises = store
            .assessment(Status::Exercise, period.clone())
            .await
            .unwrap();
        assert_eq!(exercises.values().map(|it| it.drills).max(), Some(1));
        // A month in which nothing began has nothing in it.
        let later = period.end..period.end.plus(31 * DAY);
        let nothing = store.assessment(Status::Actual, later).await.unwrap();
        assert!(nothing.is_empty(), "{nothing:?}");
    });
}

#[test]
fn the_command_prints_the_month_in_every_form() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("tocsin.toml");
    std::fs::write(&config, "[desk]\nurl = \"sqlite:desk.db\"\n").expect("a configuration");
    let url = format!("sqlite:{}", folder.path().join("desk.db").display());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let month = runtime.block_on(async {
        let world = Site { url }.world().await;
        busy(&world, &alerts(12, 1)).await;
        world.desk.store().close().await;
        synthetic(1, 1).start.to_string()[..7].to_owned()
    });
    let assess = |args: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_tocsin"))
            .arg("--config")
            .arg(&config)
            .args(["assess", "--month", &month])
            .args(args)
            .output()
            .expect("run tocsin");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{said}");
        String::from_utf8(done.stdout).expect("text")
    };
    let json: serde_json::Value = serde_json::from_str(&assess(&["--json"])).expect("JSON");
    let fire = json["parts"][0]["departments"].as_array().expect("a list");
    let fire = fire.iter().find(|it| it["id"] == "fire").expect("fire");
    let incidents = fire["figures"]["incidents"].as_u64().expect("a number");
    assert!(incidents > 0, "{json:#}");
    let only = assess(&["--department", "fire", "--format", "csv"]);
    let lines: Vec<&str> = only.lines().collect();
    assert_eq!(lines.len(), 3, "{only}");
    let row = format!("{month},actual,fire,");
    assert!(lines[1].starts_with(&row), "{only}");
    assert!(lines[1].contains(&format!(",{incidents},")), "{only}");
    let page = assess(&["--format", "html", "--lang", "zh"]);
    assert!(page.contains("<html lang=\"zh\">") && page.contains("部门考核"));
    let table = assess(&["--time-zone", "Asia/Shanghai"]);
    assert!(table.contains("Actual incidents") && table.contains("EXERCISES"));
    let wrong = Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .args(["assess", "--month", "2026-13"])
        .output()
        .expect("run tocsin");
    assert_eq!(wrong.status.code(), Some(2));
}
