//! Whether a condition can be true, and whether it can be false, whatever a report says.
//!
//! Selections are free variables, but for those that compare one number: of these only such combinations count as some
//! number, or none, gives. Answers are tried one selection after the other, and no further than until the condition is decided.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::rule::{Condition, Group, Item, Rule, Test};

/// Answers that are tried for one question; conditions that people write need a few dozen.
const MAX_STEPS: usize = 10_000;

/// What is known of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    Never,
    Always,
    Depends,
}

/// What is known of all of these conditions of a rule together; that it depends, too, where trying takes too long.
pub(super) fn truth(rule: &Rule, conditions: &[&Condition]) -> Truth {
    let mut used: Vec<usize> = Vec::new();
    for condition in conditions {
        condition.visit(true, &mut |selection, _| {
            if !used.contains(&selection) {
                used.push(selection);
            }
        });
    }
    let mut search = Search {
        conditions,
        choices: choices(rule, &used),
        values: vec![None; rule.selections.len()],
        steps: 0,
    };
    match (search.can_be(true), search.can_be(false)) {
        (Some(false), _) => Truth::Never,
        (_, Some(false)) => Truth::Always,
        _ => Truth::Depends,
    }
}

/// Answers of some selections that go together.
type Answers = Vec<(usize, bool)>;

struct Search<'r> {
    conditions: &'r [&'r Condition],
    /// One of each has to be.
    choices: Vec<Vec<Answers>>,
    /// By selection: its answer, as far as one was tried.
    values: Vec<Option<bool>>,
    steps: usize,
}

impl Search<'_> {
    /// Whether all conditions together can be `wanted`; none when that is not found out in time.
    fn can_be(&mut self, wanted: bool) -> Option<bool> {
        self.steps = 0;
        self.from(0, wanted)
    }

    fn from(&mut self, choice: usize, wanted: bool) -> Option<bool> {
        let all = self.conditions.iter().map(|c| eval(c, &self.values));
        if let Some(decided) = conjunction(all) {
            return Some(decided == wanted);
        }
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return None;
        }
        for option in 0..self.choices[choice].len() {
            for (selection, answer) in &self.choices[choice][option] {
                self.values[*selection] = Some(*answer);
            }
            let found = self.from(choice + 1, wanted);
            for (selection, _) in &self.choices[choice][option] {
                self.values[*selection] = None;
            }
            if found != Some(false) {
                return found;
            }
        }
        Some(false)
    }
}

/// True when all are, false when one is, none as long as that is open.
fn conjunction(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut all = Some(true);
    for part in parts {
        match part {
            Some(false) => return Some(false),
            Some(true) => {}
            None => all = None,
        }
    }
    all
}

fn eval(condition: &Condition, values: &[Option<bool>]) -> Option<bool> {
    let not = |value: Option<bool>| value.map(|v| !v);
    match condition {
        Condition::And(parts) => conjunction(parts.iter().map(|part| eval(part, values))),
        Condition::Or(parts) => not(conjunction(
            parts.iter().map(|part| not(eval(part, values))),
        )),
        Condition::Not(part) => not(eval(part, values)),
        Condition::Selection(selection) => values[*selection],
        Condition::Named(_, part) => eval(part, values),
    }
}

/// What can be answered: for each selection either, for those that compare one number together what some number gives.
fn choices(rule: &Rule, used: &[usize]) -> Vec<Vec<Answers>> {
    let numbers = numbers(rule, used);
    let mut all: Vec<Vec<Answers>> = numbers.values().map(|items| possible(items)).collect();
    let compared: BTreeSet<usize> = numbers.values().flatten().map(|(s, _)| *s).collect();
    let free = used.iter().filter(|s| !compared.contains(s));
    all.extend(free.map(|s| vec![vec![(*s, true)], vec![(*s, false)]]));
    all
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

/// The answers that some number, or the absence of one, gives.
fn possible(items: &[(usize, &Item)]) -> Vec<Answers> {
    let all: Vec<&Item> = items.iter().map(|(_, item)| *item).collect();
    let numbers = samples(&all).into_iter().map(Some).chain([None]);
    let answers = numbers.map(|number| {
        let answer = |(selection, item): &(usize, &Item)| {
            let holds = match (&item.test, number) {
                (Test::Compare { op, value }, Some(number)) => op.holds(number, *value),
                _ => false,
            };
            (*selection, holds)
        };
        items.iter().map(answer).collect()
    });
    answers.collect::<BTreeSet<Answers>>().into_iter().collect()
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::core::diagnostic::SourceFile;
    use crate::core::rule::parse;

    /// A rule with free selections `w0`… and comparisons `n0`… of one number with 0, 1, ….
    fn rule(free: usize, compared: usize, condition: &str) -> Rule {
        let mut text = "title: t\nid: t\ndetection:\n".to_owned();
        for n in 0..free {
            text += &format!("  w{n}: [word{n}]\n");
        }
        for n in 0..compared {
            text += &format!("  n{n}: {{magnitude|gte: {n}}}\n");
        }
        text += &format!("  condition: {condition}\n");
        let mut found = Vec::new();
        let source = SourceFile {
            name: "r.yml".to_owned(),
            text,
        };
        let mut rules = parse(&source, &mut found);
        assert!(found.is_empty(), "{}", found[0]);
        rules.remove(0)
    }

    fn known(free: usize, compared: usize, condition: &str) -> Truth {
        let rule = rule(free, compared, condition);
        truth(&rule, &[&rule.condition])
    }

    #[test]
    fn conditions_over_sixty_selections_are_decided() {
        let words: Vec<String> = (0..60).map(|n| format!("w{n}")).collect();
        let (any, all) = (words.join(" or "), words.join(" and "));
        assert_eq!(known(60, 0, &any), Truth::Depends);
        assert_eq!(
            known(60, 0, &format!("({any}) and not ({any})")),
            Truth::Never
        );
        assert_eq!(known(60, 0, &format!("({all}) or not w59")), Truth::Depends);
        assert_eq!(known(60, 0, &format!("({any}) or not w59")), Truth::Always);
        assert_eq!(
            known(60, 4, &format!("n3 and not n1 and ({any})")),
            Truth::Never
        );
        assert_eq!(
            known(60, 4, &format!("n1 or not n3 or ({all})")),
            Truth::Always
        );
    }

    #[test]
    fn what_takes_too_long_is_not_called_anything() {
        // Eight pigeons in seven holes.
        let at = |pigeon: usize, hole: usize| format!("w{}", pigeon * 7 + hole);
        let mut parts = Vec::new();
        for pigeon in 0..8 {
            let holes: Vec<String> = (0..7).map(|hole| at(pigeon, hole)).collect();
            parts.push(format!("({})", holes.join(" or ")));
            for other in 0..pigeon {
                parts.extend(
                    (0..7).map(|h| format!("not ({} and {})", at(pigeon, h), at(other, h))),
                );
            }
        }
        assert_eq!(known(56, 0, &parts.join(" and ")), Truth::Depends);
    }

    fn conditions() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(vec!["w0", "w1", "w2", "n0", "n1", "n2"]);
        let leaf = leaf.prop_map(str::to_owned);
        leaf.prop_recursive(4, 24, 3, |part| {
            prop_oneof![
                prop::collection::vec(part.clone(), 2..4)
                    .prop_map(|p| format!("({})", p.join(" and "))),
                prop::collection::vec(part.clone(), 2..4)
                    .prop_map(|p| format!("({})", p.join(" or "))),
                part.prop_map(|p| format!("(not {p})")),
            ]
        })
    }

    proptest! {
        #[test]
        fn as_trying_everything(condition in conditions()) {
            let rule = rule(3, 3, &condition);
            let (mut can_hold, mut can_fail) = (false, false);
            for bits in 0..8 {
                for magnitude in [None, Some(-1.0), Some(0.0), Some(1.0), Some(2.0)] {
                    let mut values: Vec<Option<bool>> = (0..3).map(|n| Some(bits >> n & 1 == 1)).collect();
                    values.extend((0..3).map(|n| Some(magnitude.is_some_and(|m| m >= f64::from(n)))));
                    let holds = eval(&rule.condition, &values) == Some(true);
                    can_hold |= holds;
                    can_fail |= !holds;
                }
            }
            let expected = match (can_hold, can_fail) {
                (false, _) => Truth::Never,
                (true, false) => Truth::Always,
                _ => Truth::Depends,
            };
            prop_assert_eq!(truth(&rule, &[&rule.condition]), expected);
        }
    }
}
