//! Findings to fields.
//!
//! Invariant: of several statements about one field the largest counts, since tolls are revised upwards; statements about
//! other events do not. The first magnitude counts: later ones are aftershocks and history.

use std::collections::BTreeMap;

use regex::Regex;

use super::gate::Set;
use super::lex::Template;
use super::patterns::{Finding, GATE, NOBODY_PATTERNS, PATTERNS, Pattern};
use super::sentence::Sentences;

/// Extracted numbers by field; see [`super::FIELDS`].
pub type Numbers = BTreeMap<&'static str, f64>;

/// Bytes of a text that are read; what matters is said before.
pub const MAX_TEXT_BYTES: usize = 16 << 10;

/// No field counts more people than this: beyond, it is no count.
const MAX_PEOPLE: f64 = 100e6;

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
    /// May be about another event, see [`super::sentence`].
    earlier: bool,
}

/// The numbers in a normalised text: casualties, evacuated, magnitude and the like, from Chinese and English.
pub fn extract(normalised: &str) -> Numbers {
    let text = head(normalised);
    if !text.chars().any(could_count) {
        return Numbers::new();
    }
    let template = Template::of(text);
    let open = GATE.open(&template.text);
    read(&template, open)
}

/// What the patterns `open` say of a text.
fn read(template: &Template, open: Set) -> Numbers {
    let mut found = Vec::new();
    let mut sentences = Sentences::of(&template.text);
    // Every pattern takes a number.
    let tried = if template.has_numbers() { open } else { 0 };
    for pattern in numbered(&PATTERNS, tried) {
        if may_match(pattern.quick.as_ref(), template) {
            findings(pattern, template, &mut sentences, &mut found);
        }
    }
    let mut numbers = fields(&found);
    for statement in numbered(&NOBODY_PATTERNS, open >> PATTERNS.len()) {
        if may_match(statement.quick.as_ref(), template) && statement.regex.is_match(&template.text)
        {
            for name in statement.fields {
                numbers.entry(name).or_insert(0.0);
            }
        }
    }
    numbers
}

/// Those of `all` whose number is in `set`, in order.
fn numbered<T>(all: &[T], set: Set) -> impl Iterator<Item = &T> {
    all.iter()
        .enumerate()
        .filter(move |(number, _)| set >> number & 1 == 1)
        .map(|(_, one)| one)
}

fn may_match(quick: Option<&Regex>, template: &Template) -> bool {
    quick.is_none_or(|quick| quick.is_match(&template.text))
}

/// Adds what one pattern finds.
fn findings(
    pattern: &Pattern,
    template: &Template,
    sentences: &mut Sentences<'_>,
    found: &mut Vec<Found>,
) {
    for captures in pattern.regex.captures_iter(&template.text) {
        let (Some(whole), Some(number)) = (captures.get(0), captures.get(1)) else {
            continue;
        };
        let rest = &template.text[whole.end()..];
        let refused = pattern.not_before.iter().any(|word| rest.starts_with(word))
            || TIMES.iter().any(|word| whole.as_str().contains(word));
        let sentence = sentences.around(number.start());
        let Some(value) = template.value(number.start()) else {
            continue;
        };
        let bare = pattern.finding == Finding::HouseholdsBare;
        if !(refused || sentence.another || bare && value < LEAST_BARE) {
            found.push(Found {
                finding: if bare {
                    Finding::Households
                } else {
                    pattern.finding
                },
                value: value * pattern.factor,
                at: number.start(),
                sentence: sentence.start,
                earlier: sentence.earlier,
            });
        }
    }
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

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use proptest::prelude::*;

    use super::*;
    use crate::core::normalise::normalise;

    /// The same without gate and quick forms: every pattern on every text.
    fn by_all_patterns(text: &str) -> Numbers {
        let template = Template::of(head(text));
        let mut found = Vec::new();
        let mut sentences = Sentences::of(&template.text);
        for pattern in PATTERNS.iter() {
            findings(pattern, &template, &mut sentences, &mut found);
        }
        let mut numbers = fields(&found);
        for statement in NOBODY_PATTERNS.iter() {
            if statement.regex.is_match(&template.text) {
                for name in statement.fields {
                    numbers.entry(name).or_insert(0.0);
                }
            }
        }
        numbers
    }

    #[test]
    fn nothing_is_lost_at_the_gate_in_real_texts() {
        assert!(
            PATTERNS.len() + NOBODY_PATTERNS.len() <= 128,
            "a set holds 128 patterns"
        );
        let sample = include_bytes!("../../../config/samples/feed.jsonl.gz");
        let mut feed = String::new();
        flate2::read::GzDecoder::new(&sample[..])
            .read_to_string(&mut feed)
            .unwrap();
        let golden = include_str!("../../../tests/golden/numbers.tsv");
        let mut with_numbers = 0;
        for line in feed.lines().chain(golden.lines()) {
            let text = normalise(line);
            let numbers = extract(&text);
            assert_eq!(numbers, by_all_patterns(&text), "{line}");
            with_numbers += usize::from(!numbers.is_empty());
        }
        assert!(with_numbers > 200, "{with_numbers} texts with numbers");
    }

    /// Pieces of sentences that patterns are made of, and some that stand in their way.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[0-9]{1,4}",
            "[一二三四五六七八九十百千万两]{1,3}",
            "[ ,.;:。,、的了]",
            "[a-z’é级]{1,3}",
            proptest::sample::select(vec![
                "人",
                "名",
                "死亡",
                "受伤",
                "失踪",
                "被困",
                "遇难",
                "疏散",
                "转移",
                "地震",
                "级",
                "里氏",
                "积水",
                "米",
                "户停电",
                "无人员伤亡",
                "没有死亡",
                "造成",
                "公顷",
                "过火面积",
                "致",
                "死",
                "伤",
                "中毒",
                "遗体",
                "公里",
                "震源深度",
                "平方公里",
            ])
            .prop_map(str::to_owned),
            proptest::sample::select(vec![
                " people",
                " killed",
                " dead",
                " injured",
                " were ",
                " missing",
                " trapped",
                "three ",
                "two dozen ",
                " evacuated",
                "magnitude ",
                " m",
                " acres",
                " hectares",
                " feet of water",
                " without power",
                " homes",
                "death toll",
                " rises to ",
                "no casualties",
                "no one was killed",
                " and ",
                "at least ",
                "depth of ",
                "km",
                " deep",
                "measuring ",
                "’s",
                "missing: ",
                " quake",
                "burned ",
                " sq mi",
                " sick",
                "kills ",
                "claimed the lives of ",
                "last year ",
                "no injuries",
            ])
            .prop_map(str::to_owned),
        ];
        proptest::collection::vec(piece, 1..14).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn nothing_is_lost_at_the_gate(text in pieces()) {
            let text = normalise(&text);
            prop_assert_eq!(extract(&text), by_all_patterns(&text), "{}", text);
        }
    }
}
