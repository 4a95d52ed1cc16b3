//! What the members of an incident amount to: certainty, score, and the lines that explain it.
//!
//! Invariant: a [`Summary`] depends on the set of members and not on the order of their arrival, and the points of the
//! lines add up to the score exactly.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::config::ScoreConfig;
use super::correlations::Firing;
use super::grown;
use super::standing::{Standing, standing};
use super::state::{Incident, Text};
use super::sums::Sums;
use super::window;
use crate::core::growth::{GrowthConfig, Verdict};
use crate::core::model::{CertaintyClass, GrowthLine, MAX_EVIDENCE, ScoreLine};

/// What counts, computed from the members and the aggregate.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Summary {
    /// The members that stand for a cluster, in the order of `Standing::members`.
    pub telling: Vec<u32>,
    /// Near-duplicates of each of the first [`MAX_EVIDENCE`] of `telling`.
    pub copies: Vec<u32>,
    /// Reports that count: `telling` and aggregated ones.
    pub reports: u32,
    /// Near-duplicates of all of them.
    pub all_copies: u32,
    /// Independent sources.
    pub sources: u32,
    /// Rules that fired on what counts, as indices into the names; sorted.
    pub rules: Vec<u16>,
    /// Highest number of an urgency.
    pub urgency: Option<u8>,
    /// Thousandths.
    pub certainty_milli: u32,
    /// A dispatch system, a sensor or an official speaks.
    pub authoritative: bool,
    /// S, C, G, E.
    pub severity: i32,
    pub certainty_points: i32,
    /// G.
    pub growth_points: i32,
    /// What the counts say, and lines of rules that it fulfils.
    pub verdict: Verdict,
    pub grown: Vec<Arc<GrowthLine>>,
    pub exposure_points: i32,
    /// Index of the exposure line.
    pub exposure: Option<u8>,
    /// Correlations that fired, by their place in the incident.
    pub correlated: Vec<(u16, Firing)>,
    /// S + C + E + the points of correlations.
    pub unclamped: i32,
    /// clamp(S + C + G + E + the points of correlations and of lines on growth, 0, 100).
    pub score: u8,
}

impl Summary {
    /// Whether nothing is left that counts.
    pub(super) fn is_empty(&self) -> bool {
        self.reports == 0
    }

    /// Adds G, and the lines of rules that ask for growth.
    pub(super) fn grow(&mut self, incident: &Incident, verdict: Verdict, config: &GrowthConfig) {
        if self.is_empty() {
            return;
        }
        self.verdict = verdict;
        self.growth_points = config.points(verdict);
        self.grown = grown::fulfilled(incident, &self.rules, verdict);
        let lines: i32 = self.grown.iter().map(|line| line.points).sum();
        self.score = (self.unclamped + self.growth_points + lines).clamp(0, 100) as u8;
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

/// Sums up members and aggregate.
pub(super) fn summarise(incident: &Incident, config: &ScoreConfig) -> Summary {
    let summary = match incident.index.amounts() {
        Some(amounts) => {
            let copies = |cluster| amounts.copies(cluster);
            finish(incident, config, &amounts.sums, &amounts.telling, copies)
        }
        None => anew(incident, config),
    };
    #[cfg(debug_assertions)]
    if incident.index.amounts().is_some() {
        super::index::assert_same(&summary, &anew(incident, config));
    }
    summary
}

/// The same from the reports alone.
fn anew(incident: &Incident, config: &ScoreConfig) -> Summary {
    let (standing, sums) = add_up(incident);
    let copies = |cluster: u32| standing.copies[cluster as usize];
    finish(incident, config, &sums, &standing.members, copies)
}

/// Which reports stand for the others, and the sums of them.
pub(super) fn add_up(incident: &Incident) -> (Standing, Sums) {
    let standing = standing(incident);
    let copies =
        |cluster: u32| with_uncounted(incident, cluster, standing.copies[cluster as usize]);
    let mut sums = Sums::default();
    for index in &standing.members {
        let member = &incident.members[*index as usize];
        sums.add_member(incident, member, copies(member.cluster));
    }
    for index in &standing.entries {
        let entry = &incident.entries()[*index as usize];
        sums.add_entry(incident, entry, copies(entry.cluster));
    }
    if let Some(aggregate) = incident.aggregate.as_deref() {
        sums.add_forgotten(incident, &aggregate.forgotten);
    }
    (standing, sums)
}

/// Copies of a cluster, those that are not remembered among them.
pub(super) fn with_uncounted(incident: &Incident, cluster: u32, copies: u32) -> u32 {
    let uncounted = incident.uncounted.iter().find(|(c, _)| *c == cluster);
    copies.saturating_add(uncounted.map_or(0, |(_, count)| *count))
}

/// The summary of these sums; `copies` by cluster, without those that are not remembered.
fn finish(
    incident: &Incident,
    config: &ScoreConfig,
    sums: &Sums,
    telling: &[u32],
    copies: impl Fn(u32) -> u32,
) -> Summary {
    let mut summary = Summary {
        telling: telling.to_vec(),
        reports: sums.reports,
        all_copies: sums.copies,
        sources: sums.sources.len() as u32,
        rules: sums.rules(incident),
        urgency: sums.urgency,
        certainty_milli: certainty(incident, &sums.sources),
        authoritative: sums.authoritative,
        ..Summary::default()
    };
    let shown = telling.iter().take(MAX_EVIDENCE).map(|index| {
        let cluster = incident.members[*index as usize].cluster;
        with_uncounted(incident, cluster, copies(cluster))
    });
    summary.copies = shown.collect();
    if summary.is_empty() {
        return summary;
    }
    summary.severity = i32::from(sums.severity);
    summary.certainty_points = certainty_points(summary.certainty_milli, config.certainty_weight);
    summary.exposure = sums.exposure;
    summary.exposure_points = sums.exposure.map_or(0, |at| {
        incident.exposures[usize::from(at)]
            .0
            .clamp(0, i32::from(config.exposure_max))
    });
    summary.correlated = correlated(incident);
    let of = |at: u16| incident.correlations[usize::from(at)].correlation.points;
    let correlated: i32 = summary.correlated.iter().map(|(at, _)| of(*at)).sum();
    let sum = summary.severity + summary.certainty_points + summary.exposure_points + correlated;
    summary.unclamped = sum;
    summary.score = sum.clamp(0, 100) as u8;
    summary
}

/// The correlations of an incident that fired.
fn correlated(incident: &Incident) -> Vec<(u16, Firing)> {
    let all = incident.correlations.iter().zip(0..);
    all.filter_map(|(tracked, at)| Some((at, window::firing(tracked)?)))
        .collect()
}

/// 1 − Π(1 − reliability) in thousandths over the independent sources, each taken once with its highest reliability.
fn certainty(incident: &Incident, sources: &BTreeMap<u16, u8>) -> u32 {
    let name = |source: u16| incident.names.get(usize::from(source)).map(|name| &**name);
    let mut best: Vec<_> = sources
        .iter()
        .map(|(source, r)| (name(*source), *r))
        .collect();
    // One order of multiplication, whatever the order of arrival: floating point is not associative.
    best.sort_unstable();
    let doubt: f64 = best
        .iter()
        .map(|(_, reliability)| 1.0 - f64::from((*reliability).min(100)) / 100.0)
        .product();
    ((1.0 - doubt) * 1_000.0).round() as u32
}

/// round(weight × (certainty − ½)), halves away from zero.
pub(super) fn certainty_points(milli: u32, weight: u8) -> i32 {
    (f64::from(weight) * (f64::from(milli) - 500.0) / 1_000.0).round() as i32
}

/// The lines of the score: S with its own lines where they are still known, C, G, E, and the clamp.
pub(super) fn lines(
    incident: &Incident,
    summary: &Summary,
    mut growth: ScoreLine,
) -> Vec<ScoreLine> {
    if summary.is_empty() {
        return vec![ScoreLine::new(
            0,
            "every report was withdrawn or revised by its feed",
            "所有报告均已被来源撤回或修订",
        )];
    }
    // The lines of the most telling report explain S, unless an aggregated one is more severe.
    let first = summary.telling.first().filter(|first| {
        i32::from(incident.members[**first as usize].severity()) == summary.severity
    });
    let text = incident
        .texts
        .iter()
        .find(|(member, _)| Some(member) == first)
        .map(|(_, text)| text);
    let mut lines = severity_lines(summary.severity, text);
    let certainty = f64::from(summary.certainty_milli) / 1_000.0;
    let (sources, plural) = (summary.sources, if summary.sources == 1 { "" } else { "s" });
    lines.push(ScoreLine::new(
        summary.certainty_points,
        format!("certainty {certainty} from {sources} independent source{plural}"),
        format!("{sources} 个独立来源，确信度 {certainty}"),
    ));
    // Not what the reading says now but what is in the score: a cancelled incident has none.
    growth.points = summary.growth_points;
    lines.push(growth);
    lines.push(match summary.exposure {
        Some(at) => {
            let mut line = ScoreLine::from(&incident.exposures[usize::from(at)]);
            line.points = summary.exposure_points;
            line
        }
        None => ScoreLine::new(0, "no known exposure at the place", "该地点无已知脆弱目标"),
    });
    for (at, firing) in &summary.correlated {
        let correlation = &incident.correlations[usize::from(*at)].correlation;
        lines.push(window::line(correlation, firing));
    }
    let grown = summary.grown.iter();
    lines.extend(grown.map(|line| grown::line(line, summary.verdict)));
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
