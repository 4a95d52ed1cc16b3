//! Reading dead letters back, and sending them round again through the retry topic.
//!
//! Invariant: a replay writes to the retry topic only, never into a feed; what was cut short is not replayed.

mod letter;
mod read;
mod replay;

pub use letter::{Filter, Letter, LetterId};
pub use read::{LettersError, list, show};
pub use replay::{Replayed, replay};
