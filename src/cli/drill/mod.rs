//! `tocsin drill`: scenarios, their rehearsal, runs on Kafka and reports.

mod check;
mod command;
mod key;
mod load;
mod new;
mod report;
mod run;
mod stop;

pub(super) use check::LangArg;
pub use command::{Args, run};
