//! The store: cases, revisions, obligations, the audit trail and what is to be published, in SQLite or PostgreSQL by URL.
//!
//! Invariants: one SQL text for both; every change of a case, its audit events, its records for Kafka and, where it came from
//! there, the offset are one SQL transaction; a desk that lost its lease writes nothing.
//!
//! To add a table: a numbered file under `migrations/`, one more line in `migrate.rs`.

mod board;
mod connect;
mod lease;
mod migrate;
mod offsets;
mod outbox;
mod read;
mod rows;
mod saved;
mod stats;
mod trail;
mod write;

pub use board::{BoardFilter, Cursor, Page};
pub use connect::{Backend, Store, StoreError};
pub use lease::Lease;
pub use outbox::Outgoing;
pub use read::Change;
pub use saved::Saved;
pub use stats::{DepartmentStats, Stats};
pub use trail::{AuditEvent, AuditFault, Verified};
pub use write::Writing;
