//! What a feed carried in the last whole hour against the same hour of the week: silence is as visible as noise.
//!
//! Invariant: an hour is judged when what is usually late has come, and by what was known before it; a feed that is being learned is
//! never below what is usual.

use super::Calendar;
use super::reading::GrowthConfig;
use super::series::Series;
use super::window::{Judged, Window};
use crate::core::model::Millis;

/// How long after an hour its reports may come.
const LATE_MS: i64 = 10 * 60_000;

/// A feed in an hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Carried {
    /// Days learned of those that a baseline needs.
    Learning(u8),
    /// Against what is usual.
    Known {
        /// Reports in the hour.
        observed: u32,
        /// What is usual in it.
        expected: f64,
        /// Square of the standard deviation, ≥ 1; of independent parts of a feed it is the sum.
        variance: f64,
    },
}

/// Judges the last whole hour of a feed, of which `volume` is everything that it carries.
pub fn carried(volume: &Series, now: Millis, config: &GrowthConfig) -> Carried {
    let hour = config.calendar.hour(now.plus(-LATE_MS)).saturating_sub(1);
    let today = Calendar::day_of(hour);
    let judged = match Judged::of(volume, today, config) {
        Ok(judged) => judged,
        Err(learned) => return Carried::Learning(learned),
    };
    let alike = judged.alike(today, config);
    let window = Window::of(&judged, hour, true, &alike, None, config);
    match window.by_hour {
        None => Carried::Learning(0),
        Some(usual) => Carried::Known {
            observed: window.counts.0.last().map_or(0, |count| *count as u32),
            expected: usual.expected,
            variance: usual.sigma * usual.sigma,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::growth::HOUR_MS;

    #[test]
    fn an_hour_is_compared_with_the_same_hour_once_it_is_over() {
        let config = GrowthConfig {
            calendar: Calendar::default(),
            ..GrowthConfig::default()
        };
        let mut volume = Series::default();
        // Twenty in every hour by day and two by night, for 30 days; then nothing at noon.
        for hour in 0..30 * 24 + 12 {
            let by_day = (8..20).contains(&(hour % 24));
            volume.count("calls", hour, if by_day { 20 } else { 2 }, 0);
        }
        let at = |hour: i32, minutes: i64| Millis(i64::from(hour) * HOUR_MS + minutes * 60_000);
        let noon = 30 * 24 + 12;
        let Carried::Known {
            observed,
            expected,
            variance,
        } = carried(&volume, at(noon + 1, 11), &config)
        else {
            panic!("it is known");
        };
        assert!(
            observed == 0 && (expected - 20.0).abs() < 1e-9 && variance >= 1.0,
            "{expected} {variance}"
        );
        // Eleven minutes past, the hour before noon is over; nine minutes past, it is the one before it.
        let before = carried(&volume, at(noon, 11), &config);
        assert!(
            matches!(before, Carried::Known { observed: 20, .. }),
            "{before:?}"
        );
        let early = carried(&volume, at(noon + 1, 9), &config);
        assert!(
            matches!(early, Carried::Known { observed: 20, .. }),
            "{early:?}"
        );
        assert_eq!(
            carried(&volume, at(9 * 24, 0), &config),
            Carried::Learning(6)
        );
    }
}
