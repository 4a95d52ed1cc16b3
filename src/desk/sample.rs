//! Alerts for tests, benchmarks and a first look: the bundled stream put through the engine, or made up by the thousand.
//!
//! Invariant: deterministic; nothing in here is about a person.

use std::sync::Arc;

use uuid::Uuid;

use crate::config::Settings;
use crate::core::correlate::{ALERT_NAMESPACE, CorrelateConfig, alert_id};
use crate::core::model::{
    ALERT_VERSION, Alert, Bilingual, CertaintyClass, Coordinates, Counts, Evidence, FeedKind,
    Hazard, IncidentState, Level, Millis, MsgType, Place, ScoreLine, Status, Tier, Urgency,
};
use crate::core::replay::{ReplayOutput, Replayer, default_feed};
use crate::core::route::Routing;
use crate::core::ruleset::RuleSet;

/// Puts lines of Tocsin JSON through the engine and returns the alerts in their order.
///
/// The error says which feed's settings are wrong.
pub fn sample_alerts(
    set: &Arc<RuleSet>,
    settings: &Settings,
    lines: &str,
    start: Millis,
) -> Result<Vec<Alert>, String> {
    let config: CorrelateConfig = settings.correlate_config(Arc::clone(&set.routing));
    let mut replayer = Replayer::new(
        Arc::clone(set),
        Arc::new(config),
        default_feed(),
        &settings.feeds,
        start,
    )?;
    let mut alerts = Vec::new();
    let mut out = ReplayOutput::default();
    for line in lines.lines().filter(|line| !line.is_empty()) {
        out.clear();
        replayer.line(line.as_bytes(), &mut out);
        alerts.append(&mut out.alerts);
    }
    out.clear();
    replayer.finish(false, &mut out);
    alerts.append(&mut out.alerts);
    Ok(alerts)
}

/// Makes up alerts: `incidents` incidents, `revisions` revisions of each, all first ones first.
#[derive(Clone, Debug)]
pub struct Synthetic {
    /// Incidents.
    pub incidents: u32,
    /// Revisions of each, at least 1.
    pub revisions: u32,
    /// Actual, exercise or test.
    pub status: Status,
    /// Time of the first alert; each later one is sent a second after.
    pub start: Millis,
    /// Which departments they go to.
    pub routing: Arc<Routing>,
}

const PLACES: [(&str, &str, &str, f64, f64); 8] = [
    ("cn-610113", "Yanta", "雁塔区", 34.21, 108.94),
    ("cn-310115", "Pudong", "浦东新区", 31.22, 121.54),
    ("cn-440305", "Nanshan", "南山区", 22.53, 113.93),
    ("cn-510104", "Jinjiang", "锦江区", 30.66, 104.08),
    ("cn-420106", "Wuchang", "武昌区", 30.55, 114.32),
    ("cn-110108", "Haidian", "海淀区", 39.96, 116.30),
    ("cn-330106", "Xihu", "西湖区", 30.26, 120.13),
    ("cn-500103", "Yuzhong", "渝中区", 29.55, 106.57),
];

impl Synthetic {
    /// Actual alerts from 2026-01-01 on.
    pub fn new(incidents: u32, revisions: u32, routing: Arc<Routing>) -> Self {
        Self {
            incidents,
            revisions: revisions.max(1),
            status: Status::Actual,
            start: Millis(1_767_225_600_000),
            routing,
        }
    }

    /// Every alert, in order.
    pub fn alerts(&self) -> impl Iterator<Item = Alert> + '_ {
        (1..=self.revisions)
            .flat_map(move |revision| (0..self.incidents).map(move |n| self.alert(n, revision)))
    }

    /// One alert: the `revision`-th of the `number`-th incident.
    pub fn alert(&self, number: u32, revision: u32) -> Alert {
        let id = Uuid::new_v5(
            &ALERT_NAMESPACE,
            format!("synthetic/{}/{number}", self.status.id()).as_bytes(),
        );
        let mix = number.wrapping_mul(2_654_435_761) >> 8;
        let hazard = Hazard::ALL[mix as usize % Hazard::ALL.len()];
        let level = Level::ALL[(mix >> 7) as usize % 4];
        let (code, name, name_zh, lat, lon) = PLACES[(mix >> 11) as usize % PLACES.len()];
        let place = Place {
            code: code.into(),
            name: name.into(),
            name_zh: Some(name_zh.into()),
            tier: Tier::County,
            coordinates: Coordinates::new(lat, lon),
        };
        let step = i64::from((revision - 1) * self.incidents + number) * 1_000;
        let sent = self.start.plus(step);
        let score = [30, 50, 70, 90][level as usize] - (mix % 10) as u8;
        let exercise = (self.status == Status::Exercise).then(|| "sample".into());
        let mark = match self.status {
            Status::Actual => ("", ""),
            Status::Exercise => ("Exercise: ", "【演练】"),
            Status::Test => ("Test: ", "【测试】"),
        };
        Alert {
            v: ALERT_VERSION,
            alert_id: alert_id(id, revision),
            incident_id: id,
            revision,
            msg_type: if revision == 1 {
                MsgType::Alert
            } else {
                MsgType::Update
            },
            status: self.status,
            exercise,
            previous: None,
            key: format!("{}/{}/{code}", self.status.id(), hazard.id()),
            headline: Bilingual {
                en: format!("{}{} in {name}", mark.0, hazard.en()),
                zh: format!("{}{name_zh}{}", mark.1, hazard.zh()),
            },
            hazard,
            category: hazard.category(),
            place,
            place_assumed: mix.is_multiple_of(16),
            also_places: Vec::new(),
            ancestors: vec![format!("{}00", &code[..7]).into(), code[..5].into()],
            state: IncidentState::Active,
            level,
            score,
            reasons: vec![ScoreLine::new(i32::from(score), "made up", "样例")],
            certainty: 0.8,
            certainty_class: CertaintyClass::Likely,
            urgency: Urgency::Expected,
            numbers: std::collections::BTreeMap::new(),
            departments: self.routing.departments(hazard, level, &[]),
            material: revision == 1,
            counts: Counts {
                reports: revision,
                copies: revision * 2,
                sources: 1 + revision / 4,
                last_hour: [0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 1, revision],
            },
            growth: None,
            evidence: vec![evidence(number, sent, hazard, name_zh)],
            report_ids: vec![format!("sample/{number}-{revision}")],
            rules: vec!["sample-rule".into()],
            rule_set: "sample".into(),
            first_seen: self.start.plus(i64::from(number) * 1_000),
            last_seen: sent,
            sent,
        }
    }
}

fn evidence(number: u32, received: Millis, hazard: Hazard, place: &str) -> Evidence {
    Evidence {
        report_id: number.to_string(),
        feed: "sample".into(),
        kind: FeedKind::News,
        source: "sample".into(),
        observed: None,
        received,
        title: format!("{place}{}", hazard.zh()),
        excerpt: format!(
            "{place}发生{}，有关部门正在处置。Report {number} of a made-up stream.",
            hazard.zh()
        ),
        matches: Vec::new(),
        rules: vec!["sample-rule".into()],
        severity: 50,
        copies: 2,
        link: None,
    }
}
