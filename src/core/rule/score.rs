//! `tocsin.score` of a rule: its base, and the lines that add to it.
//!
//! Invariant: every number in it is in its range, and every addition says why.

use std::sync::Arc;

use super::ast::{Addition, Condition};
use super::block::{SCORE, keys, points};
use super::condition::Names;
use super::head::readable;
use super::{codes, condition};
use crate::core::model::{
    Bound, GrowthField, GrowthLine, MAX_GROWTH_BECAUSE, MAX_GROWTH_BOUND, MAX_GROWTH_BOUNDS,
    MAX_GROWTH_LINES, ScoreLine,
};
use crate::core::yaml::{Findings, Key, Node};

/// Lines of `score.add`.
pub(super) const MAX_ADDITIONS: usize = 32;
/// Keys of a line of it.
const ADDITION: &[&str] = &[
    "when",
    "points",
    "weight_of",
    "up_to",
    "because",
    "because_zh",
];

/// The base and the additions; after an error what could be read.
pub(super) fn score(
    node: &Node,
    title: &str,
    names: &Names<'_>,
    used: &mut [bool],
    findings: &mut Findings<'_>,
) -> (ScoreLine, Vec<Addition>) {
    reasons(node, findings);
    keys(node, SCORE, findings);
    let points = if let Some(base) = node.get("base") {
        points(base, 0, findings).unwrap_or_default()
    } else {
        findings.error(codes::MISSING_KEY, node.at, "`score.base` is missing");
        0
    };
    let mut add = Vec::new();
    for item in node.get("add").map(Node::items).unwrap_or_default() {
        if add.len() == MAX_ADDITIONS {
            findings.error(
                codes::BAD_VALUE,
                item.at,
                format!("more than {MAX_ADDITIONS} additions"),
            );
            break;
        }
        add.extend(addition(item, names, used, findings));
    }
    let growth = add.iter().filter(|it| matches!(it, Addition::Growth(_)));
    if growth.count() > MAX_GROWTH_LINES {
        let message = format!("more than {MAX_GROWTH_LINES} lines on growth");
        findings.error(codes::BAD_VALUE, node.at, message);
    }
    (line(node, points, title), add)
}

/// The reasons of all score lines can be shown as they are.
fn reasons(score: &Node, findings: &mut Findings<'_>) {
    let more = score.get("add").map(Node::items).unwrap_or_default();
    for line in std::iter::once(score).chain(more.iter().take(MAX_ADDITIONS)) {
        for key in ["because", "because_zh"] {
            if let Some(value) = line.get(key)
                && let Some(text) = value.text()
            {
                readable(text.trim(), key, value.at, findings);
            }
        }
    }
}

fn line(node: &Node, points: i32, default: &str) -> ScoreLine {
    let text = |key: &str| node.get(key).and_then(Node::text).map(str::trim);
    ScoreLine {
        points,
        because: text("because").unwrap_or(default.trim()).to_owned(),
        because_zh: text("because_zh").map(str::to_owned),
    }
}

fn addition(
    item: &Node,
    names: &Names<'_>,
    used: &mut [bool],
    findings: &mut Findings<'_>,
) -> Option<Addition> {
    keys(item, ADDITION, findings);
    let because = item.get("because").and_then(Node::text);
    if because.is_none_or(|text| text.trim().is_empty()) {
        findings.error(
            codes::MISSING_KEY,
            item.at,
            "every addition says `because`, so that an analyst can add it up",
        );
    }
    let of = |key| item.get(key);
    match (of("when"), of("points"), of("weight_of"), of("up_to")) {
        (Some(when), Some(value), None, None) if when.map().is_some() => {
            growth(item, when, value, findings)
        }
        (Some(when), Some(value), None, None) => {
            let condition = condition::parse(when, names, used, findings);
            let points = points(value, -100, findings);
            Some(Addition::When {
                condition: condition?,
                at: when.at,
                line: line(item, points?, ""),
            })
        }
        (None, None, Some(name), Some(value)) => {
            let selection = condition::parse(name, names, used, findings);
            let points = points(value, 0, findings);
            let Condition::Selection(selection) = selection? else {
                let message = "`weight_of` names one selection";
                findings.error(codes::BAD_VALUE, name.at, message);
                return None;
            };
            Some(Addition::Weight {
                selection,
                line: line(item, points?, ""),
            })
        }
        _ => {
            findings.error(
                codes::MISSING_KEY,
                item.at,
                "an addition has `when` and `points`, or `weight_of` and `up_to`",
            );
            None
        }
    }
}

/// A line whose `when` is a map: bounds of growth, for correlate.
fn growth(
    item: &Node,
    when: &Node,
    points_: &Node,
    findings: &mut Findings<'_>,
) -> Option<Addition> {
    let entries = when.map().unwrap_or_default();
    let bounds: Vec<_> = entries
        .iter()
        .filter_map(|(key, value)| bound(key, value, findings))
        .collect();
    let points = points(points_, -100, findings);
    let ScoreLine {
        points,
        because,
        because_zh,
    } = line(item, points?, "");
    if bounds.len() < entries.len() {
        return None;
    }
    if bounds.is_empty() || bounds.len() > MAX_GROWTH_BOUNDS {
        let message = format!("growth is asked within 1 to {MAX_GROWTH_BOUNDS} bounds");
        findings.error(codes::BAD_VALUE, when.at, message);
        return None;
    }
    let fields = GrowthField::ALL.iter();
    for field in fields.filter(|field| !can_hold(**field, &bounds)) {
        let message = format!("no value of `{}` is within these bounds", field.word());
        findings.error(codes::BAD_GROWTH, when.at, message);
    }
    let reasons = [Some(&because), because_zh.as_ref()];
    let is_long = |text: &&String| text.chars().nth(MAX_GROWTH_BECAUSE).is_some();
    if reasons.into_iter().flatten().any(|text| is_long(&text)) {
        let message = format!("a reason on growth has at most {MAX_GROWTH_BECAUSE} characters");
        findings.error(codes::BAD_VALUE, item.at, message);
    }
    Some(Addition::Growth(Arc::new(GrowthLine {
        bounds,
        points,
        because,
        because_zh,
    })))
}

type GrowthBound = (GrowthField, Bound, f64);

/// `growth.w2|gte: 5`.
fn bound(key: &Key, value: &Node, findings: &mut Findings<'_>) -> Option<GrowthBound> {
    let (name, modifier) = key.text.split_once('|').unwrap_or((&key.text, ""));
    let Some(field) = GrowthField::parse(name.trim()) else {
        let known: Vec<&str> = GrowthField::ALL.iter().map(|it| it.word()).collect();
        findings
            .error(
                codes::BAD_GROWTH,
                key.at,
                format!("`{}` is not known of an incident", name.trim()),
            )
            .help(format!(
                "{}; what is asked of a report is a selection, and `when` names it",
                known.join(", ")
            ));
        return None;
    };
    let bound = match modifier.trim() {
        "" => Some(Bound::Eq),
        word => Bound::parse(word).filter(|bound| *bound != Bound::Eq),
    };
    let Some(bound) = bound else {
        findings
            .error(
                codes::BAD_MODIFIERS,
                key.at,
                format!("`{modifier}` does not go with `{}`", field.word()),
            )
            .help("lt, lte, gt, gte, neq");
        return None;
    };
    let inside = |n: &f64| (-MAX_GROWTH_BOUND..=MAX_GROWTH_BOUND).contains(n);
    let Some(limit) = value.number().filter(inside) else {
        let message =
            format!("a bound of growth is a number from -{MAX_GROWTH_BOUND} to {MAX_GROWTH_BOUND}");
        findings.error(codes::BAD_VALUE, value.at, message);
        return None;
    };
    Some((field, bound, limit))
}

/// Whether any value of a field is within its bounds.
fn can_hold(field: GrowthField, bounds: &[GrowthBound]) -> bool {
    let of: Vec<(Bound, f64)> = bounds
        .iter()
        .filter(|(it, ..)| *it == field)
        .map(|(_, bound, limit)| (*bound, *limit))
        .collect();
    // Between two neighbouring limits all values fare alike, so that one of each stretch is enough.
    let mut tried: Vec<f64> = of
        .iter()
        .flat_map(|(_, n)| [n - 1.0, *n, n + 1.0])
        .collect();
    if field == GrowthField::Observed {
        tried.iter_mut().for_each(|n| *n = n.ceil());
        tried.extend(of.iter().map(|(_, n)| n.floor()));
        tried.push(0.0);
        tried.retain(|n| *n >= 0.0);
    } else {
        let limits: Vec<f64> = of.iter().map(|(_, n)| *n).collect();
        let pairs = limits
            .iter()
            .flat_map(|a| limits.iter().map(move |b| f64::midpoint(*a, *b)));
        tried.extend(pairs);
        tried.push(0.0);
    }
    tried
        .iter()
        .any(|n| of.iter().all(|(bound, limit)| bound.holds(*n, *limit)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against all quarters of a range.
        #[test]
        fn what_can_hold_is_found(
            picks in prop::collection::vec((0_usize..6, -3_i32..7), 0..4),
            whole in any::<bool>(),
        ) {
            let field = if whole { GrowthField::Observed } else { GrowthField::W2 };
            let bounds: Vec<GrowthBound> = picks
                .iter()
                .map(|(bound, half)| (field, Bound::ALL[*bound], f64::from(*half) / 2.0))
                .collect();
            let step = if whole { 1.0 } else { 0.125 };
            let from = if whole { 0 } else { -100 };
            let naive = (from..100).any(|n| {
                let n = f64::from(n) * step;
                bounds.iter().all(|(_, bound, limit)| bound.holds(n, *limit))
            });
            prop_assert_eq!(can_hold(field, &bounds), naive);
        }
    }
}
