//! `rules lint`: every code with what brings it about, the shipped packs clean, and fixes that change no match.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use tocsin::config::{Bundled, Settings, load_rule_files};
use tocsin::core::diagnostic::SourceFile;
use tocsin::core::place::{Gazetteer, GazetteerSources};
use tocsin::core::ruleset::{RuleSet, RuleSources};
use tocsin::core::tools::case;
use tocsin::core::tools::lint::{ALL, lint};

fn rule(id: &str, detection: &str, add: &str) -> String {
    format!(
        "title: {id}\nid: {id}\ndetection:\n{detection}\ntocsin:\n  hazard: fire\n  score:\n    base: 30\n{add}---\n"
    )
}

/// One rule per finding, and one that has none.
fn rules() -> String {
    [
        rule("good", "  a: {any|lexicon: used}\n  dead: {casualties.dead|gte: 1}\n  ten: {casualties.dead|gte: 10}\n  condition: a and not ten", "    add:\n      - {when: dead, points: 5, because: dead}\n"),
        rule("never", "  a: {any|contains: smoke}\n  condition: a and not a", ""),
        rule("never-number", "  w: {any|contains: smoke}\n  dead: {casualties.dead|gte: 1}\n  ten: {casualties.dead|gte: 10}\n  condition: w and ten and not dead", ""),
        rule("always", "  a: {any|contains: smoke}\n  condition: a or not a", ""),
        rule("line", "  a: {any|contains: smoke}\n  b: {any|contains: fumes}\n  condition: a and not b", "    add:\n      - {when: b, points: 5, because: fumes}\n"),
        rule("dear", "  a: {any|re: '[0-9]+x'}\n  condition: a", ""),
        rule("cheap", "  a: {any|re: '[0-9]+x'}\n  b: {any|contains: smoke}\n  condition: a and b", ""),
        rule("twice", "  a:\n    any|contains: smoke\n    magnitude|gte: 5\n    magnitude|lt: 3\n  condition: a", ""),
        rule("values", "  a: {any|contains: [smoke, dense smoke]}\n  condition: a", ""),
        rule("unused", "  a: {any|contains: smoke}\n  b: {any|contains: fumes}\n  condition: a", ""),
    ]
    .concat()
}

const LEXICONS: &str = "\
lexicon: used
terms:
  - 起火
  - 突然起火
  - {term: 火, unless: [火锅, 火]}
  - house fire
  - house fires*
  - big house fire
  - houses* burning
---
lexicon: idle
terms: [x1]
";

const CASES: &str = "\
good: {fires: [起火], silent: [x]}
never: {silent: [x]}
gone: {fires: [x]}
";

fn file(name: &str, text: &str) -> SourceFile {
    SourceFile {
        name: name.to_owned(),
        text: text.to_owned(),
    }
}

#[test]
fn every_code_is_found_where_it_is() {
    let mut none = Vec::new();
    let cases = case::parse(&file("cases.yml", CASES), &mut none);
    let found = lint(
        &[file("rules.yml", &rules())],
        &[file("lexicons.yml", LEXICONS)],
        Some(&cases),
    );
    for (code, _) in ALL {
        assert!(found.iter().any(|d| d.code == *code), "{code} is not found");
    }
    let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!("rules_lint", shown.join("\n"));
}

#[test]
fn the_shipped_packs_are_clean() {
    let settings = Settings::bundled().unwrap();
    let files = load_rule_files(&settings.paths).unwrap();
    let mut found = Vec::new();
    let mut cases = Vec::new();
    for name in Bundled::list("tests/") {
        let text = Bundled::text(&name).unwrap();
        cases.extend(case::parse(&SourceFile { name, text }, &mut found));
    }
    found.extend(lint(&files.rules, &files.lexicons, Some(&cases)));
    let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
}

fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
    crate::without_settings(&mut command);
    let config = folder.join("tocsin.toml");
    command
        .args(["rules", "lint", "--json", "--config"])
        .arg(config)
        .args(args);
    command.output().unwrap()
}

#[test]
fn fixes_take_out_what_adds_nothing_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("rules")).unwrap();
    std::fs::create_dir(path("lexicons")).unwrap();
    std::fs::write(path("rules/a.yml"), rules()).unwrap();
    std::fs::write(path("lexicons/a.yml"), LEXICONS).unwrap();
    std::fs::write(
        path("tocsin.toml"),
        "[paths]\nrules = \"rules\"\nlexicons = \"lexicons\"\n",
    )
    .unwrap();
    let output = run(folder.path(), &["--fix"]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "what cannot be fixed is left"
    );
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let codes: Vec<&str> = shown["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["code"].as_str().unwrap())
        .collect();
    assert!(
        !codes.contains(&"T0103") && !codes.contains(&"T0104") && !codes.contains(&"T0020"),
        "{shown:#}"
    );
    let lexicons = std::fs::read_to_string(path("lexicons/a.yml")).unwrap();
    assert_eq!(
        lexicons,
        LEXICONS
            .replace("  - 突然起火\n", "")
            .replace("  - {term: 火, unless: [火锅, 火]}\n", "")
            .replace("  - big house fire\n", "")
    );
    let rules_now = std::fs::read_to_string(path("rules/a.yml")).unwrap();
    let unused = rule("unused", "  a: {any|contains: smoke}\n  condition: a", "");
    assert!(rules_now.ends_with(&unused), "{rules_now}");
    let bundled = Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .args(["rules", "lint", "--fix"])
        .env_remove("TOCSIN_CONFIG")
        .output()
        .unwrap();
    assert_eq!(
        bundled.status.code(),
        Some(2),
        "bundled files cannot be written"
    );
}

/// Of the bundled lexicons nothing odd is said to those who write rules alone, and fixing needs no lexicons of theirs.
#[test]
fn rules_of_ones_own_are_linted_and_fixed_without_the_bundled_lexicons() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("rules")).unwrap();
    let with = |b: &str| {
        rule(
            "a",
            &format!("  a: {{any|lexicon: fire_event_en}}\n{b}  condition: a"),
            "",
        )
    };
    std::fs::write(path("rules/a.yml"), with("  b: {any|contains: fumes}\n")).unwrap();
    std::fs::write(path("tocsin.toml"), "[paths]\nrules = \"rules\"\n").unwrap();
    let shown = |output: &Output| -> serde_json::Value {
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
    };
    let output = run(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let found = shown(&output);
    assert_eq!(found["findings"].as_array().unwrap().len(), 1, "{found:#}");
    let first = &found["findings"][0];
    assert_eq!(first["code"], "T0020");
    assert_eq!((&first["column"], &first["length"]), (&3.into(), &1.into()));
    let output = run(folder.path(), &["--fix"]);
    assert_eq!(output.status.code(), Some(0), "{:#}", shown(&output));
    assert_eq!(shown(&output)["fixed"], 1);
    assert_eq!(
        std::fs::read_to_string(path("rules/a.yml")).unwrap(),
        with("")
    );
}

/// A title or a reason that would steer a terminal, or that XML cannot hold, is refused at its place.
#[test]
fn what_people_are_shown_holds_no_control_characters() {
    let with = |title: &str, because: &str| {
        format!(
            "title: {title}\nid: a\ndetection:\n  a: {{any|contains: smoke}}\n  condition: a\ntocsin: {{hazard: fire, score: {{base: 30, because: {because}}}}}\n"
        )
    };
    let found = |text: &str| {
        let mut found = Vec::new();
        let _ = tocsin::core::rule::parse_set(&[file("r.yml", text)], &mut found);
        let place = |d: &tocsin::core::diagnostic::Diagnostic| (d.code, d.line, d.column);
        found.iter().map(place).collect::<Vec<_>>()
    };
    assert_eq!(found(&with("居民楼起火 – “fire”", "火灾")), []);
    for bad in [r#""a\0""#, r#""a\e[31mb""#, r#""\u202eb""#, r#""a\nb""#] {
        assert_eq!(found(&with(bad, "x")), [("T0006", 1, 8)], "{bad}");
        let place = [("T0006", 6, 51)];
        assert_eq!(found(&with("x", bad)), place, "{bad}");
    }
}

/// Mistakes of several kinds in one rule are all said in one run, and no mistake is said twice in other words.
#[test]
fn one_mistake_hides_no_other() {
    let rule = "\
title: Smoke
id: smoke
detection:
  a: {any|contains: smoke, author: someone}
  b: {any|lexicon: nowhere}
  c: {any|contains: soot}
  condition: a and b
tocsin:
  hazard: war
  tier: hamlet
  quiet: soon
  urgency: now
  departments: [nobody]
  score: {base: much, add: [{when: c, points: 5}, {when: d, points: 5, because: d}]}
---
title: Smoke again
id: smoke
status: maybe
detection:
  a: {any|lexicon: neither}
  condition: a and
tocsin: {hazard: fire, score: {}}
---
title: Another
id: another
status: test
detection:
  a: {any|lexicon: used}
  condition: a
tocsin: {hazard: fire, replaces: smoke, score: {base: 10}}
";
    let lexicon = "lexicon: used\nterms: [soot falls]\n";
    let sources = RuleSources {
        rules: vec![file("r.yml", rule)],
        lexicons: vec![file("l.yml", lexicon)],
        departments: file(
            "departments.yaml",
            include_str!("../../config/departments.yaml"),
        ),
        gazetteer: Arc::new(Gazetteer::build(&GazetteerSources::default()).unwrap()),
    };
    let found = RuleSet::compile(&sources).unwrap_err();
    let said: Vec<(usize, &str)> = found.iter().map(|d| (d.line, d.code)).collect();
    let expected = [
        (4, "T0023"),
        (5, "T0013"),
        (9, "T0021"),
        (10, "T0006"),
        (11, "T0006"),
        (12, "T0006"),
        (13, "T0027"),
        (14, "T0006"),
        (14, "T0003"),
        (14, "T0019"),
        (17, "T0008"),
        (18, "T0006"),
        (20, "T0013"),
        (21, "T0018"),
        (22, "T0003"),
    ];
    assert_eq!(said, expected, "{found:#?}");
}

/// A folder of one's own, without places and lexicons, which are quick to read.
fn own() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["rules", "lexicons", "places"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    let text = "[paths]\nrules = \"rules\"\nlexicons = \"lexicons\"\nplaces = \"places\"\n";
    std::fs::write(folder.path().join("tocsin.toml"), text).unwrap();
    folder
}

/// Codes and the names of files without folders.
fn found(output: &Output) -> Vec<(String, String)> {
    let shown: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"));
    let findings = shown["findings"].as_array().unwrap().iter();
    let text = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap().to_owned();
    findings
        .map(|it| {
            let file = text(it, "file");
            let name = file.rsplit('/').next().unwrap().to_owned();
            (text(it, "code"), name)
        })
        .collect()
}

/// Files that cannot be read hide nothing of the others, and what may stand in them is not called missing.
#[test]
fn unreadable_files_hide_nothing_else() {
    let folder = own();
    let path = |name: &str| folder.path().join(name);
    for name in ["rules/a.yml", "rules/b.yml", "lexicons/c.yml"] {
        std::fs::write(path(name), b"title: \xff\n").unwrap();
    }
    let fine = rule(
        "fine",
        "  a: {any|lexicon: far}\n  b: {any|contains: x}\n  condition: a",
        "",
    );
    std::fs::write(path("rules/fine.yml"), &fine).unwrap();
    std::fs::write(path("rules/broken.yml"), "title: x\ndetection: {}\n").unwrap();
    std::fs::write(path("lexicons/idle.yml"), "lexicon: idle\nterms: [x1]\n").unwrap();
    std::fs::write(path("cases.yml"), "elsewhere: {fires: [x]}\n").unwrap();
    let cases = path("cases.yml").display().to_string();
    for args in [&[][..], &["--fix"]] {
        let output = run(folder.path(), &[args, &["--tests", &cases]].concat());
        let found = found(&output);
        assert_eq!(output.status.code(), Some(2), "{found:?}");
        let of = |wanted: &str| -> Vec<&str> {
            let files = found.iter().filter(|(code, _)| code == wanted);
            files.map(|(_, file)| &**file).collect()
        };
        assert_eq!(of("C0001"), ["a.yml", "b.yml", "c.yml"], "{found:?}");
        assert_eq!(of("T0020"), ["fine.yml"], "{found:?}");
        assert!(
            found.iter().any(|(_, file)| file == "broken.yml"),
            "{found:?}"
        );
        for follows in ["T0013", "T0106", "T0107", "T0108"] {
            assert!(of(follows).is_empty(), "{found:?}");
        }
    }
    // The selection that no condition uses may be used in a file that could not be read.
    assert_eq!(
        std::fs::read_to_string(path("rules/fine.yml")).unwrap(),
        fine
    );
    // Tests that are not there are no reason to say nothing.
    let output = run(folder.path(), &["--tests", "gone.yml"]);
    let found = self::found(&output);
    assert_eq!(output.status.code(), Some(2), "{found:?}");
    assert!(
        found.contains(&("C0001".into(), "gone.yml".into())),
        "{found:?}"
    );
    assert!(
        found.contains(&("T0020".into(), "fine.yml".into())),
        "{found:?}"
    );
    // Whoever runs the rules gets all of them or none, and every file that is the reason.
    let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
    crate::without_settings(&mut command);
    let config = path("tocsin.toml");
    let output = command.args(["rules", "list", "--config"]).arg(config);
    let output = output.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for name in ["rules/a.yml", "rules/b.yml", "lexicons/c.yml"] {
        assert!(said.contains(name), "{name}: {said}");
    }
}

/// Nobody waits for a writer of a pipe in a folder: it is refused as what it is.
#[test]
#[cfg(unix)]
fn a_pipe_in_a_folder_holds_nobody_up() {
    let folder = own();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(
        path("rules/a.yml"),
        rule("a", "  a: {any|contains: smoke}\n  condition: a", ""),
    )
    .unwrap();
    let pipe = |name: &str| {
        let made = Command::new("mkfifo").arg(path(name)).status();
        assert!(made.unwrap().success());
    };
    pipe("rules/pipe.yml");
    pipe("places/pipe.csv");
    // What is not read may be anything.
    pipe("rules/pipe.txt");
    let paths = tocsin::config::Paths {
        rules: Some(path("rules")),
        lexicons: Some(path("lexicons")),
        places: Some(path("places")),
        ..Default::default()
    };
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || tell.send(load_rule_files(&paths)));
    let read = told.recv_timeout(std::time::Duration::from_secs(60));
    let errors = read.expect("it does not wait for a writer").unwrap_err();
    let said: Vec<_> = errors.iter().map(|it| (it.code, &*it.message)).collect();
    let not_a_file = ("C0001", "cannot read: not a file");
    assert_eq!(said, [not_a_file, not_a_file]);
    let output = run(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    let found = found(&output);
    let pipes = [
        ("C0001".into(), "pipe.yml".into()),
        ("C0001".into(), "pipe.csv".into()),
    ];
    assert_eq!(found, pipes);
}

/// Many rules in a file with little wrong each are a set that loads, and one call mends all of it.
#[test]
fn a_large_file_of_warnings_loads_and_is_fixed_at_once() {
    let folder = own();
    let path = folder.path().join("rules/a.yml");
    let rules = |unused: usize| -> String {
        let selections: String = (0..unused)
            .map(|n| format!("  s{n}: {{any|contains: fumes}}\n"))
            .collect();
        let detection = format!("  a: {{any|contains: smoke}}\n{selections}  condition: a");
        (0..75)
            .map(|n| rule(&format!("r{n}"), &detection, ""))
            .collect()
    };
    std::fs::write(&path, rules(60)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
    crate::without_settings(&mut command);
    let list = command.args(["rules", "list", "--config"]);
    let list = list
        .arg(folder.path().join("tocsin.toml"))
        .output()
        .unwrap();
    assert_eq!(
        list.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&list.stderr)
    );
    let output = run(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = shown["findings"].as_array().unwrap();
    let cut: Vec<_> = findings.iter().filter(|it| it["code"] == "T0002").collect();
    assert_eq!(
        (cut.len(), &cut[0]["gravity"]),
        (1, &"warning".into()),
        "{cut:?}"
    );
    let output = run(folder.path(), &["--fix"]);
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["fixed"], 4_500);
    assert_eq!(
        (output.status.code(), &shown["ok"]),
        (Some(0), &true.into())
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), rules(0));
}
