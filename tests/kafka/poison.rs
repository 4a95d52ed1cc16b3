//! Records that cannot be read, between good ones: the good ones do not notice, the bad ones are kept, and come through
//! after a fix. And a burst, which must not fill the memory.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::broker;
use super::plant::{Plant, Sent};
use super::tools::{read_committed, until};

const KAFKA: &str = "transaction_max_ms = 50";

fn now() -> i64 {
    let wall = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock");
    wall.as_millis() as i64
}

fn sent(payload: impl Into<Vec<u8>>) -> Sent {
    Sent {
        feed: 0,
        partition: 0,
        at: now(),
        payload: payload.into(),
    }
}

fn good(n: u32) -> Sent {
    sent(format!(
        r#"{{"id":"good-{n}","text":"Warehouse {n} on fire","lat":-10.2,"lon":-120.{n}}}"#
    ))
}

#[test]
fn bad_records_are_kept_whole_and_come_through_after_a_fix() {
    let mut plant = Plant::new(broker::shared(), "poison", KAFKA);
    let mut bomb = String::from("<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY a \"lol\">");
    for n in 0..9 {
        bomb += &format!("<!ENTITY a{n} \"{}\">", "&a;".repeat(10));
    }
    bomb += "]><alert>&a8;</alert>";
    // What a feed of the wrong format looks like, and comes through when the configuration is put right.
    let ticket = r#"{"service_request_id":"77","description":"gas leak at the corner"}"#;
    let bad: Vec<Vec<u8>> = vec![
        b"{\"id\":\"x\",\"text\":\"\xff\xfe\"}".to_vec(),
        b"{\"id\":\"x\",\"text\":\"cut sho".to_vec(),
        vec![b'x'; 10 << 20],
        bomb.into_bytes(),
        ticket.as_bytes().to_vec(),
        b"call +86 13800138000 or write to someone@example.org".to_vec(),
    ];
    let mut records = Vec::new();
    for (n, payload) in bad.iter().enumerate() {
        records.push(good(n as u32));
        records.push(sent(payload.clone()));
    }
    records.push(good(99));
    let mut running = plant.run("a", 1);
    plant.send(records);
    until(Duration::from_secs(60), "everything read", || {
        running.assert_alive();
        plant.is_done()
    });
    running.stop();
    let (detections, _, letters) = plant.verify();
    assert_eq!((detections, letters), (bad.len() + 1, bad.len()));

    let (status, list) = plant.command(&["dead-letters", "list", "--json"]);
    assert!(status.success(), "{list}");
    let lines: Vec<serde_json::Value> = list
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), bad.len());
    for (line, n) in lines.iter().zip(0..) {
        assert_eq!(
            (&line["feed"], line["offset"].as_i64()),
            (&"posts".into(), Some(2 * n + 1)),
            "{line}"
        );
        assert!(
            line["code"]
                .as_str()
                .is_some_and(|code| code.starts_with('D')),
            "{line}"
        );
    }
    let id = lines[5]["id"].as_str().expect("an id");
    let (_, shown) = plant.command(&["dead-letters", "show", id]);
    assert!(
        shown.contains("call") && !shown.contains("13800138000") && !shown.contains("someone@"),
        "{shown}"
    );
    let (_, raw) = plant.command(&["dead-letters", "show", id, "--raw"]);
    assert_eq!(
        raw.as_bytes(),
        bad[5],
        "the operator's view is the original"
    );

    plant.edit(
        "decoder = \"tocsin\"\nkind = \"post\"",
        "decoder = \"open311\"\nkind = \"post\"",
    );
    let ticket_id = lines[4]["id"].as_str().expect("an id");
    let (status, done) = plant.command(&["dead-letters", "replay", "--json", ticket_id]);
    assert!(
        status.success() && done.contains("\"replayed\":1"),
        "{done}"
    );
    let mut running = plant.run("a", 1);
    let found = || -> Vec<serde_json::Value> {
        read_committed(&plant.brokers, &plant.names.detections)
            .iter()
            .map(super::tools::Seen::json::<serde_json::Value>)
            .filter(|detection| detection["rule_id"] == "gas")
            .collect()
    };
    until(Duration::from_secs(60), "the ticket comes through", || {
        running.assert_alive();
        found().len() == 1
    });
    let detection = &found()[0];
    assert_eq!(detection["report"]["id"], "77");
    assert_eq!(
        detection["position"]["topic"],
        plant.topic_of("posts").as_str()
    );
    assert_eq!(detection["position"]["offset"], 9);
    assert_eq!(
        detection["report"]["received"].as_str(),
        lines[4]["received"].as_str(),
        "the original time"
    );
    running.stop();
}

#[test]
fn a_burst_does_not_fill_the_memory() {
    let mut plant = Plant::new(broker::shared(), "burst", KAFKA);
    let mut running = plant.run("a", 1);
    let text = "A quiet day in the park. ".repeat(40);
    let batch = |n: u32, count: u32| -> Vec<Sent> {
        (0..count)
            .map(|i| Sent {
                feed: 0,
                partition: (i % 3) as i32,
                at: now(),
                payload: format!(r#"{{"id":"{n}-{i}","text":"{text}"}}"#).into_bytes(),
            })
            .collect()
    };
    plant.send(batch(0, 10_000));
    until(Duration::from_secs(60), "the base load is read", || {
        plant.is_done()
    });
    let before = running.memory();
    for n in 1..=10 {
        plant.send(batch(n, 10_000));
    }
    let mut peak = before;
    until(Duration::from_secs(120), "the burst is read", || {
        running.assert_alive();
        peak = peak.max(running.memory());
        plant.is_done()
    });
    running.stop();
    let mib = |bytes: u64| bytes >> 20;
    eprintln!(
        "memory: {} MiB at base load, {} MiB at the peak of a burst of 100 MB",
        mib(before),
        mib(peak)
    );
    assert!(
        peak < before + (160 << 20),
        "{} MiB → {} MiB",
        mib(before),
        mib(peak)
    );
}
