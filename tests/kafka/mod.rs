//! What only a real broker can show. Every test here runs against Apache Kafka itself.

mod at_least_once;
pub(crate) mod broker;
mod burst;
mod counter;
mod dashboards;
mod drills;
mod embedded;
mod held;
mod kill;
mod panicked;
mod plant;
mod poison;
mod reload;
mod rerouted;
mod secure;
mod skeleton;
mod stop;
mod timers;
mod tools;
mod topics;
mod tried;
mod trouble;
mod world;
