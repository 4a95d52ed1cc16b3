//! `tocsin desk` killed while 20 clients act over its API: every action that was answered with success is there afterwards, once, in
//! the history, in the audit trail and on the topic of decisions; none is half done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tocsin::desk::Synthetic;

use super::desk_api::{DeskApi, free, settings};
use super::drills::Site;
use super::tools::{read_committed, until, write};

const CLIENTS: usize = 20;
const INCIDENTS: u32 = 5;
const LONG: Duration = Duration::from_secs(60);

/// What one client was answered with success: incident and the text of its action, which nobody else uses.
type Answered = Vec<(String, String)>;

/// Acts until the desk is gone; `done` counts the answers of all. Several clients are at one incident, so that some come too late.
fn act(desk: &DeskApi, incident: &str, name: &str, done: &AtomicUsize) -> Answered {
    let mut answered = Answered::new();
    let path = format!("/api/v1/incidents/{incident}");
    for number in 0_usize.. {
        let Some((200, case)) = desk.call("GET", &path, None, None) else {
            break;
        };
        let text = format!("{name}-{number}");
        let owed = case["incident"]["obligations"].as_array();
        let open = owed
            .into_iter()
            .flatten()
            .find(|it| it["state"] == "open" && it["duty"] == "support");
        // A department of the incident acknowledges or is waived, where one still has something to do; else somebody remarks something.
        let wish = match open {
            Some(it) if number % 2 == 0 => {
                json!({"action": "waive", "department": it["department"], "reason": text})
            }
            _ => json!({"action": "note", "text": text}),
        };
        let version = case["incident"]["version"].as_u64();
        match desk.call("POST", &format!("{path}/actions"), version, Some(&wish)) {
            Some((200, _)) => {
                done.fetch_add(1, Ordering::SeqCst);
                answered.push((incident.to_owned(), text));
            }
            // Somebody was faster, or everybody is too fast.
            Some((409 | 412, _)) => {}
            Some((429, _)) => std::thread::sleep(Duration::from_millis(50)),
            Some((503, _)) | None => break,
            Some(other) => panic!("{other:?}"),
        }
    }
    answered
}

/// What the desk knows of all incidents: how often each text is there, and the numbers of all events.
fn told(
    desk: &DeskApi,
    incidents: &[String],
) -> (BTreeMap<(String, String), usize>, BTreeSet<i64>) {
    let (mut told, mut numbers) = (BTreeMap::new(), BTreeSet::new());
    let ask = |path: String| {
        let (status, answer) = desk.call("GET", &path, None, None).expect("an answer");
        assert_eq!(status, 200, "{answer}");
        answer
    };
    for incident in incidents {
        let history = ask(format!("/api/v1/incidents/{incident}/history"));
        let case = ask(format!("/api/v1/incidents/{incident}"));
        let events = history["events"].as_array().expect("events");
        // There is no list where there is no note.
        let notes = case["case"]["notes"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        let noted = events.iter().filter(|it| it["kind"] == "noted").count();
        assert_eq!(noted, notes.len(), "a note and its event, or neither");
        let line = case["incident"]["notes"].as_u64();
        assert_eq!(line, Some(noted as u64), "a case and its line, or neither");
        let reasons = events.iter().map(|it| &it["reason"]);
        let texts = reasons.chain(notes.iter().map(|it| &it["text"]));
        for text in texts.filter_map(Value::as_str) {
            let key = (incident.clone(), text.to_owned());
            *told.entry(key).or_default() += 1;
        }
        numbers.extend(
            events
                .iter()
                .map(|it| it["seq"].as_i64().expect("a number")),
        );
    }
    (told, numbers)
}

#[test]
fn what_a_killed_desk_answered_is_there_once() {
    let address = free();
    let more = format!(
        "[http]\nenabled = false\n{}",
        settings(&address).replace("enabled = true", "enabled = false")
    );
    let site = Site::with("desk-killed", "wall", 10, &more, |_| {});
    let routing = super::super::desk::world::routing();
    let made = Synthetic::new(INCIDENTS, 1, routing);
    let alerts: Vec<_> = made.alerts().collect();
    let incidents: Vec<String> = alerts.iter().map(|it| it.incident_id.to_string()).collect();
    let records: Vec<(String, Vec<u8>)> = alerts
        .iter()
        .map(|it| {
            let value = serde_json::to_vec(it).expect("an alert");
            (it.incident_id.to_string(), value)
        })
        .collect();
    let records = records
        .iter()
        .map(|(key, value)| (0, key.as_bytes(), value.as_slice()));
    write(&site.brokers, &site.names.queue, records);
    let mut running = site.run_as("desk", &["desk"], &[]);
    let tokens: Vec<DeskApi> = (0..CLIENTS)
        .map(|client| DeskApi::named(&site, &address, "coordinator", &format!("client {client}")))
        .collect();
    let is_there = || {
        let first = format!("/api/v1/incidents/{}", incidents[INCIDENTS as usize - 1]);
        tokens[0]
            .call("GET", &first, None, None)
            .is_some_and(|it| it.0 == 200)
    };
    let mut answered = Answered::new();
    for round in 0..3 {
        until(LONG, "the desk has its incidents", is_there);
        let done = AtomicUsize::new(0);
        let of_round = std::thread::scope(|scope| {
            let clients: Vec<_> = tokens
                .iter()
                .enumerate()
                .map(|(client, desk)| {
                    let (incident, done) = (&incidents[client % incidents.len()], &done);
                    let name = format!("round-{round}-client-{client}");
                    scope.spawn(move || act(desk, incident, &name, done))
                })
                .collect();
            until(LONG, "clients are answered", || {
                done.load(Ordering::SeqCst) >= 40 + round * 15
            });
            // In the midst of it.
            running.0.kill().expect("SIGKILL");
            running.0.wait().expect("gone");
            let all = clients.into_iter();
            all.flat_map(|client| client.join().expect("a client"))
                .collect::<Answered>()
        });
        answered.extend(of_round);
        running = site.run_as(&format!("desk-{round}"), &["desk"], &[]);
    }
    until(LONG, "the desk is back", is_there);
    let (all, numbers) = told(&tokens[0], &incidents);
    assert!(answered.len() >= 3 * 40, "{}", answered.len());
    for one in &answered {
        assert_eq!(all.get(one), Some(&1), "{one:?}");
    }
    let twice: Vec<_> = all
        .iter()
        .filter(|((_, reason), times)| reason.starts_with("round-") && **times > 1)
        .collect();
    assert!(twice.is_empty(), "{twice:?}");
    decisions_are_published_once(&site, &numbers);
    let verified = site.tocsin(&["desk", "audit", "verify"]).output();
    let verified = verified.expect("run tocsin");
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success(), "{said}");
}

/// On the topic a decision may come again after a kill, with its number and the same in every word: readers see each number once.
fn decisions_are_published_once(site: &Site, numbers: &BTreeSet<i64>) {
    let topic = format!("{}decisions", site.prefix);
    until(LONG, "every decision is published", || {
        let mut published: BTreeMap<i64, Value> = BTreeMap::new();
        for seen in read_committed(&site.brokers, &topic) {
            let decision = seen.json::<Value>();
            let number = decision["seq"].as_i64().expect("a number");
            let before = published.insert(number, decision.clone());
            assert!(before.is_none_or(|before| before == decision), "{decision}");
        }
        numbers.iter().all(|number| published.contains_key(number))
    });
}
