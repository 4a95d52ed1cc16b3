//! The gate before a shadow rule goes live: watched long enough, not too loud, tested, and clean.
//!
//! Invariant: every reason against is named, not only the first.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use super::lint::{Seen, findings};
use super::load;
use crate::config::{RuleFiles, Settings};
use crate::core::diagnostic::SourceFile;
use crate::core::rule::{self, Rule, RuleStatus};
use crate::core::ruleset::RuleSet;
use crate::core::tools::case::{Case, Wanted};
use crate::core::tools::promotion::{Against, Bars};
use crate::core::tools::run::run as run_case;
use crate::core::tools::shadow::Observed;

/// The judgement of one rule.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    pub(super) rule: Arc<str>,
    pub(super) ok: bool,
    /// Why not; empty when it may go live.
    pub(super) reasons: Vec<Against>,
}

/// What every rule is judged by.
pub(super) struct Gate<'a> {
    pub(super) bars: Bars,
    pub(super) settings: &'a Settings,
    pub(super) set: &'a Arc<RuleSet>,
    pub(super) files: &'a RuleFiles,
    pub(super) tests: &'a [SourceFile],
}

impl Gate<'_> {
    /// Judges these rules.
    pub(super) fn judge(
        &self,
        rules: &[Rule],
        observed: &[Observed],
    ) -> anyhow::Result<Vec<Verdict>> {
        let mut of_files = self.files_against(rules)?;
        let verdicts = rules.iter().map(|rule| {
            let seen = observed.iter().find(|one| one.rule == rule.id);
            let mut reasons = self.bars.watched(seen);
            reasons.extend(of_files.remove(&rule.id).unwrap_or_default());
            Verdict {
                rule: rule.id.clone(),
                ok: reasons.is_empty(),
                reasons,
            }
        });
        Ok(verdicts.collect())
    }

    /// What cases and findings say against each of these rules.
    fn files_against(&self, rules: &[Rule]) -> anyhow::Result<BTreeMap<Arc<str>, Vec<Against>>> {
        let cases = load::cases(self.tests)?;
        let Seen { found, .. } = findings(
            &self.settings.paths,
            &self.settings.feeds,
            self.tests,
            &[],
            false,
        );
        let mut all = BTreeMap::new();
        for rule in rules {
            let mut reasons = self.tested(rule, &cases);
            let ends = self.end_of(rule);
            let lint = found
                .iter()
                .filter(|d| d.file == rule.file && (rule.at.line..ends).contains(&d.line));
            reasons.extend(lint.map(|d| Against::Lint {
                file: d.file.clone(),
                line: d.line,
                code: d.code,
                message: d.message.clone(),
            }));
            all.insert(rule.id.clone(), reasons);
        }
        Ok(all)
    }

    /// There are cases in which it fires and in which it does not, and all hold.
    fn tested(&self, rule: &Rule, cases: &[Case]) -> Vec<Against> {
        let routing = Arc::clone(&self.set.routing);
        let config = self.settings.correlate_config(routing);
        let own: Vec<&Case> = cases.iter().filter(|it| concerns(it, &rule.id)).collect();
        if own.is_empty() {
            return vec![Against::Untested];
        }
        let failing = own.into_iter().filter_map(|case| {
            let why = match run_case(case, self.set, &config) {
                Ok(result) if result.failures.is_empty() => return None,
                Ok(_) => None,
                Err(why) => Some(why),
            };
            let (file, line) = (case.file.clone(), case.line);
            Some(Against::Test { file, line, why })
        });
        failing.collect()
    }

    /// First line after the rule: where the next one of its file begins.
    fn end_of(&self, rule: &Rule) -> usize {
        let mut ignored = Vec::new();
        let of_file = self.files.rules.iter().filter(|f| f.name == rule.file);
        of_file
            .flat_map(|file| crate::core::rule::parse(file, &mut ignored))
            .map(|other| other.at.line)
            .filter(|line| *line > rule.at.line)
            .min()
            .unwrap_or(usize::MAX)
    }
}

fn concerns(case: &Case, id: &Arc<str>) -> bool {
    match &case.wanted {
        Wanted::Fires { rule, .. } => **rule == **id,
        Wanted::Story { rules, .. } => rules.iter().any(|rule| **rule == **id),
    }
}

/// Test files beside a folder of rules: `rules/` and `tests/` in one folder, as the shipped ones are.
const BESIDE: &str = "tests";

/// What cases and findings say against shadow rules of the configured set. Cases are the bundled ones of bundled rules, and for
/// rules of one's own those in the folder `tests` beside theirs.
pub(in crate::cli) fn promoted(
    settings: &Settings,
    bars: Bars,
    wanted: &BTreeSet<Arc<str>>,
) -> anyhow::Result<BTreeMap<Arc<str>, Vec<Against>>> {
    let (set, files) = load::rule_set(&settings.paths)?;
    let beside = settings
        .paths
        .rules
        .as_deref()
        .map(|it| it.with_file_name(BESIDE));
    let named: Vec<PathBuf> = beside.into_iter().filter(|it| it.is_dir()).collect();
    let tests = load::test_files(&named, &settings.paths)?;
    let rules = rule::parse_all(&files.rules, &mut Vec::new());
    let rules = rules.into_iter();
    let rules: Vec<Rule> = rules
        .filter(|rule| rule.status == RuleStatus::Shadow && wanted.contains(&rule.id))
        .collect();
    let gate = Gate {
        bars,
        settings,
        set: &set,
        files: &files,
        tests: &tests,
    };
    gate.files_against(&rules)
}
