//! `tocsin demo`: an in-process Kafka, the bundled sample stream, the production workers, and a live view.
//!
//! Invariant: nothing here stands in for the engine; the demo's records take the way that every record takes.
//!
//! | module | holds |
//! |---|---|
//! | `sample` | the stream, with its times moved |
//! | `pipeline` | cluster, workers, player and reader |
//! | `desk` | a desk in memory on the alerts that are read, and its login |
//! | `board` | what is shown, as data |
//! | `view` | the terminal screen |
//! | `words` | what it says, in two languages |
//! | `command` | arguments, the loop, the end |

mod board;
mod command;
mod desk;
mod pipeline;
mod player;
mod sample;
mod view;
mod words;

pub use command::{Args, run};
