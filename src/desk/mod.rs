//! The desk: departments work the joint-meeting queue.
//!
//! A [`Desk`] takes revisions in from the queue ([`Desk::absorb`]), lets people act ([`Desk::act`]) and lets time pass
//! ([`Desk::tick`]); the rules of all three are [`crate::core::obligation`]'s. What it knows is in a [`store::Store`]. Whoever has to
//! know of changes follows [`Desk::subscribe`], or, without missing one, [`store::Store::audit`] from the last event it saw.
//!
//! Invariants: one desk of a store is active, the others stand by; an answered action is stored, once and whole; the desk never
//! writes an incident, only what people made of it.
//!
//! | module | holds |
//! |---|---|
//! | `store` | SQL |
//! | `service` | what pages and the API call |
//! | `silences` | who is not told: silences, and what mutes an incident now |
//! | `configured` | which rules and receivers it goes by, in the trail |
//! | `agenda` | what the joint meeting talks about |
//! | `absorb` | revisions of the queue into cases |
//! | `clock` | the wall's, or a virtual one |
//! | `run` | all parts of a running desk, begun anew after failures |
//! | `leader` | which desk is the active one |
//! | `consume` | the queue, read from the stored positions |
//! | `outbox` | what the desk publishes: `tocsin.decisions` and each department's topic |
//! | `notify` | who outside the console is told, by webhook and mail |
//! | `rebuild`, `retention` | machine state from the queue; report text past its time |
//! | `drills`, `drill_ends` | drills that a coordinator starts here: the room of `src/drill`, with audit events; what ends them |
//! | `tallies` | what became of each rule's incidents |
//! | `metrics`, `duty_metrics`, `registered` | figures |
//! | `http` | who may ask, the REST API, the event stream, the frame of the console |
//! | `console` | pages for people |
//! | `sample` | alerts for tests, benchmarks and a first look |

mod absorb;
mod agenda;
mod clock;
mod configured;
pub mod console;
mod consume;
mod drill_ends;
pub mod drills;
mod duty_metrics;
pub mod http;
pub mod leader;
mod metrics;
pub mod notify;
mod outbox;
mod rebuild;
mod registered;
mod retention;
mod run;
mod sample;
mod service;
pub mod shadows;
pub mod silences;
pub mod store;
pub mod tallies;

pub use absorb::{Absorbed, Delivery};
pub use agenda::MAX_AGENDA;
pub use clock::{Clock, RecordsClock, VirtualClock, WallClock};
pub use configured::Configuration;
pub use consume::{Consume, decode_alert};
pub use metrics::DeskMetrics;
pub use outbox::Publish;
pub use rebuild::{REBUILD_BATCH, Rebuilt};
pub use run::{RunOptions, Running};
pub use sample::{Synthetic, sample_alerts};
pub use service::{Desk, DeskError, Observer};
pub use silences::Covered;
pub use store::{
    AuditEvent, BoardFilter, Change, Cursor, DepartmentStats, Duties, KeptDeadlines, Page, Stats,
    Store, StoreError, Why,
};
