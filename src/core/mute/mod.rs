//! Who is not told: silences that people set, and inhibition by a wider place's incident.
//!
//! Both mute *notifications* and nothing else: the board shows every incident, deadlines pass and escalate, the trail has every event.
//! [`marks`] says what mutes an incident, [`Muted::covers`] whether one notice to one department is muted by it.
//!
//! Invariants: a silence has an end, a reason and one status, so that an exercise's never touches what is real; red is heard unless
//! somebody confirmed twice that it shall not; inhibition never mutes a higher level than the wider incident's, never red, never a
//! deadline, and never a department that does not hear of the wider incident itself.
//!
//! | module | holds |
//! |---|---|
//! | `silence` | silences: what they match, how they are made, confirmed and ended |
//! | `decide` | what mutes an incident now |

mod decide;
mod silence;
#[cfg(test)]
mod tests;

pub use decide::{By, Muted, Notice, Subject, marks};
pub use silence::{
    Ending, Limits, MAX_LISTED, MAX_SILENCES, Matchers, Red, Silence, Standing, Wish, permit,
};
