//! The gate before a shadow rule goes live: watched long enough, not too loud, tested, and clean.
//!
//! Invariant: every reason against is named, not only the first.

use std::sync::Arc;

use serde::Serialize;

use super::lint::findings;
use super::load;
use crate::config::{RuleFiles, Settings};
use crate::core::diagnostic::SourceFile;
use crate::core::rule::Rule;
use crate::core::ruleset::RuleSet;
use crate::core::tools::case::{Case, Wanted};
use crate::core::tools::run::run as run_case;
use crate::core::tools::shadow::Observed;

/// What a rule must keep to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bars {
    pub(super) min_days: f64,
    pub(super) max_new_per_day: f64,
}

/// The judgement of one rule.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    pub(super) rule: Arc<str>,
    pub(super) ok: bool,
    /// Why not; empty when it may go live.
    pub(super) reasons: Vec<String>,
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
        let cases = load::cases(self.tests)?;
        let (found, _) = findings(&self.settings.paths, &self.settings.feeds, self.tests);
        let mut verdicts = Vec::new();
        for rule in rules {
            let mut reasons = Vec::new();
            let seen = observed.iter().find(|one| one.rule == rule.id);
            self.watched(seen, &mut reasons);
            self.tested(rule, &cases, &mut reasons);
            let ends = self.end_of(rule);
            reasons.extend(
                found
                    .iter()
                    .filter(|d| d.file == rule.file && (rule.at.line..ends).contains(&d.line))
                    .map(|d| format!("lint: {}:{}: {} {}", d.file, d.line, d.code, d.message)),
            );
            verdicts.push(Verdict {
                rule: rule.id.clone(),
                ok: reasons.is_empty(),
                reasons,
            });
        }
        Ok(verdicts)
    }

    fn watched(&self, seen: Option<&Observed>, reasons: &mut Vec<String>) {
        let Bars {
            min_days,
            max_new_per_day,
        } = self.bars;
        let Some(seen) = seen else {
            reasons.push("it never fired: nothing is known of it".to_owned());
            return;
        };
        if seen.days < min_days {
            let days = seen.days;
            reasons.push(format!("watched for {days:.1} days, not {min_days}"));
        }
        if seen.new_per_day > max_new_per_day {
            let rate = seen.new_per_day;
            reasons.push(format!(
                "{rate:.1} new reports a day, more than {max_new_per_day}"
            ));
        }
    }

    /// There are cases in which it fires and in which it does not, and all hold.
    fn tested(&self, rule: &Rule, cases: &[Case], reasons: &mut Vec<String>) {
        let config = self
            .settings
            .correlate_config(Arc::clone(&self.set.routing));
        let mut count = 0;
        for case in cases.iter().filter(|case| concerns(case, &rule.id)) {
            count += 1;
            match run_case(case, self.set, &config) {
                Ok(result) if result.failures.is_empty() => {}
                Ok(_) => reasons.push(format!("test: {}:{} fails", case.file, case.line)),
                Err(why) => reasons.push(format!("test: {}:{}: {why}", case.file, case.line)),
            }
        }
        if count == 0 {
            reasons.push("it has no test case (--tests)".to_owned());
        }
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
