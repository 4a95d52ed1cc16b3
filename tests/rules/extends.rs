//! `extends`: a rule that takes over from others is the rule that one would write by copying.

use tocsin::core::diagnostic::{Diagnostic, SourceFile};
use tocsin::core::rule::{Rule, parse_all};

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
