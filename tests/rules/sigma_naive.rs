//! Random Sigma rules over random events: the automaton and what announces rules give what evaluating everything gives; and what
//! is printed is read again as the same.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tocsin::core::diagnostic::SourceFile;
use tocsin::core::rule::sigma::{Options, Scratch, Sigma, print, read};

use super::sigma_oracle::Oracle;

const FIELDS: [&str; 5] = ["a", "b", "o.p", "o.q", "o"];

fn scalar() -> BoxedStrategy<Value> {
    prop_oneof![
        6 => "[abAB火é/-]{0,6}".prop_map(Value::String),
        1 => "\\PC{0,8}".prop_map(Value::String),
        1 => prop::sample::select(vec!["10.1.2.3", "2026-01-31T10:20:00Z", "ab\u{0}b", "12", "true"]).prop_map(|t| json!(t)),
        2 => (0..15i64).prop_map(|n| json!(n)),
        1 => Just(json!(1.5)),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => Just(Value::Null),
    ]
    .boxed()
}

fn value() -> BoxedStrategy<Value> {
    prop_oneof![
        5 => scalar(),
        1 => prop::collection::vec(scalar(), 0..3).prop_map(Value::Array),
    ]
    .boxed()
}

fn event() -> impl Strategy<Value = Value> {
    let inner =
        prop::collection::btree_map(prop::sample::select(vec!["p", "q", "z"]), value(), 0..3);
    let inner =
        inner.prop_map(|m| Value::Object(m.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()));
    let inner = prop_oneof![
        3 => inner.clone(),
        1 => prop::collection::vec(prop_oneof![inner, scalar()], 0..3).prop_map(Value::Array),
    ];
    let top = prop::collection::btree_map(
        prop::sample::select(vec!["a", "b", "o.p", "z"]),
        value(),
        0..4,
    );
    (top, prop::option::of(inner)).prop_map(|(top, inner)| {
        let mut map: Map<String, Value> = top.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        map.extend(inner.map(|inner| ("o".to_owned(), inner)));
        Value::Object(map)
    })
}

fn entry_text() -> BoxedStrategy<String> {
    let field = prop::sample::select(FIELDS.to_vec());
    let modifiers = prop::sample::select(vec![
        "",
        "",
        "|contains",
        "|contains",
        "|startswith",
        "|endswith",
        "|cased",
        "|contains|cased",
        "|contains|windash",
        "|neq",
        "|contains|neq",
        "|base64offset|contains",
        "|wide|contains",
        "|startswith|windash",
    ]);
    let text = "[abAB火é/*?-]{1,5}".prop_map(|t| format!("'{t}'"));
    let plain = prop_oneof![4 => text.clone(), 1 => (0..15i64).prop_map(|n| n.to_string()), 1 => Just("true".to_owned())];
    let list = prop::collection::vec(plain, 1..4).prop_map(|v| format!("[{}]", v.join(", ")));
    let all = prop::collection::vec(text, 2..4).prop_map(|v| format!("[{}]", v.join(", ")));
    let odd = prop::sample::select(vec![
        ": null",
        ": ''",
        "|exists: true",
        "|exists: false",
        "|gt: 4",
        "|lte: 9",
        "|re: 'a[bé]'",
        "|re|i: '(abb|火a).*b'",
        "|re: '^.?$'",
        "|cidr: 10.0.0.0/8",
        "|fieldref: b",
        "|fieldref|contains: a",
        "|fieldref|neq: o.q",
        "|hour: 10",
        "|month|lt: 3",
        "|contains: ''",
        "|neq: null",
        "|re|neq: 'b'",
    ]);
    prop_oneof![
        6 => (field.clone(), modifiers, list).prop_filter_map("wildcards are not encoded", |(f, m, l)| {
            let encoded = m.contains("base64") || m.contains("wide");
            (!(encoded && l.contains(['*', '?', 'é', '火']))).then(|| format!("{f}{m}: {l}"))
        }),
        2 => (field.clone(), all.clone()).prop_map(|(f, l)| format!("{f}|contains|all: {l}")),
        3 => (field, odd).prop_map(|(f, o)| format!("{f}{o}")),
        1 => all.prop_map(|l| format!("'|all': {l}")),
        1 => Just("'|re': 'bab?'".to_owned()),
    ]
    .boxed()
}

fn rule_text() -> impl Strategy<Value = String> {
    let map = prop::collection::vec(entry_text(), 1..3).boxed();
    let selection = prop_oneof![
        4 => map.clone().prop_map(|m| m.iter().map(|e| format!("    - {e}\n")).collect::<String>()),
        4 => entry_text().prop_map(|e| format!("    {e}\n")),
        2 => map.prop_map(|m| {
            let mut keys = std::collections::BTreeSet::new();
            m.iter().filter(|e| keys.insert(e.split(": ").next().unwrap_or_default().to_owned())).map(|e| format!("    {e}\n")).collect::<String>()
        }),
        1 => "[abAB火*?-]{1,4}".prop_map(|k| format!("    - '{k}'\n    - 'zz'\n")),
    ];
    let condition = prop::sample::select(vec![
        "x_1",
        "not x_1",
        "x_1 and not x_2",
        "x_1 or x_2",
        "x_1 and x_2 or not y",
        "1 of x_*",
        "all of them",
        "not 1 of them",
        "not (x_1 and y)",
        "(x_1 or not x_2) and y",
        "[x_1, y and not x_2]",
    ]);
    (prop::collection::vec(selection, 3), condition).prop_map(|(s, c)| {
        format!(
            "title: t\ndetection:\n  x_1:\n{}  x_2:\n{}  y:\n{}  condition: {c}\n",
            s[0], s[1], s[2]
        )
    })
}

fn file(text: String) -> SourceFile {
    SourceFile {
        name: "r.yml".into(),
        text,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn the_automaton_gives_what_naive_evaluation_gives(
        rules in prop::collection::vec(rule_text(), 1..6),
        events in prop::collection::vec(event(), 1..6),
    ) {
        let source = file(rules.join("---\n"));
        let mut found = Vec::new();
        let documents = read(&source, &mut found);
        let compiled = Sigma::compile(&[source], &Options::default());
        prop_assert!(!compiled.has_errors(), "{}", compiled.findings[0]);
        prop_assert_eq!(documents.len(), rules.len());
        let mut scratch = Scratch::default();
        for event in &events {
            let line = event.to_string();
            let matched = compiled.sigma.evaluate(line.as_bytes(), &mut scratch).unwrap().to_vec();
            let expected: Vec<u32> = (0..).zip(&documents).filter(|(_, d)| Oracle::new(d).is_some_and(|o| o.fires(event))).map(|(i, _)| i).collect();
            prop_assert_eq!(matched, expected, "{}\n{}", line, rules.join("---\n"));
        }
    }

    #[test]
    fn what_is_printed_is_read_as_the_same(rule in rule_text(), id in prop::option::of("[a-z0-9-]{1,12}"), title in "\\PC{1,20}") {
        let mut found = Vec::new();
        let mut documents = read(&file(rule), &mut found);
        prop_assert!(found.is_empty());
        let mut document = documents.remove(0);
        document.id = id;
        if !title.trim().is_empty() {
            document.title = title.trim().to_owned();
        }
        let text = print(&document);
        let again = read(&file(text.clone()), &mut found);
        prop_assert!(found.is_empty(), "{}\n{}", found[0], text);
        prop_assert_eq!(&again[..], &[document][..], "{}", text);
    }
}
