//! What `--fix` takes out of lists and maps of either form, and what it leaves.

use super::fix;
use crate::core::diagnostic::{Diagnostic, SourceFile};
use crate::core::lexicon;
use crate::core::rule;
use crate::core::tools::lint::lint;

/// The files without what `--fix` takes out of them, once.
fn fixed(rules: &str, lexicons: &str) -> (String, String, usize) {
    let file = |name: &str, text: &str| SourceFile {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    let (rules, lexicons) = ([file("r", rules)], [file("l", lexicons)]);
    let mut found = Vec::new();
    let _ = (
        rule::parse_set(&rules, &mut found),
        lexicon::parse(&lexicons[0], &mut found),
    );
    found.extend(lint(&rules, &lexicons, None));
    let of = |name: &str| {
        found
            .iter()
            .filter(|d| d.file == name)
            .collect::<Vec<&Diagnostic>>()
    };
    let (first, one) = fix(&rules[0].text, &of("r"));
    let (second, two) = fix(&lexicons[0].text, &of("l"));
    (first, second, one + two)
}

#[test]
fn items_between_brackets_go_with_their_comma() {
    let lexicon = "lexicon: l\nterms: [冒烟, 大火, 起大火, {term: 火, unless: [火锅, 火]}, 'a b', 浓烟冒烟]\n---\nlexicon: m\nterms:\n  [\n    x, y x,\n    x,\n    b x\n  ]\n";
    let rule = |values: &str| {
        format!(
            "title: R\nid: r\ndetection:\n  a: {{any|contains: {values}, any|lexicon: [l, m]}}\n  condition: a\ntocsin: {{hazard: fire, score: {{base: 30}}}}\n"
        )
    };
    let (rules, lexicons, count) = fixed(&rule("['thick smoke', smoke, \"smoke here\"]"), lexicon);
    assert_eq!(rules, rule("[smoke]"));
    assert!(
        lexicons.starts_with("lexicon: l\nterms: [冒烟, 大火, 'a b']\n---\n"),
        "{lexicons}"
    );
    assert!(
        lexicons.contains("  [\n    x,\n    b x\n  ]\n"),
        "{lexicons}"
    );
    assert_eq!(count, 7);
}

fn rule(values: &str) -> String {
    format!(
        "title: R\nid: r\ndetection:\n  a:\n    any|contains: {values}\n  condition: a\ntocsin: {{hazard: fire, score: {{base: 30}}}}\n"
    )
}

/// The same, in as many rounds as it takes.
fn healed(rules: &str, lexicons: &str) -> (String, String, usize) {
    let (mut rules, mut lexicons, mut all) = (rules.to_owned(), lexicons.to_owned(), 0);
    loop {
        let (first, second, count) = fixed(&rules, &lexicons);
        if count == 0 {
            return (rules, lexicons, all);
        }
        (rules, lexicons, all) = (first, second, all + count);
    }
}

#[test]
fn lists_over_several_lines_keep_their_form_and_their_other_comments() {
    for (values, left, count) in [
        ("[smoke, a smoke, a smoke]", "[smoke]", 2),
        ("[\n      smoke,\n      a smoke]", "[\n      smoke]", 1),
        (
            "[smoke, # all\n      'a smoke']",
            "[smoke, # all\n      ]",
            1,
        ),
        (
            "[\n      smoke,\n      \"a smoke\"  # of any kind\n    ]",
            "[\n      smoke\n    ]",
            1,
        ),
        (
            "[\n      # all\n      \"a smoke\", # this one\n      smoke, fog,\n      # the rest\n    ]",
            "[\n      # all\n      smoke, fog,\n      # the rest\n    ]",
            1,
        ),
        (
            "[fog, 'it''s smoke',\n      smoke]",
            "[fog,\n      smoke]",
            1,
        ),
        (
            "[fog, 'a smoke', # one\n      smoke]",
            "[fog, # one\n      smoke]",
            1,
        ),
        ("[\"a, [smoke] # here\", smoke, fog]", "[smoke, fog]", 1),
        (
            "\n      - 'a smoke'  # this one\n      # all\n      - smoke\n      - \"the\n        smoke\"\n",
            "\n      # all\n      - smoke\n",
            2,
        ),
    ] {
        let (rules, _, found) = healed(&rule(values), "lexicon: l\nterms: [q]\n");
        assert_eq!((rules, found), (rule(left), count), "{values}");
    }
}

#[test]
fn terms_of_several_lines_go_whole() {
    let lexicon = "lexicon: l\nterms:\n  - smoke  # plain\n  - term: 'thick smoke'\n    # twice as heavy\n    weight: 1\n\n    unless: [film]\n\n  # of fires\n  - {term: \"the\n      smoke\", weight: 1}\n  - fog\n";
    let (_, lexicons, count) = healed(&rule("[q]"), lexicon);
    let left = "lexicon: l\nterms:\n  - smoke  # plain\n\n  # of fires\n  - fog\n";
    assert_eq!((&*lexicons, count), (left, 2));
}

#[test]
fn what_would_leave_nothing_stays() {
    let lexicon = "lexicon: l\nterms:\n  - {term: 火, unless: [火]}\n";
    let (_, lexicons, count) = healed(&rule("[q]"), lexicon);
    assert_eq!((&*lexicons, count), (lexicon, 0));
    // A value that comes from a base is placed at `extends`, which is no item to take out.
    let base = "title: B\nid: b\ndetection:\n  a: {any|contains: [smoke, a smoke]}\ntocsin: {abstract: true, hazard: fire, score: {base: 30}}\n";
    let rules = format!(
        "{base}---\ntitle: R\nid: r\ndetection: {{condition: a}}\ntocsin: {{extends: [b]}}\n"
    );
    let (left, _, count) = healed(&rules, "lexicon: l\nterms: [q]\n");
    assert_eq!((left, count), (rules, 0));
}

#[test]
fn an_unused_selection_goes_from_a_map_between_brackets() {
    let (before, after) = (
        "title: R\nid: r\ndetection: {a: {any|contains: [q]}, ",
        "condition: a}\ntocsin: {hazard: fire, score: {base: 30}}\n",
    );
    let rules = format!("{before}b: {{any|contains: [\"x, y\"]}}, {after}");
    let (left, _, count) = healed(&rules, "lexicon: l\nterms: [q]\n");
    assert_eq!((left, count), (format!("{before}{after}"), 1));
}
