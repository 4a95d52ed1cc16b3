//! `tocsin drill`: scenarios, their rehearsal, runs on Kafka and reports.

mod check;
mod command;
mod key;
mod load;
mod new;
mod report;
mod run;
mod stop;

pub use command::{Args, run};
