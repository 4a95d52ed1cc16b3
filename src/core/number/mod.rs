//! Numbers in text: casualties, magnitude, evacuated.
//!
//! ```text
//! normalised text ──lex──► template ("#人死亡, #人受伤") + values ──gate, patterns──► findings ──extract──► Numbers
//! ```
//!
//! Invariant: never panics, whatever the text; a number is taken only with the words that make it one of the fields. A
//! range counts as its lower bound, except after “up to”; “several” counts as two.

mod chinese;
mod english;
mod extract;
mod gate;
mod lex;
mod patterns;
mod sentence;

pub use chinese::{chinese_numeral, parse_chinese};
pub use extract::{MAX_TEXT_BYTES, Numbers, extract};
pub use patterns::FIELDS;
