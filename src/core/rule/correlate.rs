//! Correlations → the rules that they call: each compiled rule is given those that its detections take along.
//!
//! Invariant: a correlation calls rules whose detections meet in one incident: live ones, of one hazard and tier.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::ast::{CorrelationRule, Rule, RuleStatus};
use super::codes;
use super::parse::{Called, Parsed};
use super::program::Program;
use crate::core::diagnostic::Diagnostic;
use crate::core::model::{Correlation, MAX_CORRELATED};
use crate::core::yaml::{At, Findings};

/// Resolves what the correlations call, and attaches them to the rules of the program. Errors go to `found`.
pub fn correlate(parsed: &Parsed, program: &mut Program, found: &mut Vec<Diagnostic>) {
    let rules: HashMap<&str, &Rule> = parsed.rules.iter().map(|r| (&*r.id, r)).collect();
    let mut by_rule: BTreeMap<Arc<str>, Vec<Arc<Correlation>>> = BTreeMap::new();
    let mut known: HashMap<&str, &str> = parsed.rules.iter().map(|r| (&*r.id, &*r.file)).collect();
    for correlation in &parsed.correlations {
        let mut findings = Findings::new(&correlation.file);
        let id = &correlation.correlation.id;
        if let Some(file) = known.insert(id, &correlation.file) {
            let message = format!("the id `{id}` is also in {file}");
            findings.error(codes::DUPLICATE_ID, correlation.id_at, message);
        }
        let called = resolve(correlation, &parsed.called, &rules, &mut findings);
        let clean = !findings.has_errors();
        if let (Some(called), true) = (
            called.filter(|_| clean),
            correlation.status == RuleStatus::Live,
        ) {
            let whole = Arc::new(Correlation {
                rules: called
                    .iter()
                    .map(|(rule, _)| Arc::clone(&rule.id))
                    .collect(),
                ..correlation.correlation.clone()
            });
            for (rule, at) in called {
                let of = by_rule.entry(Arc::clone(&rule.id)).or_default();
                if of.len() == MAX_CORRELATED {
                    let message = format!(
                        "`{}` is called by more than {MAX_CORRELATED} correlations",
                        rule.id
                    );
                    findings.error(codes::BAD_VALUE, at, message);
                }
                of.push(Arc::clone(&whole));
            }
        }
        found.append(&mut findings.list);
    }
    for rule in &mut program.rules {
        rule.correlations = by_rule.remove(&rule.id).unwrap_or_default();
        rule.correlations.sort_by(|a, b| a.id.cmp(&b.id));
    }
}

/// The rules that a correlation calls, with the places where it does; none where a finding says why.
fn resolve<'r>(
    correlation: &CorrelationRule,
    names: &HashMap<String, Called>,
    rules: &HashMap<&str, &'r Rule>,
    findings: &mut Findings<'_>,
) -> Option<Vec<(&'r Rule, At)>> {
    let mut called: Vec<(&'r Rule, At)> = Vec::new();
    let mut whole = true;
    for (name, at) in &correlation.calls {
        let rule = match names.get(&**name) {
            Some(Called::Rule(id)) => rules.get(&**id).copied(),
            Some(Called::Correlation) => {
                findings
                    .error(
                        codes::WIDE_CORRELATION,
                        *at,
                        format!("`{name}` is a correlation itself"),
                    )
                    .help("on feeds a correlation calls rules; `rules eval` evaluates chains");
                None
            }
            Some(Called::Abstract(_)) => {
                let message = format!("`{name}` is abstract: it never fires");
                findings.error(codes::UNKNOWN_REFERENCE, *at, message);
                None
            }
            None => {
                findings
                    .error(
                        codes::UNKNOWN_REFERENCE,
                        *at,
                        format!("there is no rule `{name}`"),
                    )
                    .help("give the id or the name of a rule");
                None
            }
        };
        // Of a rule that could not be read its own findings speak.
        let Some(rule) = rule.filter(|rule| rule.tocsin.is_some()) else {
            whole = false;
            continue;
        };
        if called.iter().any(|(other, _)| other.id == rule.id) {
            let message = format!("`{name}` is called twice");
            findings.error(codes::BAD_CORRELATION, *at, message);
        }
        if rule.status != RuleStatus::Live && correlation.status == RuleStatus::Live {
            let message = format!("`{name}` makes no detections: it is a shadow rule, or off");
            findings.error(codes::BAD_CORRELATION, *at, message);
        }
        called.push((rule, *at));
    }
    meets(correlation, &called, findings);
    whole.then_some(called)
}

/// Whether all detections come into one incident.
fn meets(correlation: &CorrelationRule, called: &[(&Rule, At)], findings: &mut Findings<'_>) {
    let Some(first) = called.first().and_then(|(rule, _)| rule.tocsin.as_ref()) else {
        return;
    };
    if let Some((hazard, at)) = correlation
        .hazard
        .filter(|(hazard, _)| *hazard != first.hazard)
    {
        let message = format!(
            "its rules are about {}, not about {}",
            first.hazard.id(),
            hazard.id()
        );
        findings.error(codes::WIDE_CORRELATION, at, message);
    }
    for (rule, at) in called {
        let Some(tocsin) = &rule.tocsin else { continue };
        let what = if tocsin.hazard != first.hazard {
            "hazard"
        } else if tocsin.tier != first.tier {
            "tier"
        } else {
            continue;
        };
        findings
            .error(codes::WIDE_CORRELATION, *at, format!("`{}` has another {what} than the rules before it", rule.id))
            .help("on feeds a correlation looks into one incident, which is of one hazard and one place; without a `tocsin:` block it runs in `rules eval`");
    }
}
