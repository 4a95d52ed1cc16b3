//! YAML as a tree of positioned nodes: what rule, lexicon and department files are read from.
//!
//! Invariant: bounded (size, depth, nodes), never recursive while reading, and nothing in a file is dropped: aliases, tags
//! and duplicate keys are findings.

mod findings;
mod node;
mod read;

pub use findings::{Findings, MAX_FINDINGS, T_SYNTAX, T_YAML};
pub use node::{At, Data, Key, Lines, Node};
pub use read::{MAX_BYTES, MAX_DEPTH, MAX_NODES, parse};
