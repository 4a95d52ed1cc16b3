//! What becomes of expectations: met, late, missed, unexpected; departments; pages that need nothing else.

use std::sync::Arc;

use tocsin::core::drill::{
    Deed, Lang, Observed, Report, RunInfo, SeenDecision, Verdict, What, compare, evaluate,
    html_page, markdown,
};
use tocsin::core::model::Level;

use super::support::{START, bundle};

const SCENARIO: &str = "
id: small
title: {en: Small <b>, zh: 小}
lasts: 1h
places: {home: cn-330304}
texts:
  call: {zh: [\"{place}一居民楼起火，浓烟很大，有人被困\"]}
script:
  - {step: first, feed: hotline-zh, at: 1m, text: call, lang: zh, place: home}
  - {step: more, feed: posts, at: 10m, text: call, lang: zh, place: home}
expect:
  incidents:
    - incident: fire
      hazard: fire
      place: home
      detect: 10s
      alert: 30s
      levels: {blue: 5m, red: 30m}
      departments: [fire, transport]
      acknowledge: 10m
      dispose: 20m
    - incident: flood
      hazard: flood
      detect: 10m
";

fn run() -> RunInfo {
    RunInfo {
        exercise: "small-1".to_owned(),
        seed: 1,
        started: START,
        ended: START.plus(3_600_000),
        speed: 1.0,
        records_clock: true,
        stopped: false,
        rule_set: "test".to_owned(),
    }
}

fn judged(change: impl FnOnce(&mut Observed)) -> Report {
    let scenario = bundle().scenario("small.yml", SCENARIO);
    let (_, mut seen) = bundle().rehearse(&scenario, 1);
    change(&mut seen);
    evaluate(&scenario, &bundle().set.gazetteer, run(), &seen)
}

fn verdict(report: &Report, incident: &str, what: &What) -> Option<(Verdict, Option<i64>)> {
    let outcome = report.outcomes.iter().find(|one| one.name == incident)?;
    let check = outcome.checks.iter().find(|check| check.what == *what)?;
    Some((check.verdict, check.took_ms))
}

#[test]
fn every_target_is_judged_by_itself() {
    let fire: Arc<str> = "fire".into();
    let acknowledge = What::Acknowledge {
        department: Arc::clone(&fire),
    };
    let report = judged(|_| {});
    assert!(!report.passed);
    assert_eq!((report.sent, report.detected), (2, 2));
    let of = |incident, what: &What| verdict(&report, incident, what);
    assert_eq!(of("fire", &What::Detect), Some((Verdict::Met, Some(0))));
    assert_eq!(of("fire", &What::Alert), Some((Verdict::Met, Some(0))));
    assert_eq!(
        of("fire", &What::Level { level: Level::Red }),
        Some((Verdict::Missed, None))
    );
    let routed = |id: &str| What::Routed {
        department: id.into(),
    };
    assert_eq!(
        of("fire", &routed("fire")).map(|it| it.0),
        Some(Verdict::Met)
    );
    assert_eq!(
        of("fire", &routed("transport")).map(|it| it.0),
        Some(Verdict::Missed)
    );
    assert_eq!(of("flood", &What::Detect), Some((Verdict::Missed, None)));
    // No desk was there to be measured.
    assert_eq!(of("fire", &acknowledge), Some((Verdict::Unmeasured, None)));
    // Nor was there anything that transport could have answered: that is said, too.
    let of_transport = What::Acknowledge {
        department: "transport".into(),
    };
    assert_eq!(of("fire", &of_transport), Some((Verdict::Unmeasured, None)));

    let report = judged(|seen| {
        seen.has_desk = true;
        let (incident, at) = (seen.alerts[0].incident, seen.alerts[0].at);
        for (deed, after) in [(Deed::Acknowledged, 300_000), (Deed::Disposed, 1_800_000)] {
            seen.decision(SeenDecision {
                incident,
                department: Arc::clone(&fire),
                deed,
                at: at.plus(after),
            });
        }
    });
    let dispose = What::Dispose {
        department: Arc::clone(&fire),
    };
    assert_eq!(
        verdict(&report, "fire", &acknowledge),
        Some((Verdict::Met, Some(300_000)))
    );
    assert_eq!(
        verdict(&report, "fire", &dispose),
        Some((Verdict::Late, Some(1_800_000)))
    );
    assert_eq!(
        verdict(&report, "fire", &of_transport),
        Some((Verdict::Missed, None)),
        "a desk was there, and transport was never told"
    );
    let summary = report
        .departments
        .iter()
        .find(|one| *one.id == *"fire")
        .unwrap();
    assert_eq!((summary.incidents, summary.acknowledged.count), (1, 1));
    assert_eq!(summary.disposed.longest_ms, Some(1_800_000));
}

/// Who still had time when the drill ended has missed nothing; who had not, has.
#[test]
fn what_may_be_done_after_the_end_is_not_missed() {
    let acknowledge = What::Acknowledge {
        department: "fire".into(),
    };
    // Told one minute into it, with ten minutes to acknowledge.
    for (minutes, wanted) in [(10, Verdict::Unmeasured), (12, Verdict::Missed)] {
        let scenario = bundle().scenario("small.yml", SCENARIO);
        let (_, mut seen) = bundle().rehearse(&scenario, 1);
        seen.has_desk = true;
        let mut run = run();
        run.ended = START.plus(minutes * 60_000);
        let report = evaluate(&scenario, &bundle().set.gazetteer, run, &seen);
        let found = verdict(&report, "fire", &acknowledge);
        assert_eq!(found, Some((wanted, None)), "{minutes} minutes");
    }
}

/// Who reads only the head of a report learns how much of it nobody has measured.
#[test]
fn a_report_says_at_its_head_what_was_not_measured() {
    let scenario = bundle().scenario("small.yml", SCENARIO);
    let mut expected = scenario.clone();
    expected.incidents.truncate(1);
    expected.incidents[0].levels.truncate(1);
    expected.incidents[0].departments.truncate(1);
    let (_, mut seen) = bundle().rehearse(&scenario, 1);
    let (incident, at) = (seen.alerts[0].incident, seen.alerts[0].at);
    let judged = |seen: &Observed| evaluate(&expected, &bundle().set.gazetteer, run(), seen);
    let mut heads = Vec::new();
    for deed in [None, Some(Deed::Acknowledged), Some(Deed::Disposed)] {
        seen.decisions.extend(deed.map(|deed| SeenDecision {
            incident,
            department: "fire".into(),
            deed,
            at: at.plus(60_000),
        }));
        let report = judged(&seen);
        assert!(report.passed, "{report:#?}");
        let words = |lang| {
            markdown(&report, None, lang)
                .lines()
                .nth(3)
                .unwrap()
                .to_owned()
        };
        let (en, zh) = (words(Lang::En), words(Lang::Zh));
        let said = en.trim_start_matches("- result: ");
        assert!(html_page(&report, None, Lang::En).contains(&format!(">{said}</dd>")));
        heads.push((report.unmeasured(), en, zh));
    }
    let head =
        |count, en: &str, zh: &str| (count, format!("- result: {en}"), format!("- 结果: {zh}"));
    assert_eq!(
        heads,
        [
            head(2, "passed; 2 targets not measured", "通过；2 项目标未测量"),
            head(1, "passed; 1 target not measured", "通过；1 项目标未测量"),
            head(0, "passed", "通过"),
        ]
    );
}

#[test]
fn what_nobody_expected_is_named() {
    let report = judged(|seen| {
        let mut other = seen.alerts[0].clone();
        other.incident = uuid::Uuid::nil();
        other.hazard = tocsin::core::model::Hazard::Tsunami;
        seen.alert(other);
        seen.sent[1].noise = true;
    });
    assert_eq!(report.unexpected.len(), 1);
    assert_eq!(report.unexpected[0].hazard.id(), "tsunami");
    assert_eq!(report.heard.len(), 1, "a rule fired on noise");
}

#[test]
fn reports_are_self_contained_and_escape_everything() {
    let report = judged(|_| {});
    let faster = {
        let mut report = report.clone();
        report.run.exercise = "small-0".to_owned();
        report.outcomes[0].checks[0].took_ms = Some(9_000);
        report
    };
    let before = compare(&faster, &report);
    assert_eq!(before.changes[0].before_ms, Some(9_000));
    for lang in [Lang::En, Lang::Zh] {
        let page = html_page(&report, Some(&before), lang);
        assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<svg"));
        for outside in [
            "<script", "http://", "https://", "<link", "@import", "url(", "src=",
        ] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(!page.contains("Small <b>"));
        assert!(page.contains("small-0") && page.contains("9s"));
        let text = markdown(&report, Some(&before), lang);
        assert!(text.contains("small-1") && !text.contains("<b>"), "{text}");
    }
    assert!(html_page(&report, None, Lang::Zh).contains("演练"));
    // One class attribute a tag: a browser forgets a second one.
    for tag in html_page(&report, Some(&before), Lang::En).split('<') {
        let tag = tag.split('>').next().unwrap_or_default();
        assert!(tag.matches(" class=").count() <= 1, "{tag}");
    }
    let page = html_page(&report, Some(&before), Lang::En);
    assert!(
        page.contains(r#"class="n missed""#) || page.contains(r#"class="n met""#),
        "{page}"
    );
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
}
