//! The pure core: everything that decides, nothing that touches the world.
//!
//! Invariant: no I/O, no clock, no randomness, no logging and no metrics below this folder. `now` is an argument, effects
//! are return values, output order is sorted. A test greps for violations.

pub mod correlate;
pub mod decode;
pub mod detect;
pub mod diagnostic;
pub mod drill;
pub mod fingerprint;
pub mod growth;
pub mod lexicon;
pub mod mask;
pub mod model;
pub mod mute;
pub mod normalise;
pub mod notify;
pub mod number;
pub mod obligation;
pub mod place;
pub mod replay;
pub mod route;
pub mod rule;
pub mod ruleset;
pub mod silence;
pub mod tools;
pub mod xml;
pub mod yaml;
