//! Times as sources write them.
//!
//! Invariant: a form that can be read in two ways (`03/04/2018`) is refused, not guessed.

mod cursor;

use cursor::Cursor;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use crate::core::model::Millis;

/// Reads RFC 3339 and its relatives, RFC 2822, `2008年4月5日9时12分`, `20160713151107` and Unix times in seconds to
/// nanoseconds. A time without offset is local to `zone`.
pub(super) fn parse(text: &str, zone: &TimeZone) -> Option<Millis> {
    if let Some(at) = rfc3339(text.as_bytes()) {
        return Some(at);
    }
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return digits(text, zone);
    }
    if let Some(at) = text
        .contains('.')
        .then(|| text.parse().ok())
        .flatten()
        .and_then(unix)
    {
        return Some(at);
    }
    let mut cursor = Cursor { rest: text };
    let (date_time, stated) = cursor.date_time()?;
    if !cursor.rest.is_empty() {
        return None;
    }
    match stated {
        Some(seconds) => instant(date_time, seconds),
        None => local(date_time, zone),
    }
}

/// Seconds since 1970, or milliseconds, microseconds or nanoseconds where the number is too large for them.
pub(super) fn unix(number: f64) -> Option<Millis> {
    let size = number.abs();
    let per_second = match size {
        _ if size < 1e11 => 1.0,
        _ if size < 1e14 => 1e3,
        _ if size < 1e17 => 1e6,
        _ if size < 1e20 => 1e9,
        _ => return None,
    };
    Some(Millis((number / per_second * 1000.0).round() as i64))
}

/// The fixed form `2026-01-02T03:04:05Z`, which nearly every record has, without going through a calendar library.
fn rfc3339(text: &[u8]) -> Option<Millis> {
    let fixed: &[u8; 19] = text.first_chunk()?;
    let number = |range: std::ops::Range<usize>| {
        fixed[range].iter().try_fold(0_i64, |sum, byte| {
            let digit = byte.wrapping_sub(b'0');
            (digit < 10).then_some(sum * 10 + i64::from(digit))
        })
    };
    if fixed[4] != b'-'
        || fixed[7] != b'-'
        || fixed[10] != b'T'
        || fixed[13] != b':'
        || fixed[16] != b':'
        || text.get(19..)? != b"Z"
    {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    // Day 29 and later depend on the month: leave them to the library.
    if year < 1
        || !(1..=12).contains(&month)
        || !(1..=28).contains(&day)
        || hour > 23
        || minute > 59
        || second > 59
    {
        return None;
    }
    let days = days_from_civil(year, month, day);
    Some(Millis(
        (days * 86_400 + hour * 3600 + minute * 60 + second) * 1000,
    ))
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar (years counted from March, 400-year eras of 146,097 days).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// All digits: a compact date, a compact date and time, or a Unix time.
fn digits(text: &str, zone: &TimeZone) -> Option<Millis> {
    let part = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    match text.len() {
        8 => local(
            civil(part(0..4)?, part(4..6)?, part(6..8)?, (0, 0, 0, 0))?,
            zone,
        ),
        14 => {
            let time = (part(8..10)?, part(10..12)?, part(12..14)?, 0);
            local(civil(part(0..4)?, part(4..6)?, part(6..8)?, time)?, zone)
        }
        9..=19 => unix(text.parse().ok()?),
        _ => None,
    }
}

fn civil(year: i64, month: i64, day: i64, time: (i64, i64, i64, i64)) -> Option<DateTime> {
    let small = |number: i64| i8::try_from(number).ok();
    if year < 1 {
        return None;
    }
    let date = Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
    // A leap second is the second before it; the calendar has no 60.
    let second = if time.2 == 60 { 59 } else { time.2 };
    let time = Time::new(
        small(time.0)?,
        small(time.1)?,
        small(second)?,
        i32::try_from(time.3).ok()?,
    )
    .ok()?;
    Some(DateTime::from_parts(date, time))
}

fn local(at: DateTime, zone: &TimeZone) -> Option<Millis> {
    let stamp = zone.to_timestamp(at).ok()?;
    Some(Millis(stamp.as_millisecond()))
}

fn instant(at: DateTime, offset_seconds: i64) -> Option<Millis> {
    let date = at.date();
    let days = days_from_civil(
        i64::from(date.year()),
        i64::from(date.month()),
        i64::from(date.day()),
    );
    let time = at.time();
    let seconds =
        i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    let ms = (days * 86_400 + seconds - offset_seconds) * 1000
        + i64::from(time.subsec_nanosecond()) / 1_000_000;
    (Millis::MIN.0..=Millis::MAX.0)
        .contains(&ms)
        .then_some(Millis(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Option<String> {
        parse(text, &TimeZone::UTC).map(|at| at.to_string())
    }

    #[test]
    fn forms_of_real_sources() {
        for (text, expected) in [
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"),
            ("2024-02-29T23:59:59Z", "2024-02-29T23:59:59.000Z"),
            ("2003-06-11T20:56:00-07:00", "2003-06-12T03:56:00.000Z"),
            ("2016-07-13 15:11:07+00:00", "2016-07-13T15:11:07.000Z"),
            ("2016-07-13 15:11:07.25 +0800", "2016-07-13T07:11:07.250Z"),
            ("2016-07-13T15:11", "2016-07-13T15:11:00.000Z"),
            ("2007-7-26", "2007-07-26T00:00:00.000Z"),
            ("2008年04月05日09:12", "2008-04-05T09:12:00.000Z"),
            ("2008年4月5日 9时12分30秒", "2008-04-05T09:12:30.000Z"),
            ("Sun, 23 Sep 2018 06:00:00 GMT", "2018-09-23T06:00:00.000Z"),
            ("23 Sep 18 06:00 -0700 (PDT)", "2018-09-23T13:00:00.000Z"),
            ("Sep 23, 2018 6:05 PM UTC", "2018-09-23T18:05:00.000Z"),
            ("1537653600", "2018-09-22T22:00:00.000Z"),
            ("1537653600123", "2018-09-22T22:00:00.123Z"),
            ("1537653600.5", "2018-09-22T22:00:00.500Z"),
            ("20160713151107", "2016-07-13T15:11:07.000Z"),
            ("20160713", "2016-07-13T00:00:00.000Z"),
        ] {
            assert_eq!(utc(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn doubtful_times_are_refused() {
        for text in [
            "",
            "yesterday",
            "03/04/2018",
            "2018-13-01",
            "2018-02-30",
            "2018-01-01T25:00:00Z",
            "7",
            "2018-01-01T10:00 CST",
        ] {
            assert_eq!(utc(text), None, "{text}");
        }
    }

    #[test]
    fn local_times_use_the_feeds_zone() {
        let shanghai = TimeZone::get("Asia/Shanghai").unwrap();
        let at = parse("2008年4月5日9时12分", &shanghai).unwrap();
        assert_eq!(at.to_string(), "2008-04-05T01:12:00.000Z");
        let new_york = TimeZone::get("America/New_York").unwrap();
        assert_eq!(
            parse("2018-07-01 12:00:00", &new_york).unwrap().to_string(),
            "2018-07-01T16:00:00.000Z"
        );
    }

    #[test]
    fn the_short_cut_agrees_with_the_library() {
        for day in (-719_000..2_900_000).step_by(97) {
            let at = Millis(day * 86_400_000 + 3_723_000);
            let text = at.to_string().replace(".000Z", "Z");
            assert_eq!(rfc3339(text.as_bytes()).unwrap_or(at), at, "{text}");
            assert_eq!(parse(&text, &TimeZone::UTC), Some(at), "{text}");
        }
    }
}
