//! The vocabulary: every type that crosses a stage border, and nothing that computes.

mod alert;
mod correlation;
mod dead_letter;
mod detection;
mod feed;
mod growth_line;
mod hazard;
mod ledger;
mod level;
mod outcome;
mod person;
mod place;
mod report;
mod retraction;
mod time;

pub use alert::*;
pub use correlation::*;
pub use dead_letter::*;
pub use detection::*;
pub use feed::*;
pub use growth_line::*;
pub use hazard::*;
pub use ledger::*;
pub use level::*;
pub use outcome::*;
pub use person::is_personal;
pub use place::*;
pub use report::*;
pub use retraction::*;
pub use time::*;
