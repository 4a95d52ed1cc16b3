//! `tocsin doctor` at a broker: a deployment in order passes; a topic that is missing or set up wrongly, a right that is denied and a
//! clock that is ahead are each named, with what to do.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::drills::{Site, wall};
use super::plant::Plant;
use super::tools::{create_topics, until};

const LONG: Duration = Duration::from_secs(30);
const KNOWN: &str = "[http]\nenabled = false\n";

/// What was found about something, as state, words and help.
fn found<'a>(shown: &'a Value, about: &str) -> Vec<[&'a str; 3]> {
    let all = shown["findings"].as_array().expect("findings").iter();
    let of = all.filter(|one| one["about"] == about);
    of.map(|one| ["state", "what", "help"].map(|name| one[name].as_str().unwrap_or_default()))
        .collect()
}

/// The one finding with these words, its help at hand.
fn one<'a>(shown: &'a Value, about: &str, words: &[&str]) -> [&'a str; 3] {
    let mut all = found(shown, about);
    all.retain(|[_, what, _]| words.iter().all(|word| what.contains(word)));
    assert_eq!(all.len(), 1, "{about}, {words:?}: {shown:#}");
    all[0]
}

fn all_well(shown: &Value) {
    assert_eq!(shown["ok"], true, "{shown:#}");
    for about in ["broker", "topics", "read", "write", "clock"] {
        let all = found(shown, about);
        assert!(all.len() == 1 && all[0][0] == "ok", "{about}: {shown:#}");
    }
}

/// Exit code and JSON of a site, with another prefix where one is given.
fn doctor(site: &Site, prefix: Option<&str>) -> (Option<i32>, Value) {
    let mut command = site.tocsin(&["doctor", "--write", "--json"]);
    if let Some(prefix) = prefix {
        command.env("TOCSIN__TOPICS__PREFIX", prefix);
    }
    let done = command.output().expect("run tocsin");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    let shown = serde_json::from_slice(&done.stdout);
    let shown = shown.unwrap_or_else(|error| panic!("{error}: {said}"));
    (done.status.code(), shown)
}

#[test]
fn a_site_in_order_passes_and_what_is_wrong_with_its_topics_is_named() {
    let site = Site::with("doctor", "wall", 10, KNOWN, |_| {});
    // A broker may need a moment to know of a topic that was just made.
    until(LONG, "all is well", || doctor(&site, None).0 == Some(0));
    let (_, shown) = doctor(&site, None);
    all_well(&shown);
    assert_eq!(one(&shown, "drills", &["there is a drill key"])[0], "ok");

    // Topics that somebody made by hand, and not all of them.
    let wrong = format!("{}wrong.", site.prefix);
    let name = |topic: &str| format!("{wrong}{topic}");
    create_topics(
        &site.brokers,
        &[
            (&name("detections"), 3, &[]),
            (&name("incidents"), 2, &[("cleanup.policy", "delete")]),
            (&name("dead-letters"), 1, &[("max.message.bytes", "1000")]),
            (&name("ledger"), 1, &[("retention.ms", "60000")]),
        ],
    );
    site.send("posts", wall() + 600_000, &json!({"text": "early"}), &[]);
    let (code, shown) = doctor(&site, Some(&wrong));
    assert_eq!((code, &shown["ok"]), (Some(1), &json!(false)), "{shown:#}");
    let alter = |topic: &str, setting: &str| {
        format!(
            "kafka-configs --alter --entity-type topics --entity-name {wrong}{topic} --add-config {setting}"
        )
    };
    for (topic, what, state, help) in [
        (
            "joint-meeting",
            "does not exist",
            "failed",
            "run `tocsin topics create`".to_owned(),
        ),
        (
            "decisions",
            "does not exist",
            "failed",
            "run `tocsin topics create`".to_owned(),
        ),
        (
            "dept.fire",
            "does not exist",
            "failed",
            "run `tocsin topics create`".to_owned(),
        ),
        (
            "detections",
            "has 3 partitions, the configuration says 2",
            "failed",
            "the number is fixed at creation: set topics.partitions = 3".to_owned(),
        ),
        (
            "incidents",
            "cleanup.policy is delete, not compact",
            "failed",
            alter("incidents", "cleanup.policy=compact"),
        ),
        (
            "dead-letters",
            "max.message.bytes is 1000",
            "failed",
            alter("dead-letters", "max.message.bytes="),
        ),
        (
            "ledger",
            "retention.ms is 60000",
            "warning",
            alter("ledger", "retention.ms="),
        ),
    ] {
        let of_topic = format!("{}: ", name(topic));
        let [is, _, said] = one(&shown, "topics", &[&of_topic, what]);
        assert_eq!(is, state, "{topic}: {shown:#}");
        assert!(said.starts_with(&help), "{topic}: {said}");
    }
    let [state, _, help] = one(&shown, "clock", &["feed.posts", "in the future"]);
    assert!(state == "failed" && help.contains("synchronise"), "{help}");
    // What is not there is named once; there is nothing to be tried on it.
    assert_eq!(found(&shown, "write")[0][0], "ok", "{shown:#}");
}

/// The same in the words for people, and in JSON: a user who may not read one topic, nor write to another.
pub(super) fn what_is_denied_is_named(plant: &Plant, admin: &str, user: &str) {
    let ask = || {
        let (status, said) = plant.command(&["doctor", "--write", "--json"]);
        let mut shown = serde_json::Deserializer::from_str(&said).into_iter::<Value>();
        let shown = shown.next().expect("JSON").expect("JSON");
        (status.code(), shown)
    };
    let (code, shown) = ask();
    assert_eq!(code, Some(0), "{shown:#}");
    all_well(&shown);

    let (feed, queue) = (plant.topic_of("posts"), plant.names.queue.clone());
    deny(admin, user, &feed, READ);
    deny(admin, user, &queue, WRITE);
    until(LONG, "both are denied", || {
        let (_, shown) = ask();
        let failed = |about| found(&shown, about).iter().all(|it| it[0] == "failed");
        failed("read") && failed("write")
    });
    let (code, shown) = ask();
    assert_eq!((code, &shown["ok"]), (Some(1), &json!(false)), "{shown:#}");
    let tried = [
        ("read", format!("read {feed}: ")),
        ("write", format!("write {queue}: ")),
    ];
    for (about, what) in tried {
        let all = found(&shown, about);
        let [state, said, help] = one(&shown, about, &[&what]);
        // Nothing else is denied.
        assert_eq!((state, all.len()), ("failed", 1), "{shown:#}");
        assert!(said.to_lowercase().contains("authorization"), "{said}");
        assert!(help.contains("docs/operating.md"), "{help}");
    }
    let (_, said) = plant.command(&["doctor", "--write"]);
    let line = format!("FAIL  read: read {feed}: ");
    assert!(
        said.contains(&line) && said.contains("docs/operating.md"),
        "{said}"
    );
}

const ALL: u8 = 2;
const READ: u8 = 3;
const WRITE: u8 = 4;
const DENY: u8 = 2;
const ALLOW: u8 = 3;

/// Denies one operation on a topic, and allows all others.
fn deny(admin: &str, user: &str, topic: &str, operation: u8) {
    let rights = [(ALL, ALLOW), (operation, DENY)];
    // A topic, by its whole name; from any host.
    let rules = rights.iter().flat_map(|(operation, right)| {
        [
            &[2][..],
            &text(topic),
            &[3],
            &text(&format!("User:{user}")),
            &text("*"),
            &[*operation, *right],
        ]
        .concat()
    });
    let mut body = 2_u32.to_be_bytes().to_vec();
    body.extend(rules);
    create_acls(admin, &body);
}

fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("a short text");
    [&length.to_be_bytes()[..], text.as_bytes()].concat()
}

/// Asks a broker to create access rules, as Kafka's protocol has it: its client has no such call.
fn create_acls(address: &str, body: &[u8]) {
    let head = [
        &30_u16.to_be_bytes()[..],
        &1_u16.to_be_bytes(),
        &7_u32.to_be_bytes(),
        &text("test"),
    ];
    let message = [&head.concat()[..], body].concat();
    let mut stream = TcpStream::connect(address).expect("the broker");
    stream.set_read_timeout(Some(LONG)).expect("a limit");
    let length = u32::try_from(message.len()).expect("short");
    stream.write_all(&length.to_be_bytes()).expect("sent");
    stream.write_all(&message).expect("sent");
    let mut length = [0; 4];
    stream.read_exact(&mut length).expect("an answer");
    let mut answer = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut answer).expect("an answer");
    // Correlation id, throttle time, number of results, error code of the first.
    let code = u16::from_be_bytes([answer[12], answer[13]]);
    assert_eq!(code, 0, "{answer:?}");
}
