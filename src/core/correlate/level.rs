//! From score to level: thresholds, hysteresis, dwell and caps.
//!
//! Invariant: a level rises at once; it falls only when the score is the whole hysteresis below its threshold (or a cap
//! forbids it) and it has been held for the dwell; once on the queue an incident has a level until it is resolved.

use super::config::{CorrelateConfig, LevelConfig};
use super::score::Summary;
use super::state::Incident;
use crate::core::growth::Verdict;
use crate::core::model::{Level, Millis, ScoreLine};

/// What the level should be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Decision {
    /// None: tracked, not queued.
    pub level: Option<Level>,
    /// When a fall that must wait for the dwell takes place.
    pub fall_due: Option<Millis>,
    /// Lines of 0 points that say why the level is not the score's.
    pub notes: Vec<ScoreLine>,
}

/// The level that `score` alone would give.
pub(super) fn level_of(score: u8, config: &LevelConfig) -> Option<Level> {
    Level::ALL
        .into_iter()
        .rev()
        .find(|level| i32::from(score) >= config.threshold(*level))
}

/// The highest level that what is known allows, and why.
fn cap(incident: &Incident, summary: &Summary, config: &LevelConfig) -> (Level, Option<ScoreLine>) {
    if &*incident.place.0 == crate::core::model::NO_PLACE {
        let line = ScoreLine::new(
            0,
            "limited to yellow: no place is known",
            "地点不明，最高为黄色",
        );
        return (Level::Yellow, Some(line));
    }
    if summary.certainty_milli < config.red_certainty_milli && !summary.authoritative {
        let (is, needed) = (
            f64::from(summary.certainty_milli) / 1_000.0,
            f64::from(config.red_certainty_milli) / 1_000.0,
        );
        let line = ScoreLine::new(
            0,
            format!(
                "limited to orange: certainty {is} is below {needed}, and no official, dispatch or sensor report"
            ),
            format!("最高为橙色：确信度 {is} 低于 {needed}，且无官方、调度或传感器报告"),
        );
        return (Level::Orange, Some(line));
    }
    (Level::Red, None)
}

/// The level that an alarm of the counts alone gives: blue, and yellow from twice the threshold on.
fn floor(growth: Verdict, config: &CorrelateConfig) -> Option<Level> {
    let level = if config.growth.is_strong(growth) {
        Level::Yellow
    } else {
        Level::Blue
    };
    growth.alarm.then_some(level)
}

/// Decides the level at `now`.
pub(super) fn decide(
    incident: &Incident,
    summary: &Summary,
    growth: Verdict,
    config: &CorrelateConfig,
    now: Millis,
) -> Decision {
    let floor = floor(growth, config);
    let config = &config.level;
    let plain = level_of(summary.score, config);
    let (highest, cap_line) = cap(incident, summary, config);
    // What only counts here has no severity of its own, and is judged by its number alone.
    let by_score = plain
        .map(|level| level.min(highest))
        .filter(|_| !incident.wide);
    let wanted = by_score.max(floor);
    let mut notes: Vec<ScoreLine> = cap_line
        .filter(|_| plain > Some(highest))
        .into_iter()
        .collect();
    if let Some(level) = floor.filter(|_| floor > by_score) {
        notes.push(ScoreLine::new(
            0,
            format!("{} because of the count alone", level.id()),
            format!("仅因数量异常定为{}", zh(level)),
        ));
    }
    let Some(current) = incident.level else {
        return Decision {
            level: wanted,
            fall_due: None,
            notes,
        };
    };
    if wanted >= Some(current) {
        return Decision {
            level: wanted,
            fall_due: None,
            notes,
        };
    }
    let floor = config.threshold(current) - i32::from(config.hysteresis);
    let lowest = wanted.unwrap_or(Level::Blue);
    if current <= highest && i32::from(summary.score) >= floor {
        notes.push(ScoreLine::new(
            0,
            format!("stays {}: it falls below {floor} points", current.id()),
            format!("保持{}：低于 {floor} 分才下调", zh(current)),
        ));
        return Decision {
            level: Some(current),
            fall_due: None,
            notes,
        };
    }
    if lowest == current {
        notes.push(ScoreLine::new(
            0,
            "stays blue until it is resolved: once on the queue, it is not dropped in silence",
            "解除前保持蓝色：已入队的事件不会悄然移除",
        ));
        return Decision {
            level: Some(current),
            fall_due: None,
            notes,
        };
    }
    let due = incident.level_since.plus(config.dwell_ms);
    if due <= now {
        return Decision {
            level: Some(lowest),
            fall_due: None,
            notes,
        };
    }
    notes.push(ScoreLine::new(
        0,
        format!(
            "stays {} until {due}: a level is held for {} s",
            current.id(),
            config.dwell_ms / 1_000
        ),
        format!(
            "保持{}至 {due}：级别至少保持 {} 秒",
            zh(current),
            config.dwell_ms / 1_000
        ),
    ));
    Decision {
        level: Some(current),
        fall_due: Some(due),
        notes,
    }
}

/// Chinese name of a level.
pub(super) fn zh(level: Level) -> &'static str {
    match level {
        Level::Blue => "蓝色",
        Level::Yellow => "黄色",
        Level::Orange => "橙色",
        Level::Red => "红色",
    }
}
