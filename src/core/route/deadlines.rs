//! How long a department has, by level.
//!
//! Invariant: a higher level never has more time than a lower one.

use super::codes::{T_DEADLINE, T_VALUE};
use super::fields::unknown_key;
use super::table::Deadline;
use crate::core::model::Level;
use crate::core::yaml::{Findings, Node};

/// Time allowed where a department states none, seconds: blue, yellow, orange, red.
pub const DEFAULT_DEADLINES: [Deadline; 4] = [
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
pub(super) fn deadlines(node: Option<&Node>, findings: &mut Findings<'_>) -> [Deadline; 4] {
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
                    slot.acknowledge_s = duration(value, findings).unwrap_or(slot.acknowledge_s);
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
