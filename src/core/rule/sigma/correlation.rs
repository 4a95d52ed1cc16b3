//! Correlations, with their references resolved.

use super::build::Builder;
use super::compile::{Called, Names};
use super::plan::Rule;
use super::read_other::milliseconds;
use super::syntax::{Body, Bound, Correlation, CorrelationKind, Document, Reference};
use crate::core::diagnostic::Diagnostic;
use crate::core::rule::codes;
use crate::core::yaml::Findings;

/// Fields that may tell when an event happened, best first; `--time-field` goes before them.
pub(super) const TIME_FIELDS: [&str; 9] = [
    "@timestamp",
    "timestamp",
    "ts",
    "time",
    "event.created",
    "EventTime",
    "UtcTime",
    "TimeCreated",
    "eventTime",
];

/// All correlations of a rule set.
#[derive(Debug, Default)]
pub(super) struct Correlations {
    /// Those that another calls stand before it.
    pub(super) list: Vec<Planned>,
    /// Slots of [`TIME_FIELDS`].
    pub(super) times: Vec<u32>,
}

/// One correlation.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) id: String,
    pub(super) kind: CorrelationKind,
    pub(super) sources: Vec<Called>,
    /// Names in `group-by`, and for each source the slots of their fields.
    pub(super) group_by: Vec<String>,
    pub(super) groups: Vec<Vec<u32>>,
    /// For each source, the slots of `field`.
    pub(super) fields: Vec<Vec<u32>>,
    pub(super) span: i64,
    pub(super) bounds: Vec<(Bound, f64)>,
    pub(super) percentile: f64,
    pub(super) shown: bool,
}

/// Compiles the correlations among `documents`; how many are left out.
pub(super) fn compile(
    documents: &[&Document],
    mut names: Names,
    rules: &mut [Rule],
    builder: &mut Builder,
    found: &mut Vec<Diagnostic>,
) -> (Correlations, usize) {
    let mut waiting: Vec<(&Document, &Correlation)> = documents
        .iter()
        .filter_map(|document| match &document.body {
            Body::Correlation(correlation) => Some((*document, correlation)),
            _ => None,
        })
        .collect();
    let mut all = Correlations::default();
    let mut kept = Vec::new();
    // In rounds: a correlation is ready when everything that it calls is.
    loop {
        let (ready, not): (Vec<_>, Vec<_>) = waiting
            .iter()
            .partition(|(_, c)| c.rules.iter().all(|r| names.get(&r.name).is_some()));
        waiting = not;
        if ready.is_empty() {
            break;
        }
        for (document, correlation) in ready {
            names.add(document, Called::Correlation(all.list.len() as u32));
            let planned = plan(document, correlation, &names, builder);
            let mut findings = Findings::new(&document.file);
            check_aliases(correlation, &planned, &names, &mut findings);
            found.append(&mut findings.list);
            kept.extend(
                planned
                    .sources
                    .iter()
                    .map(|source| (*source, correlation.generate)),
            );
            all.list.push(planned);
        }
    }
    for (document, correlation) in &waiting {
        let mut findings = Findings::new(&document.file);
        let missing = correlation
            .rules
            .iter()
            .filter(|r| names.get(&r.name).is_none());
        missing.for_each(|reference| unknown(reference, &waiting, &mut findings));
        found.append(&mut findings.list);
    }
    hide(&kept, rules, &mut all);
    if !all.list.is_empty() {
        all.times = TIME_FIELDS
            .iter()
            .map(|name| builder.fields.slot(name))
            .collect();
    }
    (all, waiting.len())
}

/// What a correlation calls is not shown on its own, unless some correlation says so.
fn hide(called: &[(Called, bool)], rules: &mut [Rule], all: &mut Correlations) {
    for wanted in [false, true] {
        for (source, _) in called.iter().filter(|(_, generate)| *generate == wanted) {
            match source {
                Called::Rule(rule) => rules[*rule as usize].shown = wanted,
                Called::Correlation(correlation) => all.list[*correlation as usize].shown = wanted,
            }
        }
    }
}

fn unknown(
    reference: &Reference,
    waiting: &[(&Document, &Correlation)],
    findings: &mut Findings<'_>,
) {
    let is = |document: &Document| {
        document.id.as_ref() == Some(&reference.name)
            || document.name.as_ref() == Some(&reference.name)
    };
    if waiting.iter().any(|(document, _)| is(document)) {
        findings
            .error(
                codes::BAD_CORRELATION,
                reference.at.0,
                format!(
                    "`{}` cannot be evaluated itself, or calls this one in turn",
                    reference.name
                ),
            )
            .help("correlations call one another without a circle");
    } else {
        findings
            .error(
                codes::UNKNOWN_REFERENCE,
                reference.at.0,
                format!("there is no rule `{}`", reference.name),
            )
            .help("give the id or the name of a rule that loads");
    }
}

/// An alias speaks of fields of the rules that are called, and of no other.
fn check_aliases(
    correlation: &Correlation,
    planned: &Planned,
    names: &Names,
    findings: &mut Findings<'_>,
) {
    for (alias, fields) in &correlation.aliases {
        let called = |rule: &Reference| {
            let called = names.get(&rule.name);
            called.is_some_and(|it| planned.sources.contains(&it))
        };
        for (rule, _) in fields.iter().filter(|(rule, _)| !called(rule)) {
            let message = format!("`{alias}` names `{}`, which is not called here", rule.name);
            let finding = findings.warn(codes::UNKNOWN_REFERENCE, rule.at.0, message);
            let rules: Vec<&str> = correlation.rules.iter().map(|r| r.name.as_str()).collect();
            finding.help(format!("the correlation calls {}", rules.join(", ")));
        }
    }
}

fn plan(
    document: &Document,
    correlation: &Correlation,
    names: &Names,
    builder: &mut Builder,
) -> Planned {
    let field = |name: &str, reference: &Reference| -> String {
        let alias = correlation.aliases.iter().find(|(alias, _)| alias == name);
        let called = names.get(&reference.name);
        let mut fields = alias.iter().flat_map(|(_, fields)| fields);
        // A rule may be called by its id here and by its name there.
        let own =
            fields.find(|(rule, _)| rule.name == reference.name || names.get(&rule.name) == called);
        own.map_or(name, |(_, field)| field).to_owned()
    };
    let mut slots = |list: &[String]| -> Vec<Vec<u32>> {
        correlation
            .rules
            .iter()
            .map(|reference| {
                list.iter()
                    .map(|name| builder.fields.slot(&field(name, reference)))
                    .collect()
            })
            .collect()
    };
    let mut bounds = correlation.bounds.clone();
    if bounds.is_empty() {
        bounds.push((Bound::Gte, correlation.rules.len() as f64));
    }
    Planned {
        id: document
            .id
            .as_ref()
            .or(document.name.as_ref())
            .unwrap_or(&document.title)
            .clone(),
        kind: correlation.kind,
        sources: correlation
            .rules
            .iter()
            .filter_map(|r| names.get(&r.name))
            .collect(),
        groups: slots(&correlation.group_by),
        fields: slots(&correlation.fields),
        group_by: correlation.group_by.clone(),
        span: milliseconds(&correlation.timespan).unwrap_or(1),
        bounds,
        percentile: correlation.percentile.unwrap_or(50.0),
        shown: true,
    }
}
