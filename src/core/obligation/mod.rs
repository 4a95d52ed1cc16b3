//! Obligations: what departments owe an incident, until when, and what becomes of it. The rules of the joint meeting.
//!
//! A [`Case`] is the human side of one incident: the machine's newest revision, one [`Obligation`] per department, and what people
//! decided. Three things move it: a revision ([`Case::revise`]), a person ([`Case::act`]) and time ([`Case::advance`], due at
//! [`Case::due`]). Each returns the [`Event`]s that it caused; whoever keeps cases writes, publishes and shows these.
//!
//! Invariants: a level that rises may shorten a deadline, nothing lengthens one; no revision and no routing table takes an
//! obligation away; exactly one department leads; a correction never changes what the machine said.
//!
//! | module | holds |
//! |---|---|
//! | `types` | roles, states, obligations, overlays, marks |
//! | `policy` | deadlines, offices and tiers by the routing table |
//! | `case` | the case, and what can be read off it |
//! | `revise` | revisions of the machine |
//! | `action`, `act`, `hand`, `correct` | what people can do, who may, and what it does |
//! | `advance` | missed deadlines and escalation |
//! | `close` | quorum, verdict, closing, reopening |
//! | `agenda` | what the joint meeting talks about, in which order |
//! | `rise` | since when it has been as high as it is |
//! | `row` | a case as one line of a board |
//! | `assess` | a period of a department in figures |

mod act;
mod action;
mod advance;
mod agenda;
mod assess;
mod case;
mod close;
mod correct;
mod event;
mod hand;
mod policy;
mod revise;
mod rise;
mod row;
#[cfg(test)]
mod tests;
mod types;

pub use action::{Action, MAX_TEXT, Refusal, Refused};
pub(in crate::core) use action::{bounded as bounded_text, needed as needed_text};
pub use agenda::{AGENDA_DEPARTMENTS, AGENDA_LEVEL, AgendaReason};
pub use assess::{Assessed, ByDepartment, Counted, assess};
pub use case::{Case, MAX_NOTES, MAX_PAST, MAX_WATCHING};
pub use close::REOPEN_SOURCES;
pub use event::{Event, EventKind};
pub use policy::Policy;
pub use rise::Raised;
pub use row::{BoardRow, RowObligation, rank};
pub(in crate::core) use types::closed_list;
pub use types::*;
