//! What several tools read: the rule set with its files, and test files.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::{
    Bundled, ConfigErrors, Paths, RuleFiles, compile_rule_set, load_rule_files, read_yaml,
};
use crate::core::diagnostic::{Diagnostic, Gravity, SourceFile};
use crate::core::ruleset::RuleSet;
use crate::core::tools::case::{self, Case};

/// The rule set and the files that it was compiled from.
pub(super) fn rule_set(paths: &Paths) -> Result<(Arc<RuleSet>, RuleFiles), ConfigErrors> {
    let files = load_rule_files(paths).map_err(|diagnostics| ConfigErrors {
        diagnostics,
        sources: Vec::new(),
    })?;
    let shown = RuleFiles {
        places: Vec::new(),
        ..files.clone()
    };
    Ok((Arc::new(compile_rule_set(files)?), shown))
}

/// Test files: those named, else the bundled ones when the rules are the bundled ones.
pub(super) fn test_files(
    named: &[PathBuf],
    paths: &Paths,
) -> Result<Vec<SourceFile>, ConfigErrors> {
    if named.is_empty() && paths.rules.is_none() {
        let names = Bundled::list("tests/").into_iter();
        let files = names.filter_map(|name| {
            Some(SourceFile {
                text: Bundled::text(&name)?,
                name,
            })
        });
        return Ok(files.collect());
    }
    let (mut files, mut diagnostics) = (Vec::new(), Vec::new());
    for path in named {
        match read_yaml(path) {
            Ok(some) => files.extend(some),
            Err(diagnostic) => diagnostics.push(diagnostic),
        }
    }
    if diagnostics.is_empty() {
        Ok(files)
    } else {
        Err(ConfigErrors {
            diagnostics,
            sources: files,
        })
    }
}

/// The cases of test files, if all of them can be read.
pub(super) fn cases(files: &[SourceFile]) -> Result<Vec<Case>, ConfigErrors> {
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    let cases = files
        .iter()
        .flat_map(|file| case::parse(file, &mut diagnostics))
        .collect();
    if diagnostics.iter().any(|d| d.gravity == Gravity::Error) {
        return Err(ConfigErrors {
            diagnostics,
            sources: files.to_vec(),
        });
    }
    Ok(cases)
}
