//! Drills on Kafka: simulated reports through the real feeds, and what comes of them.
//!
//! Invariants: nothing is sent without a signed label, so no record of a drill can be taken for a real one; what was sent stands in
//! the run's file before it is sent, so that a stop finds all of it; nothing is read with a consumer group, nothing committed.
//!
//! | module | holds |
//! |---|---|
//! | `runs` | the folder of run files: what was sent, what was seen, the wish to stop |
//! | `inject` | labelled records, sent to their feeds |
//! | `follow` | detections, queue and ledger, read as they are written |
//! | `drive` | the run: its pace, its end, its withdrawal |
//! | `carrier` | that, as a room asks for it: a test puts something else in its place |
//! | `scenarios` | scenarios by name, read against a deployment |
//! | `fresh` | a new one to start from |
//! | `judge` | what a run came to, beside the run before it |
//! | `room`, `wish`, `prepared`, `rehearsal`, `listing` | where a coordinator starts, watches and stops drills: behind the desk's API and console |
//! | `drafts` | and writes scenarios |
//! | `ids` | ids that a run can have |
//! | `leftovers` | what a process that is gone has sent, and its withdrawal |

mod carrier;
mod drafts;
mod drive;
mod follow;
mod fresh;
mod ids;
mod inject;
mod judge;
mod leftovers;
mod listing;
mod prepared;
mod rehearsal;
mod room;
mod runs;
mod scenarios;
mod wish;

pub use carrier::*;
pub use drafts::*;
pub use drive::*;
pub use follow::*;
pub use fresh::*;
pub use ids::*;
pub use inject::*;
pub use judge::*;
pub use leftovers::*;
pub use listing::*;
pub use prepared::*;
pub use rehearsal::*;
pub use room::*;
pub use runs::*;
pub use scenarios::*;
pub use wish::*;

/// Why a drill cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// The cluster does not answer, or refuses.
    #[error("{what}: {error}")]
    Kafka {
        /// What was done.
        what: String,
        /// Answer. Not a source: its own sources only repeat it.
        error: rdkafka::error::KafkaError,
    },
    /// The cluster cannot be worked with.
    #[error(transparent)]
    Cluster(#[from] crate::kafka::cluster::ClusterError),
    /// A topic is not there.
    #[error("topic {0} does not exist: `tocsin topics create --feeds` makes it")]
    NoTopic(String),
    /// A file of the run cannot be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A file of the run is none.
    #[error("{path} is no file of a drill's run: {why}")]
    Damaged {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        why: String,
    },
    /// There is no such run.
    #[error(
        "there is no run `{exercise}` in {folder}: `tocsin drill list` names those that are there"
    )]
    NoRun {
        /// Exercise id.
        exercise: String,
        /// Folder of runs.
        folder: std::path::PathBuf,
    },
    /// An exercise id is used once.
    #[error(
        "there is a run `{0}` already: an exercise id is used once; give another one with --exercise"
    )]
    Again(String),
    /// A report cannot be written in its feed's format.
    #[error("report {report} of feed {feed} {why}")]
    Record {
        /// Report id.
        report: String,
        /// Feed.
        feed: String,
        /// What is wrong.
        why: String,
    },
}

pub(crate) fn kafka(
    what: impl Into<String>,
) -> impl FnOnce(rdkafka::error::KafkaError) -> DrillError {
    let what = what.into();
    move |error| DrillError::Kafka { what, error }
}
