//! Which channels a notice goes to.
//!
//! Invariant: routes are looked at in order and the first that matches decides, unless it says to go on; without any route every notice
//! goes to its department's own channels. The result is sorted, without duplicates, and names receivers that exist only.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::kind::{Notice, NoticeKind};
use crate::core::model::{Hazard, Level, Status};
use crate::core::obligation::Office;
use crate::core::route::Routing;

/// One route. An empty list of a condition means all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Departments.
    pub departments: Vec<Arc<str>>,
    /// Lowest level.
    pub from: Level,
    /// Hazards.
    pub hazards: Vec<Hazard>,
    /// Kinds of notices.
    pub kinds: Vec<NoticeKind>,
    /// Offices.
    pub offices: Vec<Office>,
    /// Actual, exercise or test; empty: actual and exercise.
    pub statuses: Vec<Status>,
    /// Where to; empty: the department's own channels.
    pub channels: Vec<Arc<str>>,
    /// Whether later routes are looked at too.
    pub go_on: bool,
}

impl Default for Route {
    fn default() -> Self {
        Self {
            departments: Vec::new(),
            from: Level::Blue,
            hazards: Vec::new(),
            kinds: Vec::new(),
            offices: Vec::new(),
            statuses: Vec::new(),
            channels: Vec::new(),
            go_on: false,
        }
    }
}

fn fits<T: PartialEq>(all: &[T], one: &T) -> bool {
    all.is_empty() || all.contains(one)
}

/// What routes go by.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Facts<'a> {
    pub department: &'a str,
    pub office: Option<Office>,
    pub level: Level,
    pub hazard: Hazard,
    pub kind: NoticeKind,
    pub status: Status,
}

impl Notice {
    /// What routes go by.
    pub fn facts(&self) -> Facts<'_> {
        Facts {
            department: &self.department,
            office: self.office,
            level: self.level,
            hazard: self.hazard,
            kind: self.kind,
            status: self.status,
        }
    }
}

impl Route {
    /// Whether a notice takes it.
    pub fn matches(&self, facts: &Facts<'_>) -> bool {
        let status = match self.statuses.as_slice() {
            [] => facts.status != Status::Test,
            some => some.contains(&facts.status),
        };
        let department = self.departments.is_empty()
            || self.departments.iter().any(|id| **id == *facts.department);
        let office = |office| self.offices.contains(&office);
        status
            && department
            && facts.level >= self.from
            && fits(&self.hazards, &facts.hazard)
            && fits(&self.kinds, &facts.kind)
            && (self.offices.is_empty() || facts.office.is_some_and(office))
    }
}

/// All routes, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes(pub Vec<Route>);

impl Routes {
    /// Names of the receivers among `known` that a notice goes to, sorted.
    pub fn channels(
        &self,
        facts: &Facts<'_>,
        routing: &Routing,
        known: impl Fn(&str) -> bool,
    ) -> Vec<Arc<str>> {
        let default = [Route::default()];
        let routes = if self.0.is_empty() {
            &default[..]
        } else {
            &self.0
        };
        let mut found: BTreeSet<Arc<str>> = BTreeSet::new();
        for route in routes.iter().filter(|route| route.matches(facts)) {
            if route.channels.is_empty() {
                let own = routing.get(facts.department);
                let own = own.map_or(&[][..], |it| it.channels.as_slice());
                found.extend(own.iter().map(|name| Arc::from(name.as_str())));
            } else {
                found.extend(route.channels.iter().cloned());
            }
            if !route.go_on {
                break;
            }
        }
        found.retain(|name| known(name));
        found.into_iter().collect()
    }
}
