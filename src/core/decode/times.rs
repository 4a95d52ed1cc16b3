//! Times as sources write them.
//!
//! Invariant: a form that can be read in two ways (`03/04/2018`) is refused, not guessed.

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

/// What is left to read of a time.
struct Cursor<'a> {
    rest: &'a str,
}

impl Cursor<'_> {
    /// Date, time if any, and offset in seconds if stated.
    fn date_time(&mut self) -> Option<(DateTime, Option<i64>)> {
        let (year, month, day) =
            if self.rest.starts_with(|c: char| c.is_ascii_digit()) && !self.is_day_and_month() {
                self.iso_date()?
            } else {
                self.mail_date()?
            };
        self.skip(|c| matches!(c, 'T' | 't' | ' ' | ',' | '_' | '\u{3000}'));
        if self.rest.is_empty() {
            return Some((civil(year, month, day, (0, 0, 0, 0))?, None));
        }
        let time = self.time()?;
        self.skip(|c| c == ' ');
        let offset = self.offset()?;
        Some((civil(year, month, day, time)?, offset))
    }

    /// `23 Sep 2018` begins with a digit too.
    fn is_day_and_month(&self) -> bool {
        let rest = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        rest.trim_start_matches([' ', '-'])
            .starts_with(|c: char| c.is_ascii_alphabetic())
            && self.rest.len() - rest.len() <= 2
    }

    /// `2016-07-13`, `2016/7/13`, `2016.07.13`, `2008年04月05日`.
    fn iso_date(&mut self) -> Option<(i64, i64, i64)> {
        let year = self.number(4, 4)?;
        let separator = self.one_of(&['-', '/', '.', '年'])?;
        let month = self.number(1, 2)?;
        self.one_of(&[if separator == '年' { '月' } else { separator }])?;
        let day = self.number(1, 2)?;
        self.one_of(&['日', '号']);
        Some((year, month, day))
    }

    /// `Sun, 23 Sep 2018`, `23-Sep-2018`, `Sep 23, 2018`.
    fn mail_date(&mut self) -> Option<(i64, i64, i64)> {
        let mut word = self.word();
        if is_weekday(word) {
            self.skip(|c| matches!(c, ',' | ' '));
            word = self.word();
        }
        let join = |c: char| matches!(c, ' ' | '-' | ',' | '.');
        if let Some(month) = month(word) {
            self.skip(join);
            let day = self.number(1, 2)?;
            self.skip(join);
            return Some((self.number(4, 4)?, month, day));
        }
        if !word.is_empty() {
            return None;
        }
        let day = self.number(1, 2)?;
        self.skip(join);
        let month = month(self.word())?;
        self.skip(join);
        let year = self.number(2, 4)?;
        // RFC 2822, 4.3: two digits up to 49 are this century, the rest the last.
        let year = match year {
            0..=49 => year + 2000,
            50..=999 => year + 1900,
            _ => year,
        };
        Some((year, month, day))
    }

    /// `15:11`, `15:11:07.25`, `9时12分`, with AM or PM perhaps.
    fn time(&mut self) -> Option<(i64, i64, i64, i64)> {
        let mut hour = self.number(1, 2)?;
        let (mut minute, mut second, mut nanos) = (0, 0, 0);
        if self.one_of(&[':', '：', '时', '点'])? == '时' && self.rest.is_empty() {
            return Some((hour, 0, 0, 0));
        }
        if let Some(read) = self.number(1, 2) {
            minute = read;
            if self.one_of(&[':', '：', '分']).is_some()
                && let Some(read) = self.number(1, 2)
            {
                second = read;
                self.one_of(&['秒']);
                if self.one_of(&['.', ',']).is_some() {
                    nanos = self.fraction()?;
                }
            }
        }
        let before = self.rest;
        self.skip(|c| c == ' ');
        match self.word() {
            "AM" | "am" if hour <= 12 => hour %= 12,
            "PM" | "pm" if hour <= 12 => hour = hour % 12 + 12,
            _ => self.rest = before,
        }
        Some((hour, minute, second, nanos))
    }

    /// Digits after the point as nanoseconds.
    fn fraction(&mut self) -> Option<i64> {
        let length = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        let kept = &digits[..length.min(9)];
        let scale = 10_i64.pow(9 - kept.len() as u32);
        Some(kept.parse::<i64>().ok()? * scale)
    }

    /// Seconds east of UTC; inner none when nothing is stated; outer none when it is not an offset.
    #[allow(clippy::option_option)]
    fn offset(&mut self) -> Option<Option<i64>> {
        if self.rest.is_empty() {
            return Some(None);
        }
        if let Some(sign) = self.one_of(&['+', '-', '−']) {
            let hour = self.two_digits()?;
            self.one_of(&[':']);
            let minute = if self.rest.is_empty() {
                0
            } else {
                self.two_digits()?
            };
            self.skip(|c| c == ' ');
            // RFC 2822 allows a comment behind the offset, `+0000 (UTC)`.
            if self.rest.starts_with('(') && self.rest.ends_with(')') {
                self.rest = "";
            }
            let seconds = hour * 3600 + minute * 60;
            return (hour <= 18 && minute <= 59).then_some(Some(if sign == '+' {
                seconds
            } else {
                -seconds
            }));
        }
        let hours = match self.word() {
            "Z" | "z" | "UT" | "UTC" | "GMT" => 0,
            "EDT" => -4,
            "EST" | "CDT" => -5,
            "MDT" => -6,
            "MST" | "PDT" => -7,
            "PST" => -8,
            _ => return None,
        };
        if self.rest.is_empty() {
            Some(Some(hours * 3600))
        } else {
            None
        }
    }

    fn skip(&mut self, accept: impl Fn(char) -> bool) {
        self.rest = self.rest.trim_start_matches(accept);
    }

    fn one_of(&mut self, accepted: &[char]) -> Option<char> {
        let c = self.rest.chars().next().filter(|c| accepted.contains(c))?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn number(&mut self, fewest: usize, most: usize) -> Option<i64> {
        let length = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        if length < fewest || length > most {
            return None;
        }
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        digits.parse().ok()
    }

    fn two_digits(&mut self) -> Option<i64> {
        let (digits, rest) = self.rest.split_at_checked(2)?;
        self.rest = rest;
        digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| digits.parse().ok())?
    }

    fn word(&mut self) -> &str {
        let length = self
            .rest
            .bytes()
            .take_while(u8::is_ascii_alphabetic)
            .count();
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        word
    }
}

fn month(word: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let start = word.get(..3)?.to_ascii_lowercase();
    MONTHS
        .iter()
        .position(|month| *month == start)
        .map(|index| index as i64 + 1)
}

fn is_weekday(word: &str) -> bool {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    word.get(..3)
        .is_some_and(|start| DAYS.contains(&start.to_ascii_lowercase().as_str()))
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
