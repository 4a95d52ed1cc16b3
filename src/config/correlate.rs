//! What the settings mean for the fold.
//!
//! Invariant: the bundled settings are the defaults of the core.

use std::sync::Arc;

use super::Settings;
use crate::core::correlate::{
    CorrelateConfig, GrowthConfig, IncidentConfig, LevelConfig, Limits, ScoreConfig,
};
use crate::core::growth::{Calendar, KEPT_DAYS, W2};
use crate::core::route::Routing;

const HOUR_MS: i64 = 3_600_000;

impl Settings {
    /// The configuration of correlate under these settings and this routing table.
    pub fn correlate_config(&self, routing: Arc<Routing>) -> CorrelateConfig {
        let (level, incident, limits) = (&self.level, &self.incident, &self.limits);
        CorrelateConfig {
            score: ScoreConfig {
                certainty_weight: self.score.certainty_weight,
                exposure_max: self.score.exposure_max,
            },
            level: LevelConfig {
                thresholds: [level.blue, level.yellow, level.orange, level.red],
                hysteresis: level.hysteresis,
                dwell_ms: milliseconds(level.dwell_s),
                red_certainty_milli: (level.red_certainty * 1_000.0).round() as u32,
            },
            incident: IncidentConfig {
                reopen_for_ms: i64::from(incident.reopen_for_hours) * HOUR_MS,
                refresh_ms: milliseconds(incident.refresh_s),
                text_retention_ms: i64::from(incident.text_retention_hours) * HOUR_MS,
                previous_for_ms: i64::from(incident.previous_for_days) * 24 * HOUR_MS,
            },
            limits: Limits {
                keys: usize::try_from(limits.keys).unwrap_or(usize::MAX),
                reports_per_key: limits.reports_per_key as usize,
                aggregated_per_key: limits.aggregated_per_key as usize,
                fingerprints_per_key: limits.fingerprints_per_key as usize,
                sources_per_key: limits.sources_per_key as usize,
                rules_per_report: limits.rules_per_report as usize,
                correlation_events_per_key: limits.correlation_events_per_key as usize,
            },
            growth: self.growth_config(),
            routing,
        }
    }

    /// How reports are counted and what is an alarm.
    pub fn growth_config(&self) -> GrowthConfig {
        let growth = &self.growth;
        let epoch = jiff::civil::date(1970, 1, 1);
        let days = |dates: &[jiff::civil::Date]| {
            let days = dates.iter().filter_map(|date| epoch.until(*date).ok());
            days.map(|span| span.get_days()).collect()
        };
        GrowthConfig {
            enabled: growth.enabled,
            points_max: self.score.growth_max,
            threshold: growth.threshold,
            min_reports: growth.min_reports,
            kept_days: KEPT_DAYS,
            series: usize::try_from(growth.series).unwrap_or(usize::MAX),
            calendar: Calendar {
                utc_offset_minutes: growth.utc_offset_minutes,
                holidays: days(&growth.holidays),
                workdays: days(&growth.workdays),
            },
            w2: W2::default(),
        }
    }
}

fn milliseconds(seconds: u64) -> i64 {
    i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::LoadOptions;

    #[test]
    fn the_bundled_settings_are_the_core_s_defaults() {
        let settings = Settings::load(&LoadOptions::default()).unwrap();
        let config = settings.correlate_config(Arc::default());
        let defaults = CorrelateConfig::new(Arc::default());
        assert_eq!(config.level, defaults.level);
        assert_eq!(config.score, defaults.score);
        assert_eq!(config.incident, defaults.incident);
        assert_eq!(config.limits, defaults.limits);
        assert_eq!(config.growth, defaults.growth);
    }
}
