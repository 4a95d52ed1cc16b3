//! Lexicons, and the one index over all terms and rule literals.
//!
//! Invariant: a scan reports every occurrence of every pattern, overlapping ones too, and allocates nothing.

mod heads;
mod index;
mod parse;

pub use index::{Candidate, MAX_PATTERN, PADDING, TermIndex};
pub use parse::{Lexicon, Mode, Term, UNLESS_WITHIN, Unless, parse};
