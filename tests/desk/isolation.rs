//! A drill beside what is real, in one store: boards, agenda, departments' figures, metrics, silences, decisions to be published and the
//! history of every actual incident are the same with the drill and without it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tocsin::core::model::{Alert, Level, Millis, Status};
use tocsin::core::mute::{Matchers, Wish};
use tocsin::core::obligation::{Action, Actor, Disposition, Role};
use tocsin::desk::{BoardFilter, Desk, DeskMetrics, VirtualClock};
use uuid::Uuid;

use super::world::{HOUR, MINUTE, Site, World, acknowledge, on_both, policy, routing, synthetic};

const SEEDS: u64 = 4;
const INCIDENTS: u32 = 24;
const DAYS_30_MS: i64 = 30 * 86_400_000;

fn below(state: &mut u64, end: u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % end
}

/// What happens, in order; a drill's part is left out of the one run.
enum Step {
    Alert(Box<Alert>),
    Act(Status, Uuid, Actor, Action),
    Silence(Status, Level),
    Pass(i64),
}

impl Step {
    fn is_real(&self) -> bool {
        match self {
            Self::Alert(alert) => alert.status == Status::Actual,
            Self::Act(status, ..) | Self::Silence(status, _) => *status == Status::Actual,
            Self::Pass(_) => true,
        }
    }
}

fn action(alert: &Alert, nth: u64) -> (Actor, Action) {
    let department = Arc::clone(&alert.departments[0].id);
    let officer = Actor {
        name: "officer-1".to_owned(),
        role: Role::Officer,
        department: Some(Arc::clone(&department)),
    };
    let coordinator = Actor::new("coordinator-1", Role::Coordinator);
    let reason = "seen".to_owned();
    match nth {
        0 => (officer, acknowledge(&department)),
        1 => {
            let disposition = Disposition::FalseAlarm;
            let action = Action::Dispose {
                department,
                disposition,
                reason,
            };
            (officer, action)
        }
        2 => (coordinator, Action::Meeting { reason }),
        3 => (coordinator, Action::Note { text: reason }),
        _ => (coordinator, Action::Watch),
    }
}

/// Real and simulated incidents of the same hazards at the same places, worked on by turns.
fn steps(seed: u64) -> Vec<Step> {
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut all = Vec::new();
    for revision in 1..=2 {
        for number in 0..INCIDENTS {
            for status in [Status::Actual, Status::Exercise] {
                if below(&mut random, 4) == 0 {
                    continue;
                }
                let mut made = synthetic(INCIDENTS, 2);
                made.status = status;
                let alert = made.alert(number, revision);
                let (actor, action) = action(&alert, below(&mut random, 5));
                let incident = alert.incident_id;
                all.push(Step::Alert(Box::new(alert)));
                if below(&mut random, 2) == 0 {
                    all.push(Step::Act(status, incident, actor, action));
                }
            }
            match below(&mut random, 8) {
                0 => all.push(Step::Pass(20 * MINUTE)),
                1 => all.push(Step::Pass(9 * HOUR)),
                2 => all.push(Step::Silence(Status::Exercise, Level::Orange)),
                3 => all.push(Step::Silence(Status::Actual, Level::Yellow)),
                _ => {}
            }
        }
    }
    all
}

async fn play(world: &World, steps: &[&Step]) {
    let coordinator = Actor::new("coordinator-1", Role::Coordinator);
    for step in steps {
        match step {
            Step::Alert(alert) => {
                let done = world.desk.absorb_alerts([(**alert).clone()]).await;
                assert_eq!(done.unwrap().by_status[alert.status as usize], 1);
            }
            // What the state of an incident does not allow is refused in both runs.
            Step::Act(_, incident, actor, action) => {
                let _ = world.desk.act(*incident, actor, None, action).await;
            }
            Step::Silence(status, level) => {
                let wish = Wish {
                    matchers: Matchers {
                        status: *status,
                        level: Some(*level),
                        ..Matchers::default()
                    },
                    starts: None,
                    ends: world.desk.now().plus(2 * HOUR),
                    reason: "a noisy night".to_owned(),
                    covers_red: false,
                };
                world
                    .desk
                    .create_silence(&coordinator, &wish)
                    .await
                    .unwrap();
            }
            Step::Pass(ms) => {
                // A deadline is found when it has passed, not when somebody happens to look.
                for _ in 0..ms / (5 * MINUTE) {
                    world.clock.advance(5 * MINUTE);
                    world.desk.tick().await.unwrap();
                }
            }
        }
    }
}

/// Everything actual that can be seen at a desk.
#[derive(Debug, PartialEq)]
struct Seen {
    board: Vec<Value>,
    closed: Vec<Value>,
    agenda: Vec<Uuid>,
    departments: String,
    duties: String,
    muted: BTreeMap<Uuid, usize>,
    silences: usize,
    history: BTreeMap<Uuid, Vec<Value>>,
    published: Vec<Value>,
    metrics: Vec<String>,
}

async fn board(desk: &Desk, closed: bool) -> Vec<tocsin::core::obligation::BoardRow> {
    let filter = BoardFilter {
        closed,
        ..BoardFilter::default()
    };
    let page = desk.board(&filter, None, 500).await.unwrap();
    assert!(page.next.is_none());
    page.items
}

async fn published(desk: &Desk) -> Vec<Value> {
    let records = desk.store().outgoing(10_000, &[]).await.unwrap();
    let all = records.iter().map(|record| {
        let mut payload: Value = serde_json::from_str(&record.payload).unwrap();
        // Numbers of the trail, which all share.
        let fields = payload.as_object_mut().unwrap();
        fields.remove("seq");
        fields.remove("id");
        // Silences get their id by chance.
        if let Some(after) = payload["event"]
            .get_mut("after")
            .and_then(Value::as_object_mut)
        {
            after.remove("silence");
        }
        payload["topic"] = record.topic.clone().into();
        payload
    });
    all.filter(|payload| payload["status"] == "actual")
        .collect()
}

async fn seen(world: &World, metrics: &(prometheus::Registry, Arc<DeskMetrics>)) -> Seen {
    let desk = &world.desk;
    let (open, closed) = (board(desk, false).await, board(desk, true).await);
    let since = desk.now().plus(-DAYS_30_MS);
    let departments = desk.department_stats(Status::Actual, since).await.unwrap();
    let duties = desk.store().duties(desk.now(), since).await.unwrap();
    let muted = desk.muted(&open).await.unwrap();
    let silences = desk.silences(true).await.unwrap();
    let mut history = BTreeMap::new();
    for row in open.iter().chain(&closed) {
        let events = desk.history(row.incident).await.unwrap();
        let events = events
            .iter()
            .map(|it| serde_json::to_value(&it.event).unwrap());
        history.insert(row.incident, events.collect());
    }
    let (registry, figures) = metrics;
    figures.stats(&desk.store().stats().await.unwrap(), &departments);
    figures.duties(&duties);
    figures.silences(&silences, desk.now());
    let text = prometheus::TextEncoder::new()
        .encode_to_string(&registry.gather())
        .unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.contains("status=\"exercise\"") && !line.starts_with('#'));
    let json = |rows: &[tocsin::core::obligation::BoardRow]| {
        let rows = rows.iter().map(|row| serde_json::to_value(row).unwrap());
        rows.collect::<Vec<Value>>()
    };
    let agenda = desk.agenda(Status::Actual).await.unwrap();
    Seen {
        agenda: agenda.iter().map(|row| row.incident).collect(),
        departments: format!("{departments:?}"),
        duties: format!("{duties:?}"),
        muted: muted.into_iter().map(|(id, by)| (id, by.len())).collect(),
        silences: silences
            .iter()
            .filter(|it| it.matchers.status == Status::Actual)
            .count(),
        published: published(desk).await,
        metrics: lines.map(str::to_owned).collect(),
        board: json(&open),
        closed: json(&closed),
        history,
    }
}

fn metrics(desk: &Desk) -> (prometheus::Registry, Arc<DeskMetrics>) {
    let registry = prometheus::Registry::new();
    let departments = routing();
    let departments = departments.all().iter().map(|it| Arc::clone(&it.id));
    let metrics = DeskMetrics::new(&registry, departments).unwrap();
    desk.observe(Arc::clone(&metrics) as _);
    (registry, metrics)
}

async fn without(start: Millis, steps: &[Step]) -> Seen {
    let clock = Arc::new(VirtualClock::at(start));
    let desk = Desk::in_memory(policy(), clock.clone()).await.unwrap();
    let world = World { desk, clock };
    let metrics = metrics(&world.desk);
    let real: Vec<&Step> = steps.iter().filter(|step| step.is_real()).collect();
    play(&world, &real).await;
    seen(&world, &metrics).await
}

async fn holds(site: &Site, seed: u64) {
    let steps = steps(seed);
    let world = site.world().await;
    let metrics = metrics(&world.desk);
    let start = world.desk.now();
    let all: Vec<&Step> = steps.iter().collect();
    play(&world, &all).await;
    let with = seen(&world, &metrics).await;
    let alone = without(start, &steps).await;
    assert_eq!(with, alone, "seed {seed} {site:?}");
    let exercises = BoardFilter {
        status: Status::Exercise,
        ..BoardFilter::default()
    };
    assert!(world.desk.count(&exercises).await.unwrap() > 5);
    assert!(with.board.len() > 5 && with.published.len() > 50);
    assert!(with.metrics.len() > 100);
    let missed = |it: &Value| it["event"]["kind"] == "acknowledge_missed";
    assert!(with.published.iter().any(missed), "seed {seed}");
}

#[test]
fn a_drill_changes_nothing_that_is_actual_at_the_desk() {
    on_both(async |site| holds(&site, 0).await);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for seed in 1..SEEDS {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("desk.db").display());
        runtime.block_on(holds(&Site { url }, seed));
    }
}
