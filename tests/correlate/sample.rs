//! Random histories of a partition of detections, small enough that reports meet.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use tocsin::core::correlate::{CorrelateConfig, CorrelateOutput, Correlator};
use tocsin::core::diagnostic::SourceFile;
use tocsin::core::model::{
    Alert, Bound, CorrelateOutcome, Correlation, CorrelationType, DepartmentRequest, Detection,
    FeedKind, Fingerprint, Hazard, Millis, NO_PLACE, Place, Position, RETRACTION_VERSION,
    ReportRef, Retraction, ScoreLine, Status, Tier, Urgency,
};
use tocsin::core::route::Routing;

pub(super) const SECOND: i64 = 1_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const QUIET: i64 = 10 * MINUTE;
pub(super) const START: i64 = 1_700_000_000_000;

/// One event of a history.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Advance(i64),
    Detection(Box<Detection>),
    Retraction(Box<Retraction>),
}

/// Shortened times, so that a history of an hour passes through everything.
pub(super) fn config() -> Arc<CorrelateConfig> {
    let text = "departments:\n\
        - {id: duty_desk, names: {en: Duty desk, zh: 值班室}, duty: true}\n\
        - {id: fire, names: {en: Fire, zh: 消防}, leads: [fire]}\n\
        - {id: health, names: {en: Health, zh: 卫健}, supports: [{hazard: fire, from: orange}]}\n\
        - {id: water, names: {en: Water, zh: 水利}}\n";
    let source = SourceFile {
        name: "departments.yaml".into(),
        text: text.into(),
    };
    let mut config = CorrelateConfig::new(Arc::new(Routing::parse(&source).unwrap()));
    config.incident.reopen_for_ms = 30 * MINUTE;
    config.incident.previous_for_ms = 60 * MINUTE;
    config.incident.text_retention_ms = 20 * MINUTE;
    config.level.dwell_ms = 3 * MINUTE;
    Arc::new(config)
}

pub(super) fn place(code: &str) -> Place {
    if code == NO_PLACE {
        return Place::none();
    }
    Place {
        code: code.into(),
        name: format!("Place {code}").into(),
        name_zh: Some(format!("地点{code}").into()),
        tier: Tier::County,
        coordinates: None,
    }
}

/// What a report is made from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pick {
    pub exercise: bool,
    pub place: u8,
    pub feed: u8,
    pub id: u8,
    pub content: u8,
    pub rule: u8,
    pub severity: u8,
    pub print: Option<u8>,
    pub withdrawn: bool,
}

/// Feeds of the sample: name, kind, reliability.
pub(super) const FEEDS: [(&str, FeedKind, u8); 4] = [
    ("news", FeedKind::News, 60),
    ("posts", FeedKind::Post, 35),
    ("calls", FeedKind::Dispatch, 75),
    ("bureau", FeedKind::Official, 90),
];

pub(super) fn detection(pick: Pick, received: i64) -> Detection {
    let status = if pick.exercise {
        Status::Exercise
    } else {
        Status::Actual
    };
    let code = ["cn-310115", "cn-310104", NO_PLACE][usize::from(pick.place) % 3];
    let (feed, kind, reliability) = FEEDS[usize::from(pick.feed) % FEEDS.len()];
    let rule: Arc<str> = format!("rule-{}", pick.rule).into();
    let exposure =
        (pick.content == 2).then(|| ScoreLine::new(i32::from(pick.id) * 3, "hospital", "医院"));
    let drill = if pick.exercise { "/drill-1" } else { "" };
    Detection {
        v: 1,
        key: format!("{}/fire/{code}{drill}", status.id()),
        status,
        exercise: pick.exercise.then(|| "drill-1".into()),
        hazard: Hazard::Fire,
        rule_title: rule.clone(),
        rule_set: "0123456789ab".into(),
        severity: pick.severity,
        score: vec![
            ScoreLine::new(40, "base", "基础分"),
            ScoreLine::new(i32::from(pick.severity) - 40, "and more", "其他"),
        ],
        matches: Vec::new(),
        numbers: BTreeMap::from([("casualties.dead".into(), f64::from(pick.content))]),
        report: ReportRef {
            id: format!("r{}", pick.id),
            feed: feed.into(),
            kind,
            // News reports have publishers of their own.
            source: if kind == FeedKind::News {
                format!("news/p{}", pick.id % 3)
            } else {
                feed.into()
            }
            .into(),
            reliability,
            // One content in three says when it happened, which is not when it came.
            observed: (pick.content == 1).then(|| {
                Millis(START + i64::from(pick.id) * 2 * MINUTE + i64::from(pick.feed) * SECOND)
            }),
            received: Millis(received),
            title: format!("Title {}", pick.id),
            excerpt: format!("Report {} as of {}", pick.id, pick.content),
            excerpt_start: 0,
            link: Some("https://example.org/1".into()),
            content_hash: u64::from(pick.content) + if pick.withdrawn { 100 } else { 0 },
            fingerprint: pick.print.map(|print| Fingerprint::Exact(u64::from(print))),
            withdrawn: pick.withdrawn,
        },
        place: place(code),
        key_place: place(code),
        place_assumed: false,
        also_places: Vec::new(),
        ancestors: vec!["cn-31".into()],
        exposure,
        tier: Tier::County,
        quiet_ms: QUIET,
        urgency: if pick.rule == 0 {
            Urgency::Immediate
        } else {
            Urgency::Unknown
        },
        departments: if pick.rule == 2 {
            vec![DepartmentRequest {
                id: "water".into(),
                required: true,
            }]
        } else {
            Vec::new()
        },
        correlations: correlations(&rule),
        growth: Vec::new(),
        wide_of: None,
        position: Position::default(),
        rule_id: rule,
    }
}

/// Correlations that call `rule`: of every kind, with bounds that a late report may break again.
fn correlations(rule: &Arc<str>) -> Vec<Arc<Correlation>> {
    use CorrelationType::{EventCount, Temporal, TemporalOrdered, ValueCount};
    let of = |id: &str, kind, rules: &[&str], group: &[&str], minutes: i64, bound, points| {
        Arc::new(Correlation {
            id: id.into(),
            kind,
            rules: rules.iter().map(|rule| Arc::from(*rule)).collect(),
            group_by: group.iter().map(|name| Arc::from(*name)).collect(),
            fields: if kind == CorrelationType::ValueCount {
                vec!["source".into()]
            } else {
                Vec::new()
            },
            span_ms: minutes * MINUTE,
            bounds: vec![bound],
            points,
            because: format!("{id} fired"),
            because_zh: None,
        })
    };
    let all = [
        of(
            "count",
            EventCount,
            &["rule-0", "rule-1"],
            &["kind"],
            10,
            (Bound::Gte, 2.0),
            12,
        ),
        of(
            "order",
            TemporalOrdered,
            &["rule-0", "rule-1"],
            &["casualties.dead"],
            5,
            (Bound::Gte, 2.0),
            15,
        ),
        of("pair", EventCount, &["rule-2"], &[], 4, (Bound::Eq, 2.0), 5),
        of(
            "times",
            Temporal,
            &["rule-1", "rule-2"],
            &["feed"],
            8,
            (Bound::Gt, 1.0),
            7,
        ),
        of(
            "values",
            ValueCount,
            &["rule-2", "rule-0"],
            &[],
            20,
            (Bound::Gte, 3.0),
            9,
        ),
    ];
    let calls = |correlation: &&Arc<Correlation>| correlation.rules.contains(rule);
    all.iter().filter(calls).cloned().collect()
}

pub(super) fn retraction(pick: Pick, received: i64) -> Retraction {
    let of = detection(pick, received);
    Retraction {
        v: RETRACTION_VERSION,
        status: of.status,
        exercise: of.exercise,
        feed: of.report.feed,
        report_id: of.report.id,
        received: Millis(received),
        except: if pick.rule == 0 {
            vec![of.key]
        } else {
            Vec::new()
        },
    }
}

pub(super) fn pick() -> impl Strategy<Value = Pick> {
    let numbers = (0..3_u8, 0..4_u8, 0..6_u8, 0..3_u8, 0..3_u8);
    let severity = prop_oneof![0..30_u8, 20..101_u8];
    let print = prop_oneof![3 => Just(None), 1 => (0..3_u8).prop_map(Some)];
    (
        prop::bool::weighted(0.2),
        numbers,
        severity,
        print,
        prop::bool::weighted(0.1),
    )
        .prop_map(
            |(exercise, (place, feed, id, content, rule), severity, print, withdrawn)| Pick {
                exercise,
                place,
                feed,
                id,
                content,
                rule,
                severity,
                print,
                withdrawn,
            },
        )
}

/// A history: times mostly rise by seconds, sometimes by minutes or hours, and some reports come late.
pub(super) fn history(length: usize) -> impl Strategy<Value = Vec<Event>> {
    let step = prop_oneof![
        6 => 0..40 * SECOND,
        3 => 0..6 * MINUTE,
        1 => 0..50 * MINUTE,
        1 => 0..200 * MINUTE,
    ];
    let late = prop_oneof![4 => Just(0), 1 => 0..15 * MINUTE];
    let event = (step, late, prop::option::weighted(0.9, pick()));
    prop::collection::vec(event, 1..length).prop_map(|events| {
        let mut now = START;
        let timed = events.into_iter().map(|(step, late, pick)| {
            now += step;
            match pick {
                // One in ten takes a report out wherever it counts, but for one place.
                Some(pick) if pick.withdrawn && pick.content == 0 => {
                    Event::Retraction(Box::new(retraction(pick, now - late)))
                }
                Some(pick) => Event::Detection(Box::new(detection(pick, now - late))),
                None => Event::Advance(now),
            }
        });
        timed.collect()
    })
}

/// Runs a history without any commit.
pub(super) fn run(events: &[Event]) -> (Vec<CorrelateOutcome>, Vec<Alert>) {
    let mut correlator = Correlator::new(config());
    let mut out = CorrelateOutput::default();
    let outcomes = events
        .iter()
        .filter_map(|event| apply(&mut correlator, event, &mut out))
        .collect();
    (outcomes, out.alerts)
}

pub(super) fn apply(
    correlator: &mut Correlator,
    event: &Event,
    out: &mut CorrelateOutput,
) -> Option<CorrelateOutcome> {
    match event {
        Event::Advance(to) => {
            correlator.advance(Millis(*to), out);
            None
        }
        Event::Detection(detection) => Some(correlator.fold(detection, out)),
        Event::Retraction(retraction) => {
            correlator.retract(retraction, out);
            None
        }
    }
}
