//! Kafka: workers, transactions, restore, topics, dead letters, and the embedded cluster.
//!
//! Invariants: one Kafka transaction holds outputs, state changelog, ledger and input offsets of what it read, so that
//! either all of it exists or none; nothing here decides what a report means. A [`Stage`] does, and never sees a client.
//!
//! | module | holds |
//! |---|---|
//! | `settings` | what a worker needs to know about cluster, group and limits; `resolve` reads it from the configuration |
//! | `cluster` | what a command asks the cluster, and why it cannot |
//! | `client` | how consumers and producers are configured |
//! | `stage` | the border between a worker and what it runs: `detect_stage`, `correlate_stage` |
//! | `events`, `tally` | what a transaction tells others, and what it counted |
//! | `observed` | what workers report, as metrics and log lines |
//! | `membership` | rebalances, and the group generation that a transaction is fenced by |
//! | `transaction` | the transactional producer |
//! | `probe` | rights and clocks, tried out |
//! | `dump`, `range` | a topic from its beginning to its end, a part of one |
//! | `dead_letter`, `letters` | how dead letters are written; how they are read and replayed |
//! | `topics`, `partitioner`, `embedded` | what topics there have to be, which partition a key has, the cluster within the process |
//! | `baseline` | baselines of growth, written while nobody runs |
//! | `live` | the rule set in use, replaced while workers run |
//! | `assignment` | the partitions of a worker and what each is doing |
//! | `restore` | state of newly assigned partitions |
//! | `refused` | records that were in a worker's way |
//! | `worker` | the loop: `rebalance`, `read`, `commit` |
//! | `pool` | several workers, their restarts and their end |

mod assignment;
pub mod baseline;
pub mod client;
pub mod cluster;
mod commit;
mod correlate_stage;
pub mod dead_letter;
mod detect_stage;
pub mod dump;
pub mod embedded;
mod events;
pub mod letters;
mod live;
mod membership;
mod observed;
mod partitioner;
mod pool;
pub mod probe;
pub mod range;
mod read;
mod rebalance;
mod refused;
mod resolve;
mod restore;
mod settings;
mod stage;
mod tally;
pub mod topics;
mod transaction;
mod worker;

pub use correlate_stage::*;
pub use detect_stage::*;
pub use events::*;
pub use live::*;
pub use partitioner::*;
pub use pool::*;
pub use settings::*;
pub use stage::*;
pub use worker::*;
