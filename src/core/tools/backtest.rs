//! One corpus through one or two rule sets: what each fired on, what each put on the queue, and where they differ.
//!
//! Invariant: incidents are compared by their key and their order at it, because their ids depend on the report that opened
//! them; memory is one bit per record and side, and what the queue held. A record that cannot be read is counted as that, and not as one
//! without a detection.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use uuid::Uuid;

use crate::core::model::{Level, Millis, Refusal};
use crate::core::replay::ReplayOutput;

/// What one rule set made of a corpus.
#[derive(Clone, Debug, Default)]
pub struct Side {
    records: u64,
    refused: u64,
    first_refused: Option<Refused>,
    detected: Vec<u64>,
    rules: BTreeMap<Arc<str>, u64>,
    incidents: BTreeMap<Uuid, Incident>,
}

/// A record that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Its line in the file, or its number in the range of the topic; one-based.
    pub number: u64,
    /// Stable code.
    pub code: &'static str,
    /// What is wrong, without text of the report.
    pub message: String,
    /// What to do.
    pub help: &'static str,
}

impl Refused {
    /// Of a record with this number.
    pub fn new(number: u64, refusal: &Refusal) -> Self {
        let at = refusal.at.map(|at| format!(" (at byte {at})"));
        Self {
            number,
            code: refusal.code.id(),
            message: format!("{}{}", refusal.message, at.unwrap_or_default()),
            help: refusal.code.help(),
        }
    }
}

/// An incident that reached the queue.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Incident {
    pub key: String,
    pub headline: String,
    pub headline_zh: String,
    pub first_seen: Millis,
    /// Highest level.
    pub level: Level,
    /// Highest score.
    pub score: u8,
    pub reports: u32,
}

impl Side {
    /// What the record of this number, or without one the end of input, led to.
    pub fn keep(&mut self, out: &ReplayOutput, number: Option<u64>) {
        if let Some(number) = number {
            if let Some(refusal) = &out.refusal {
                self.refused += 1;
                self.first_refused
                    .get_or_insert_with(|| Refused::new(number, refusal));
            }
            let (word, bit) = (self.records / 64, self.records % 64);
            if bit == 0 {
                self.detected.push(0);
            }
            if let (false, Some(slot)) = (
                out.detections.is_empty(),
                self.detected.get_mut(word as usize),
            ) {
                *slot |= 1 << bit;
            }
            self.records += 1;
        }
        let own = out.detections.iter().filter(|it| it.0.wide_of.is_none());
        for (detection, _) in own {
            *self
                .rules
                .entry(Arc::clone(&detection.rule_id))
                .or_default() += 1;
        }
        for alert in &out.alerts {
            let row = self
                .incidents
                .entry(alert.incident_id)
                .or_insert_with(|| Incident {
                    key: alert.key.clone(),
                    headline: alert.headline.en.clone(),
                    headline_zh: alert.headline.zh.clone(),
                    first_seen: alert.first_seen,
                    level: alert.level,
                    score: alert.score,
                    reports: alert.counts.reports,
                });
            row.level = row.level.max(alert.level);
            row.score = row.score.max(alert.score);
            row.reports = row.reports.max(alert.counts.reports);
        }
    }

    /// Whether a rule fired on the record with this number.
    pub fn fired(&self, record: u64) -> bool {
        let word = self.detected.get((record / 64) as usize);
        word.is_some_and(|word| word >> (record % 64) & 1 == 1)
    }

    /// Incidents that reached the queue.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.values()
    }

    /// The side in numbers.
    pub fn totals(&self) -> Totals {
        let mut levels: BTreeMap<&'static str, u64> =
            Level::ALL.iter().map(|l| (l.id(), 0)).collect();
        for incident in self.incidents.values() {
            *levels.entry(incident.level.id()).or_default() += 1;
        }
        Totals {
            records: self.records,
            refused: self.refused,
            first_refused: self.first_refused.clone(),
            detected: self
                .detected
                .iter()
                .map(|word| u64::from(word.count_ones()))
                .sum(),
            incidents: self.incidents.len() as u64,
            levels,
            rules: self.rules.clone(),
        }
    }

    /// Incidents by key and order at it.
    fn by_key(&self) -> BTreeMap<(&str, usize), &Incident> {
        let mut all: Vec<&Incident> = self.incidents.values().collect();
        all.sort_by(|a, b| (&a.key, a.first_seen).cmp(&(&b.key, b.first_seen)));
        let mut by_key: BTreeMap<(&str, usize), &Incident> = BTreeMap::new();
        let mut last = ("", 0);
        for incident in all {
            last = if last.0 == incident.key {
                (last.0, last.1 + 1)
            } else {
                (&*incident.key, 0)
            };
            by_key.insert(last, incident);
        }
        by_key
    }
}

/// A side in numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Totals {
    /// All of them.
    pub records: u64,
    /// Of them, those that could not be read: no rule saw them.
    pub refused: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_refused: Option<Refused>,
    /// Records on which a rule fired.
    pub detected: u64,
    /// Incidents on the queue.
    pub incidents: u64,
    /// Of them, by highest level.
    pub levels: BTreeMap<&'static str, u64>,
    /// Detections per rule.
    pub rules: BTreeMap<Arc<str>, u64>,
}

/// Where two sides differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Difference {
    pub only_a: Vec<Incident>,
    pub only_b: Vec<Incident>,
    /// The same incident with another highest level.
    pub levels: Vec<Change>,
    /// Rules with another number of detections: in A, in B.
    pub rules: BTreeMap<Arc<str>, (u64, u64)>,
    /// Records on which only one side fired: A, B.
    pub records: (u64, u64),
}

/// A change of level.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Change {
    pub key: String,
    pub headline: String,
    pub headline_zh: String,
    pub first_seen: Millis,
    pub a: Level,
    pub b: Level,
}

impl Difference {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.only_a.is_empty()
            && self.only_b.is_empty()
            && self.levels.is_empty()
            && self.rules.is_empty()
            && self.records == (0, 0)
    }
}

/// Compares two sides of the same corpus.
pub fn compare(a: &Side, b: &Side) -> Difference {
    let (ours, theirs) = (a.by_key(), b.by_key());
    let only = |these: &BTreeMap<(&str, usize), &Incident>,
                others: &BTreeMap<(&str, usize), &Incident>| {
        let missing = these.iter().filter(|(key, _)| !others.contains_key(*key));
        missing
            .map(|(_, incident)| (*incident).clone())
            .collect::<Vec<_>>()
    };
    let both = ours
        .iter()
        .filter_map(|(key, one)| Some((*one, *theirs.get(key)?)));
    let changed = both.filter(|(one, other)| one.level != other.level);
    let ids: BTreeSet<&Arc<str>> = a.rules.keys().chain(b.rules.keys()).collect();
    let count = |side: &Side, id: &Arc<str>| side.rules.get(id).copied().unwrap_or(0);
    let counts = ids
        .into_iter()
        .map(|id| (Arc::clone(id), (count(a, id), count(b, id))));
    let words = a.detected.iter().zip(&b.detected);
    let alone = |these: u64, others: u64| u64::from((these & !others).count_ones());
    Difference {
        only_a: only(&ours, &theirs),
        only_b: only(&theirs, &ours),
        levels: changed
            .map(|(one, other)| Change {
                key: one.key.clone(),
                headline: one.headline.clone(),
                headline_zh: one.headline_zh.clone(),
                first_seen: one.first_seen,
                a: one.level,
                b: other.level,
            })
            .collect(),
        rules: counts.filter(|(_, (a, b))| a != b).collect(),
        records: words.fold((0, 0), |sum, (a, b)| {
            (sum.0 + alone(*a, *b), sum.1 + alone(*b, *a))
        }),
    }
}
