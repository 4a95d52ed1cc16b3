//! A corpus: JSON lines through detect on several threads and through the fold on one, in their order.
//!
//! Invariant: what comes out is what [`crate::core::replay::Replayer`] gives, byte for byte, whatever the number of threads.

mod chunk;
mod input;
mod run;

pub(super) use input::{open_input, progress, read_line};
pub(super) use run::{MAX_THREADS, Seen, run, threads};
