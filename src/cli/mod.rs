//! Commands: arguments in, exit code out. One file per command, with `Args` and `run`.
//!
//! Invariant: a command decides nothing about records; it wires the core to files, Kafka and the terminal.
//!
//! Exit codes: 0 done, 1 findings or failure, 2 wrong usage or configuration, 141 the reader of standard output has gone.

pub mod assess;
mod assess_page;
pub mod baseline;
mod baseline_build;
mod baseline_measure;
pub mod check;
mod corpus;
pub mod dead_letters;
pub mod decode;
pub mod demo;
pub mod desk;
mod desk_notifications;
mod desk_schedule;
mod desk_schedule_text;
mod desk_store;
pub mod doctor;
mod doctor_desk;
pub mod drill;
mod frame;
mod reload;
mod render;
pub mod replay;
pub mod rules;
pub mod run;
pub mod schema;
mod serve_desk;
mod shadow_watch;
pub mod shell;
mod silence;
mod summary;
pub mod token;
pub mod topics;
mod watch_files;

pub use frame::{Cli, Command, FAILED, Global, LogFormat, MISUSED, Misused, main};
pub use render::render;
pub(crate) use render::{escaped, one_line};
pub use summary::summary_text;
