//! From files to a compiled rule set, for every command that runs one.
//!
//! Invariant: gazetteer and rules are both checked before anything is refused, so that all errors show at once.

use std::sync::Arc;

use super::sources::load_departments;
use super::{ConfigErrors, Paths, RuleFiles, load_rule_files};
use crate::core::diagnostic::SourceFile;
use crate::core::place::{Gazetteer, GazetteerSources};
use crate::core::route::Routing;
use crate::core::ruleset::{RuleSet, RuleSources};

/// Reads and compiles the rule set of the configured files, else of the bundled ones.
pub fn load_rule_set(paths: &Paths) -> Result<RuleSet, ConfigErrors> {
    let files =
        load_rule_files(paths).map_err(|diagnostics| ConfigErrors::new(diagnostics, Vec::new()))?;
    compile_rule_set(files)
}

/// Reads the routing table of the configured file, else the bundled one.
pub fn load_routing(paths: &Paths) -> Result<Routing, ConfigErrors> {
    let source =
        load_departments(paths).map_err(|error| ConfigErrors::new(vec![error], Vec::new()))?;
    Routing::parse(&source).map_err(|diagnostics| ConfigErrors::new(diagnostics, vec![source]))
}

/// Compiles a rule set from files that are read already.
pub fn compile_rule_set(files: RuleFiles) -> Result<RuleSet, ConfigErrors> {
    compile_rule_set_with(files, None)
}

/// The same with the gazetteer that was built from the same places before, which takes longer than the rest.
pub fn compile_rule_set_with(
    files: RuleFiles,
    built: Option<Arc<Gazetteer>>,
) -> Result<RuleSet, ConfigErrors> {
    let mut shown: Vec<SourceFile> = files.rules.iter().chain(&files.lexicons).cloned().collect();
    shown.push(files.departments.clone());
    let mut diagnostics = Vec::new();
    let gazetteer = built.unwrap_or_else(|| {
        let built = Gazetteer::build(&GazetteerSources {
            files: files.places,
        });
        Arc::new(built.unwrap_or_else(|found| {
            diagnostics = found;
            Gazetteer::default()
        }))
    });
    let compiled = RuleSet::compile(&RuleSources {
        rules: files.rules,
        lexicons: files.lexicons,
        departments: files.departments,
        gazetteer,
    });
    match compiled {
        Ok(set) if diagnostics.is_empty() => Ok(set),
        Ok(_) => Err(ConfigErrors::new(diagnostics, shown)),
        Err(found) => {
            diagnostics.extend(found);
            Err(ConfigErrors::new(diagnostics, shown))
        }
    }
}
