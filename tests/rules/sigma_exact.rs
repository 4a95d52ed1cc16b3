//! Keyword rules in numbers over messages: exactly the matches that plain search finds, from the engine and from the command.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value, json};
use tocsin::core::rule::sigma::Scratch;

use super::sigma::compile;
use super::sigma_workload::{Dice, Rule, rules, texts};

fn line(text: &str) -> String {
    json!({"id": 1, "title": "灯火 korit", "text": text, "other": {"text": "水火山"}}).to_string()
}

fn yaml(rules: &[Rule]) -> String {
    let documents: Vec<String> = rules.iter().map(Rule::sigma).collect();
    documents.join("---\n")
}

#[test]
fn exactly_what_plain_search_finds() {
    for (count, messages) in [(10, 400), (100, 200), (1_000, 100)] {
        let mut dice = Dice(count as u64);
        let rules = rules(count, &mut dice);
        let compiled = compile(&yaml(&rules));
        assert!(compiled.findings.is_empty(), "{}", compiled.findings[0]);
        let (mut scratch, mut matches) = (Scratch::default(), 0);
        for text in texts(messages, &mut dice) {
            let found = compiled
                .sigma
                .evaluate(line(&text).as_bytes(), &mut scratch)
                .unwrap();
            let expected = (0u32..).zip(&rules).filter(|(_, rule)| rule.fires(&text));
            let expected: Vec<u32> = expected.map(|(number, _)| number).collect();
            assert_eq!(found, expected, "{text}");
            matches += found.len();
        }
        let all = count * messages;
        assert!(matches > all / 50 && matches < all, "{matches} of {all}");
    }
}

#[test]
fn the_command_says_the_same() {
    let mut dice = Dice(7);
    let (rules, texts) = (rules(60, &mut dice), texts(80, &mut dice));
    let folder = tempfile::tempdir().unwrap();
    let (file, events) = (folder.path().join("r.yml"), folder.path().join("e.ndjson"));
    std::fs::write(&file, yaml(&rules)).unwrap();
    let lines: Vec<String> = texts.iter().map(|t| line(t)).collect();
    std::fs::write(&events, lines.join("\n")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .args(["rules", "eval", "--stats", "--json", "--rules"])
        .arg(&file)
        .arg("--events")
        .arg(&events)
        .output()
        .unwrap();
    assert!(output.status.success());
    let found: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let pairs: BTreeSet<(u64, &str)> = found
        .iter()
        .map(|m| (m["event"].as_u64().unwrap(), m["rule_id"].as_str().unwrap()))
        .collect();
    let mut expected = BTreeSet::new();
    for (event, text) in (0u64..).zip(&texts) {
        let fired = rules.iter().filter(|rule| rule.fires(text));
        expected.extend(fired.map(|rule| (event, rule.id.as_str())));
    }
    assert_eq!(pairs, expected);
    assert_eq!(found.len(), pairs.len());
    let stats: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(stats["events"], 80);
    assert_eq!(stats["matches"], json!(found.len()));
}
