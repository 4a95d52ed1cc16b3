//! Filters and correlations, as files have them.

use std::collections::BTreeSet;

use super::super::codes;
use super::read::detection;
use super::syntax::{Bound, Correlation, CorrelationKind, Filter, Place, Reference};
use crate::core::yaml::{Findings, Node};

/// Longest time a correlation looks back, milliseconds: a year.
const MAX_SPAN: i64 = 366 * 86_400_000;
/// Rules that one correlation or filter calls.
const MAX_RULES: usize = 1_000;

/// The `filter` block.
pub(super) fn filter(block: &Node, findings: &mut Findings<'_>) -> Option<Filter> {
    let rules = match block.get("rules") {
        Some(node) if node.text() == Some("any") => None,
        Some(node) => Some(references(node, findings)?),
        None => {
            findings
                .error(codes::MISSING_KEY, block.at, "`filter.rules` is missing")
                .help("the ids or names of the rules that it is for, or `any`");
            return None;
        }
    };
    let detection = detection(block, &["rules"], findings)?;
    Some(Filter { rules, detection })
}

fn references(node: &Node, findings: &mut Findings<'_>) -> Option<Vec<Reference>> {
    let read = |item: &Node| {
        let name = item.text().map(str::trim).filter(|t| !t.is_empty())?;
        Some(Reference {
            at: Place(item.at),
            name: name.to_owned(),
        })
    };
    let found: Option<Vec<Reference>> = node.items().iter().map(read).collect();
    let found = found.filter(|list| (1..=MAX_RULES).contains(&list.len()));
    if found.is_none() {
        findings.error(
            codes::WRONG_TYPE,
            node.at,
            format!("`rules` is a list of 1 to {MAX_RULES} ids or names"),
        );
    }
    found
}

/// The `correlation` block of a document.
pub(in crate::core::rule) fn correlation(
    document: &Node,
    block: &Node,
    findings: &mut Findings<'_>,
) -> Option<Correlation> {
    let entries = findings.map_of(block, codes::WRONG_TYPE, "`correlation`")?;
    let known = [
        "type",
        "rules",
        "aliases",
        "group-by",
        "timespan",
        "condition",
        "generate",
    ];
    for (key, _) in entries {
        if !known.contains(&key.text.as_str()) {
            findings
                .error(
                    codes::UNKNOWN_KEY,
                    key.at,
                    format!("a correlation has no `{}`", key.text),
                )
                .help(known.join(", "));
            return None;
        }
    }
    let kind = kind(block, findings)?;
    let Some(rules) = block.get("rules") else {
        findings.error(
            codes::MISSING_KEY,
            block.at,
            "`correlation.rules` is missing",
        );
        return None;
    };
    let (bounds, fields, percentile) = condition(block, kind, findings)?;
    let generate = block.get("generate").or_else(|| document.get("generate"));
    let Some(generate) = generate.map_or(Some(false), Node::bool) else {
        findings.error(codes::WRONG_TYPE, block.at, "`generate` is true or false");
        return None;
    };
    let rules = references(rules, findings)?;
    let mut known = BTreeSet::new();
    if let Some(twice) = rules.iter().find(|one| !known.insert(&one.name)) {
        let message = format!("it calls `{}` twice", twice.name);
        let finding = findings.error(codes::BAD_CORRELATION, twice.at.0, message);
        finding.help("once is enough: each of its events counts once");
        return None;
    }
    Some(Correlation {
        kind,
        rules,
        aliases: aliases(block, findings)?,
        group_by: texts(block, "group-by", findings)?,
        timespan: timespan(block, findings)?,
        bounds,
        fields,
        percentile,
        generate,
    })
}

fn kind(block: &Node, findings: &mut Findings<'_>) -> Option<CorrelationKind> {
    let Some(node) = block.get("type") else {
        findings.error(
            codes::MISSING_KEY,
            block.at,
            "`correlation.type` is missing",
        );
        return None;
    };
    let kind = node.text().and_then(CorrelationKind::parse);
    if kind.is_none() {
        let known: Vec<&str> = CorrelationKind::ALL.iter().map(|k| k.word()).collect();
        findings
            .error(codes::BAD_VALUE, node.at, "not a type of correlation")
            .help(known.join(", "));
    }
    kind
}

/// A list of texts, or one; empty without the key.
fn texts(block: &Node, key: &str, findings: &mut Findings<'_>) -> Option<Vec<String>> {
    let Some(node) = block.get(key) else {
        return Some(vec![]);
    };
    let texts: Option<Vec<String>> = node
        .items()
        .iter()
        .map(|item| item.text().filter(|t| !t.is_empty()).map(str::to_owned))
        .collect();
    if texts.is_none() {
        findings.error(
            codes::WRONG_TYPE,
            node.at,
            format!("`{key}` is a list of names of fields"),
        );
    }
    texts
}

fn aliases(
    block: &Node,
    findings: &mut Findings<'_>,
) -> Option<Vec<(String, Vec<(Reference, String)>)>> {
    let Some(node) = block.get("aliases") else {
        return Some(vec![]);
    };
    let read = || {
        let mut aliases = Vec::new();
        for (alias, by_rule) in node.map()? {
            let mut fields = Vec::new();
            for (rule, field) in by_rule.map()? {
                let rule = Reference {
                    at: Place(rule.at),
                    name: rule.text.clone(),
                };
                fields.push((rule, field.text()?.to_owned()));
            }
            aliases.push((alias.text.clone(), fields));
        }
        Some(aliases)
    };
    let aliases = read();
    if aliases.is_none() {
        findings
            .error(codes::WRONG_TYPE, node.at, "`aliases` is a map of maps")
            .help("aliases: {ip: {rule_a: source.ip, rule_b: destination.ip}}");
    }
    aliases
}

/// `90m` → milliseconds; at most a year.
pub fn milliseconds(text: &str) -> Option<i64> {
    let unit = match text.chars().last()? {
        's' => 1_000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => return None,
    };
    let count = &text[..text.len() - 1];
    let count: i64 = count
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| count.parse().ok())??;
    count
        .checked_mul(unit)
        .filter(|ms| (1..=MAX_SPAN).contains(ms))
}

fn timespan(block: &Node, findings: &mut Findings<'_>) -> Option<String> {
    let Some(node) = block.get("timespan") else {
        findings.error(
            codes::MISSING_KEY,
            block.at,
            "`correlation.timespan` is missing",
        );
        return None;
    };
    let text = node.text().filter(|t| milliseconds(t).is_some());
    if text.is_none() {
        findings.error(
            codes::BAD_VALUE,
            node.at,
            "a timespan is a whole number of s, m, h or d, at most a year",
        );
    }
    text.map(str::to_owned)
}

type Condition = (Vec<(Bound, f64)>, Vec<String>, Option<f64>);

fn condition(
    block: &Node,
    kind: CorrelationKind,
    findings: &mut Findings<'_>,
) -> Option<Condition> {
    let temporal = matches!(
        kind,
        CorrelationKind::Temporal | CorrelationKind::TemporalOrdered
    );
    let Some(node) = block.get("condition") else {
        if temporal {
            return Some((vec![], vec![], None));
        }
        findings.error(
            codes::MISSING_KEY,
            block.at,
            "`correlation.condition` is missing",
        );
        return None;
    };
    let Some(entries) = node.map() else {
        findings
            .error(
                codes::UNSUPPORTED,
                node.at,
                "the condition of a correlation is a map",
            )
            .help("{gte: 10}");
        return None;
    };
    let (mut bounds, mut percentile) = (Vec::new(), None);
    for (key, value) in entries {
        match (key.text.as_str(), Bound::parse(&key.text), value.number()) {
            ("field", ..) => {}
            ("percentile", _, Some(rank))
                if kind == CorrelationKind::ValuePercentile && (0.0..=100.0).contains(&rank) =>
            {
                percentile = Some(rank);
            }
            (_, Some(bound), Some(number)) => bounds.push((bound, number)),
            (_, Some(_), None) => {
                findings.error(
                    codes::WRONG_TYPE,
                    value.at,
                    format!("`{}` takes a number", key.text),
                );
                return None;
            }
            _ => {
                findings
                    .error(
                        codes::UNKNOWN_KEY,
                        key.at,
                        format!("a condition has no `{}`", key.text),
                    )
                    .help("gt, gte, lt, lte, eq, neq, field");
                return None;
            }
        }
    }
    let fields = texts(node, "field", findings)?;
    let values = !temporal && kind != CorrelationKind::EventCount;
    if values == fields.is_empty() || (fields.len() > 1 && kind != CorrelationKind::ValueCount) {
        let help = if values {
            "name one field; value_count takes several"
        } else {
            "remove it"
        };
        findings
            .error(
                codes::BAD_CORRELATION,
                node.at,
                format!("`field` and `{}` do not go together so", kind.word()),
            )
            .help(help);
        return None;
    }
    if bounds.is_empty() && !temporal {
        findings
            .error(
                codes::BAD_CORRELATION,
                node.at,
                "the condition has no bound",
            )
            .help("gt, gte, lt, lte, eq, neq");
        return None;
    }
    if contradict(&bounds) {
        findings.error(
            codes::BAD_VALUE,
            node.at,
            "no number is within these bounds",
        );
        return None;
    }
    Some((bounds, fields, percentile))
}

/// Whether no number meets all of them.
fn contradict(bounds: &[(Bound, f64)]) -> bool {
    let limits = bounds.iter().map(|(_, limit)| *limit);
    // A number that meets them all stands at a limit, on either side of one, or between two.
    let mut tried: Vec<f64> = limits
        .flat_map(|n| [n.next_down(), n, n.next_up()])
        .collect();
    tried.sort_unstable_by(f64::total_cmp);
    let between: Vec<f64> = tried
        .windows(2)
        .map(|w| f64::midpoint(w[0], w[1]))
        .collect();
    let holds = |n: &f64| bounds.iter().all(|(bound, limit)| bound.holds(*n, *limit));
    !bounds.is_empty() && !tried.iter().chain(&between).any(holds)
}
