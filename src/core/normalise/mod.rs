//! Normalisation: masked text → the symbols that terms are matched on.
//!
//! NFKC, full case folding, full-/half-width, traditional → simplified, and default-ignorable characters removed, in one pass
//! over one table of the Basic Multilingual Plane. A *symbol* is a UTF-16 code unit of the normalised text.
//!
//! Invariant: the fast pass yields exactly what the library path ([`oracle`]) yields, for every text. Offsets are not kept
//! while scanning; [`map_spans`] finds them again for the few texts that were hit.

mod offsets;
mod scan;
mod table;

pub use offsets::map_spans;
pub use scan::{fold_ascii, normalise, normalise_into, to_text};
pub use table::{oracle, simplified};
