//! Correlations on feeds: what loads, what is refused, and what they add to incidents.

use std::sync::Arc;

use tocsin::core::correlate::CorrelateConfig;
use tocsin::core::diagnostic::SourceFile;
use tocsin::core::place::{Gazetteer, GazetteerSources};
use tocsin::core::ruleset::{RuleSet, RuleSources};
use tocsin::core::tools::{case, lint, run};

const RULES: &str = "
title: Smoke
id: smoke
name: smell_of_smoke
detection:
  a: {any|contains: smoke}
  condition: a
tocsin: {hazard: fire, score: {base: 15}}
---
title: Flames
id: flames
detection:
  a: {any|contains: flames}
  condition: a
tocsin: {hazard: fire, score: {base: 25}}
---
title: Smoke reported by several
id: much-smoke
correlation:
  type: event_count
  rules: [smell_of_smoke]
  group-by: [kind]
  timespan: 10m
  condition: {gte: 3}
tocsin: {hazard: fire, score: {base: 20, because: many speak of smoke, because_zh: 多人报告烟雾}}
---
title: Flames after smoke
id: smoke-then-flames
correlation:
  type: temporal_ordered
  rules: [smoke, flames]
  timespan: 30m
tocsin: {score: {base: 30}}
---
title: Several sources
id: sources
correlation:
  type: value_count
  rules: [smoke, flames]
  timespan: 1h
  condition: {field: source, gte: 2}
tocsin: {score: {base: 7}}
---
title: Off for now
id: off
status: deprecated
correlation: {type: temporal, rules: [smoke, flames], timespan: 1h}
tocsin: {score: {base: 90}}
";

const CASES: &str = "
tests:
  - name: three within ten minutes by their own clocks, though the middle one comes last
    feed: {kind: post, reliability: 50, home: cn-31}
    reports:
      - {at: 0s, id: a, text: smoke over the harbour, observed: '2026-01-01T00:00:00Z'}
      - {at: 30m, id: b, text: we see smoke by the bridge, observed: '2026-01-01T00:09:00Z'}
      - {at: 31m, id: c, text: more smoke than before, observed: '2026-01-01T00:31:00Z'}
      - {at: 40m, id: d, text: a smell of smoke at noon, observed: '2026-01-01T00:05:00Z'}
    incidents:
      - {at: 40m, hazard: fire, rules: [smoke, much-smoke], score: 35, level: blue, reports: 4}
  - name: three, too far apart
    feed: {kind: post, reliability: 50, home: cn-31}
    reports:
      - {at: 0s, id: a, text: smoke over the harbour}
      - {at: 9m, id: b, text: we see smoke by the bridge}
      - {at: 11m, id: c, text: more smoke than before}
    incidents: []
  - name: a copy adds nothing, and one kind is no other
    feed: {kind: post, reliability: 50, home: cn-31}
    feeds: {paper: {kind: news, reliability: 50, home: cn-31}}
    reports:
      - {at: 0s, id: a, text: smoke over the harbour}
      - {at: 1m, id: b, text: smoke over the harbour}
      - {at: 2m, id: c, text: we see smoke by the bridge}
      - {at: 3m, id: d, feed: paper, text: a smell of smoke at noon}
    incidents:
      - {at: 3m, hazard: fire, rules: [smoke, sources], score: 27, reports: 3, copies: 1}
  - name: flames after smoke, and what is withdrawn counts no more
    feed: {kind: post, reliability: 50, home: cn-31}
    reports:
      - {at: 0s, id: a, text: smoke over the harbour}
      - {at: 5m, id: b, text: flames over the harbour}
      - {at: 20m, id: a, text: smoke over the harbour, withdrawn: true}
    incidents:
      - {at: 5m, hazard: fire, rules: [smoke, flames, smoke-then-flames], score: 55}
      - {at: 20m, hazard: fire, rules: [flames], score: 25}
  - name: smoke after flames is no sequence
    feed: {kind: post, reliability: 50, home: cn-31}
    reports:
      - {at: 0s, id: b, text: flames over the harbour}
      - {at: 5m, id: a, text: smoke over the harbour}
    incidents:
      - {at: 5m, hazard: fire, rules: [smoke, flames], score: 25}
";

fn file(name: &str, text: &str) -> SourceFile {
    SourceFile {
        name: name.into(),
        text: text.into(),
    }
}

fn compile(rules: &str) -> Result<RuleSet, Vec<String>> {
    let sources = RuleSources {
        rules: vec![file("r.yml", rules)],
        lexicons: Vec::new(),
        departments: SourceFile::default(),
        gazetteer: Arc::new(Gazetteer::build(&GazetteerSources::default()).unwrap()),
    };
    let shown = |found: Vec<tocsin::core::diagnostic::Diagnostic>| {
        found.iter().map(ToString::to_string).collect()
    };
    RuleSet::compile(&sources).map_err(shown)
}

#[test]
fn a_correlation_adds_to_the_incident_of_its_rules() {
    let set = compile(RULES).unwrap();
    let config = CorrelateConfig::new(Arc::clone(&set.routing));
    let set = Arc::new(set);
    let mut found = Vec::new();
    let cases = case::parse(&file("cases.yml", CASES), &mut found);
    assert_eq!((found.len(), cases.len()), (0, 5), "{found:?}");
    for case in &cases {
        let result = run::run(case, &set, &config).unwrap();
        assert!(result.failures.is_empty(), "{result:#?}");
    }
    let untested = lint::lint(&[file("r.yml", RULES)], &[], Some(&cases));
    let untested: Vec<&str> = untested.iter().map(|d| d.message.as_str()).collect();
    assert!(
        untested.iter().all(|message| !message.contains("sources")),
        "{untested:?}"
    );
}

#[test]
fn a_correlation_without_cases_is_told() {
    let mut found = Vec::new();
    let cases = case::parse(&file("cases.yml", CASES), &mut found);
    let rules = RULES.replace("id: sources", "id: several");
    let warned = lint::lint(&[file("r.yml", &rules)], &[], Some(&cases));
    let of = |code: &str| -> Vec<&str> {
        let of = warned.iter().filter(|d| d.code == code);
        of.map(|d| d.message.as_str()).collect()
    };
    let missing = "`several`: no incident of a case lists it under `rules`";
    assert!(of("T0106").contains(&missing), "{warned:?}");
    assert_eq!(of("T0107"), ["there is no rule `sources`"]);
}

#[test]
fn what_the_stream_cannot_do_is_refused_with_a_code() {
    let refused = |from: &str, to: &str| {
        assert!(RULES.contains(from), "{from}");
        compile(&RULES.replacen(from, to, 1))
            .unwrap_err()
            .join("\n")
    };
    for (from, to, said) in [
        (
            "rules: [smoke, flames]",
            "rules: [smoke, nobody]",
            "T0042 there is no rule `nobody`",
        ),
        (
            "rules: [smoke, flames]",
            "rules: [smoke, smoke]",
            "T0043 it calls `smoke` twice",
        ),
        (
            "rules: [smoke, flames]",
            "rules: [smoke, sources]",
            "T0029 `sources` is a correlation itself",
        ),
        (
            "id: flames\n",
            "id: flames\nstatus: test\n",
            "T0043 `flames` makes no detections",
        ),
        (
            "{gte: 3}",
            "{gte: 1001}",
            "T0006 a bound on feeds is from 0 to 1000 here",
        ),
        (
            "{gte: 3}",
            "{gt: 3, lt: 4}",
            "T0006 no count is within these bounds",
        ),
        (
            "timespan: 30m",
            "timespan: 30m\n  condition: {gte: 3}",
            "T0006 a bound on feeds is from 0 to 2 here",
        ),
        (
            "id: sources",
            "id: smoke",
            "T0008 the id `smoke` is also in r.yml",
        ),
        (
            "group-by: [kind]",
            "group-by: [source]",
            "T0029 `source` is not known",
        ),
        ("field: source", "field: author", "T0023"),
        (
            "type: value_count",
            "type: value_avg",
            "T0025 `value_avg` is not evaluated on feeds",
        ),
        (
            "tocsin: {score: {base: 7}}",
            "tocsin: {score: {base: 7}, quiet: 1h}",
            "T0025 `tocsin.quiet` of a correlation",
        ),
        (
            "tocsin: {score: {base: 7}}",
            "tocsin: {}",
            "T0003 `tocsin.score` is missing",
        ),
        (
            "tocsin: {score: {base: 7}}",
            "detection: {}\ntocsin: {score: {base: 7}}",
            "T0004 a correlation has no `detection`",
        ),
    ] {
        let got = refused(from, to);
        assert!(got.contains(said), "{said} is not in:\n{got}");
    }
}
