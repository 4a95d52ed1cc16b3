//! The tools of rule writers where something is misspelt: nothing is taken out, left out or passed over in silence.

use std::path::Path;
use std::process::{Command, Output};

use tocsin::core::diagnostic::SourceFile;
use tocsin::core::rule::parse_all;

/// Runs the program in a folder with rules, lexicons and a configuration.
fn tocsin(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
    crate::without_settings(&mut command);
    let config = folder.join("tocsin.toml");
    command.current_dir(folder).arg("--config").arg(config);
    command.args(args).output().unwrap()
}

fn folder(rules: &str, lexicon: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "tocsin.toml",
        "[paths]\nrules = \"rules\"\nlexicons = \"lexicons\"\n",
    );
    write("rules/r.yml", rules);
    write("lexicons/l.yml", lexicon);
    folder
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

const LEXICON: &str = "lexicon: fire\nterms: [起火, 居民楼起火]\n";

fn rule(selections: &str, condition: &str, add: &str) -> String {
    format!(
        "title: Fire\nid: my-fire\ndetection:\n{selections}  condition: {condition}\ntocsin:\n  hazard: fire\n  score: {{base: 30{add}}}\n"
    )
}

#[test]
fn nothing_is_taken_out_while_a_name_is_misspelt() {
    let near = "  _a: {any|contains: [楼]}\n  _b: {any|contains: [烟]}\n  fire: {any|lexicon: fire}\n  sel: {any|near: {of: [_a, _c], within: 4}}\n";
    let score = "  fire: {any|lexicon: fire}\n  hurt: {casualties.injured|gte: 1}\n";
    let broken = "  a: {any|contains: [楼]}\n  fire: {any|lexicon: fire}\n  sel: {any|near: {of: [a, fire], wihtin: 4}}\n";
    for rules in [
        rule(near, "fire and sel", ""),
        rule(
            score,
            "fire",
            ", add: [{when: hurtt, points: 5, because: hurt}]",
        ),
        rule(broken, "sel", ""),
    ] {
        let folder = folder(&rules, LEXICON);
        let output = tocsin(folder.path(), &["rules", "lint", "--fix"]);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("rules/r.yml"), rules, "{}", said(&output));
        assert_eq!(read("lexicons/l.yml"), LEXICON, "{}", said(&output));
        assert!(said(&output).contains("--fix takes nothing out"));
    }
    let sound = rule("  fire: {any|lexicon: fire}\n", "fire", "");
    let folder = folder(&sound, LEXICON);
    let output = tocsin(folder.path(), &["rules", "lint", "--fix"]);
    assert!(said(&output).contains("1 fixed"), "{}", said(&output));
}

#[test]
fn a_case_of_no_rule_does_not_hold() {
    let folder = folder(&rule("  fire: {any|lexicon: fire}\n", "fire", ""), LEXICON);
    std::fs::create_dir(folder.path().join("tests")).unwrap();
    let cases = folder.path().join("tests/cases.yml");
    std::fs::write(&cases, "my-fire:\n  silent: [晴]\n  fires: [楼房起火]\n").unwrap();
    // Cases beside the rules are found without being named.
    let output = tocsin(folder.path(), &["rules", "test"]);
    assert!(output.status.success(), "{}", said(&output));
    std::fs::write(
        &cases,
        "my-fire:\n  fires: [楼房起火]\nmy-fir:\n  silent: [晴]\n",
    )
    .unwrap();
    let output = tocsin(folder.path(), &["rules", "test"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("there is no rule `my-fir`"),
        "{}",
        said(&output)
    );
    // Lint says the same where the rule is named, and what has no case at all.
    let output = tocsin(folder.path(), &["rules", "lint"]);
    let text = said(&output);
    assert!(
        text.contains("T0107") && text.contains("cases.yml:3:1"),
        "{text}"
    );
    assert!(text.contains("T0106"), "{text}");
    std::fs::write(&cases, "").unwrap();
    let output = tocsin(folder.path(), &["rules", "lint", "--tests", "tests"]);
    assert!(said(&output).contains("T0106"), "{}", said(&output));
    // A story is found by the rules that it expects.
    let story = "tests:\n  - name: a blaze\n    reports: [{at: 0s, id: a, text: 楼房起火}]\n    detections: [{report: a, rule: my-fire}]\n";
    std::fs::write(&cases, story).unwrap();
    let output = tocsin(folder.path(), &["rules", "test", "--filter", "my-fire"]);
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn what_is_about_a_topic_is_refused_beside_a_file() {
    let folder = folder(&rule("  fire: {any|lexicon: fire}\n", "fire", ""), LEXICON);
    std::fs::write(
        folder.path().join("c.jsonl"),
        "{\"id\":\"1\",\"text\":\"起火\"}\n",
    )
    .unwrap();
    for args in [
        &["rules", "backtest", "--input", "c.jsonl", "--from", "24h"][..],
        &["rules", "backtest", "--input", "c.jsonl", "--to", "5"],
        &["rules", "explain", "c.jsonl", "--id", "1"],
        &["rules", "explain", "c.jsonl", "--at", "0/1"],
    ] {
        let output = tocsin(folder.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", said(&output));
        let option = args.iter().rev().nth(1).unwrap();
        assert!(said(&output).contains(option), "{}", said(&output));
    }
}

#[test]
fn bounds_of_the_gate_are_numbers() {
    let folder = folder(&rule("  fire: {any|lexicon: fire}\n", "fire", ""), LEXICON);
    std::fs::write(folder.path().join("hits.jsonl"), "").unwrap();
    for bound in ["nan", "inf", "-1", "few"] {
        for gate in ["--min-days", "--max-new-per-day"] {
            let gate = format!("{gate}={bound}");
            let args = [
                "rules",
                "shadow",
                "--input",
                "hits.jsonl",
                "--rule",
                "my-fire",
                &gate,
            ];
            let output = tocsin(folder.path(), &args);
            assert_eq!(output.status.code(), Some(2), "{gate}: {}", said(&output));
            assert!(
                said(&output).contains("a number from 0 on"),
                "{}",
                said(&output)
            );
        }
    }
}

#[test]
fn a_word_of_a_condition_over_several_lines_is_where_the_file_has_it() {
    for (written, places) in [
        ("|\n    sel and\n    nope or nix", [(6, 5), (6, 13)]),
        (">-\n    sel and (nope\n\n    or nix)", [(5, 14), (7, 8)]),
        ("sel and\n    nope or\n      nix", [(5, 5), (6, 7)]),
        ("'sel and\n    nope or nix'", [(5, 5), (5, 13)]),
        ("\"sel and nope\n    or nix\"", [(4, 23), (5, 8)]),
        // An escape: the condition as a whole.
        ("\"sel and\\\n    \\ nope or nix\"", [(4, 14), (4, 14)]),
    ] {
        let text = format!(
            "title: t\nid: t\ndetection:\n  condition: {written}\n  sel: {{any|contains: x}}\ntocsin: {{hazard: fire, score: {{base: 1}}}}\n"
        );
        let name = "r.yml".to_owned();
        let mut found = Vec::new();
        parse_all(&[SourceFile { name, text }], &mut found);
        let at: Vec<(usize, usize)> = found.iter().map(|d| (d.line, d.column)).collect();
        assert!(found.iter().all(|d| d.code == "T0019"), "{found:?}");
        assert_eq!(at, places, "{written}");
    }
}

#[test]
fn grouping_and_window_of_a_rule_are_its_tier_and_quiet_time() {
    let read = |block: &str, base: &str| {
        let text = format!(
            "title: t\nid: t\ndetection: {{a: {{any|contains: x}}, condition: a}}\ntocsin: {{hazard: fire, score: {{base: 1}}, {block}}}\n---\n\
             title: b\nid: b\ntocsin: {{abstract: true, {base}}}\n"
        );
        let name = "r.yml".to_owned();
        let mut found = Vec::new();
        let rules = parse_all(&[SourceFile { name, text }], &mut found);
        let codes: Vec<&str> = found.iter().map(|d| d.code).collect();
        let tocsin = rules.first().and_then(|rule| rule.tocsin.clone());
        (tocsin.map(|t| (t.tier.id(), t.quiet_ms / 3_600_000)), codes)
    };
    for (block, base, tier, hours) in [
        ("group_by: city, window: 2h", "quiet: 9h", "city", 2),
        (
            "extends: b, group_by: city",
            "tier: county, window: 3h",
            "city",
            3,
        ),
        (
            "extends: b, tier: township, quiet: 1h",
            "group_by: city, window: 3h",
            "township",
            1,
        ),
    ] {
        assert_eq!(read(block, base), (Some((tier, hours)), vec![]), "{block}");
    }
    for (block, code) in [
        ("group_by: city, tier: county", "T0006"),
        ("window: 2h, quiet: 3h", "T0006"),
        ("group_by: feed", "T0006"),
        ("group_by: [city]", "T0006"),
        ("group_by: author", "T0023"),
        ("window: soon", "T0006"),
        ("replaces: [other]", "T0005"),
        ("conditions: {k: a and}", "T0018"),
        ("conditions: {k: [a]}", "T0018"),
    ] {
        assert_eq!(read(block, "quiet: 1h"), (None, vec![code]), "{block}");
    }
}
