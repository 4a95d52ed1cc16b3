//! Working hours and holidays of a department, by its own clock on the wall.
//!
//! Invariant: time that is counted lies within working hours, to the millisecond, across changes of daylight saving time. They apply
//! below orange only; who asks sees to that.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::core::model::Millis;

/// Minutes of a day.
pub(super) const DAY: u16 = 1_440;
/// Days looked at for the end of a deadline: 60 days of time at an hour a week.
const MAX_DAYS: u32 = 12_000;

/// From when to when. It begins on its day and may end on the next. The end is exclusive; `24:00` is the end of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    /// Minutes since midnight.
    pub from: u16,
    /// Minutes since the midnight that its day begins with: above `from`, by at most a day; above 1,440 on the next day.
    pub to: u16,
}

/// When a department works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkingHours {
    /// Where its clock hangs.
    pub zone: TimeZone,
    /// Monday first; none: closed.
    pub days: [Option<Shift>; 7],
    /// Days on which it is closed: no shift begins on them. One that began the evening before ends as ever.
    pub holidays: BTreeSet<Date>,
    /// Days on which it works, as on its first working day of a week, although the week says otherwise.
    pub workdays: BTreeSet<Date>,
}

impl WorkingHours {
    fn shift(&self, date: Date) -> Option<Shift> {
        if self.workdays.contains(&date) {
            return self.days.iter().find_map(|shift| *shift);
        }
        if self.holidays.contains(&date) {
            return None;
        }
        self.days[date.weekday().to_monday_zero_offset() as usize]
    }

    /// The instant at which the clock on the wall shows so many minutes after midnight of that day: the earlier of two, and where the
    /// clock leaps over it, as much later as it leaps.
    fn instant(&self, date: Date, minutes: u16) -> Option<Millis> {
        let date = date.checked_add(i64::from(minutes / DAY).days()).ok()?;
        let minutes = minutes % DAY;
        let time = Time::new((minutes / 60) as i8, (minutes % 60) as i8, 0, 0).ok()?;
        let stamp = self.zone.to_timestamp(date.to_datetime(time)).ok()?;
        Some(Millis(stamp.as_millisecond()))
    }

    /// The instant at which `ms` of working time have passed since `from`.
    pub fn after(&self, from: Millis, ms: i64) -> Millis {
        let Ok(stamp) = Timestamp::from_millisecond(from.clamped().0) else {
            return from.plus(ms);
        };
        let today = self.zone.to_datetime(stamp).date();
        // A shift of yesterday may still be at work.
        let mut date = today.checked_sub(1.day()).unwrap_or(today);
        // What of the time until here was looked at: two shifts that overlap are counted once.
        let (mut left, mut reached) = (ms, from);
        for _ in 0..MAX_DAYS {
            let bounds = self.shift(date).and_then(|shift| {
                Some((
                    self.instant(date, shift.from)?,
                    self.instant(date, shift.to)?,
                ))
            });
            if let Some((opens, closes)) = bounds {
                let begin = opens.max(reached);
                let open = closes.since(begin).max(0);
                if open >= left && open > 0 {
                    return begin.plus(left);
                }
                left -= open;
                reached = reached.max(closes);
            }
            let Ok(next) = date.checked_add(1.day()) else {
                break;
            };
            date = next;
        }
        // Nothing that is read from a file gets here: a week has an hour at least.
        from.plus(ms)
    }
}

/// Monday first.
pub(super) const WEEKDAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(zone: &str) -> WorkingHours {
        let day = Some(Shift {
            from: 8 * 60 + 30,
            to: 17 * 60 + 30,
        });
        WorkingHours {
            zone: TimeZone::get(zone).unwrap(),
            days: [day, day, day, day, day, None, None],
            holidays: BTreeSet::from([jiff::civil::date(2026, 10, 1)]),
            workdays: BTreeSet::from([jiff::civil::date(2026, 10, 10)]),
        }
    }

    const HOUR: i64 = 3_600_000;

    fn after(zone: &str, from: &str, ms: i64) -> String {
        let from = Millis::parse(from).unwrap();
        hours(zone).after(from, ms).to_string()
    }

    #[test]
    fn time_counts_in_working_hours_only() {
        let shanghai = |from, ms| after("Asia/Shanghai", from, ms);
        // Tuesday 10:00 by the clock there.
        assert_eq!(
            shanghai("2026-09-29T02:00:00Z", HOUR),
            "2026-09-29T03:00:00.000Z"
        );
        // An hour before closing: half of two hours is done next morning at 8:30.
        assert_eq!(
            shanghai("2026-09-29T08:30:00Z", 2 * HOUR),
            "2026-09-30T01:30:00.000Z"
        );
        // At night: from the morning.
        assert_eq!(
            shanghai("2026-09-29T18:00:00Z", HOUR),
            "2026-09-30T01:30:00.000Z"
        );
        // The end of a shift is still within it.
        assert_eq!(
            shanghai("2026-09-29T08:30:00Z", HOUR),
            "2026-09-29T09:30:00.000Z"
        );
    }

    #[test]
    fn holidays_are_closed_and_named_workdays_are_open() {
        // Wednesday evening before a holiday: Friday morning.
        assert_eq!(
            after("Asia/Shanghai", "2026-09-30T12:00:00Z", HOUR),
            "2026-10-02T01:30:00.000Z"
        );
        // Friday evening; Saturday the 10th is worked.
        assert_eq!(
            after("Asia/Shanghai", "2026-10-09T12:00:00Z", HOUR),
            "2026-10-10T01:30:00.000Z"
        );
    }

    #[test]
    fn daylight_saving_moves_the_shift_and_not_its_length() {
        // Berlin leaves summer time on 25 October 2026, a Sunday. Friday 16:30 there, plus ten hours.
        assert_eq!(
            after("Europe/Berlin", "2026-10-23T14:30:00Z", 10 * HOUR),
            "2026-10-26T16:30:00.000Z"
        );
    }
}
