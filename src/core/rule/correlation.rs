//! Correlations of the stream, as files have them: Sigma's `correlation:` with a `tocsin:` block.
//!
//! Invariant: what the stream cannot do (it looks into one incident, and adds to its score) is a coded finding, never a silent
//! omission. `rules eval` reads correlations by itself, and does the whole of the specification.

use std::sync::Arc;

use super::ast::{CorrelationRule, RuleStatus};
use super::head::{id, place, status, title};
use super::parse::DESCRIPTIVE;
use super::program::EXTRACTED;
use super::sigma::syntax::CorrelationKind;
use super::sigma::{milliseconds, read_correlation};
use super::{block, codes};
use crate::core::model::{
    Bound, Correlation, CorrelationType, MAX_CORRELATED, MAX_CORRELATION_BECAUSE,
    MAX_CORRELATION_BOUND, MAX_CORRELATION_FIELDS, is_personal,
};
use crate::core::yaml::{Findings, Node};

/// What correlations may be grouped by beside numbers.
const GROUPS: &[&str] = &["feed", "kind"];
/// What `value_count` may count beside these and numbers.
const VALUES: &[&str] = &["source", "place"];
/// What a correlation runs as where the stream cannot.
const EVAL: &str = "without a `tocsin:` block it runs in `rules eval`";

/// A document with `correlation:`.
pub(super) fn parse(
    node: &Node,
    file: &str,
    findings: &mut Findings<'_>,
) -> Option<CorrelationRule> {
    let block = node.get("correlation")?;
    let Some(tocsin) = node.get("tocsin") else {
        findings
            .error(
                codes::PLAIN_RULE,
                node.at,
                "a correlation without `tocsin:` does not run on feeds",
            )
            .help("give it a `tocsin:` block with `score`, or evaluate it with `rules eval`");
        return None;
    };
    for (key, _) in node.map().unwrap_or_default() {
        let known = ["title", "id", "status", "correlation", "tocsin", "generate"];
        if !known.contains(&&*key.text) && !DESCRIPTIVE.contains(&&*key.text) {
            let message = format!("a correlation has no `{}`", key.text);
            findings.error(codes::UNKNOWN_KEY, key.at, message);
        }
    }
    let title = title(node, findings);
    let id = id(node, findings);
    let status = status(node, findings);
    if status == Some(RuleStatus::Shadow) {
        let at = node.get("status").map_or(node.at, |status| status.at);
        findings
            .error(
                codes::UNSUPPORTED,
                at,
                "a correlation does not run as a shadow",
            )
            .help("try it on a corpus with `rules backtest`");
        return None;
    }
    let hazard = tocsin.get("hazard");
    let hazard = hazard.and_then(|node| Some((block::hazard(node, findings)?, node.at)));
    let title_zh = tocsin.get("title_zh");
    let title_zh = title_zh.and_then(|node| block::title_zh(node, findings));
    let score = score(tocsin, title.unwrap_or_default(), findings);
    let id = id?;
    let correlation = body(node, block, id, score, findings)?;
    let calls = block.get("rules").map(Node::items).unwrap_or_default();
    let calls = calls
        .iter()
        .filter_map(|item| Some((item.text()?.trim().into(), item.at)));
    Some(CorrelationRule {
        file: file.to_owned(),
        at: node.at,
        id_at: place(node, "id"),
        title: title?.into(),
        title_zh,
        status: status?,
        calls: calls.collect(),
        hazard,
        correlation,
    })
}

type Score = (i32, String, Option<String>);

/// Keys of `tocsin` that a correlation has.
const OWN: &[&str] = &["hazard", "title_zh", "score"];

/// The line that firing adds.
fn score(tocsin: &Node, title: &str, findings: &mut Findings<'_>) -> Option<Score> {
    let entries = findings.map_of(tocsin, codes::WRONG_TYPE, "`tocsin`")?;
    for (key, _) in entries {
        if OWN.contains(&&*key.text) {
            continue;
        }
        if block::KEYS.contains(&&*key.text) {
            let message = format!("`tocsin.{}` of a correlation is not evaluated", key.text);
            let help = "its rules say it: a correlation adds to the score of their incident";
            findings
                .error(codes::UNSUPPORTED, key.at, message)
                .help(help);
        } else {
            block::unknown(key, &key.text, findings);
        }
    }
    let Some(node) = tocsin.get("score") else {
        findings.error(codes::MISSING_KEY, tocsin.at, "`tocsin.score` is missing");
        return None;
    };
    block::keys(node, block::SCORE, findings);
    if let Some(add) = node.get("add") {
        findings
            .error(
                codes::UNSUPPORTED,
                add.at,
                "a correlation adds one line, and has no `add`",
            )
            .help("write another correlation for more points");
    }
    let Some(base) = node.get("base") else {
        findings.error(codes::MISSING_KEY, node.at, "`score.base` is missing");
        return None;
    };
    let because = |key: &str, findings: &mut Findings<'_>| {
        let value = node.get(key)?;
        let text = value.text().unwrap_or_default().trim();
        if text.chars().nth(MAX_CORRELATION_BECAUSE).is_some() {
            let message = format!("a reason has at most {MAX_CORRELATION_BECAUSE} characters");
            findings.error(codes::BAD_VALUE, value.at, message);
        }
        Some(text.to_owned())
    };
    let points = block::points(base, 0, findings)?;
    let en = because("because", findings).filter(|text| !text.is_empty());
    let en = en.unwrap_or_else(|| title.chars().take(MAX_CORRELATION_BECAUSE).collect());
    Some((points, en, because("because_zh", findings)))
}

fn body(
    document: &Node,
    block: &Node,
    id: &str,
    score: Option<Score>,
    findings: &mut Findings<'_>,
) -> Option<Correlation> {
    let read = read_correlation(document, block, findings)?;
    let before = findings.list.len();
    let of = |key: &str| block.get(key).map_or(block.at, |node| node.at);
    let kind = match read.kind {
        CorrelationKind::EventCount => Some(CorrelationType::EventCount),
        CorrelationKind::ValueCount => Some(CorrelationType::ValueCount),
        CorrelationKind::Temporal => Some(CorrelationType::Temporal),
        CorrelationKind::TemporalOrdered => Some(CorrelationType::TemporalOrdered),
        CorrelationKind::ValueSum
        | CorrelationKind::ValueAvg
        | CorrelationKind::ValuePercentile => None,
    };
    if kind.is_none() {
        let message = format!("`{}` is not evaluated on feeds", read.kind.word());
        findings
            .error(codes::UNSUPPORTED, of("type"), message)
            .help(format!(
                "event_count, value_count, temporal, temporal_ordered; {EVAL}"
            ));
    }
    if !read.aliases.is_empty() {
        findings
            .error(
                codes::UNSUPPORTED,
                of("aliases"),
                "`aliases` are not evaluated on feeds",
            )
            .help("feed, kind and numbers have one name in every report");
    }
    let generate = block.get("generate").or_else(|| document.get("generate"));
    if let Some(generate) = generate.filter(|node| node.bool() == Some(false)) {
        findings
            .error(
                codes::UNSUPPORTED,
                generate.at,
                "its rules detect by themselves all the same",
            )
            .help(
                "remove `generate`: an incident needs the detections that the correlation adds to",
            );
    }
    if read.rules.len() > MAX_CORRELATED {
        let message = format!("a correlation on feeds calls at most {MAX_CORRELATED} rules");
        findings.error(codes::BAD_VALUE, of("rules"), message);
    }
    names(&read.group_by, GROUPS, block.get("group-by"), findings);
    let field = block.get("condition").and_then(|node| node.get("field"));
    names(&read.fields, &[GROUPS, VALUES].concat(), field, findings);
    let bounds = bounds(
        &read.bounds,
        read.rules.len(),
        kind?,
        of("condition"),
        findings,
    );
    let clean = findings.list.len() == before;
    let (points, because, because_zh) = score.filter(|_| clean)?;
    let names = |list: &[String]| list.iter().map(|name| Arc::from(&**name)).collect();
    Some(Correlation {
        id: id.into(),
        kind: kind?,
        rules: Vec::new(),
        group_by: names(&read.group_by),
        fields: names(&read.fields),
        span_ms: milliseconds(&read.timespan)?,
        bounds,
        points,
        because,
        because_zh,
    })
}

/// Names of fields, of a list or of one.
fn names(list: &[String], known: &[&str], node: Option<&Node>, findings: &mut Findings<'_>) {
    let Some(node) = node else { return };
    if list.len() > MAX_CORRELATION_FIELDS {
        let message = format!("more than {MAX_CORRELATION_FIELDS} fields");
        findings.error(codes::BAD_VALUE, node.at, message);
    }
    for (name, item) in list.iter().zip(node.items()) {
        if is_personal(name) {
            findings
                .error(
                    codes::PERSON,
                    item.at,
                    "reports are not grouped by persons: Tocsin watches hazards",
                )
                .help("group by feed, kind or extracted numbers");
        } else if !known.contains(&&**name) && !EXTRACTED.contains(&&**name) {
            findings
                .error(
                    codes::WIDE_CORRELATION,
                    item.at,
                    format!("`{name}` is not known of an incident's reports"),
                )
                .help(format!(
                    "{}; {}; {EVAL}",
                    known.join(", "),
                    EXTRACTED.join(", ")
                ));
        }
    }
}

/// The bounds, where one of them at least can be met; of a temporal correlation without any, all of its rules.
fn bounds(
    read: &[(Bound, f64)],
    rules: usize,
    kind: CorrelationType,
    at: crate::core::yaml::At,
    findings: &mut Findings<'_>,
) -> Vec<(Bound, f64)> {
    let temporal = matches!(
        kind,
        CorrelationType::Temporal | CorrelationType::TemporalOrdered
    );
    let most = if temporal {
        rules as f64
    } else {
        MAX_CORRELATION_BOUND
    };
    let counts = 1..=most as u32;
    let holds = |n: u32| {
        read.iter()
            .all(|(bound, limit)| bound.holds(f64::from(n), *limit))
    };
    if read.len() > MAX_CORRELATION_FIELDS {
        let message = format!("more than {MAX_CORRELATION_FIELDS} bounds");
        findings.error(codes::BAD_VALUE, at, message);
    } else if !read.iter().all(|(_, n)| (0.0..=most).contains(n)) {
        let help = "more events than that are not kept, and a rule counts once";
        let message = format!("a bound on feeds is from 0 to {most} here");
        findings.error(codes::BAD_VALUE, at, message).help(help);
    } else if !counts.into_iter().any(holds) {
        findings.error(codes::BAD_VALUE, at, "no count is within these bounds");
    }
    if temporal && read.is_empty() {
        return vec![(Bound::Gte, rules as f64)];
    }
    read.to_vec()
}
