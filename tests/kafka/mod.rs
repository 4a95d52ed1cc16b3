//! What only a real broker can show. Every test here runs against Apache Kafka itself.

mod broker;
mod counter;
mod skeleton;
mod tools;
