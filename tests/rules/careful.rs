//! The tools of rule writers where something is misspelt: nothing is taken out, left out or passed over in silence.

use std::path::Path;
use std::process::{Command, Output};

use tocsin::core::diagnostic::SourceFile;
use tocsin::core::rule::{self, parse_all};

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

fn written(selections: &str, condition: &str, add: &str) -> String {
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
        written(near, "fire and sel", ""),
        written(
            score,
            "fire",
            ", add: [{when: hurtt, points: 5, because: hurt}]",
        ),
        written(broken, "sel", ""),
    ] {
        let folder = folder(&rules, LEXICON);
        let output = tocsin(folder.path(), &["rules", "lint", "--fix"]);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("rules/r.yml"), rules, "{}", said(&output));
        assert_eq!(read("lexicons/l.yml"), LEXICON, "{}", said(&output));
        assert!(said(&output).contains("--fix takes nothing out"));
    }
    let sound = written("  fire: {any|lexicon: fire}\n", "fire", "");
    let folder = folder(&sound, LEXICON);
    let output = tocsin(folder.path(), &["rules", "lint", "--fix"]);
    assert!(said(&output).contains("1 fixed"), "{}", said(&output));
}

#[test]
fn a_case_of_no_rule_does_not_hold() {
    let folder = folder(
        &written("  fire: {any|lexicon: fire}\n", "fire", ""),
        LEXICON,
    );
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
    let folder = folder(
        &written("  fire: {any|lexicon: fire}\n", "fire", ""),
        LEXICON,
    );
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
    let folder = folder(
        &written("  fire: {any|lexicon: fire}\n", "fire", ""),
        LEXICON,
    );
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

#[test]
fn what_only_an_unused_condition_or_an_heir_names_is_not_taken_out() {
    let named = "title: Fire\nid: my-fire\ndetection:\n  a: {any|lexicon: fire}\n  b: {any|contains: drill}\n  condition: a\ntocsin:\n  hazard: fire\n  \
                 conditions:\n    x: not b\n    y: >-\n      not b\n      and a\n  score: {base: 30}\n";
    let heir = "title: Fire\nid: my-fire\ndetection:\n  a: {any|lexicon: fire}\n  b: {any|contains: drill}\n  condition: a\ntocsin: {hazard: fire, score: {base: 30}}\n\
                ---\ntitle: Heir\nid: heir\ndetection: {condition: a and not b}\ntocsin: {extends: my-fire, hazard: fire}\n";
    for rules in [named, heir] {
        let folder = folder(rules, "lexicon: fire\nterms: [起火]\n");
        let output = tocsin(folder.path(), &["rules", "lint", "--fix"]);
        assert!(said(&output).contains("0 errors"), "{}", said(&output));
        let now = std::fs::read_to_string(folder.path().join("rules/r.yml")).unwrap();
        assert_eq!(now, rules, "{}", said(&output));
    }
}

#[test]
fn conditions_that_multiply_each_other_are_soon_refused() {
    let doubling = |last: &str| -> String {
        let lines = (0..40).map(|n| format!("    c{n}: c{0} and c{0}\n", n + 1));
        lines.collect::<String>() + &format!("    c40: {last}\n")
    };
    let spaces = " ".repeat(60_000);
    let open = format!(
        "title: b\nid: b\ntocsin:\n  abstract: true\n  conditions:\n{}",
        doubling("later")
    );
    let wide = format!(
        "title: t\nid: t\ndetection: {{a: {{any|contains: x}}, condition: c30}}\ntocsin:\n  hazard: fire\n  score: {{base: 1}}\n  conditions:\n{}",
        doubling(&format!("a{spaces}"))
    );
    let begun = std::time::Instant::now();
    for text in [open, wide] {
        let name = "r.yml".to_owned();
        let mut found = Vec::new();
        parse_all(&[SourceFile { name, text }], &mut found);
        assert!(found.iter().any(|d| d.code == "T0018"), "{found:?}");
    }
    assert!(begun.elapsed().as_secs() < 30);
}

#[test]
fn of_two_words_for_one_thing_the_later_base_counts() {
    let text = "title: a\nid: a\ntocsin: {abstract: true, group_by: city, window: 9h}\n---\n\
                title: b\nid: b\ntocsin: {abstract: true, extends: a, tier: township, quiet: 1h}\n---\n\
                title: c\nid: c\ndetection: {a: {any|contains: x}, condition: a}\ntocsin: {extends: b, hazard: fire, score: {base: 1}}\n---\n\
                title: d\nid: d\ntocsin: {abstract: true, tier: county, group_by: province}\n";
    let (name, text) = ("r.yml".to_owned(), text.to_owned());
    let mut found = Vec::new();
    let rules = parse_all(&[SourceFile { name, text }], &mut found);
    let tocsin = rules[0].tocsin.as_ref().unwrap();
    assert_eq!((tocsin.tier.id(), tocsin.quiet_ms), ("township", 3_600_000));
    let codes: Vec<(usize, &str)> = found.iter().map(|d| (d.line, d.code)).collect();
    assert_eq!(codes, [(16, "T0006")]);
}

#[test]
fn links_to_the_folder_itself_come_to_an_end() {
    let folder = folder(
        &written("  fire: {any|lexicon: fire}\n", "fire", ""),
        LEXICON,
    );
    for name in ["one", "two"] {
        std::os::unix::fs::symlink(".", folder.path().join("rules").join(name)).unwrap();
    }
    let output = tocsin(folder.path(), &["rules", "lint"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let text = said(&output);
    assert!(text.contains("C0001") && !text.contains("T0008"), "{text}");
}

#[test]
fn a_shadow_rule_that_extends_another_file_is_known() {
    let child = "title: c\nid: child\nstatus: test\ndetection: {fire: {any|lexicon: fire}, condition: fire}\ntocsin: {extends: base, hazard: fire, score: {base: 1}}\n";
    let folder = folder(child, LEXICON);
    let base = "title: b\nid: base\ntocsin: {abstract: true, quiet: 1h}\n";
    std::fs::write(folder.path().join("rules/base.yml"), base).unwrap();
    std::fs::write(folder.path().join("hits.jsonl"), "").unwrap();
    let output = tocsin(
        folder.path(),
        &[
            "rules",
            "shadow",
            "--input",
            "hits.jsonl",
            "--rule",
            "child",
        ],
    );
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn a_filters_selection_gets_no_name_that_a_condition_has() {
    let text = "title: t\nid: t\ndetection: {a: {any|contains: a}, b: {any|contains: b}, condition: a and filter_x}\n\
                tocsin: {hazard: fire, score: {base: 1}, conditions: {filter_x: not b}}\n---\n\
                title: f\nfilter:\n  rules: [t]\n  x: {any|contains: drill}\n  condition: not x\n";
    let (name, text) = ("r.yml".to_owned(), text.to_owned());
    let mut found = Vec::new();
    let rules = rule::parse_set(&[SourceFile { name, text }], &mut found).rules;
    let text = rule::print(&rule::callable(&rules[0]));
    let again = rule::parse_set(
        &[SourceFile {
            name: "again.yml".to_owned(),
            text,
        }],
        &mut found,
    );
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(again.rules[0].condition, rules[0].condition);
}
