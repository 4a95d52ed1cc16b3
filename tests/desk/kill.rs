//! SIGKILL while 20 clients act: every action that was answered with success is there afterwards, once, and none is half done.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tocsin::core::obligation::{Action, EventKind};
use tocsin::desk::{BoardFilter, Desk, Store, WallClock};

use super::world::{Site, alerts, coordinator, on_both, policy};

const CLIENTS: usize = 20;
const INCIDENTS: u32 = 5;

/// Not a test: the body of the process that is killed. Prints a line for every action that was answered with success.
#[test]
fn desk_process() {
    let Ok(url) = std::env::var("TOCSIN_TEST_DESK") else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(&url).await.expect("a store");
        let desk = Desk::new(store, policy(), Arc::new(WallClock));
        // The same name as the one that was killed: it need not wait for its own lease.
        let lease = desk.lead("killed", Duration::from_secs(60)).await;
        lease.expect("a database").expect("the lease");
        all_at_once((0..CLIENTS).map(|client| act(desk.clone(), client))).await;
    });
}

/// Clients at the same time, until the last one ends.
pub(super) async fn all_at_once<F>(clients: impl Iterator<Item = F>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let running: Vec<_> = clients.map(tokio::spawn).collect();
    for client in running {
        client.await.expect("a client");
    }
}

async fn act(desk: Desk, client: usize) {
    let incidents: Vec<_> = alerts(INCIDENTS, 1)
        .iter()
        .map(|alert| alert.incident_id)
        .collect();
    for number in 0_usize.. {
        let incident = incidents[(client + number) % incidents.len()];
        let text = format!("{}-{client}-{number}", std::process::id());
        let action = Action::Note { text: text.clone() };
        match desk.act(incident, &coordinator(), None, &action).await {
            Ok(_) => println!("done {incident} {text}"),
            Err(error) => println!("not {incident} {text}: {error}"),
        }
    }
}

/// Runs a process of this binary until it is enough, asked with the number of its answers, kills it, and returns what it answered.
pub(super) fn killed_when(
    process: &str,
    env: &[(&str, &str)],
    enough: impl Fn(usize) -> bool,
) -> Vec<(uuid::Uuid, String)> {
    let mut child = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", process, "--nocapture"])
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a process");
    let out = BufReader::new(child.stdout.take().expect("its output"));
    let mut done = Vec::new();
    let mut killed = false;
    // Read to the end: what was printed before the kill was answered before it.
    for line in out.lines().map_while(Result::ok) {
        let mut words = line.split(' ');
        if words.next() == Some("done") {
            let incident = words
                .next()
                .and_then(|id| id.parse().ok())
                .expect("an incident");
            done.push((incident, words.next().expect("a text").to_owned()));
        }
        if !killed && enough(done.len()) {
            child.kill().expect("SIGKILL");
            killed = true;
        }
    }
    let _ = child.wait();
    assert!(killed, "it ended by itself after {} answers", done.len());
    done
}

#[test]
fn what_was_answered_is_there_once_after_a_kill() {
    on_both(async |site: Site| {
        let world = site.busy(INCIDENTS).await;
        let lease = world
            .desk
            .lead("first", Duration::from_secs(600))
            .await
            .unwrap()
            .unwrap();
        world.desk.store().give_up_lease(&lease).await.unwrap();
        let mut answered: Vec<(uuid::Uuid, String)> = Vec::new();
        for round in 0..3 {
            let url = site.url.clone();
            let done = tokio::task::spawn_blocking(move || {
                let env = [("TOCSIN_TEST_DESK", url.as_str())];
                killed_when("desk::kill::desk_process", &env, |answers| {
                    answers >= 60 + 25 * round
                })
            })
            .await;
            answered.extend(done.unwrap());
        }
        let store = site.store().await;
        let rows = store
            .board(&BoardFilter::default(), None, 100)
            .await
            .unwrap()
            .items;
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        for row in rows {
            let case = store.case(row.incident).await.unwrap().unwrap();
            let history = store.history(row.incident, 2_000).await.unwrap();
            let noted = history
                .iter()
                .filter(|it| it.event.kind == EventKind::Noted)
                .count();
            assert_eq!(noted, case.notes.len(), "a note and its event, or neither");
            assert_eq!(
                (row.version, row.notes),
                (case.version, case.notes.len()),
                "a case and its line, or neither"
            );
            for note in case.notes {
                *found
                    .entry(format!("{} {}", row.incident, note.text))
                    .or_default() += 1;
            }
        }
        for (incident, text) in &answered {
            assert_eq!(found.get(&format!("{incident} {text}")), Some(&1), "{text}");
        }
        assert!(found.values().all(|times| *times == 1));
        // What was done and not answered: at most one action of each client and kill.
        assert!(
            found.len() <= answered.len() + 3 * CLIENTS,
            "{} of {}",
            found.len(),
            answered.len()
        );
        let verified = store.verify_audit(|_| {}).await.unwrap();
        assert_eq!(verified.faults, []);
        let outgoing = store.outgoing(100_000, &[]).await.unwrap();
        let decisions = outgoing.iter().filter(|it| it.topic == "decisions").count() as u64;
        assert_eq!(
            decisions, verified.rows,
            "every event waits to be published"
        );
    });
}
