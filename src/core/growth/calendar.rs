//! Local hours and days, working days and days of rest.
//!
//! Invariant: pure arithmetic on a fixed offset from UTC, so that a replay counts a report in the same period wherever it runs.
//! A zone that changes its clock twice a year is taken at one offset; its profile is an hour off for a while, not wrong for good.

use std::collections::BTreeSet;

use crate::core::model::Millis;

/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 3_600_000;
/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// Which local period a time is in. Days and hours are counted from 1970-01-01T00:00 local time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    /// Minutes east of UTC, −840…840.
    pub utc_offset_minutes: i32,
    /// Days that count as a weekend.
    pub holidays: BTreeSet<i32>,
    /// Saturdays and Sundays that are worked.
    pub workdays: BTreeSet<i32>,
}

impl Calendar {
    /// The hour in which `at` lies.
    pub fn hour(&self, at: Millis) -> i32 {
        let local =
            (at.clamped().0).saturating_add(i64::from(self.utc_offset_minutes) * (HOUR_MS / 60));
        i32::try_from(local.div_euclid(HOUR_MS)).unwrap_or(i32::MAX)
    }

    /// The day in which an hour lies.
    pub fn day_of(hour: i32) -> i32 {
        hour.div_euclid(24)
    }

    /// When an hour begins.
    pub fn start_of(&self, hour: i32) -> Millis {
        let offset = i64::from(self.utc_offset_minutes) * (HOUR_MS / 60);
        Millis(i64::from(hour) * HOUR_MS - offset)
    }

    /// Whether a day counts as a weekend.
    pub fn is_rest(&self, day: i32) -> bool {
        if self.holidays.contains(&day) {
            return true;
        }
        // 1970-01-01 was a Thursday.
        let weekday = (day + 3).rem_euclid(7);
        weekday >= 5 && !self.workdays.contains(&day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_has_two_days_of_rest_and_a_holiday_makes_another() {
        let mut calendar = Calendar {
            utc_offset_minutes: 480,
            ..Calendar::default()
        };
        // 2026-11-28 is a Saturday.
        let saturday = Calendar::day_of(calendar.hour(Millis(1_795_795_200_000)));
        let rest: Vec<bool> = (0..7).map(|d| calendar.is_rest(saturday + d)).collect();
        assert_eq!(rest, [true, true, false, false, false, false, false]);
        calendar.holidays.insert(saturday + 3);
        calendar.workdays.insert(saturday);
        assert!(calendar.is_rest(saturday + 3));
        assert!(!calendar.is_rest(saturday));
    }

    #[test]
    fn midnight_is_where_people_have_it() {
        let calendar = Calendar {
            utc_offset_minutes: 480,
            ..Calendar::default()
        };
        let hour = calendar.hour(Millis(16 * HOUR_MS));
        assert_eq!((hour, Calendar::day_of(hour)), (24, 1));
        assert_eq!(calendar.start_of(hour), Millis(16 * HOUR_MS));
        assert_eq!(Calendar::day_of(calendar.hour(Millis(16 * HOUR_MS - 1))), 0);
    }
}
