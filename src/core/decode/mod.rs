//! Decoders: bytes of a feed record in, a masked report out, or a refusal with a stable code.
//!
//! Invariants: no bytes make a decoder panic, recurse without bound, resolve an entity or look anything up. No author
//! leaves this stage: decoders take the fields they name and never copy a record whole, fields named after persons are
//! dropped, and one function (`finish`) masks every string of every report.

mod decoder;
mod finish;
mod json;
mod person;
mod times;
mod tocsin;

pub use decoder::{Decoder, MAX_DOCUMENT, MAX_RECORD};
pub use json::MAX_DEPTH;
pub use tocsin::SCHEMA;
