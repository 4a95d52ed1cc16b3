//! Rules that are printed and read again are the same rules: random ones with every kind of entry, and all that are shipped.

use std::fmt::Write as _;

use proptest::prelude::*;
use tocsin::config::{Settings, load_rule_files};
use tocsin::core::diagnostic::{Gravity, SourceFile};
use tocsin::core::rule::{Rule, parse, parse_all, parse_set, print};

fn file(text: &str) -> SourceFile {
    SourceFile {
        name: "rule.yml".to_owned(),
        text: text.to_owned(),
    }
}

/// Everything of a rule but where it stands.
fn shape(rule: &Rule) -> String {
    let at = regex::Regex::new(r"At \{ line: \d+, column: \d+, length: \d+ \}").unwrap();
    let rule = Rule {
        file: String::new(),
        ..rule.clone()
    };
    at.replace_all(&format!("{rule:?}"), "At").into_owned()
}

fn same_again(rule: &Rule) {
    let printed = print(rule);
    let mut found = Vec::new();
    let again = parse(&file(&printed), &mut found);
    let wrong = found.iter().find(|d| d.gravity == Gravity::Error);
    assert!(wrong.is_none(), "{wrong:?}\n{printed}");
    let [again] = &again[..] else {
        panic!("{} rules in\n{printed}", again.len());
    };
    assert_eq!(shape(again), shape(rule), "{printed}");
    assert_eq!(print(again), printed);
}

#[test]
fn every_shipped_rule_is_the_same_when_printed() {
    let settings = Settings::bundled().unwrap();
    let files = load_rule_files(&settings.paths).unwrap();
    let mut found = Vec::new();
    let rules = parse_all(&files.rules, &mut found);
    assert!(rules.len() > 50, "{}", rules.len());
    rules.iter().for_each(same_again);
}

/// Chinese pages name rules in Chinese: whatever is shipped says how it is called there, each in words of its own.
#[test]
fn every_shipped_rule_has_a_chinese_title() {
    let settings = Settings::bundled().unwrap();
    let files = load_rule_files(&settings.paths).unwrap();
    let parsed = parse_set(&files.rules, &mut Vec::new());
    let rules = parsed.rules.iter().map(|rule| {
        let zh = rule.tocsin.as_ref().and_then(|it| it.title_zh.clone());
        (rule.id.to_string(), zh)
    });
    let correlations = parsed.correlations.iter();
    let correlations = correlations.map(|it| (it.correlation.id.to_string(), it.title_zh.clone()));
    let abstracts = parsed.abstracts.iter();
    let abstracts = abstracts.map(|it| (it.id.clone(), it.title_zh.clone()));
    let mut titles = std::collections::BTreeMap::new();
    for (id, zh) in rules.chain(correlations).chain(abstracts) {
        let zh = zh.unwrap_or_else(|| panic!("{id} has no `title_zh`"));
        let chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
        assert!(zh.chars().any(chinese), "{id}: {zh}");
        assert!(zh.chars().count() <= 24, "{id}: {zh}");
        if let Some(other) = titles.insert(zh.clone(), id.clone()) {
            panic!("{id} and {other} are both called {zh}");
        }
    }
    assert!(titles.len() > 200, "{}", titles.len());
}

/// What was taken over is not called as its base, and a title that is none is an error.
#[test]
fn a_chinese_title_is_a_rules_own_and_text() {
    let base = "title: A\nid: a\nstatus: stable\ndetection: {s: {any: x}, condition: s}\n\
                tocsin: {hazard: fire, title_zh: 甲, score: {base: 1}}\n";
    let heir = "---\ntitle: B\nid: b\nstatus: stable\ntocsin: {extends: a, score: {base: 2}}\n";
    let mut found = Vec::new();
    let rules = parse(&file(&format!("{base}{heir}")), &mut found);
    assert!(found.is_empty(), "{found:?}");
    let titles: Vec<Option<&str>> = rules
        .iter()
        .map(|rule| rule.tocsin.as_ref()?.title_zh.as_deref())
        .collect();
    assert_eq!(titles, [Some("甲"), None]);
    for wrong in ["''", "[a]", "\"\\u202e\""] {
        let mut found = Vec::new();
        parse(&file(&base.replace("甲", wrong)), &mut found);
        let said = found.iter().find(|it| it.message.contains("`title_zh`"));
        assert!(said.is_some(), "{wrong}: {found:?}");
    }
}

/// A value in quotes, with what YAML and Sigma escape.
fn value() -> BoxedStrategy<String> {
    let text =
        prop::string::string_regex("[ab火 \\\\*?\"':#\\-\n\t\u{85}\u{2028}é,\\[\\]{}&!%@]{1,8}");
    let text = text
        .unwrap()
        .prop_filter("not blank", |t| !t.trim().is_empty());
    prop_oneof![
        6 => text.prop_map(|text| serde_json::to_string(&text).unwrap()),
        1 => (-1_000_i32..1_000).prop_map(|n| n.to_string()),
        1 => Just("3.50".to_owned()),
        1 => Just("null".to_owned()),
        1 => Just("plain words".to_owned()),
    ]
    .boxed()
}

fn values() -> BoxedStrategy<String> {
    prop_oneof![
        value(),
        prop::collection::vec(value(), 1..4).prop_map(|values| format!("[{}]", values.join(", "))),
    ]
    .boxed()
}

fn number() -> BoxedStrategy<String> {
    prop_oneof![
        (-9_i32..9).prop_map(|n| n.to_string()),
        (-9.0_f64..9.0).prop_map(|n| n.to_string()),
    ]
    .boxed()
}

fn words() -> BoxedStrategy<String> {
    prop::collection::vec("[a-c]{1,2}", 1..3)
        .prop_map(|words| format!("[{}]", words.join(", ")))
        .boxed()
}

/// One entry, or one with what counts it.
fn entry(field: &'static str) -> BoxedStrategy<Vec<(String, String)>> {
    let modifier = prop::sample::select(vec![
        "",
        "|contains",
        "|startswith",
        "|endswith",
        "|word",
        "|contains|all",
        "|cased",
        "|contains|cased",
        "|word|cased|all",
    ]);
    let flags = prop::sample::select(vec!["", "|i", "|m|s", "|i|s", "|all"]);
    let op = prop::sample::select(vec!["lt", "lte", "gt", "gte", "neq"]);
    let numbers = prop_oneof![
        number(),
        prop::collection::vec(number(), 1..3).prop_map(|n| format!("[{}]", n.join(", "))),
    ];
    prop_oneof![
        4 => (modifier, values()).prop_map(move |(m, v)| vec![(format!("{field}{m}"), v)]),
        1 => (flags, prop::sample::select(vec!["'a+b'", "['[ab]{2,}', '^x$']", "'\"\\\\d'"]))
            .prop_map(move |(f, v)| vec![(format!("{field}|re{f}"), v.to_owned())]),
        1 => (op, numbers).prop_map(move |(op, n)| vec![(format!("{field}|{op}"), n)]),
        1 => any::<bool>().prop_map(move |b| vec![(format!("{field}|exists"), b.to_string())]),
        1 => (any::<bool>(), words()).prop_map(move |(all, w)| {
            vec![(format!("{field}|lexicon{}", if all { "|all" } else { "" }), w)]
        }),
        1 => (1_u32..9, 1_u32..9, prop::sample::select(vec!["contains", "word", "lexicon"]), words()).prop_map(
            move |(count, weight, m, w)| vec![
                (format!("{field}|{m}"), w),
                (format!("{field}|count|gte"), count.to_string()),
                (format!("{field}|weight|gt"), weight.to_string()),
            ]
        ),
        1 => (0_u32..99).prop_map(move |n| vec![(format!("{field}|near"), format!("{{of: [s0, s1], within: {n}}}"))]),
    ].boxed()
}

/// A map on one line.
fn map() -> BoxedStrategy<String> {
    (
        entry("any"),
        prop::option::of(entry("kind_of")),
        prop::option::of(entry("magnitude")),
    )
        .prop_map(|(a, b, c)| {
            let all = a
                .into_iter()
                .chain(b.into_iter().flatten())
                .chain(c.into_iter().flatten());
            let all: Vec<String> = all.map(|(key, value)| format!("{key}: {value}")).collect();
            format!("{{{}}}", all.join(", "))
        })
        .boxed()
}

fn selection() -> BoxedStrategy<String> {
    prop_oneof![
        4 => map(),
        1 => values(),
        1 => prop::collection::vec(map(), 1..3).prop_map(|maps| format!("[{}]", maps.join(", "))),
        1 => (map(), value(), map()).prop_map(|(a, b, c)| format!("[[{a}, {c}], {b}]")),
    ]
    .boxed()
}

fn condition() -> BoxedStrategy<String> {
    let leaf = prop::sample::select(vec!["s0", "s1", "s2", "1 of s*", "all of them"]);
    let leaf = leaf.prop_map(str::to_owned);
    leaf.prop_recursive(4, 16, 3, |part| {
        prop_oneof![
            prop::collection::vec(part.clone(), 2..4)
                .prop_map(|p| format!("({})", p.join(" and "))),
            prop::collection::vec(part.clone(), 2..4).prop_map(|p| format!("({})", p.join(" or "))),
            part.prop_map(|p| format!("not {p}")),
        ]
    })
    .boxed()
}

prop_compose! {
    fn rule()(
        selections in prop::collection::vec(selection(), 3),
        condition in condition(),
        extended in any::<bool>(),
        when in condition(),
        status in prop::sample::select(vec!["stable", "test", "unsupported"]),
        quiet in prop::sample::select(vec!["90s", "60m", "2h", "30d", "61s"]),
        urgency in prop::sample::select(vec!["Past", "Unknown", "Immediate"]),
        points in -100_i32..100,
        department in prop::option::of(any::<bool>()),
        replaces in any::<bool>(),
        named in prop::option::of(condition()),
    ) -> String {
        let mut text = format!("title: \"a 'title': 火\"\nid: r-1\nstatus: {status}\ndetection:\n");
        for (number, selection) in selections.iter().enumerate() {
            let _ = writeln!(text, "  s{number}: {selection}");
        }
        let calls = named.is_some() && extended;
        let calls = if calls { " and (c1 or not c0)" } else { "" };
        let _ = writeln!(text, "  condition: ({condition}){calls}");
        if extended {
            let _ = writeln!(text, "tocsin:\n  hazard: fire\n  tier: city\n  growth_tiers: [country, province]\n  quiet: {quiet}\n  urgency: {urgency}");
            if let Some(named) = named {
                let _ = writeln!(text, "  conditions: {{c1: c0 and s1, c0: \"{named}\"}}");
            }
            if let Some(required) = department {
                let _ = writeln!(text, "  departments: [health, {{id: fire, required: {required}}}]");
            }
            if replaces {
                text += "  title_zh: 火警：“试用”\n";
                text += "  replaces: r-0\n";
            }
            let _ = writeln!(text, "  score:\n    base: 40\n    because_zh: 起火\n    add:\n      - {{when: {when}, points: {points}, because: \"it's: so\", because_zh: 因为}}");
            text += "      - {weight_of: s2, up_to: 9, because: strong}\n      - {when: {growth.c2|gt: 2.5, growth.observed|neq: 4}, points: -3, because: rising}\n";
        }
        text
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn what_is_printed_is_read_as_the_same_rule(text in rule()) {
        let mut found = Vec::new();
        let rules = parse(&file(&text), &mut found);
        // A number that is asked for by name may be none; what cannot be read is not printed.
        let whole = found.iter().all(|d| d.gravity == Gravity::Warning);
        prop_assume!(rules.len() == 1 && whole);
        same_again(&rules[0]);
    }
}
