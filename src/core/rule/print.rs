//! [`Rule`]s as YAML again, and in pieces: what is printed and read once more is the same rule.
//!
//! Invariant: a rule is printed as what it means: what it extends is written out. What says nothing to the evaluation
//! (description, level, tags …) is not kept, and so not printed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::ast::{
    Addition, Condition, Group, How, Item, Need, Op, Rule, RuleStatus, Selection, Test, Tocsin,
};
use super::sigma;
use crate::core::model::{Bound, GrowthLine, ScoreLine, Urgency};

/// An entry of a selection: its key with modifiers, and its values in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub struct Entry {
    pub key: String,
    pub values: Vec<String>,
    /// How the values are written: as numbers and words of YAML, else quoted.
    plain: Vec<bool>,
}

/// A rule as a YAML document, without `---`. Names of selections have to be such as a condition can call.
pub fn print(rule: &Rule) -> String {
    let mut out = String::new();
    let status = match rule.status {
        RuleStatus::Live => "stable",
        RuleStatus::Shadow => "test",
        RuleStatus::Off => "deprecated",
    };
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "title: {}\nid: {}\nstatus: {status}\ndetection:",
        quoted(&rule.title),
        quoted(&rule.id)
    );
    for selection in &rule.selections {
        let _ = write!(out, "  {}:", quoted(&selection.name));
        group(&selection.group, 2, &mut out);
    }
    let _ = writeln!(
        out,
        "  condition: {}",
        quoted(&named_text(&rule.condition, &rule.selections))
    );
    if let Some(tocsin) = &rule.tocsin {
        block(tocsin, rule, &mut out);
    }
    out
}

fn named_text(condition: &Condition, selections: &[Selection]) -> String {
    let names: Vec<&str> = selections.iter().map(|s| s.name.as_str()).collect();
    sigma::named_condition(condition, &names)
}

/// The named conditions of a rule.
pub(super) fn named(rule: &Rule) -> BTreeMap<&str, &Condition> {
    let mut all = BTreeMap::new();
    called(&rule.condition, &mut all);
    for addition in rule.tocsin.iter().flat_map(|tocsin| &tocsin.add) {
        if let Addition::When { condition, .. } = addition {
            called(condition, &mut all);
        }
    }
    all
}

/// Conditions that a condition names, and those that they name.
fn called<'c>(condition: &'c Condition, all: &mut BTreeMap<&'c str, &'c Condition>) {
    match condition {
        Condition::And(parts) | Condition::Or(parts) => {
            parts.iter().for_each(|part| called(part, all));
        }
        Condition::Not(part) => called(part, all),
        Condition::Selection(_) => {}
        Condition::Named(name, part) => {
            if all.insert(name, part).is_none() {
                called(part, all);
            }
        }
    }
}

/// A condition in the words of a rule; of a named one what it says.
pub fn condition_text(condition: &Condition, selections: &[Selection]) -> String {
    let names: Vec<&str> = selections.iter().map(|s| s.name.as_str()).collect();
    sigma::condition_text(condition, &names)
}

fn quoted(text: &str) -> String {
    sigma::quoted(text)
}

/// After `name:` or `-`: entries or a list, one level deeper.
fn group(of: &Group, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    let mut keys = BTreeSet::new();
    let lists: Vec<&Group> = match of {
        Group::Any(parts) if compared(of).is_none() => parts.iter().collect(),
        _ => Vec::new(),
    };
    out.push('\n');
    for part in lists {
        let _ = write!(out, "{indent}-");
        group(part, depth + 1, out);
    }
    for part in entries(of) {
        let mut key = part.key;
        // Two keys of one meaning in a map: spaces around modifiers mean nothing.
        while !keys.insert(key.clone()) {
            key.push(' ');
        }
        let mut values = part.values.iter().zip(&part.plain).map(|(value, plain)| {
            if *plain { value.clone() } else { quoted(value) }
        });
        let _ = match (values.len(), values.next()) {
            (1, Some(only)) => writeln!(out, "{indent}{}: {only}", quoted(&key)),
            (_, first) => {
                let all: Vec<String> = first.into_iter().chain(values).collect();
                writeln!(out, "{indent}{}: [{}]", quoted(&key), all.join(", "))
            }
        };
    }
}

/// The entries of a map, or the one entry that a group is; none of a list.
pub fn entries(of: &Group) -> Vec<Entry> {
    if let Some(entry) = compared(of) {
        return vec![entry];
    }
    match of {
        Group::Item(one) => item(one),
        Group::All(parts) => parts.iter().flat_map(entries).collect(),
        Group::Any(_) => Vec::new(),
    }
}

/// `field|gte: 5` or `field|neq: [1, 2]`, which are read as groups.
fn compared(of: &Group) -> Option<Entry> {
    let (parts, all) = match of {
        Group::Any(parts) => (parts, false),
        Group::All(parts) => (parts, true),
        Group::Item(_) => return None,
    };
    let mut entry: Option<(Op, &Option<String>)> = None;
    let mut values = Vec::new();
    for part in parts {
        let Group::Item(Item {
            field,
            test: Test::Compare { op, value },
            ..
        }) = part
        else {
            return None;
        };
        if (*op == Op::Neq) != all || *entry.get_or_insert((*op, field)) != (*op, field) {
            return None;
        }
        values.push(value.to_string());
    }
    let (op, field) = entry?;
    Some(plain(
        format!("{}|{}", name(field.as_ref()), word(op)),
        values,
    ))
}

fn word(op: Op) -> &'static str {
    match op {
        Op::Lt => "lt",
        Op::Lte => "lte",
        Op::Gt => "gt",
        Op::Gte => "gte",
        Op::Neq => "neq",
    }
}

fn name(field: Option<&String>) -> &str {
    field.map_or("keywords", String::as_str)
}

fn plain(key: String, values: Vec<String>) -> Entry {
    let plain = vec![true; values.len()];
    Entry { key, values, plain }
}

fn text(key: String, values: Vec<String>) -> Entry {
    let plain = vec![false; values.len()];
    Entry { key, values, plain }
}

fn item(of: &Item) -> Vec<Entry> {
    let field = name(of.field.as_ref());
    let all = |all: bool| if all { "|all" } else { "" };
    match &of.test {
        Test::Text {
            how,
            cased,
            all: every,
            values,
            need,
        } => {
            let how = match how {
                How::Equals => "",
                How::Contains => "|contains",
                How::StartsWith => "|startswith",
                How::EndsWith => "|endswith",
                How::Word => "|word",
            };
            let cased = if *cased { "|cased" } else { "" };
            let entry = Entry {
                key: format!("{field}{how}{cased}{}", all(*every)),
                values: values.iter().map(|v| v.source.to_string()).collect(),
                plain: values
                    .iter()
                    .map(|v| v.null || v.number.is_some())
                    .collect(),
            };
            with_need(entry, field, *need)
        }
        Test::Lexicon {
            names,
            all: every,
            need,
        } => {
            let names = names.iter().map(|(name, _)| name.clone()).collect();
            let entry = text(format!("{field}|lexicon{}", all(*every)), names);
            with_need(entry, field, *need)
        }
        Test::Regex {
            flags,
            values,
            all: every,
        } => {
            let flags: String = flags.chars().map(|flag| format!("|{flag}")).collect();
            let values = values.iter().map(|(source, _)| source.to_string());
            let key = format!("{field}|re{flags}{}", all(*every));
            vec![text(key, values.collect())]
        }
        Test::Compare { op, value } => {
            vec![plain(
                format!("{field}|{}", word(*op)),
                vec![value.to_string()],
            )]
        }
        Test::Exists(wanted) => vec![plain(format!("{field}|exists"), vec![wanted.to_string()])],
        Test::Near {
            of: [(a, _), (b, _)],
            within,
        } => {
            let value = format!("{{of: [{}, {}], within: {within}}}", quoted(a), quoted(b));
            vec![plain(format!("{field}|near"), vec![value])]
        }
    }
}

fn with_need(entry: Entry, field: &str, need: Need) -> Vec<Entry> {
    let least = |what: &str, n: u32| plain(format!("{field}|{what}|gte"), vec![n.to_string()]);
    let mut all = vec![entry];
    if need.count > 1 {
        all.push(least("count", need.count));
    }
    if need.weight > 0 {
        all.push(least("weight", need.weight));
    }
    all
}

/// A quiet time in the largest unit that is whole.
fn quiet_text(ms: i64) -> String {
    let units = [(86_400_000, 'd'), (3_600_000, 'h'), (60_000, 'm')];
    let whole = units.into_iter().find(|(unit, _)| ms % unit == 0);
    let (unit, letter) = whole.unwrap_or((1_000, 's'));
    format!("{}{letter}", ms / unit)
}

fn urgency_text(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Past => "Past",
        Urgency::Unknown => "Unknown",
        Urgency::Future => "Future",
        Urgency::Expected => "Expected",
        Urgency::Immediate => "Immediate",
    }
}

fn conditions(rule: &Rule, out: &mut String) {
    let all = named(rule);
    if !all.is_empty() {
        out.push_str("  conditions:\n");
    }
    for (name, condition) in all {
        let text = quoted(&named_text(condition, &rule.selections));
        let _ = writeln!(out, "    {}: {text}", quoted(name));
    }
}

fn block(tocsin: &Tocsin, rule: &Rule, out: &mut String) {
    let selections = &rule.selections;
    let _ = writeln!(
        out,
        "tocsin:\n  hazard: {}\n  tier: {}\n  quiet: {}\n  urgency: {}",
        tocsin.hazard.id(),
        tocsin.tier.id(),
        quiet_text(tocsin.quiet_ms),
        urgency_text(tocsin.urgency)
    );
    if let Some(title) = &tocsin.title_zh {
        let _ = writeln!(out, "  title_zh: {}", quoted(title));
    }
    if !tocsin.growth_tiers.is_empty() {
        let tiers: Vec<&str> = tocsin.growth_tiers.iter().map(|it| it.id()).collect();
        let _ = writeln!(out, "  growth_tiers: [{}]", tiers.join(", "));
    }
    if let Some((replaced, _)) = &tocsin.replaces {
        let _ = writeln!(out, "  replaces: {}", quoted(replaced));
    }
    if !tocsin.departments.is_empty() {
        out.push_str("  departments:\n");
    }
    for (department, _) in &tocsin.departments {
        let _ = writeln!(
            out,
            "    - {{id: {}, required: {}}}",
            quoted(&department.id),
            department.required
        );
    }
    conditions(rule, out);
    let _ = writeln!(
        out,
        "  score:\n    base: {}\n    {}",
        tocsin.base.points,
        because(&tocsin.base, "\n    ")
    );
    if !tocsin.add.is_empty() {
        out.push_str("    add:\n");
    }
    for addition in &tocsin.add {
        let own = addition.line();
        let (line, asked) = match addition {
            Addition::When {
                condition, line, ..
            } => {
                let when = quoted(&named_text(condition, selections));
                (line, format!("when: {when}, points: {}", line.points))
            }
            Addition::Weight { selection, line } => {
                let of = Condition::Selection(*selection);
                let name = quoted(&condition_text(&of, selections));
                (line, format!("weight_of: {name}, up_to: {}", line.points))
            }
            Addition::Growth(line) => {
                let asked = growth_text(line);
                (&own, format!("when: {{{asked}}}, points: {}", line.points))
            }
        };
        let _ = writeln!(out, "      - {{{asked}, {}}}", because(line, ", "));
    }
}

/// The bounds of a line on growth, as a rule writes them.
pub fn growth_text(line: &GrowthLine) -> String {
    let bounds = line.bounds.iter().map(|(field, bound, limit)| match bound {
        Bound::Eq => format!("{}: {limit}", field.word()),
        _ => format!("{}|{}: {limit}", field.word(), bound.word()),
    });
    bounds.collect::<Vec<_>>().join(", ")
}

fn because(line: &ScoreLine, between: &str) -> String {
    let mut text = format!("because: {}", quoted(&line.because));
    if let Some(zh) = &line.because_zh {
        let _ = write!(text, "{between}because_zh: {}", quoted(zh));
    }
    text
}
