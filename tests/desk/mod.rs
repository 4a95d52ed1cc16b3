//! The desk, on SQLite and on a real PostgreSQL: the same tests on both.

mod kill;
mod load;
mod postgres;
mod property;
mod queue;
mod service;
mod store;
pub(crate) mod world;
