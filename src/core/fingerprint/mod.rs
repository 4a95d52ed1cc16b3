//! Near-duplicates: a 64-bit SimHash over character 3-grams, after reposting marks and links are stripped.
//!
//! Invariant: a fingerprint depends on the normalised text alone, never on who sent it or when; two processes of
//! different versions must agree on it, so nothing here may change without a new state version.

mod simhash;
mod strip;

pub use simhash::{MIN_SIMHASH_CHARS, NEAR_BITS, distance, fingerprint, near};
