//! The desk, on SQLite and on a real PostgreSQL: the same tests on both; its API.

mod agenda;
mod api_access;
mod api_cli;
mod api_contract;
mod api_drills;
mod api_flow;
mod api_scenarios;
mod api_session;
mod api_silences;
mod api_stream;
mod api_table;
mod api_world;
mod assess;
mod cap;
mod cap_schema;
mod changes;
mod console;
mod document;
mod drill_failover;
mod drill_room;
mod find;
mod isolation;
mod kill;
mod load;
mod notify;
mod postgres;
mod property;
mod queue;
mod service;
mod silences;
mod store;
mod upgrade;
pub(crate) mod world;

/// The secret of a token's text. It may itself have underscores, so that what stands after the last one may be two letters.
fn secret_of(text: &str) -> &str {
    let secret = text.splitn(3, '_').nth(2).unwrap();
    assert_eq!(secret.len(), 43, "256 bits in base64url");
    secret
}
