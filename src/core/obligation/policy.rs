//! Deadlines and offices, as the routing table says.
//!
//! Invariant: a department that the table does not know (any more) still has deadlines and an office: its obligations stay.

use std::sync::Arc;

use super::types::Office;
use crate::core::model::{Level, Millis, Place};
use crate::core::route::{DEFAULT_DEADLINES, Routing};

/// What the rules of a case need to know beside the case.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Departments, their tiers, deadlines and hours.
    pub routing: Arc<Routing>,
}

/// Until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Until {
    pub(super) acknowledge: Millis,
    pub(super) dispose: Millis,
}

impl Policy {
    /// By this routing table.
    pub fn new(routing: Arc<Routing>) -> Self {
        Self { routing }
    }

    /// Deadlines of a department for a level, counted from `from`; in its working hours below orange, where it has some.
    pub(super) fn until(&self, department: &str, level: Level, from: Millis) -> Until {
        let department = self.routing.get(department);
        let deadline = department.map_or(&DEFAULT_DEADLINES, |it| &it.deadlines)[level as usize];
        let hours = department
            .and_then(|it| it.hours.as_ref())
            .filter(|_| level < Level::Orange);
        let after = |seconds: u64| {
            let ms = i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX);
            hours.map_or_else(|| from.plus(ms), |hours| hours.after(from, ms))
        };
        Until {
            acknowledge: after(deadline.acknowledge_s),
            dispose: after(deadline.dispose_s),
        }
    }

    /// The office that an incident at `place` begins with: the lowest that covers a place of that tier, else the highest.
    pub(super) fn first_office(&self, department: &str, place: &Place) -> Office {
        let tiers = self
            .routing
            .get(department)
            .map_or(&[][..], |it| it.tiers.as_slice());
        let covering = tiers
            .iter()
            .find(|tier| place.is_none() || **tier >= place.tier);
        covering
            .or(tiers.last())
            .map_or(Office::Department, |tier| Office::from(*tier))
    }

    /// Offices above `office`, lowest first; the coordinators last.
    pub(super) fn above(&self, department: &str, office: Office) -> Vec<Office> {
        let tiers = self
            .routing
            .get(department)
            .map_or(&[][..], |it| it.tiers.as_slice());
        let mut above: Vec<Office> = tiers
            .iter()
            .map(|tier| Office::from(*tier))
            .filter(|candidate| *candidate > office)
            .collect();
        if office < Office::Coordinators {
            above.push(Office::Coordinators);
        }
        above
    }
}
