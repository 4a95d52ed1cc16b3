//! Wording: templates with `{slots}`, chosen by the seed.
//!
//! Invariant: the choice for one report depends on the seed, the report's number and the slot alone, so that a step that is
//! added to a scenario rewords no other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::model::Place;
use crate::core::yaml::At;

/// Slot of the name of the step's place.
pub(super) const PLACE: &str = "place";

/// Languages of the interface and of wordings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Lang {
    #[default]
    En,
    Zh,
}

impl Lang {
    /// `en` or `zh`.
    pub fn id(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }

    /// The language of that id.
    pub fn parse(id: &str) -> Option<Self> {
        [Self::En, Self::Zh]
            .into_iter()
            .find(|lang| lang.id() == id)
    }
}

/// Ways to say one thing, per language.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wording {
    /// English.
    pub en: Vec<String>,
    /// Chinese.
    pub zh: Vec<String>,
    /// Where it stands.
    pub at: At,
}

impl Wording {
    /// Those of one language.
    pub fn of(&self, lang: Lang) -> &[String] {
        match lang {
            Lang::En => &self.en,
            Lang::Zh => &self.zh,
        }
    }
}

/// Names of the slots of a template, in order.
pub(super) fn slots(template: &str) -> impl Iterator<Item = &str> {
    template
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

/// What fills the slots of one report.
pub(super) struct Filler<'a> {
    pub(super) slots: &'a BTreeMap<String, Wording>,
    pub(super) place: Option<&'a Place>,
    pub(super) lang: Lang,
    pub(super) seed: u64,
    pub(super) step: &'a str,
    pub(super) number: u64,
}

impl Filler<'_> {
    /// One of the wordings of the language, its slots filled. Empty without any.
    pub(super) fn say(&self, what: &str, wording: &Wording) -> String {
        let all = wording.of(self.lang);
        let template = self.choose(what, all).unwrap_or_default();
        self.fill(template)
    }

    /// A template with its slots filled; unknown slots stay as they are.
    pub(super) fn fill(&self, template: &str) -> String {
        let mut text = String::with_capacity(template.len() + 16);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let Some((name, tail)) = after.split_once('}') else {
                text.push('{');
                rest = after;
                continue;
            };
            text.push_str(&self.slot(name));
            rest = tail;
        }
        text.push_str(rest);
        text
    }

    fn slot(&self, name: &str) -> String {
        if name == PLACE {
            return self.place.map_or_else(String::new, |place| {
                let zh = place.name_zh.as_deref().filter(|_| self.lang == Lang::Zh);
                zh.unwrap_or(&place.name).to_owned()
            });
        }
        let found = self.slots.get(name);
        let chosen = found.and_then(|wording| self.choose(name, wording.of(self.lang)));
        chosen.map_or_else(|| format!("{{{name}}}"), str::to_owned)
    }

    fn choose<'w>(&self, what: &str, all: &'w [String]) -> Option<&'w str> {
        let count = u64::try_from(all.len()).ok().filter(|count| *count > 0)?;
        let parts = [self.step, what];
        let index = pick(self.seed, &parts, self.number) % count;
        all.get(usize::try_from(index).ok()?).map(String::as_str)
    }
}

/// A number that looks random and is a function of its arguments: XXH3 over them.
pub(super) fn pick(seed: u64, parts: &[&str], number: u64) -> u64 {
    let mut bytes = Vec::with_capacity(64);
    for part in parts {
        bytes.extend_from_slice(part.as_bytes());
        bytes.push(0);
    }
    bytes.extend_from_slice(&number.to_le_bytes());
    xxhash_rust::xxh3::xxh3_64_with_seed(&bytes, seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_filled_by_seed_and_number_alone() {
        let mut slots = BTreeMap::new();
        let floors = ["two", "three", "four", "five"].map(str::to_owned).to_vec();
        slots.insert(
            "floor".to_owned(),
            Wording {
                en: floors,
                ..Wording::default()
            },
        );
        let filler = |seed, number| Filler {
            slots: &slots,
            place: None,
            lang: Lang::En,
            seed,
            step: "calls",
            number,
        };
        let say = |seed, number| filler(seed, number).fill("floor {floor}, {odd} {");
        assert_eq!(say(1, 1), say(1, 1));
        let said: std::collections::BTreeSet<String> = (0..50).map(|n| say(1, n)).collect();
        assert_eq!(said.len(), 4, "{said:?}");
        assert!(said.iter().all(|text| text.ends_with(", {odd} {")));
        assert!((0..50).any(|n| say(1, n) != say(2, n)));
        assert_eq!(slots_of("{a}b{c}"), ["a", "c"]);
    }

    fn slots_of(text: &str) -> Vec<&str> {
        super::slots(text).collect()
    }
}
