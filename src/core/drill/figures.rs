//! Figures of a drill beside its expectations: departments, the timeline, arrivals.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::evaluate::Judge;
use super::observed::{Deed, Observed, SeenAlert};
use super::report::{ARRIVAL_BINS, Deeds, DepartmentSummary, Moment, RunInfo};
use crate::core::model::{IncidentState, Millis, MsgType};

impl Judge<'_> {
    pub(super) fn departments(&self) -> Vec<DepartmentSummary> {
        let mut routed: BTreeMap<Arc<str>, BTreeMap<Uuid, Millis>> = BTreeMap::new();
        for alert in &self.seen.alerts {
            for id in &alert.departments {
                let incidents = routed.entry(Arc::clone(id)).or_default();
                let since = incidents.entry(alert.incident).or_insert(alert.at);
                *since = alert.at.min(*since);
            }
        }
        let summary = |(id, incidents): (&Arc<str>, &BTreeMap<Uuid, Millis>)| {
            let times = |deed| {
                let took = incidents
                    .iter()
                    .filter_map(|(incident, since)| self.deed(*incident, id, deed, *since));
                deeds(took.collect())
            };
            let escalated = self
                .seen
                .decisions
                .iter()
                .filter(|one| one.department == *id && one.deed == Deed::Escalated);
            DepartmentSummary {
                id: Arc::clone(id),
                incidents: incidents.len() as u32,
                acknowledged: times(Deed::Acknowledged),
                disposed: times(Deed::Disposed),
                escalated: escalated.count() as u32,
            }
        };
        routed.iter().map(summary).collect()
    }

    pub(super) fn timeline(&self) -> Vec<Moment> {
        let mut all = Vec::new();
        for revisions in self.incidents.values() {
            let (mut level, mut active) = (None, true);
            for alert in revisions {
                let ended =
                    alert.message == MsgType::Cancel || alert.state == IncidentState::Resolved;
                if level != Some(alert.level) || ended == active {
                    all.push(self.moment(alert, ended));
                }
                (level, active) = (Some(alert.level), !ended);
            }
        }
        for one in &self.seen.decisions {
            if let Some(alert) = self
                .incidents
                .get(&one.incident)
                .and_then(|all| all.first())
            {
                all.push(Moment {
                    after_ms: one.at.since(self.run.started),
                    level: None,
                    deed: Some((Arc::clone(&one.department), one.deed)),
                    ..self.moment(alert, false)
                });
            }
        }
        all.sort_by_key(|moment| (moment.after_ms, moment.incident));
        all
    }

    fn moment(&self, alert: &SeenAlert, ended: bool) -> Moment {
        Moment {
            after_ms: alert.at.since(self.run.started),
            hazard: alert.hazard,
            incident: alert.incident,
            level: Some(alert.level),
            deed: None,
            ended,
        }
    }
}

fn deeds(mut took: Vec<i64>) -> Deeds {
    took.sort_unstable();
    Deeds {
        count: took.len() as u32,
        median_ms: took.get(took.len().saturating_sub(1) / 2).copied(),
        longest_ms: took.last().copied(),
    }
}

pub(super) fn arrivals(run: &RunInfo, seen: &Observed) -> Vec<u32> {
    let mut bins = vec![0; ARRIVAL_BINS];
    let length = run.ended.since(run.started).max(1);
    for sent in &seen.sent {
        let after = sent.at.since(run.started).clamp(0, length - 1);
        let bin = usize::try_from(after * ARRIVAL_BINS as i64 / length).unwrap_or(0);
        if let Some(count) = bins.get_mut(bin) {
            *count += 1;
        }
    }
    bins
}
