//! Decoders: bytes of a feed record in, a masked report out, or a refusal with a stable code.
//!
//! Invariants: no bytes make a decoder panic, recurse without bound, resolve an entity or look anything up. No author
//! leaves this stage: decoders take the fields they name and never copy a record whole, fields named after persons are
//! dropped, and one function (`finish`) masks every string of every report.

mod base64;
mod cap;
mod cloudevents;
mod decoder;
mod document;
mod finish;
mod geojson;
mod geometry;
mod html;
mod json;
mod mapped;
mod open311;
mod rss;
mod times;
mod tocsin;
mod tree;
mod write;
mod xml;

pub use decoder::{Decoder, MAX_RECORD};
pub use document::MAX_DOCUMENT;
pub use json::MAX_DEPTH;
pub use tocsin::SCHEMA;
pub use write::TocsinJson;
