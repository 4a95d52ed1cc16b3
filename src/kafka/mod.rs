//! Kafka: workers, transactions, topics, dead letters, and the embedded cluster.
