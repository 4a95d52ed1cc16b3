//! Values of scenario files: each with its finding when it is of the wrong form.

use std::collections::BTreeMap;

use super::codes;
use super::words::{Lang, Wording};
use crate::core::diagnostic::Diagnostic;
use crate::core::model::{Bilingual, Hazard, Level};
use crate::core::tools::convert::duration;
use crate::core::yaml::{At, Findings, Key, Node};

/// Longest name of a step, text, slot or place.
const MAX_NAME: usize = 40;

/// Reads values, and collects what is wrong.
pub(super) struct Reader<'a> {
    pub(super) findings: Findings<'a>,
}

/// Whether a text can be the id of a scenario, or a name within one.
pub fn is_scenario_id(text: &str) -> bool {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    (1..=MAX_NAME).contains(&text.len()) && text.chars().all(known)
}

impl Reader<'_> {
    pub(super) fn unknown(&mut self, key: &Key, of: &str, known: &str) {
        let message = format!("`{}` is no key of {of}", key.text);
        let finding = self.findings.error(codes::UNKNOWN_KEY, key.at, message);
        finding.help(format!("known here: {known}"));
    }

    pub(super) fn missing(&mut self, at: At, of: &str, key: &str) {
        let message = format!("{of} has no `{key}`");
        self.findings.error(codes::MISSING_KEY, at, message);
    }

    pub(super) fn bad(&mut self, at: At, message: impl Into<String>) -> &mut Diagnostic {
        self.findings.error(codes::BAD_VALUE, at, message)
    }

    pub(super) fn map<'n>(&mut self, node: &'n Node, what: &str) -> &'n [(Key, Node)] {
        let entries = self.findings.map_of(node, codes::MISSING_KEY, what);
        entries.unwrap_or_default()
    }

    pub(super) fn text(&mut self, node: &Node, what: &str) -> String {
        let text = node.text().filter(|text| !text.trim().is_empty());
        if text.is_none() {
            let message = format!("`{what}` is a text, not {}", node.kind());
            self.findings.error(codes::MISSING_KEY, node.at, message);
        }
        text.unwrap_or_default().to_owned()
    }

    /// A name that texts, incident reports and exercise ids can carry.
    pub(super) fn name(&mut self, text: &str, at: At) -> String {
        if !is_scenario_id(text) {
            let message = format!("`{text}` is no name");
            self.bad(at, message)
                .help("1–40 characters of a–z, 0–9, - and _");
        }
        text.to_owned()
    }

    /// A time span such as `90s` or `1h30m`.
    pub(super) fn time(&mut self, node: &Node) -> Option<i64> {
        let ms = node.text().and_then(duration);
        if ms.is_none() {
            self.bad(node.at, "a time is written as 90s, 5m, 1h30m or 2d");
        }
        ms
    }

    pub(super) fn whole(&mut self, node: &Node) -> Option<u32> {
        let number = node.text().and_then(|text| text.parse().ok());
        if number.is_none() {
            self.bad(node.at, "a whole number, 0 or more");
        }
        number
    }

    pub(super) fn hazard(&mut self, node: &Node) -> Option<Hazard> {
        let found = node.text().and_then(|id| id.parse().ok());
        if found.is_none() {
            let id = node.text().unwrap_or_default();
            let message = format!("`{id}` is no hazard of the taxonomy");
            self.bad(node.at, message)
                .help("`tocsin rules list` shows hazards that rules detect");
        }
        found
    }

    pub(super) fn level(&mut self, key: &Key) -> Option<Level> {
        let found = Level::ALL.into_iter().find(|level| level.id() == key.text);
        if found.is_none() {
            self.bad(key.at, "a level is blue, yellow, orange or red");
        }
        found
    }

    pub(super) fn lang(&mut self, node: &Node) -> Option<Lang> {
        let found = node.text().and_then(Lang::parse);
        if found.is_none() {
            self.bad(node.at, "a language is zh or en");
        }
        found
    }

    /// A list of texts, or one.
    pub(super) fn texts(&mut self, node: &Node, what: &str) -> Vec<String> {
        let items = node.items().iter();
        items.map(|item| self.text(item, what)).collect()
    }

    /// `{en: …, zh: …}`, both required.
    pub(super) fn both(&mut self, node: &Node, what: &str) -> Bilingual {
        let mut both = Bilingual::default();
        for (key, value) in self.map(node, what) {
            match key.text.as_str() {
                "en" => both.en = self.text(value, "en"),
                "zh" => both.zh = self.text(value, "zh"),
                _ => self.unknown(key, what, "en, zh"),
            }
        }
        for (text, lang) in [(&both.en, "en"), (&both.zh, "zh")] {
            if text.is_empty() && node.get(lang).is_none() {
                self.missing(node.at, what, lang);
            }
        }
        both
    }

    /// Name → wordings.
    pub(super) fn wordings(&mut self, node: &Node, what: &str) -> BTreeMap<String, Wording> {
        let mut all = BTreeMap::new();
        for (key, value) in self.map(node, what) {
            let name = self.name(&key.text, key.at);
            let mut wording = Wording {
                at: key.at,
                ..Wording::default()
            };
            for (lang, list) in self.map(value, &format!("`{name}`")) {
                match lang.text.as_str() {
                    "en" => wording.en = self.texts(list, "en"),
                    "zh" => wording.zh = self.texts(list, "zh"),
                    _ => self.unknown(lang, "a wording", "en, zh"),
                }
            }
            all.insert(name, wording);
        }
        all
    }
}
