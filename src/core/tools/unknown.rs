//! Names that rules and cases use and nothing else knows: fields that nothing sets, places and departments that there are not.
//!
//! Invariant: a record may have any field, so that an unknown one is a finding only where its family is closed (`casualties.`, `cap.`)
//! or where it is a slip of the pen away from one that is known.

use std::collections::BTreeSet;

use super::case::{Case, Wanted};
use super::lint::visit;
use crate::core::diagnostic::{Diagnostic, SourceFile};
use crate::core::place::Gazetteer;
use crate::core::route::Routing;
use crate::core::rule::{self, program::EXTRACTED};
use crate::core::yaml::Findings;

crate::core::diagnostic::codes! {
    UNKNOWN_FIELD "T0110" "a field that nothing sets: of a closed family, or all but the name of a known one"
    UNKNOWN_PLACE "T0111" "a case names a place that the gazetteer does not have"
    CASE_DEPARTMENT "T0112" "a case names a department that departments.yaml does not have"
}

/// What every report has.
const BUILT_IN: &[&str] = &["any", "feed", "kind", "lang", "text", "title"];
/// What decoders set beside numbers.
const DECODED: &[&str] = &[
    "agency_responsible",
    "cap.category",
    "cap.certainty",
    "cap.event",
    "cap.responsetype",
    "cap.severity",
    "cap.urgency",
    "service_code",
    "service_name",
    "service_notice",
    "status",
    "status_notes",
    "zipcode",
];
/// Families of which every member is known, and prefixes in them under which anything goes.
const CLOSED: &[&str] = &["casualties.", "cap."];
const OPEN: &[&str] = &["cap.code.", "cap.geocode.", "cap.parameter."];
/// Shortest name that is held against others.
const MIN_NAME: usize = 5;
/// Slips of the pen: characters put in, left out or wrong.
const SLIPS: usize = 2;

/// What there is outside of the rules.
#[derive(Clone, Copy, Debug)]
pub struct World<'w> {
    /// Fields that feeds map.
    pub fields: &'w BTreeSet<String>,
    /// Places.
    pub gazetteer: &'w Gazetteer,
    /// Departments.
    pub routing: &'w Routing,
}

/// Everything found, in the order of files and lines.
pub fn unknown(rules: &[SourceFile], cases: &[Case], world: World<'_>) -> Vec<Diagnostic> {
    // What keeps files from loading is found by compiling them.
    let mut dropped = Vec::new();
    let mut found = Vec::new();
    let known = known(cases, world.fields);
    for rule in rule::parse_all(rules, &mut dropped) {
        let mut findings = Findings::new(&rule.file);
        let mut seen = BTreeSet::new();
        for selection in &rule.selections {
            visit(&selection.group, &mut |item| {
                let Some(field) = item.field.as_deref() else {
                    return;
                };
                if seen.insert(field)
                    && let Some(help) = doubt(field, &known)
                {
                    findings
                        .warn(UNKNOWN_FIELD, item.at, format!("nothing sets `{field}`"))
                        .help(help);
                }
            });
        }
        found.append(&mut findings.list);
    }
    for case in cases {
        named(case, world, &mut found);
    }
    found.sort_by(|a, b| {
        (&a.file, a.line, a.column, a.code).cmp(&(&b.file, b.line, b.column, b.code))
    });
    found
}

/// Built-in fields, numbers, what decoders set, what feeds map, and what records of cases have.
fn known<'k>(cases: &'k [Case], mapped: &'k BTreeSet<String>) -> BTreeSet<&'k str> {
    let mut known: BTreeSet<&str> = BUILT_IN
        .iter()
        .chain(EXTRACTED)
        .chain(DECODED)
        .copied()
        .collect();
    known.extend(mapped.iter().map(String::as_str));
    for input in cases.iter().flat_map(|case| &case.inputs) {
        let members = input.record.as_object();
        known.extend(
            members
                .into_iter()
                .flat_map(|m| m.keys())
                .map(String::as_str),
        );
        let fields = input.record["fields"].as_object();
        known.extend(
            fields
                .into_iter()
                .flat_map(|m| m.keys())
                .map(String::as_str),
        );
    }
    known
}

/// Why a field is none, in the words of a help.
fn doubt(field: &str, known: &BTreeSet<&str>) -> Option<String> {
    if known.contains(field) || OPEN.iter().any(|prefix| field.starts_with(prefix)) {
        return None;
    }
    if let Some(family) = CLOSED.iter().find(|family| field.starts_with(**family)) {
        let members: Vec<&str> = known
            .iter()
            .filter(|name| name.starts_with(family))
            .copied()
            .collect();
        return Some(format!("there are: {}", members.join(", ")));
    }
    if field.len() < MIN_NAME {
        return None;
    }
    let near = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(field, name), *name))
        .filter(|(slips, name)| *slips <= SLIPS && name.len() >= MIN_NAME)
        .min()?;
    Some(format!("is `{}` meant?", near.1))
}

fn named(case: &Case, world: World<'_>, found: &mut Vec<Diagnostic>) {
    let Wanted::Story {
        detections,
        incidents,
        meeting,
        ..
    } = &case.wanted
    else {
        return;
    };
    let mut findings = Findings::new(&case.file);
    let detected = detections.iter().flatten();
    let detected = detected.filter_map(|one| Some((one.line, one.place.as_deref()?)));
    let queued = incidents.iter().flatten();
    let queued = queued.filter_map(|one| Some((one.line, one.place.as_deref()?)));
    let homes = case.feeds.iter();
    let homes = homes.filter_map(|feed| Some((case.line, feed.home.as_deref()?)));
    let owed = meeting.places();
    for (line, place) in detected.chain(queued).chain(homes).chain(owed) {
        let is_known = place == "-" || place.starts_with("grid:");
        if !is_known && world.gazetteer.get(place).is_none() {
            findings.warn(
                UNKNOWN_PLACE,
                case.place(place, line),
                format!("there is no place `{place}`"),
            );
        }
    }
    let routed = incidents.iter().flatten().flat_map(|one| {
        let departments = one.departments.iter().flatten();
        departments.map(|department| (one.line, department.as_str()))
    });
    let mut said = BTreeSet::new();
    for (line, department) in routed.chain(meeting.departments_named(case.line)) {
        if world.routing.get(department).is_none() && said.insert((line, department)) {
            let message = format!("there is no department `{department}`");
            findings.warn(CASE_DEPARTMENT, case.place(department, line), message);
        }
    }
    found.append(&mut findings.list);
}
