//! How consumers and producers are configured, and why each property is set.

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use super::{Delivery, KafkaSettings, Role};

/// Largest record that Tocsin writes: a dead letter of 12 MiB with its headers.
pub const MAX_MESSAGE_BYTES: usize = 16 << 20;

/// Longest time that a broker holds an empty answer back, in milliseconds: more than half of the time from a report to its alert went with the client's
/// default of 500 (at 2,000 records a second the median fell from 950 to 360 ms). An idle worker asks forty times a second instead of
/// twice.
const FETCH_WAIT_MS: &str = "25";
const FETCH_WAIT: &str = "fetch.wait.max.ms";

/// What every client has in common.
pub fn base(settings: &KafkaSettings) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &settings.brokers)
        .set("client.id", format!("tocsin-{}", settings.instance))
        // A broker that restarts is back within seconds: the default of 10 s between attempts would add to the outage.
        .set("reconnect.backoff.max.ms", "1000")
        .set("socket.keepalive.enable", "true")
        .set_log_level(RDKafkaLogLevel::Warning);
    for (key, value) in &settings.properties {
        config.set(key, value);
    }
    config
}

/// What every consumer has in common.
pub fn consumer(settings: &KafkaSettings) -> ClientConfig {
    let mut config = base(settings);
    let is_stated = |(name, _): &(String, String)| name == FETCH_WAIT;
    if !settings.properties.iter().any(is_stated) {
        config.set(FETCH_WAIT, FETCH_WAIT_MS);
    }
    config
}

/// One that looks on: it joins no group and commits nothing: committed records, partitions as it is told.
pub fn onlooker(settings: &KafkaSettings) -> ClientConfig {
    let mut config = consumer(settings);
    config
        // A group id only opens the client's queue.
        .set("group.id", format!("{}.tools", settings.group))
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed");
    config
}

/// The member of a worker's group.
pub(super) fn member(settings: &KafkaSettings, role: Role, partition_eof: bool) -> ClientConfig {
    let mut config = consumer(settings);
    let session = settings.session_timeout.as_millis();
    config
        .set("group.id", group(settings, role))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // A position that does not exist any more must not be replaced silently: the worker begins anew, and reports it.
        .set("auto.offset.reset", "error")
        .set("isolation.level", isolation(settings))
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", session.to_string())
        .set("heartbeat.interval.ms", (session / 4).max(100).to_string())
        .set("enable.partition.eof", partition_eof.to_string())
        .set("allow.auto.create.topics", "false")
        // A feed topic created after the start is found within this time.
        .set("topic.metadata.refresh.interval.ms", "30000")
        // What is fetched ahead is the worker's buffer, and the broker keeps the rest: that is the backpressure.
        .set(
            "queued.max.messages.kbytes",
            settings.prefetch_kib.to_string(),
        )
        .set("queued.min.messages", "20000")
        // A partition whose buffer was full is asked again after this; the default of a second starves a worker that empties
        // it in less.
        .set("fetch.queue.backoff.ms", "5")
        .set("fetch.message.max.bytes", (1 << 20).to_string())
        .set("fetch.max.bytes", (16 << 20).to_string())
        .set("fetch.error.backoff.ms", "100")
        .set("statistics.interval.ms", "5000");
    config
}

/// A reader of changelogs and offsets outside the group's assignment. With the group's id, it can ask for its offsets.
pub(super) fn reader(settings: &KafkaSettings, role: Role, committed: bool) -> ClientConfig {
    let mut config = consumer(settings);
    config
        .set("group.id", group(settings, role))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "error")
        .set("enable.partition.eof", "true")
        .set("allow.auto.create.topics", "false")
        .set(
            "queued.max.messages.kbytes",
            settings.prefetch_kib.to_string(),
        )
        .set("fetch.queue.backoff.ms", "5")
        .set(
            "isolation.level",
            if committed {
                isolation(settings)
            } else {
                "read_uncommitted"
            },
        );
    config
}

/// A worker's producer.
pub(super) fn producer(settings: &KafkaSettings, role: Role, worker: u32) -> ClientConfig {
    let mut config = base(settings);
    config
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", "5")
        .set("batch.size", (1 << 20).to_string())
        .set("message.max.bytes", MAX_MESSAGE_BYTES.to_string())
        .set("compression.type", "lz4")
        .set("queue.buffering.max.messages", "1000000")
        .set("queue.buffering.max.kbytes", (256 << 10).to_string())
        // Nobody waits for single receipts: an error fails the transaction, success is the commit.
        .set("delivery.report.only.error", "true")
        // After a commit the coordinator answers CONCURRENT_TRANSACTIONS for a moment; the default would wait 100 ms.
        .set("retry.backoff.ms", "5")
        .set("retry.backoff.max.ms", "1000");
    if settings.delivery == Delivery::ExactlyOnce {
        let timeout = settings.transaction_timeout.as_millis().to_string();
        config
            .set("transactional.id", transactional_id(settings, role, worker))
            .set("transaction.timeout.ms", &timeout)
            .set("message.timeout.ms", timeout);
    }
    config
}

/// `<group>.<role>`.
pub fn group(settings: &KafkaSettings, role: Role) -> String {
    format!("{}.{}", settings.group, role.id())
}

/// Stable over restarts, so that a restarted worker fences what it left behind.
pub fn transactional_id(settings: &KafkaSettings, role: Role, worker: u32) -> String {
    format!(
        "{}/{}/{}/{worker}",
        settings.group,
        settings.instance,
        role.id()
    )
}

fn isolation(settings: &KafkaSettings) -> &'static str {
    match settings.delivery {
        Delivery::ExactlyOnce => "read_committed",
        Delivery::AtLeastOnce => "read_uncommitted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LoadOptions, Settings};

    #[test]
    fn every_consumer_waits_as_long_as_is_stated() {
        let settings = Settings::load(&LoadOptions::new(None)).expect("the bundled settings");
        let mut kafka = settings.kafka_settings();
        let waits = |kafka: &KafkaSettings| {
            let all = [
                onlooker(kafka),
                member(kafka, Role::Detect, false),
                reader(kafka, Role::Correlate, true),
            ];
            all.map(|of| of.get(FETCH_WAIT).map(str::to_owned))
        };
        let default = Some(FETCH_WAIT_MS.to_owned());
        assert_eq!(waits(&kafka), [default.clone(), default.clone(), default]);
        let stated = (FETCH_WAIT.to_owned(), "250".to_owned());
        kafka.properties.push(stated);
        let stated = Some("250".to_owned());
        assert_eq!(waits(&kafka), [stated.clone(), stated.clone(), stated]);
    }
}
