//! Documents → [`Sigma`]: selections, conditions, filters, and which document calls which.

use std::collections::{BTreeMap, HashMap};

use super::build::Builder;
use super::correlation;
use super::layout::lay_out;
use super::lower::{Asked, lower};
use super::plan::{Expr, Rule, Sigma};
use super::syntax::{Body, Detection, Document, Filter, Group};
use super::transform::Placeholders;
use crate::core::diagnostic::{Diagnostic, Gravity, SourceFile};
use crate::core::rule::{Condition, codes};
use crate::core::yaml::Findings;

/// Rules of one set.
const MAX_RULES: usize = 100_000;

/// What a rule set is compiled with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Values of placeholders, for `expand`.
    pub placeholders: Placeholders,
    /// A field that tells when an event happened, for correlations, before the usual ones.
    pub time_field: Option<String>,
}

/// What came of compiling.
#[derive(Debug)]
pub struct Compiled {
    /// The rules without errors.
    pub sigma: Sigma,
    /// What is wrong with the others, in the order of files and lines.
    pub findings: Vec<Diagnostic>,
    /// Rules that are not evaluated for what was found in them; files that are no YAML count for none.
    pub left_out: usize,
}

impl Sigma {
    /// Compiles what the files say; rules with errors are left out and reported, all at once.
    pub fn compile(files: &[SourceFile], options: &Options) -> Compiled {
        let mut found = Vec::new();
        let (mut documents, mut left_out) = (Vec::new(), 0);
        for file in files {
            let (read, bad) = super::read::documents(file, &mut found);
            documents.extend(read);
            left_out += bad;
        }
        let mut builder = Builder::default();
        let mut rules: Vec<Rule> = Vec::new();
        let mut ids: BTreeMap<&str, &Document> = BTreeMap::new();
        let mut names = Names::default();
        let mut compiled = Vec::new();
        for document in &documents {
            let mut findings = Findings::new(&document.file);
            if let Some(id) = &document.id
                && let Some(first) = ids.insert(id, document)
            {
                let message = format!("the id `{id}` is also in {}", first.file);
                findings.error(codes::DUPLICATE_ID, document.at.0, message);
                left_out += 1;
            } else if rules.len() == MAX_RULES {
                let message = format!("more than {MAX_RULES} rules");
                findings.error(codes::BAD_VALUE, document.at.0, message);
                left_out += 1;
            } else if let Body::Rule(detection) = &document.body {
                if let Some(rule) = rule(document, detection, options, &mut builder, &mut findings)
                {
                    names.add(document, Called::Rule(rules.len() as u32));
                    rules.push(rule);
                } else {
                    left_out += 1;
                }
            } else {
                compiled.push(document);
            }
            found.append(&mut findings.list);
        }
        for document in &compiled {
            if let Body::Filter(filter) = &document.body {
                let mut findings = Findings::new(&document.file);
                let applied = apply(
                    filter,
                    &names,
                    &mut rules,
                    options,
                    &mut builder,
                    &mut findings,
                );
                left_out += usize::from(applied.is_none());
                found.append(&mut findings.list);
            }
        }
        let (correlations, bad) =
            correlation::compile(&compiled, names, &mut rules, &mut builder, &mut found);
        left_out += bad;
        if let Some(name) = options
            .time_field
            .as_ref()
            .filter(|_| !correlations.list.is_empty())
        {
            builder.fields.slot(name);
        }
        found.sort_by(|a, b| {
            (&a.file, a.line, a.column, a.code).cmp(&(&b.file, b.line, b.column, b.code))
        });
        Compiled {
            sigma: lay_out(builder, rules, correlations),
            findings: found,
            left_out,
        }
    }
}

/// What a reference calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Called {
    Rule(u32),
    Correlation(u32),
}

/// Rules and correlations by id and by name.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<String, Called>);

impl Names {
    pub(super) fn add(&mut self, document: &Document, called: Called) {
        for name in document.id.iter().chain(&document.name) {
            // An id is unique; of two with one name the first is meant.
            self.0.entry(name.clone()).or_insert(called);
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<Called> {
        self.0.get(name).copied()
    }
}

/// Applies a filter to the rules that it is for; none after an error.
fn apply(
    filter: &Filter,
    names: &Names,
    rules: &mut [Rule],
    options: &Options,
    builder: &mut Builder,
    findings: &mut Findings<'_>,
) -> Option<()> {
    let (when, _) = detected(&filter.detection, options, builder, findings)?;
    let kept = kept(filter, when);
    let add = |rule: &mut Rule| {
        let when = std::mem::replace(&mut rule.when, Expr::Or(Vec::new()));
        rule.when = Expr::And(vec![when, kept.clone()]);
    };
    let Some(references) = &filter.rules else {
        rules.iter_mut().for_each(add);
        return Some(());
    };
    for reference in references {
        if let Some(Called::Rule(rule)) = names.get(&reference.name) {
            add(&mut rules[rule as usize]);
        } else {
            let message = format!("there is no rule `{}` to filter", reference.name);
            findings.warn(codes::UNKNOWN_REFERENCE, reference.at.0, message);
        }
    }
    Some(())
}

impl Compiled {
    /// Whether some rule is left out for an error.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|d| d.gravity == Gravity::Error)
    }
}

fn rule(
    document: &Document,
    detection: &Detection,
    options: &Options,
    builder: &mut Builder,
    findings: &mut Findings<'_>,
) -> Option<Rule> {
    let (when, selections) = detected(detection, options, builder, findings)?;
    let mut shown = vec![false; selections.len()];
    for condition in &detection.conditions {
        condition.visit(true, &mut |index, positive| shown[index] |= positive);
    }
    let shown = selections
        .into_iter()
        .zip(shown)
        .filter(|(_, shown)| *shown);
    let id = document.id.as_ref().or(document.name.as_ref());
    Some(Rule {
        id: id.unwrap_or(&document.title).clone(),
        title: document.title.clone(),
        shown: true,
        when,
        selections: shown.map(|(selection, _)| selection).collect(),
    })
}

type Detected = (Expr, Vec<(String, Expr)>);

/// When a detection holds, and each of its selections.
fn detected(
    detection: &Detection,
    options: &Options,
    builder: &mut Builder,
    findings: &mut Findings<'_>,
) -> Option<Detected> {
    let asked = asked(detection, options, findings)?;
    let selections: Vec<(String, Expr)> = detection
        .selections
        .iter()
        .zip(&asked)
        .map(|(selection, tree)| (selection.name.clone(), builder.tree(tree)))
        .collect();
    let mut alternatives: Vec<Expr> = detection
        .conditions
        .iter()
        .map(|c| condition(c, &selections))
        .collect();
    let when = if alternatives.len() == 1 {
        alternatives.remove(0)
    } else {
        Expr::Or(alternatives)
    };
    Some((when, selections))
}

/// What a filter leaves of a rule that it is for.
///
/// Filters are written both as what is to be left out (`selection`, as in the specification) and as what is to be kept
/// (`not selection`, as engines that append the condition with `and` need it): the second is told by its `not`.
fn kept(filter: &Filter, when: Expr) -> Expr {
    let keeps = filter
        .detection
        .conditions
        .iter()
        .all(|c| matches!(c, Condition::Not(_)));
    if keeps {
        when
    } else {
        Expr::Not(Box::new(when))
    }
}

/// A selection with its modifiers applied.
#[derive(Clone, Debug)]
pub enum Tree {
    /// A map.
    All(Vec<Tree>),
    /// A list.
    Any(Vec<Tree>),
    /// An entry.
    Asked(Asked),
}

/// The selections of a rule with their modifiers applied; none after a finding that keeps the rule from being evaluated.
pub fn asked(
    detection: &Detection,
    options: &Options,
    findings: &mut Findings<'_>,
) -> Option<Vec<Tree>> {
    fn tree(group: &Group, options: &Options, findings: &mut Findings<'_>) -> Option<Tree> {
        let mut parts = |groups: &[Group]| -> Option<Vec<Tree>> {
            // Every part, so that all findings come at once.
            let parts: Vec<Option<Tree>> =
                groups.iter().map(|g| tree(g, options, findings)).collect();
            parts.into_iter().collect()
        };
        match group {
            Group::All(groups) => parts(groups).map(Tree::All),
            Group::Any(groups) => parts(groups).map(Tree::Any),
            Group::Entry(entry) => lower(entry, &options.placeholders, findings).map(Tree::Asked),
        }
    }
    let trees: Vec<Option<Tree>> = detection
        .selections
        .iter()
        .map(|s| tree(&s.group, options, findings))
        .collect();
    trees.into_iter().collect()
}

fn condition(of: &Condition, selections: &[(String, Expr)]) -> Expr {
    let many = |parts: &[Condition]| parts.iter().map(|p| condition(p, selections)).collect();
    match of {
        Condition::And(parts) => Expr::And(many(parts)),
        Condition::Or(parts) => Expr::Or(many(parts)),
        Condition::Not(part) => Expr::Not(Box::new(condition(part, selections))),
        Condition::Selection(index) => selections[*index].1.clone(),
        Condition::Named(_, part) => condition(part, selections),
    }
}
