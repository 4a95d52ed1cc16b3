//! Two rule sets side by side: what each has alone, and what they say differently.
//!
//! Invariant: compared is what files mean, with what rules extend written out; comments, order, files and their names count for
//! nothing. Everything is sorted.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::facets::{Facet, Facets, of_correlation, of_department, of_rule, of_term};
use crate::core::diagnostic::SourceFile;
use crate::core::lexicon::{self, Lexicon, Term};
use crate::core::route::Routing;
use crate::core::rule::{self, Rule};

/// What a rule set says, taken from its files.
#[derive(Debug, Default)]
pub struct Said {
    rules: BTreeMap<String, Facets>,
    correlations: BTreeMap<String, Facets>,
    departments: BTreeMap<String, Facets>,
    /// By lexicon and term.
    terms: BTreeMap<String, BTreeMap<String, String>>,
    /// By the facet `hazard`: rules.
    hazards: BTreeMap<String, u64>,
}

impl Said {
    /// Of files that compile.
    pub fn new(rules: &[SourceFile], lexicons: &[SourceFile], routing: &Routing) -> Self {
        // Findings were shown when the set was compiled.
        let mut found = Vec::new();
        let parsed = rule::parse_set(rules, &mut found);
        let lexicons: Vec<Lexicon> = lexicons
            .iter()
            .flat_map(|file| lexicon::parse(file, &mut found))
            .collect();
        let mut said = Self::default();
        for rule in &parsed.rules {
            said.rules.insert(rule.id.to_string(), of_rule(rule));
            if let Some(hazard) = hazard(rule) {
                *said.hazards.entry(hazard).or_default() += 1;
            }
        }
        for rule in &parsed.correlations {
            let id = rule.correlation.id.to_string();
            said.correlations.insert(id, of_correlation(rule));
        }
        for department in routing.all() {
            let facets = of_department(department);
            said.departments.insert(department.id.to_string(), facets);
        }
        for lexicon in &lexicons {
            let terms = said.terms.entry(lexicon.name.to_string()).or_default();
            terms.extend(lexicon.terms.iter().map(named));
        }
        said
    }
}

fn hazard(rule: &Rule) -> Option<String> {
    Some(rule.tocsin.as_ref()?.hazard.id().to_owned())
}

fn named(term: &Term) -> (String, String) {
    (term.text.to_string(), of_term(term))
}

/// One facet that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[allow(missing_docs)]
pub enum Change {
    /// A value, where there is one.
    Value {
        field: String,
        before: Option<String>,
        after: Option<String>,
    },
    /// Values of a list.
    List {
        field: String,
        added: Vec<String>,
        removed: Vec<String>,
    },
}

/// Something that both have, and say differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Changed {
    pub id: String,
    pub changes: Vec<Change>,
}

/// Differences between two lists of things with ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Listed {
    pub added: Vec<Named>,
    pub removed: Vec<Named>,
    pub changed: Vec<Changed>,
}

/// Something that only one of both has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Named {
    pub id: String,
    pub title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hazard: Option<String>,
}

impl Listed {
    /// Whether there is no difference.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// Differences between two lexicons of one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct LexiconChange {
    pub lexicon: String,
    pub added: Vec<String>,
    pub removed: Vec<String>,
    /// Term, what was said of it, and what is.
    pub changed: Vec<(String, String, String)>,
}

/// Where two rule sets differ: from the first to the second.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct SetDiff {
    pub rules: Listed,
    pub correlations: Listed,
    pub departments: Listed,
    /// Lexicons that only one has are listed with all of their terms.
    pub lexicons: Vec<LexiconChange>,
    /// Hazards with another number of rules: before, after.
    pub hazards: BTreeMap<String, (u64, u64)>,
}

impl SetDiff {
    /// Whether the two mean the same.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
            && self.correlations.is_empty()
            && self.departments.is_empty()
            && self.lexicons.is_empty()
    }
}

/// From `before` to `after`.
pub fn diff(before: &Said, after: &Said) -> SetDiff {
    let names: BTreeSet<&String> = before.terms.keys().chain(after.terms.keys()).collect();
    let none = BTreeMap::new();
    let lexicons = names.into_iter().map(|name| {
        let of = |said: &'_ Said| said.terms.get(name).unwrap_or(&none).clone();
        lexicon(name, &of(before), &of(after))
    });
    let hazards: BTreeSet<&String> = before.hazards.keys().chain(after.hazards.keys()).collect();
    let count = |said: &Said, hazard: &String| said.hazards.get(hazard).copied().unwrap_or(0);
    let hazards = hazards.into_iter().map(|hazard| {
        (
            hazard.clone(),
            (count(before, hazard), count(after, hazard)),
        )
    });
    SetDiff {
        rules: listed(&before.rules, &after.rules),
        correlations: listed(&before.correlations, &after.correlations),
        departments: listed(&before.departments, &after.departments),
        lexicons: lexicons
            .filter(|l| !l.added.is_empty() || !l.removed.is_empty() || !l.changed.is_empty())
            .collect(),
        hazards: hazards.filter(|(_, (a, b))| a != b).collect(),
    }
}

fn lexicon(
    name: &str,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> LexiconChange {
    let only = |these: &BTreeMap<String, String>, others: &BTreeMap<String, String>| {
        let alone = these.keys().filter(|term| !others.contains_key(*term));
        alone.cloned().collect()
    };
    let both = before
        .iter()
        .filter_map(|(term, was)| Some((term, was, after.get(term)?)));
    LexiconChange {
        lexicon: name.to_owned(),
        added: only(after, before),
        removed: only(before, after),
        changed: both
            .filter(|(_, was, is)| was != is)
            .map(|(term, was, is)| (term.clone(), was.clone(), is.clone()))
            .collect(),
    }
}

fn listed(before: &BTreeMap<String, Facets>, after: &BTreeMap<String, Facets>) -> Listed {
    let only = |these: &BTreeMap<String, Facets>, others: &BTreeMap<String, Facets>| {
        let alone = these.iter().filter(|(id, _)| !others.contains_key(*id));
        let value = |facets: &Facets, name: &str| match facets.get(name) {
            Some(Facet::One(value)) => Some(value.clone()),
            _ => None,
        };
        alone
            .map(|(id, facets)| Named {
                id: id.clone(),
                title: value(facets, "title")
                    .or_else(|| value(facets, "name (en)"))
                    .unwrap_or_default(),
                hazard: value(facets, "hazard"),
            })
            .collect()
    };
    let both = before
        .iter()
        .filter_map(|(id, was)| Some((id, was, after.get(id)?)));
    Listed {
        added: only(after, before),
        removed: only(before, after),
        changed: both
            .map(|(id, was, is)| Changed {
                id: id.clone(),
                changes: changes(was, is),
            })
            .filter(|one| !one.changes.is_empty())
            .collect(),
    }
}

fn changes(was: &Facets, is: &Facets) -> Vec<Change> {
    let fields: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let differ = fields
        .into_iter()
        .filter(|field| was.get(*field) != is.get(*field));
    differ
        .map(|field| {
            let field_name = field.clone();
            match (was.get(field), is.get(field)) {
                // A facet that is one value on one side only is a list there too.
                (Some(Facet::Many(_)), _) | (_, Some(Facet::Many(_))) => {
                    let (was, is) = (values(was.get(field)), values(is.get(field)));
                    Change::List {
                        field: field_name,
                        added: is.difference(&was).cloned().collect(),
                        removed: was.difference(&is).cloned().collect(),
                    }
                }
                (was, is) => Change::Value {
                    field: field_name,
                    before: values(was).pop_first(),
                    after: values(is).pop_first(),
                },
            }
        })
        .collect()
}

fn values(facet: Option<&Facet>) -> BTreeSet<String> {
    match facet {
        None => BTreeSet::new(),
        Some(Facet::One(value)) => BTreeSet::from([value.clone()]),
        Some(Facet::Many(values)) => values.clone(),
    }
}
