//! What the demo shows: a model that alerts and commits are applied to, drawn by `view` and printed by `plain`.
//!
//! Invariant: counts come from committed ledger entries only, alerts from the queue as any reader would see it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use uuid::Uuid;

use super::words::{Lang, hazard_name, place_name};
use crate::core::model::{Alert, CorrelateOutcome, IncidentState, LedgerEntry, Level, MsgType};
use crate::core::replay::Summary;

/// Alerts kept for the table.
const MAX_SHOWN: usize = 200;
/// Seconds of the rate line.
pub(super) const RATE_SECONDS: usize = 60;

/// One row of the table of alerts: strings only, ready to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) sent: String,
    pub(super) level: Level,
    pub(super) msg_type: MsgType,
    pub(super) resolved: bool,
    pub(super) hazard: String,
    pub(super) place: String,
    pub(super) score: u8,
    pub(super) revision: u32,
    pub(super) reason: String,
}

/// Everything on the screen.
#[derive(Debug)]
pub(super) struct Board {
    pub(super) lang: Lang,
    pub(super) summary: Summary,
    /// Records of the sample.
    pub(super) total: u64,
    /// Records sent so far.
    pub(super) sent: u64,
    /// Newest first.
    pub(super) rows: VecDeque<Row>,
    open: BTreeMap<Uuid, Level>,
    /// Records committed per second, oldest first.
    pub(super) rates: VecDeque<u64>,
    second: (Instant, u64),
    pub(super) started: Instant,
    pub(super) paused: bool,
    pub(super) done: bool,
}

impl Board {
    pub(super) fn new(lang: Lang, total: u64) -> Self {
        let now = Instant::now();
        Self {
            lang,
            summary: Summary::default(),
            total,
            sent: 0,
            rows: VecDeque::new(),
            open: BTreeMap::new(),
            rates: VecDeque::new(),
            second: (now, 0),
            started: now,
            paused: false,
            done: false,
        }
    }

    /// A committed ledger entry.
    pub(super) fn committed(&mut self, entry: &LedgerEntry) {
        let summary = &mut self.summary;
        let counts = if entry.stage == "detect" {
            &mut summary.outcomes
        } else {
            let opened = entry.outcomes.get(CorrelateOutcome::Opened.id());
            summary.incidents += opened.copied().unwrap_or(0);
            &mut summary.detections
        };
        let retraction = CorrelateOutcome::Retraction.id();
        for (outcome, times) in entry.outcomes.iter().filter(|(id, _)| **id != retraction) {
            *counts.entry(outcome.clone()).or_default() += times;
        }
    }

    /// Records that have their outcome.
    pub(super) fn ended(&self) -> u64 {
        self.summary.outcomes.values().sum()
    }

    /// Detections that have theirs.
    pub(super) fn folded(&self) -> u64 {
        self.summary.detections.values().sum()
    }

    /// An alert read from the queue. Returns its row when it is material.
    pub(super) fn alert(&mut self, alert: &Alert) -> Option<Row> {
        self.summary.alerts += 1;
        let over = alert.msg_type == MsgType::Cancel || alert.state == IncidentState::Resolved;
        if over {
            self.open.remove(&alert.incident_id);
        } else {
            self.open.insert(alert.incident_id, alert.level);
        }
        if !alert.material {
            return None;
        }
        let row = Row::new(alert, self.lang);
        self.rows.push_front(row.clone());
        self.rows.truncate(MAX_SHOWN);
        Some(row)
    }

    /// Open incidents on the queue at this level.
    pub(super) fn open(&self, level: Level) -> usize {
        self.open.values().filter(|it| **it == level).count()
    }

    /// Moves the rate line on; call it at least once a second.
    pub(super) fn tick(&mut self, now: Instant) {
        let (since, before) = self.second;
        let elapsed = now.duration_since(since).as_secs_f64();
        if elapsed < 1.0 {
            return;
        }
        let ended = self.ended();
        let rate = (ended.saturating_sub(before)) as f64 / elapsed;
        if self.rates.len() == RATE_SECONDS {
            self.rates.pop_front();
        }
        self.rates.push_back(rate.round() as u64);
        self.second = (now, ended);
    }

    /// Records committed per second, lately.
    pub(super) fn rate(&self) -> u64 {
        self.rates.back().copied().unwrap_or(0)
    }
}

impl Row {
    pub(super) fn new(alert: &Alert, lang: Lang) -> Self {
        let sent = alert.sent.to_string();
        Self {
            sent: sent.get(11..19).unwrap_or(&sent).to_owned(),
            level: alert.level,
            msg_type: alert.msg_type,
            resolved: alert.state == IncidentState::Resolved,
            hazard: hazard_name(alert.hazard, lang).to_owned(),
            place: harmless(&place_name(&alert.place, lang)),
            score: alert.score,
            revision: alert.revision,
            reason: harmless(&reason(alert, lang)),
        }
    }
}

/// The score lines that count most, in one line.
fn reason(alert: &Alert, lang: Lang) -> String {
    let mut lines: Vec<_> = alert
        .reasons
        .iter()
        .filter(|line| line.points != 0)
        .collect();
    // A stable sort: lines of equal weight stay in the order of the score.
    lines.sort_by_key(|line| std::cmp::Reverse(line.points.abs()));
    let parts: Vec<String> = lines
        .iter()
        .take(4)
        .map(|line| {
            let words = match (lang, &line.because_zh) {
                (Lang::Zh, Some(zh)) => zh,
                _ => &line.because,
            };
            format!("{:+} {words}", line.points)
        })
        .collect();
    parts.join(" · ")
}

/// Feed text is hostile: nothing of it may steer the terminal.
fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| {
            let steers = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
            if c.is_control() || steers { ' ' } else { c }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feed_text_cannot_steer_the_terminal() {
        assert_eq!(harmless("a\x1b[2J\u{202e}b\n火"), "a [2J b 火");
    }

    #[test]
    fn counts_come_from_the_ledger() {
        let mut board = Board::new(Lang::En, 3);
        let entry = |stage: &str, outcome: &str, times| LedgerEntry {
            v: 1,
            stage: stage.to_owned(),
            topic: "t".to_owned(),
            partition: 0,
            from: 0,
            to: 3,
            read: times,
            outcomes: [(outcome.to_owned(), times)].into(),
            advanced_to: None,
            clock: None,
            rule_set: None,
        };
        board.committed(&entry("detect", "detected", 2));
        board.committed(&entry("correlate", "opened", 1));
        assert_eq!(board.ended(), 2);
        assert_eq!(board.folded(), 1);
        assert_eq!(board.summary.incidents, 1);
    }
}
