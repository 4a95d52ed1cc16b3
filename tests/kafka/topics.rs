//! `tocsin topics create|check` on the broker: it makes what is missing, changes nothing, and names what is wrong.

use std::time::Duration;

use super::broker;
use super::plant::Plant;
use super::tools::{create_topics, until};

#[test]
fn topics_are_made_checked_and_refused_where_a_promise_would_not_hold() {
    let plant = Plant::new(broker::shared(), "topics", "transaction_max_ms = 50");
    // A broker may need a moment to know of a topic that was just made.
    until(Duration::from_secs(10), "all is well", || {
        let (status, said) = plant.command(&["topics", "check"]);
        status.success() && said.contains("as they should be")
    });
    let (status, said) = plant.command(&["topics", "create"]);
    assert!(
        status.success() && !said.contains("created") && said.contains("exists"),
        "{said}"
    );

    // Another prefix, and topics that somebody made by hand.
    let wrong = format!("{}wrong.", plant.prefix);
    plant.edit(
        &format!("[topics]\nprefix = \"{}\"", plant.prefix),
        &format!("[topics]\nprefix = \"{wrong}\""),
    );
    let name = |topic: &str| format!("{wrong}{topic}");
    let (status, said) = plant.command(&["topics", "check"]);
    assert!(
        !status.success() && said.contains("does not exist"),
        "{said}"
    );
    let small: &[(&str, &str)] = &[("max.message.bytes", "1000")];
    create_topics(
        &plant.brokers,
        &[
            (&name("detections"), 3, &[]),
            (&name("incidents"), 5, &[("cleanup.policy", "delete")]),
            (&name("dead-letters"), 1, small),
            (&name("ledger"), 1, &[("retention.ms", "60000")]),
        ],
    );
    let (status, said) = plant.command(&["topics", "create"]);
    assert!(status.success(), "{said}");
    for (topic, result) in [
        ("detections", "exists"),
        ("incidents", "exists"),
        ("joint-meeting", "created"),
        ("retry", "created"),
    ] {
        let line = said.lines().find(|line| line.contains(&name(topic)));
        assert!(
            line.is_some_and(|line| line.starts_with(result)),
            "{topic}: {said}"
        );
    }
    let (status, said) = plant.command(&["topics", "check", "--json"]);
    assert!(!status.success(), "{said}");
    let findings: Vec<serde_json::Value> = serde_json::from_str(&said).expect("JSON");
    for (topic, fatal, part) in [
        ("detections", true, "3 partitions"),
        ("incidents", true, "5 partitions"),
        ("incidents", true, "cleanup.policy is delete"),
        ("dead-letters", true, "max.message.bytes is 1000"),
        ("ledger", false, "retention.ms is 60000"),
    ] {
        let found = findings.iter().any(|finding| {
            finding["topic"] == name(topic)
                && finding["fatal"] == fatal
                && finding["problem"]
                    .as_str()
                    .is_some_and(|problem| problem.contains(part))
                && finding["help"]
                    .as_str()
                    .is_some_and(|help| !help.is_empty())
        });
        assert!(found, "{topic}, {part}: {said}");
    }
    let made_right = |finding: &serde_json::Value| finding["topic"] == name("joint-meeting");
    assert!(!findings.iter().any(made_right), "{said}");

    let (status, said) = plant.command(&["run"]);
    assert!(!status.success(), "{said}");
    for part in [
        "cleanup.policy is delete",
        "max.message.bytes is 1000",
        "3 partitions",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
