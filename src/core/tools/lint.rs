//! Findings about rules and lexicons that load and are yet not what somebody meant.
//!
//! Invariant: every finding has a stable code and a place; none of them keeps a rule set from running. A condition that is
//! called never or always true is so for every report, whatever the selections mean; where that is not found out
//! in time (selections intertwined as nobody writes them), nothing is said.

use std::collections::{BTreeMap, BTreeSet};

use super::case::{Case, Wanted};
use super::logic::{Truth, only, samples, truth};
use super::terms;
use crate::core::diagnostic::{Diagnostic, SourceFile};
use crate::core::lexicon::{self, Lexicon};
use crate::core::rule::{
    self, Addition, Condition, CorrelationRule, Group, Item, Rule, RuleStatus, Test,
};
use crate::core::yaml::Findings;

crate::core::diagnostic::codes! {
    NEVER_TRUE "T0101" "a condition that no report can fulfil"
    ALWAYS_TRUE "T0102" "a condition that every report fulfils"
    SHADOWED_TERM "T0103" "a term that its own `unless` contexts always cancel"
    CONTAINED_TERM "T0104" "a term that adds nothing: another one of the lexicon is found wherever it is"
    COSTLY_REGEX "T0105" "a regular expression without a literal of three characters, in a rule that no term announces: it runs over every text"
    UNTESTED "T0106" "a rule without a case on which it fires, or without one on which it is silent"
    UNKNOWN_CASE "T0107" "a case of a rule that does not exist"
    UNUSED_LEXICON "T0108" "a lexicon that no rule uses"
    FIELD_TWICE "T0109" "comparisons within one selection that exclude each other"
    CONTAINED_VALUE "T0113" "a value of a list that adds nothing: another one of the list is found wherever it is"
    INNER_STAR "T0114" "a `*` within a term, where it is a character as any other"
}

/// Shortest literal that narrows an expression down.
const MIN_LITERAL: usize = 3;

/// Everything found, in the order of files and lines; of tests only where there are to be some.
pub fn lint(
    rules: &[SourceFile],
    lexicons: &[SourceFile],
    cases: Option<&[Case]>,
) -> Vec<Diagnostic> {
    // What keeps files from loading is found by compiling them.
    let mut dropped = Vec::new();
    let set = rule::parse_set(rules, &mut dropped);
    let parsed = set.rules;
    let words: Vec<Lexicon> = lexicons
        .iter()
        .flat_map(|file| lexicon::parse(file, &mut dropped))
        .collect();
    // A rule that a term announces runs its expressions on few texts, whatever they are.
    let program = rule::compile(&parsed, &words, &mut dropped);
    let always = program
        .always
        .iter()
        .map(|rule| &program.rules[*rule as usize].id);
    let always: BTreeSet<_> = always.collect();
    let mut found = Vec::new();
    for rule in parsed.iter().filter(|rule| !rule.broken) {
        let mut findings = Findings::new(&rule.file);
        conditions(rule, &mut findings);
        for selection in &rule.selections {
            if always.contains(&rule.id) {
                visit(&selection.group, &mut |item| regexes(item, &mut findings));
            }
            ranges(&selection.group, &mut findings);
        }
        terms::values(rule, &mut findings);
        found.append(&mut findings.list);
    }
    unused_lexicons(&parsed, &words, &mut found);
    terms::lint(&parsed, &words, lexicons, &mut found);
    if let Some(cases) = cases {
        untested(&parsed, &set.correlations, cases, &mut found);
    }
    found.sort_by(|a, b| {
        (&a.file, a.line, a.column, a.code, &a.message)
            .cmp(&(&b.file, b.line, b.column, b.code, &b.message))
    });
    found
}

/// Calls `see` for every entry of a group.
pub(super) fn visit<'g>(group: &'g Group, see: &mut impl FnMut(&'g Item)) {
    match group {
        Group::All(parts) | Group::Any(parts) => parts.iter().for_each(|part| visit(part, see)),
        Group::Item(item) => see(item),
    }
}

fn conditions(rule: &Rule, findings: &mut Findings<'_>) {
    match truth(rule, &[&rule.condition]) {
        Truth::Never => {
            findings
                .warn(NEVER_TRUE, rule.condition_at, format!("no report can fulfil the condition of `{}`", rule.id))
                .help("a selection is asked for and excluded at once, or two comparisons exclude each other");
            return;
        }
        Truth::Always => {
            findings
                .warn(
                    ALWAYS_TRUE,
                    rule.condition_at,
                    format!("every report fulfils the condition of `{}`", rule.id),
                )
                .help("an `or` holds a selection and its opposite");
        }
        Truth::Depends => {}
    }
    for addition in rule.tocsin.iter().flat_map(|tocsin| &tocsin.add) {
        let Addition::When {
            condition,
            at,
            line,
        } = addition
        else {
            continue;
        };
        let both: [&Condition; 2] = [&rule.condition, condition];
        if truth(rule, &both) == Truth::Never {
            findings
                .warn(
                    NEVER_TRUE,
                    *at,
                    format!("“{}” of `{}` never adds its points", line.because, rule.id),
                )
                .help("its `when` excludes what the rule's condition asks for");
        }
    }
}

fn regexes(item: &Item, findings: &mut Findings<'_>) {
    let Test::Regex { values, .. } = &item.test else {
        return;
    };
    for ((source, _), at) in values.iter().zip(&item.values) {
        if longest_literal(source) < MIN_LITERAL {
            findings
                .warn(
                    COSTLY_REGEX,
                    *at,
                    format!("`{source}` has no literal of {MIN_LITERAL} characters"),
                )
                .help("write a fixed word into it, or use `contains` with a list");
        }
    }
}

/// The longest run of characters that every match of an expression has to hold; a lower bound.
fn longest_literal(source: &str) -> usize {
    let (mut longest, mut run, mut depth) = (0, 0_usize, 0_usize);
    let mut chars = source.chars().peekable();
    while let Some(c) = chars.next() {
        let literal = match c {
            '\\' => {
                let next = chars.next().unwrap_or('\\');
                !next.is_ascii_alphanumeric()
            }
            '[' => {
                let mut before = c;
                for inside in chars.by_ref() {
                    if inside == ']' && before != '\\' && before != '[' {
                        break;
                    }
                    before = inside;
                }
                false
            }
            '(' => {
                depth += 1;
                false
            }
            ')' => {
                depth = depth.saturating_sub(1);
                false
            }
            // One of several: what a branch holds is no literal of the whole.
            '|' if depth == 0 => return 0,
            '{' => {
                chars
                    .by_ref()
                    .take_while(|inside| *inside != '}')
                    .for_each(drop);
                false
            }
            '.' | '^' | '$' | '|' | '*' | '+' | '?' => false,
            _ => depth == 0,
        };
        if literal && !matches!(chars.peek(), Some('*' | '?' | '{')) {
            run += 1;
            longest = longest.max(run);
        } else {
            run = 0;
        }
    }
    longest
}

/// Comparisons of one field in one map that no number fulfils.
fn ranges(group: &Group, findings: &mut Findings<'_>) {
    let parts = match group {
        Group::All(parts) => parts,
        Group::Any(parts) => return parts.iter().for_each(|part| ranges(part, findings)),
        Group::Item(_) => return,
    };
    let mut by_field: BTreeMap<&str, Vec<&Item>> = BTreeMap::new();
    for part in parts {
        match only(part) {
            Group::Item(item) if matches!(item.test, Test::Compare { .. }) => {
                by_field
                    .entry(item.field.as_deref().unwrap_or_default())
                    .or_default()
                    .push(item);
            }
            other => ranges(other, findings),
        }
    }
    for (field, items) in by_field {
        let holds = |n: f64| {
            items.iter().all(|item| match item.test {
                Test::Compare { op, value } => op.holds(n, value),
                _ => true,
            })
        };
        if items.len() > 1 && !samples(&items).into_iter().any(holds) {
            let message = format!("no number fulfils all that is asked of `{field}`");
            findings
                .warn(FIELD_TWICE, items[1].place(), message)
                .help("put the ranges into selections of their own");
        }
    }
}

fn unused_lexicons(rules: &[Rule], lexicons: &[Lexicon], found: &mut Vec<Diagnostic>) {
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for selection in rules.iter().flat_map(|rule| &rule.selections) {
        visit(&selection.group, &mut |item| {
            if let Test::Lexicon { names, .. } = &item.test {
                used.extend(names.iter().map(|(name, _)| &**name));
            }
        });
    }
    for lexicon in lexicons
        .iter()
        .filter(|lexicon| !used.contains(&*lexicon.name))
    {
        let mut findings = Findings::new(&lexicon.file);
        let message = format!("no rule uses the lexicon `{}`", lexicon.name);
        findings
            .warn(UNUSED_LEXICON, lexicon.name_at, message)
            .help("use it or remove it");
        found.append(&mut findings.list);
    }
}

/// Correlations on feeds without a case with an incident in which they fired, and one in which they did not.
fn untested_correlations(
    correlations: &[CorrelationRule],
    cases: &[Case],
    found: &mut Vec<Diagnostic>,
) {
    let incidents = cases.iter().flat_map(|case| match &case.wanted {
        Wanted::Story {
            incidents: Some(incidents),
            ..
        } => &incidents[..],
        _ => &[],
    });
    let lists: Vec<&Vec<String>> = incidents.filter_map(|one| one.rules.as_ref()).collect();
    let live = correlations.iter().filter(|c| c.status == RuleStatus::Live);
    for correlation in live {
        let id = &correlation.correlation.id;
        let names = |list: &&&Vec<String>| list.iter().any(|rule| **rule == **id);
        let fires = lists.iter().filter(names).count();
        let missing = match (fires > 0, fires < lists.len()) {
            (true, true) => continue,
            (false, _) => "no incident of a case lists it under `rules`",
            (true, false) => "every incident of a case with `rules` lists it",
        };
        let mut findings = Findings::new(&correlation.file);
        findings.warn(UNTESTED, correlation.id_at, format!("`{id}`: {missing}"));
        found.append(&mut findings.list);
    }
}

fn untested(
    rules: &[Rule],
    correlations: &[CorrelationRule],
    cases: &[Case],
    found: &mut Vec<Diagnostic>,
) {
    untested_correlations(correlations, cases, found);
    let (mut fires, mut silent): (BTreeSet<&str>, BTreeSet<&str>) = Default::default();
    let known: BTreeSet<&str> = rules.iter().map(|rule| &*rule.id).collect();
    let correlated = correlations.iter().map(|c| &*c.correlation.id);
    let correlated: BTreeSet<&str> = correlated.collect();
    for case in cases {
        let mut named: Vec<&str> = Vec::new();
        match &case.wanted {
            Wanted::Fires { rule, fires: true } => drop(fires.insert(rule)),
            Wanted::Fires { rule, fires: false } => drop(silent.insert(rule)),
            Wanted::Story {
                rules, detections, ..
            } => {
                let detected = detections.iter().flatten().map(|one| &*one.rule);
                fires.extend(detected.clone());
                named.extend(detected);
                named.extend(rules.iter().map(|rule| &**rule));
                if detections.is_some() {
                    let expected =
                        |rule: &&str| named.iter().filter(|other| *other == rule).count() > 1;
                    silent.extend(
                        rules
                            .iter()
                            .map(|rule| &**rule)
                            .filter(|rule| !expected(rule)),
                    );
                }
            }
        }
        if let Wanted::Fires { rule, .. } = &case.wanted {
            named.push(rule);
        }
        if let Wanted::Story {
            incidents: Some(incidents),
            ..
        } = &case.wanted
        {
            let listed = incidents.iter().filter_map(|one| one.rules.as_ref());
            let listed = listed.flatten().map(String::as_str);
            named.extend(listed.filter(|rule| !correlated.contains(rule)));
        }
        for rule in named.iter().filter(|rule| !known.contains(**rule)) {
            let mut findings = Findings::new(&case.file);
            let at = case.place(rule, case.line);
            findings.warn(UNKNOWN_CASE, at, format!("there is no rule `{rule}`"));
            // Reports of one rule are many cases at one place.
            findings.list.retain(|finding| !found.contains(finding));
            found.append(&mut findings.list);
        }
    }
    for rule in rules
        .iter()
        .filter(|r| r.status != RuleStatus::Off && r.tocsin.is_some())
    {
        let missing = match (fires.contains(&*rule.id), silent.contains(&*rule.id)) {
            (true, true) => continue,
            (false, true) => "on which it fires",
            (true, false) => "on which it is silent",
            (false, false) => "at all",
        };
        let mut findings = Findings::new(&rule.file);
        findings
            .warn(
                UNTESTED,
                rule.id_at,
                format!("`{}` has no case {missing}", rule.id),
            )
            .help("add `fires` and `silent` to a test file");
        found.append(&mut findings.list);
    }
}

#[cfg(test)]
mod tests {
    use super::longest_literal;

    #[test]
    fn literals_of_expressions() {
        for (source, length) in [
            ("abc", 3),
            ("ab?c", 1),
            (r"\d+", 0),
            (r"fire\.alarm", 10),
            ("[abc]de", 2),
            ("(fire|smoke) alarm", 6),
            ("fire|smoke", 0),
            (".*", 0),
            ("x{3}yz", 2),
        ] {
            assert_eq!(longest_literal(source), length, "{source}");
        }
    }
}
