//! Metrics, logs, health: what an operator sees of a running process.
//!
//! Invariant: nothing here decides anything about a record; labels are bounded, and no line or label holds report text.

mod certificate;
mod counts;
mod figures;
mod growth;
mod health;
mod http;
mod logs;
mod made;
mod metrics;
mod observer;
mod open;
mod readings;
mod reload_api;
mod rules;
mod watch;

pub use counts::StageCounts;
pub use figures::FeedFigures;
pub use growth::{FeedHour, MAX_GROWTH_PLACES};
pub use health::Health;
pub use http::HttpServer;
pub use logs::{init_command_logs, init_logs};
pub use metrics::Metrics;
pub use observer::{Telemetry, nanos_since_start, wall_clock};
pub use open::MAX_OPEN_PLACES;
pub(crate) use reload_api::is_here;
pub use reload_api::{RELOAD_PATH, ReloadApi, ReloadAsks, ReloadReply};
pub use rules::ReloadOutcome;
pub use watch::{SilenceWatch, Watcher};
