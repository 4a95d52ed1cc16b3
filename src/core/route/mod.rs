//! Departments and who is responsible for what.
//!
//! Invariant: every incident has exactly one lead, which is required: the department that leads its hazard, else `duty`.
//! A routing table that cannot promise this does not load.

mod parse;
mod table;

pub use table::{Deadline, Department, Routing, Support};
