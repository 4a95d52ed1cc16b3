//! Plain Sigma rules over JSON events: raw values, Sigma's simple case-insensitivity, no normalisation.
//!
//! For `rules eval` and benchmarks; `run` refuses them. Every condition is evaluated as it stands, without an index.

use serde_json::Value;

use super::ast::{Condition, Group, How, Item, Op, Rule, Test};
use super::pattern::Pattern;
use super::{codes, parse};
use crate::core::diagnostic::{Diagnostic, Gravity, SourceFile};
use crate::core::yaml::Findings;

/// Plain rules, ready to evaluate.
#[derive(Debug)]
pub struct PlainRules {
    rules: Vec<Rule>,
}

impl PlainRules {
    /// Reads rules; all errors at once. A construct that needs Tocsin's lexicons or `near` is one.
    pub fn compile(files: &[SourceFile]) -> Result<Self, Vec<Diagnostic>> {
        let mut found = Vec::new();
        let mut rules: Vec<Rule> = files
            .iter()
            .flat_map(|file| parse(file, &mut found))
            .collect();
        for rule in &mut rules {
            let mut findings = Findings::new(&rule.file);
            for selection in &mut rule.selections {
                prepare(&mut selection.group, &mut findings);
            }
            found.append(&mut findings.list);
        }
        if found.iter().any(|d| d.gravity == Gravity::Error) {
            return Err(found);
        }
        Ok(Self { rules })
    }

    /// The rules, in the order of the files.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Indices of the rules that match an event.
    pub fn matches(&self, event: &Value) -> Vec<usize> {
        let fires = |rule: &Rule| {
            condition(&rule.condition, &|selection| {
                group(&rule.selections[selection].group, event)
            })
        };
        self.rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| fires(rule))
            .map(|(index, _)| index)
            .collect()
    }
}

/// Folds the literals of patterns without `cased`.
fn prepare(group: &mut Group, findings: &mut Findings<'_>) {
    match group {
        Group::All(groups) | Group::Any(groups) => {
            groups.iter_mut().for_each(|g| prepare(g, findings));
        }
        Group::Item(item) => match &mut item.test {
            Test::Text {
                cased: false,
                values,
                ..
            } => {
                for value in values {
                    *value = value.map(fold);
                }
            }
            Test::Lexicon { .. } | Test::Near { .. } => {
                findings.error(
                    codes::UNSUPPORTED,
                    item.at,
                    "a plain rule has no lexicons and no `near`",
                );
            }
            _ => {}
        },
    }
}

/// Simple case folding, near enough: each character alone, to one character.
fn fold(text: &str) -> String {
    let one = |c: char| {
        let mut lower = c.to_lowercase();
        match (lower.next(), lower.next()) {
            (Some(l), None) => l,
            _ => c,
        }
    };
    text.chars().map(one).collect()
}

fn condition(expr: &Condition, holds: &impl Fn(usize) -> bool) -> bool {
    match expr {
        Condition::And(parts) => parts.iter().all(|p| condition(p, holds)),
        Condition::Or(parts) => parts.iter().any(|p| condition(p, holds)),
        Condition::Not(part) => !condition(part, holds),
        Condition::Selection(index) => holds(*index),
    }
}

fn group(of: &Group, event: &Value) -> bool {
    match of {
        Group::All(groups) => groups.iter().all(|g| group(g, event)),
        Group::Any(groups) => groups.iter().any(|g| group(g, event)),
        Group::Item(it) => item(it, event),
    }
}

fn item(item: &Item, event: &Value) -> bool {
    let Some(field) = item.field.as_deref() else {
        return keywords(&item.test, event);
    };
    let values = values(field, event);
    match &item.test {
        Test::Exists(wanted) => values.is_empty() != *wanted,
        Test::Text {
            how,
            cased,
            all,
            values: patterns,
            ..
        } => {
            let one = |pattern: &Pattern| {
                if pattern.null {
                    values.iter().all(|v| v.is_null())
                } else {
                    values.iter().any(|v| text(pattern, *how, *cased, v))
                }
            };
            if *all {
                patterns.iter().all(one)
            } else {
                patterns.iter().any(one)
            }
        }
        Test::Regex {
            values: expressions,
            all,
        } => {
            let one = |(_, regex): &(_, regex::Regex)| {
                values
                    .iter()
                    .any(|v| rendered(v).is_some_and(|v| regex.is_match(&v)))
            };
            if *all {
                expressions.iter().all(one)
            } else {
                expressions.iter().any(one)
            }
        }
        Test::Compare { op: Op::Neq, value } => values.iter().all(|v| number(v) != Some(*value)),
        Test::Compare { op, value } => values
            .iter()
            .any(|v| number(v).is_some_and(|n| op.holds(n, *value))),
        Test::Lexicon { .. } | Test::Near { .. } => false,
    }
}

/// Values under a name: the flat name, else along its dots; each element of an array.
fn values<'e>(field: &str, event: &'e Value) -> Vec<&'e Value> {
    let found = event
        .get(field)
        .or_else(|| field.split('.').try_fold(event, |at, part| at.get(part)));
    match found {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(value) => vec![value],
        None => vec![],
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A value as text; none for null, lists and maps.
fn rendered(value: &Value) -> Option<std::borrow::Cow<'_, str>> {
    match value {
        Value::String(text) => Some(text.as_str().into()),
        Value::Number(number) => Some(number.to_string().into()),
        Value::Bool(flag) => Some(if *flag { "true" } else { "false" }.into()),
        _ => None,
    }
}

fn text(pattern: &Pattern, how: How, cased: bool, value: &Value) -> bool {
    if let (Some(wanted), Value::Number(found)) = (pattern.number, value) {
        return how == How::Equals && found.as_f64() == Some(wanted);
    }
    rendered(value).is_some_and(|value| {
        if cased {
            pattern.matches(how, &value)
        } else {
            pattern.matches(how, &fold(&value))
        }
    })
}

/// Keywords: in any value of the event, at any depth.
fn keywords(test: &Test, event: &Value) -> bool {
    let Test::Text {
        how,
        cased,
        all,
        values,
        ..
    } = test
    else {
        return false;
    };
    let one = |pattern: &Pattern| anywhere(event, &mut |value| text(pattern, *how, *cased, value));
    if *all {
        values.iter().all(one)
    } else {
        values.iter().any(one)
    }
}

fn anywhere(value: &Value, test: &mut impl FnMut(&Value) -> bool) -> bool {
    match value {
        Value::Object(map) => map.values().any(|v| anywhere(v, test)),
        Value::Array(items) => items.iter().any(|v| anywhere(v, test)),
        value => test(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fires(detection: &str, event: &Value) -> bool {
        let text = format!("title: t\nid: i\nlogsource: {{category: x}}\ndetection:\n{detection}");
        let file = SourceFile {
            name: "r.yml".into(),
            text,
        };
        let rules = PlainRules::compile(&[file]).unwrap_or_else(|e| panic!("{}", e[0]));
        !rules.matches(event).is_empty()
    }

    #[test]
    fn values_are_raw_and_case_is_simple() {
        let event = json!({"Image": "C:\\Windows\\CMD.exe", "n": 5, "a": {"b": ["x", "Y"]}, "nothing": null});
        for (detection, expected) in [
            ("  s: {Image|endswith: '\\cmd.EXE'}\n  condition: s", true),
            (
                "  s: {Image|endswith|cased: '\\cmd.EXE'}\n  condition: s",
                false,
            ),
            ("  s: {a.b: y}\n  condition: s", true),
            ("  s: {n: 5}\n  condition: s", true),
            ("  s: {n|gt: 5}\n  condition: s", false),
            ("  s: {nothing: null, gone: null}\n  condition: s", true),
            ("  s: {gone|exists: false}\n  condition: s", true),
            ("  s: [windows]\n  condition: s", true),
            ("  s: ['win*cmd']\n  condition: not s", false),
            (
                "  s: {Image|re: 'CMD\\.'}\n  t: {Image|re|i: '^c:'}\n  condition: all of them",
                true,
            ),
            ("  s: {Image|contains: ＣＭＤ}\n  condition: s", false),
        ] {
            assert_eq!(fires(detection, &event), expected, "{detection}");
        }
    }
}
