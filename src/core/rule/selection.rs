//! The `detection` block: selections, entries, modifiers.

mod modifiers;
mod values;

use modifiers::modifiers;
use values::{compare, lexicons, near, need, regexes, values};

use super::ast::{Group, How, Item, Need, Selection, Test};
use super::codes;
use crate::core::yaml::{At, Data, Findings, Key, Node};

/// Selections of one rule.
pub(super) const MAX_SELECTIONS: usize = 64;
/// Values of one entry.
pub(super) const MAX_VALUES: usize = 100_000;
/// Largest `within` of `near`, units.
pub(super) const MAX_WITHIN: u32 = 1_000;
/// Compiled size of one regular expression, bytes.
const MAX_REGEX: usize = 1 << 20;

/// Reads every selection of a `detection` map; `condition` is the caller's.
pub(super) fn parse(entries: &[(Key, Node)], findings: &mut Findings<'_>) -> Vec<Selection> {
    let mut selections = Vec::new();
    for (key, value) in entries.iter().filter(|(k, _)| k.text != "condition") {
        if key.text == "timeframe" {
            let message = "`timeframe` is of Sigma 1";
            let finding = findings.error(codes::UNSUPPORTED, key.at, message);
            finding.help("write a correlation with `timespan`");
            continue;
        }
        if selections.len() == MAX_SELECTIONS {
            findings.error(
                codes::BAD_VALUE,
                key.at,
                format!("more than {MAX_SELECTIONS} selections"),
            );
            break;
        }
        if let Some(group) = group(value, findings) {
            selections.push(Selection {
                name: key.text.clone(),
                at: key.at,
                group,
            });
        }
    }
    selections
}

fn group(node: &Node, findings: &mut Findings<'_>) -> Option<Group> {
    match &node.data {
        Data::Map(entries) => map(entries, node.at, findings),
        Data::List(items) if items.is_empty() => {
            findings.error(codes::EMPTY_VALUE, node.at, "an empty list selects nothing");
            None
        }
        Data::List(items) if items.iter().all(|i| matches!(i.data, Data::Scalar { .. })) => {
            keywords(items, node.at, false, findings)
        }
        Data::List(items) => {
            let groups: Vec<Group> = items
                .iter()
                .filter_map(|item| match &item.data {
                    Data::Scalar { .. } => {
                        keywords(std::slice::from_ref(item), item.at, false, findings)
                    }
                    _ => group(item, findings),
                })
                .collect();
            (!groups.is_empty()).then_some(Group::Any(groups))
        }
        Data::Scalar { .. } if node.is_null() => {
            findings.error(
                codes::EMPTY_VALUE,
                node.at,
                "the selection has nothing in it",
            );
            None
        }
        Data::Scalar { .. } => keywords(std::slice::from_ref(node), node.at, false, findings),
    }
}

fn keywords(items: &[Node], at: At, all: bool, findings: &mut Findings<'_>) -> Option<Group> {
    let values = values(items, at, findings)?;
    let test = Test::Text {
        how: How::Contains,
        cased: false,
        all,
        values,
        need: Need::default(),
    };
    Some(Group::Item(Item {
        at,
        values: places(items),
        field: None,
        test,
    }))
}

fn places(values: &[Node]) -> Vec<At> {
    values.iter().map(|value| value.at).collect()
}

fn map(entries: &[(Key, Node)], at: At, findings: &mut Findings<'_>) -> Option<Group> {
    if entries.is_empty() {
        findings.error(codes::EMPTY_VALUE, at, "an empty map selects everything");
        return None;
    }
    let mut items = Vec::new();
    let mut needs = Vec::new();
    for (key, value) in entries {
        match entry(key, value, findings) {
            Some(Entry::Group(group)) => items.push(group),
            Some(Entry::Need(need)) => needs.push(need),
            None => {}
        }
    }
    for need in needs {
        apply(&need, &mut items, findings);
    }
    if items.is_empty() {
        return None;
    }
    Some(if items.len() == 1 {
        items.remove(0)
    } else {
        Group::All(items)
    })
}

/// `field|count|gte: 2`, waiting for the entry that it counts.
struct Pending {
    at: At,
    field: String,
    need: Need,
}

enum Entry {
    Group(Group),
    Need(Pending),
}

#[expect(
    clippy::collapsible_match,
    reason = "one pattern of both would be harder to read"
)]
fn apply(pending: &Pending, items: &mut [Group], findings: &mut Findings<'_>) {
    let mut counted = items.iter_mut().filter_map(|group| match group {
        Group::Item(Item { field, test, .. }) if field.as_deref() == Some(&pending.field) => {
            match test {
                Test::Text {
                    how: How::Contains | How::Word,
                    all: false,
                    cased: false,
                    need,
                    ..
                }
                | Test::Lexicon {
                    all: false, need, ..
                } => Some(need),
                _ => None,
            }
        }
        _ => None,
    });
    if let (Some(need), None) = (counted.next(), counted.next()) {
        need.count = need.count.max(pending.need.count);
        need.weight = need.weight.max(pending.need.weight);
    } else {
        let message = "`count` and `weight` stand beside exactly one entry with `lexicon`, `contains` or `word` on the same field";
        findings.error(codes::BAD_COUNT, pending.at, message);
    }
}

fn entry(key: &Key, value: &Node, findings: &mut Findings<'_>) -> Option<Entry> {
    let (field, modifiers) = modifiers(key, findings)?;
    let at = key.at;
    let item = |field: String, test: Test| {
        let field = (!field.is_empty() && field != "keywords").then_some(field);
        let values = places(value.items());
        Some(Entry::Group(Group::Item(Item {
            at,
            values,
            field,
            test,
        })))
    };
    if modifiers.count || modifiers.weight {
        return need(at, field, &modifiers, value, findings).map(Entry::Need);
    }
    if modifiers.near || field == "near" {
        let field = if field == "near" {
            "any".to_owned()
        } else {
            field
        };
        return item(field, near(value, findings)?);
    }
    if modifiers.lexicon {
        return item(field, lexicons(value, modifiers.all, findings)?);
    }
    if modifiers.exists {
        let Some(exists) = value.bool() else {
            findings.error(codes::BAD_VALUE, value.at, "`exists` is true or false");
            return None;
        };
        return item(field, Test::Exists(exists));
    }
    if let Some(op) = modifiers.op {
        return compare(&field, at, op, value, findings);
    }
    if let Some(flags) = &modifiers.regex {
        return item(field, regexes(value, flags, modifiers.all, findings)?);
    }
    let values = values(value.items(), value.at, findings)?;
    let how = modifiers
        .how
        .unwrap_or(if field.is_empty() || field == "keywords" {
            How::Contains
        } else {
            How::Equals
        });
    item(
        field,
        Test::Text {
            how,
            cased: modifiers.cased,
            all: modifiers.all,
            values,
            need: Need::default(),
        },
    )
}
