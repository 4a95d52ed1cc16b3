//! Tocsin's topics: which there have to be, making them, and naming everything that is wrong with those that are.
//!
//! Invariant: nothing here changes or deletes a topic that exists.

use std::collections::BTreeMap;

use rdkafka::admin::{AdminOptions, ConfigSource, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::error::RDKafkaErrorCode;
use serde::Serialize;

use super::client::MAX_MESSAGE_BYTES;
use super::cluster::{ClusterError, TIMEOUT, admin, failed, partition_counts};
use super::{KafkaSettings, TopicNames};
use crate::config::Topics;
use crate::core::model::Feed;

const HOUR_MS: u64 = 3_600_000;
/// Feed records are limited to 1 MiB; the limit is Tocsin's to say, with a code, so the topic has to let more through.
const FEED_MESSAGE_BYTES: usize = 2 << 20;

/// A topic as it has to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TopicPlan {
    /// Name.
    pub name: String,
    /// Partitions to make; of an existing feed or auxiliary topic any number is fine.
    pub partitions: i32,
    /// Settings to make it with.
    pub settings: BTreeMap<String, String>,
    /// The topic is a feed's: made only when asked, checked only for being there.
    pub feed: bool,
}

/// What `create` did with a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TopicMade {
    /// Name.
    pub topic: String,
    /// `created`, `exists` or `failed`.
    pub result: &'static str,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Something that is not as it has to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TopicFinding {
    /// Name.
    pub topic: String,
    /// Whether `run` cannot work so, or only works less well.
    pub fatal: bool,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub help: String,
}

/// Every topic that there has to be, feeds last.
pub fn plan(topics: &Topics, feeds: &[impl std::borrow::Borrow<Feed>]) -> Vec<TopicPlan> {
    let names = TopicNames::new(&topics.prefix);
    let (main, other) = (topics.partitions as i32, topics.other_partitions as i32);
    let kept = |hours: u32| {
        vec![
            ("cleanup.policy", "delete".to_owned()),
            ("retention.ms", (u64::from(hours) * HOUR_MS).to_string()),
        ]
    };
    let large = |mut settings: Vec<(&'static str, String)>| {
        settings.push(("max.message.bytes", MAX_MESSAGE_BYTES.to_string()));
        settings
    };
    let lag = u64::from(topics.incidents_compaction_lag_hours) * HOUR_MS;
    let compacted = vec![
        ("cleanup.policy", "compact".to_owned()),
        ("max.compaction.lag.ms", lag.to_string()),
    ];
    let mut plans = vec![
        made(&names.retry, other, large(kept(topics.retry_hours))),
        made(&names.detections, main, kept(topics.detections_hours)),
        made(&names.incidents, main, large(compacted)),
        made(&names.queue, other, kept(topics.joint_meeting_hours)),
        made(&names.ledger, other, kept(topics.ledger_hours)),
        made(&names.shadow, other, kept(topics.shadow_hours)),
        made(
            &names.dead_letters,
            other,
            large(kept(topics.dead_letters_hours)),
        ),
    ];
    for feed in feeds {
        let settings = vec![("max.message.bytes", FEED_MESSAGE_BYTES.to_string())];
        let mut plan = made(
            &feed.borrow().topic,
            topics.feed_partitions as i32,
            settings,
        );
        plan.feed = true;
        plans.push(plan);
    }
    plans
}

/// The desk's own topics: decisions, and one for each department.
pub fn desk_plan(topics: &Topics, departments: &[impl AsRef<str>]) -> Vec<TopicPlan> {
    let settings = || {
        let retention = u64::from(topics.decisions_hours) * HOUR_MS;
        vec![
            ("cleanup.policy", "delete".to_owned()),
            ("retention.ms", retention.to_string()),
        ]
    };
    let names = departments.iter().map(|id| topics.department(id.as_ref()));
    std::iter::once(topics.decisions())
        .chain(names)
        .map(|name| made(&name, topics.other_partitions as i32, settings()))
        .collect()
}

fn made(name: &str, partitions: i32, settings: Vec<(&str, String)>) -> TopicPlan {
    TopicPlan {
        name: name.to_owned(),
        partitions,
        settings: settings
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
        feed: false,
    }
}

/// Makes the topics that are not there. `replication` −1: the broker's default.
pub async fn create(
    settings: &KafkaSettings,
    plans: &[TopicPlan],
    replication: i32,
) -> Result<Vec<TopicMade>, ClusterError> {
    // It says better than the admin client why a cluster cannot be reached.
    partition_counts(settings)?;
    let admin = admin(settings)?;
    let new: Vec<NewTopic<'_>> = plans
        .iter()
        .map(|plan| {
            let copies = TopicReplication::Fixed(replication);
            let mut topic = NewTopic::new(&plan.name, plan.partitions, copies);
            for (key, value) in &plan.settings {
                topic = topic.set(key, value);
            }
            topic
        })
        .collect();
    let options = AdminOptions::new().operation_timeout(Some(TIMEOUT));
    let results = admin
        .create_topics(&new, &options)
        .await
        .map_err(failed("creating topics"))?;
    Ok(results
        .into_iter()
        .map(|result| match result {
            Ok(topic) => done(topic, "created", None),
            Err((topic, RDKafkaErrorCode::TopicAlreadyExists)) => done(topic, "exists", None),
            Err((topic, code)) => done(topic, "failed", Some(code.to_string())),
        })
        .collect())
}

fn done(topic: String, result: &'static str, error: Option<String>) -> TopicMade {
    TopicMade {
        topic,
        result,
        error,
    }
}

/// Everything that is not as planned; empty when all is well.
pub async fn check(
    settings: &KafkaSettings,
    plans: &[TopicPlan],
) -> Result<Vec<TopicFinding>, ClusterError> {
    let counts = partition_counts(settings)?;
    let present: Vec<&TopicPlan> = plans
        .iter()
        .filter(|plan| counts.contains_key(&plan.name))
        .collect();
    let mut findings = Vec::new();
    for plan in plans {
        match counts.get(&plan.name) {
            None => findings.push(missing(plan)),
            Some(count)
                if !plan.feed && is_partitioned(plan, plans) && *count != plan.partitions =>
            {
                findings.push(TopicFinding {
                    topic: plan.name.clone(),
                    fatal: true,
                    problem: format!(
                        "has {count} partitions, the configuration says {}",
                        plan.partitions
                    ),
                    help: format!(
                        "the number is fixed at creation: set topics.partitions = {count}"
                    ),
                });
            }
            Some(_) => {}
        }
    }
    findings.extend(unequal(plans, &counts));
    let admin = admin(settings)?;
    let resources: Vec<ResourceSpecifier<'_>> = present
        .iter()
        .map(|plan| ResourceSpecifier::Topic(&plan.name))
        .collect();
    let options = AdminOptions::new().request_timeout(Some(TIMEOUT));
    let described = admin
        .describe_configs(&resources, &options)
        .await
        .map_err(failed("reading the settings of topics"))?;
    for (plan, found) in present.iter().zip(described) {
        match found {
            Ok(found) => {
                let actual: BTreeMap<&str, (&str, bool)> = found
                    .entries
                    .iter()
                    .filter_map(|entry| {
                        let set = matches!(entry.source, ConfigSource::DynamicTopic);
                        Some((entry.name.as_str(), (entry.value.as_deref()?, set)))
                    })
                    .collect();
                findings.extend(differences(plan, &actual));
            }
            Err(code) => findings.push(TopicFinding {
                topic: plan.name.clone(),
                fatal: false,
                problem: format!("its settings cannot be read: {code}"),
                help: "allow DescribeConfigs for this user, or check them by hand".to_owned(),
            }),
        }
    }
    Ok(findings)
}

/// Detections and incidents come first among the plans that share the main partition count.
fn is_partitioned(plan: &TopicPlan, plans: &[TopicPlan]) -> bool {
    co_partitioned(plans).iter().any(|name| *name == plan.name)
}

fn co_partitioned(plans: &[TopicPlan]) -> Vec<&str> {
    plans
        .iter()
        .filter(|plan| !plan.feed)
        .map(|plan| plan.name.as_str())
        .filter(|name| name.ends_with("detections") || name.ends_with("incidents"))
        .collect()
}

fn unequal(plans: &[TopicPlan], counts: &BTreeMap<String, i32>) -> Option<TopicFinding> {
    let names = co_partitioned(plans);
    let [a, b] = names.as_slice() else {
        return None;
    };
    let (x, y) = (counts.get(*a)?, counts.get(*b)?);
    (x != y).then(|| TopicFinding {
        topic: (*b).to_owned(),
        fatal: true,
        problem: format!("has {y} partitions, but {a} has {x}"),
        help: "they must be equal: stop every worker, delete both, and make them again with `tocsin topics create`"
            .to_owned(),
    })
}

fn missing(plan: &TopicPlan) -> TopicFinding {
    let help = if plan.feed {
        "let the source make it, or run `tocsin topics create --feeds`; until then the feed is silent"
    } else {
        "run `tocsin topics create`"
    };
    TopicFinding {
        topic: plan.name.clone(),
        fatal: !plan.feed,
        problem: "does not exist".to_owned(),
        help: help.to_owned(),
    }
}

/// Settings that differ in a way that matters.
fn differences(plan: &TopicPlan, actual: &BTreeMap<&str, (&str, bool)>) -> Vec<TopicFinding> {
    let mut findings = Vec::new();
    for (key, wanted) in &plan.settings {
        let found = actual.get(key.as_str()).map_or("", |(value, _)| value);
        let (Ok(have), Ok(want)) = (found.parse::<i64>(), wanted.parse::<i64>()) else {
            if found != wanted {
                findings.push(difference(
                    plan,
                    key,
                    found,
                    wanted,
                    key == "cleanup.policy",
                ));
            }
            continue;
        };
        // Keeping longer and letting larger records through does no harm; −1 keeps for ever.
        let too_small = have < want && !(key == "retention.ms" && have == -1);
        let wrong = if key == "max.compaction.lag.ms" {
            have > want
        } else {
            too_small
        };
        if wrong && !(plan.feed && have >= 1_048_576) {
            let fatal = key == "max.message.bytes" && !plan.feed;
            findings.push(difference(plan, key, found, wanted, fatal));
        }
    }
    findings
}

fn difference(plan: &TopicPlan, key: &str, found: &str, wanted: &str, fatal: bool) -> TopicFinding {
    let shown = if found.is_empty() { "not set" } else { found };
    TopicFinding {
        topic: plan.name.clone(),
        fatal,
        problem: format!("{key} is {shown}, not {wanted}"),
        help: format!(
            "kafka-configs --alter --entity-type topics --entity-name {} --add-config {key}={wanted}",
            plan.name
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn plans() -> Vec<TopicPlan> {
        let settings = Settings::bundled().expect("bundled settings");
        plan(&settings.topics, &[] as &[Feed])
    }

    #[test]
    fn detections_and_incidents_are_planned_alike() {
        let plans = plans();
        let names = co_partitioned(&plans);
        assert_eq!(names, ["tocsin.detections", "tocsin.incidents"]);
        let counts: Vec<i32> = plans
            .iter()
            .filter(|plan| is_partitioned(plan, &plans))
            .map(|plan| plan.partitions)
            .collect();
        assert_eq!(counts, [8, 8]);
    }

    #[test]
    fn unequal_partitions_are_fatal() {
        let counts = BTreeMap::from([
            ("tocsin.detections".to_owned(), 8),
            ("tocsin.incidents".to_owned(), 4),
        ]);
        let finding = unequal(&plans(), &counts).expect("a finding");
        assert!(finding.fatal && finding.problem.contains('8') && finding.problem.contains('4'));
    }

    #[test]
    fn a_compacted_topic_that_deletes_is_fatal_and_longer_retention_is_fine() {
        let plans = plans();
        let incidents = plans
            .iter()
            .find(|p| p.name == "tocsin.incidents")
            .expect("planned");
        let actual = BTreeMap::from([
            ("cleanup.policy", ("delete", false)),
            ("max.compaction.lag.ms", ("9223372036854775807", false)),
            ("max.message.bytes", ("1048588", false)),
        ]);
        let found = differences(incidents, &actual);
        let keys: Vec<(&str, bool)> = found
            .iter()
            .map(|f| (f.problem.split(' ').next().unwrap_or_default(), f.fatal))
            .collect();
        assert_eq!(
            keys,
            [
                ("cleanup.policy", true),
                ("max.compaction.lag.ms", false),
                ("max.message.bytes", true)
            ]
        );
        let ledger = plans
            .iter()
            .find(|p| p.name == "tocsin.ledger")
            .expect("planned");
        for kept in ["-1", "9999999999999"] {
            let actual = BTreeMap::from([
                ("cleanup.policy", ("delete", false)),
                ("retention.ms", (kept, true)),
            ]);
            assert_eq!(differences(ledger, &actual), []);
        }
    }
}
