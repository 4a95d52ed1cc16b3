//! A period of a department in figures: what it was told, what it did in time, what was escalated and opened again.
//!
//! Invariant: an obligation counts in the period in which it began, whenever it was settled, so that two periods never count one twice;
//! the figures are those of one status, and nothing in here is about the person who acted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use uuid::Uuid;

use super::types::Disposition;

/// What is counted of one obligation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Of which incident.
    pub incident: Uuid,
    /// Whose.
    pub department: Arc<str>,
    /// Whether the department leads.
    pub lead: bool,
    /// Whether the department still owes it.
    pub pending: bool,
    /// From its beginning to its acknowledgement, milliseconds.
    pub acknowledge_ms: Option<i64>,
    /// From its beginning to its disposal, milliseconds.
    pub dispose_ms: Option<i64>,
    /// None while that is open, and where it ended otherwise.
    pub acknowledged_on_time: Option<bool>,
    /// None while that is open, and where it ended otherwise.
    pub disposed_on_time: Option<bool>,
    /// What the department found.
    pub found: Option<Disposition>,
    /// The exercise that the incident is of.
    pub exercise: Option<Arc<str>>,
}

/// A period of one department.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Assessed {
    /// Incidents in which it had a part.
    pub incidents: u64,
    /// Of these, those that it led.
    pub led: u64,
    /// Acknowledgements that are settled, in time or not.
    pub acknowledgements: u64,
    /// Of these in time.
    pub acknowledged_on_time: u64,
    /// Disposals that are settled, in time or not.
    pub disposals: u64,
    /// Of these in time.
    pub disposed_on_time: u64,
    /// The middle time to acknowledge, milliseconds; of an even number of times the earlier one.
    pub acknowledge_median_ms: Option<i64>,
    /// The middle time to dispose, milliseconds; likewise.
    pub dispose_median_ms: Option<i64>,
    /// Obligations of the period that it still owes.
    pub pending: u64,
    /// Disposed of as false alarms.
    pub false_alarms: u64,
    /// Missed deadlines in the period that called the next office.
    pub escalations: u64,
    /// Closed incidents that were opened again in the period, and in which it then had a part.
    pub reopenings: u64,
    /// Exercises in which it had a part.
    pub drills: u64,
}

/// Counts by department, as they were counted elsewhere.
pub type ByDepartment = BTreeMap<Arc<str>, u64>;

/// A department while it is counted.
#[derive(Default)]
struct Sum {
    incidents: BTreeSet<Uuid>,
    led: BTreeSet<Uuid>,
    drills: BTreeSet<Arc<str>>,
    acknowledge: Vec<i64>,
    dispose: Vec<i64>,
    figures: Assessed,
}

impl Sum {
    fn add(&mut self, one: Counted) {
        self.incidents.insert(one.incident);
        if one.lead {
            self.led.insert(one.incident);
        }
        self.drills.extend(one.exercise);
        self.acknowledge.extend(one.acknowledge_ms);
        self.dispose.extend(one.dispose_ms);
        let figures = &mut self.figures;
        figures.acknowledgements += u64::from(one.acknowledged_on_time.is_some());
        figures.acknowledged_on_time += u64::from(one.acknowledged_on_time == Some(true));
        figures.disposals += u64::from(one.disposed_on_time.is_some());
        figures.disposed_on_time += u64::from(one.disposed_on_time == Some(true));
        figures.pending += u64::from(one.pending);
        figures.false_alarms += u64::from(one.found == Some(Disposition::FalseAlarm));
    }

    fn finish(self) -> Assessed {
        Assessed {
            incidents: self.incidents.len() as u64,
            led: self.led.len() as u64,
            drills: self.drills.len() as u64,
            acknowledge_median_ms: median(self.acknowledge),
            dispose_median_ms: median(self.dispose),
            ..self.figures
        }
    }
}

fn median(mut times: Vec<i64>) -> Option<i64> {
    let middle = times.len().checked_sub(1)? / 2;
    let (_, middle, _) = times.select_nth_unstable(middle);
    Some(*middle)
}

/// Counts obligations of one status by department; `escalations` and `reopenings` were counted from the audit trail.
pub fn assess(
    all: impl IntoIterator<Item = Counted>,
    escalations: &ByDepartment,
    reopenings: &ByDepartment,
) -> BTreeMap<Arc<str>, Assessed> {
    let mut sums: BTreeMap<Arc<str>, Sum> = BTreeMap::new();
    for one in all {
        sums.entry(Arc::clone(&one.department))
            .or_default()
            .add(one);
    }
    for (department, count) in escalations {
        sums.entry(Arc::clone(department))
            .or_default()
            .figures
            .escalations = *count;
    }
    for (department, count) in reopenings {
        sums.entry(Arc::clone(department))
            .or_default()
            .figures
            .reopenings = *count;
    }
    let finished = sums.into_iter().map(|(id, sum)| (id, sum.finish()));
    finished.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one() -> impl Strategy<Value = Counted> {
        let ids = (0_u128..6, 0_usize..3, any::<bool>(), any::<bool>());
        let times = (
            proptest::option::of(0_i64..50),
            proptest::option::of(0_i64..50),
            any::<Option<bool>>(),
            any::<Option<bool>>(),
        );
        (ids, times, 0_usize..6, 0_u8..4).prop_map(|(ids, times, found, exercise)| Counted {
            incident: Uuid::from_u128(ids.0),
            department: ["fire", "health", "police"][ids.1].into(),
            lead: ids.2,
            pending: ids.3,
            acknowledge_ms: times.0,
            dispose_ms: times.1,
            acknowledged_on_time: times.2,
            disposed_on_time: times.3,
            found: Disposition::ALL.get(found).copied(),
            exercise: (exercise > 0).then(|| format!("drill-{exercise}").into()),
        })
    }

    /// The same, one question after the other over all obligations.
    fn naive(all: &[Counted], department: &str) -> Assessed {
        let own: Vec<&Counted> = all
            .iter()
            .filter(|it| &*it.department == department)
            .collect();
        let count =
            |holds: &dyn Fn(&Counted) -> bool| own.iter().filter(|it| holds(it)).count() as u64;
        let kinds = |key: &dyn Fn(&Counted) -> Option<String>| {
            let mut all: Vec<String> = own.iter().filter_map(|it| key(it)).collect();
            all.sort();
            all.dedup();
            all.len() as u64
        };
        let middle = |time: &dyn Fn(&Counted) -> Option<i64>| {
            let mut all: Vec<i64> = own.iter().filter_map(|it| time(it)).collect();
            all.sort_unstable();
            (!all.is_empty()).then(|| all[all.len().div_ceil(2) - 1])
        };
        Assessed {
            incidents: kinds(&|it| Some(it.incident.to_string())),
            led: kinds(&|it| it.lead.then(|| it.incident.to_string())),
            acknowledgements: count(&|it| it.acknowledged_on_time.is_some()),
            acknowledged_on_time: count(&|it| it.acknowledged_on_time == Some(true)),
            disposals: count(&|it| it.disposed_on_time.is_some()),
            disposed_on_time: count(&|it| it.disposed_on_time == Some(true)),
            acknowledge_median_ms: middle(&|it| it.acknowledge_ms),
            dispose_median_ms: middle(&|it| it.dispose_ms),
            pending: count(&|it| it.pending),
            false_alarms: count(&|it| it.found == Some(Disposition::FalseAlarm)),
            escalations: 0,
            reopenings: 0,
            drills: kinds(&|it| it.exercise.as_deref().map(str::to_owned)),
        }
    }

    proptest! {
        #[test]
        fn figures_are_those_of_counting_one_by_one(all in proptest::collection::vec(one(), 0..40)) {
            let found = assess(all.clone(), &ByDepartment::new(), &ByDepartment::new());
            let departments: BTreeSet<&str> = all.iter().map(|it| &*it.department).collect();
            prop_assert_eq!(found.len(), departments.len());
            for department in departments {
                prop_assert_eq!(&found[department], &naive(&all, department));
            }
        }
    }

    #[test]
    fn a_department_that_only_escalated_is_there() {
        let escalations = ByDepartment::from([("fire".into(), 2)]);
        let reopenings = ByDepartment::from([("health".into(), 1)]);
        let found = assess([], &escalations, &reopenings);
        assert_eq!(
            (found["fire"].escalations, found["fire"].reopenings),
            (2, 0)
        );
        assert_eq!(
            (found["health"].escalations, found["health"].reopenings),
            (0, 1)
        );
    }
}
