//! Drills: scenario files, the shipped ones, isolation, the commands.

mod command;
mod golden;
mod isolation;
mod report;
pub(crate) mod shipped;
pub(crate) mod support;
