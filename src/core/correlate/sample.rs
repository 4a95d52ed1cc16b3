//! Detections for the tests of this module.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::config::CorrelateConfig;
use crate::core::diagnostic::SourceFile;
use crate::core::model::{
    Detection, FeedKind, Hazard, Millis, Place, Position, ReportRef, ScoreLine, Status, Tier,
    Urgency,
};
use crate::core::route::Routing;

/// Quiet time of the sample rule, milliseconds.
pub(super) const QUIET: i64 = 3_600_000;

/// Defaults with two departments.
pub(super) fn config() -> Arc<CorrelateConfig> {
    let text = "departments:\n\
        - {id: duty_desk, names: {en: Duty desk, zh: 值班室}, duty: true}\n\
        - {id: fire, names: {en: Fire, zh: 消防}, leads: [fire]}\n\
        - {id: health, names: {en: Health, zh: 卫健}, supports: [{hazard: fire, from: orange}]}\n";
    let source = SourceFile {
        name: "departments.yaml".into(),
        text: text.into(),
    };
    Arc::new(CorrelateConfig::new(Arc::new(
        Routing::parse(&source).unwrap(),
    )))
}

/// A fire in Pudong, by a news feed of reliability 60; every `id` is a source of its own.
pub(in crate::core) fn detection(id: &str, received: i64, severity: u8) -> Detection {
    let place = Place {
        code: "cn-310115".into(),
        name: "Pudong".into(),
        name_zh: Some("浦东新区".into()),
        tier: Tier::County,
        coordinates: None,
    };
    Detection {
        v: 1,
        key: "actual/fire/cn-310115".into(),
        status: Status::Actual,
        exercise: None,
        hazard: Hazard::Fire,
        rule_id: "fire-1".into(),
        rule_title: "Fire".into(),
        rule_set: "0123456789ab".into(),
        severity,
        score: vec![ScoreLine::new(
            i32::from(severity),
            "fire words",
            "火情用语",
        )],
        matches: Vec::new(),
        numbers: BTreeMap::new(),
        report: ReportRef {
            id: id.into(),
            feed: "news".into(),
            kind: FeedKind::News,
            source: format!("news/{id}").into(),
            reliability: 60,
            observed: None,
            received: Millis(received),
            title: String::new(),
            excerpt: format!("report {id}"),
            excerpt_start: 0,
            link: None,
            content_hash: 1,
            fingerprint: None,
            withdrawn: false,
        },
        place: place.clone(),
        key_place: place,
        place_assumed: false,
        also_places: Vec::new(),
        ancestors: Vec::new(),
        exposure: None,
        tier: Tier::County,
        quiet_ms: QUIET,
        urgency: Urgency::Immediate,
        departments: Vec::new(),
        correlations: Vec::new(),
        growth: Vec::new(),
        wide_of: None,
        position: Position::default(),
    }
}
