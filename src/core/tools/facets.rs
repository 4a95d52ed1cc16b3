//! Rules, correlations, terms and departments as named facets, which can be compared one by one.
//!
//! Invariant: two things with the same facets behave the same; order matters nowhere where it means nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::convert::duration_text;
use crate::core::lexicon::{Mode, Term};
use crate::core::model::{CorrelationType, ScoreLine};
use crate::core::route::Department;
use crate::core::rule::{
    Addition, Condition, CorrelationRule, Group, Rule, RuleStatus, condition_text, entries,
    growth_text,
};

/// What is said in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Facet {
    /// One value.
    One(String),
    /// Values whose order means nothing.
    Many(BTreeSet<String>),
}

/// By name, sorted.
pub(super) type Facets = BTreeMap<String, Facet>;

fn one(facets: &mut Facets, name: &str, value: impl Into<String>) {
    facets.insert(name.to_owned(), Facet::One(value.into()));
}

/// The facets of a rule.
pub(super) fn of_rule(rule: &Rule) -> Facets {
    let mut facets = Facets::new();
    one(&mut facets, "title", &*rule.title);
    one(&mut facets, "status", status_text(rule.status));
    one(
        &mut facets,
        "condition",
        condition_text(&rule.condition, &rule.selections),
    );
    for selection in &rule.selections {
        of_group(&selection.name, &selection.group, &mut facets);
    }
    let Some(tocsin) = &rule.tocsin else {
        return facets;
    };
    one(&mut facets, "hazard", tocsin.hazard.id());
    if let Some(title) = &tocsin.title_zh {
        one(&mut facets, "title_zh", &**title);
    }
    one(&mut facets, "tier", tocsin.tier.id());
    let wider = tocsin.growth_tiers.iter().map(|tier| tier.id().to_owned());
    let wider: BTreeSet<String> = wider.collect();
    if !wider.is_empty() {
        facets.insert("growth_tiers".to_owned(), Facet::Many(wider));
    }
    one(&mut facets, "quiet", duration_text(tocsin.quiet_ms));
    one(&mut facets, "urgency", format!("{:?}", tocsin.urgency));
    if let Some((replaced, _)) = &tocsin.replaces {
        one(&mut facets, "replaces", &**replaced);
    }
    let departments = tocsin.departments.iter().map(|(department, _)| {
        let required = if department.required {
            " (required)"
        } else {
            ""
        };
        format!("{}{required}", department.id)
    });
    let departments: BTreeSet<String> = departments.collect();
    if !departments.is_empty() {
        facets.insert("departments".to_owned(), Facet::Many(departments));
    }
    one(&mut facets, "score.base", line_text(&tocsin.base));
    for addition in &tocsin.add {
        let own = addition.line();
        let (name, line) = match addition {
            Addition::When {
                condition, line, ..
            } => (condition_text(condition, &rule.selections), line),
            Addition::Weight { selection, line } => {
                let name = condition_text(&Condition::Selection(*selection), &rule.selections);
                (format!("weight of {name}"), line)
            }
            Addition::Growth(line) => (growth_text(line), &own),
        };
        free(&mut facets, &format!("score.add[{name}]"), line_text(line));
    }
    facets
}

/// Sets a facet under this name, or under the next one that is free.
fn free(facets: &mut Facets, name: &str, value: String) {
    let mut known = name.to_owned();
    let mut number = 1;
    while facets.contains_key(&known) {
        number += 1;
        known = format!("{name} #{number}");
    }
    facets.insert(known, Facet::One(value));
}

fn of_group(path: &str, group: &Group, facets: &mut Facets) {
    let found = entries(group);
    if let (Group::Any(parts), true) = (group, found.is_empty()) {
        for (number, part) in parts.iter().enumerate() {
            of_group(&format!("{path}[{}]", number + 1), part, facets);
        }
        return;
    }
    for entry in found {
        let mut name = format!("{path}: {}", entry.key);
        while facets.contains_key(&name) {
            name.push('\'');
        }
        let mut values: BTreeSet<String> = entry.values.into_iter().collect();
        let only = if values.len() == 1 {
            values.pop_first()
        } else {
            None
        };
        facets.insert(name, only.map_or(Facet::Many(values), Facet::One));
    }
}

/// The facets of a correlation.
pub(super) fn of_correlation(rule: &CorrelationRule) -> Facets {
    let mut facets = Facets::new();
    let is = &rule.correlation;
    one(&mut facets, "title", &*rule.title);
    if let Some(title) = &rule.title_zh {
        one(&mut facets, "title_zh", &**title);
    }
    one(&mut facets, "status", status_text(rule.status));
    let kind = match is.kind {
        CorrelationType::EventCount => "event_count",
        CorrelationType::ValueCount => "value_count",
        CorrelationType::Temporal => "temporal",
        CorrelationType::TemporalOrdered => "temporal_ordered",
    };
    one(&mut facets, "type", kind);
    let calls: Vec<&str> = rule.calls.iter().map(|(call, _)| &**call).collect();
    let ordered = is.kind == CorrelationType::TemporalOrdered;
    let calls = if ordered {
        Facet::One(calls.join(", "))
    } else {
        Facet::Many(calls.into_iter().map(str::to_owned).collect())
    };
    facets.insert("rules".to_owned(), calls);
    let list = |list: &[std::sync::Arc<str>]| list.join(", ");
    if !is.group_by.is_empty() {
        one(&mut facets, "group-by", list(&is.group_by));
    }
    if !is.fields.is_empty() {
        one(&mut facets, "field", list(&is.fields));
    }
    one(&mut facets, "timespan", duration_text(is.span_ms));
    let bounds = is.bounds.iter();
    let bounds: Vec<String> = bounds
        .map(|(bound, n)| format!("{} {n}", bound.word()))
        .collect();
    if !bounds.is_empty() {
        one(&mut facets, "condition", bounds.join(", "));
    }
    if let Some((hazard, _)) = rule.hazard {
        one(&mut facets, "hazard", hazard.id());
    }
    let line = ScoreLine {
        points: is.points,
        because: is.because.clone(),
        because_zh: is.because_zh.clone(),
    };
    one(&mut facets, "score.base", line_text(&line));
    facets
}

/// What is said of one term beside its text; empty when nothing is.
pub(super) fn of_term(term: &Term) -> String {
    let mode = match term.mode {
        Mode::Word => "word",
        Mode::Prefix => "prefix",
        Mode::Substring => "substring",
    };
    let mut text = format!("weight {}, {mode}", term.weight);
    let mut unless: Vec<&str> = term.unless.iter().map(|u| &*u.text).collect();
    unless.sort_unstable();
    if !unless.is_empty() {
        text += &format!(", unless {}", unless.join(", "));
    }
    text
}

/// The facets of a department.
pub(super) fn of_department(department: &Department) -> Facets {
    let mut facets = Facets::new();
    one(&mut facets, "name (en)", &*department.names.en);
    one(&mut facets, "name (zh)", &*department.names.zh);
    one(&mut facets, "duty", department.duty.to_string());
    let many = |facets: &mut Facets, name: &str, values: BTreeSet<String>| {
        facets.insert(name.to_owned(), Facet::Many(values));
    };
    let leads = department.leads.iter().map(|hazard| hazard.id().to_owned());
    many(&mut facets, "leads", leads.collect());
    let supports = department.supports.iter().map(|support| {
        let required = if support.required { ", required" } else { "" };
        let (hazard, from) = (support.hazard.id(), support.from.id());
        format!("{hazard} from {from}{required}")
    });
    many(&mut facets, "supports", supports.collect());
    let tiers = department.tiers.iter().map(|tier| tier.id().to_owned());
    many(&mut facets, "tiers", tiers.collect());
    let channels = department.channels.iter().cloned();
    many(&mut facets, "channels", channels.collect());
    for (level, deadline) in crate::core::model::Level::ALL
        .iter()
        .zip(department.deadlines)
    {
        let ms = |seconds: u64| {
            i64::try_from(seconds)
                .unwrap_or(i64::MAX)
                .saturating_mul(1_000)
        };
        one(
            &mut facets,
            &format!("deadline.{}", level.id()),
            format!(
                "acknowledge {}, dispose {}",
                duration_text(ms(deadline.acknowledge_s)),
                duration_text(ms(deadline.dispose_s))
            ),
        );
    }
    facets
}

fn line_text(line: &ScoreLine) -> String {
    let zh = line.because_zh.as_deref();
    let zh = zh.map_or(String::new(), |zh| format!(" / {zh}"));
    format!("{:+} {}{zh}", line.points, line.because)
}

pub(super) fn status_text(status: RuleStatus) -> &'static str {
    match status {
        RuleStatus::Live => "live",
        RuleStatus::Shadow => "shadow",
        RuleStatus::Off => "off",
    }
}
