//! Metrics, logs, health: what an operator sees of a running process.
//!
//! Invariant: nothing here decides anything about a record; labels are bounded, and no line or label holds report text.

mod counts;
mod figures;
mod health;
mod http;
mod logs;
mod metrics;
mod observer;
mod reload_api;
mod rules;
mod watch;

pub use counts::StageCounts;
pub use figures::FeedFigures;
pub use health::Health;
pub use http::HttpServer;
pub use logs::init_logs;
pub use metrics::Metrics;
pub use observer::{Telemetry, wall_clock};
pub(crate) use reload_api::is_here;
pub use reload_api::{RELOAD_PATH, ReloadApi, ReloadAsks, ReloadReply};
pub use rules::ReloadOutcome;
pub use watch::{SilenceWatch, Watcher};
