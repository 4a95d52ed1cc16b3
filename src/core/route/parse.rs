//! Reading `departments.yaml`: every error at once, each with its code and place.
//!
//! Invariant: a table without errors has one department on duty, at most one lead per hazard, and deadlines that a rising
//! level never lengthens.

use std::sync::Arc;

use super::table::{Deadline, Department, Routing, Support};
use crate::core::diagnostic::{Diagnostic, SourceFile};
use crate::core::model::{Bilingual, Hazard, Level, Tier};
use crate::core::yaml::{At, Findings, Key, Node, parse};

/// The file is not a list of departments under `departments:`.
const T_SHAPE: &str = "T0201";
/// A key that is not known.
const T_KEY: &str = "T0202";
/// A required key is missing or of the wrong form.
const T_VALUE: &str = "T0203";
/// A name that is no hazard of the taxonomy.
const T_HAZARD: &str = "T0204";
/// Two departments share an id.
const T_TWICE: &str = "T0205";
/// Two departments lead one hazard, or one both leads and supports it.
const T_LEAD: &str = "T0206";
/// Not exactly one department is on duty.
const T_DUTY: &str = "T0207";
/// A higher level has more time than a lower one.
const T_DEADLINE: &str = "T0208";

/// Departments of one table.
const MAX_DEPARTMENTS: usize = 256;
/// Channels of one department.
const MAX_CHANNELS: usize = 16;

/// Time allowed where a department states none, seconds: blue, yellow, orange, red.
const DEFAULT_DEADLINES: [Deadline; 4] = [
    Deadline {
        acknowledge_s: 4 * 3_600,
        dispose_s: 72 * 3_600,
    },
    Deadline {
        acknowledge_s: 3_600,
        dispose_s: 24 * 3_600,
    },
    Deadline {
        acknowledge_s: 15 * 60,
        dispose_s: 8 * 3_600,
    },
    Deadline {
        acknowledge_s: 5 * 60,
        dispose_s: 4 * 3_600,
    },
];

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

const KEYS: [&str; 8] = [
    "id",
    "names",
    "duty",
    "leads",
    "supports",
    "tiers",
    "channels",
    "deadlines",
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
    };
    Some((department, places))
}

fn id(node: &Node, findings: &mut Findings<'_>) -> Option<(Arc<str>, At)> {
    let Some(value) = node.get("id") else {
        findings.error(T_VALUE, node.at, "a department needs an `id`");
        return None;
    };
    let form = |id: &str| {
        (1..=64).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    match value.text().filter(|id| form(id)) {
        Some(id) => Some((id.into(), value.at)),
        None => {
            findings
                .error(T_VALUE, value.at, "an id is 1 to 64 lower-case letters, digits and `_`")
                .help("it is part of topic names and metrics, and stays when the department is renamed");
            None
        }
    }
}

fn names(node: &Node, findings: &mut Findings<'_>) -> Bilingual {
    let Some(map) = node.get("names") else {
        findings
            .error(T_VALUE, node.at, "a department needs `names`")
            .help("names: {en: Fire, zh: 消防}");
        return Bilingual::default();
    };
    let mut read = |language: &str| match map.get(language).and_then(Node::text) {
        Some(text) if !text.trim().is_empty() && text.chars().count() <= 100 => {
            text.trim().to_owned()
        }
        _ => {
            findings.error(
                T_VALUE,
                map.at,
                format!("`names` needs `{language}`, up to 100 characters"),
            );
            String::new()
        }
    };
    Bilingual {
        en: read("en"),
        zh: read("zh"),
    }
}

fn boolean(node: &Node, what: &str, findings: &mut Findings<'_>) -> bool {
    node.bool().unwrap_or_else(|| {
        findings.error(T_VALUE, node.at, format!("`{what}` is true or false"));
        false
    })
}

fn hazard(node: &Node, findings: &mut Findings<'_>) -> Option<Hazard> {
    let text = node.text().unwrap_or_default();
    match text.parse() {
        Ok(hazard) => Some(hazard),
        Err(_) => {
            findings
                .error(T_HAZARD, node.at, format!("`{text}` is not a hazard of the taxonomy"))
                .help("Tocsin watches hazards, not people: `tocsin schema alert` lists the names under `hazard`");
            None
        }
    }
}

fn hazards(list: &Node, findings: &mut Findings<'_>) -> (Vec<Hazard>, Vec<At>) {
    list.items()
        .iter()
        .filter_map(|node| Some((hazard(node, findings)?, node.at)))
        .unzip()
}

fn supports(list: &Node, findings: &mut Findings<'_>) -> (Vec<Support>, Vec<At>) {
    list.items()
        .iter()
        .filter_map(|node| Some((support(node, findings)?, node.at)))
        .unzip()
}

fn support(node: &Node, findings: &mut Findings<'_>) -> Option<Support> {
    let Some(entries) = node.map() else {
        return Some(Support {
            hazard: hazard(node, findings)?,
            required: false,
            from: Level::Blue,
        });
    };
    const KEYS: [&str; 3] = ["hazard", "required", "from"];
    for (key, _) in entries {
        if !KEYS.contains(&key.text.as_str()) {
            unknown_key(key, &KEYS, findings);
        }
    }
    let required = node
        .get("required")
        .is_some_and(|value| boolean(value, "required", findings));
    let from = node
        .get("from")
        .map_or(Level::Blue, |value| level(value, findings));
    let Some(name) = node.get("hazard") else {
        findings.error(T_VALUE, node.at, "`supports` needs a `hazard`");
        return None;
    };
    Some(Support {
        hazard: hazard(name, findings)?,
        required,
        from,
    })
}

fn level(node: &Node, findings: &mut Findings<'_>) -> Level {
    let found = node
        .text()
        .and_then(|text| Level::ALL.into_iter().find(|level| level.id() == text));
    found.unwrap_or_else(|| {
        findings.error(T_VALUE, node.at, "a level is blue, yellow, orange or red");
        Level::Blue
    })
}

fn tiers(list: &Node, findings: &mut Findings<'_>) -> Vec<Tier> {
    let mut tiers = Vec::new();
    for node in list.items() {
        match node
            .text()
            .and_then(|text| Tier::ALL.into_iter().find(|tier| tier.id() == text))
        {
            Some(tier) if tiers.last().is_some_and(|last| *last >= tier) => {
                findings.error(
                    T_VALUE,
                    node.at,
                    "tiers rise: the first escalates to the next",
                );
            }
            Some(tier) => tiers.push(tier),
            None => {
                findings.error(
                    T_VALUE,
                    node.at,
                    "a tier is township, county, city, province or country",
                );
            }
        }
    }
    tiers
}

fn channels(list: &Node, findings: &mut Findings<'_>) -> Vec<String> {
    if list.items().len() > MAX_CHANNELS {
        findings.error(
            T_VALUE,
            list.at,
            format!("more than {MAX_CHANNELS} channels"),
        );
    }
    let mut channels = Vec::new();
    for node in list.items() {
        match node
            .text()
            .filter(|text| !text.is_empty() && text.len() <= 200)
        {
            Some(text) => channels.push(text.to_owned()),
            None => {
                findings.error(
                    T_VALUE,
                    node.at,
                    "a channel is a name such as `console` or `webhook:fire`",
                );
            }
        }
    }
    channels
}

fn deadlines(node: Option<&Node>, findings: &mut Findings<'_>) -> [Deadline; 4] {
    let mut all = DEFAULT_DEADLINES;
    let Some(node) = node else {
        return all;
    };
    let Some(entries) = node.map() else {
        findings.error(
            T_VALUE,
            node.at,
            "`deadlines` is a map from level to {acknowledge, dispose}",
        );
        return all;
    };
    for (key, value) in entries {
        let Some(level) = Level::ALL.into_iter().find(|level| level.id() == key.text) else {
            unknown_key(key, &["blue", "yellow", "orange", "red"], findings);
            continue;
        };
        let slot = &mut all[level as usize];
        for (key, value) in value.map().unwrap_or_default() {
            match key.text.as_str() {
                "acknowledge" => {
                    slot.acknowledge_s = duration(value, findings).unwrap_or(slot.acknowledge_s)
                }
                "dispose" => slot.dispose_s = duration(value, findings).unwrap_or(slot.dispose_s),
                _ => unknown_key(key, &["acknowledge", "dispose"], findings),
            }
        }
        if value.map().is_none() {
            findings.error(T_VALUE, value.at, "write {acknowledge: 15m, dispose: 8h}");
        }
    }
    let rising = all.windows(2).any(|pair| {
        pair[1].acknowledge_s > pair[0].acknowledge_s || pair[1].dispose_s > pair[0].dispose_s
    });
    if rising {
        findings
            .error(
                T_DEADLINE,
                node.at,
                "a higher level has more time than a lower one",
            )
            .help("levels that are not listed keep their defaults: list all four");
    }
    all
}

/// `90s`, `15m`, `8h` or `3d`, at most 60 days.
fn duration(node: &Node, findings: &mut Findings<'_>) -> Option<u64> {
    let text = node.text().unwrap_or_default().trim();
    let unit = match text.chars().next_back() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        _ => 0,
    };
    let seconds = text
        .get(..text.len().saturating_sub(1))
        .and_then(|count| count.parse::<u64>().ok())
        .and_then(|count| count.checked_mul(unit))
        .filter(|seconds| (1..=60 * 86_400).contains(seconds));
    if seconds.is_none() {
        findings.error(
            T_VALUE,
            node.at,
            format!("`{text}` is not a time such as 90s, 15m, 8h or 3d, at most 60d"),
        );
    }
    seconds
}

fn unknown_key(key: &Key, known: &[&str], findings: &mut Findings<'_>) {
    findings
        .error(T_KEY, key.at, format!("`{}` is not known here", key.text))
        .help(format!("known: {}", known.join(", ")));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::model::{DepartmentRequest, Duty};

    fn read(text: &str) -> Result<Routing, Vec<Diagnostic>> {
        Routing::parse(&SourceFile {
            name: "departments.yaml".into(),
            text: text.into(),
        })
    }

    #[test]
    fn the_bundled_table_gives_every_hazard_a_required_lead() {
        let routing = read(include_str!("../../../config/departments.yaml")).unwrap();
        assert!(
            routing.unled().is_empty(),
            "only on duty: {:?}",
            routing.unled()
        );
        for hazard in Hazard::ALL {
            for level in Level::ALL {
                let departments = routing.departments(*hazard, level, &[]);
                assert_eq!(
                    (departments[0].duty, departments[0].required),
                    (Duty::Lead, true)
                );
                let leads = departments.iter().filter(|d| d.duty == Duty::Lead).count();
                assert_eq!(leads, 1, "{hazard}");
                assert!(
                    departments[1..]
                        .windows(2)
                        .all(|pair| pair[0].id < pair[1].id)
                );
            }
        }
    }

    #[test]
    fn levels_and_requests_add_departments() {
        let routing = read(
            "departments:\n\
             - {id: a, names: {en: A, zh: 甲}, duty: true}\n\
             - {id: b, names: {en: B, zh: 乙}, leads: [fire], supports: [flood, {hazard: storm, from: orange}]}\n\
             - {id: c, names: {en: C, zh: 丙}, supports: [{hazard: fire, required: true}]}\n",
        )
        .unwrap();
        let ids = |hazard, level, requests: &[DepartmentRequest]| -> Vec<String> {
            let all = routing.departments(hazard, level, requests);
            all.iter()
                .map(|d| format!("{}{}", d.id, if d.required { "!" } else { "" }))
                .collect()
        };
        assert_eq!(ids(Hazard::Fire, Level::Blue, &[]), ["b!", "c!"]);
        assert_eq!(ids(Hazard::Storm, Level::Yellow, &[]), ["a!"]);
        assert_eq!(ids(Hazard::Storm, Level::Orange, &[]), ["a!", "b"]);
        let ask = |id: &str, required| DepartmentRequest {
            id: id.into(),
            required,
        };
        let requests = [
            ask("c", false),
            ask("c", true),
            ask("b", true),
            ask("nobody", true),
        ];
        assert_eq!(
            ids(Hazard::Flood, Level::Blue, &requests),
            ["a!", "b!", "c!"]
        );
        assert_eq!(ids(Hazard::Fire, Level::Blue, &requests), ["b!", "c!"]);
    }

    #[test]
    fn every_error_is_found_at_once_and_placed() {
        let found = read(
            "departments:\n\
             - {id: Fire, names: {en: Fire, zh: 消防}}\n\
             - {id: a, names: {en: A}, leads: [fire, blaze], color: red}\n\
             - {id: b, names: {en: B, zh: 乙}, leads: [fire], supports: [fire], tiers: [city, county]}\n\
             - id: b\n\
             \x20 names: {en: B, zh: 乙}\n\
             \x20 deadlines: {red: {acknowledge: 2d}, blue: {dispose: soon}}\n",
        )
        .unwrap_err();
        let mut codes: Vec<(&str, usize)> = found.iter().map(|d| (d.code, d.line)).collect();
        codes.sort_unstable();
        assert_eq!(
            codes,
            [
                (T_KEY, 3),
                (T_VALUE, 2),
                (T_VALUE, 3),
                (T_VALUE, 4),
                (T_VALUE, 7),
                (T_HAZARD, 3),
                (T_TWICE, 5),
                (T_LEAD, 4),
                (T_LEAD, 4),
                (T_DUTY, 1),
                (T_DEADLINE, 7),
            ]
        );
        assert!(found.iter().all(|d| d.column > 0 && d.length > 0));
        let two = "departments:\n- {id: a, names: {en: A, zh: 甲}, duty: true}\n- {id: b, names: {en: B, zh: 乙}, duty: true}\n";
        assert_eq!(read(two).unwrap_err()[0].code, T_DUTY);
        for text in ["", "[]", "5", "departments: 5", "a: [", "departments: []"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
