//! The routing table, and the departments of an incident.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::hours::WorkingHours;
use crate::core::model::{
    Bilingual, DepartmentRequest, Duty, Hazard, Level, RoutedDepartment, Tier,
};

/// Time allowed, seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// From the alert to somebody's acknowledgement.
    pub acknowledge_s: u64,
    /// From the alert to the disposition.
    pub dispose_s: u64,
}

/// A hazard that a department supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Support {
    /// Hazard.
    pub hazard: Hazard,
    /// The incident does not close without this department.
    pub required: bool,
    /// Lowest level at which it takes part.
    pub from: Level,
}

/// A participant of the joint meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Department {
    /// `[a-z0-9_]{1,64}`.
    pub id: Arc<str>,
    /// Names.
    pub names: Bilingual,
    /// Leads what nobody else leads.
    pub duty: bool,
    /// Hazards it leads.
    pub leads: Vec<Hazard>,
    /// Hazards it supports.
    pub supports: Vec<Support>,
    /// Tiers at which it has an office, lowest first; a missed deadline escalates to the next one.
    pub tiers: Vec<Tier>,
    /// Where its alerts go, such as `console` or `webhook:name`.
    pub channels: Vec<String>,
    /// By level, blue first.
    pub deadlines: [Deadline; 4],
    /// When it works; below orange its deadlines count in these hours only. None: always.
    pub hours: Option<WorkingHours>,
}

/// The routing table of one rule set. The default one has no departments and is for tests of other parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    departments: Vec<Department>,
    leads: BTreeMap<Hazard, usize>,
    duty: Option<usize>,
}

impl Routing {
    /// From checked departments: at most one leads a hazard, exactly one is on duty.
    pub(super) fn new(departments: Vec<Department>) -> Self {
        let leads = departments
            .iter()
            .enumerate()
            .flat_map(|(index, department)| {
                department.leads.iter().map(move |hazard| (*hazard, index))
            })
            .collect();
        let duty = departments.iter().position(|department| department.duty);
        Self {
            departments,
            leads,
            duty,
        }
    }

    /// The departments in the order of the file.
    pub fn all(&self) -> &[Department] {
        &self.departments
    }

    /// The department of that id.
    pub fn get(&self, id: &str) -> Option<&Department> {
        self.departments
            .iter()
            .find(|department| &*department.id == id)
    }

    /// The department that leads `hazard`, else the one on duty.
    pub fn lead(&self, hazard: Hazard) -> Option<&Department> {
        let index = self.leads.get(&hazard).copied().or(self.duty)?;
        self.departments.get(index)
    }

    /// Who has a duty on an incident: the lead, then the supporting departments by id.
    ///
    /// `requests` are those of the incident's rules; one for an unknown department (a rule set of another version) is left out.
    pub fn departments(
        &self,
        hazard: Hazard,
        level: Level,
        requests: &[DepartmentRequest],
    ) -> Vec<RoutedDepartment> {
        let Some(lead) = self.lead(hazard) else {
            return Vec::new();
        };
        let mut supports: BTreeMap<&Arc<str>, bool> = BTreeMap::new();
        for department in &self.departments {
            for support in &department.supports {
                if support.hazard == hazard && level >= support.from {
                    *supports.entry(&department.id).or_default() |= support.required;
                }
            }
        }
        for request in requests {
            if let Some(department) = self.get(&request.id) {
                *supports.entry(&department.id).or_default() |= request.required;
            }
        }
        supports.remove(&lead.id);
        let lead = RoutedDepartment {
            id: Arc::clone(&lead.id),
            duty: Duty::Lead,
            required: true,
        };
        let supports = supports.into_iter().map(|(id, required)| RoutedDepartment {
            id: Arc::clone(id),
            duty: Duty::Support,
            required,
        });
        std::iter::once(lead).chain(supports).collect()
    }

    /// Hazards that only the department on duty takes.
    pub fn unled(&self) -> BTreeSet<Hazard> {
        Hazard::ALL
            .iter()
            .copied()
            .filter(|hazard| !self.leads.contains_key(hazard))
            .collect()
    }
}
