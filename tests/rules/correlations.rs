//! Correlations and filters: what the specification says, by example, and windows against a naive look at all events.

use proptest::prelude::*;
use serde_json::{Value, json};
use tocsin::core::rule::sigma::{Correlator, Firing, Scratch, Sigma};

use super::sigma::compile;

const RULES: &str = "
title: A failed login
id: rule-failed
name: failed
detection: {s: {what: failed}, condition: s}
---
title: A login
name: login
detection: {s: {what: login}, condition: s}
---
title: A transfer
name: transfer
detection: {s: {what: transfer}, condition: s}
";

fn set(correlations: &str) -> Sigma {
    let compiled = compile(&format!("{RULES}---\n{correlations}"));
    assert!(compiled.findings.is_empty(), "{}", compiled.findings[0]);
    compiled.sigma
}

/// By event: the rules that are shown and the firings.
fn run(sigma: &Sigma, events: &[Value]) -> Vec<(Vec<String>, Vec<Firing>)> {
    let mut scratch = Scratch::default();
    let mut correlator = Correlator::new(sigma, 3_600_000, None);
    events
        .iter()
        .map(|event| {
            let line = event.to_string();
            let matched = sigma
                .evaluate(line.as_bytes(), &mut scratch)
                .unwrap()
                .to_vec();
            let rules = matched.iter().map(|r| &sigma.rules()[*r as usize]);
            let shown = rules.filter(|r| r.shown).map(|r| r.id.clone()).collect();
            (shown, correlator.fold(sigma, &matched, &line, &scratch))
        })
        .collect()
}

/// The numbers of the events at which the correlation `c` fires.
fn fires(sigma: &Sigma, events: &[Value]) -> Vec<usize> {
    let found = run(sigma, events);
    found
        .iter()
        .enumerate()
        .filter(|(_, (_, f))| f.iter().any(|f| f.rule_id == "c"))
        .map(|(n, _)| n)
        .collect()
}

fn at(second: i64, what: &str, user: &str) -> Value {
    json!({"ts": 1_700_000_000 + second, "what": what, "user": user})
}

#[test]
fn counts_within_sliding_windows_and_groups() {
    let sigma = set(
        "title: c\nid: c\ncorrelation: {type: event_count, rules: [failed], group-by: [user], timespan: 10s, condition: {gte: 3}}",
    );
    let events = [
        at(8, "failed", "a"),
        at(9, "failed", "b"),
        at(11, "failed", "a"),
        at(12, "login", "a"),
        // 10 s after the first: still the same window, and over a multiple of 10 s.
        at(18, "failed", "a"),
        at(22, "failed", "a"),
        at(23, "failed", "a"),
    ];
    let found = run(&sigma, &events);
    assert_eq!(fires(&sigma, &events), [4, 6]);
    let firing = &found[4].1[0];
    assert_eq!(
        (firing.value, firing.events, firing.to - firing.from),
        (3.0, 3, 10_000)
    );
    assert_eq!(firing.group.get("user").map(String::as_str), Some("a"));
    // What it counts is not shown on its own, what it does not is.
    assert!(found[0].0.is_empty());
    assert_eq!(found[3].0, ["login"]);
    let generate = set(
        "title: c\nid: c\ncorrelation: {type: event_count, rules: [failed], group-by: [user], timespan: 10s, condition: {gte: 3}, generate: true}",
    );
    assert_eq!(run(&generate, &events)[0].0, ["rule-failed"]);
}

#[test]
fn late_events_take_their_place() {
    let sigma = set(
        "title: c\nid: c\ncorrelation: {type: event_count, rules: [failed], group-by: [user], timespan: 10s, condition: {gte: 3}}",
    );
    let late = [
        at(0, "failed", "a"),
        at(30, "failed", "a"),
        at(9, "failed", "a"),
        at(5, "failed", "a"),
        at(31, "failed", "a"),
    ];
    assert_eq!(fires(&sigma, &late), [3]);
    // Two hours late is too late.
    let too_late = [
        at(1, "failed", "a"),
        at(0, "failed", "a"),
        at(7_300, "login", "a"),
        at(2, "failed", "a"),
    ];
    assert_eq!(fires(&sigma, &too_late), Vec::<usize>::new());
}

#[test]
fn values() {
    let of = |kind: &str, condition: &str| {
        set(&format!(
            "title: c\nid: c\ncorrelation: {{type: {kind}, rules: [transfer], group-by: [user], timespan: 1m, condition: {condition}}}"
        ))
    };
    let transfer = |second: i64, bytes: i64, to: &str| json!({"ts": 1_700_000_000 + second, "what": "transfer", "user": "a", "bytes": bytes, "to": to});
    let events = [
        transfer(0, 10, "x"),
        transfer(1, 20, "x"),
        transfer(2, 90, "y"),
        transfer(3, 20, "x"),
        transfer(100, 1, "y"),
    ];
    assert_eq!(
        fires(&of("value_count", "{field: to, gte: 2}"), &events),
        [2, 3]
    );
    assert_eq!(
        fires(&of("value_count", "{field: [to, bytes], gte: 3}"), &events),
        [2, 3]
    );
    assert_eq!(
        fires(&of("value_sum", "{field: bytes, gt: 119}"), &events),
        [2, 3]
    );
    assert_eq!(
        fires(&of("value_avg", "{field: bytes, gte: 35, lt: 40}"), &events),
        [3]
    );
    assert_eq!(
        fires(&of("value_percentile", "{field: bytes, eq: 20}"), &events),
        [2, 3]
    );
    assert_eq!(
        fires(
            &of(
                "value_percentile",
                "{field: bytes, percentile: 100, gte: 90}"
            ),
            &events
        ),
        [2, 3]
    );
    // Of texts: how usual the event's value is.
    assert_eq!(
        fires(&of("value_percentile", "{field: to, lte: 34}"), &events),
        [2]
    );
    assert_eq!(
        fires(&of("value_sum", "{field: gone, gte: 0}"), &events),
        Vec::<usize>::new()
    );
}

#[test]
fn temporal_proximity_and_order() {
    let of = |kind: &str| {
        set(&format!(
            "title: c\nid: c\ncorrelation: {{type: {kind}, rules: [failed, login, transfer], group-by: [user], timespan: 10s}}"
        ))
    };
    let events = [
        at(0, "login", "a"),
        at(1, "failed", "a"),
        at(2, "transfer", "b"),
        at(3, "transfer", "a"),
        at(4, "login", "a"),
        at(5, "transfer", "a"),
    ];
    assert_eq!(fires(&of("temporal"), &events), [3, 4, 5]);
    assert_eq!(fires(&of("temporal_ordered"), &events), [5]);
    let some = set(
        "title: c\nid: c\ncorrelation: {type: temporal, rules: [failed, login, transfer], group-by: [user], timespan: 10s, condition: {gte: 2}}",
    );
    assert_eq!(fires(&some, &events), [1, 3, 4, 5]);
}

#[test]
fn aliases_and_chains() {
    let alias = set(
        "title: c\nid: c\ncorrelation:\n  type: temporal\n  rules: [failed, login]\n  group-by: [ip]\n  timespan: 10s\n  aliases:\n    ip: {failed: src.ip, login: dst}",
    );
    let failed =
        |ip: &str| json!({"ts": 1_700_000_000, "what": "failed", "src": {"ip": ip}, "dst": "9"});
    let login =
        |ip: &str| json!({"ts": 1_700_000_001, "what": "login", "src": {"ip": "8"}, "dst": ip});
    assert_eq!(fires(&alias, &[failed("1"), login("2"), login("1")]), [2]);

    // In the manner of the specification's example: the outer one stands first.
    let chain = set(
        "title: c\nid: c\ncorrelation: {type: temporal_ordered, rules: [many, login], group-by: [user], timespan: 1m}\n---\n\
         title: many\nname: many\ncorrelation: {type: event_count, rules: [rule-failed], group-by: [user], timespan: 1m, condition: {gte: 3}}",
    );
    let mut events: Vec<Value> = (0..3).map(|n| at(n, "failed", "a")).collect();
    events.insert(2, at(2, "login", "a"));
    events.push(at(9, "login", "a"));
    let found = run(&chain, &events);
    assert_eq!(fires(&chain, &events), [4]);
    assert!(found[3].1.is_empty(), "the inner one is not shown");
}

#[test]
fn filters_take_matches_away() {
    let both = |condition: &str| {
        set(&format!(
            "title: f\nlogsource: {{category: x}}\nfilter:\n  rules: [rule-failed]\n  selection: {{user|startswith: adm_}}\n  condition: {condition}"
        ))
    };
    for condition in ["selection", "not selection"] {
        let sigma = both(condition);
        let found = run(
            &sigma,
            &[
                at(0, "failed", "adm_x"),
                at(0, "failed", "x"),
                at(0, "login", "adm_x"),
            ],
        );
        let shown: Vec<usize> = found.iter().map(|(shown, _)| shown.len()).collect();
        assert_eq!(shown, [0, 1, 1], "{condition}");
    }
    let all = set("title: f\nfilter: {rules: any, selection: {user: x}, condition: selection}");
    assert!(run(&all, &[at(0, "login", "x")])[0].0.is_empty());
}

#[test]
fn what_is_wrong_with_correlations_is_said() {
    let correlation = |body: &str| format!("{RULES}---\ntitle: c\nid: c\ncorrelation: {{{body}}}");
    for (body, code) in [
        ("type: event_count, rules: [failed], timespan: 1m", "T0003"),
        (
            "type: event_count, rules: [failed], condition: {gte: 1}",
            "T0003",
        ),
        (
            "type: event_count, timespan: 1m, condition: {gte: 1}",
            "T0003",
        ),
        (
            "rules: [failed], timespan: 1m, condition: {gte: 1}",
            "T0003",
        ),
        (
            "type: event_sum, rules: [failed], timespan: 1m, condition: {gte: 1}",
            "T0006",
        ),
        (
            "type: event_count, rules: [failed], timespan: 1M, condition: {gte: 1}",
            "T0006",
        ),
        (
            "type: event_count, rules: [failed], timespan: 1m, condition: {ge: 1}",
            "T0004",
        ),
        (
            "type: event_count, rules: [failed], timespan: 1m, condition: {gte: x}",
            "T0005",
        ),
        (
            "type: event_count, rules: [failed], timespan: 1m, condition: {field: a, gte: 1}",
            "T0043",
        ),
        (
            "type: value_count, rules: [failed], timespan: 1m, condition: {gte: 1}",
            "T0043",
        ),
        (
            "type: value_sum, rules: [failed], timespan: 1m, condition: {field: [a, b], gte: 1}",
            "T0043",
        ),
        (
            "type: value_sum, rules: [failed], timespan: 1m, condition: {field: a}",
            "T0043",
        ),
        (
            "type: temporal, rules: [failed, gone], timespan: 1m",
            "T0042",
        ),
        ("type: temporal, rules: [c], timespan: 1m", "T0043"),
        (
            "type: temporal, rules: [failed], timespan: 1m, condition: failed and login",
            "T0025",
        ),
        (
            "type: temporal, rules: [failed], timespan: 1m, window: tumbling",
            "T0004",
        ),
        (
            "type: temporal, rules: [failed], timespan: 1m, aliases: [a]",
            "T0005",
        ),
    ] {
        let found = compile(&correlation(body)).findings;
        assert_eq!(
            found.first().map(|d| d.code),
            Some(code),
            "{body}: {found:?}"
        );
    }
}

proptest! {
    /// In whatever order events come, the windows of the last state are those of all events: a count fires for some event if and
    /// only if some window of the timespan has that many.
    #[test]
    fn some_window_fires_if_there_is_one(mut times in prop::collection::vec(0..60i64, 1..12), least in 2..5usize, sorted in any::<bool>()) {
        if sorted {
            times.sort_unstable();
        }
        let sigma = set(&format!(
            "title: c\nid: c\ncorrelation: {{type: event_count, rules: [failed], group-by: [user], timespan: 10s, condition: {{gte: {least}}}}}"
        ));
        let events: Vec<Value> = times.iter().map(|t| at(*t, "failed", "a")).collect();
        let full = |n: usize| {
            let seen = &times[..=n];
            seen.iter().any(|end| seen.iter().filter(|t| (end - 10..=*end).contains(*t)).count() >= least)
        };
        let fired = fires(&sigma, &events);
        prop_assert_eq!(fired.first().copied(), (0..times.len()).find(|n| full(*n)));
    }
}
