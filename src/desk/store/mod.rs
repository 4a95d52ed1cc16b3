//! The store: cases, revisions, obligations, the audit trail and what is to be published, in SQLite or PostgreSQL by URL.
//!
//! Invariants: one SQL text for both; every change of a case, its audit events, its records for Kafka and, where it came from
//! there, the offset are one SQL transaction; a desk that lost its lease writes nothing.
//!
//! To add a table: a numbered file under `migrations/`, one more line in `migrate.rs`.

mod agenda;
mod assess;
mod board;
mod cap;
mod connect;
mod drills;
mod duties;
mod filter;
mod inspect;
mod lease;
mod migrate;
mod notice_log;
mod notices;
mod offsets;
mod outbox;
mod read;
mod rows;
mod saved;
pub(in crate::desk) mod silences;
mod stats;
mod trail;
mod write;

pub use agenda::Why;
pub use board::{Cursor, Line, Page};
pub use cap::CapMessage;
pub use connect::{Backend, Store, StoreError};
pub use drills::BegunDrill;
pub use duties::Duties;
pub use filter::BoardFilter;
pub use inspect::Inspected;
pub use lease::Lease;
pub use notice_log::{NOTIFICATION_STATES, Notification, NotificationCursor, NotificationFilter};
pub use notices::{Message, NotifyCursor, Waiting};
pub use outbox::Outgoing;
pub use read::Change;
pub use saved::Saved;
pub use stats::{DepartmentStats, KeptDeadlines, Stats};
pub use trail::{AuditEvent, AuditFault, Verified};
pub use write::Writing;
