//! A rule set: rules, lexicons, gazetteer and routing as one immutable, versioned value.
//!
//! Invariant: it compiles whole or not at all, and two with the same version behave the same.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::diagnostic::{Diagnostic, Gravity, SourceFile};
use super::place::Gazetteer;
use super::route::Routing;
use super::rule::{self, program::Program};
use super::{lexicon, yaml};

/// Hexadecimal digits of a version.
const VERSION_DIGITS: usize = 12;

/// What a rule set is made from, as the shell read it.
#[derive(Clone, Debug)]
pub struct RuleSources {
    /// Rule files.
    pub rules: Vec<SourceFile>,
    /// Lexicon files.
    pub lexicons: Vec<SourceFile>,
    /// The routing table, `departments.yaml`. Without a name there is none, and no department is checked.
    pub departments: SourceFile,
    /// Places and exposure.
    pub gazetteer: Arc<Gazetteer>,
}

/// A compiled rule set.
#[derive(Debug)]
pub struct RuleSet {
    /// First [`VERSION_DIGITS`] digits of the SHA-256 over all sources, in hexadecimal.
    pub version: Arc<str>,
    /// What the engine runs.
    pub program: Program,
    /// Places and exposure.
    pub gazetteer: Arc<Gazetteer>,
    /// Departments and their hazards.
    pub routing: Arc<Routing>,
    /// Findings that do not keep it from running.
    pub warnings: Vec<Diagnostic>,
}

impl RuleSet {
    /// Compiles everything; all errors at once, in the order of files and lines, warnings among them.
    pub fn compile(sources: &RuleSources) -> Result<Self, Vec<Diagnostic>> {
        let mut found = Vec::new();
        let lexicons: Vec<_> = sources
            .lexicons
            .iter()
            .flat_map(|file| lexicon::parse(file, &mut found))
            .collect();
        let parsed = rule::parse_set(&sources.rules, &mut found);
        let routing = routing(sources, &mut found);
        check_departments(&parsed.rules, &routing, &mut found);
        let mut program = rule::compile(&parsed.rules, &lexicons, &mut found);
        rule::correlate(&parsed, &mut program, &mut found);
        if sources.rules.is_empty() {
            let mut findings = yaml::Findings::new("rules");
            findings.error(
                rule::codes::MISSING_KEY,
                yaml::At::default(),
                "there is no rule file",
            );
            found.append(&mut findings.list);
        }
        found.sort_by(|a, b| {
            (&a.file, a.line, a.column, a.code, &a.message)
                .cmp(&(&b.file, b.line, b.column, b.code, &b.message))
        });
        if found.iter().any(|d| d.gravity == Gravity::Error) {
            return Err(found);
        }
        Ok(Self {
            version: version(sources),
            program,
            gazetteer: sources.gazetteer.clone(),
            routing: Arc::new(routing),
            warnings: found,
        })
    }
}

fn routing(sources: &RuleSources, found: &mut Vec<Diagnostic>) -> Routing {
    if sources.departments.name.is_empty() {
        return Routing::default();
    }
    Routing::parse(&sources.departments).unwrap_or_else(|mut findings| {
        found.append(&mut findings);
        Routing::default()
    })
}

fn check_departments(rules: &[rule::Rule], routing: &Routing, found: &mut Vec<Diagnostic>) {
    if routing.all().is_empty() {
        return;
    }
    for rule in rules {
        let mut findings = yaml::Findings::new(&rule.file);
        for (request, at) in rule.tocsin.iter().flat_map(|tocsin| &tocsin.departments) {
            if routing.get(&request.id).is_none() {
                let known: Vec<&str> = routing.all().iter().map(|d| &*d.id).collect();
                findings
                    .error(
                        rule::codes::UNKNOWN_DEPARTMENT,
                        *at,
                        format!("there is no department `{}`", request.id),
                    )
                    .help(format!("there are: {}", known.join(", ")));
            }
        }
        found.append(&mut findings.list);
    }
}

fn version(sources: &RuleSources) -> Arc<str> {
    let mut files: Vec<(&str, &SourceFile)> = sources
        .rules
        .iter()
        .map(|file| ("rule", file))
        .chain(sources.lexicons.iter().map(|file| ("lexicon", file)))
        .chain([("departments", &sources.departments)])
        .collect();
    files.sort_by_key(|(kind, file)| (*kind, &file.name));
    let mut hash = Sha256::new();
    for (kind, file) in files {
        for part in [kind, &file.name, &file.text] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
    }
    hash.update(sources.gazetteer.digest());
    let digits: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
    digits[..VERSION_DIGITS].into()
}
