//! The desk, on SQLite and on a real PostgreSQL: the same tests on both.

mod postgres;
mod property;
mod service;
mod store;
pub(crate) mod world;
