//! The keys of one department, each read and checked on its own.
//!
//! Invariant: whatever is wrong is a finding, and reading goes on with a harmless value.

use std::sync::Arc;

use super::codes::{T_HAZARD, T_KEY, T_VALUE};
use super::table::Support;
use crate::core::model::{Bilingual, Hazard, Level, Tier};
use crate::core::yaml::{At, Findings, Key, Node};

/// Channels of one department.
const MAX_CHANNELS: usize = 16;

pub(super) fn unknown_key(key: &Key, known: &[&str], findings: &mut Findings<'_>) {
    findings
        .error(T_KEY, key.at, format!("`{}` is not known here", key.text))
        .help(format!("known: {}", known.join(", ")));
}
pub(super) fn id(node: &Node, findings: &mut Findings<'_>) -> Option<(Arc<str>, At)> {
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
    if let Some(id) = value.text().filter(|id| form(id)) {
        return Some((id.into(), value.at));
    }
    findings
        .error(
            T_VALUE,
            value.at,
            "an id is 1 to 64 lower-case letters, digits and `_`",
        )
        .help("it is part of topic names and metrics, and stays when the department is renamed");
    None
}

pub(super) fn names(node: &Node, findings: &mut Findings<'_>) -> Bilingual {
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

pub(super) fn boolean(node: &Node, what: &str, findings: &mut Findings<'_>) -> bool {
    node.bool().unwrap_or_else(|| {
        findings.error(T_VALUE, node.at, format!("`{what}` is true or false"));
        false
    })
}

fn hazard(node: &Node, findings: &mut Findings<'_>) -> Option<Hazard> {
    let text = node.text().unwrap_or_default();
    let hazard = text.parse().ok();
    if hazard.is_none() {
        findings
            .error(T_HAZARD, node.at, format!("`{text}` is not a hazard of the taxonomy"))
            .help("Tocsin watches hazards, not people: `tocsin schema alert` lists the names under `hazard`");
    }
    hazard
}

pub(super) fn hazards(list: &Node, findings: &mut Findings<'_>) -> (Vec<Hazard>, Vec<At>) {
    list.items()
        .iter()
        .filter_map(|node| Some((hazard(node, findings)?, node.at)))
        .unzip()
}

pub(super) fn supports(list: &Node, findings: &mut Findings<'_>) -> (Vec<Support>, Vec<At>) {
    list.items()
        .iter()
        .filter_map(|node| Some((support(node, findings)?, node.at)))
        .unzip()
}

const SUPPORT_KEYS: [&str; 3] = ["hazard", "required", "from"];

fn support(node: &Node, findings: &mut Findings<'_>) -> Option<Support> {
    let Some(entries) = node.map() else {
        return Some(Support {
            hazard: hazard(node, findings)?,
            required: false,
            from: Level::Blue,
        });
    };
    for (key, _) in entries {
        if !SUPPORT_KEYS.contains(&key.text.as_str()) {
            unknown_key(key, &SUPPORT_KEYS, findings);
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

pub(super) fn tiers(list: &Node, findings: &mut Findings<'_>) -> Vec<Tier> {
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

pub(super) fn channels(list: &Node, findings: &mut Findings<'_>) -> Vec<String> {
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
