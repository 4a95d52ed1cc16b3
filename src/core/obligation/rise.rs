//! Since when a case has been as high as it is: who is told of a rise is told once.
//!
//! Invariant: falling and rising again is a rise; a refresh, an action or a fall is none.

use serde::{Deserialize, Serialize};

use super::case::Case;
use crate::core::model::{Level, Millis};

/// A level, and when it last rose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raised {
    /// The level.
    pub level: Level,
    /// When the case opened, reopened or rose last.
    pub at: Millis,
}

impl Case {
    /// Notes a level that rose.
    pub(super) fn note_rise(&mut self, now: Millis) {
        let level = self.level();
        let at = match self.raised {
            Some(it) if level > it.level => now,
            Some(it) => it.at,
            None => self.opened_at,
        };
        self.raised = Some(Raised { level, at });
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{alert, open, policy, revise, start};
    use super::super::{Action, Actor, Role};
    use super::*;

    const MINUTE: i64 = 60_000;

    fn after(case: &Case) -> i64 {
        case.row().raised_at.unwrap().since(start()) / MINUTE
    }

    #[test]
    fn only_a_rise_is_a_rise() {
        let mut case = open(Level::Yellow, &[("fire", true)]);
        assert_eq!(after(&case), 0, "it opened");
        let mut step = |minute: i64, revision: u32, level| {
            let alert = alert(revision, level, &[("fire", true)]);
            revise(&mut case, minute * MINUTE, alert);
            after(&case)
        };
        assert_eq!(step(1, 2, Level::Yellow), 0);
        assert_eq!(step(2, 3, Level::Orange), 2);
        assert_eq!(step(3, 4, Level::Yellow), 2, "it fell");
        assert_eq!(step(4, 5, Level::Orange), 4, "and rose again");
        let corrected = Action::Correct {
            hazard: None,
            place: None,
            level: Some(Level::Red),
            reason: "a school".to_owned(),
        };
        let who = Actor::new("lee", Role::Analyst);
        let at = start().plus(5 * MINUTE);
        case.act(&who, &corrected, at, &policy()).unwrap();
        assert_eq!(after(&case), 5, "by hand, too");
    }

    #[test]
    fn a_case_of_before_rose_when_it_opened() {
        let mut case = open(Level::Orange, &[("fire", true)]);
        case.raised = None;
        revise(
            &mut case,
            MINUTE,
            alert(2, Level::Orange, &[("fire", true)]),
        );
        assert_eq!(after(&case), 0);
    }
}
