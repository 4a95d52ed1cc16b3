//! The loop with no engine in it: consume, produce, offsets, commit.
//!
//! It produces to the same topic what the stage makes of the same records, worked out before: the traffic is the worker's, and
//! what differs is the engine.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::{ClientConfig, Message};
use tocsin::kafka::KafkaSettings;

use super::stage::Made;
use super::{Bench, PARTITIONS, Run};

const LONG: Duration = Duration::from_secs(30);

impl Bench {
    /// Reads all records once.
    pub(super) fn bare(&self, round: usize, records: u64, made: &Made) -> Run {
        let settings = self.settings.kafka_settings();
        let (consumer, producer) = clients(&settings, round);
        producer.init_transactions(LONG).expect("init");
        consumer.subscribe(&[&self.feed]).expect("subscribe");
        let (mut read, mut transactions) = (0, 0);
        let (mut began, mut ends) = (None, Duration::ZERO);
        while read < records {
            producer.begin_transaction().expect("begin");
            let (count, offsets) = self.transaction(&consumer, &producer, records - read, made);
            began.get_or_insert(count.since);
            let end = Instant::now();
            self.commit(&consumer, &producer, &offsets);
            ends += end.elapsed();
            transactions += 1;
            read += count.records;
        }
        let took = began.expect("records").elapsed().as_secs_f64();
        Run {
            rate: records as f64 / took,
            transactions,
            ends: ends.as_secs_f64() / took,
        }
    }
}

/// What the worker sets, see `src/kafka/client.rs`.
fn clients(settings: &KafkaSettings, round: usize) -> (BaseConsumer, BaseProducer) {
    let consumer = ClientConfig::new()
        .set("bootstrap.servers", &settings.brokers)
        .set("group.id", format!("bare-{round}"))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed")
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set(
            "queued.max.messages.kbytes",
            settings.prefetch_kib.to_string(),
        )
        .set("queued.min.messages", "20000")
        .set("fetch.queue.backoff.ms", "5")
        .set("fetch.message.max.bytes", (1 << 20).to_string())
        .set("fetch.max.bytes", (16 << 20).to_string())
        .create()
        .expect("a consumer");
    let producer = ClientConfig::new()
        .set("bootstrap.servers", &settings.brokers)
        .set("transactional.id", format!("bare-{round}"))
        .set("retry.backoff.ms", "5")
        .set("linger.ms", "5")
        .set("batch.size", (1 << 20).to_string())
        .set("compression.type", "lz4")
        .set("queue.buffering.max.messages", "1000000")
        .set("queue.buffering.max.kbytes", (256 << 10).to_string())
        .set("delivery.report.only.error", "true")
        .create()
        .expect("a producer");
    (consumer, producer)
}

struct Count {
    records: u64,
    since: Instant,
}

impl Bench {
    /// Fills one transaction.
    fn transaction(
        &self,
        consumer: &BaseConsumer,
        producer: &BaseProducer,
        most: u64,
        made: &Made,
    ) -> (Count, BTreeMap<i32, i64>) {
        let settings = self.settings.kafka_settings();
        let detections = self.settings.topic_names().detections;
        let most = u64::from(settings.max_records).min(most);
        let mut offsets = BTreeMap::new();
        let mut count: Option<Count> = None;
        loop {
            let wait = match &count {
                None => Duration::from_millis(50),
                Some(count) if count.records >= most => break,
                Some(count) => match settings.max_time.checked_sub(count.since.elapsed()) {
                    None => break,
                    Some(left) => left,
                },
            };
            let Some(Ok(message)) = consumer.poll(wait) else {
                continue;
            };
            let count = count.get_or_insert_with(|| Count {
                records: 0,
                since: Instant::now(),
            });
            count.records += 1;
            offsets.insert(message.partition(), message.offset() + 1);
            // As they were sent: one record to one partition after the other.
            let number = message.offset() as u64 * PARTITIONS as u64 + message.partition() as u64;
            for (key, payload) in made.of(number) {
                let record = BaseRecord::<[u8], [u8]>::to(&detections)
                    .key(key.as_slice())
                    .payload(payload.as_slice());
                let sent = producer.send(record);
                sent.map_err(|(error, _)| error).expect("send");
            }
        }
        (count.expect("a record"), offsets)
    }

    fn commit(
        &self,
        consumer: &BaseConsumer,
        producer: &BaseProducer,
        offsets: &BTreeMap<i32, i64>,
    ) {
        let mut list = TopicPartitionList::new();
        for (partition, offset) in offsets {
            list.add_partition_offset(&self.feed, *partition, Offset::Offset(*offset))
                .expect("offset");
        }
        while producer.flush(Duration::ZERO).is_err() {
            producer.poll(Duration::from_micros(500));
        }
        let group = consumer.group_metadata().expect("metadata");
        producer
            .send_offsets_to_transaction(&list, &group, LONG)
            .expect("offsets");
        producer.commit_transaction(LONG).expect("commit");
    }
}
