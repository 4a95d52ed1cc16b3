//! Findings to fields.
//!
//! Invariant: of several statements about one field the largest counts, since tolls are revised upwards; statements about the
//! past count only where there is no other. The first magnitude counts: later ones are aftershocks and history.

use std::collections::BTreeMap;

use super::lex::Template;
use super::patterns::{Finding, NOBODY_PATTERNS, PATTERNS};

/// Extracted numbers by field; see [`super::FIELDS`].
pub type Numbers = BTreeMap<&'static str, f64>;

/// Bytes of a text that are read; what matters is said before.
pub const MAX_TEXT_BYTES: usize = 16 << 10;

/// No field counts more people than this: beyond, it is no count.
const MAX_PEOPLE: f64 = 100e6;

/// Words of a sentence about another event than this one.
const PAST: [&str; 22] = [
    "去年",
    "前年",
    "历史",
    "曾经",
    "曾发生",
    "上世纪",
    "以来",
    "同比",
    "此前发生",
    "周年",
    "往年",
    "last year",
    "years ago",
    "in history",
    "anniversary",
    "since ¤",
    "historical",
    "back in",
    "in ¤",
    "previous year",
    "every year",
    "each year",
];

/// One number with what it counts.
#[derive(Clone, Copy, Debug)]
struct Found {
    finding: Finding,
    value: f64,
    at: usize,
    past: bool,
}

/// The numbers in a normalised text: casualties, evacuated, magnitude and the like, from Chinese and English.
pub fn extract(normalised: &str) -> Numbers {
    let text = head(normalised);
    if !text.chars().any(could_count) {
        return Numbers::new();
    }
    let template = Template::of(text);
    let mut found = Vec::new();
    for pattern in PATTERNS.iter() {
        for captures in pattern.regex.captures_iter(&template.text) {
            let (Some(whole), Some(number)) = (captures.get(0), captures.get(1)) else {
                continue;
            };
            let rest = &template.text[whole.end()..];
            if pattern.not_before.iter().any(|word| rest.starts_with(word)) {
                continue;
            }
            if let Some(value) = template.value(number.start()) {
                found.push(Found {
                    finding: pattern.finding,
                    value: value * pattern.factor,
                    at: number.start(),
                    past: is_past(&template.text, number.start()),
                });
            }
        }
    }
    let mut numbers = fields(&found);
    for (regex, names) in NOBODY_PATTERNS.iter() {
        if regex.is_match(&template.text) {
            for name in *names {
                numbers.entry(name).or_insert(0.0);
            }
        }
    }
    numbers
}

fn head(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A cheap refusal of texts without a digit, a Chinese numeral, or any letter that English numbers could be made of.
fn could_count(c: char) -> bool {
    c.is_ascii_alphanumeric() || ('一'..='龥').contains(&c) || c == '〇'
}

/// Whether the sentence around a byte speaks of the past.
fn is_past(text: &str, at: usize) -> bool {
    let ends = ['。', '!', '?', ';', '\n'];
    let start = text[..at].rfind(ends).map_or(0, |i| i);
    let end = text[at..].find(ends).map_or(text.len(), |i| at + i);
    let sentence = &text[start..end];
    // English sentences end with a full stop and a space; decimals have become marks already.
    let offset = at - start;
    let from = sentence[..offset].rfind(". ").unwrap_or(0);
    let to = sentence[offset..]
        .find(". ")
        .map_or(sentence.len(), |i| offset + i);
    PAST.iter().any(|word| sentence[from..to].contains(word))
}

fn fields(found: &[Found]) -> Numbers {
    const PEOPLE: [(Finding, &str); 7] = [
        (Finding::Dead, "casualties.dead"),
        (Finding::Injured, "casualties.injured"),
        (Finding::Missing, "casualties.missing"),
        (Finding::Trapped, "casualties.trapped"),
        (Finding::Ill, "casualties.ill"),
        (Finding::Evacuated, "evacuated"),
        (Finding::Households, "households"),
    ];
    let mut numbers = Numbers::new();
    for (finding, name) in PEOPLE {
        let mut value = largest(found, finding, MAX_PEOPLE);
        if finding == Finding::Injured {
            let severe = largest(found, Finding::InjuredSeverely, MAX_PEOPLE);
            let light = largest(found, Finding::InjuredLightly, MAX_PEOPLE);
            let parts = match (severe, light) {
                (None, None) => None,
                (severe, light) => Some(severe.unwrap_or(0.0) + light.unwrap_or(0.0)),
            };
            value = match (value, parts) {
                (Some(total), Some(parts)) => Some(total.max(parts)),
                (total, parts) => total.or(parts),
            };
        }
        if let Some(value) = value {
            numbers.insert(name, value.floor());
        }
    }
    let magnitudes = found.iter().filter(|f| f.finding == Finding::Magnitude);
    let plausible = magnitudes.filter(|f| (0.0..10.0).contains(&f.value));
    if let Some(first) = plausible.min_by_key(|f| (f.past, f.at)) {
        numbers.insert("magnitude", first.value);
    }
    for (finding, name, most) in [
        (Finding::Depth, "depth_km", 800.0),
        (Finding::Area, "area_ha", 1e8),
        (Finding::WaterDepth, "water_depth_m", 100.0),
    ] {
        if let Some(value) = largest(found, finding, most) {
            // Four decimals: a unit's factor shall not show.
            numbers.insert(name, (value * 1e4).round() / 1e4);
        }
    }
    numbers
}

/// The largest value of a finding about now, else about the past.
fn largest(found: &[Found], finding: Finding, most: f64) -> Option<f64> {
    let values = |past: bool| {
        let wanted = move |f: &&Found| f.finding == finding && f.past == past && f.value <= most;
        found
            .iter()
            .filter(wanted)
            .map(|f| f.value)
            .reduce(f64::max)
    };
    values(false).or_else(|| values(true))
}
