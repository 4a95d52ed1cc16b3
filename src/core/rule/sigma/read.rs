//! Sigma files → [`Document`]s.

use super::super::codes;
use super::super::condition::{self, Names};
use super::modifier;
use super::syntax::{Body, Detection, Document, Entry, Group, Place, Scalar, Selection, Value};
use crate::core::diagnostic::{Diagnostic, SourceFile};
use crate::core::rule::Condition;
use crate::core::yaml::{self, At, Data, Findings, Key, Node};

/// Selections of one rule.
const MAX_SELECTIONS: usize = 1_000;
/// What a rule may say its status is.
const STATUS: [&str; 5] = [
    "stable",
    "test",
    "experimental",
    "deprecated",
    "unsupported",
];

/// The documents of a file; findings go to `found`. One with errors is left out.
pub fn read(source: &SourceFile, found: &mut Vec<Diagnostic>) -> Vec<Document> {
    documents(source, found).0
}

/// As [`read`], and how many documents are left out.
pub(super) fn documents(
    source: &SourceFile,
    found: &mut Vec<Diagnostic>,
) -> (Vec<Document>, usize) {
    let mut findings = Findings::new(&source.name);
    let nodes = yaml::parse(&source.text, &mut findings);
    let documents: Vec<Document> = nodes
        .iter()
        .filter_map(|node| document(node, &source.name, &mut findings))
        .collect();
    let bad = nodes.len() - documents.len();
    found.append(&mut findings.list);
    (documents, bad)
}

fn document(node: &Node, file: &str, findings: &mut Findings<'_>) -> Option<Document> {
    let entries = findings.map_of(node, codes::WRONG_TYPE, "a rule")?;
    for (key, _) in entries {
        let help = match key.text.as_str() {
            "action" => "write every document out; `action` is of Sigma 1",
            "tocsin" => "evaluate it with `tocsin replay`: it is about reports, not about events",
            _ => continue,
        };
        findings
            .error(
                codes::UNSUPPORTED,
                key.at,
                format!("`{}` is not evaluated here", key.text),
            )
            .help(help);
        return None;
    }
    let name = text(node, "name", findings)?;
    let id = text(node, "id", findings)?;
    let title = text(node, "title", findings)?;
    if let Some(status) = text(node, "status", findings)?
        && !STATUS.contains(&status.as_str())
    {
        let at = node.get("status").map_or(node.at, |n| n.at);
        findings
            .error(codes::BAD_VALUE, at, format!("`{status}` is not a status"))
            .help(STATUS.join(", "));
        return None;
    }
    if title.is_none() && name.is_none() && id.is_none() {
        findings.error(codes::MISSING_KEY, node.at, "`title` is missing");
        return None;
    }
    let body = body(node, entries, findings)?;
    let title = title.or_else(|| name.clone()).or_else(|| id.clone());
    Some(Document {
        file: file.to_owned(),
        at: Place(node.at),
        title: title.unwrap_or_default(),
        id,
        name,
        body,
    })
}

fn body(node: &Node, entries: &[(Key, Node)], findings: &mut Findings<'_>) -> Option<Body> {
    let kinds = ["detection", "correlation", "filter"];
    let found: Vec<&(Key, Node)> = entries
        .iter()
        .filter(|(key, _)| kinds.contains(&key.text.as_str()))
        .collect();
    match found.as_slice() {
        [(key, block)] if key.text == "detection" => {
            detection(block, &[], findings).map(Body::Rule)
        }
        [(key, block)] if key.text == "filter" => {
            super::read_other::filter(block, findings).map(Body::Filter)
        }
        [(_, block)] => {
            super::read_other::correlation(node, block, findings).map(Body::Correlation)
        }
        [] => {
            findings.error(codes::MISSING_KEY, node.at, "`detection` is missing");
            None
        }
        [_, (key, _), ..] => {
            findings.error(
                codes::BAD_VALUE,
                key.at,
                "a document is a rule, a correlation or a filter, one of them",
            );
            None
        }
    }
}

/// The text under a key: `Some(None)` when there is no such key, `None` after a finding.
#[allow(clippy::option_option)]
pub(super) fn text(node: &Node, key: &str, findings: &mut Findings<'_>) -> Option<Option<String>> {
    match node.get(key) {
        None => Some(None),
        Some(value) if value.is_null() => Some(None),
        Some(value) => {
            let text = value.text().map(str::trim).filter(|t| !t.is_empty());
            if text.is_none() {
                findings.error(codes::WRONG_TYPE, value.at, format!("`{key}` is text"));
            }
            text.map(|t| Some(t.to_owned()))
        }
    }
}

/// Selections and condition of a block; keys in `other` are not selections.
pub(super) fn detection(
    block: &Node,
    other: &[&str],
    findings: &mut Findings<'_>,
) -> Option<Detection> {
    let entries = findings.map_of(block, codes::WRONG_TYPE, "`detection`")?;
    let before = findings.list.len();
    let mut selections = Vec::new();
    for (key, value) in entries {
        match key.text.as_str() {
            "condition" => continue,
            "timeframe" => {
                findings
                    .error(codes::UNSUPPORTED, key.at, "`timeframe` is of Sigma 1")
                    .help("write a correlation with `timespan`");
                continue;
            }
            name if other.contains(&name) => continue,
            _ => {}
        }
        if selections.len() == MAX_SELECTIONS {
            findings.error(
                codes::BAD_VALUE,
                key.at,
                format!("more than {MAX_SELECTIONS} selections"),
            );
            return None;
        }
        // A failed one keeps its name, so that the condition gives no second finding.
        let group = group(value, findings).unwrap_or(Group::Any(vec![]));
        selections.push(Selection {
            name: key.text.clone(),
            group,
        });
    }
    let conditions = conditions(block, &selections, findings)?;
    let failed = findings.list[before..]
        .iter()
        .any(|d| d.gravity == crate::core::diagnostic::Gravity::Error);
    (!failed).then_some(Detection {
        selections,
        conditions,
    })
}

fn conditions(
    block: &Node,
    selections: &[Selection],
    findings: &mut Findings<'_>,
) -> Option<Vec<Condition>> {
    let Some(value) = block.get("condition") else {
        findings.error(codes::MISSING_KEY, block.at, "`condition` is missing");
        return None;
    };
    let names = Names {
        selections: selections.iter().map(|s| s.name.as_str()).collect(),
        ..Names::default()
    };
    let mut used = vec![false; selections.len()];
    let conditions: Vec<Condition> = value
        .items()
        .iter()
        .filter_map(|node| condition::parse(node, &names, &mut used, findings))
        .collect();
    if value.items().is_empty() {
        findings.error(
            codes::BAD_CONDITION,
            value.at,
            "an empty list is no condition",
        );
    }
    (!conditions.is_empty() && conditions.len() == value.items().len()).then_some(conditions)
}

fn group(node: &Node, findings: &mut Findings<'_>) -> Option<Group> {
    match &node.data {
        Data::Map(entries) if entries.is_empty() => {
            findings.error(
                codes::EMPTY_VALUE,
                node.at,
                "an empty map selects everything",
            );
            None
        }
        Data::Map(entries) => {
            let parts: Vec<Option<Group>> =
                entries.iter().map(|(k, v)| entry(k, v, findings)).collect();
            let mut parts: Vec<Group> = parts.into_iter().collect::<Option<_>>()?;
            Some(if parts.len() == 1 {
                parts.remove(0)
            } else {
                Group::All(parts)
            })
        }
        Data::List(items) if items.is_empty() => {
            findings.error(codes::EMPTY_VALUE, node.at, "an empty list selects nothing");
            None
        }
        Data::List(items) if items.iter().all(is_scalar) => {
            keywords(items, node.at, true, findings)
        }
        Data::List(items) => {
            let parts: Vec<Option<Group>> = items
                .iter()
                .map(|item| {
                    if is_scalar(item) {
                        keywords(std::slice::from_ref(item), item.at, false, findings)
                    } else {
                        group(item, findings)
                    }
                })
                .collect();
            Some(Group::Any(parts.into_iter().collect::<Option<_>>()?))
        }
        Data::Scalar { .. } => keywords(std::slice::from_ref(node), node.at, false, findings),
    }
}

fn is_scalar(node: &Node) -> bool {
    matches!(node.data, Data::Scalar { .. })
}

fn keywords(items: &[Node], at: At, list: bool, findings: &mut Findings<'_>) -> Option<Group> {
    Some(Group::Entry(Entry {
        at: Place(at),
        field: None,
        modifiers: vec![],
        values: values(items, at, findings)?,
        list,
    }))
}

fn entry(key: &Key, value: &Node, findings: &mut Findings<'_>) -> Option<Group> {
    let (field, modifiers) = modifier::read(&key.text, key.at, findings)?;
    Some(Group::Entry(Entry {
        at: Place(key.at),
        field,
        modifiers,
        values: values(value.items(), value.at, findings)?,
        list: matches!(value.data, Data::List(_)),
    }))
}

fn values(items: &[Node], at: At, findings: &mut Findings<'_>) -> Option<Vec<Value>> {
    if items.is_empty() {
        findings.error(codes::EMPTY_VALUE, at, "an empty list has no value to meet");
        return None;
    }
    let values: Vec<Option<Value>> = items.iter().map(|node| value(node, findings)).collect();
    values.into_iter().collect()
}

fn value(node: &Node, findings: &mut Findings<'_>) -> Option<Value> {
    let Data::Scalar { text, plain } = &node.data else {
        findings.error(
            codes::WRONG_TYPE,
            node.at,
            format!("a value is text or a number, not {}", node.kind()),
        );
        return None;
    };
    let scalar = if node.is_null() {
        Scalar::Null
    } else if let Some(flag) = node.bool() {
        Scalar::Bool(flag)
    } else if let Some(number) = plain.then(|| number(text)).flatten() {
        Scalar::Number(number, text.clone())
    } else {
        Scalar::Text(text.clone())
    };
    Some(Value {
        at: Place(node.at),
        scalar,
    })
}

/// A number of YAML 1.2's core schema.
fn number(text: &str) -> Option<f64> {
    let radix = |digits: &str, radix| u64::from_str_radix(digits, radix).ok().map(|n| n as f64);
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    super::test::number(text)
}
