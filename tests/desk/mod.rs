//! The desk, on SQLite and on a real PostgreSQL: the same tests on both; its API.

mod api_access;
mod api_cli;
mod api_contract;
mod api_flow;
mod api_stream;
mod api_table;
mod api_world;
mod console;
mod kill;
mod load;
mod postgres;
mod property;
mod queue;
mod service;
mod store;
pub(crate) mod world;
