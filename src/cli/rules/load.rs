//! What several tools read: the rule set with its files, and test files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::super::Misused;
use crate::config::{
    Bundled, ConfigErrors, Paths, RuleFiles, compile_rule_set, load_rule_files, read_yaml,
};
use crate::core::diagnostic::{Diagnostic, Gravity, SourceFile};
use crate::core::ruleset::RuleSet;
use crate::core::tools::case::{self, Case};

/// The rule set and the files that it was compiled from.
pub(super) fn rule_set(paths: &Paths) -> Result<(Arc<RuleSet>, RuleFiles), ConfigErrors> {
    let (set, files, _) = rule_set_with_places(paths)?;
    Ok((set, files))
}

/// SHA-256 of files by their names without folders.
pub(super) type Digests = BTreeMap<String, [u8; 32]>;

/// The same, and what the gazetteer was made of.
pub(super) fn rule_set_with_places(
    paths: &Paths,
) -> Result<(Arc<RuleSet>, RuleFiles, Digests), ConfigErrors> {
    let files =
        load_rule_files(paths).map_err(|diagnostics| ConfigErrors::new(diagnostics, Vec::new()))?;
    let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let places = files.places.iter();
    let places: Digests = places
        .map(|file| (name(&file.name), Sha256::digest(&file.bytes).into()))
        .collect();
    let shown = RuleFiles {
        rules: files.rules.clone(),
        lexicons: files.lexicons.clone(),
        departments: files.departments.clone(),
        places: Vec::new(),
    };
    Ok((Arc::new(compile_rule_set(files)?), shown, places))
}

/// Another rule set than the configured one: a folder with `rules/`, `lexicons/`, `departments.yaml` and `places/`, as far as it has
/// them, or a folder of rules alone; what it lacks is the configured one's.
pub(super) fn other(paths: &Paths, folder: &Path) -> anyhow::Result<Paths> {
    if let Err(error) = std::fs::read_dir(folder) {
        let folder = folder.display();
        let why = format!("{folder}: a folder of rules is expected: {error}");
        return Err(Misused(why).into());
    }
    let mut other = paths.clone();
    let rules = folder.join("rules");
    if !rules.is_dir() {
        other.rules = Some(folder.to_owned());
        return Ok(other);
    }
    other.rules = Some(rules);
    for (name, of) in [
        ("lexicons", &mut other.lexicons),
        ("departments.yaml", &mut other.departments),
        ("places", &mut other.places),
    ] {
        let path = folder.join(name);
        if path.exists() {
            *of = Some(path);
        }
    }
    Ok(other)
}

/// Test files: those named, else the bundled ones when the rules are the bundled ones, and of others those in `tests` beside their
/// folder, as the console has it.
pub(super) fn test_files(
    named: &[PathBuf],
    paths: &Paths,
) -> Result<Vec<SourceFile>, ConfigErrors> {
    let mut errors = Vec::new();
    let files = read_test_files(named, paths, &mut errors);
    if errors.is_empty() {
        Ok(files)
    } else {
        Err(ConfigErrors::new(errors, files))
    }
}

/// The same, as far as they can be read, with an error for each that cannot.
pub(super) fn read_test_files(
    named: &[PathBuf],
    paths: &Paths,
    errors: &mut Vec<Diagnostic>,
) -> Vec<SourceFile> {
    if named.is_empty() && paths.rules.is_none() {
        let names = Bundled::list("tests/").into_iter();
        let files = names.filter_map(|name| {
            Some(SourceFile {
                text: Bundled::text(&name)?,
                name,
            })
        });
        return files.collect();
    }
    // `rules` may be `.`, whose parent only the file system knows.
    let rules = paths
        .rules
        .as_ref()
        .and_then(|rules| rules.canonicalize().ok());
    let beside = rules.as_deref().and_then(Path::parent);
    let beside = beside.map(|folder| folder.join("tests"));
    let beside = beside.filter(|folder| named.is_empty() && folder.is_dir());
    let each = named.iter().chain(&beside);
    each.flat_map(|path| read_yaml(path, errors)).collect()
}

/// The cases of test files, if all of them can be read.
pub(super) fn cases(files: &[SourceFile]) -> Result<Vec<Case>, ConfigErrors> {
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    let cases = files
        .iter()
        .flat_map(|file| case::parse(file, &mut diagnostics))
        .collect();
    if diagnostics.iter().any(|d| d.gravity == Gravity::Error) {
        return Err(ConfigErrors::new(diagnostics, files.to_vec()));
    }
    Ok(cases)
}
