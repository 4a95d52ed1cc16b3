//! What the members of an incident amount to: certainty, score, and the lines that explain it.
//!
//! Invariant: a [`Summary`] depends on the set of members and not on the order of their arrival, and the points of the
//! lines add up to the score exactly.

use super::config::ScoreConfig;
use super::state::{Incident, Member, Text, kind_of};
use crate::core::model::{CertaintyClass, ScoreLine};

/// What counts, computed from the members.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Summary {
    /// The member that stands for each cluster, most telling first.
    pub telling: Vec<u32>,
    /// Near-duplicates of each of `telling`.
    pub copies: Vec<u32>,
    /// Independent sources.
    pub sources: u32,
    /// Thousandths.
    pub certainty_milli: u32,
    /// A dispatch system, a sensor or an official speaks.
    pub authoritative: bool,
    /// S, C, E.
    pub severity: i32,
    pub certainty_points: i32,
    pub exposure_points: i32,
    /// Index of the exposure line.
    pub exposure: Option<u8>,
    /// clamp(S + C + G + E, 0, 100).
    pub score: u8,
}

impl Summary {
    /// Whether nothing is left that counts.
    pub(super) fn is_empty(&self) -> bool {
        self.telling.is_empty()
    }

    /// Certainty in the words of CAP 1.2. “Observed” takes an authoritative report or near-certainty.
    pub(super) fn class(&self) -> CertaintyClass {
        match self.certainty_milli {
            _ if self.is_empty() => CertaintyClass::Unknown,
            950.. => CertaintyClass::Observed,
            800.. if self.authoritative => CertaintyClass::Observed,
            500.. => CertaintyClass::Likely,
            200.. => CertaintyClass::Possible,
            _ => CertaintyClass::Unlikely,
        }
    }
}

/// Sums the members up.
pub(super) fn summarise(incident: &Incident, config: &ScoreConfig) -> Summary {
    let mut summary = Summary::default();
    let (mut standing, copies) = clusters(incident);
    standing.sort_by(|a, b| telling_order(incident, *a, *b));
    summary.copies = standing
        .iter()
        .map(|member| {
            let cluster = incident.members[*member as usize].cluster;
            let uncounted = incident.uncounted.iter().find(|(c, _)| *c == cluster);
            copies[cluster as usize] + uncounted.map_or(0, |(_, count)| *count)
        })
        .collect();
    summary.telling = standing;
    let members: Vec<&Member> = summary
        .telling
        .iter()
        .map(|member| &incident.members[*member as usize])
        .collect();
    (summary.certainty_milli, summary.sources) = certainty(incident, &members);
    summary.authoritative = members
        .iter()
        .any(|member| kind_of(member.kind).is_authoritative());
    if let Some(first) = members.first() {
        summary.severity = i32::from(first.severity());
        summary.certainty_points =
            certainty_points(summary.certainty_milli, config.certainty_weight);
        summary.exposure = exposure(incident, &members);
        summary.exposure_points = summary.exposure.map_or(0, |at| {
            incident.exposures[usize::from(at)]
                .0
                .clamp(0, i32::from(config.exposure_max))
        });
    }
    let sum = summary.severity + summary.certainty_points + summary.exposure_points;
    summary.score = sum.clamp(0, 100) as u8;
    summary
}

/// The member that stands for each cluster, and per founding member the number of its other members.
///
/// The earliest received stands for its cluster, so that copies that arrive in another order give the same incident.
fn clusters(incident: &Incident) -> (Vec<u32>, Vec<u32>) {
    let count = incident.members.len();
    let mut first: Vec<Option<u32>> = vec![None; count];
    let mut copies = vec![0_u32; count];
    for (index, member) in incident.members.iter().enumerate() {
        let (Some(slot), false) = (first.get_mut(member.cluster as usize), member.withdrawn) else {
            continue;
        };
        let index = index as u32;
        match *slot {
            None => *slot = Some(index),
            Some(other) => {
                copies[member.cluster as usize] += 1;
                if earlier(incident, index, other) {
                    *slot = Some(index);
                }
            }
        }
    }
    (first.into_iter().flatten().collect(), copies)
}

fn earlier(incident: &Incident, a: u32, b: u32) -> bool {
    let order = |index: u32| {
        let member = &incident.members[index as usize];
        (
            member.received,
            &incident.names[usize::from(member.feed)],
            &member.id,
        )
    };
    order(a) < order(b)
}

/// Most telling first: severity, then reliability, then the earliest.
fn telling_order(incident: &Incident, a: u32, b: u32) -> std::cmp::Ordering {
    let weight = |index: u32| {
        let member = &incident.members[index as usize];
        (member.severity(), member.reliability)
    };
    weight(b).cmp(&weight(a)).then_with(|| {
        if earlier(incident, a, b) {
            std::cmp::Ordering::Less
        } else {
            std::cmp::Ordering::Greater
        }
    })
}

/// 1 − Π(1 − reliability) in thousandths over the independent sources, each taken once with its highest reliability.
fn certainty(incident: &Incident, members: &[&Member]) -> (u32, u32) {
    let mut best: Vec<(&str, u8)> = Vec::new();
    for member in members {
        let source = &*incident.names[usize::from(member.source)];
        match best.iter_mut().find(|(known, _)| *known == source) {
            Some((_, reliability)) => *reliability = (*reliability).max(member.reliability),
            None => best.push((source, member.reliability)),
        }
    }
    // One order of multiplication, whatever the order of arrival: floating point is not associative.
    best.sort_unstable();
    let doubt: f64 = best
        .iter()
        .map(|(_, reliability)| 1.0 - f64::from((*reliability).min(100)) / 100.0)
        .product();
    (((1.0 - doubt) * 1_000.0).round() as u32, best.len() as u32)
}

/// round(weight × (certainty − ½)), halves away from zero.
pub(super) fn certainty_points(milli: u32, weight: u8) -> i32 {
    (f64::from(weight) * (f64::from(milli) - 500.0) / 1_000.0).round() as i32
}

/// The highest exposure; of equal ones the first by its reason.
fn exposure(incident: &Incident, members: &[&Member]) -> Option<u8> {
    members
        .iter()
        .filter_map(|member| member.exposure)
        .max_by(|a, b| {
            let line = |at: u8| &incident.exposures[usize::from(at)];
            line(*a)
                .0
                .cmp(&line(*b).0)
                .then_with(|| line(*b).1.cmp(&line(*a).1))
        })
}

/// The lines of the score: S with its own lines where they are still known, C, G, E, and the clamp.
pub(super) fn lines(incident: &Incident, summary: &Summary) -> Vec<ScoreLine> {
    let Some(first) = summary.telling.first() else {
        return vec![ScoreLine::new(
            0,
            "every report was withdrawn by its feed",
            "所有报告均已被来源撤回",
        )];
    };
    let text = incident
        .texts
        .iter()
        .find(|(member, _)| member == first)
        .map(|(_, text)| text);
    let mut lines = severity_lines(summary.severity, text);
    let certainty = f64::from(summary.certainty_milli) / 1_000.0;
    let (sources, plural) = (summary.sources, if summary.sources == 1 { "" } else { "s" });
    lines.push(ScoreLine::new(
        summary.certainty_points,
        format!("certainty {certainty} from {sources} independent source{plural}"),
        format!("{sources} 个独立来源，确信度 {certainty}"),
    ));
    lines.push(ScoreLine::new(
        0,
        "growth is not scored yet",
        "增长尚未计分",
    ));
    lines.push(match summary.exposure {
        Some(at) => {
            let mut line = ScoreLine::from(&incident.exposures[usize::from(at)]);
            line.points = summary.exposure_points;
            line
        }
        None => ScoreLine::new(0, "no known exposure at the place", "该地点无已知脆弱目标"),
    });
    let sum: i32 = lines.iter().map(|line| line.points).sum();
    let clamp = i32::from(summary.score) - sum;
    if clamp != 0 {
        lines.push(ScoreLine::new(
            clamp,
            "the score is limited to 0…100",
            "分值限定在 0…100",
        ));
    }
    lines
}

fn severity_lines(severity: i32, text: Option<&Text>) -> Vec<ScoreLine> {
    let Some(text) = text.filter(|text| !text.lines.is_empty()) else {
        return vec![ScoreLine::new(
            severity,
            "highest severity of its reports",
            "各报告中的最高严重度",
        )];
    };
    let mut lines: Vec<ScoreLine> = text.lines.iter().map(ScoreLine::from).collect();
    let clamp = severity - lines.iter().map(|line| line.points).sum::<i32>();
    if clamp != 0 {
        lines.push(ScoreLine::new(
            clamp,
            "the severity of a report is limited to 0…100",
            "单条报告的严重度限定在 0…100",
        ));
    }
    lines
}
