//! Plain Sigma: values and their modifiers, construct by construct.

use serde_json::{Value, json};
use tocsin::core::diagnostic::SourceFile;
use tocsin::core::rule::sigma::{Compiled, Options, Placeholders, Scratch, Sigma};

pub(super) fn compile(text: &str) -> Compiled {
    let placeholders =
        Placeholders::from([("dc".to_owned(), vec!["srv1".to_owned(), "dc*".to_owned()])]);
    let file = SourceFile {
        name: "r.yml".into(),
        text: text.into(),
    };
    Sigma::compile(
        &[file],
        &Options {
            placeholders,
            time_field: None,
        },
    )
}

pub(super) fn rule(detection: &str) -> String {
    format!("title: t\nid: i\nlogsource: {{category: x}}\ndetection:\n{detection}")
}

pub(super) fn fires(detection: &str, event: &Value) -> bool {
    let compiled = compile(&rule(detection));
    assert!(
        compiled.findings.is_empty(),
        "{detection}: {}",
        compiled.findings[0]
    );
    let line = event.to_string();
    let mut scratch = Scratch::default();
    !compiled
        .sigma
        .evaluate(line.as_bytes(), &mut scratch)
        .unwrap()
        .is_empty()
}

/// One entry under `s`, the condition being `s`.
fn entry(entry: &str, event: &Value) -> bool {
    fires(&format!("  s:\n    {entry}\n  condition: s"), event)
}

pub(super) fn check(event: &Value, cases: &[(&str, bool)]) {
    for (text, expected) in cases {
        assert_eq!(entry(text, event), *expected, "{text} on {event}");
    }
}

#[test]
fn texts_are_compared_without_case_and_as_a_whole() {
    let event = json!({"Image": "C:\\Windows\\CMD.exe", "Empty": "", "Ä": "STRAẞE"});
    check(
        &event,
        &[
            (r"Image: 'c:\windows\cmd.EXE'", true),
            (r"Image: 'cmd.exe'", false),
            (r"Image|cased: 'c:\windows\cmd.EXE'", false),
            (r"Image|cased: 'C:\Windows\CMD.exe'", true),
            (r"Image|endswith: '\cmd.exe'", true),
            (r"Image|endswith: '\CMD'", false),
            (r"Image|startswith: 'c:\WIN'", true),
            (r"Image|contains: 'dows\c'", true),
            (r"Image|endswith|cased: '\CMD.exe'", true),
            (r"Image|endswith|cased: '\cmd.exe'", false),
            ("Image: '*cmd?exe'", true),
            ("Image: 'C:*\\\\*.exe'", true),
            ("Image: 'C:\\\\W*d'", false),
            ("Image: '?:*'", true),
            ("Empty: ''", true),
            ("Image: ''", false),
            ("Gone: ''", false),
            ("Empty: '*'", true),
            ("Gone: '*'", false),
            ("Ä: 'straße'", true),
            ("ä: 'straße'", false),
        ],
    );
}

#[test]
fn numbers_truth_values_and_null() {
    let event = json!({"n": 5, "t": "5", "f": 5.0, "b": true, "w": "True", "nothing": null, "big": 9_007_199_254_740_993_u64});
    check(
        &event,
        &[
            ("n: 5", true),
            ("n: '5'", true),
            ("t: 5", true),
            ("t: '5'", true),
            ("f: 5", true),
            ("n: 0x5", true),
            ("n: 50", false),
            ("n|startswith: 5", true),
            ("big: 9007199254740992", false),
            ("big: 9007199254740993", true),
            ("b: true", true),
            ("b: 'TRUE'", true),
            ("w: true", true),
            ("b: false", false),
            ("nothing: null", true),
            ("gone: null", true),
            ("n: null", false),
            ("nothing: ''", false),
            ("nothing: '*'", false),
            ("nothing|exists: true", true),
            ("gone|exists: true", false),
            ("gone|exists: false", true),
            ("n|exists: false", false),
        ],
    );
}

#[test]
fn comparisons() {
    let event = json!({"n": 5, "t": "5.5", "x": "five", "l": [1, 9]});
    check(
        &event,
        &[
            ("n|gt: 4", true),
            ("n|gt: 5", false),
            ("n|gte: 5", true),
            ("n|lt: 5.5", true),
            ("n|lte: 4.9", false),
            ("t|gt: 5", true),
            ("x|gt: 0", false),
            ("gone|lt: 9", false),
            ("l|gt: 8", true),
            ("l|lt: 1", false),
            ("n|neq: 5", false),
            ("n|neq: 6", true),
            ("n|neq: [5, 6]", false),
            ("n|neq: [4, 6]", true),
            ("x|neq: FIVE", false),
            ("x|neq: six", true),
            ("x|contains|neq: iv", false),
            ("l|neq: 9", false),
            // What is not there is not different.
            ("gone|neq: 5", false),
            ("x|re|neq: '^f'", false),
            ("x|re|neq: '^F'", true),
        ],
    );
}

#[test]
fn lists_of_values_and_all() {
    let event = json!({"c": "one two three", "l": ["one", "two"]});
    check(
        &event,
        &[
            ("c|contains: [four, TWO]", true),
            ("c|contains: [four, five]", false),
            ("c|contains|all: [one, three]", true),
            ("c|all|contains: [one, four]", false),
            ("c|startswith|all: [one, 'one two']", true),
            ("l: two", true),
            ("l|contains|all: [on, tw]", true),
            ("l: [x, one]", true),
            ("l|all: [one, two]", true),
            ("l|all: [one, three]", false),
            ("c|re|all: ['^one', 'e$']", true),
            ("c|contains|all: ['o*e', 't?o']", true),
        ],
    );
}

#[test]
fn regular_expressions() {
    let event = json!({"s": "First line\nsecond LINE"});
    check(
        &event,
        &[
            ("s|re: 'LINE'", true),
            ("s|re: 'first'", false),
            ("s|re|i: 'first'", true),
            ("s|re: '^second'", false),
            ("s|re|m: '^second'", true),
            ("s|re: 'line.second'", false),
            ("s|re|s: 'line.second'", true),
            ("s|re|i|m|s: '^SECOND line$'", true),
            ("s|re: '(foo|bar|cond L)'", true),
        ],
    );
}

#[test]
fn encodings() {
    let event = json!({
        "plain": "Zm9vYmFy", "wide": "YwBtAGQA", "b64": "eHggL2Jpbi9iYXNoIHl5", "raw": "c\u{0}m\u{0}d\u{0}", "utf16": "//5jAG0AZAA=",
    });
    check(
        &event,
        &[
            ("plain|base64: 'foobar'", true),
            ("plain|base64|contains: 'foo'", true),
            ("plain|base64: 'foo'", false),
            ("wide|wide|base64: 'cmd'", true),
            ("wide|utf16le|base64offset|contains: 'md'", true),
            ("wide|utf16be|base64: 'cmd'", false),
            ("raw|wide: 'cmd'", true),
            ("raw|utf16le|contains: 'm'", true),
            ("utf16|utf16|base64: 'cmd'", true),
            ("b64|base64offset|contains: '/bin/bash'", true),
            ("b64|base64offset|contains: '/bin/dash'", false),
        ],
    );
}

#[test]
fn dashes_networks_fields_and_dates() {
    let event = json!({
        "c": "tool /f –q ―x", "ip": "192.168.5.9", "v6": "2001:db8::7", "ips": ["8.8.8.8", "10.1.2.3"],
        "a": "Same", "b": "sAME", "long": "the same thing", "n": 7, "m": "7", "nothing": null,
        "when": "2026-03-09T21:45:10+08:00", "epoch": 1_700_000_000,
    });
    check(
        &event,
        &[
            ("c|contains|windash: ' -f'", true),
            ("c|windash|contains: ' /q -x'", true),
            ("c|contains|windash: ' -z'", false),
            ("c|contains: ' -f'", false),
            ("ip|cidr: 192.168.0.0/16", true),
            ("ip|cidr: [10.0.0.0/8, 192.168.5.8/31]", true),
            ("ip|cidr: 192.168.6.0/24", false),
            ("v6|cidr: '2001:db8::/32'", true),
            ("v6|cidr: 0.0.0.0/0", false),
            ("ips|cidr: 10.0.0.0/8", true),
            ("a|cidr: 10.0.0.0/8", false),
            ("ip|cidr|neq: 10.0.0.0/8", true),
            ("a|fieldref: b", true),
            ("a|fieldref|cased: b", false),
            ("a|fieldref: long", false),
            ("long|fieldref|contains: a", true),
            ("long|fieldref|startswith: a", false),
            ("long|fieldref|endswith: n", false),
            ("n|fieldref: m", true),
            ("a|fieldref|neq: b", false),
            ("a|fieldref|neq: long", true),
            ("gone|fieldref: gone", false),
            ("nothing|fieldref: nothing", false),
            ("when|hour: 21", true),
            ("when|hour|gte: 22", false),
            ("when|minute|lt: 46", true),
            ("when|day: [8, 9]", true),
            ("when|week: 11", true),
            ("when|month|neq: 3", false),
            ("when|year|gt: 2025", true),
            ("epoch|year: 2023", true),
            ("a|year: 2023", false),
        ],
    );
}

#[test]
fn placeholders() {
    let event = json!({"host": "DC-7", "path": "%dc%"});
    check(
        &event,
        &[
            ("host|expand: '%dc%'", true),
            ("host|expand|startswith: '%dc%'", true),
            ("path: '%dc%'", true),
            (r"path|expand: '\%dc\%'", true),
            ("path|expand: '%dc%'", false),
        ],
    );
    let compiled = compile(&rule("  s: {host|expand: '%gone%'}\n  condition: s"));
    assert_eq!(compiled.findings[0].code, "T0040");
    assert!(!compiled.has_errors() && compiled.sigma.rules().is_empty() && compiled.left_out == 1);
}
