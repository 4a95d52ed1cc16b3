//! The `tocsin:` block of a rule: hazard, times, departments.
//!
//! Invariant: every number in it is in its range.

use std::sync::Arc;

use super::ast::{Selection, Tocsin};
use super::condition::{self, Names};
use super::head::readable;
use super::inherit::SAME;
use super::{codes, score};
use crate::core::model::{DepartmentRequest, Hazard, ScoreLine, Tier, Urgency, is_personal};
use crate::core::yaml::{At, Findings, Key, Node};

/// Quiet time when a rule names none: 6 hours.
pub(super) const DEFAULT_QUIET_MS: i64 = 6 * 3_600_000;
/// Keys of `tocsin`.
pub(super) const KEYS: &[&str] = &[
    "hazard",
    "title_zh",
    "tier",
    "growth_tiers",
    "quiet",
    "urgency",
    "replaces",
    "departments",
    "score",
    "extends",
    "abstract",
    "conditions",
    "group_by",
    "window",
];
/// Keys of `score`.
pub(super) const SCORE: &[&str] = &["base", "because", "because_zh", "add"];

/// The names of selections, which conditions call.
pub(super) fn names(selections: &[Selection]) -> Names<'_> {
    Names {
        selections: selections.iter().map(|s| s.name.as_str()).collect(),
        ..Names::default()
    }
}

/// Checks the block of an abstract rule, as far as it can be without the rules that extend it.
pub(super) fn partial(block: &Node, findings: &mut Findings<'_>) {
    for keys in SAME {
        either(block, keys, findings);
    }
    for (key, value) in block.map().unwrap_or_default() {
        match key.text.as_str() {
            "hazard" => drop(hazard(value, findings)),
            "title_zh" => drop(title_zh(value, findings)),
            "tier" => drop(tier(value, findings)),
            "growth_tiers" => drop(growth_tiers(value, None, findings)),
            "quiet" => drop(quiet(value, findings)),
            "urgency" => drop(urgency(value, findings)),
            "departments" => drop(departments(value, findings)),
            "score" => keys(value, SCORE, findings),
            "group_by" => drop(grouped(value, findings)),
            "window" => drop(quiet(value, findings)),
            "conditions" => drop(condition::conditions(Some(value), &[], findings)),
            "abstract" | "extends" => {}
            other => unknown(key, other, findings),
        }
    }
}

/// The `tocsin:` block of a rule, its bases copied in. For what has an error something stands that is read as no second one.
pub(super) fn tocsin(
    block: &Node,
    title: &str,
    names: &Names<'_>,
    used: &mut [bool],
    findings: &mut Findings<'_>,
) -> Option<Tocsin> {
    let entries = findings.map_of(block, codes::WRONG_TYPE, "`tocsin`")?;
    for key in ["hazard", "score"] {
        if block.get(key).is_none() {
            findings.error(
                codes::MISSING_KEY,
                block.at,
                format!("`tocsin.{key}` is missing"),
            );
        }
    }
    let (mut hazard, mut tier, mut quiet_ms, mut urgency) =
        (None, Tier::County, DEFAULT_QUIET_MS, Urgency::Unknown);
    let (mut replaces, mut departments, mut score_) = (None, Vec::new(), None);
    let mut title_zh = None;
    for (key, value) in entries {
        match key.text.as_str() {
            "hazard" => hazard = self::hazard(value, findings),
            "title_zh" => title_zh = self::title_zh(value, findings),
            // Which of two names of one thing counts is seen below.
            "tier" | "group_by" | "quiet" | "window" => {}
            // Compared with the tier, wherever that stands.
            "growth_tiers" => {}
            "urgency" => urgency = self::urgency(value, findings).unwrap_or(urgency),
            "replaces" => replaces = self::replaces(value, findings),
            "departments" => departments = self::departments(value, findings),
            "score" => {
                score_ = Some(score::score(value, title, names, used, findings));
            }
            // Read with the condition of the rule.
            "extends" | "conditions" => {}
            "abstract" => is_true_or_false(value, findings),
            other => unknown(key, other, findings),
        }
    }
    match either(block, SAME[0], findings) {
        Some(("tier", value)) => tier = self::tier(value, findings).unwrap_or(tier),
        Some((_, value)) => tier = grouped(value, findings).unwrap_or(tier),
        None => {}
    }
    if let Some((_, value)) = either(block, SAME[1], findings) {
        quiet_ms = quiet(value, findings).unwrap_or(quiet_ms);
    }
    let wider = block.get("growth_tiers");
    let growth_tiers = wider.map(|value| growth_tiers(value, Some(tier), findings));
    let (base, add) = score_.unwrap_or_else(|| (ScoreLine::new(0, title, title), Vec::new()));
    Some(Tocsin {
        hazard: hazard.unwrap_or(Hazard::ALL[0]),
        title_zh,
        tier,
        growth_tiers: growth_tiers.unwrap_or_default(),
        quiet_ms,
        urgency,
        replaces,
        departments,
        base,
        add,
    })
}

pub(super) fn unknown(key: &Key, name: &str, findings: &mut Findings<'_>) {
    findings
        .error(
            codes::UNKNOWN_KEY,
            key.at,
            format!("`tocsin` has no `{name}`"),
        )
        .help("hazard, title_zh, tier, growth_tiers, quiet, urgency, replaces, departments, score, extends, abstract, conditions, group_by (tier), window (quiet)");
}

fn is_true_or_false(value: &Node, findings: &mut Findings<'_>) {
    if value.bool().is_none() {
        findings.error(codes::WRONG_TYPE, value.at, "`abstract` is true or false");
    }
}

/// Of two keys that say the same the one that is there.
fn either<'n>(
    block: &'n Node,
    keys: [&'static str; 2],
    findings: &mut Findings<'_>,
) -> Option<(&'static str, &'n Node)> {
    let [first, second] = keys.map(|key| Some((key, block.get(key)?)));
    if let (Some(_), Some((_, other))) = (first, second) {
        let message = format!("`{}` says the same as `{}`", keys[1], keys[0]);
        let finding = findings.error(codes::BAD_VALUE, other.at, message);
        finding.help("leave one of them out");
    }
    first.or(second)
}

/// What makes reports one incident beside hazard and status: the tier of their place.
fn grouped(value: &Node, findings: &mut Findings<'_>) -> Option<Tier> {
    let persons = value
        .items()
        .iter()
        .filter(|n| n.text().is_some_and(is_personal))
        .count();
    if persons > 0 {
        findings
            .error(
                codes::PERSON,
                value.at,
                "reports are not grouped by persons: Tocsin watches hazards",
            )
            .help("group_by: county, or another tier; feed, kind or extracted numbers in a correlation's `group-by`");
        return None;
    }
    let tier = Tier::ALL.into_iter().find(|t| value.text() == Some(t.id()));
    if tier.is_none() {
        findings
            .error(
                codes::BAD_VALUE,
                value.at,
                "`group_by` is the tier of place at which reports become one incident: township, county, city, province or country",
            )
            .help("hazard and status always count; feed, kind and extracted numbers go into a correlation's `group-by`");
    }
    tier
}

pub(super) fn hazard(value: &Node, findings: &mut Findings<'_>) -> Option<Hazard> {
    let hazard = value.text().and_then(|t| t.parse().ok());
    if hazard.is_none() {
        let known: Vec<&str> = Hazard::ALL.iter().map(|h| h.id()).collect();
        findings
            .error(
                codes::UNKNOWN_HAZARD,
                value.at,
                "not a hazard of the taxonomy, which is closed",
            )
            .help(known.join(", "));
    }
    hazard
}

/// The title for Chinese readers: shown as it is, like the title.
pub(super) fn title_zh(value: &Node, findings: &mut Findings<'_>) -> Option<Arc<str>> {
    let Some(text) = value.text().map(str::trim).filter(|text| !text.is_empty()) else {
        findings.error(codes::WRONG_TYPE, value.at, "`title_zh` is text");
        return None;
    };
    readable(text, "title_zh", value.at, findings);
    Some(text.into())
}

fn replaces(value: &Node, findings: &mut Findings<'_>) -> Option<(Arc<str>, At)> {
    let id = value.text().map(str::trim).filter(|text| !text.is_empty());
    if id.is_none() {
        findings.error(
            codes::WRONG_TYPE,
            value.at,
            "`replaces` is the id of one rule",
        );
    }
    Some((id?.into(), value.at))
}

fn tier(value: &Node, findings: &mut Findings<'_>) -> Option<Tier> {
    let tier = Tier::ALL.into_iter().find(|t| value.text() == Some(t.id()));
    if tier.is_none() {
        findings.error(
            codes::BAD_VALUE,
            value.at,
            "a tier is township, county, city, province or country",
        );
    }
    tier
}

/// Tiers wider than `than`, narrowest first.
fn growth_tiers(value: &Node, than: Option<Tier>, findings: &mut Findings<'_>) -> Vec<Tier> {
    let mut tiers: Vec<Tier> = Vec::new();
    for node in value.items() {
        let Some(tier) = tier(node, findings) else {
            continue;
        };
        if than.is_some_and(|than| tier <= than) || tiers.contains(&tier) {
            findings
                .error(
                    codes::BAD_VALUE,
                    node.at,
                    "`growth_tiers` are wider than the rule's tier, each once",
                )
                .help("tier: county, growth_tiers: [city, province]");
        } else {
            tiers.push(tier);
        }
    }
    tiers.sort_unstable();
    tiers
}

fn urgency(value: &Node, findings: &mut Findings<'_>) -> Option<Urgency> {
    let urgency = match value.text() {
        Some("Immediate") => Some(Urgency::Immediate),
        Some("Expected") => Some(Urgency::Expected),
        Some("Future") => Some(Urgency::Future),
        Some("Past") => Some(Urgency::Past),
        Some("Unknown") => Some(Urgency::Unknown),
        _ => None,
    };
    if urgency.is_none() {
        findings.error(
            codes::BAD_VALUE,
            value.at,
            "an urgency is Immediate, Expected, Future, Past or Unknown",
        );
    }
    urgency
}

fn quiet(value: &Node, findings: &mut Findings<'_>) -> Option<i64> {
    let read = || {
        let text = value.text()?;
        let unit = match text.chars().last()? {
            's' => 1_000,
            'm' => 60_000,
            'h' => 3_600_000,
            'd' => 86_400_000,
            _ => return None,
        };
        let count: i64 = text[..text.len() - 1].parse().ok()?;
        count
            .checked_mul(unit)
            .filter(|ms| (60_000..=30 * 86_400_000).contains(ms))
    };
    let quiet = read();
    if quiet.is_none() {
        findings.error(
            codes::BAD_VALUE,
            value.at,
            "a quiet time is a whole number of s, m, h or d, from 1m to 30d",
        );
    }
    quiet
}

fn departments(value: &Node, findings: &mut Findings<'_>) -> Vec<(DepartmentRequest, At)> {
    let mut requests = Vec::new();
    for node in value.items() {
        let id = node.get("id").or(Some(node)).and_then(Node::text);
        let required = node.get("required").map_or(Some(false), Node::bool);
        let known = node
            .map()
            .unwrap_or_default()
            .iter()
            .all(|(k, _)| matches!(k.text.as_str(), "id" | "required"));
        match (id, required) {
            (Some(id), Some(required)) if known && !id.is_empty() => {
                requests.push((
                    DepartmentRequest {
                        id: id.into(),
                        required,
                    },
                    node.at,
                ));
            }
            _ => {
                findings
                    .error(
                        codes::WRONG_TYPE,
                        node.at,
                        "a department is its id, or a map of `id` and `required`",
                    )
                    .help("{id: fire, required: true}");
            }
        }
    }
    requests
}

pub(super) fn keys(node: &Node, known: &[&str], findings: &mut Findings<'_>) {
    let Some(entries) = node.map() else {
        findings.error(
            codes::WRONG_TYPE,
            node.at,
            format!(
                "expected a map with {}, not {}",
                known.join(", "),
                node.kind()
            ),
        );
        return;
    };
    for (key, _) in entries
        .iter()
        .filter(|(k, _)| !known.contains(&k.text.as_str()))
    {
        findings
            .error(
                codes::UNKNOWN_KEY,
                key.at,
                format!("there is no `{}` here", key.text),
            )
            .help(known.join(", "));
    }
}

pub(super) fn points(value: &Node, least: i32, findings: &mut Findings<'_>) -> Option<i32> {
    let points = value
        .number()
        .filter(|n| n.fract() == 0.0 && (f64::from(least)..=100.0).contains(n));
    if points.is_none() {
        findings.error(
            codes::BAD_VALUE,
            value.at,
            format!("points are a whole number from {least} to 100"),
        );
    }
    points.map(|n| n as i32)
}
