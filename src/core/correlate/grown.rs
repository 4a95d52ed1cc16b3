//! Score lines of rules that ask for the growth of their incident.
//!
//! Invariant: what is fulfilled depends on the rules that count in the incident and on what its series says, and not on the order
//! in which their reports came. While growth is being learned nothing is.

use std::sync::Arc;

use super::state::Incident;
use crate::core::growth::{GrowthConfig, Verdict};
use crate::core::model::{
    Detection, GrowthField, GrowthLine, GrowthPeriod, MAX_GROWTH_BECAUSE, MAX_GROWTH_BOUNDS,
    MAX_GROWTH_LINES, Millis, ScoreLine,
};

/// Rules of one incident whose lines are kept.
const MAX_RULES: usize = 64;

/// Notes the lines of a detection that changed the members; those of the newest rule set count. Returns a named limit that was met.
pub(super) fn note(incident: &mut Incident, detection: &Detection) -> Option<&'static str> {
    let lines: Vec<Arc<GrowthLine>> = detection
        .growth
        .iter()
        .filter(|line| is_sound(line))
        .take(MAX_GROWTH_LINES)
        .cloned()
        .collect();
    if detection.report.withdrawn || (lines.is_empty() && incident.growth_lines.is_empty()) {
        return None;
    }
    let rule = incident.intern(&detection.rule_id)?;
    match incident.growth_lines.binary_search_by_key(&rule, |of| of.0) {
        Ok(at) if lines.is_empty() => drop(incident.growth_lines.remove(at)),
        Ok(at) => incident.growth_lines[at].1 = lines,
        Err(_) if lines.is_empty() => {}
        Err(_) if incident.growth_lines.len() >= MAX_RULES => return Some("growth_lines_per_key"),
        Err(at) => incident.growth_lines.insert(at, (rule, lines)),
    }
    None
}

/// Whatever writes detections: what is kept of a line is bounded.
fn is_sound(line: &GrowthLine) -> bool {
    let because = [Some(&line.because), line.because_zh.as_ref()];
    let mut because = because.into_iter().flatten();
    because.all(|text| text.chars().nth(MAX_GROWTH_BECAUSE).is_none())
        && (1..=MAX_GROWTH_BOUNDS).contains(&line.bounds.len())
        && line.bounds.iter().all(|(_, _, limit)| limit.is_finite())
        && (-100..=100).contains(&line.points)
}

/// The lines that hold, of the `rules` that count, each once: by the names of their rules, and in the order of these.
pub(super) fn fulfilled(
    incident: &Incident,
    rules: &[u16],
    verdict: Verdict,
) -> Vec<Arc<GrowthLine>> {
    let counting = |of: &&(u16, Vec<Arc<GrowthLine>>)| rules.binary_search(&of.0).is_ok();
    let mut of: Vec<_> = incident.growth_lines.iter().filter(counting).collect();
    of.sort_unstable_by_key(|(rule, _)| incident.name(*rule));
    let mut fulfilled: Vec<Arc<GrowthLine>> = Vec::new();
    for line in of.into_iter().flat_map(|(_, lines)| lines) {
        if holds(line, verdict) && !fulfilled.contains(line) {
            fulfilled.push(Arc::clone(line));
        }
    }
    fulfilled
}

fn holds(line: &GrowthLine, verdict: Verdict) -> bool {
    let known = |field| match field {
        GrowthField::W2 => verdict.w2,
        GrowthField::C2 => verdict.c2,
        GrowthField::Observed => Some(f64::from(verdict.observed)),
    };
    let mut bounds = line.bounds.iter();
    verdict.w2.is_some()
        && bounds.all(|(field, bound, limit)| known(*field).is_some_and(|n| bound.holds(n, *limit)))
}

/// The alarm that may put the incident on the queue. In a wider area it is none where one narrower area makes more than half of the
/// period: that is an incident there.
pub(super) fn alarm(
    incident: &Incident,
    verdict: Verdict,
    now: Millis,
    config: &GrowthConfig,
) -> Verdict {
    if !incident.wide || !verdict.alarm {
        return verdict;
    }
    let period = verdict.period.unwrap_or(GrowthPeriod::Day);
    let (all, most) = incident.areas.most(period, config.calendar.hour(now));
    let alarm = most > 0 && 2 * most <= all;
    Verdict { alarm, ..verdict }
}

/// The score line: its reason, and the numbers that fulfil it.
pub(super) fn line(line: &GrowthLine, verdict: Verdict) -> ScoreLine {
    let asked = |field| line.bounds.iter().any(|bound| bound.0 == field);
    let statistic = |name: &str, found: Option<f64>| Some(format!("{name} {:.1}", found?));
    let w2 = statistic("W2", verdict.w2.filter(|_| asked(GrowthField::W2)));
    let c2 = statistic("C2", verdict.c2.filter(|_| asked(GrowthField::C2)));
    let observed = Some(verdict.observed).filter(|_| asked(GrowthField::Observed));
    let plural = if verdict.observed == 1 { "" } else { "s" };
    let joined = |observed: Option<String>, comma: &str| {
        let parts = [w2.clone(), c2.clone(), observed];
        parts.into_iter().flatten().collect::<Vec<_>>().join(comma)
    };
    let en = joined(observed.map(|n| format!("{n} report{plural}")), ", ");
    let zh = joined(observed.map(|n| format!("{n} 条报告")), "，");
    ScoreLine {
        points: line.points,
        because: format!("{} ({en})", line.because),
        because_zh: line
            .because_zh
            .as_ref()
            .map(|because| format!("{because}（{zh}）")),
    }
}
