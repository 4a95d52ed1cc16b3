//! A Kafka of one process: librdkafka's mock cluster, for the demo and for quick tests.
//!
//! It speaks the protocol, transactions included, but proves nothing about them: it hands aborted records to
//! `read_committed` readers, keeps about 5 MiB per partition, and forgets everything at its end.

use rdkafka::error::KafkaResult;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use super::TopicNames;

/// The cluster; it ends when this is dropped.
pub struct Embedded {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

/// Partitions of the topics that a cluster is made with.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedPartitions {
    /// Of detections and incidents.
    pub main: i32,
    /// Of every other topic of Tocsin's.
    pub other: i32,
    /// Of each feed topic.
    pub feed: i32,
}

impl Default for EmbeddedPartitions {
    fn default() -> Self {
        Self {
            main: 4,
            other: 1,
            feed: 2,
        }
    }
}

impl Embedded {
    /// Starts one broker on loopback, with Tocsin's topics and those of the feeds.
    pub fn start<'t>(
        names: &TopicNames,
        feed_topics: impl IntoIterator<Item = &'t str>,
        partitions: EmbeddedPartitions,
    ) -> KafkaResult<Self> {
        let cluster = MockCluster::new(1)?;
        for name in names.all() {
            let main = name == names.detections || name == names.incidents;
            let count = if main {
                partitions.main
            } else {
                partitions.other
            };
            cluster.create_topic(name, count, 1)?;
        }
        for topic in feed_topics {
            cluster.create_topic(topic, partitions.feed, 1)?;
        }
        Ok(Self { cluster })
    }

    /// `host:port` to connect to.
    pub fn brokers(&self) -> String {
        self.cluster.bootstrap_servers()
    }
}
