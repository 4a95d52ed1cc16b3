//! The engine of detect and correlate on a virtual clock, without Kafka.
//!
//! Invariant: what comes out depends on the lines, the rule set, the feeds and the start time alone; two replays are equal
//! byte for byte. One partition holds every key here, where Kafka has many; an incident's final members, level and score do
//! not depend on that.

mod committed;
mod driver;
mod folding;
mod line;
mod reading;
mod summary;

pub use committed::{Committed, replay_changelog, replay_committed};
pub use driver::{DEFAULT_FEED, ReplayOutput, Replayer, default_feed};
pub use folding::Folding;
pub use line::DetectionLine;
pub use reading::{Detecting, Line, Reading};
pub use summary::Summary;
