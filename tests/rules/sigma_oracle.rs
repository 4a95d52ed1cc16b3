//! The naive evaluator of Sigma rules: every test of every rule, on the event as `serde_json` has it.

use serde_json::Value;
use tocsin::core::rule::Condition;
use tocsin::core::rule::sigma::compile::{Tree, asked};
use tocsin::core::rule::sigma::lower::Asked;
use tocsin::core::rule::sigma::syntax::{Body, Document};
use tocsin::core::rule::sigma::test::Leaf;
use tocsin::core::rule::sigma::{Options, Test};
use tocsin::core::yaml::Findings;

/// One rule.
pub(crate) struct Oracle {
    conditions: Vec<Condition>,
    trees: Vec<Tree>,
}

impl Oracle {
    /// None where the document is no rule, or one that is not evaluated.
    pub(crate) fn new(document: &Document) -> Option<Self> {
        let Body::Rule(detection) = &document.body else {
            return None;
        };
        let trees = asked(detection, &Options::default(), &mut Findings::new("f"))?;
        let conditions = detection.conditions.clone();
        Some(Self { conditions, trees })
    }

    /// Whether the rule fires on an event.
    pub(crate) fn fires(&self, event: &Value) -> bool {
        self.conditions
            .iter()
            .any(|c| condition(c, &self.trees, event))
    }
}

fn condition(of: &Condition, trees: &[Tree], event: &Value) -> bool {
    match of {
        Condition::And(parts) => parts.iter().all(|p| condition(p, trees, event)),
        Condition::Or(parts) => parts.iter().any(|p| condition(p, trees, event)),
        Condition::Not(part) => !condition(part, trees, event),
        Condition::Named(_, part) => condition(part, trees, event),
        Condition::Selection(index) => tree(&trees[*index], event),
    }
}

fn tree(of: &Tree, event: &Value) -> bool {
    match of {
        Tree::All(parts) => parts.iter().all(|p| tree(p, event)),
        Tree::Any(parts) => parts.iter().any(|p| tree(p, event)),
        Tree::Asked(asked) => entry(asked, event),
    }
}

fn entry(asked: &Asked, event: &Value) -> bool {
    let texts = numbers(event);
    let leaves = match &asked.field {
        Some(name) => field(name, event, &texts),
        None => everything(event, &texts),
    };
    let other = |name: &str| field(name, event, &texts);
    asked.holds(!leaves.is_empty(), |tests| {
        tests.iter().any(|test| match test {
            Test::Exists(wanted) => leaves.is_empty() != *wanted,
            test if leaves.is_empty() => test.holds_absent(),
            test => leaves.iter().any(|leaf| test.holds(*leaf, &other)),
        })
    })
}

/// Texts of all numbers, since leaves borrow them.
fn numbers(event: &Value) -> Vec<(Value, String)> {
    match event {
        Value::Number(number) => vec![(event.clone(), number.to_string())],
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        Value::Object(map) => map.values().flat_map(numbers).collect(),
        _ => vec![],
    }
}

fn leaf<'e>(value: &'e Value, texts: &'e [(Value, String)]) -> Leaf<'e> {
    match value {
        Value::Null => Leaf::Null,
        Value::Bool(flag) => Leaf::Bool(*flag),
        Value::Number(_) => texts
            .iter()
            .find(|(n, _)| n == value)
            .map_or(Leaf::Null, |(_, text)| Leaf::Number(text)),
        Value::String(text) => Leaf::Text(text),
        Value::Array(_) | Value::Object(_) => Leaf::Branch,
    }
}

fn flat(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) if !items.is_empty() => items.iter().flat_map(flat).collect(),
        value => vec![value],
    }
}

fn field<'e>(name: &str, event: &'e Value, texts: &'e [(Value, String)]) -> Vec<Leaf<'e>> {
    fn walk<'e>(values: Vec<&'e Value>, part: &str) -> Vec<&'e Value> {
        values
            .into_iter()
            .filter_map(|v| v.get(part))
            .flat_map(flat)
            .collect()
    }
    let found = match event.get(name) {
        Some(value) => flat(value),
        None => name.split('.').fold(vec![event], walk),
    };
    found.into_iter().map(|v| leaf(v, texts)).collect()
}

fn everything<'e>(event: &'e Value, texts: &'e [(Value, String)]) -> Vec<Leaf<'e>> {
    match event {
        Value::Object(map) => map.values().flat_map(|v| everything(v, texts)).collect(),
        Value::Array(items) => items.iter().flat_map(|v| everything(v, texts)).collect(),
        value => vec![leaf(value, texts)],
    }
}
