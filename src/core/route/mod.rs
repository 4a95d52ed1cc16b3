//! Departments and who is responsible for what.
//!
//! Invariant: every incident has exactly one lead, which is required: the department that leads its hazard, else `duty`.
//! A routing table that cannot promise this does not load.

pub mod codes;
mod deadlines;
mod fields;
mod hours;
mod hours_parse;
mod parse;
mod table;
#[cfg(test)]
mod tests;

pub use deadlines::DEFAULT_DEADLINES;
pub use hours::{Shift, WorkingHours};
pub use table::{Deadline, Department, Routing, Support};
