//! Drills: scenario files, the shipped ones, isolation, the commands.

mod at_the_desk;
mod command;
mod failing;
mod golden;
mod isolation;
mod report;
pub(crate) mod shipped;
pub(crate) mod support;
