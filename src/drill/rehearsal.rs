//! A scenario before it is run: what is wrong with it here, what it would send, and what would come of it, without Kafka.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use serde::Serialize;

use super::{Judged, Room, RoomError, read_scenario};
use crate::core::diagnostic::{Diagnostic, Gravity, SourceFile};
use crate::core::drill::{
    Deployment, Report, RunInfo, Scenario, Simulated, encode, evaluate, rehearse, schedule,
};
use crate::core::model::Millis;

/// When rehearsals begin: 2026-01-01T00:00:00Z.
pub const REHEARSAL_START: Millis = Millis(1_767_225_600_000);
/// Records shown of a dry run: the first ones.
pub const MAX_SHOWN_RECORDS: usize = 20;

/// Something to be said about a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable code.
    pub code: &'static str,
    /// It cannot be run.
    pub error: bool,
    /// 1-based; 0: the whole file.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// A record that would be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DryRecord {
    /// Time in the script, milliseconds.
    pub at_ms: i64,
    /// Feed.
    pub feed: Arc<str>,
    /// No rule should fire on it.
    pub noise: bool,
    /// The record's value.
    pub value: String,
}

/// A scenario that was checked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Checked {
    /// Its name.
    pub scenario: String,
    /// It can be run, and passes its own expectations.
    pub ok: bool,
    /// What is to be said about it.
    pub findings: Vec<Finding>,
    /// Simulated reports by feed.
    pub reports: BTreeMap<String, u64>,
    /// How long it is followed, milliseconds.
    pub lasts_ms: i64,
    /// The first records.
    pub records: Vec<DryRecord>,
    /// What the rehearsal came to; none when it cannot be run.
    pub report: Option<Report>,
}

pub(super) fn finding(found: &Diagnostic) -> Finding {
    Finding {
        code: found.code,
        error: found.gravity == Gravity::Error,
        line: found.line,
        message: found.message.clone(),
        help: found.help.clone(),
    }
}

fn records(all: &[Simulated]) -> Result<Vec<DryRecord>, String> {
    let shown = all.iter().take(MAX_SHOWN_RECORDS);
    shown
        .map(|one| {
            let bytes = encode(&one.feed, &one.report, REHEARSAL_START.plus(one.at))?;
            Ok(DryRecord {
                at_ms: one.at,
                feed: Arc::clone(&one.feed.id),
                noise: one.noise,
                value: String::from_utf8_lossy(&bytes).into_owned(),
            })
        })
        .collect()
}

impl Room {
    /// Reads a scenario, and rehearses it in memory against its own expectations. Nothing is sent.
    pub fn check(&self, name: &str, seed: u64) -> Result<Checked, RoomError> {
        let file = self.source(name)?;
        Ok(self.check_file(name, &file, seed))
    }

    pub(super) fn check_file(&self, name: &str, file: &SourceFile, seed: u64) -> Checked {
        let (set, renamed) = (self.rules(), BTreeMap::new());
        let here = self.here(&set, &renamed);
        let mut checked = Checked {
            scenario: name.to_owned(),
            ok: false,
            findings: Vec::new(),
            reports: BTreeMap::new(),
            lasts_ms: 0,
            records: Vec::new(),
            report: None,
        };
        let (scenario, findings) = match read_scenario(file, &here) {
            Ok(read) => read,
            Err(errors) => {
                checked.findings = errors.diagnostics.iter().map(finding).collect();
                return checked;
            }
        };
        checked.findings = findings.iter().map(finding).collect();
        checked.lasts_ms = scenario.lasts;
        if let Err(message) = self.rehearse(&scenario, &here, seed, &mut checked) {
            checked.findings.push(Finding {
                code: "-",
                error: true,
                line: 0,
                message,
                help: None,
            });
        }
        checked.ok = checked.report.as_ref().is_some_and(|it| it.passed);
        checked
    }

    fn rehearse(
        &self,
        scenario: &Scenario,
        here: &Deployment<'_>,
        seed: u64,
        checked: &mut Checked,
    ) -> Result<(), String> {
        let _turn = self
            .rehearsing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let exercise = format!("{}-rehearsal", scenario.id);
        let all = schedule(scenario, here, seed, &exercise);
        for one in &all {
            *checked.reports.entry(one.feed.id.to_string()).or_default() += 1;
        }
        checked.records = records(&all)?;
        let set = self.rules();
        let config = self.settings().correlate_config(Arc::clone(&set.routing));
        let (start, lasts) = (REHEARSAL_START, scenario.lasts);
        let seen = rehearse(&set, &Arc::new(config), here, &all, &exercise, start, lasts)?;
        let run = RunInfo {
            exercise,
            seed,
            started: start,
            ended: start.plus(lasts),
            speed: 1.0,
            records_clock: true,
            stopped: false,
            rule_set: set.version.to_string(),
        };
        let report = evaluate(scenario, here.gazetteer, run, &seen);
        checked.report = Some(report.with_names(here.routing));
        Ok(())
    }
}

impl Checked {
    /// As what a run comes to.
    pub fn judged(&self) -> Option<Judged> {
        let report = self.report.clone()?;
        Some(Judged {
            report,
            before: None,
        })
    }
}
