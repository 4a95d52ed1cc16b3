//! Reading `departments.yaml`: every error at once, each with its code and place.
//!
//! Invariant: a table without errors has one department on duty, at most one lead per hazard, and deadlines that a rising
//! level never lengthens.

use super::codes::{T_DUTY, T_LEAD, T_SHAPE, T_TWICE};
use super::deadlines::deadlines;
use super::fields::{boolean, channels, hazards, id, names, supports, tiers, unknown_key};
use super::hours_parse::hours;
use super::table::{Department, Routing};
use crate::core::diagnostic::{Diagnostic, SourceFile};
use crate::core::model::Hazard;
use crate::core::yaml::{At, Findings, Node, parse};

/// Departments of one table.
const MAX_DEPARTMENTS: usize = 256;

impl Routing {
    /// Reads a routing table, or says everything that is wrong with it.
    pub fn parse(source: &SourceFile) -> Result<Self, Vec<Diagnostic>> {
        let mut findings = Findings::new(&source.name);
        let documents = parse(&source.text, &mut findings);
        let mut departments = Vec::new();
        if !findings.has_errors() {
            departments = read(&documents, &mut findings);
        }
        if findings.has_errors() {
            Err(findings.list)
        } else {
            Ok(Self::new(departments))
        }
    }
}

fn read(documents: &[Node], findings: &mut Findings<'_>) -> Vec<Department> {
    let [document] = documents else {
        findings
            .error(T_SHAPE, At::default(), "one document is expected")
            .help("begin the file with `departments:` and a list");
        return Vec::new();
    };
    let Some(entries) = document.map() else {
        findings.error(
            T_SHAPE,
            document.at,
            format!("{} where `departments:` is expected", document.kind()),
        );
        return Vec::new();
    };
    let mut departments = Vec::new();
    for (key, value) in entries {
        if key.text == "departments" {
            let items = value.items();
            if items.len() > MAX_DEPARTMENTS {
                findings.error(
                    T_SHAPE,
                    value.at,
                    format!("more than {MAX_DEPARTMENTS} departments"),
                );
            }
            departments = items
                .iter()
                .filter_map(|item| department(item, findings))
                .collect();
        } else {
            unknown_key(key, &["departments"], findings);
        }
    }
    check_ids(&departments, findings);
    check_leads(&departments, findings);
    check_duty(&departments, document.at, findings);
    departments
        .into_iter()
        .map(|(department, _)| department)
        .collect()
}

const KEYS: [&str; 9] = [
    "id",
    "names",
    "duty",
    "leads",
    "supports",
    "tiers",
    "channels",
    "deadlines",
    "hours",
];

/// A department, with the places of what later checks point at.
type Placed = (Department, Places);

struct Places {
    id: At,
    duty: At,
    leads: Vec<At>,
    supports: Vec<At>,
}

fn department(node: &Node, findings: &mut Findings<'_>) -> Option<Placed> {
    let Some(entries) = node.map() else {
        findings.error(
            T_SHAPE,
            node.at,
            format!("{} where a department is expected", node.kind()),
        );
        return None;
    };
    for (key, _) in entries {
        if !KEYS.contains(&key.text.as_str()) {
            unknown_key(key, &KEYS, findings);
        }
    }
    let (id, id_at) = id(node, findings)?;
    let names = names(node, findings);
    let (duty, duty_at) = match node.get("duty") {
        None => (false, node.at),
        Some(value) => (boolean(value, "duty", findings), value.at),
    };
    let (leads, lead_places) = node
        .get("leads")
        .map(|list| hazards(list, findings))
        .unwrap_or_default();
    let (supports, support_places) = node
        .get("supports")
        .map(|list| supports(list, findings))
        .unwrap_or_default();
    let places = Places {
        id: id_at,
        duty: duty_at,
        leads: lead_places,
        supports: support_places,
    };
    let department = Department {
        id,
        names,
        duty,
        leads,
        supports,
        tiers: node
            .get("tiers")
            .map(|list| tiers(list, findings))
            .unwrap_or_default(),
        channels: node
            .get("channels")
            .map(|list| channels(list, findings))
            .unwrap_or_default(),
        deadlines: deadlines(node.get("deadlines"), findings),
        hours: node.get("hours").and_then(|node| hours(node, findings)),
    };
    Some((department, places))
}
fn check_ids(departments: &[Placed], findings: &mut Findings<'_>) {
    for (index, (department, places)) in departments.iter().enumerate() {
        if departments[..index]
            .iter()
            .any(|(other, _)| other.id == department.id)
        {
            findings.error(
                T_TWICE,
                places.id,
                format!("the id `{}` stands here twice", department.id),
            );
        }
    }
}

fn check_leads(departments: &[Placed], findings: &mut Findings<'_>) {
    let mut leads: Vec<(Hazard, &str)> = Vec::new();
    for (department, places) in departments {
        for (hazard, at) in department.leads.iter().zip(&places.leads) {
            if let Some((_, other)) = leads.iter().find(|(led, _)| led == hazard) {
                findings
                    .error(T_LEAD, *at, format!("`{hazard}` is already led by `{other}`"))
                    .help("one department leads; list the other under `supports` with `required: true`");
            }
            leads.push((*hazard, &department.id));
        }
        for (support, at) in department.supports.iter().zip(&places.supports) {
            if department.leads.contains(&support.hazard) {
                findings.error(
                    T_LEAD,
                    *at,
                    format!(
                        "`{}` both leads and supports `{}`",
                        department.id, support.hazard
                    ),
                );
            }
        }
    }
}

fn check_duty(departments: &[Placed], whole: At, findings: &mut Findings<'_>) {
    let mut on_duty = departments.iter().filter(|(department, _)| department.duty);
    match (on_duty.next(), on_duty.next()) {
        (None, _) => findings
            .error(T_DUTY, whole, "no department is on duty")
            .help("write `duty: true` at the one that takes incidents which nobody leads"),
        (_, Some((second, places))) => findings
            .error(
                T_DUTY,
                places.duty,
                format!("`{}` is a second department on duty", second.id),
            )
            .help("exactly one is"),
        _ => {}
    }
}
