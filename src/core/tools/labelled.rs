//! Evaluation files: which labelled sets rules are measured on, what of a row is the report, and what counts as right.
//!
//! ```yaml
//! sets:
//!   - name: posts on five disasters
//!     file: crisislex_t6.jsonl        # JSON lines, in the folder of the data; `.gz` too
//!     source: CrisisLex T6, MIT       # said beside the figures
//!     positive: {label: on-topic}     # rows on which rules have to fire: every member has the value, or one of a list
//!     negative: {label: off-topic}    # rows on which they have to be silent; `{}` is every row; the others are left out
//!     text: text                      # members that make up the report; this is the default, and has no title
//!     title: title
//!     until: "。！？"                 # the text goes up to the first of these only
//!     hazards: [flood, storm]         # only rules of these count; default: all
//!     fires: alert                    # `detection` (default): a rule fires; `alert`: it alone puts an incident on the queue
//!     feed: {kind: post, reliability: 50}
//!     want: {precision: 0.8, recall: 0.75, f1: 0.75, false_alarms: 0.003}   # of the part `check`
//! ```
//!
//! Every set falls into two parts by a hash of the rows' `id`: rules may be tuned on `tune` alone, and `check` judges them.
//!
//! Invariant: which part a row is of depends on its id alone.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::case::{plain_feed, strings};
use super::convert::json as json_of;
use super::quality::Quality;
use crate::core::diagnostic::{Diagnostic, SourceFile};
use crate::core::model::{Feed, Hazard};
use crate::core::rule::codes;
use crate::core::yaml::{self, At, Findings, Node};

/// Half of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Part {
    Tune,
    Check,
}

impl Part {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Tune, Self::Check];

    /// The part of a row: the first bit of the SHA-256 of its id.
    pub fn of(id: &str) -> Self {
        if Sha256::digest(id.as_bytes())[0] < 128 {
            Self::Tune
        } else {
            Self::Check
        }
    }

    /// Its name.
    pub fn id(self) -> &'static str {
        match self {
            Self::Tune => "tune",
            Self::Check => "check",
        }
    }
}

/// What has to be reached.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Want {
    pub precision: Option<f64>,
    pub recall: Option<f64>,
    pub f1: Option<f64>,
    /// At most.
    pub false_alarms: Option<f64>,
}

/// One labelled set.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Set {
    pub name: String,
    pub file: String,
    pub source: String,
    pub feed: Feed,
    /// None: all hazards.
    pub hazards: Option<Vec<Hazard>>,
    /// Whether a detection counts only where it puts an incident on the queue by itself.
    pub alerts: bool,
    pub want: Want,
    positive: Option<Match>,
    negative: Option<Match>,
    title: Option<String>,
    text: String,
    until: String,
}

/// Members and the values that they may have.
type Match = BTreeMap<String, Vec<Value>>;

/// A row that counts.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Row {
    pub part: Part,
    /// Whether rules have to fire.
    pub label: bool,
    /// A Tocsin JSON record.
    pub record: String,
}

impl Set {
    /// What a row is to this set; none when it is neither positive nor negative.
    pub fn row(&self, row: &Value) -> Option<Row> {
        let fits = |of: &Option<Match>| of.as_ref().is_some_and(|of| fits(of, row));
        let label = fits(&self.positive);
        if !label && !fits(&self.negative) {
            return None;
        }
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        let id = match &row["id"] {
            Value::String(id) => id.clone(),
            other => other.to_string(),
        };
        let mut body = text(&self.text);
        if !self.until.is_empty() {
            body = body
                .split(|c| self.until.contains(c))
                .next()
                .unwrap_or_default();
        }
        let mut record = json!({"id": id, "text": body});
        if let Some(title) = &self.title {
            record["title"] = text(title).into();
        }
        Some(Row {
            part: Part::of(&id),
            label,
            record: record.to_string(),
        })
    }

    /// What of [`Self::want`] a part does not reach, in words.
    pub fn missed(&self, quality: &Quality) -> Vec<String> {
        let value = |share: Option<super::quality::Share>| share.map(|share| share.value);
        let mut missed = Vec::new();
        for (name, want, got) in [
            ("precision", self.want.precision, value(quality.precision())),
            ("recall", self.want.recall, value(quality.recall())),
            ("F1", self.want.f1, value(quality.f1())),
        ] {
            if let Some(want) = want
                && got.unwrap_or(0.0) < want
            {
                let got = got.map_or("none".to_owned(), |got| format!("{got:.3}"));
                missed.push(format!("{}: {name} is {got}, wanted {want}", self.name));
            }
        }
        if let (Some(want), Some(got)) = (self.want.false_alarms, value(quality.false_alarms()))
            && got > want
        {
            missed.push(format!(
                "{}: false alarms are {got:.4} of the rest, wanted at most {want}",
                self.name
            ));
        }
        missed
    }
}

fn fits(of: &Match, row: &Value) -> bool {
    let has = |value: &Value, wanted: &[Value]| match value {
        Value::Array(items) => items.iter().any(|item| wanted.contains(item)),
        other => wanted.contains(other),
    };
    of.iter().all(|(key, wanted)| has(&row[key], wanted))
}

/// The sets of a file; findings go to `found`.
pub fn parse(source: &SourceFile, found: &mut Vec<Diagnostic>) -> Vec<Set> {
    let mut findings = Findings::new(&source.name);
    let mut sets = Vec::new();
    for document in yaml::parse(&source.text, &mut findings) {
        for (key, node) in document.map().unwrap_or_default() {
            if key.text == "sets" {
                sets.extend(
                    node.items()
                        .iter()
                        .filter_map(|node| set(node, &mut findings)),
                );
            } else {
                unknown(key.at, &key.text, "sets", &mut findings);
            }
        }
        if document.get("sets").is_none() {
            let message = "an evaluation file has a list `sets`";
            findings.error(codes::MISSING_KEY, document.at, message);
        }
    }
    found.append(&mut findings.list);
    sets
}

fn unknown(at: At, key: &str, known: &str, findings: &mut Findings<'_>) {
    let message = format!("`{key}` means nothing here");
    findings.error(codes::UNKNOWN_KEY, at, message).help(known);
}

fn set(node: &Node, findings: &mut Findings<'_>) -> Option<Set> {
    let mut set = Set {
        name: String::new(),
        file: String::new(),
        source: String::new(),
        feed: plain_feed("labelled"),
        hazards: None,
        alerts: false,
        want: Want::default(),
        positive: None,
        negative: None,
        title: None,
        text: "text".to_owned(),
        until: String::new(),
    };
    for (key, value) in findings.map_of(node, codes::WRONG_TYPE, "a set")? {
        let text = || value.text().unwrap_or_default().to_owned();
        match key.text.as_str() {
            "name" => set.name = text(),
            "file" => set.file = text(),
            "source" => set.source = text(),
            "title" => set.title = Some(text()),
            "text" => set.text = text(),
            "until" => set.until = text(),
            "positive" => set.positive = members(value, findings),
            "negative" => set.negative = members(value, findings),
            "hazards" => set.hazards = Some(hazards(value, findings)),
            "fires" => set.alerts = alerts(value, findings),
            "feed" => set.feed = feed(value, findings),
            "want" => set.want = want(value, findings),
            other => {
                let known = "name, file, source, positive, negative, title, text, until, hazards, fires, feed, want";
                unknown(key.at, other, known, findings);
            }
        }
    }
    let missing = if set.name.is_empty() {
        "name"
    } else if set.file.is_empty() {
        "file"
    } else if set.positive.is_none() && set.negative.is_none() {
        "positive` or `negative"
    } else {
        return Some(set);
    };
    findings.error(
        codes::MISSING_KEY,
        node.at,
        format!("the set has no `{missing}`"),
    );
    None
}

fn members(node: &Node, findings: &mut Findings<'_>) -> Option<Match> {
    let entries = findings.map_of(node, codes::WRONG_TYPE, "the members of a row")?;
    let values = entries.iter().map(|(key, value)| {
        let values = value.items().iter().map(json_of).collect();
        (key.text.clone(), values)
    });
    Some(values.collect())
}

fn hazards(node: &Node, findings: &mut Findings<'_>) -> Vec<Hazard> {
    let mut hazards = Vec::new();
    for name in strings(node) {
        match name.parse() {
            Ok(hazard) => hazards.push(hazard),
            Err(_) => {
                let message = format!("`{name}` is no hazard of the taxonomy");
                findings.error(codes::UNKNOWN_HAZARD, node.at, message);
            }
        }
    }
    hazards
}

fn alerts(node: &Node, findings: &mut Findings<'_>) -> bool {
    match node.text() {
        Some("alert") => return true,
        Some("detection") => {}
        _ => {
            let message = "`fires` is detection or alert";
            findings.error(codes::BAD_VALUE, node.at, message);
        }
    }
    false
}

fn feed(node: &Node, findings: &mut Findings<'_>) -> Feed {
    let plain = plain_feed("labelled");
    let mut value = serde_json::to_value(&plain).unwrap_or_default();
    if let (Some(all), Value::Object(own)) = (value.as_object_mut(), json_of(node)) {
        all.extend(own);
    }
    serde_json::from_value(value).unwrap_or_else(|error| {
        let message = format!("not a feed: {error}");
        findings.error(codes::BAD_VALUE, node.at, message);
        plain
    })
}

fn want(node: &Node, findings: &mut Findings<'_>) -> Want {
    let mut want = Want::default();
    for (key, value) in node.map().unwrap_or_default() {
        let share = value.number().filter(|share| (0.0..=1.0).contains(share));
        if share.is_none() {
            findings.error(codes::BAD_VALUE, value.at, "a share from 0 to 1");
        }
        match key.text.as_str() {
            "precision" => want.precision = share,
            "recall" => want.recall = share,
            "f1" => want.f1 = share,
            "false_alarms" => want.false_alarms = share,
            other => {
                let known = "precision, recall, f1, false_alarms";
                unknown(key.at, other, known, findings);
            }
        }
    }
    want
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(text: &str) -> (Vec<Set>, Vec<String>) {
        let mut found = Vec::new();
        let source = SourceFile {
            name: "sets.yaml".to_owned(),
            text: text.to_owned(),
        };
        let sets = parse(&source, &mut found);
        (sets, found.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn rows_are_positive_negative_or_left_out() {
        let (sets, found) = sets(
            "sets:\n  - name: s\n    file: f.jsonl\n    positive: {labels: [flood, 7], genre: news}\n    negative: {related: 0}\n    \
             text: body\n    title: head\n    until: 。\n",
        );
        assert!(found.is_empty(), "{found:?}");
        let row = |value: Value| sets[0].row(&value).map(|row| (row.label, row.record));
        let record = |id: &str| json!({"id": id, "text": "一", "title": "t"}).to_string();
        let flood = json!({"id": "a", "labels": ["x", "flood"], "genre": "news", "body": "一。二", "head": "t"});
        assert_eq!(row(flood), Some((true, record("a"))));
        let other = json!({"id": 5, "labels": [7], "genre": "direct", "related": 0, "body": "一", "head": "t"});
        assert_eq!(row(other), Some((false, record("5"))));
        assert_eq!(row(json!({"id": "c", "related": 1})), None);
    }

    #[test]
    fn what_is_not_understood_is_said() {
        let (sets, found) = sets(
            "sets:\n  - {name: s, file: f, positive: {}, hazards: [boredom], fires: often, mood: 3, want: {precision: 2}}\n  - {file: f}\n",
        );
        assert_eq!(sets.len(), 1);
        let codes: Vec<&str> = found.iter().filter_map(|f| f.split(' ').nth(1)).collect();
        assert_eq!(
            codes,
            ["T0021", "T0006", "T0004", "T0006", "T0003"],
            "{found:?}"
        );
    }

    #[test]
    fn what_is_wanted_is_held_against_what_is() {
        let (sets, _) = sets(
            "sets:\n  - {name: s, file: f, negative: {}, want: {precision: 0.9, recall: 0.5, false_alarms: 0.01}}\n",
        );
        let quality = Quality {
            true_positives: 8,
            false_positives: 2,
            false_negatives: 2,
            true_negatives: 88,
        };
        let missed = sets[0].missed(&quality);
        assert_eq!(
            missed,
            [
                "s: precision is 0.800, wanted 0.9",
                "s: false alarms are 0.0222 of the rest, wanted at most 0.01"
            ]
        );
    }

    #[test]
    fn parts_are_halves() {
        let check = (0..1_000).filter(|n| Part::of(&n.to_string()) == Part::Check);
        assert!((440..560).contains(&check.count()));
    }
}
