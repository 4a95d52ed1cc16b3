//! Tools that read a part of a topic: a backtest of it, and the explanation of one record in it.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::broker;
use super::plant::{Plant, Sent};
use super::tools::unique;

/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600_000;

fn report(id: &str, text: &str) -> Vec<u8> {
    serde_json::json!({"id": id, "title": "", "text": text})
        .to_string()
        .into_bytes()
}

/// A report of a transaction that is given up: nobody who reads committed records may see it.
fn write_and_abort(brokers: &str, topic: &str, payload: &[u8]) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("transactional.id", unique("tried"))
        .create()
        .expect("a producer");
    let long = Duration::from_secs(30);
    producer.init_transactions(long).expect("init");
    producer.begin_transaction().expect("begin");
    let record: BaseRecord<'_, (), [u8]> = BaseRecord::to(topic)
        .partition(0)
        .timestamp(START + 500)
        .payload(payload);
    producer
        .send(record)
        .map_err(|(error, _)| error)
        .expect("send");
    producer.flush(long).expect("flush");
    producer.abort_transaction(long).expect("abort");
}

/// Partition 0 has a fire, an aborted record and a copy of the fire; partition 1 a gas leak between them in time.
fn plant() -> Plant {
    let mut plant = Plant::new(broker::shared(), "tried", "");
    let fire = "A warehouse in Shanghai is on fire, thick smoke over the whole quarter, people are leaving";
    let sent = |partition, at: i64, id: &str, text: &str| Sent {
        feed: 0,
        partition,
        at: START + at,
        payload: report(id, text),
    };
    plant.send(vec![sent(0, 0, "a", fire)]);
    let topic = plant.topic_of("posts");
    write_and_abort(
        &plant.brokers,
        &topic,
        &report("gone", "A house is on fire in Shanghai"),
    );
    plant.send(vec![
        sent(1, 1_000, "b", "A gas leak in Shanghai"),
        sent(0, 2_000, "c", fire),
        sent(0, 3_000, "d", "Nothing happens here"),
    ]);
    plant
}

#[test]
fn a_range_of_a_topic_is_tried_and_one_of_its_records_explained() {
    let plant = plant();
    let topic = plant.topic_of("posts");
    let backtest = |more: &[&str]| {
        let args = [
            &["rules", "backtest", "--json", "--topic", topic.as_str()][..],
            more,
        ]
        .concat();
        let (status, said) = plant.command(&args);
        assert!(status.success(), "{said}");
        let shown: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        let count = |what: &str| shown["a"][what].as_u64().unwrap();
        (count("records"), count("detected"), count("incidents"))
    };
    assert_eq!(backtest(&[]), (4, 3, 2), "aborted records are not read");
    assert_eq!(
        backtest(&["--from", "2026-01-01T00:00:01Z"]).0,
        3,
        "by time"
    );
    assert_eq!(backtest(&["--to", "2026-01-01T00:00:02Z"]).0, 2);
    assert_eq!(backtest(&["--from", "0:1,1:1"]).0, 2, "by offset");
    assert_eq!(backtest(&["--from", "0:0,1:1", "--to", "0:1"]).0, 1);
    let (status, said) = plant.command(&["rules", "backtest", "--topic", "no-such-topic"]);
    assert!(status.code() == Some(2) && said.contains("posts"), "{said}");

    let explain = |which: [&str; 2]| {
        let args = [
            &["rules", "explain", "--json", "--topic", topic.as_str()][..],
            &which[..],
        ]
        .concat();
        let (status, said) = plant.command(&args);
        assert!(status.success(), "{said}");
        serde_json::from_str::<serde_json::Value>(&said).expect("JSON")
    };
    let shown = explain(["--id", "c"]);
    assert_eq!(shown["position"]["partition"], 0);
    assert_eq!(shown["position"]["received"], "2026-01-01T00:00:02.000Z");
    assert_eq!(shown["history"], 2);
    assert_eq!(shown["detections"][0][1], "copy");
    assert_eq!(shown["nearest"][0]["report"], "a");
    assert_eq!(shown["nearest"][0]["near"], true);
    // Alone, it is the first of its kind.
    let offset = shown["position"]["offset"].as_i64().unwrap();
    let shown = explain(["--at", &format!("0/{offset}")]);
    assert_eq!(shown["history"], 0);
    assert_eq!(shown["detections"][0][1], "opened");
    let args = [
        "rules",
        "explain",
        "--topic",
        topic.as_str(),
        "--id",
        "gone",
    ];
    let (status, said) = plant.command(&args);
    assert!(
        status.code() == Some(2) && said.contains("no report with the id `gone`"),
        "{said}"
    );
    let (status, said) = plant.command(&["rules", "explain", "--topic", &topic]);
    assert!(status.code() == Some(2) && said.contains("--id"), "{said}");
}

/// More records of one partition than are kept while another one is waited for: none is lost, and none comes twice.
#[test]
fn a_partition_that_runs_ahead_is_held_back_and_read_whole() {
    const RECORDS: i64 = 9_000;
    let mut plant = Plant::new(broker::shared(), "ahead", "");
    let sent = |partition, at: i64, id: String, text: &str| Sent {
        feed: 0,
        partition,
        at: START + at,
        payload: report(&id, text),
    };
    let early = (0..RECORDS).map(|n| sent(0, n, format!("a{n}"), "Nothing happens here"));
    let mut records: Vec<Sent> = early.collect();
    records.push(sent(
        1,
        RECORDS + 1,
        "late".to_owned(),
        "A house is on fire",
    ));
    records.push(sent(
        0,
        RECORDS + 2,
        "last".to_owned(),
        "A house is on fire",
    ));
    plant.send(records);
    let topic = plant.topic_of("posts");
    let (status, said) = plant.command(&["rules", "backtest", "--json", "--topic", topic.as_str()]);
    assert!(status.success(), "{said}");
    let shown: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(shown["a"]["records"], RECORDS + 2);
    assert_eq!(shown["a"]["detected"], 2);
    let args = [
        "rules",
        "explain",
        "--json",
        "--topic",
        topic.as_str(),
        "--id",
        "last",
    ];
    let (status, said) = plant.command(&args);
    assert!(status.success(), "{said}");
    let shown: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(shown["history"], RECORDS + 1, "in the order of time");
}
