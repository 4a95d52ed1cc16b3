//! Filters: documents that narrow rules down from files of their own, as Sigma has them.
//!
//! Invariant: a filtered rule is the rule whose condition is its own and that of every filter for it. The selections of a filter stand
//! in the rule under `FILTER: NAME`, which no condition of a file can write; a finding about one of them that shows only with the rule
//! is placed at the rule. A filter for an abstract rule is one for every rule that extends it. Bounded: [`MAX_FILTERS`], [`MAX_CALLS`], [`MAX_COPIED`].

use std::collections::{BTreeMap, BTreeSet};

use super::ast::{Condition, FilterNote, Group, Rule, Selection, Test};
use super::head::title;
use super::parse::{Called, DESCRIPTIVE, Parsed};
use super::prune::{near_uses, renumber};
use super::{block, codes, condition, inherit, print, selection};
use crate::core::diagnostic::Diagnostic;
use crate::core::yaml::{At, Findings, Key, Node};

/// Filters of a set.
const MAX_FILTERS: usize = 1_000;
/// Rules that one filter names.
const MAX_CALLS: usize = 1_000;
/// Selections that all filters of a set bring into its rules.
const MAX_COPIED: usize = 200_000;

/// One filter, not yet against the rules that it is for.
pub(super) struct Filter<'s> {
    file: &'s str,
    at: At,
    id: Option<String>,
    title: String,
    /// Ids or names of rules; `None`: any rule.
    calls: Option<Vec<(String, At)>>,
    selections: Vec<Selection>,
    condition: Condition,
}

/// Reads a document with `filter`.
pub(super) fn read<'s>(
    node: &Node,
    file: &'s str,
    findings: &mut Findings<'_>,
) -> Option<Filter<'s>> {
    for (key, _) in node.map().unwrap_or_default() {
        let known = ["title", "id", "filter"];
        if !known.contains(&&*key.text) && !DESCRIPTIVE.contains(&&*key.text) {
            let message = format!("a filter has no `{}`", key.text);
            findings.error(codes::UNKNOWN_KEY, key.at, message);
        }
    }
    let title = title(node, findings)?.to_owned();
    let block = node.get("filter")?;
    let entries = findings.map_of(block, codes::WRONG_TYPE, "`filter`")?;
    let calls = calls(block, findings)?;
    let own: Vec<(Key, Node)> = entries
        .iter()
        .filter(|(key, _)| key.text != "rules")
        .cloned()
        .collect();
    let selections = selection::parse(&own, findings);
    let Some(value) = block.get("condition") else {
        findings.error(codes::MISSING_KEY, block.at, "`condition` is missing");
        return None;
    };
    let mut used = vec![false; selections.len()];
    let condition = condition::parse(value, &block::names(&selections), &mut used, findings)?;
    for (one, used) in selections.iter().zip(used) {
        if !used && !near_uses(&selections, &one.name) {
            let message = format!("no condition uses `{}`", one.name);
            let finding = findings.warn(codes::UNUSED_SELECTION, one.at, message);
            finding.help("use it or remove it");
        }
    }
    Some(Filter {
        file,
        at: node.at,
        id: inherit::id(node).filter(|id| !id.is_empty()),
        title,
        calls,
        selections,
        condition,
    })
}

/// `rules`: `None` is any rule.
#[allow(clippy::option_option)] // The outer one: whether it could be read.
fn calls(block: &Node, findings: &mut Findings<'_>) -> Option<Option<Vec<(String, At)>>> {
    let Some(rules) = block.get("rules") else {
        let finding = findings.error(codes::MISSING_KEY, block.at, "`filter.rules` is missing");
        finding.help("the ids or names of the rules that it is for, or `any`");
        return None;
    };
    if rules.text().map(str::trim) == Some("any") {
        return Some(None);
    }
    let read = |item: &Node| {
        let name = item.text().map(str::trim).filter(|t| !t.is_empty())?;
        Some((name.to_owned(), item.at))
    };
    let found: Option<Vec<_>> = rules.items().iter().map(read).collect();
    let found = found.filter(|list| (1..=MAX_CALLS).contains(&list.len()));
    if found.is_none() {
        let message = format!("`rules` is a list of 1 to {MAX_CALLS} ids or names");
        findings.error(codes::WRONG_TYPE, rules.at, message);
    }
    found.map(Some)
}

/// Narrows the rules down. What a filter names and is not there is a finding.
pub(super) fn apply(filters: &[Filter<'_>], parsed: &mut Parsed, found: &mut Vec<Diagnostic>) {
    let mut copied = 0;
    for (number, filter) in filters.iter().enumerate() {
        let mut findings = Findings::new(filter.file);
        let ids = filter.calls.as_ref().map(|calls| {
            let ids = calls.iter();
            let ids = ids.flat_map(|call| called(parsed, call, &mut findings));
            ids.collect::<BTreeSet<String>>()
        });
        let mut narrowed = Vec::new();
        for rule in &mut parsed.rules {
            if ids.as_ref().is_some_and(|ids| !ids.contains(&*rule.id)) {
                continue;
            }
            copied += filter.selections.len();
            if number >= MAX_FILTERS || copied > MAX_COPIED {
                let message = format!(
                    "more than {MAX_FILTERS} filters, or {MAX_COPIED} selections that filters bring into rules"
                );
                findings.error(codes::BAD_VALUE, filter.at, message);
                break;
            }
            narrow(rule, filter);
            narrowed.push(rule.id.to_string());
        }
        parsed.filters.push(FilterNote {
            file: filter.file.to_owned(),
            at: filter.at,
            id: filter.id.clone().unwrap_or_else(|| filter.title.clone()),
            title: filter.title.clone(),
            rules: narrowed,
        });
        found.append(&mut findings.list);
    }
}

/// The filter's selections and condition beside the rule's own.
fn narrow(rule: &mut Rule, filter: &Filter<'_>) {
    let before = rule.selections.len();
    let own = filter.selections.iter().map(|one| Selection {
        name: named(&filter.title, &one.name),
        at: rule.at,
        group: placed(&one.group, &filter.title, rule.at),
    });
    rule.selections.extend(own);
    let mut condition = filter.condition.clone();
    renumber(&mut condition, &mut |index| *index += before);
    let first = std::mem::replace(&mut rule.condition, Condition::And(Vec::new()));
    rule.condition = Condition::And(vec![first, condition]);
}

/// The ids of the rules that a filter means by a name.
fn called(parsed: &Parsed, (name, at): &(String, At), findings: &mut Findings<'_>) -> Vec<String> {
    match parsed.called.get(name) {
        Some(Called::Rule(id)) => return vec![id.clone()],
        Some(Called::Abstract(id)) => {
            // Of one that could not be read its own findings speak.
            let Some(note) = parsed.abstracts.iter().find(|note| note.id == *id) else {
                return Vec::new();
            };
            if note.rules.is_empty() {
                let message = format!("no rule extends `{name}`: there is nothing to narrow down");
                findings.warn(codes::UNKNOWN_REFERENCE, *at, message);
            }
            return note.rules.clone();
        }
        Some(_) => {
            let message = format!("`{name}` is no rule that fires on reports");
            let finding = findings.error(codes::UNSUPPORTED, *at, message);
            finding.help("name the rules that it calls");
        }
        None => {
            let message = format!("there is no rule `{name}`");
            findings.error(codes::UNKNOWN_REFERENCE, *at, message);
        }
    }
    Vec::new()
}

/// The rule with its filters' selections under names that a condition of a file can call, so that it can be printed and read again.
pub fn callable(rule: &Rule) -> Rule {
    let mut rule = rule.clone();
    let mut taken: BTreeSet<String> = rule.selections.iter().map(|s| s.name.clone()).collect();
    // Conditions have names as well.
    taken.extend(print::named(&rule).into_keys().map(str::to_owned));
    let mut renamed: BTreeMap<String, String> = BTreeMap::new();
    for one in &mut rule.selections {
        let Some((_, own)) = one.name.rsplit_once(": ") else {
            continue;
        };
        let base = format!("filter_{own}");
        let mut name = base.clone();
        for number in 2.. {
            if taken.insert(name.clone()) {
                break;
            }
            name = format!("{base}_{number}");
        }
        renamed.insert(std::mem::replace(&mut one.name, name.clone()), name);
    }
    for one in &mut rule.selections {
        rename(&mut one.group, &renamed);
    }
    rule
}

fn rename(group: &mut Group, names: &BTreeMap<String, String>) {
    match group {
        Group::All(parts) | Group::Any(parts) => {
            parts.iter_mut().for_each(|part| rename(part, names));
        }
        Group::Item(item) => {
            if let Test::Near { of, .. } = &mut item.test {
                for (name, _) in of {
                    if let Some(other) = names.get(name) {
                        name.clone_from(other);
                    }
                }
            }
        }
    }
}

fn named(filter: &str, selection: &str) -> String {
    format!("{filter}: {selection}")
}

/// The group as it stands in a rule: placed there, with the names of the filter's selections.
fn placed(group: &Group, filter: &str, at: At) -> Group {
    let all = |groups: &[Group]| groups.iter().map(|g| placed(g, filter, at)).collect();
    match group {
        Group::All(groups) => Group::All(all(groups)),
        Group::Any(groups) => Group::Any(all(groups)),
        Group::Item(item) => {
            let mut item = item.clone();
            item.at = at;
            item.values.fill(at);
            match &mut item.test {
                Test::Near { of, .. } => {
                    for (name, place) in of {
                        *name = named(filter, name);
                        *place = at;
                    }
                }
                Test::Lexicon { names, .. } => names.iter_mut().for_each(|(_, place)| *place = at),
                _ => {}
            }
            Group::Item(item)
        }
    }
}
