//! The alert that an incident's present state makes.
//!
//! Invariant: everything in it comes from the incident and the routing table; building one changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::config::CorrelateConfig;
use super::evidence::evidence;
use super::growing::line;
use super::identity::alert_id;
use super::score::{Summary, lines};
use super::state::{Incident, Phase, urgency_of};
use crate::core::model::{
    ALERT_VERSION, Alert, Bilingual, Counts, DepartmentRequest, Growth, IncidentState, Level,
    MAX_REPORT_IDS, Millis, MsgType, Place, RoutedDepartment, ScoreLine, Status, Urgency,
};

/// What the alert says beside the incident's state.
pub(super) struct Revision {
    pub msg_type: MsgType,
    pub material: bool,
    pub level: Level,
    pub departments: Vec<RoutedDepartment>,
    /// Lines of 0 points that explain the level.
    pub notes: Vec<ScoreLine>,
    /// When it was due.
    pub sent: Millis,
}

/// Builds the revision after the incident's last one.
pub(super) fn build(
    incident: &Incident,
    summary: &Summary,
    revision: Revision,
    key: &str,
    growth: Option<Growth>,
    config: &CorrelateConfig,
) -> Alert {
    let number = incident.published.revision + 1;
    let place = Place::from(&incident.place);
    let mut reasons = lines(incident, summary, line(growth.as_ref(), &config.growth));
    reasons.extend(revision.notes);
    Alert {
        v: ALERT_VERSION,
        alert_id: alert_id(incident.id, number),
        incident_id: incident.id,
        revision: number,
        msg_type: revision.msg_type,
        status: incident.status,
        exercise: incident.exercise.clone(),
        previous: incident.previous,
        key: key.to_owned(),
        headline: headline(incident, &place),
        hazard: incident.hazard,
        category: incident.hazard.category(),
        place,
        place_assumed: incident.place_assumed,
        also_places: incident.also_places.iter().map(Place::from).collect(),
        ancestors: incident.ancestors.clone(),
        state: match incident.phase {
            Phase::Active => IncidentState::Active,
            Phase::Resolved(_) => IncidentState::Resolved,
        },
        level: revision.level,
        score: summary.score,
        reasons,
        certainty: f64::from(summary.certainty_milli) / 1_000.0,
        certainty_class: summary.class(),
        urgency: summary.urgency.map_or_else(Urgency::default, urgency_of),
        numbers: numbers(incident, summary),
        departments: revision.departments,
        material: revision.material,
        counts: Counts {
            reports: summary.reports,
            copies: summary.all_copies,
            sources: summary.sources,
            last_hour: incident.rate.bins(revision.sent),
        },
        growth,
        evidence: evidence(incident, summary, &config.limits),
        report_ids: report_ids(incident, summary),
        rules: rules(incident, summary),
        rule_set: Arc::clone(&incident.rule_set),
        first_seen: first_seen(incident),
        last_seen: incident.last_seen,
        sent: revision.sent,
    }
}

/// Departments that the rules of the counting members ask for.
pub(super) fn requests(incident: &Incident, summary: &Summary) -> Vec<DepartmentRequest> {
    let mut requests = Vec::new();
    for (rule, departments) in &incident.requests {
        if summary.rules.binary_search(rule).is_ok() {
            requests.extend(departments.iter().map(|(id, required)| DepartmentRequest {
                id: Arc::clone(id),
                required: *required,
            }));
        }
    }
    requests
}

fn headline(incident: &Incident, place: &Place) -> Bilingual {
    let hazard = incident.hazard;
    let (mark_en, mark_zh) = match incident.status {
        Status::Actual => ("", ""),
        Status::Exercise => ("Exercise: ", "【演练】"),
        Status::Test => ("Test: ", "【测试】"),
    };
    let mut name = hazard.en().to_owned();
    if mark_en.is_empty()
        && let Some(first) = name.get_mut(..1)
    {
        first.make_ascii_uppercase();
    }
    let place_zh = place.name_zh.as_ref().unwrap_or(&place.name);
    if place.is_none() {
        Bilingual {
            en: format!("{mark_en}{name}, place unknown"),
            zh: format!("{mark_zh}{}（地点不明）", hazard.zh()),
        }
    } else {
        // There may be an ordinary incident of the same place.
        let (more_en, more_zh) = if incident.wide {
            (", several areas", "（多个区域）")
        } else {
            ("", "")
        };
        Bilingual {
            en: format!("{mark_en}{name}: {}{more_en}", place.name),
            zh: format!("{mark_zh}{place_zh}{}{more_zh}", hazard.zh()),
        }
    }
}

fn numbers(incident: &Incident, summary: &Summary) -> BTreeMap<Arc<str>, f64> {
    let members = summary.telling.iter();
    let of_members = members.flat_map(|member| &incident.members[*member as usize].numbers);
    let aggregated = incident.aggregate.iter().flat_map(|a| &a.numbers);
    let mut highest = BTreeMap::new();
    for (name, number) in of_members.chain(aggregated) {
        let slot = highest.entry(incident.name(*name)).or_insert(*number);
        *slot = f64::max(*slot, *number);
    }
    highest
}

fn report_ids(incident: &Incident, summary: &Summary) -> Vec<String> {
    let mut members = summary.telling.clone();
    members.sort_unstable();
    let newest = members.len().saturating_sub(MAX_REPORT_IDS);
    members[newest..]
        .iter()
        .map(|index| {
            let member = &incident.members[*index as usize];
            format!("{}/{}", incident.name(member.feed), member.id)
        })
        .collect()
}

fn rules(incident: &Incident, summary: &Summary) -> Vec<Arc<str>> {
    let mut names: Vec<Arc<str>> = summary
        .rules
        .iter()
        .map(|rule| incident.name(*rule))
        .collect();
    let correlations = summary.correlated.iter();
    names.extend(correlations.map(|(at, _)| {
        let tracked = &incident.correlations[usize::from(*at)];
        Arc::clone(&tracked.correlation.id)
    }));
    names.sort_unstable();
    names
}

fn first_seen(incident: &Incident) -> Millis {
    let seen = |all: bool| {
        incident
            .members
            .iter()
            .filter(|member| all || !member.withdrawn)
            .map(|member| member.observed.unwrap_or(member.received))
            .min()
    };
    let aggregated = incident.aggregate.as_ref().and_then(|a| a.first);
    seen(false)
        .into_iter()
        .chain(aggregated)
        .min()
        .or_else(|| seen(true))
        .unwrap_or(incident.last_seen)
}
