//! Findings to fields.
//!
//! Invariant: of several statements about one field the largest counts, since tolls are revised upwards; statements about
//! other events do not. The first magnitude counts: later ones are aftershocks and history.

use std::collections::BTreeMap;

use super::lex::Template;
use super::patterns::{Finding, NOBODY_PATTERNS, PATTERNS};

/// Extracted numbers by field; see [`super::FIELDS`].
pub type Numbers = BTreeMap<&'static str, f64>;

/// Bytes of a text that are read; what matters is said before.
pub const MAX_TEXT_BYTES: usize = 16 << 10;

/// No field counts more people than this: beyond, it is no count.
const MAX_PEOPLE: f64 = 100e6;

/// Words of a sentence that is not about this event: its numbers are none.
const ANOTHER: [&str; 20] = [
    "去年",
    "前年",
    "历史上",
    "上世纪",
    "同比",
    "周年",
    "往年",
    "每年",
    "last year",
    "years ago",
    "year ago",
    "in history",
    "anniversary",
    "historical",
    "previous year",
    "every year",
    "each year",
    "per year",
    "annually",
    "a year ago",
];

/// Words of a sentence that may be about another event: its numbers count where there are no others.
const EARLIER: [&str; 7] = [
    "以来",
    "曾",
    "此前发生",
    "since ¤",
    "back in",
    "in ¤",
    "¤年",
];

/// A number of these is no number of people, whatever follows.
const TIMES: [&str; 11] = [
    " years ",
    " year ",
    " hours ",
    " hour ",
    " days ",
    " minutes ",
    " weeks ",
    " months ",
    " miles ",
    " percent ",
    " times ",
];

/// Customers without power are only counted from here on when they are not called so: “day 6 without power”.
const LEAST_BARE: f64 = 100.0;

/// One number with what it counts.
#[derive(Clone, Copy, Debug)]
struct Found {
    finding: Finding,
    value: f64,
    at: usize,
    /// Start of its sentence.
    sentence: usize,
    /// May be about another event, see [`EARLIER`].
    earlier: bool,
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
            let refused = pattern.not_before.iter().any(|word| rest.starts_with(word))
                || TIMES.iter().any(|word| whole.as_str().contains(word));
            let (start, sentence) = sentence(&template.text, number.start());
            let another = ANOTHER.iter().any(|word| sentence.contains(word));
            let Some(value) = template.value(number.start()) else {
                continue;
            };
            let bare = pattern.finding == Finding::HouseholdsBare;
            if !(refused || another || bare && value < LEAST_BARE) {
                found.push(Found {
                    finding: if bare {
                        Finding::Households
                    } else {
                        pattern.finding
                    },
                    value: value * pattern.factor,
                    at: number.start(),
                    sentence: start,
                    earlier: EARLIER.iter().any(|word| sentence.contains(word)),
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

/// The sentence around a byte, and where it begins. English sentences end with a full stop and a space; decimals have
/// become marks already.
fn sentence(text: &str, at: usize) -> (usize, &str) {
    let ends = ['。', '!', '?', ';', '\n'];
    let start = text[..at].rfind(ends).unwrap_or(0);
    let start = text[start..at].rfind(". ").map_or(start, |i| start + i);
    let end = text[at..].find(ends).map_or(text.len(), |i| at + i);
    let end = text[at..end].find(". ").map_or(end, |i| at + i);
    (start, &text[start..end])
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
    if let Some(first) = plausible.min_by_key(|f| f.at) {
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

/// The largest value of a finding; one of a sentence that may be about an earlier event counts only in the first sentence
/// that has any, since a report begins with its own event.
fn largest(found: &[Found], finding: Finding, most: f64) -> Option<f64> {
    let of_kind = || {
        found
            .iter()
            .filter(move |f| f.finding == finding && f.value <= most)
    };
    let first = of_kind().map(|f| f.sentence).min()?;
    let now = of_kind().filter(|f| !f.earlier || f.sentence == first);
    now.map(|f| f.value).reduce(f64::max)
}
