//! What only a real broker can show. Every test here runs against Apache Kafka itself.

mod broker;
mod counter;
mod embedded;
mod held;
mod kill;
mod plant;
mod poison;
mod skeleton;
mod tools;
mod world;
