//! A corpus: JSON lines, or a range of a topic, through detect on several threads and through the fold on one, in their order.
//!
//! Invariant: what comes out is what [`crate::core::replay::Replayer`] gives, byte for byte, whatever the number of threads.

mod chunk;
mod input;
mod run;
mod source;

pub(super) use input::{open_input, progress, read_line, spinner};
pub(super) use run::{MAX_THREADS, Seen, run, threads};
pub(super) use source::{Lines, Source, Taken, Topic};
