//! What stands behind the `:` of a key: values, numbers, names of lexicons and selections, regular expressions.

use std::sync::Arc;

use super::modifiers::Modifiers;
use super::{Entry, MAX_REGEX, MAX_VALUES, MAX_WITHIN, Pending};
use crate::core::rule::ast::{Group, Item, Need, Op, Test};
use crate::core::rule::codes;
use crate::core::rule::pattern::Pattern;
use crate::core::rule::pcre;
use crate::core::yaml::{At, Data, Findings, Node};

pub(super) fn need(
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

pub(super) fn compare(
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
                values: vec![item.at],
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

pub(super) fn near(value: &Node, findings: &mut Findings<'_>) -> Option<Test> {
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

pub(super) fn lexicons(value: &Node, all: bool, findings: &mut Findings<'_>) -> Option<Test> {
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

pub(super) fn regexes(
    value: &Node,
    flags: &str,
    all: bool,
    findings: &mut Findings<'_>,
) -> Option<Test> {
    let mut values = Vec::new();
    for node in value.items() {
        let Some(text) = node.text().filter(|t| !t.is_empty()) else {
            findings.error(codes::EMPTY_VALUE, node.at, "a regular expression is text");
            continue;
        };
        let translated = match pcre::translate(text, flags.contains('m')) {
            Ok(translated) => translated,
            Err(why) => {
                findings.error(codes::BAD_REGEX, node.at, why);
                continue;
            }
        };
        let mut builder = regex::RegexBuilder::new(&translated);
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

pub(super) fn values(items: &[Node], at: At, findings: &mut Findings<'_>) -> Option<Vec<Pattern>> {
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
            _ if node.is_null() && items.len() > 1 => {
                let message = "`null` cannot stand in a list of values";
                let finding = findings.error(codes::WRONG_TYPE, node.at, message);
                finding.help("make a selection of its own of it");
            }
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
