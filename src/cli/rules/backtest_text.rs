//! What a backtest found, for scripts and as text.
//!
//! Invariant: the same facts in both; lists are cut in the text alone.

use std::fmt::Write as _;

use serde::Serialize;

use super::super::escaped;
use crate::core::tools::backtest::{Difference, Incident, Refused, Totals};
use crate::core::tools::quality::{Quality, Share};

/// Rows shown of a list.
const SHOWN: usize = 20;

/// A rule set.
#[derive(Serialize)]
pub(super) struct Set {
    pub(super) side: &'static str,
    pub(super) version: String,
    /// Folder of its rules.
    pub(super) from: String,
}

/// What a number of a record counts.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    /// Lines of a file.
    Line,
    /// Records of a range.
    Record,
}

#[derive(Serialize)]
pub(super) struct Shown {
    /// File or topic.
    pub(super) corpus: String,
    #[serde(skip)]
    pub(super) unit: Unit,
    pub(super) sets: Vec<Set>,
    pub(super) a: Totals,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) b: Option<Totals>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) difference: Option<Difference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) quality: Vec<Measured>,
}

/// Precision and recall of a side.
#[derive(Serialize)]
pub(super) struct Measured {
    pub(super) side: &'static str,
    pub(super) counts: Quality,
    pub(super) precision: Option<Share>,
    pub(super) recall: Option<Share>,
    pub(super) f1: Option<Share>,
}

impl Measured {
    pub(super) fn new((side, counts): (&'static str, Quality)) -> Self {
        Self {
            side,
            precision: counts.precision(),
            recall: counts.recall(),
            f1: counts.f1(),
            counts,
        }
    }
}

impl Shown {
    /// What could not be read, of both sides at once where it is the same: whose, how many records, and the first.
    pub(super) fn refused(&self) -> Vec<(&'static str, u64, &Refused)> {
        fn of<'t>(
            name: &'static str,
            totals: &'t Totals,
        ) -> Option<(&'static str, u64, &'t Refused)> {
            Some((name, totals.refused, totals.first_refused.as_ref()?))
        }
        let both = self.b.as_ref().is_none_or(|b| {
            (b.refused, &b.first_refused) == (self.a.refused, &self.a.first_refused)
        });
        if both {
            return of("", &self.a).into_iter().collect();
        }
        let b = self.b.as_ref().and_then(|b| of("B  ", b));
        of("A  ", &self.a).into_iter().chain(b).collect()
    }
}

/// The whole, for people. Nothing of it steers the terminal.
pub(super) fn text(shown: &Shown) -> String {
    let mut out = String::new();
    for (name, totals) in [("A", Some(&shown.a)), ("B", shown.b.as_ref())] {
        let Some(totals) = totals else { continue };
        let levels: Vec<String> = ["blue", "yellow", "orange", "red"]
            .iter()
            .map(|level| format!("{level} {}", totals.levels.get(level).copied().unwrap_or(0)))
            .collect();
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{name}  {} records, {} with a detection; {} incidents on the queue: {}",
            totals.records,
            totals.detected,
            totals.incidents,
            levels.join(", ")
        );
    }
    for (name, refused, first) in shown.refused() {
        let _ = writeln!(
            out,
            "{name}{refused} records could not be read, and count neither as found nor as missed; the first is {} {}: {} {}\n  help: {}",
            match shown.unit {
                Unit::Line => "line",
                Unit::Record => "record",
            },
            first.number,
            first.code,
            first.message,
            first.help
        );
    }
    for one in &shown.quality {
        let share = |share: Option<Share>| {
            share.map_or("–".to_owned(), |s| {
                format!("{:.3} ({:.3}–{:.3})", s.value, s.low, s.high)
            })
        };
        let f1 = share(one.f1);
        let _ = writeln!(
            out,
            "{}  precision {}, recall {}, F1 {f1}",
            one.side,
            share(one.precision),
            share(one.recall)
        );
    }
    match &shown.difference {
        Some(difference) => differences(difference, &mut out),
        None => {
            let mut rules: Vec<_> = shown.a.rules.iter().collect();
            rules.sort_by(|a, b| (b.1, a.0).cmp(&(a.1, b.0)));
            for (rule, count) in rules {
                let _ = writeln!(out, "{count:>8}  {rule}");
            }
        }
    }
    escaped(&out)
}

fn differences(difference: &Difference, out: &mut String) {
    let _ = writeln!(
        out,
        "\nrecords that only A detects: {}, only B: {}",
        difference.records.0, difference.records.1
    );
    for (name, list) in [("A", &difference.only_a), ("B", &difference.only_b)] {
        let _ = writeln!(out, "\nincidents only in {name}: {}", list.len());
        for Incident {
            key,
            headline,
            level,
            score,
            first_seen,
            ..
        } in list.iter().take(SHOWN)
        {
            let _ = writeln!(
                out,
                "  {:6} {score:>3}  {first_seen}  {headline}  [{key}]",
                level.id()
            );
        }
        rest(list.len(), out);
    }
    let _ = writeln!(out, "\nlevels that differ: {}", difference.levels.len());
    for change in difference.levels.iter().take(SHOWN) {
        let _ = writeln!(
            out,
            "  {} → {}  {}  {}  [{}]",
            change.a.id(),
            change.b.id(),
            change.first_seen,
            change.headline,
            change.key
        );
    }
    rest(difference.levels.len(), out);
    let _ = writeln!(
        out,
        "\ndetections per rule that differ: {}",
        difference.rules.len()
    );
    for (rule, (a, b)) in &difference.rules {
        let _ = writeln!(out, "  {a:>8} → {b:<8} {rule}");
    }
}

fn rest(all: usize, out: &mut String) {
    if all > SHOWN {
        let _ = writeln!(out, "  … and {} more (--json has all)", all - SHOWN);
    }
}
