//! Checks of what files go through: rules, lexicons, departments, places, configuration.

use std::sync::{Arc, LazyLock};

use tocsin::config::{LoadOptions, Settings};
use tocsin::core::diagnostic::{Diagnostic, Gravity, SourceFile};
use tocsin::core::place::{Gazetteer, GazetteerSources, PlaceFile};
use tocsin::core::rule;
use tocsin::core::ruleset::{RuleSet, RuleSources};
use tocsin::core::tools::{case, labelled};
use tocsin::core::yaml;

fn source(name: &str, text: &str) -> SourceFile {
    SourceFile {
        name: name.into(),
        text: text.into(),
    }
}

/// A finding has a code, a message, and a place that is in the file.
fn placed(found: &[Diagnostic], file: &str, text: &str) {
    let lines = text.split('\n').count() + 1;
    for finding in found.iter().filter(|finding| finding.file == file) {
        assert!(
            finding.code.len() == 5 && !finding.message.is_empty(),
            "{finding:?}"
        );
        assert!(finding.line <= lines, "{finding:?} of {lines} lines");
    }
}

pub(super) fn rule_file(name: &str, data: &[u8]) {
    static EMPTY: LazyLock<Arc<Gazetteer>> = LazyLock::new(|| {
        Arc::new(Gazetteer::build(&GazetteerSources::default()).expect("no places"))
    });
    let text = &*String::from_utf8_lossy(data);
    let mut sources = RuleSources {
        rules: vec![source(
            "known.yml",
            "title: t\nid: known\ndetection:\n  a: {any|lexicon: gas}\n  condition: a\ntocsin: {hazard: fire, score: {base: 10}}\n",
        )],
        lexicons: vec![source("gas.yml", "lexicon: gas\nterms: [gas leak]\n")],
        departments: SourceFile::default(),
        gazetteer: EMPTY.clone(),
    };
    match name {
        "rule.yml" => sources.rules.push(source(name, text)),
        "lexicon.yml" => sources.lexicons.push(source(name, text)),
        _ => sources.departments = source(name, text),
    }
    printed(&sources.rules);
    match RuleSet::compile(&sources) {
        Ok(set) => placed(&set.warnings, name, text),
        Err(found) => {
            assert!(!found.is_empty());
            placed(&found, name, text);
        }
    }
}

/// A rule that is printed and read again is the same one, where conditions can call all of its selections.
fn printed(files: &[SourceFile]) {
    let words = [
        "and",
        "or",
        "not",
        "of",
        "them",
        "1",
        "any",
        "all",
        "near",
        "condition",
        "timeframe",
    ];
    let callable = |name: &str| {
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        plain && !name.is_empty() && !words.contains(&&*name.to_ascii_lowercase())
    };
    let mut found = Vec::new();
    for rule in rule::parse_all(files, &mut found) {
        if !rule
            .selections
            .iter()
            .all(|selection| callable(&selection.name))
        {
            continue;
        }
        let printed = rule::print(&rule);
        let mut found = Vec::new();
        let again = rule::parse(&source("printed.yml", &printed), &mut found);
        let errors = found
            .iter()
            .filter(|finding| finding.gravity == Gravity::Error);
        assert_eq!(errors.count(), 0, "{found:?}\n{printed}");
        assert_eq!(again.len(), 1, "{printed}");
        assert_eq!(rule::print(&again[0]), printed);
    }
}

/// As a file of cases, and as one of labelled sets.
pub(super) fn cases(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    let file = source("cases.yml", text);
    let mut found = Vec::new();
    for case in case::parse(&file, &mut found) {
        assert!(
            !case.feeds.is_empty() && !case.inputs.is_empty(),
            "{case:?}"
        );
    }
    labelled::parse(&file, &mut found);
    placed(&found, "cases.yml", text);
}

/// As the condition of a rule with three selections.
pub(super) fn condition(data: &[u8]) {
    let text = String::from_utf8_lossy(data).replace('\'', "''");
    let rule = format!(
        "title: t\nid: r\ndetection:\n  a: {{any|lexicon: gas}}\n  b1: {{title|contains: x}}\n  b2: {{lang: zh}}\n  condition: '{text}'\n\
         tocsin: {{hazard: fire, score: {{base: 10}}}}\n"
    );
    rule_file("rule.yml", rule.as_bytes());
}

pub(super) fn tree(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    let mut findings = yaml::Findings::new("f");
    yaml::parse(text, &mut findings);
    placed(&findings.list, "f", text);
}

/// As a file of places, of names, of exposure and of codes.
pub(super) fn places(data: &[u8]) {
    for name in [
        "a.csv",
        "names.csv",
        "exposure.csv",
        "codes.csv",
        "guarded.txt",
        "b.csv.gz",
    ] {
        let files = vec![PlaceFile {
            name: name.into(),
            bytes: data.to_vec(),
        }];
        if let Err(found) = Gazetteer::build(&GazetteerSources { files }) {
            placed(&found, name, &String::from_utf8_lossy(data));
        }
    }
}

/// As a configuration file, feeds in it.
pub(super) fn configuration(data: &[u8]) {
    static FILE: LazyLock<std::path::PathBuf> = LazyLock::new(|| {
        let folder = std::env::temp_dir().join(format!("tocsin-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        folder.join("tocsin.toml")
    });
    std::fs::write(&*FILE, data).expect("a temporary file");
    let name = FILE.display().to_string();
    if let Err(errors) = Settings::load(&LoadOptions::new(Some(FILE.clone()))) {
        assert!(!errors.diagnostics.is_empty());
        placed(&errors.diagnostics, &name, &String::from_utf8_lossy(data));
    }
}
