//! The desk: departments work the joint-meeting queue.
//!
//! A [`Desk`] takes revisions in from the queue ([`Desk::absorb`]), lets people act ([`Desk::act`]) and lets time pass
//! ([`Desk::tick`]); the rules of all three are [`crate::core::obligation`]'s. What it knows is in a [`store::Store`]. Whoever has to
//! know of changes follows [`Desk::subscribe`], or, without missing one, [`store::Store::audit`] from the last event it saw: that is
//! the seam for notifications.
//!
//! Invariants: one desk of a store is active, the others stand by; an answered action is stored, once and whole; the desk never
//! writes an incident, only what people made of it.
//!
//! | module | holds |
//! |---|---|
//! | `store` | SQL |
//! | `service` | what pages and the API call |
//! | `absorb` | revisions of the queue into cases |
//! | `clock` | the wall's, or a virtual one |
//! | `sample` | alerts for tests, benchmarks and a first look |

mod absorb;
mod clock;
mod sample;
mod service;
pub mod store;

pub use absorb::Delivery;
pub use clock::{Clock, VirtualClock, WallClock};
pub use sample::{Synthetic, sample_alerts};
pub use service::{Desk, DeskError};
pub use store::{
    AuditEvent, BoardFilter, Change, Cursor, DepartmentStats, Page, Stats, Store, StoreError,
};
