//! Plain Sigma: keywords, fields, conditions, and what is refused.

use serde_json::json;
use tocsin::core::rule::sigma::Scratch;

use super::sigma::{check, compile, fires, rule};

#[test]
fn keywords_are_looked_for_in_every_value() {
    let event = json!({"a": "Some EvilService", "deep": [{"x": ["needle", 4625]}], "flag": true});
    for (detection, expected) in [
        ("  k: [evilservice, other]\n  condition: k", true),
        ("  k: ['some*vice']\n  condition: k", true),
        ("  k: ['evil*needle']\n  condition: k", false),
        ("  k: needle\n  condition: k", true),
        ("  k: [4625]\n  condition: k", true),
        ("  k: [deep]\n  condition: k", false),
        ("  k:\n    '|all': [evil, needle]\n  condition: k", true),
        ("  k:\n    '|all': [evil, pin]\n  condition: k", false),
        ("  k:\n    '|re': '^need'\n  condition: k", true),
        ("  k:\n    '|cased': EVIL\n  condition: k", false),
        (
            "  k:\n    - nothing\n    - a|contains: evil\n  condition: k",
            true,
        ),
    ] {
        assert_eq!(fires(detection, &event), expected, "{detection}");
    }
}

#[test]
fn fields_are_flat_first_and_then_nested() {
    let event = json!({
        "a.b": "flat", "a": {"b": "nested", "c": {"d": 1}, "l": [{"m": "x"}, {"m": ["y", null]}, 7]},
        "e": [], "o": {"k": "v"}, "esc\u{e4}\"": 1,
    });
    check(
        &event,
        &[
            ("a.b: flat", true),
            ("a.b: nested", false),
            ("a.c.d: 1", true),
            ("a.l.m: y", true),
            ("a.l.m: null", true),
            ("a.l: 7", true),
            ("a.l.m: z", false),
            ("a.c|exists: true", true),
            ("a.c: '*'", false),
            ("e|exists: true", true),
            ("e: null", false),
            ("o.k: v", true),
            ("o.k.z|exists: false", true),
            ("'escä\"': 1", true),
        ],
    );
}

#[test]
fn conditions() {
    let event = json!({"x": 1});
    // T: holds, F: does not.
    let selections =
        "  t_1: {x: 1}\n  t_2: {x|exists: true}\n  f_1: {x: 2}\n  f_2: {y: 1}\n  _h: {x: 3}\n";
    for (condition, expected) in [
        ("t_1", true),
        ("not t_1", false),
        ("f_1 or t_1 and f_2", false),
        ("t_1 or t_1 and f_2", true),
        ("(t_1 or t_2) and f_1", false),
        ("not f_1 and t_1", true),
        ("not (f_1 or t_1)", false),
        ("not not t_1", true),
        ("1 of t_*", true),
        ("all of t_*", true),
        ("1 of f_*", false),
        ("not 1 of f_*", true),
        ("all of *_1", false),
        ("1 of them", true),
        ("all of them", false),
        ("all of t_* and not 1 of f_*", true),
        ("1 of _*", false),
        ("not all of f_*", true),
        ("[f_1, t_2]", true),
        ("[f_1, f_2]", false),
    ] {
        let detection = format!("{selections}  condition: {condition}");
        assert_eq!(fires(&detection, &event), expected, "{condition}");
    }
}

#[test]
fn maps_lists_and_what_is_said_of_a_match() {
    let detection = "  s:\n    - {a: 1, b: 2}\n    - c|contains: x\n  f: {a: 9}\n  u: {a: 1}\n  condition: s and not f and (u or f)";
    assert!(fires(detection, &json!({"a": 1, "b": 2})));
    assert!(!fires(detection, &json!({"a": 1, "b": 3})));
    let compiled = compile(&rule(detection));
    let event = json!({"a": 1, "c": "axb"}).to_string();
    let mut scratch = Scratch::default();
    assert_eq!(
        compiled.sigma.evaluate(event.as_bytes(), &mut scratch),
        Ok(&[0][..])
    );
    assert_eq!(compiled.sigma.selections(0, &event, &scratch), ["s", "u"]);
}

/// Unsupported is an error, never a silent non-match.
#[test]
fn what_is_not_evaluated_is_said() {
    for (detection, code) in [
        ("  s: {a|contans: x}\n  condition: s", "T0009"),
        ("  s: {a|contains|startswith: x}\n  condition: s", "T0010"),
        ("  s: {a|contains|base64: x}\n  condition: s", "T0010"),
        ("  s: {a|re|contains: x}\n  condition: s", "T0010"),
        ("  s: {a|i|re: x}\n  condition: s", "T0010"),
        ("  s: {a|i: x}\n  condition: s", "T0010"),
        ("  s: {a|contains|fieldref: x}\n  condition: s", "T0010"),
        ("  s: {a|gt|neq: 1}\n  condition: s", "T0010"),
        ("  s: {a|gte|hour: 1}\n  condition: s", "T0010"),
        (
            "  s: {a|cidr|contains: 10.0.0.0/8}\n  condition: s",
            "T0010",
        ),
        (
            "  s: {a|exists|all: [true, false]}\n  condition: s",
            "T0010",
        ),
        ("  s: {'|exists': true}\n  condition: s", "T0010"),
        ("  s: {a|cased|re: x}\n  condition: s", "T0010"),
        ("  s: {a|windash|windash: x}\n  condition: s", "T0010"),
        ("  s: {a|exists: maybe}\n  condition: s", "T0006"),
        ("  s: {a|gt: much}\n  condition: s", "T0006"),
        ("  s: {a|cidr: 10.0.0.0/40}\n  condition: s", "T0006"),
        ("  s: {a|fieldref: 'b*'}\n  condition: s", "T0006"),
        ("  s: {a: ['', null]}\n  condition: s", "T0005"),
        ("  s: {a|contains: null}\n  condition: s", "T0005"),
        ("  s: {a: {b: 1}}\n  condition: s", "T0005"),
        ("  s: {a|re: '(?=x)'}\n  condition: s", "T0011"),
        ("  s: {a|re: '('}\n  condition: s", "T0011"),
        ("  s: []\n  condition: s", "T0012"),
        ("  s: {a: []}\n  condition: s", "T0012"),
        ("  s: {}\n  condition: s", "T0012"),
        ("  s: ['']\n  condition: s", "T0012"),
        ("  s: {a: 1}\n  condition: s | count() > 5", "T0025"),
        ("  s: {a: 1}\n  condition: s and", "T0018"),
        ("  s: {a: 1}\n  condition: 2 of them", "T0019"),
        ("  s: {a: 1}\n  condition: r", "T0019"),
        ("  s: {a: 1}\n  condition: 1 of r*", "T0019"),
        ("  s: {a: 1}\n  condition: []", "T0018"),
        ("  s: {a: 1}\n  timeframe: 5m\n  condition: s", "T0025"),
        ("  s: {a: 1}", "T0003"),
    ] {
        let compiled = compile(&rule(detection));
        let found: Vec<&str> = compiled.findings.iter().map(|d| d.code).collect();
        assert!(found.contains(&code), "{detection}: {found:?}");
        assert!(
            compiled.has_errors() && compiled.sigma.rules().is_empty(),
            "{detection}"
        );
    }
    let findings = compile("action: global\ntitle: t\n").findings;
    assert_eq!((findings[0].code, findings[0].line), ("T0025", 1));
}

#[test]
fn lines_that_are_no_events() {
    let compiled = compile(&rule("  s: {a: 1}\n  condition: s"));
    let mut scratch = Scratch::default();
    for (line, at) in [
        ("[]", 0),
        ("{\"a\":1", 6),
        ("{\"a\" 1}", 5),
        ("{\"a\":1} x", 8),
        ("{\"a\":01}", 5),
        ("{\"a\":\"\\x\"}", 6),
        ("", 0),
    ] {
        let bad = compiled
            .sigma
            .evaluate(line.as_bytes(), &mut scratch)
            .unwrap_err();
        assert_eq!(bad.at, at, "{line}");
    }
    assert!(
        compiled
            .sigma
            .evaluate(b"{\"a\":\"\xff\"}", &mut scratch)
            .is_err()
    );
    let deep = format!("{{\"b\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(
        compiled
            .sigma
            .evaluate(deep.as_bytes(), &mut scratch)
            .is_err()
    );
    // And the next one is read as if nothing had been.
    assert_eq!(
        compiled.sigma.evaluate(b" {\"a\": 1}\r\n", &mut scratch),
        Ok(&[0][..])
    );
}
