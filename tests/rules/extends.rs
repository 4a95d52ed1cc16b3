//! `extends`: a rule that takes over from others is the rule that one would write by copying.

use tocsin::core::diagnostic::{Diagnostic, SourceFile};
use tocsin::core::rule::{Addition, Rule, condition_text, parse_all};

const BASE: &str = "
title: base
id: base
detection:
  past: {any|contains: anniversary}
  dead: {casualties.dead|gte: 1}
  never_used: {any|contains: [nothing]}
  drill: {any|contains: drill}
  near_drill: {any|near: {of: [smoke, drill], within: 5}}
tocsin:
  abstract: true
  quiet: 2h
  urgency: Immediate
  departments: [health]
  score:
    because: something happened
    add:
      - {when: dead, points: 20, because: people dead}
";

fn parsed(files: &[&str]) -> (Vec<Rule>, Vec<Diagnostic>) {
    let file = |(number, text): (usize, &&str)| SourceFile {
        name: format!("{number}.yml"),
        text: (*text).into(),
    };
    let sources: Vec<SourceFile> = files.iter().enumerate().map(file).collect();
    let mut found = Vec::new();
    let rules = parse_all(&sources, &mut found);
    (rules, found)
}

/// What a rule means, without the places of its parts.
fn meaning(rule: &Rule) -> String {
    let text = format!(
        "{:?} {:?} {:?}",
        rule.selections, rule.condition, rule.tocsin
    );
    let place = regex::Regex::new(r"At \{[^}]*\}").unwrap();
    place.replace_all(&text, "@").into_owned()
}

#[test]
fn is_the_rule_one_would_write_by_copying() {
    let child = "
title: smoke
id: smoke
detection:
  smoke: {any|contains: smoke}
  fire: {any|contains: fire}
  condition: smoke and fire and not past and not near_drill
tocsin:
  extends: base
  hazard: fire
  quiet: 30m
  score:
    base: 30
    add:
      - {when: fire, points: 5, because: fire named}
";
    let copied = "
title: smoke
id: smoke
detection:
  past: {any|contains: anniversary}
  dead: {casualties.dead|gte: 1}
  drill: {any|contains: drill}
  near_drill: {any|near: {of: [smoke, drill], within: 5}}
  smoke: {any|contains: smoke}
  fire: {any|contains: fire}
  condition: smoke and fire and not past and not near_drill
tocsin:
  hazard: fire
  quiet: 30m
  urgency: Immediate
  departments: [health]
  score:
    because: something happened
    base: 30
    add:
      - {when: dead, points: 20, because: people dead}
      - {when: fire, points: 5, because: fire named}
";
    // The order of files does not matter; the base itself is no rule.
    for files in [[BASE, child], [child, BASE]] {
        let (rules, found) = parsed(&files);
        assert!(found.is_empty(), "{found:?}");
        assert_eq!(rules.len(), 1);
        assert_eq!(meaning(&rules[0]), meaning(&parsed(&[copied]).0[0]));
    }
}

#[test]
fn bases_of_bases_come_first_and_each_once() {
    let middle = |id: &str, points: u8| {
        format!(
            "title: m\nid: {id}\ntocsin: {{abstract: true, extends: base, quiet: {points}m, score: {{add: [{{when: past, points: {points}, because: b}}]}}}}\n"
        )
    };
    let child = "title: c\nid: c\ndetection: {smoke: {any|contains: s}, condition: smoke}\n\
                 tocsin: {extends: [m1, m2], hazard: fire, score: {base: 1}}\n";
    let (m1, m2) = (middle("m1", 11), middle("m2", 12));
    let (rules, found) = parsed(&[child, &m2, BASE, &m1]);
    assert!(found.is_empty(), "{found:?}");
    let tocsin = rules[0].tocsin.as_ref().unwrap();
    assert_eq!(tocsin.quiet_ms, 12 * 60_000);
    let points: Vec<i32> = tocsin
        .add
        .iter()
        .map(|addition| addition.line().points)
        .collect();
    assert_eq!(points, [20, 11, 12]);
    // `never_used` and what only it needs are gone, and the conditions still name the right ones.
    let names: Vec<&str> = rules[0].selections.iter().map(|s| &*s.name).collect();
    assert_eq!(names, ["past", "dead", "smoke"]);
}

/// Selections by name, the condition, and those of the score, with what names stand for.
fn said(rule: &Rule) -> Vec<String> {
    let text = |condition| condition_text(condition, &rule.selections);
    let added = rule
        .tocsin
        .iter()
        .flat_map(|tocsin| &tocsin.add)
        .map(|addition| match addition {
            Addition::When { condition, .. } => text(condition),
            _ => String::new(),
        });
    let names = rule.selections.iter().map(|s| s.name.clone());
    names.chain([text(&rule.condition)]).chain(added).collect()
}

#[test]
fn a_named_condition_is_the_one_that_it_stands_for() {
    let base = "title: b\nid: b\ndetection:\n  past: {any|contains: past}\n  drill: {any|contains: drill}\n  condition: shown and not aside\n\
                tocsin:\n  abstract: true\n  conditions:\n    aside: past or drill\n    shown: 1 of is_*\n    vouched: dead and not aside\n\
                \x20 score: {add: [{when: vouched, points: 9, because: b}]}\n";
    let child = "title: c\nid: c\ndetection:\n  is_a: {any|contains: a}\n  is_b: {any|contains: b}\n  dead: {casualties.dead|gte: 1}\n  woods: {any|contains: w}\n\
                 {CONDITION}tocsin:\n  extends: b\n  hazard: fire\n  conditions: {aside: past}\n  score: {base: 1}\n";
    let copied = "title: c\nid: c\ndetection:\n  past: {any|contains: past}\n  is_a: {any|contains: a}\n  is_b: {any|contains: b}\n\
                  \x20 dead: {casualties.dead|gte: 1}\n  woods: {any|contains: w}\n  condition: {CONDITION}\n\
                  tocsin:\n  hazard: fire\n  score: {base: 1, add: [{when: dead and not past, points: 9, because: b}]}\n";
    for (own, whole) in [
        (
            "  condition: shown and not (aside or woods)\n",
            "1 of is_* and not (past or woods)",
        ),
        (
            "  condition: not woods and shown and not aside\n",
            "not woods and 1 of is_* and not past",
        ),
    ] {
        let (rules, found) = parsed(&[&child.replace("{CONDITION}", own), base]);
        assert!(found.is_empty(), "{found:?}");
        let written = parsed(&[&copied.replace("{CONDITION}", whole)]).0;
        assert_eq!(said(&rules[0]), said(&written[0]));
    }
}

#[test]
fn what_is_wrong_with_named_conditions() {
    let rule = |conditions: &str, condition: &str| {
        format!(
            "title: c\nid: c\ndetection:\n  a: {{any|contains: a}}\n  condition: {condition}\n\
             tocsin:\n  hazard: fire\n  conditions:\n{conditions}  score: {{base: 1}}\n"
        )
    };
    for (conditions, condition, said) in [
        (
            "    a: not a\n",
            "a",
            "1.yml:9:5: T0018 `a` is a selection of the rule already",
        ),
        (
            "    Of: not a\n",
            "a",
            "1.yml:9:5: T0018 a condition cannot be called `Of`",
        ),
        (
            "    x: [a]\n",
            "x",
            "1.yml:9:8: T0018 a condition is text, not a list",
        ),
        (
            "    x: a and\n",
            "x",
            "1.yml:9:13: T0018 the condition ends where a selection is expected",
        ),
        (
            "    x: not y\n    y: not x\n",
            "a and x",
            "1.yml:10:12: T0018 the condition `x` names itself in the end",
        ),
        (
            "    x: not a\n",
            "a",
            "1.yml:9:8: T0044 nothing uses the condition `x`",
        ),
        (
            "    x: not b\n",
            "x",
            "1.yml:9:12: T0019 the rule has no selection `b`",
        ),
    ] {
        let found = parsed(&["", &rule(conditions, condition)]).1;
        let list: Vec<String> = found
            .iter()
            .map(|d| {
                format!(
                    "{}:{}:{}: {} {}",
                    d.file, d.line, d.column, d.code, d.message
                )
            })
            .collect();
        assert_eq!(list, [said]);
    }
    // Of a base the grammar is checked where it stands, and what it names where that is known.
    let base = "title: b\nid: b\ndetection: {condition: x and y}\ntocsin: {abstract: true, conditions: {x: (1 of is_*, y: not z}}\n";
    let places: Vec<(usize, &str)> = parsed(&[base]).1.iter().map(|d| (d.line, d.code)).collect();
    assert!(
        !places.is_empty() && places.iter().all(|place| *place == (4, "T0018")),
        "{places:?}"
    );
    let child = "title: c\nid: c\ndetection: {is_a: {any|contains: a}}\ntocsin:\n  extends: b\n  hazard: fire\n  score: {base: 1}\n";
    let found = parsed(&[child, &base.replace("(1 of", "1 of")]).1;
    let places: Vec<(&str, usize, usize, &str)> = found
        .iter()
        .map(|d| (&*d.file, d.line, d.column, d.code))
        .collect();
    assert_eq!(places, [("0.yml", 5, 12, "T0019")]);
}

#[test]
fn a_finding_about_what_was_taken_over_is_placed_at_extends() {
    let child = "title: c\nid: c\ndetection: {condition: past and dead and gone}\n\
                 tocsin:\n  hazard: fire\n  score: {base: 1, add: [{when: absent, points: 1, because: b}]}\n  extends: broken\n";
    let broken = "title: b\nid: broken\ndetection: {past: {any|contains: x}, dead: {any|contains: y}}\n\
                  tocsin: {abstract: true, score: {add: [{when: nowhere, points: 1, because: b}]}}\n";
    let (rules, found) = parsed(&[child, broken]);
    let mut places: Vec<(&str, &str, usize)> =
        found.iter().map(|d| (&*d.file, d.code, d.line)).collect();
    places.sort_unstable();
    assert_eq!(
        places,
        [
            ("0.yml", "T0019", 3),
            ("0.yml", "T0019", 6),
            ("0.yml", "T0019", 7)
        ]
    );
    assert!(rules.is_empty());
}

#[test]
fn a_base_is_checked_where_it_stands() {
    let base = "title: b\nid: b\ndetection: {s: {any|nope: x}}\ntocsin: {abstract: true, tier: moon, hazzard: fire}\n";
    let codes: Vec<&str> = parsed(&[base]).1.iter().map(|d| d.code).collect();
    assert_eq!(codes, ["T0009", "T0006", "T0004"]);
}

#[test]
fn bases_are_bounded() {
    let chain = |length: usize| -> String {
        let one = |n: usize| {
            format!(
                "title: t\nid: b{n}\ntocsin: {{abstract: true, extends: b{}}}\n---\n",
                n + 1
            )
        };
        let end = format!("title: t\nid: b{length}\ntocsin: {{abstract: true, quiet: 5m}}\n---\n");
        let child = "title: c\nid: c\ndetection: {s: {any|contains: s}, condition: s}\n\
                     tocsin: {extends: b1, hazard: fire, score: {base: 1}}\n";
        (1..length).map(one).collect::<String>() + &end + child
    };
    let (rules, found) = parsed(&[&chain(16)]);
    assert_eq!((rules.len(), found.len()), (1, 0), "{found:?}");
    assert_eq!(rules[0].tocsin.as_ref().unwrap().quiet_ms, 5 * 60_000);
    let (rules, found) = parsed(&[&chain(17)]);
    assert!(rules.is_empty());
    assert!(found.iter().any(|d| d.code == "T0028"), "{found:?}");
}

#[test]
fn the_id_of_a_base_is_taken() {
    let child = "title: c\nid: base\ndetection: {s: {any|contains: s}, condition: s}\ntocsin: {hazard: fire, score: {base: 1}}\n";
    let codes: Vec<&str> = parsed(&[BASE, child]).1.iter().map(|d| d.code).collect();
    assert_eq!(codes, ["T0008"]);
}
