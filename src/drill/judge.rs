//! What a run came to, held against its scenario and against the run before it.

use serde::Serialize;

use super::{DrillError, RunFile, Runs, read_scenario};
use crate::config::ConfigErrors;
use crate::core::diagnostic::SourceFile;
use crate::core::drill::{
    Comparison, Deployment, Lang, Report, Scenario, compare, evaluate, html_page, markdown,
};

/// A run, and the one before it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// What it came to.
    pub report: Report,
    /// The last run of the same scenario before it, beside it.
    pub before: Option<Comparison>,
}

/// Why a run cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// Its scenario cannot be read here any more.
    #[error(transparent)]
    Scenario(#[from] ConfigErrors),
    /// Files of runs.
    #[error(transparent)]
    Drill(#[from] DrillError),
}

impl Judged {
    /// As a page that needs nothing else.
    pub fn html(&self, lang: Lang) -> String {
        html_page(&self.report, self.before.as_ref(), lang)
    }

    /// As Markdown.
    pub fn markdown(&self, lang: Lang) -> String {
        markdown(&self.report, self.before.as_ref(), lang)
    }
}

/// The scenario of a run, as it was.
pub fn scenario_of(run: &RunFile, here: &Deployment<'_>) -> Result<Scenario, ConfigErrors> {
    let file = SourceFile {
        name: run.file.clone(),
        text: run.scenario.clone(),
    };
    Ok(read_scenario(&file, here)?.0)
}

/// What a run came to, compared with the last one of the same scenario.
pub fn judge(here: &Deployment<'_>, runs: &Runs, run: &RunFile) -> Result<Judged, JudgeError> {
    let report = report_of(here, run)?;
    let before = match runs.before(&report.scenario, run)? {
        // A scenario may have become unreadable here since; the new report stands without it.
        Some(before) => report_of(here, &before).ok(),
        None => None,
    };
    let before = before.map(|before| compare(&before, &report));
    Ok(Judged { report, before })
}

fn report_of(here: &Deployment<'_>, run: &RunFile) -> Result<Report, ConfigErrors> {
    let here = Deployment {
        renamed: &run.renamed,
        ..*here
    };
    let scenario = scenario_of(run, &here)?;
    Ok(evaluate(&scenario, here.gazetteer, run.run.clone(), &run.seen).with_names(here.routing))
}
