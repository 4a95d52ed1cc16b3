//! The `detection` block: selections, entries, modifiers.

use std::sync::Arc;

use super::ast::{Group, How, Item, Need, Op, Selection, Test};
use super::codes;
use super::pattern::Pattern;
use crate::core::yaml::{At, Data, Findings, Key, Node};

/// Selections of one rule.
pub(super) const MAX_SELECTIONS: usize = 64;
/// Values of one entry.
pub(super) const MAX_VALUES: usize = 100_000;
/// Largest `within` of `near`, units.
pub(super) const MAX_WITHIN: u32 = 1_000;
/// Compiled size of one regular expression, bytes.
const MAX_REGEX: usize = 1 << 20;

/// Reads every selection of a `detection` map; `condition` and `timeframe` are the caller's.
pub(super) fn parse(entries: &[(Key, Node)], findings: &mut Findings<'_>) -> Vec<Selection> {
    let mut selections = Vec::new();
    for (key, value) in entries
        .iter()
        .filter(|(k, _)| !matches!(k.text.as_str(), "condition" | "timeframe"))
    {
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
        field: None,
        test,
    }))
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

/// The modifiers of a key.
#[derive(Default)]
struct Modifiers {
    how: Option<How>,
    op: Option<Op>,
    all: bool,
    cased: bool,
    exists: bool,
    lexicon: bool,
    count: bool,
    weight: bool,
    near: bool,
    /// Flags of a regular expression, when it is one.
    regex: Option<String>,
}

fn modifiers(key: &Key, findings: &mut Findings<'_>) -> Option<(String, Modifiers)> {
    let mut parts = key.text.split('|');
    let field = parts.next().unwrap_or("").trim().to_owned();
    let mut read = Modifiers::default();
    for part in parts {
        match part.trim() {
            "contains" => read.how = Some(How::Contains),
            "startswith" => read.how = Some(How::StartsWith),
            "endswith" => read.how = Some(How::EndsWith),
            "word" => read.how = Some(How::Word),
            "all" => read.all = true,
            "cased" => read.cased = true,
            "exists" => read.exists = true,
            "lexicon" => read.lexicon = true,
            "count" => read.count = true,
            "weight" => read.weight = true,
            "near" => read.near = true,
            "re" => read.regex = Some(String::new()),
            flag @ ("i" | "m" | "s") if read.regex.is_some() => {
                if let Some(flags) = &mut read.regex {
                    flags.push_str(flag);
                }
            }
            "lt" => read.op = Some(Op::Lt),
            "lte" => read.op = Some(Op::Lte),
            "gt" => read.op = Some(Op::Gt),
            "gte" => read.op = Some(Op::Gte),
            "neq" => read.op = Some(Op::Neq),
            known @ ("base64" | "base64offset" | "utf16" | "utf16le" | "utf16be" | "wide"
            | "windash" | "cidr" | "fieldref" | "expand" | "minute" | "hour" | "day"
            | "week" | "month" | "year") => {
                findings.error(
                    codes::UNSUPPORTED,
                    key.at,
                    format!("the modifier `{known}` is not evaluated"),
                );
                return None;
            }
            other => {
                findings.error(codes::UNKNOWN_MODIFIER, key.at, format!("there is no modifier `{other}`")).help(
                    "contains, startswith, endswith, word, all, cased, re (i, m, s), exists, lt, lte, gt, gte, neq, lexicon, count, weight, near",
                );
                return None;
            }
        }
    }
    let kinds = [
        read.how.is_some(),
        read.op.is_some() && !read.count && !read.weight,
        read.exists,
        read.lexicon,
        read.count,
        read.weight,
        read.near,
        read.regex.is_some(),
    ];
    let kinds = kinds.iter().filter(|k| **k).count();
    let plain_text = kinds == 0 || read.how.is_some();
    if kinds > 1
        || (read.cased && !plain_text)
        || (read.all && !(plain_text || read.lexicon || read.regex.is_some()))
    {
        findings.error(
            codes::BAD_MODIFIERS,
            key.at,
            format!("these modifiers do not go together: `{}`", key.text),
        );
        return None;
    }
    Some((field, read))
}

fn entry(key: &Key, value: &Node, findings: &mut Findings<'_>) -> Option<Entry> {
    let (field, modifiers) = modifiers(key, findings)?;
    let at = key.at;
    let item = |field: String, test: Test| {
        let field = (!field.is_empty() && field != "keywords").then_some(field);
        Some(Entry::Group(Group::Item(Item { at, field, test })))
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

fn need(
    at: At,
    field: String,
    modifiers: &Modifiers,
    value: &Node,
    findings: &mut Findings<'_>,
) -> Option<Pending> {
    let least = value
        .number()
        .filter(|n| n.fract() == 0.0 && (0.0..=100_000.0).contains(n));
    let least = match (least, modifiers.op) {
        (Some(n), Some(Op::Gte)) => n as u32,
        (Some(n), Some(Op::Gt)) => n as u32 + 1,
        _ => {
            findings.error(
                codes::BAD_COUNT,
                at,
                "`count` and `weight` take `gte` or `gt` and a whole number",
            );
            return None;
        }
    };
    let need = if modifiers.count {
        Need {
            count: least,
            weight: 0,
        }
    } else {
        Need {
            count: 1,
            weight: least,
        }
    };
    if least == 0 {
        findings.error(codes::BAD_COUNT, value.at, "counting to 0 is always true");
        return None;
    }
    Some(Pending { at, field, need })
}

fn compare(
    field: &str,
    at: At,
    op: Op,
    value: &Node,
    findings: &mut Findings<'_>,
) -> Option<Entry> {
    let items = value.items();
    let tests: Vec<Group> = items
        .iter()
        .filter_map(|item| {
            let Some(number) = item.number() else {
                findings.error(codes::BAD_VALUE, item.at, "a comparison takes a number");
                return None;
            };
            let test = Test::Compare { op, value: number };
            Some(Group::Item(Item {
                at,
                field: Some(field.to_owned()),
                test,
            }))
        })
        .collect();
    match tests.len() {
        0 => {
            if items.is_empty() {
                findings.error(codes::EMPTY_VALUE, value.at, "a comparison takes a number");
            }
            None
        }
        // Not equal to a list: to none of it.
        _ if op == Op::Neq => Some(Entry::Group(Group::All(tests))),
        _ => Some(Entry::Group(Group::Any(tests))),
    }
}

fn near(value: &Node, findings: &mut Findings<'_>) -> Option<Test> {
    for (key, _) in value.map().unwrap_or_default() {
        if !matches!(key.text.as_str(), "of" | "within") {
            findings
                .error(
                    codes::UNKNOWN_KEY,
                    key.at,
                    format!("`near` has no `{}`", key.text),
                )
                .help("of, within");
        }
    }
    let within = value.get("within").and_then(Node::number);
    let of: Vec<(String, At)> = value
        .get("of")
        .map(Node::items)
        .unwrap_or_default()
        .iter()
        .filter_map(|n| Some((n.text()?.to_owned(), n.at)))
        .collect();
    match (<[(String, At); 2]>::try_from(of), within) {
        (Ok(of), Some(within))
            if within.fract() == 0.0 && (0.0..=f64::from(MAX_WITHIN)).contains(&within) =>
        {
            Some(Test::Near {
                of,
                within: within as u32,
            })
        }
        _ => {
            findings
                .error(
                    codes::BAD_NEAR,
                    value.at,
                    "`near` names two selections and a distance",
                )
                .help(format!(
                    "{{of: [a, b], within: 12}}; within at most {MAX_WITHIN}"
                ));
            None
        }
    }
}

fn lexicons(value: &Node, all: bool, findings: &mut Findings<'_>) -> Option<Test> {
    let names: Vec<(String, At)> = value
        .items()
        .iter()
        .filter_map(|n| Some((n.text()?.to_owned(), n.at)))
        .collect();
    if names.is_empty() || names.len() != value.items().len() {
        findings.error(
            codes::WRONG_TYPE,
            value.at,
            "`lexicon` takes the name of a lexicon, or a list of names",
        );
        return None;
    }
    Some(Test::Lexicon {
        names,
        all,
        need: Need::default(),
    })
}

fn regexes(value: &Node, flags: &str, all: bool, findings: &mut Findings<'_>) -> Option<Test> {
    let mut values = Vec::new();
    for node in value.items() {
        let Some(text) = node.text().filter(|t| !t.is_empty()) else {
            findings.error(codes::EMPTY_VALUE, node.at, "a regular expression is text");
            continue;
        };
        let mut builder = regex::RegexBuilder::new(text);
        builder
            .size_limit(MAX_REGEX)
            .dfa_size_limit(MAX_REGEX)
            .nest_limit(64);
        builder
            .case_insensitive(flags.contains('i'))
            .multi_line(flags.contains('m'))
            .dot_matches_new_line(flags.contains('s'));
        match builder.build() {
            Ok(regex) => values.push((Arc::from(text), regex)),
            Err(error) => {
                let error = error.to_string();
                let last = error
                    .lines()
                    .last()
                    .unwrap_or_default()
                    .trim_start_matches("error: ");
                findings.error(
                    codes::BAD_REGEX,
                    node.at,
                    format!("not a regular expression: {last}"),
                );
            }
        }
    }
    let flags = flags.to_owned();
    (!values.is_empty()).then_some(Test::Regex { flags, values, all })
}

fn values(items: &[Node], at: At, findings: &mut Findings<'_>) -> Option<Vec<Pattern>> {
    if items.is_empty() || items.len() > MAX_VALUES {
        findings.error(
            codes::EMPTY_VALUE,
            at,
            format!("an entry takes 1 to {MAX_VALUES} values"),
        );
        return None;
    }
    let mut patterns = Vec::with_capacity(items.len());
    for node in items {
        match &node.data {
            _ if node.is_null() => patterns.push(Pattern::null()),
            Data::Scalar { text, plain } => {
                let number = if *plain { node.number() } else { None };
                patterns.push(Pattern::parse(text, number));
            }
            _ => {
                findings.error(
                    codes::WRONG_TYPE,
                    node.at,
                    format!("a value is text or a number, not {}", node.kind()),
                );
            }
        }
    }
    (!patterns.is_empty()).then_some(patterns)
}
