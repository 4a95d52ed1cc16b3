//! Drills: scenarios of simulated reports, and what is made of what came of them.
//!
//! A scenario file becomes a [`Scenario`]; with a seed and an exercise id that becomes a schedule of simulated reports, each
//! encoded as a record of its feed and labelled (`core/detect/drill.rs`). What was observed then — detections, alerts,
//! decisions — is held against the scenario's expectations: a [`Report`]. [`rehearse`] does all of it in memory.
//!
//! Invariants: the same scenario, seed, exercise id and start give the same records byte for byte; nothing here sends anything.
//!
//! | module | holds |
//! |---|---|
//! | `scenario` | what a scenario says |
//! | `codes`, `parse`, `relations`, `fields`, `check` | reading it: every finding at once, with code and place |
//! | `words` | wording from templates and slots, chosen by the seed |
//! | `surge` | when the reports of a step come |
//! | `schedule` | all simulated reports, in order |
//! | `record` | a simulated report in the format of its feed |
//! | `observed` | what was seen of a drill |
//! | `evaluate`, `report` | expectations against it |
//! | `figures` | departments, timeline and arrivals beside them |
//! | `compare` | two runs of one scenario |
//! | `markdown`, `html`, `chart`, `phrases` | a report for people, in English or Chinese |
//! | `rehearse` | a drill without Kafka |

mod chart;
mod check;
pub mod codes;
mod compare;
mod evaluate;
mod fields;
mod figures;
mod html;
mod markdown;
mod observed;
mod parse;
mod phrases;
mod record;
mod rehearse;
mod relations;
mod report;
mod scenario;
mod schedule;
mod surge;
mod words;

pub use check::*;
pub use compare::*;
pub use evaluate::*;
pub use fields::is_scenario_id;
pub use html::*;
pub use markdown::*;
pub use observed::*;
pub use parse::*;
pub use record::*;
pub use rehearse::*;
pub use report::*;
pub use scenario::*;
pub use schedule::*;
pub use words::Lang;
