//! Whether a condition can be true, and whether it can be false, whatever a report says.
//!
//! Selections are free variables, but for those that compare one number: of these only such combinations count as some
//! number, or none, gives.

use std::collections::BTreeMap;

use crate::core::rule::{Condition, Group, Item, Rule, Test};

/// Selections up to which every combination is tried.
const MAX_SELECTIONS: usize = 16;

/// What is known of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    Never,
    Always,
    Depends,
}

/// What is known of all of these conditions of a rule together.
pub(super) fn truth(rule: &Rule, conditions: &[&Condition]) -> Truth {
    let mut used: Vec<usize> = Vec::new();
    for condition in conditions {
        condition.visit(true, &mut |selection, _| used.push(selection));
    }
    used.sort_unstable();
    used.dedup();
    if used.len() > MAX_SELECTIONS {
        return Truth::Depends;
    }
    let numbers = numbers(rule, &used);
    let (mut can_hold, mut can_fail) = (false, false);
    for bits in 0..1_u32 << used.len() {
        let value = |selection: usize| {
            used.binary_search(&selection)
                .is_ok_and(|at| bits >> at & 1 == 1)
        };
        if !numbers.values().all(|items| is_possible(items, &value)) {
            continue;
        }
        let holds = conditions.iter().all(|condition| eval(condition, &value));
        can_hold |= holds;
        can_fail |= !holds;
        if can_hold && can_fail {
            return Truth::Depends;
        }
    }
    if can_hold {
        Truth::Always
    } else {
        Truth::Never
    }
}

fn eval(condition: &Condition, value: &impl Fn(usize) -> bool) -> bool {
    match condition {
        Condition::And(parts) => parts.iter().all(|part| eval(part, value)),
        Condition::Or(parts) => parts.iter().any(|part| eval(part, value)),
        Condition::Not(part) => !eval(part, value),
        Condition::Selection(selection) => value(*selection),
    }
}

/// By field: selections that are one comparison of it.
fn numbers<'r>(rule: &'r Rule, used: &[usize]) -> BTreeMap<&'r str, Vec<(usize, &'r Item)>> {
    let mut by_field: BTreeMap<&str, Vec<(usize, &Item)>> = BTreeMap::new();
    for selection in used {
        if let Group::Item(item) = only(&rule.selections[*selection].group)
            && matches!(item.test, Test::Compare { .. })
        {
            let field = item.field.as_deref().unwrap_or_default();
            by_field.entry(field).or_default().push((*selection, item));
        }
    }
    by_field
}

/// The group, or the one part that it has.
pub(super) fn only(mut group: &Group) -> &Group {
    while let Group::All(parts) | Group::Any(parts) = group
        && let [one] = &parts[..]
    {
        group = one;
    }
    group
}

/// Whether some number, or the absence of one, gives exactly these answers.
fn is_possible(items: &[(usize, &Item)], value: &impl Fn(usize) -> bool) -> bool {
    let all: Vec<&Item> = items.iter().map(|(_, item)| *item).collect();
    let fits = |number: Option<f64>| {
        items.iter().all(|(selection, item)| {
            let holds = match (&item.test, number) {
                (Test::Compare { op, value }, Some(number)) => op.holds(number, *value),
                _ => false,
            };
            holds == value(*selection)
        })
    };
    fits(None) || samples(&all).into_iter().any(|number| fits(Some(number)))
}

/// A number on, below and above each that is compared with.
pub(super) fn samples(items: &[&Item]) -> Vec<f64> {
    let mut bounds: Vec<f64> = items
        .iter()
        .filter_map(|item| match item.test {
            Test::Compare { value, .. } => Some(value),
            _ => None,
        })
        .collect();
    bounds.sort_by(f64::total_cmp);
    let mut samples: Vec<f64> = bounds
        .windows(2)
        .map(|pair| f64::midpoint(pair[0], pair[1]))
        .collect();
    samples.extend(bounds.first().map(|lowest| lowest - 1.0));
    samples.extend(bounds.last().map(|highest| highest + 1.0));
    samples.extend(bounds);
    samples
}
